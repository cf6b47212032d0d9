//! Directional movement system of Wilder (1978).

use crate::prelude::*;

const WILDER: Spec = Spec { update: "U7", source: "Wilder 1978; TA-Lib", ..Spec::TECHNICAL };
const INDICATOR: Spec =
    Spec { window: Window::Bars(15), range: (0.0, 100.0), warmup: Warmup::Items(15), zero: Zero::Zero, ..WILDER };

/// Catalogue entries.
pub const SPECS: &[Spec] = &[
    Spec {
        number: 188,
        name: "adx_14",
        definition: "Wilder average of DX = 100·|+DI−−DI|/(+DI+−DI), begun with the mean of 14; \
                     a bar with both DI at 0 counts 0 in that mean and leaves the average as it is later",
        window: Window::Bars(28),
        range: (0.0, 100.0),
        warmup: Warmup::Items(28),
        swap_sides: Symmetry::Keeps,
        ..WILDER
    },
    Spec {
        number: 189,
        name: "plus_di_14",
        definition: "100·Σ+DM/ΣTR; +DM = H−H[−1] where that is > 0 and > L[−1]−L, else 0; \
                     Σ is a sum of 13, then s − s/14 + x; 0 where ΣTR is 0",
        ..INDICATOR
    },
    Spec {
        number: 190,
        name: "minus_di_14",
        definition: "100·Σ−DM/ΣTR; −DM = L[−1]−L where that is > 0 and > H−H[−1], else 0; sums as in plus_di_14",
        ..INDICATOR
    },
    Spec {
        number: 191,
        name: "di_spread_14",
        definition: "(+DI−−DI)/(+DI+−DI)",
        range: (-1.0, 1.0),
        swap_sides: Symmetry::Moves,
        ..INDICATOR
    },
    Spec {
        number: 192,
        name: "adx_slope_5",
        definition: "(ADX−ADX[−5])/5",
        window: Window::Bars(33),
        unit: "1/bar",
        range: (-20.0, 20.0),
        warmup: Warmup::Items(33),
        swap_sides: Symmetry::Keeps,
        source: "standard",
        ..WILDER
    },
];

#[derive(Clone)]
struct Index(Adx);

impl Rule for Index {
    fn close(&mut self, bar: &Bar) -> f64 {
        self.0.push(bar)
    }
}

#[derive(Clone)]
struct IndexSlope {
    adx: Adx,
    last: Last<f64, 6>,
}

impl Rule for IndexSlope {
    fn close(&mut self, bar: &Bar) -> f64 {
        let adx = self.adx.push(bar);
        self.last.push(adx);
        self.last.back(5).map_or(f64::NAN, |before| (adx - before) / 5.0)
    }
}

#[derive(Clone)]
struct Movement {
    sums: Directional,
    read: fn(&Directional) -> f64,
}

impl Rule for Movement {
    fn close(&mut self, bar: &Bar) -> f64 {
        if self.sums.push(bar) { (self.read)(&self.sums) } else { f64::NAN }
    }
}

fn spread(d: &Directional) -> f64 {
    let both = d.plus + d.minus;
    if both == 0.0 { 0.0 } else { (d.plus - d.minus) / both }
}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {
    let read = match spec.name {
        "adx_14" => return held(Index(Adx::new(14)), setup),
        "adx_slope_5" => return held(IndexSlope { adx: Adx::new(14), last: Last::default() }, setup),
        "plus_di_14" => Directional::plus_di,
        "minus_di_14" => Directional::minus_di,
        _ => spread,
    };
    held(Movement { sums: Directional::new(14), read }, setup)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicators::testing::{closes, falling, last, rising};

    #[test]
    fn one_direction_only() {
        let sum = 13.0 - 13.0 / 14.0 + 1.0;
        let range = 26.0 - 26.0 / 14.0 + 2.0;
        assert_eq!(last(SPECS, build, "plus_di_14", &rising(15)), 100.0 * (sum / range));
        assert_eq!(last(SPECS, build, "minus_di_14", &rising(15)), 0.0);
        assert_eq!(last(SPECS, build, "di_spread_14", &rising(15)), 1.0);
        assert_eq!(last(SPECS, build, "di_spread_14", &falling(15)), -1.0);
        assert_eq!(last(SPECS, build, "adx_14", &rising(28)), 100.0);
        assert_eq!(last(SPECS, build, "adx_14", &falling(28)), 100.0);
        assert_eq!(last(SPECS, build, "adx_slope_5", &falling(33)), 0.0);
    }

    #[test]
    fn nothing_moves() {
        for (name, bars) in [("adx_14", 28), ("plus_di_14", 15), ("minus_di_14", 15), ("di_spread_14", 15)] {
            assert_eq!(last(SPECS, build, name, &closes(vec![100; bars])), 0.0);
        }
        // Flat up to bar 27: thirteen missing DX count 0 in the first mean.
        let jump: Vec<_> = closes(vec![100; 27]).into_iter().chain(closes([103])).collect();
        assert_eq!(last(SPECS, build, "adx_14", &jump), 100.0 / 14.0);
    }
}
