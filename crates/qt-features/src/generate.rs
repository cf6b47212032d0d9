//! The files that are written from the Rust declarations and committed.

use std::path::PathBuf;

use crate::{aliases, catalogue, portuguese, reference_page};

/// Every generated file: path from the repository root, and contents.
pub fn outputs() -> Vec<(&'static str, String)> {
    vec![
        ("python/quantumtrader/_generated/schema.py", qt_core::schema::python_schema()),
        ("python/quantumtrader/_generated/instruments.json", qt_core::schema::instruments_json()),
        ("python/quantumtrader/_generated/catalog.json", catalogue::catalog_json()),
        ("python/quantumtrader/_generated/detectors.json", catalogue::detectors_json()),
        ("python/quantumtrader/_generated/aliases.json", aliases::aliases_json()),
        ("docs/reference/features.md", reference_page::english()),
        ("docs/pt-br/reference/features.md", reference_page::portuguese()),
    ]
}

/// The Portuguese definitions, accepted as translations of today's English ones: path and contents.
pub fn translations() -> (&'static str, String) {
    ("crates/qt-features/portuguese.tsv", portuguese::accepted())
}

/// Root of the repository that this crate was built in.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Generated files that differ from what would be written now.
pub fn stale() -> Vec<&'static str> {
    outputs()
        .into_iter()
        .filter(|(path, text)| !std::fs::read_to_string(root().join(path)).is_ok_and(|old| old == *text))
        .map(|(path, _)| path)
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn committed_files_are_current() {
        assert!(super::stale().is_empty(), "stale: {:?}; run `make gen`", super::stale());
    }
}
