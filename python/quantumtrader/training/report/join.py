"""The page of a dual training: which models decide, and the comparison that says so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quantumtrader.models.folder import write_whole
from quantumtrader.pages.html import base_style, document, escape, static, table
from quantumtrader.pages.numbers import language, number
from quantumtrader.training.report.frame import listed
from quantumtrader.training.report.words import words_of

__all__ = ["render_join", "write_join"]

_WORDS: dict[str, tuple[str, str]] = {
    "title": ("Ticks and book, joined", "Ticks e book, juntos"),
    "better": (
        "Both models decide: their join is better than the book model alone.",
        "Os dois modelos decidem: juntos são melhores que o modelo de book sozinho.",
    ),
    "not_better": (
        "The book model decides alone: the join is not better than it.",
        "O modelo de book decide sozinho: a junção não é melhor que ele.",
    ),
    "insufficient": (
        "The book model decides alone: the data are insufficient to tell whether the join is better.",
        "O modelo de book decide sozinho: os dados são insuficientes para dizer se a junção é melhor.",
    ),
    "refused": (
        "The book model decides alone: the strategy hybrid does not take these models.",
        "O modelo de book decide sozinho: a estratégia hybrid não aceita estes modelos.",
    ),
    "ticks_only": (
        "The tick model decides alone: there is no model of the moment of entry.",
        "O modelo de ticks decide sozinho: não há modelo do momento de entrada.",
    ),
    "strategy": ("Strategy", "Estratégia"),
    "why": ("Why", "Por quê"),
    "models": ("Models", "Modelos"),
    "tick_model": ("Ticks", "Ticks"),
    "compared": ("Compared at the book's decisions", "Comparados nas decisões do book"),
    "compared_hint": (
        "The same rows and the same purged splits. A join is better where its paired loss is smaller: p below the level, "
        "and ahead on most paths.",
        "As mesmas linhas e as mesmas divisões expurgadas. Uma junção é melhor onde a sua perda pareada é menor: p abaixo "
        "do nível, e à frente na maioria dos caminhos.",
    ),
    "book_alone": ("book alone", "book sozinho"),
    "base_alone": ("ticks alone", "ticks sozinhos"),
    "base_as_feature": ("ticks as one more feature", "ticks como mais um indicador"),
    "stacked": ("stack of both (what hybrid trades)", "pilha dos dois (o que hybrid opera)"),
    "p": ("p against book alone", "p contra o book sozinho"),
    "level": ("level", "nível"),
    "is_better": ("better", "melhor"),
    "rows": ("Rows", "Linhas"),
    "weight": ("Weight of the book model in the stack", "Peso do modelo de book na pilha"),
}


def render_join(summary: Mapping[str, Any], lang: str = "en") -> str:
    """Return the page as one self-contained HTML document.

    Parameters
    ----------
    summary : mapping
        What ``dual.json`` holds.
    lang : str
        ``en`` or ``pt``; reasons and verdicts stay as they were written down.

    Raises
    ------
    ConfigError
        If the language is not known.
    """
    place, shared = language(lang), words_of(lang)
    w = {name: texts[place] for name, texts in _WORDS.items()}
    banner = f'<div class="banner">{shared["synthetic"]}</div>' if summary["synthetic"] else ""
    code = str(summary["decision"])
    css = "passes" if code == "better" else "insufficient" if code == "insufficient" else "gate"
    strategy = summary["strategy"]
    options = "".join(f" -p {name}={value}" for name, value in strategy["parameters"].items())
    call = escape(f"--strategy {strategy['name']}{options}")
    facts = [(w["strategy"], f'<code class="break">{call}</code>')]
    if summary["notice"]:
        facts.append((w["why"], escape(summary["notice"])))
    models = [(w["tick_model"], escape(summary["tick"]))]
    models += [(escape(name), escape(text)) for name, text in (summary["book"] or {}).items()]
    symbol = escape(str(summary["symbol"]))
    body = (
        f'{banner}<header><div><h1>{symbol}</h1><p class="sub">{w["title"]}</p></div></header>'
        f'<section class="verdict {css}"><b>{shared["verdict"]}</b><p>{w[code]}</p></section>'
        f"<section>{listed(facts)}</section>"
        f"{_compared(summary.get('joined') or {}, w, shared, lang)}"
        f"<section><h2>{w['models']}</h2>{listed(models)}</section>"
    )
    title = f"{w['title']} · {summary['symbol']}{' · SYNTHETIC' if summary['synthetic'] else ''}"
    style = base_style() + static("quantumtrader.training.report", "report.css")
    return document(title, lang, style, body)


def write_join(summary: Mapping[str, Any], path: Path, lang: str = "en") -> None:
    """Write the page, replaced where it is there; see :func:`render_join`.

    Raises
    ------
    ConfigError
        If the language is not known.
    DataAccessError
        If the file cannot be written.
    """
    write_whole(path, render_join(summary, lang).encode())


def _compared(joined: Mapping[str, Any], w: Mapping[str, str], shared: Mapping[str, str], lang: str) -> str:
    if "edges" not in joined:
        return ""
    none = f'<span class="none">{shared["insufficient"]}</span>'
    rows = []
    for name, edge in joined["edges"].items():
        shown = none if edge is None else _interval(edge, shared, lang)
        tested = joined["better_than_book_alone"].get(name, {})
        if tested is None:
            cells = (none, "", "")
        elif tested:
            met = "yes" if tested["better"] else "no"
            cells = (
                number(tested["p_value"], lang, 4),
                number(tested["level"], lang, 4),
                f'<span class="{met}">{shared[met]}</span>',
            )
        else:
            cells = ("", "", "")
        rows.append((w[name], shown, *cells))
    head = ("", f"{shared['edge']}, {shared['edge_unit']}", w["p"], w["level"], w["is_better"])
    facts = [(w["rows"], number(joined["rows"], lang, 0))]
    if joined["weight"] is not None:
        facts.append((w["weight"], number(joined["weight"], lang, 3)))
    return (
        f'<section><h2>{w["compared"]}</h2><p class="hint">{w["compared_hint"]}</p>'
        f'<div class="wide">{table(head, rows)}</div>{listed(facts)}</section>'
    )


def _interval(edge: Mapping[str, float], shared: Mapping[str, str], lang: str) -> str:
    mean, low, high = (number(edge[name], lang, 5) for name in ("mean", "low", "high"))
    return f"{mean} ({low} {shared['to']} {high})"
