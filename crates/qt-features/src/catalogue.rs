//! The catalogue: every registered feature, and the files generated from it.

use std::fmt::Write as _;
use std::sync::OnceLock;

use crate::families::{ALL, Entry};
use crate::spec::{Spec, Symmetry, Zero};

/// Every registered feature with the entry that builds it, by catalogue number.
pub fn catalogue() -> &'static [(&'static Spec, Entry)] {
    static TABLE: OnceLock<Vec<(&'static Spec, Entry)>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut all: Vec<_> = ALL
            .iter()
            .flat_map(|family| family.iter())
            .flat_map(|entry| entry.specs.iter().map(move |spec| (spec, *entry)))
            .collect();
        all.sort_by_key(|(spec, _)| spec.number);
        all
    })
}

/// The catalogue entry of this name.
pub fn find(name: &str) -> Option<(&'static Spec, Entry)> {
    catalogue().iter().find(|(spec, _)| spec.name == name).copied()
}

/// Up to three catalogue names within a Levenshtein distance of `max(2, len/3)`, nearest first.
pub fn close_names(name: &str) -> Vec<&'static str> {
    let reach = (name.chars().count() / 3).max(2);
    let mut near: Vec<(usize, &'static str)> = catalogue()
        .iter()
        .map(|(spec, _)| (distance(name, spec.name), spec.name))
        .filter(|(d, _)| *d <= reach)
        .collect();
    near.sort_by_key(|(d, _)| *d); // stable: catalogue order on ties
    near.into_iter().take(3).map(|(_, n)| n).collect()
}

/// Levenshtein distance: insertions, deletions and substitutions that turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// FNV-1a, 64 bits.
pub(crate) fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// FNV-1a of the catalogue's text, 16 hexadecimal digits: changes whenever an entry does, and with nothing else
/// (costs, translations and aliases are no part of it).
pub fn hash() -> String {
    format!("{:016x}", fnv1a(&entries_json()))
}

/// Contents of `quantumtrader/_generated/catalog.json`.
pub fn catalog_json() -> String {
    format!("{{\n  \"hash\": \"{}\",\n  \"features\": [\n{}\n  ]\n}}\n", hash(), entries_json())
}

/// Contents of `quantumtrader/_generated/detectors.json`: kinds of detections and thresholds of detectors.
pub fn detectors_json() -> String {
    use qt_flow::detect::{DetectorKind, PARAMETERS};
    let kinds: Vec<String> = DetectorKind::ALL
        .iter()
        .map(|k| {
            let fields: Vec<String> = k.fields().iter().map(|f| quoted(f)).collect();
            let (name, fields) = (quoted(k.name()), fields.join(", "));
            format!("    {{\"code\": {}, \"name\": {name}, \"fields\": [{fields}]}}", *k as u8)
        })
        .collect();
    let parameters: Vec<String> = PARAMETERS
        .iter()
        .map(|p| {
            format!(
                "    {{\"name\": {}, \"default\": {}, \"low\": {}, \"high\": {}, \"unit\": {}, \"whole\": {}, \"doc\": {}}}",
                quoted(p.name),
                p.default,
                p.low,
                p.high,
                quoted(p.unit),
                p.whole,
                quoted(p.doc)
            )
        })
        .collect();
    let (kinds, parameters) = (kinds.join(",\n"), parameters.join(",\n"));
    format!("{{\n  \"kinds\": [\n{kinds}\n  ],\n  \"parameters\": [\n{parameters}\n  ]\n}}\n")
}

fn entries_json() -> String {
    catalogue().iter().map(|(spec, _)| entry_json(spec)).collect::<Vec<_>>().join(",\n")
}

fn entry_json(s: &Spec) -> String {
    use crate::spec::Warmup;
    let inputs: Vec<String> = s.inputs.iter().map(|i| format!("\"{}\"", i.code())).collect();
    let (ns, items) = match s.warmup {
        Warmup::Time(ns) => (ns.to_string(), "null".into()),
        Warmup::Items(n) => ("null".into(), n.to_string()),
        Warmup::State | Warmup::None => ("null".into(), "null".to_string()),
    };
    let zero = match s.zero {
        Zero::Zero => "\"Z0\"",
        Zero::Nan => "\"ZN\"",
        Zero::Never => "null",
    };
    let symmetry = |x: Symmetry, moves: &str| match x {
        Symmetry::Keeps => "\"keeps\"".to_string(),
        Symmetry::Moves => format!("\"{moves}\""),
        Symmetry::Open => "null".to_string(),
    };
    let bound = |x: f64| if x.is_finite() { format!("{x:?}") } else { "null".into() };
    let mut out = String::from("    {");
    let mut field = |key: &str, value: String| {
        let comma = if key == "number" { "" } else { "," };
        let _ = write!(out, "{comma}\n      \"{key}\": {value}");
    };
    field("number", s.number.to_string());
    field("name", quoted(s.name));
    field("family", quoted(s.family.name()));
    field("definition", quoted(s.definition));
    field("inputs", format!("[{}]", inputs.join(", ")));
    field("window", quoted(&s.window.to_string()));
    field("unit", quoted(s.unit));
    field("range", format!("[{}, {}]", bound(s.range.0), bound(s.range.1)));
    field("kind", quoted(s.kind.name()));
    field("warmup", quoted(s.warmup.code()));
    field("warmup_ns", ns);
    field("warmup_items", items);
    field("zero", zero.into());
    field("reset", quoted(s.reset.name()));
    field("swap_sides", symmetry(s.swap_sides, "flips"));
    field("scale_sizes", symmetry(s.scale_sizes, "scales"));
    field("update", quoted(s.update));
    field("source", quoted(s.source));
    out.push_str("\n    }");
    out
}

pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique() {
        let mut names: Vec<_> = catalogue().iter().map(|(s, _)| s.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), catalogue().len());
        assert!(catalogue().windows(2).all(|w| w[0].0.number < w[1].0.number));
    }

    #[test]
    fn the_catalogue_has_no_gap() {
        let numbers = catalogue().iter().map(|(s, _)| usize::from(s.number));
        assert!(numbers.eq(1..=catalogue().len()));
        assert!(catalogue().len() >= 250);
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(close_names("flow_ofi_2m"), ["flow_ofi_1m", "flow_ofi_5m", "flow_ofi_15m"]);
        assert!(close_names("zzzzzzzz").is_empty());
    }
}
