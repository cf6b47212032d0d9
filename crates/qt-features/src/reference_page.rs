//! The reference page of the catalogue, in English and in Portuguese.

use std::fmt::Write as _;

use crate::aliases::{ALIASES, aliases_of, groups};
use crate::catalogue::catalogue;
use crate::costs::{cost, measured_on};
use crate::portuguese;
use crate::spec::{Spec, Warmup, Window, Zero};

/// Contents of `docs/reference/features.md`.
pub fn english() -> String {
    page(&ENGLISH)
}

/// Contents of `docs/pt-br/reference/features.md`.
pub fn portuguese() -> String {
    page(&PORTUGUESE)
}

/// What differs between the languages.
struct Language {
    title: &'static str,
    intro: &'static str,
    /// From this page to `docs/concepts/`.
    concepts: &'static str,
    symbols_title: &'static str,
    symbols: &'static [(&'static str, &'static str)],
    families: [&'static str; 6],
    decisions: &'static str,
    heads: [&'static str; 10],
    /// Before the machine of the costs.
    costs_title: &'static str,
    costs: &'static str,
    names_title: &'static str,
    names: &'static str,
    names_heads: [&'static str; 2],
    also: &'static str,
    definition: fn(&Spec) -> &'static str,
    unit: fn(&Spec) -> &'static str,
    source: fn(&Spec) -> String,
    window: fn(Window) -> String,
    warm: [&'static str; 4],
}

/// Families in the order of their numbers, with the pages that say what the formulas leave open.
const FAMILIES: [(&str, &[&str]); 6] = [
    ("order_flow", &["feature-engine.md"]),
    ("tape_reading", &["features-tape-reading.md", "detectors.md"]),
    ("footprint", &["features-footprint.md", "detectors.md"]),
    ("liquidity", &["features-liquidity.md", "detectors.md"]),
    ("microstructure", &["features-microstructure.md", "detectors.md"]),
    ("technical", &["features-technical.md", "features-volume.md"]),
];

const ENGLISH: Language = Language {
    title: "Features",
    intro: "Conventions and sampling clocks: [the feature engine](../concepts/feature-engine.md). Outputs are \
            float64 and NaN until warm; with a zero denominator `Z0` gives 0 and `ZN` gives NaN. Inputs: `T` trades, \
            `L1` best bid and ask, `L2` book by price, `L3` book by order, `B` closed bars of one minute. \
            `quantumtrader features show NAME` prints one entry in full.",
    concepts: "../concepts",
    symbols_title: "Symbols",
    symbols: &[
        ("B, S, V", "contracts that buyers and sellers took as aggressors; all contracts, unsigned ones too"),
        ("n, n_B, n_S", "numbers of trades: all, by buyers, by sellers"),
        ("p, q, side", "price and size of a trade; +1 bought by the aggressor, −1 sold, 0 not known"),
        ("P_b, q_b, P_a, q_a", "price and size of the best bid and the best ask (the touch)"),
        ("D, D_b, D_a", "depth: sum of displayed sizes, of both sides, of bids, of asks"),
        ("mid, spread", "(P_b + P_a)/2; P_a − P_b"),
        ("x⁻, x(t), Δx", "x before the event, x at time t, change of x"),
        ("W, τ", "length of the window; time constant of an exponential decay"),
        (
            "O, H, L, C, v",
            "open, high, low, close and volume of the last closed bar; C[−k] that k bars before",
        ),
        ("HH, LL, hl2, tp", "highest H and lowest L of the bars named; (H + L)/2; (H + L + C)/3"),
        ("SMAn, EMAn, ATRn", "averages over n bars; average true range of Wilder"),
        (
            "b(k), s(k)",
            "contracts bought and sold at price row k of a footprint, that is a bar of five minutes",
        ),
        ("POC, VAL, VAH", "price of most volume; ends of the value area"),
        ("sgn, 1[…], # …", "sign; 1 if true, else 0; number of …"),
        ("sd, OLS", "standard deviation; ordinary least squares"),
    ],
    families: ["Order flow", "Tape reading", "Footprint", "Liquidity", "Microstructure", "Technical"],
    decisions: "What the formulas leave open",
    heads: ["Number", "Name", "Definition", "Inputs", "Window", "Unit", "Range", "Warm-up", "ns", "Source"],
    costs_title: "Cost",
    costs: "Column *ns* is what the feature alone adds to the time of an event, with a row at every event. It is one \
            machine's figure, good to a few ns. State that several features share is counted in full for each of \
            them, so the figures do not add up: a set costs less than their sum. Measure again: \
            `cargo bench -p qt-features --bench costs -- --write`, then `make gen`. Measured on",
    names_title: "Other names",
    names: "The names of the design documents and of the bridge. The engine takes them as well as the catalogue's, \
            and the column keeps the name that was asked for.",
    names_heads: ["Name", "Stands for"],
    also: "Also",
    definition: |s| s.definition,
    unit: |s| s.unit,
    source: |s| s.source.to_string(),
    window: |w| w.to_string(),
    warm: ["of session", "items", "when computable", "none"],
};

const PORTUGUESE: Language = Language {
    title: "Indicadores",
    intro: "Convenções e relógios de amostragem: [o motor de indicadores](../../concepts/feature-engine.md) (em \
            inglês). As saídas são float64 e NaN até o aquecimento terminar; com denominador zero, `Z0` dá 0 e `ZN` \
            dá NaN. Dados: `T` negócios, `L1` melhores ofertas, `L2` livro por preço, `L3` livro por ordem, `B` barras \
            de um minuto fechadas. `quantumtrader features show NOME` mostra um indicador por inteiro.",
    concepts: "../../concepts",
    symbols_title: "Símbolos",
    symbols: &[
        (
            "B, S, V",
            "contratos agredidos por compradores e por vendedores; todos os contratos, também sem agressor",
        ),
        ("n, n_B, n_S", "números de negócios: todos, de compra, de venda"),
        (
            "p, q, lado",
            "preço e quantidade de um negócio; +1 agressão de compra, −1 de venda, 0 desconhecida",
        ),
        (
            "P_b, q_b, P_a, q_a",
            "preço e quantidade da melhor oferta de compra e da de venda (o topo do livro)",
        ),
        ("D, D_b, D_a", "profundidade: soma das quantidades exibidas, dos dois lados, de compra, de venda"),
        ("mid, spread", "(P_b + P_a)/2, o ponto médio; P_a − P_b"),
        ("x⁻, x(t), Δx", "x antes do evento, x no instante t, variação de x"),
        ("W, τ", "duração da janela; constante de tempo de um decaimento exponencial"),
        (
            "O, H, L, C, v",
            "abertura, máxima, mínima, fechamento e volume da última barra fechada; C[−k]: k barras antes",
        ),
        (
            "HH, LL, hl2, tp",
            "maior H e menor L das barras indicadas; (H + L)/2; (H + L + C)/3, o preço típico",
        ),
        (
            "SMAn, EMAn, ATRn",
            "médias de n barras, simples e exponencial; média de Wilder da amplitude verdadeira",
        ),
        (
            "b(k), s(k)",
            "contratos comprados e vendidos na linha de preço k de um footprint, uma barra de cinco minutos",
        ),
        ("POC, VAL, VAH", "preço de maior volume; extremos da área de valor"),
        ("sgn, 1[…]", "sinal; 1 se verdadeiro, senão 0"),
        ("dp, MQO", "desvio-padrão; mínimos quadrados ordinários"),
        (
            "ordem-mãe, varredura",
            "negócios seguidos de uma mesma ordem agressora (*parent*); ordem-mãe que consome vários preços (*sweep*)",
        ),
    ],
    families: ["Fluxo de ordens", "Leitura de fita", "Footprint", "Liquidez", "Microestrutura", "Técnicos"],
    decisions: "O que as fórmulas deixam em aberto (em inglês)",
    heads: [
        "Número",
        "Nome",
        "Definição",
        "Dados",
        "Janela",
        "Unidade",
        "Faixa",
        "Aquecimento",
        "ns",
        "Fonte",
    ],
    costs_title: "Custo",
    costs: "A coluna *ns* é o que o indicador, sozinho, soma ao tempo de um evento, com uma linha a cada evento. É o \
            número de uma máquina, com erro de alguns ns. O estado que vários indicadores compartilham conta por inteiro \
            em cada um, por isso os números não se somam: um conjunto custa menos que a soma. Para medir de novo: \
            `cargo bench -p qt-features --bench costs -- --write`, depois `make gen`. Medido em",
    names_title: "Outros nomes",
    names: "Os nomes dos documentos de projeto e da ponte. O motor aceita esses nomes como os do catálogo, e a coluna \
            fica com o nome pedido.",
    names_heads: ["Nome", "Equivale a"],
    also: "Também",
    definition: |s| portuguese::definition(s.name).unwrap_or(s.definition),
    unit: |s| portuguese::unit(s.unit).unwrap_or(s.unit),
    source: |s| portuguese::source(s.source),
    window: portuguese::window,
    warm: ["de pregão", "itens", "quando calculável", "nenhum"],
};

fn page(l: &Language) -> String {
    let mut out = format!(
        "<!-- Generated by `make gen` from crates/qt-features. Do not edit. -->\n# {}\n\n{}\n\n## {}\n\n| | |\n|--|--|\n",
        l.title, l.intro, l.symbols_title
    );
    for (symbol, meaning) in l.symbols {
        let _ = writeln!(out, "| {symbol} | {meaning} |");
    }
    let machine = measured_on();
    let _ = write!(out, "\n## {}\n\n{}: {machine}.\n", l.costs_title, l.costs);
    for ((family, pages), heading) in FAMILIES.iter().zip(l.families) {
        let links: Vec<String> = pages
            .iter()
            .map(|p| format!("[{}]({}/{p})", p.trim_end_matches(".md").replace('-', " "), l.concepts))
            .collect();
        let _ = write!(out, "\n## {heading}\n\n{}: {}.\n\n", l.decisions, links.join(", "));
        let _ = write!(out, "| {} |\n|{}\n", l.heads.join(" | "), "--|".repeat(l.heads.len()));
        for (spec, _) in catalogue().iter().filter(|(s, _)| s.family.name() == *family) {
            let _ = writeln!(out, "{}", row(spec, l));
        }
    }
    let _ =
        write!(out, "\n## {}\n\n{}\n\n| {} |\n|--|--|\n", l.names_title, l.names, l.names_heads.join(" | "));
    for (alias, name) in ALIASES {
        let _ = writeln!(out, "| `{alias}` | `{name}` |");
    }
    for (group, members) in groups() {
        let _ = writeln!(out, "| `{group}` | `{}` |", members.join("`, `"));
    }
    out
}

fn row(s: &Spec, l: &Language) -> String {
    let inputs: Vec<&str> = s.inputs.iter().map(|i| i.code()).collect();
    let mut definition = (l.definition)(s).replace('|', "\\|");
    let also: Vec<String> = aliases_of(s.name).map(|a| format!("`{a}`")).collect();
    if !also.is_empty() {
        let _ = write!(definition, ". {}: {}", l.also, also.join(", "));
    }
    let cells = [
        s.number.to_string(),
        format!("`{}`", s.name),
        definition,
        inputs.join("+"),
        (l.window)(s.window),
        (l.unit)(s).to_string(),
        range(s.range),
        warm_up(s, l),
        cost(s.name).map_or_else(|| "–".into(), whole_ns),
        (l.source)(s),
    ];
    format!("| {} |", cells.join(" | "))
}

/// The warm-up, and what a zero denominator gives after it.
fn warm_up(s: &Spec, l: &Language) -> String {
    let warm = match s.warmup {
        Warmup::Time(ns) => format!("{} {}", (l.window)(Window::Time(ns)), l.warm[0]),
        Warmup::Items(_) if matches!(s.window, Window::Sessions(_)) => (l.window)(s.window),
        Warmup::Items(n) => format!("{n} {}", l.warm[1]),
        Warmup::State => l.warm[2].into(),
        Warmup::None => l.warm[3].into(),
    };
    match s.zero {
        Zero::Zero => format!("{warm}; Z0"),
        Zero::Nan => format!("{warm}; ZN"),
        Zero::Never => warm,
    }
}

/// The precision of one machine's figure.
fn whole_ns(ns: f64) -> String {
    if ns < 1.0 { "< 1".into() } else { format!("{ns:.0}") }
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
    use crate::generate::root;

    #[test]
    fn every_feature_has_one_row_of_ten_cells() {
        for page in [english(), portuguese()] {
            for (s, _) in catalogue() {
                let start = format!("| {} | `{}` | ", s.number, s.name);
                let rows: Vec<&str> = page.lines().filter(|l| l.starts_with(&start)).collect();
                assert_eq!(rows.len(), 1, "{}", s.name);
                assert_eq!(rows[0].replace("\\|", "").matches('|').count(), 11, "{}", rows[0]);
            }
        }
    }

    #[test]
    fn pages_that_are_linked_exist() {
        for (_, pages) in FAMILIES {
            for page in pages {
                assert!(root().join("docs/concepts").join(page).exists(), "{page}");
            }
        }
    }

    #[test]
    fn costs_are_whole_ns() {
        assert_eq!([whole_ns(0.4), whole_ns(1.6), whole_ns(73.2)], ["< 1", "2", "73"]);
    }

    #[test]
    fn ranges_say_which_end_is_open() {
        let inf = f64::INFINITY;
        assert_eq!(range((-1.0, 1.0)), "[-1, 1]");
        assert_eq!(range((0.0, inf)), "≥ 0");
        assert_eq!(range((-inf, 0.0)), "≤ 0");
        assert_eq!(range((-inf, inf)), "ℝ");
    }
}
