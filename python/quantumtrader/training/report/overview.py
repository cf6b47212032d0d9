"""What was trained on what, what it is worth in a sentence, and what it was given."""

from __future__ import annotations

from quantumtrader import __version__
from quantumtrader.pages.html import escape, table
from quantumtrader.pages.numbers import number
from quantumtrader.training.assessment.picture import PARTS
from quantumtrader.training.assessment.verdict import verdict_text
from quantumtrader.training.report import plots
from quantumtrader.training.report.frame import Frame, listed
from quantumtrader.training.report.gate import gate_rows
from quantumtrader.training.report.words import DROPS

__all__ = ["head", "verdict", "tiles", "gate", "data", "splits", "notes", "end"]


def head(page: Frame) -> str:
    """Return what was trained on what, and the banners of synthetic data and of fees that are not known."""
    a, w = page.a, page.words
    banner = f'<div class="banner">{w["synthetic"]}</div>' if a.synthetic else ""
    if a.fees_known is False:
        banner += f'<div class="banner">{w["fees_unknown"]}</div>'
    first, last = (page.date(d) for d in (a.data.first, a.data.last))
    badges = (f"{w['model']}: {a.chosen}", a.kind, a.data.label, a.picture.scheme)
    shown = "".join(f"<span>{escape(b)}</span>" for b in badges if b)
    return (
        f'{banner}<header><div><h1>{escape(a.data.symbol or a.study)}</h1><p class="sub">{w["title"]} · '
        f'{escape(a.study)} · {first} – {last}</p></div><div class="badges">{shown}</div></header>'
    )


def verdict(page: Frame) -> str:
    """Return the sentence."""
    text = escape(verdict_text(page.a, page.lang))
    return f'<section class="verdict {page.a.verdict_code}"><b>{page.words["verdict"]}</b><p>{text}</p></section>'


def tiles(page: Frame) -> str:
    """Return the few numbers that come first."""
    a, w, f = page.a, page.words, page.f
    net = "money/per_trade/1"
    rows = [
        (w["skill"], f.share("skill", 2), w["skill_hint"]),
        (w["edge"], f.interval("edge", 5), w["edge_unit"]),
        (w["net_trade"], f.interval("net", 2), page.after_costs("net_unit")),
    ]
    if a.money is not None and a.money.trades > 0:
        rows += [
            (w["net_15"], f.interval(net, 2), w["ticks_trade"]),
            (
                w["hit"],
                page.mean("hit_rate", share=True),
                f"{w['p_star']}: {page.mean('break_even_hit_rate', share=True)}",
            ),
        ]
    if a.selection is not None:
        why = a.selection.why
        independent = f"{f.plain('selection/independent')} {w['of_trials']}"
        rows += [
            (w["dsr"], f.plain("selection/dsr", 3, why.get("dsr", "undefined")), independent),
            (w["pbo"], f.plain("selection/pbo", 3, why.get("pbo", "undefined")), w["pbo_hint"]),
        ]
    size = f.plain("size/contracts") if a.size is not None else f.none("not_measured")
    rows.append((w["size"], size, w["contracts_word"]))
    cells = "".join(f"<div><h3>{n}</h3><strong>{v}</strong><small>{t}</small></div>" for n, v, t in rows)
    return f'<section class="tiles">{cells}</section>'


def gate(page: Frame) -> str:
    """Return the conditions of the promotion gate."""
    w = page.words
    told = gate_rows(page.a, page.lang)
    rows = [
        (name, f'<span class="{"yes" if c.met else "no"}">{met}</span>', _found(page, c.name, found), wanted)
        for c, (met, name, found, wanted) in zip(page.a.conditions, told, strict=True)
    ]
    head = (w["condition"], w["met"], w["found"], w["wanted"])
    return page.section("gate", page.wide(table(head, rows)))


_PLACES = {
    "net_at_1_5_cost": ("money/per_trade/1/mean", 2),
    "markout_low": ("net/low", 2),
    "dsr": ("selection/dsr", 3),
    "pbo": ("selection/pbo", 3),
}
"""Condition to the place of its number, and its decimals."""


