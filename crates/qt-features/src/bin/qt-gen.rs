//! Writes every generated file of the project, or with `--check` fails when one is stale (`make gen`).
//!
//! `--translated` says instead that the Portuguese definitions are those of today's English ones.

use std::path::Path;
use std::process::ExitCode;

use qt_features::generate::{outputs, root, stale, translations};

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

fn main() -> ExitCode {
    let stale = stale();
    if std::env::args().any(|a| a == "--check") {
        for path in &stale {
            eprintln!("stale: {path} (run `make gen`)");
        }
        return if stale.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let files: Vec<_> = if std::env::args().any(|a| a == "--translated") {
        vec![translations()]
    } else {
        outputs().into_iter().filter(|(path, _)| stale.contains(path)).collect()
    };
    for (path, text) in files {
        if let Err(e) = write(&root().join(path), &text) {
            eprintln!("writing {path}: {e}");
            return ExitCode::FAILURE;
        }
        eprintln!("wrote {path}");
    }
    ExitCode::SUCCESS
}
