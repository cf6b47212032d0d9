"""What is left of it after costs, at more contracts, and beside what takes no model."""

from __future__ import annotations

import math

from quantumtrader.pages.html import escape, table
from quantumtrader.pages.numbers import number
from quantumtrader.training.assessment.money import MULTIPLES
from quantumtrader.training.report import plots
from quantumtrader.training.report.frame import Frame, listed

__all__ = ["money", "capacity", "baselines"]


def money(page: Frame) -> str:
    """Return what is left after costs."""
    a, w, f = page.a, page.words, page.f
    if a.money is None:
        return page.section("money", w["no_trading"] if a.edge is not None else f.none(), hint=False)
    if not a.money.trades > 0:
        return page.section("money", w["never_trades"], hint=False)
    fees, spread = f.plain("cost_ticks", 2), f.plain("money/spread_ticks", 2)
    parts = (
        page.after_costs("cost_parts").format(spread=spread, fees=fees)
        if a.money.spread_ticks > 0
        else page.after_costs("cost_fees").format(fees=fees)
    )
    finer = ""
    if a.data.exchange_ticks > 1:
        finer = f" {w['tick_finer'].format(n=f.plain('data/exchange_ticks'))}."
    names = (w["gross"], *(f"{number(m, page.lang, 1)}×" for m in MULTIPLES))
    rows = [
        (
            f"<b>{names[0]}</b>",
            f.signed("money/gross_ticks"),
            f.money("money/gross_money"),
            page.mean("break_even_ticks"),
        )
    ]
    rows += [
        (
            f"<b>{names[k + 1]}</b>",
            f.signed(f"money/net_ticks/{k}"),
            f.money(f"money/net_money/{k}"),
            f.interval(f"money/per_trade/{k}", 2),
        )
        for k in range(len(MULTIPLES))
    ]
    key = "".join(f'<span><i class="k{k}"></i>{n}</span>' for k, n in enumerate(names))
    picture = plots.equity_plot(a.money, page.lang, w["equity"].format(lines=", ".join(names)))
    facts = [
        (w["round_trip_cost"], f"{f.plain('money/cost_ticks', 2)} {w['ticks']}"),
        (w["break_even_cost"], f"{page.mean('break_even_ticks')} {w['ticks']}"),
        (
            w["turnover"],
            f"{f.plain('money/trades')} · {f.plain('money/trades_per_session', 1)} {w['per_session']}",
        ),
        (w["holding"], f"{f.plain('money/holding_seconds', 1)} {w['seconds']}"),
        (
            w["hit_rate"],
            f"{page.mean('hit_rate', share=True)} · p* {page.mean('break_even_hit_rate', share=True)}",
        ),
        (w["win_loss"], f"{page.mean('mean_win')} · {page.mean('mean_loss')}"),
        (w["p_t"], page.mean("p_t", share=True)),
    ]
    if a.expected_low is not None:
        low, high = f.plain("expected_low", 1), f.plain("expected_high", 1)
        facts.append((w["session_range"], f"{low} {w['to']} {high}"))
    head = (w["at_cost"], w["total"], a.money.currency, w["per_trade"])
    body = (
        f'<p class="hint">{w["money_hint"].format(parts=parts)}{finer}</p><div class="key">{key}</div>{picture}'
        f'<div class="two"><div>{page.wide(table(head, rows))}</div><div>{listed(facts)}</div></div>'
    )
    return page.section("money", body, hint=False)


def capacity(page: Frame) -> str:
    """Return how many contracts the edge carries."""
    a, w, f = page.a, page.words, page.f
    if a.size is None:
        return page.section("capacity", f.none("not_measured" if a.edge is not None else "insufficient"))
    rows = [
        (f.plain(f"size/sizes/{k}"), f.signed(f"size/net_ticks/{k}", 2, undefined="thin"))
        for k in range(len(a.size.sizes))
    ]
    facts = [
        (w["crosses"], f"{f.plain('size/break_even_size', 1)} {w['contracts_word']}"),
        (w["participation"], f"{f.plain('size/participation_size', 1)} {w['contracts_word']}"),
        (w["both_allow"], f.plain("size/contracts")),
        (w["books"], f.plain("size/books")),
    ]
    note = "" if a.size.books else f'<p class="hint">{w["no_books"]}</p>'
    shown = table((w["contracts_per_trade"], w["net_contract"]), rows)
    return page.section(
        "capacity", f'{note}<div class="two"><div>{shown}</div><div>{listed(facts)}</div></div>'
    )


def baselines(page: Frame) -> str:
    """Return what the model has to beat."""
    a, w, f = page.a, page.words, page.f
    if not a.references:
        return page.section("baselines", f.none())
    own = (
        f"<b>{escape(a.chosen)}</b>",
        f.share("skill", 2),
        f.interval("edge", 5),
        f.plain("money/trades") if a.money else "",
        f.interval("net", 2) if a.money else "",
        f.signed("money/net_ticks/0") if a.money else "",
    )
    rows = [own]
    for k, r in enumerate(a.references):
        at, still = f"references/{k}", math.isnan(r.skill)
        rows.append(
            (
                escape(w.get(r.name, r.name)) if still else escape(r.name),
                "" if still else f.share(f"{at}/skill", 2),
                "" if still else f.interval(f"{at}/edge", 5),
                f.plain(f"{at}/trades"),
                "" if still and r.net is None else page.maybe(f"{at}/net", r.trades),
                f.signed(f"{at}/net_ticks"),
            )
        )
    head = (w["baseline"], w["skill"], w["edge_unit"], w["trades"], w["ticks_trade"], w["total"])
    facts: list[tuple[str, str]] = []
    if a.random_side is not None and not math.isnan(a.random_side.mean):
        draws = f.plain("random_side/draws")
        low, high = f.signed("random_side/low"), f.signed("random_side/high")
        facts = [
            (w["random_side"].format(draws=draws), f"{f.signed('random_side/mean')} {w['ticks']}"),
            (w["random_band"], f"{low} {w['to']} {high}"),
            (w["percentile"], f"{f.plain('random_side/percentile', 1)} %"),
        ]
    return page.section("baselines", page.wide(table(head, rows)) + "<br>" + listed(facts))
