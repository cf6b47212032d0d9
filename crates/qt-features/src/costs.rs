//! What features add to an event: figures of one machine, written by `benches/costs.rs`.

/// Measured ns per event.
const TABLE: &str = include_str!("../costs.tsv");

/// Measured ns per event of a feature; none for one that has not been measured.
pub fn cost(name: &str) -> Option<f64> {
    lines().find(|(n, _)| *n == name).and_then(|(_, ns)| ns.parse().ok())
}

/// Machine, compiler, commit, day and workload of the measurement.
pub fn measured_on() -> &'static str {
    TABLE.lines().next().map_or("", |l| l.trim_start_matches("# "))
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.lines().filter(|l| !l.starts_with('#')).skip(1).filter_map(|l| l.split_once('\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_number_for_a_feature() {
        for (name, ns) in lines() {
            assert!(crate::catalogue::find(name).is_some(), "costs.tsv has {name}, the catalogue has not");
            assert!(ns.parse::<f64>().is_ok_and(|x| x >= 0.0), "{name}: {ns:?} is no cost");
        }
        assert!(measured_on().contains("rustc"), "{}", measured_on());
    }
}
