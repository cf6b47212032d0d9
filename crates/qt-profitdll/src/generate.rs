//! The files that are written from the declarations of this crate and committed.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::callbacks::CALLBACKS;
use crate::codes::SETS;
use crate::exports::EXPORTS;
use crate::layout::{Arg, Callback, CodeKind, CodeSet, Export, Status, Struct, Type};
use crate::{python_codes, reference_page, structs};

/// Every generated file: path from the repository root, and contents.
pub fn outputs() -> [(&'static str, String); 3] {
    [
        ("python/quantumtrader/_generated/profitdll.json", json()),
        ("python/quantumtrader/_generated/profitdll_codes.py", python_codes::module()),
        ("docs/reference/profitdll-abi.md", reference_page::page()),
    ]
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

/// The declarations as JSON. Offsets and sizes come in pairs: with string units of 2 and of 4 bytes. Types are
/// those of [`Type`]'s text.
fn json() -> String {
    let narrow = structs::all::<u16>();
    let wide = structs::all::<u32>();
    let structs = narrow.iter().zip(&wide).map(|(two, four)| struct_json(two, four));
    let sections = [
        ("structs", lines(structs, 2)),
        ("codes", lines(SETS.iter().map(codes_json), 2)),
        ("callbacks", lines(CALLBACKS.iter().map(callback_json), 2)),
        ("functions", lines(EXPORTS.iter().map(function_json), 2)),
    ];
    let body: Vec<_> = sections.iter().map(|(name, items)| format!("  \"{name}\": [{items}\n  ]")).collect();
    format!("{{\n{}\n}}\n", body.join(",\n"))
}

/// Items one below the other, `depth` levels deep.
fn lines(items: impl Iterator<Item = String>, depth: usize) -> String {
    items.map(|item| format!("\n{}{item}", "  ".repeat(depth))).collect::<Vec<_>>().join(",")
}

fn struct_json(two: &Struct, four: &Struct) -> String {
    let sizes =
        (0..=two.version).map(|v| pair((two.size_at)(v).unwrap_or(0), (four.size_at)(v).unwrap_or(0)));
    let sizes = sizes.collect::<Vec<_>>().join(", ");
    let fields = two.fields.iter().zip(four.fields).map(|(a, b)| {
        format!(
            "{{\"name\": {}, \"type\": {}, \"since\": {}, \"offset\": {}, \"doc\": {}}}",
            quoted(a.name),
            quoted(&Type::parse(a.ty).to_string()),
            a.since,
            pair(a.offset, b.offset),
            quoted(a.doc)
        )
    });
    format!(
        "{{\"name\": {}, \"sizes\": [{sizes}], \"doc\": {}, \"fields\": [{}]}}",
        quoted(two.name),
        quoted(two.doc),
        lines(fields, 3)
    )
}

fn codes_json(set: &CodeSet) -> String {
    let kind = match set.kind {
        CodeKind::Enum => "enum",
        CodeKind::Flags => "flags",
    };
    let values = set.codes.iter().map(|code| {
        format!(
            "{{\"name\": {}, \"value\": {}, \"doc\": {}}}",
            quoted(code.name),
            code.value,
            quoted(code.doc)
        )
    });
    format!(
        "{{\"name\": {}, \"kind\": \"{kind}\", \"doc\": {}, \"values\": [{}]}}",
        quoted(set.name),
        quoted(set.doc),
        lines(values, 3)
    )
}

fn callback_json(callback: &Callback) -> String {
    format!(
        "{{\"name\": {}, \"returns\": {}, \"since\": {}, \"args\": {}, \"doc\": {}}}",
        quoted(callback.name),
        quoted(&Type::parse(callback.ret).to_string()),
        quoted(callback.since),
        args_json(callback.args),
        quoted(callback.doc)
    )
}

fn function_json(export: &Export) -> String {
    let status = match export.status {
        Status::Current => "current",
        Status::Legacy => "legacy",
        Status::Undocumented => "undocumented",
    };
    format!(
        "{{\"name\": {}, \"group\": {}, \"status\": \"{status}\", \"routing\": {}, \"since\": {}, \"returns\": {}, \
         \"args\": {}, \"doc\": {}}}",
        quoted(export.name),
        quoted(export.group),
        export.routing,
        quoted(export.since),
        quoted(&Type::parse(export.ret).to_string()),
        args_json(export.args),
        quoted(export.doc)
    )
}

fn args_json(args: &[Arg]) -> String {
    let pairs =
        args.iter().map(|a| format!("[{}, {}]", quoted(a.name), quoted(&Type::parse(a.ty).to_string())));
    format!("[{}]", pairs.collect::<Vec<_>>().join(", "))
}

fn pair(two: usize, four: usize) -> String {
    format!("[{two}, {four}]")
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                let _ = write!(out, "\\{c}");
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn committed_files_are_current() {
        assert!(super::stale().is_empty(), "stale: {:?}; run `make gen`", super::stale());
    }

    #[test]
    fn quotes_are_escaped() {
        assert_eq!(super::quoted("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000a\"");
    }
}
