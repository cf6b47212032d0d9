//! Short ways to run an indicator over bars written by hand.

use qt_flow::{Bar, Flow};

use crate::feature::{Build, Setup};
use crate::spec::Spec;

/// A bar that opens at its close.
pub fn bar(high: i32, low: i32, close: i32) -> Bar {
    Bar { start: 0, end: 0, open: close, high, low, close, volume: 0, sides: None }
}

/// Bars without a range.
pub fn closes(values: impl IntoIterator<Item = i32>) -> Vec<Bar> {
    values.into_iter().map(|c| bar(c, c, c)).collect()
}

/// Closes 100, 101, …, each bar from one tick below to one above: every true range is 2.
pub fn rising(n: i32) -> Vec<Bar> {
    (100..100 + n).map(|c| bar(c + 1, c - 1, c)).collect()
}

/// The same downwards from 100.
pub fn falling(n: i32) -> Vec<Bar> {
    (0..n).map(|k| bar(101 - k, 99 - k, 100 - k)).collect()
}

/// Value after each bar.
pub fn values(specs: &'static [Spec], build: Build, name: &str, bars: &[Bar]) -> Vec<f64> {
    let spec = specs.iter().find(|s| s.name == name).expect("the file has this feature");
    let mut flow = Flow::default();
    let mut feature = build(spec, &mut Setup::new(&mut flow));
    bars.iter()
        .map(|b| {
            feature.on_bar(b);
            feature.value(&flow, 0)
        })
        .collect()
}

/// Value after the last bar; checks that the first number comes with the bar that the catalogue says.
pub fn last(specs: &'static [Spec], build: Build, name: &str, bars: &[Bar]) -> f64 {
    let spec = specs.iter().find(|s| s.name == name).expect("the file has this feature");
    let all = values(specs, build, name, bars);
    if let crate::spec::Warmup::Items(n) = spec.warmup {
        assert!(all.iter().take(n as usize - 1).all(|v| v.is_nan()), "{name} has a value before bar {n}");
    }
    *all.last().expect("there are bars")
}
