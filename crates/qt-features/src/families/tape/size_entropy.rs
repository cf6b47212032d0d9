//! Evenness of volume over the size classes.

use qt_flow::contents::{Contents, part};

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {
    number: 51,
    name: "trade_size_entropy_5m",
    definition: "−Σ s ln s / ln 5, s = share of the window's volume in trades of q < 5, 5–19, 20–49, 50–99 and ≥ 100; \
                 an empty class adds 0",
    window: Window::Time(5 * MINUTE),
    range: (0.0, 1.0),
    warmup: Warmup::Time(5 * MINUTE),
    zero: Zero::Nan,
    scale_sizes: Symmetry::Open,
    source: "Shannon",
    ..Spec::TAPE
}];

fn entropy(contents: &Contents) -> f64 {
    let volume = &contents.classes.volume;
    let whole = volume.iter().sum::<i64>() as f64;
    if whole == 0.0 {
        return f64::NAN;
    }
    let sum: f64 = volume.iter().filter(|v| **v > 0).map(|v| *v as f64 / whole).map(|s| s * s.ln()).sum();
    // Five equal shares may round to more than 1.
    (-sum / 5.0f64.ln()).clamp(0.0, 1.0) + 0.0
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    super::contents::build(spec, setup, part::CLASSES, entropy)
}

#[cfg(test)]
mod tests {
    use super::super::contents::{print, values};
    use super::*;

    #[test]
    fn by_hand() {
        let five = [4, 4, 4, 4, 4, 10, 10, 20, 70, 150].map(|q| print(q, 0));
        let h = (20.0f64 / 280.0, 70.0f64 / 280.0, 150.0f64 / 280.0);
        let expected = -(3.0 * h.0 * h.0.ln() + h.1 * h.1.ln() + h.2 * h.2.ln()) / 5.0f64.ln();
        let v = values(SPECS, build, &five)[0];
        assert!((v[0] - expected).abs() < 1e-15);
        assert_eq!(v[1].to_bits(), 0.0f64.to_bits());
        let even: Vec<Print> = (0..25).map(|_| print(4, 1)).chain((0..10).map(|_| print(10, 1))).collect();
        let rest = [20, 20, 20, 20, 20, 50, 50, 100].map(|q| print(q, -1));
        let even = [even, rest.to_vec()].concat();
        assert!((values(SPECS, build, &even)[0][0] - 1.0).abs() < 1e-15);
        assert!(values(SPECS, build, &[])[0][0].is_nan());
    }
}