def _found(page: Frame, name: str, words: str) -> str:
    """Write what was found, in words, as the number that it is."""
    w, f = page.words, page.f
    for key in ("not_measured", "fees_unknown_found"):
        if words == w[key]:
            return f.none(key)
    if name == "beats_baselines":
        paths = number(len(page.a.paths), page.lang, 0)
        return w["on_paths"].format(beaten=f.plain("paths_beaten"), paths=paths)
    return f.plain(*_PLACES[name]) if name in _PLACES else words


def data(page: Frame) -> str:
    """Return the facts of the data."""
    a, w, f = page.a, page.words, page.f
    d = a.data
    measured = " ".join(f"<code>{escape(k)}={escape(str(v))}</code>" for k, v in d.measured_from.items())
    dropped = "<br>".join(f"{escape(_drop(page, k))}: {f.plain(f'data/dropped/{k}')}" for k in d.dropped)
    classes = " · ".join(f"{escape(k)}: {f.share(f'data/classes/{k}')}" for k in d.classes)
    policy = page.after_costs("policy_text").format(
        margin=f.plain("margin", 2), cost=f.plain("cost_ticks", 2)
    )
    tick = w["tick_points"].format(size=f.plain("data/tick_size", 2 if d.tick_size >= 0.01 else 6))
    if d.exchange_ticks > 1:
        tick += f" · {w['tick_finer'].format(n=f.plain('data/exchange_ticks'))}"
    facts = [
        (w["dates"], f"{f.plain('data/sessions')} · {page.date(d.first)} – {page.date(d.last)}"),
        *([(w["vault"], _vault(page))] if a.earlier.locked else []),
        (w["rows"], f.plain("data/rows")),
        (w["n_eff"], f.plain("data/n_eff")),
        (w["tested"], f.plain("data/tested")),
        (w["classes"], classes),
        (w["label"], f"{escape(d.label)} {measured}"),
        (w["dropped"], dropped or w["none_dropped"]),
        (w["features"], f"{f.plain('data/features')} · {w['clock']} <code>{escape(d.clock)}</code>"),
        (w["contracts"], escape(", ".join(d.contracts)) or f.none("not_measured")),
        (w["policy"], policy),
        *([] if a.half_life_sessions is None else [(w["half_life"], f.plain("half_life_sessions", 1))]),
        (w["tick"], tick),
        (w["engine"], escape(d.engine)),
        (w["manifest"], f'<code class="break">{escape(d.manifest)}</code>'),
        (w["sha256"], f'<code class="break">{escape(d.sha256)}</code>'),
        (w["seed"], f.plain("seed")),
    ]
    return page.section("data", listed(facts), hint=False)


def _vault(page: Frame) -> str:
    """Say how many sessions are locked away, and how many of them can test nothing any more."""
    locked = page.f.plain("earlier/locked")
    seen = len(page.a.earlier.seen)
    return f"{locked} · {page.words['seen_before'].format(n=seen)}" if seen else locked


def splits(page: Frame) -> str:
    """Return the picture of the splits."""
    w = page.words
    key = "".join(f'<span><i class="{p}"></i>{w[p]}</span>' for p in PARTS)
    picture = plots.split_plot(page.a.picture, page.lang, w["splits"], w["split"])
    return page.section("splits", f'<div class="key">{key}</div>{picture}')


def _drop(page: Frame, reason: str) -> str:
    return DROPS.get(reason, reason) if page.lang == "pt" else reason


def notes(page: Frame) -> str:
    """Return what must be said beside the numbers."""
    if not page.a.notes:
        return ""
    items = []
    for note in page.a.notes:
        own = page.lang == "en" or note.portuguese in ("", note.text)
        text = note.text if own else note.portuguese
        lang = ' lang="en"' if own and page.lang != "en" else ""
        items.append(f"<li{lang}>{escape(text)}</li>")
    return page.section("notes", f"<ul>{''.join(items)}</ul>", hint=False)


def end(page: Frame) -> str:
    """Return how to read the page."""
    w = page.words
    return (
        f"<section><h2>{w['reading']}</h2><p>{w['reading_text']}</p></section>"
        f"<footer><p>{w['version'].format(version=__version__)}. {w['risk_notice']}</p></footer>"
    )
