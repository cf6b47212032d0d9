//! Writes every generated file of the project, or with `--check` fails when one is stale (`make gen`).

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn outputs() -> Vec<(&'static str, String)> {
    vec![
        ("python/quantumtrader/_generated/schema.py", qt_core::schema::python_schema()),
        ("python/quantumtrader/_generated/instruments.json", qt_core::schema::instruments_json()),
    ]
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn main() -> ExitCode {
    let check = std::env::args().any(|a| a == "--check");
    let mut stale = 0;
    for (path, text) in outputs() {
        let full = root().join(path);
        if std::fs::read_to_string(&full).is_ok_and(|old| old == text) {
            continue;
        }
        if check {
            eprintln!("stale: {path} (run `make gen`)");
            stale += 1;
        } else if let Err(e) = std::fs::write(&full, text) {
            eprintln!("writing {path}: {e}");
            stale += 1;
        } else {
            eprintln!("wrote {path}");
        }
    }
    if stale == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
