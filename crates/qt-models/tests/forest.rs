//! The forest against a walk one node at a time, over the doors it has, and without allocations.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails
#![allow(unsafe_code)] // an allocator that counts, and hands everything on to that of the system

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{Random, Shape};
use qt_models::{Error, Forest, Scratch};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is that of the system's allocator with the same arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as for the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `alloc` above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The column of a tree's block.
fn column<T: std::str::FromStr>(block: &str, key: &str) -> Vec<T> {
    let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    line.unwrap_or_default().split_whitespace().map(|word| word.parse().ok().unwrap()).collect()
}

/// LightGBM's published rules, straight over the text.
fn naive(text: &str, row: &[f64], classes: usize) -> Vec<f64> {
    const ZERO: f64 = 1e-35_f32 as f64;
    let mut scores = vec![0.0; classes];
    let trees = text.split("end of trees").next().unwrap().split("\nTree=").skip(1);
    for (k, block) in trees.enumerate() {
        let (feature, decision) =
            (column::<usize>(block, "split_feature"), column::<u8>(block, "decision_type"));
        let (threshold, leaves) = (column::<f64>(block, "threshold"), column::<f64>(block, "leaf_value"));
        let (left, right) = (column::<i32>(block, "left_child"), column::<i32>(block, "right_child"));
        let (bounds, words) =
            (column::<usize>(block, "cat_boundaries"), column::<u32>(block, "cat_threshold"));
        let mut at = 0;
        while at >= 0 {
            let node = at as usize;
            let mut value = row[feature[node]];
            if value.abs() <= ZERO {
                value = 0.0;
            }
            let go_left = if decision[node] & 1 == 1 {
                let set = &words[bounds[threshold[node] as usize]..bounds[threshold[node] as usize + 1]];
                let category = value.trunc();
                (0.0..set.len() as f64 * 32.0).contains(&category)
                    && set[category as usize / 32] >> (category as usize % 32) & 1 == 1
            } else {
                let missing = decision[node] >> 2;
                if value.is_nan() && missing != 2 {
                    value = 0.0;
                }
                if (missing == 1 && value == 0.0) || (missing == 2 && value.is_nan()) {
                    decision[node] & 2 == 2
                } else {
                    value <= threshold[node]
                }
            };
            at = if go_left { left[node] } else { right[node] };
        }
        scores[k % classes] += leaves[!at as usize];
    }
    scores
}

fn shape(trees: usize, leaves: usize, classes: usize) -> Shape {
    Shape { features: 9, trees, leaves, classes, mixed: true }
}

#[test]
fn scores_are_those_of_a_walk_node_by_node() {
    for (seed, trees, leaves, classes) in
        [(1, 1, 2, 1), (2, 16, 31, 1), (3, 17, 5, 1), (4, 51, 12, 3), (5, 40, 2, 2), (6, 100, 63, 1)]
    {
        let text = common::lightgbm(seed, shape(trees, leaves, classes));
        let forest = Forest::from_text(&text).unwrap();
        let mut rows = Random(seed).rows(200, 9);
        for (k, value) in rows.iter_mut().enumerate() {
            match k % 7 {
                0 => *value = f64::NAN,
                1 => *value = [0.0, -0.0, 1e-35, -1e-36, f64::INFINITY, f64::NEG_INFINITY, -0.5][k / 7 % 7],
                2 => *value = (*value * 40.0).trunc(),
                _ => {}
            }
        }
        let mut out = vec![0.0; 200 * classes];
        forest.predict_raw(&rows, &mut forest.scratch(), &mut out).unwrap();
        for (row, scores) in rows.chunks(9).zip(out.chunks(classes)) {
            assert_eq!(scores, naive(&text, row, classes), "seed {seed}");
        }
    }
}

#[test]
fn a_row_and_a_batch_are_the_same_numbers() {
    for text in [common::lightgbm(1, shape(30, 9, 3)), common::xgboost(1, shape(30, 9, 3))] {
        let forest = Forest::from_text(&text).unwrap();
        let (rows, mut scratch) = (Random(2).rows(50, 9), forest.scratch());
        let (mut batch, mut one) = (vec![0.0; 150], [0.0; 3]);
        forest.predict(&rows, &mut scratch, &mut batch).unwrap();
        for (row, expected) in rows.chunks(9).zip(batch.chunks(3)) {
            forest.predict(row, &mut scratch, &mut one).unwrap();
            assert_eq!(one, expected);
            assert!((one.iter().sum::<f64>() - 1.0).abs() < 1e-6);
        }
    }
}

#[test]
fn nothing_is_allocated_once_a_scratch_is_warm() {
    for text in [common::lightgbm(1, shape(66, 31, 3)), common::xgboost(1, shape(66, 31, 3))] {
        let forest = Forest::from_text(&text).unwrap();
        let (rows, mut scratch, mut out) = (Random(2).rows(1_000, 9), Scratch::default(), [0.0; 3]);
        forest.predict(&rows[..9], &mut scratch, &mut out).unwrap();
        let before = ALLOCATIONS.get();
        for row in rows.chunks(9) {
            forest.predict(row, &mut scratch, &mut out).unwrap();
        }
        assert_eq!(ALLOCATIONS.get(), before);
    }
}

#[test]
fn one_scratch_serves_several_forests() {
    let forests = [(1, 40, 9), (2, 3, 31)].map(|(seed, trees, leaves)| {
        Forest::from_text(&common::lightgbm(seed, shape(trees, leaves, 1))).unwrap()
    });
    let (row, mut scratch) = (Random(3).rows(1, 9), Scratch::default());
    for forest in forests.iter().chain(&forests) {
        let (mut shared, mut own) = ([0.0], [0.0]);
        forest.predict(&row, &mut scratch, &mut shared).unwrap();
        forest.predict(&row, &mut forest.scratch(), &mut own).unwrap();
        assert_eq!(shared, own);
    }
}

#[test]
fn rows_of_another_width_are_errors() {
    let forest = Forest::from_text(&common::lightgbm(1, shape(3, 4, 1))).unwrap();
    let mut scratch = forest.scratch();
    let narrow = forest.predict(&[0.0; 8], &mut scratch, &mut [0.0]);
    assert_eq!(narrow, Err(Error::Width { features: 9, found: 8 }));
    let crowded = forest.predict(&[0.0; 18], &mut scratch, &mut [0.0]);
    assert_eq!(crowded, Err(Error::Results { expected: 2, found: 1 }));
}

#[test]
fn forests_go_to_other_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Forest>();
    shared::<Scratch>();
}
