//! The catalogue: every registered feature, and the files generated from it.

use std::fmt::Write as _;
use std::sync::OnceLock;

use crate::families::{ALL, Entry};
use crate::spec::{Spec, Symmetry, Zero};

/// Every registered feature with the entry that builds it, by catalogue number.
pub fn catalogue() -> &'static [(&'static Spec, Entry)] {
    static TABLE: OnceLock<Vec<(&'static Spec, Entry)>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut all: Vec<_> = ALL
            .iter()
            .flat_map(|family| family.iter())
            .flat_map(|entry| entry.specs.iter().map(move |spec| (spec, *entry)))
            .collect();
        all.sort_by_key(|(spec, _)| spec.number);
        all
    })
}

/// The catalogue entry of this name.
pub fn find(name: &str) -> Option<(&'static Spec, Entry)> {
    catalogue().iter().find(|(spec, _)| spec.name == name).copied()
}

/// Up to three catalogue names within a Levenshtein distance of `max(2, len/3)`, nearest first.
pub fn close_names(name: &str) -> Vec<&'static str> {
    let reach = (name.chars().count() / 3).max(2);
    let mut near: Vec<(usize, &'static str)> = catalogue()
        .iter()
        .map(|(spec, _)| (distance(name, spec.name), spec.name))
        .filter(|(d, _)| *d <= reach)
        .collect();
    near.sort_by_key(|(d, _)| *d); // stable: catalogue order on ties
    near.into_iter().take(3).map(|(_, n)| n).collect()
}

