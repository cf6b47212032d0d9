//! Whatever the text, loading gives an error that names a place, or a forest that evaluates.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod common;

use common::{Random, Shape};
use proptest::prelude::*;
use qt_models::{Error, Forest};

const SHAPE: Shape = Shape { features: 5, trees: 6, leaves: 7, classes: 1, mixed: true };

/// Texts to damage: both formats, one class and three, with and without the sizes that reveal most damage at once.
fn texts() -> Vec<String> {
    let many = Shape { classes: 3, ..SHAPE };
    let sized = common::lightgbm(3, SHAPE);
    let bare = |text: &str| {
        text.lines().filter(|line| !line.starts_with("tree_sizes")).collect::<Vec<_>>().join("\n") + "\n"
    };
    vec![
        bare(&sized),
        bare(&common::lightgbm(4, many)),
        common::xgboost(5, SHAPE),
        common::xgboost(6, many),
        sized,
    ]
}

/// Loads, and if that succeeds, evaluates rows with everything in them.
fn exercise(text: &str) -> Result<(), Error> {
    let forest = Forest::from_text(text)?;
    let features = forest.num_features();
    if features > 10_000 {
        return Ok(()); // a damaged count of features is honest about the rows it wants
    }
    let mut rows = Random(1).rows(8, features);
    for (k, value) in rows.iter_mut().enumerate() {
        if k % 3 == 0 {
            *value = [f64::NAN, f64::INFINITY, -0.0, 1e300, 33.0, -1e-40][k / 3 % 6];
        }
    }
    let mut out = vec![0.0; 8 * forest.num_classes()];
    let mut scratch = forest.scratch();
    forest.predict_raw(&rows, &mut scratch, &mut out)?;
    forest.predict(&rows, &mut scratch, &mut out)
}

fn explained(result: Result<(), Error>) {
    if let Err(error) = result {
        let text = error.to_string();
        assert!(text.contains("line ") || text.contains("byte "), "{text}");
        assert!(text.len() < 400, "{text}");
    }
}

#[test]
fn models_as_they_are_evaluate() {
    for text in texts() {
        exercise(&text).unwrap();
    }
}

#[test]
fn every_cut_is_explained() {
    for text in texts() {
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            explained(exercise(&text[..end]));
        }
    }
}

const WORDS: [&str; 22] = [
    "",
    " ",
    "\n",
    "\n\n",
    "=",
    "-1",
    "0",
    "1",
    "7",
    "99999",
    "2147483648",
    "-2147483648",
    "18446744073709551615",
    "nan",
    "inf",
    "1e999",
    "-0.0",
    "{",
    "[",
    "\"",
    ",",
    "\u{e9}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damage_is_refused_or_harmless(
        which in 0..5usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..12usize, 0..WORDS.len()), 1..4),
    ) {
        let mut text = texts().swap_remove(which);
        for (at, length, word) in edits {
            let at = at.index(text.len());
            let end = (at + length).min(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                text.replace_range(at..end, WORDS[word]);
            }
        }
        explained(exercise(&text));
    }

    #[test]
    fn a_number_becomes_another(which in 0..5usize, place in any::<prop::sample::Index>(), word in 5..17usize) {
        let text = texts().swap_remove(which);
        let starts: Vec<usize> = text
            .match_indices(|c: char| c.is_ascii_digit() || c == '-')
            .map(|(at, _)| at)
            .filter(|at| *at == 0 || !matches!(text.as_bytes()[at - 1], b'0'..=b'9' | b'-' | b'.' | b'e'))
            .collect();
        let at = starts[place.index(starts.len())];
        let number = |c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | 'e' | 'E');
        let end = text[at..].find(|c| !number(c)).map_or(text.len(), |length| at + length);
        explained(exercise(&format!("{}{}{}", &text[..at], WORDS[word], &text[end..])));
    }

    #[test]
    fn lines_change_places(which in 0..2usize, a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let text = texts().swap_remove(which);
        let mut lines: Vec<&str> = text.lines().collect();
        let (a, b) = (a.index(lines.len()), b.index(lines.len()));
        lines.swap(a, b);
        explained(exercise(&lines.join("\n")));
    }

    #[test]
    fn any_text_is_explained(text in "\\PC{0,200}") {
        explained(exercise(&text));
        explained(exercise(&format!("tree\n{text}")));
        explained(exercise(&format!("{{\"learner\":{text}")));
    }
}
