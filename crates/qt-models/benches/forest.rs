//! One fresh row per call through models of the sizes that are traded with; rows rotate, since one row again and again
//! flatters every cache. A is 200 trees of 31 leaves, B 500 of 63, C three classes and 900 of 31; 250 features.

#[path = "../tests/common/mod.rs"]
mod common;

use common::{Random, Shape};
use criterion::{Criterion, criterion_group, criterion_main};
use qt_models::Forest;

const ROWS: usize = 1_024;
const FEATURES: usize = 250;

fn benches(c: &mut Criterion) {
    let rows = Random(7).rows(ROWS, FEATURES);
    let mut group = c.benchmark_group("one row");
    for (name, trees, leaves, classes, mixed) in [
        ("A", 200, 31, 1, false),
        ("B", 500, 63, 1, false),
        ("C", 900, 31, 3, false),
        ("A, missing values and categories", 200, 31, 1, true),
    ] {
        let text = common::lightgbm(11, Shape { features: FEATURES, trees, leaves, classes, mixed });
        let forest = Forest::from_text(&text).unwrap_or_else(|e| panic!("{e}"));
        let (mut scratch, mut out, mut k) = (forest.scratch(), vec![0.0; classes], 0);
        group.bench_function(name, |b| {
            b.iter(|| {
                k = (k + 1) % ROWS;
                let row = &rows[k * FEATURES..(k + 1) * FEATURES];
                forest.predict_raw(row, &mut scratch, &mut out).unwrap_or_else(|e| panic!("{e}"));
                out[0]
            });
        });
    }
    group.finish();
    let text =
        common::lightgbm(11, Shape { features: 250, trees: 500, leaves: 63, classes: 1, mixed: false });
    c.bench_function("load B", |b| b.iter(|| Forest::from_text(&text).map(|forest| forest.num_trees())));
}

criterion_group!(forest_benches, benches);
criterion_main!(forest_benches);