/// Levenshtein distance: insertions, deletions and substitutions that turn `a` into `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// FNV-1a of the catalogue's text, 16 hexadecimal digits: changes whenever an entry does.
pub fn hash() -> String {
    let mut h: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in entries_json().bytes() {
        h = (h ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{h:016x}")
}

/// Contents of `quantumtrader/_generated/catalog.json`.
pub fn catalog_json() -> String {
    format!("{{\n  \"hash\": \"{}\",\n  \"features\": [\n{}\n  ]\n}}\n", hash(), entries_json())
}

/// Contents of `quantumtrader/_generated/detectors.json`: kinds of detections and thresholds of detectors.
pub fn detectors_json() -> String {
    use qt_flow::detect::{DetectorKind, PARAMETERS};
    let kinds: Vec<String> = DetectorKind::ALL
        .iter()
        .map(|k| {
            let fields: Vec<String> = k.fields().iter().map(|f| quoted(f)).collect();
            let (name, fields) = (quoted(k.name()), fields.join(", "));
            format!("    {{\"code\": {}, \"name\": {name}, \"fields\": [{fields}]}}", *k as u8)
        })
        .collect();
    let parameters: Vec<String> = PARAMETERS
        .iter()
        .map(|p| {
            format!(
                "    {{\"name\": {}, \"default\": {}, \"low\": {}, \"high\": {}, \"unit\": {}, \"whole\": {}, \"doc\": {}}}",
                quoted(p.name),
                p.default,
                p.low,
                p.high,
                quoted(p.unit),
                p.whole,
                quoted(p.doc)
            )
        })
        .collect();
    let (kinds, parameters) = (kinds.join(",\n"), parameters.join(",\n"));
    format!("{{\n  \"kinds\": [\n{kinds}\n  ],\n  \"parameters\": [\n{parameters}\n  ]\n}}\n")
}

fn entries_json() -> String {
    catalogue().iter().map(|(spec, _)| entry_json(spec)).collect::<Vec<_>>().join(",\n")
}

fn entry_json(s: &Spec) -> String {
    use crate::spec::Warmup;
    let inputs: Vec<String> = s.inputs.iter().map(|i| format!("\"{}\"", i.code())).collect();
    let (ns, items) = match s.warmup {
        Warmup::Time(ns) => (ns.to_string(), "null".into()),
        Warmup::Items(n) => ("null".into(), n.to_string()),
        Warmup::State | Warmup::None => ("null".into(), "null".to_string()),
    };
    let zero = match s.zero {
        Zero::Zero => "\"Z0\"",
        Zero::Nan => "\"ZN\"",
        Zero::Never => "null",
    };
    let symmetry = |x: Symmetry, moves: &str| match x {
        Symmetry::Keeps => "\"keeps\"".to_string(),
        Symmetry::Moves => format!("\"{moves}\""),
        Symmetry::Open => "null".to_string(),
    };
    let bound = |x: f64| if x.is_finite() { format!("{x:?}") } else { "null".into() };
    let mut out = String::from("    {");
    let mut field = |key: &str, value: String| {
        let comma = if key == "number" { "" } else { "," };
        let _ = write!(out, "{comma}\n      \"{key}\": {value}");
    };
    field("number", s.number.to_string());
    field("name", quoted(s.name));
    field("family", quoted(s.family.name()));
    field("definition", quoted(s.definition));
    field("inputs", format!("[{}]", inputs.join(", ")));
    field("window", quoted(&s.window.to_string()));
    field("unit", quoted(s.unit));
    field("range", format!("[{}, {}]", bound(s.range.0), bound(s.range.1)));
    field("kind", quoted(s.kind.name()));
    field("warmup", quoted(s.warmup.code()));
    field("warmup_ns", ns);
    field("warmup_items", items);
    field("zero", zero.into());
    field("reset", quoted(s.reset.name()));
    field("swap_sides", symmetry(s.swap_sides, "flips"));
    field("scale_sizes", symmetry(s.scale_sizes, "scales"));
    field("update", quoted(s.update));
    field("source", quoted(s.source));
    out.push_str("\n    }");
    out
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Words of the generated reference page in one language.
struct Words {
    title: &'static str,
    intro: &'static str,
    families: [(&'static str, &'static str); 6],
    heads: [&'static str; 9],
    warm: [&'static str; 4],
    zero: [&'static str; 3],
}

const ENGLISH: Words = Words {
    title: "Features",
    intro: "Conventions, symbols and sampling clocks: [the feature engine](../concepts/feature-engine.md). \
            Outputs are float64 and NaN until warm; `Z0` gives 0 and `ZN` gives NaN for a zero denominator.",
    families: [
        ("order_flow", "Order flow"),
        ("tape_reading", "Tape reading"),
        ("footprint", "Footprint"),
        ("liquidity", "Liquidity"),
        ("microstructure", "Microstructure"),
        ("technical", "Technical"),
    ],
    heads: ["Number", "Name", "Definition", "Inputs", "Window", "Unit", "Range", "Warm-up", "Source"],
    warm: ["of session", "items", "when computable", "none"],
    zero: ["Z0", "ZN", ""],
};

const PORTUGUESE: Words = Words {
    title: "Indicadores",
    intro: "Convenções, símbolos e relógios de amostragem: [o motor de indicadores](../../concepts/feature-engine.md). \
            As saídas são float64 e NaN até o aquecimento terminar; com denominador zero, `Z0` dá 0 e `ZN` dá NaN.",
    families: [
        ("order_flow", "Fluxo de ordens"),
        ("tape_reading", "Leitura de fita"),
        ("footprint", "Footprint"),
        ("liquidity", "Liquidez"),
        ("microstructure", "Microestrutura"),
        ("technical", "Técnicos"),
    ],
    heads: ["Número", "Nome", "Definição", "Dados", "Janela", "Unidade", "Faixa", "Aquecimento", "Fonte"],
    warm: ["de pregão", "itens", "quando calculável", "nenhum"],
    zero: ["Z0", "ZN", ""],
};

/// Contents of `docs/reference/features.md`.
pub fn reference_en() -> String {
    reference(&ENGLISH)
}

/// Contents of `docs/pt-br/reference/features.md`.
pub fn reference_pt() -> String {
    reference(&PORTUGUESE)
}

fn reference(w: &Words) -> String {
    use crate::spec::Warmup;
    let mut out = format!(
        "<!-- Generated by `make gen` from crates/qt-features. Do not edit. -->\n# {}\n\n{}\n",
        w.title, w.intro
    );
    for (family, heading) in w.families {
        let rows: Vec<&Spec> =
            catalogue().iter().map(|(s, _)| *s).filter(|s| s.family.name() == family).collect();
        if rows.is_empty() {
            continue;
        }
        let _ = write!(out, "\n## {heading}\n\n| {} |\n|{}\n", w.heads.join(" | "), "--|".repeat(9));
        for s in rows {
            let inputs: Vec<&str> = s.inputs.iter().map(|i| i.code()).collect();
            let warm = match s.warmup {
                Warmup::Time(ns) => format!("{} {}", crate::spec::Window::Time(ns), w.warm[0]),
                Warmup::Items(_) if matches!(s.window, crate::spec::Window::Sessions(_)) => {
                    s.window.to_string()
                }
                Warmup::Items(n) => format!("{n} {}", w.warm[1]),
                Warmup::State => w.warm[2].into(),
                Warmup::None => w.warm[3].into(),
            };
            let zero = match s.zero {
                Zero::Zero => w.zero[0],
                Zero::Nan => w.zero[1],
                Zero::Never => w.zero[2],
            };
            let _ = writeln!(
                out,
                "| {} | `{}` | {} | {} | {} | {} | {} | {} | {} |",
                s.number,
                s.name,
                s.definition.replace('|', "\\|"),
                inputs.join("+"),
                s.window,
                s.unit,
                range(s.range),
                format!("{warm} {zero}").trim(),
                s.source
            );
        }
    }
    out
}

fn range((lo, hi): (f64, f64)) -> String {
    match (lo.is_finite(), hi.is_finite()) {
        (true, true) => format!("[{lo}, {hi}]"),
        (true, false) => format!("≥ {lo}"),
        (false, true) => format!("≤ {hi}"),
        (false, false) => "ℝ".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique() {
        let mut names: Vec<_> = catalogue().iter().map(|(s, _)| s.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), catalogue().len());
        assert!(catalogue().windows(2).all(|w| w[0].0.number < w[1].0.number));
    }

    #[test]
    fn order_flow_is_complete() {
        let flow: Vec<u16> = catalogue()
            .iter()
            .filter(|(s, _)| s.family == crate::spec::Family::OrderFlow)
            .map(|(s, _)| s.number)
            .collect();
        assert_eq!(flow, (1..=40).collect::<Vec<_>>());
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(close_names("flow_ofi_2m"), ["flow_ofi_1m", "flow_ofi_5m", "flow_ofi_15m"]);
        assert!(close_names("zzzzzzzz").is_empty());
    }
}
