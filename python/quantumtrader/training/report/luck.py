"""How much of it is luck: of choosing, and of the procedure itself."""

from __future__ import annotations

from quantumtrader.pages.html import escape, table
from quantumtrader.pages.numbers import number
from quantumtrader.training.report import plots
from quantumtrader.training.report.frame import Frame, listed

__all__ = ["choice", "selection", "placebos"]


def choice(page: Frame) -> str:
    """Return what choosing brings when it cannot look ahead, and whether networks may take the trees' place."""
    w, f = page.words, page.f
    rows = []
    for name in ("nested", "rehearsal"):
        found = getattr(page.a, name)
        if found is None:
            none = f.none("not_measured" if page.a.edge is not None else "insufficient")
            rows.append((w[f"{name}_line"], none, *[""] * 4))
            continue
        rows.append(
            (
                w[f"{name}_line"],
                f.share(f"{name}/skill", 2),
                f.interval(f"{name}/edge", 5),
                f.plain(f"{name}/trades", undefined="not_measured"),
                page.maybe(f"{name}/net", found.trades),
                f.signed(f"{name}/net_ticks", undefined="not_measured"),
            )
        )
    head = ("", w["skill"], w["edge_unit"], w["trades"], w["ticks_trade"], w["total"])
    return page.section("choice", page.wide(table(head, rows)) + _networks(page))


def _yes(met: bool) -> str:
    return "yes" if met else "no"


def _networks(page: Frame) -> str:
    """Return the paired test of each network against the best LightGBM."""
    w, f, lang = page.words, page.f, page.lang
    if not page.a.networks:
        return ""
    rows = [
        (
            escape(n.challenger),
            escape(n.incumbent),
            f.interval(f"networks/{k}/paired/difference", 5),
            w["on_paths"].format(
                beaten=number(n.paired.paths_won, lang, 0), paths=number(len(n.paired.paths), lang, 0)
            ),
            f.plain(f"networks/{k}/paired/p_value", 4),
            f"{f.plain(f'networks/{k}/level', 4)} ({f.plain(f'networks/{k}/challengers')})",
            f.none() if n.insufficient else f'<span class="{_yes(n.ships)}">{w[_yes(n.ships)]}</span>',
        )
        for k, n in enumerate(page.a.networks)
    ]
    head = (w["network"], w["against"], w["less_loss"], w["ahead"], "p", w["level"], w["ships"])
    shown = page.wide(table(head, rows))
    return f'<h3>{w["networks"]}</h3><p class="hint">{w["networks_hint"]}</p>{shown}'


def selection(page: Frame) -> str:
    """Return what choosing among trials makes of it."""
    a, w, f = page.a, page.words, page.f
    s = a.selection
    if s is None:
        return page.section("selection", f.none("not_measured" if a.edge is not None else "insufficient"))
    why = {k: s.why.get(k, "undefined") for k in ("dsr", "pbo", "reality_check")}
    bounds = f"({f.plain('selection/spa_lower', 4)} {w['to']} {f.plain('selection/spa_upper', 4)})"
    spa = f.plain("selection/spa", 4, why["reality_check"]) + (f" {bounds}" if s.spa is not None else "")
    name = w["flat_short"] if s.benchmark == "flat" else s.benchmark
    facts = [
        (w["lines"], f.plain("selection/lines")),
        (
            w["configurations"],
            f"{f.plain('selection/configurations')} · {f.plain('selection/independent')}",
        ),
        (
            w["earlier_trials"],
            f"{f.plain('earlier/configurations')} · {f.plain('earlier/independent')}",
        ),
        (w["sessions_behind"], f.plain("selection/sessions")),
        (w["sharpe"], f"{f.plain('selection/sharpe', 3)} · {f.plain('selection/annualised', 2)}"),
        (w["moments"], f"{f.plain('selection/skewness', 2)} · {f.plain('selection/kurtosis', 2)}"),
        (w["expected_best"], f.plain("selection/expected_best", 3)),
        (w["psr"], f.plain("selection/psr", 4, why["dsr"])),
        (w["dsr_long"], f.plain("selection/dsr", 4, why["dsr"])),
        (w["sessions_needed"], f.plain("selection/sessions_needed")),
        (
            w["pbo_long"].format(n=f.plain("selection/pbo_trials")),
            f.plain("selection/pbo", 4, why["pbo"]),
        ),
        (
            w["reality"].format(name=escape(name)),
            f.plain("selection/reality_check", 4, why["reality_check"]),
        ),
        (w["spa"], spa),
    ]
    picture = (
        f"<h3>{w['ranks']}</h3>{plots.rank_plot(s.ranks, page.lang, w['ranks'])}" if len(s.ranks) else ""
    )
    return page.section("selection", f'<div class="two"><div>{listed(facts)}</div><div>{picture}</div></div>')


def placebos(page: Frame) -> str:
    """Return what is found where there is nothing."""
    a, w, f = page.a, page.words, page.f
    if a.edge is None:
        return page.section("placebos", f.none())
    if not a.placebos:
        return page.section("placebos", f'<span class="none">{w["no_placebos"]}</span>{_shifted(page)}')
    rows = [
        (
            escape(p.name.replace("days permuted", w["days_permuted"])),
            f.share(f"placebos/{k}/skill", 2),
            f.interval(f"placebos/{k}/edge", 5),
            f.plain(f"placebos/{k}/trades"),
            page.maybe(f"placebos/{k}/net", p.trades),
            f.plain(f"placebos/{k}/dsr", 3, "no_variation"),
            f'<span class="{"yes" if p.clean else "no"}">{w["clean" if p.clean else "not_clean"]}</span>',
        )
        for k, p in enumerate(a.placebos)
    ]
    head = (w["placebo"], w["skill"], w["edge_unit"], w["trades"], w["ticks_trade"], "DSR", "")
    return page.section("placebos", page.wide(table(head, rows)) + _shifted(page))


def _shifted(page: Frame) -> str:
    """Return what the own labels bring over later ones of the session."""
    w, f, found = page.words, page.f, page.a.shifted
    if found is None:
        return ""
    none = found.why or "insufficient"
    facts = [
        (w["shifted_sessions"], f"{f.plain('shifted/sessions')} · {f.plain('shifted/draws')}"),
        (w["shifted_edge"], f.interval("shifted/edge", 5, none)),
        (w["shifted_p"], f.plain("shifted/p", 4, none)),
    ]
    return f'<h3>{w["shifted"]}</h3><p class="hint">{w["shifted_hint"]}</p>{listed(facts)}'
