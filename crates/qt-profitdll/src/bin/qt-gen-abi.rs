//! Writes the generated files of the ABI, or with `--check` fails when one is stale (`make gen`).

use std::process::ExitCode;

use qt_profitdll::generate::{outputs, root, stale};

fn main() -> ExitCode {
    let stale = stale();
    if std::env::args().any(|a| a == "--check") {
        for path in &stale {
            eprintln!("stale: {path} (run `make gen`)");
        }
        return if stale.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    for (path, text) in outputs().into_iter().filter(|(path, _)| stale.contains(path)) {
        if let Err(e) = std::fs::write(root().join(path), text) {
            eprintln!("writing {path}: {e}");
            return ExitCode::FAILURE;
        }
        eprintln!("wrote {path}");
    }
    ExitCode::SUCCESS
}
