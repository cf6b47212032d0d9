//! Definitions of the catalogue in Brazilian Portuguese, from `portuguese.tsv`.
//!
//! Each line is name, hash of the English definition that was translated, translation. When an English definition
//! changes, its hash no longer fits and a test fails: read the translation again, then run
//! `cargo run -p qt-features --bin qt-gen -- --translated`, which writes the hashes anew.

use crate::catalogue::{catalogue, fnv1a};
use crate::spec::Window;

const TABLE: &str = include_str!("../portuguese.tsv");
const HEAD: &str = "name\tenglish\tportuguese";

fn lines() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    TABLE.lines().skip(1).filter_map(|line| {
        let mut parts = line.splitn(3, '\t');
        Some((parts.next()?, parts.next()?, parts.next()?))
    })
}

/// Eight hexadecimal digits that change with the English text.
fn short_hash(english: &str) -> String {
    let h = fnv1a(english);
    format!("{:08x}", (h >> 32) ^ (h & 0xffff_ffff))
}

/// The definition in Portuguese, if there is one.
pub fn definition(name: &str) -> Option<&'static str> {
    lines().find(|(n, ..)| *n == name).map(|(.., text)| text)
}

/// Features without a translation, and those whose English definition has changed since.
pub fn outdated() -> Vec<&'static str> {
    let current = |name: &str, english: &str| {
        lines().any(|(n, hash, text)| n == name && hash == short_hash(english) && !text.is_empty())
    };
    catalogue().iter().filter(|(s, _)| !current(s.name, s.definition)).map(|(s, _)| s.name).collect()
}

/// The table with the hashes of today's English definitions, by catalogue number; a feature without a translation
/// gets no line.
pub fn accepted() -> String {
    let rows = catalogue().iter().filter_map(|(s, _)| {
        let text = definition(s.name)?;
        Some(format!("{}\t{}\t{text}\n", s.name, short_hash(s.definition)))
    });
    std::iter::once(format!("{HEAD}\n")).chain(rows).collect()
}

/// A window in Portuguese.
pub fn window(w: Window) -> String {
    match w {
        Window::Time(_) | Window::Decay(_) => w.to_string(),
        Window::Updates(n) => format!("{n} atualizações do topo"),
        Window::Contracts(n) => format!("{n} contratos"),
        Window::Bars(1) => "1 barra".into(),
        Window::Bars(n) => format!("{n} barras"),
        Window::Footprints(n) => format!("{n} × barra de 5 min"),
        Window::Parents(n) => format!("{n} ordens-mãe"),
        Window::Buckets(n) => format!("{n} buckets"),
        Window::Event(0) => "evento".into(),
        Window::Event(ns) => format!("evento, mantido por {}", Window::Time(ns)),
        Window::Session => "pregão".into(),
        Window::Sessions(1) => "1 pregão".into(),
        Window::Sessions(n) => format!("{n} pregões"),
        Window::State => "estado".into(),
        Window::Recursion => "recursão".into(),
    }
}

/// A unit of the catalogue in Portuguese, if there is a word for it.
pub fn unit(english: &str) -> Option<&'static str> {
    Some(match english {
        "" => "",
        "contracts" => "contratos",
        "contracts/s" => "contratos/s",
        "contracts/tick" => "contratos/tick",
        "trades" => "negócios",
        "trades/s" => "negócios/s",
        "ticks" => "ticks",
        "ticks/contract" => "ticks/contrato",
        "ticks² per 100 contracts" => "ticks² por 100 contratos",
        "rows" => "linhas",
        "changes" => "mudanças",
        "bars" => "barras",
        "1/bar" => "1/barra",
        "1/R$ million" => "1/milhão de R$",
        "1/√R$" => "1/√R$",
        "1/s" => "1/s",
        "s" => "s",
        "%" => "%",
        "bps" => "pontos-base",
        _ => return None,
    })
}

/// A source with the words that are not names in Portuguese.
pub fn source(english: &str) -> String {
    const WORDS: &[(&str, &str)] = &[
        ("design documents", "documentos de projeto"),
        ("project design: trend regime", "projeto: regime de tendência"),
        ("footprint practice", "prática de footprint"),
        ("auction theory", "teoria de leilão"),
        ("intermarket sweep orders", "ordens de varredura entre mercados"),
        ("intraday seasonality", "sazonalidade intradiária"),
        ("volume clock", "relógio de volume"),
        ("weights ours", "pesos nossos"),
        ("formula ours", "fórmula nossa"),
        ("decomposition", "(decomposição)"),
        ("weighting", "(ponderação)"),
        ("resilience", "resiliência"),
        ("resistance", "resistência"),
        ("support", "suporte"),
        ("standard", "padrão"),
        ("ours", "nossa"),
        (" form", " (forma)"),
        ("concept release", "(consulta pública)"),
    ];
    let mut text = english.to_string();
    for (from, to) in WORDS {
        text = text.replace(from, to);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_is_translated_and_current() {
        let names = outdated();
        assert!(
            names.is_empty(),
            "portuguese.tsv lacks or has an old translation of {names:?}: write it, then run \
             `cargo run -p qt-features --bin qt-gen -- --translated`"
        );
    }

    #[test]
    fn the_table_holds_features_once_and_in_order() {
        assert!(
            TABLE == accepted(),
            "portuguese.tsv: run `cargo run -p qt-features --bin qt-gen -- --translated`"
        );
    }

    #[test]
    fn every_unit_is_translated() {
        for (s, _) in catalogue() {
            assert!(unit(s.unit).is_some(), "unit {:?} of {}", s.unit, s.name);
        }
    }

    #[test]
    fn hashes_follow_the_text() {
        assert_eq!(short_hash("a"), short_hash("a"));
        assert_ne!(short_hash("a"), short_hash("b"));
    }
}
