"""Puts figures, charts and their libraries into one HTML file."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from quantumtrader import __version__
from quantumtrader.backtest.baselines import Baselines
from quantumtrader.backtest.harness import BacktestResult
from quantumtrader.backtest.report.labels import (
    count,
    explain,
    labels,
    money,
    number,
    plural,
    refusal,
    rule_text,
    signed_contracts,
)
from quantumtrader.backtest.report.payload import MAX_TRADES, chart_payload
from quantumtrader.backtest.report.remarks import fidelity_note, remarks
from quantumtrader.backtest.statistics import Summary
from quantumtrader.backtest.verdict import verdict, verdict_code
from quantumtrader.execution import strategy_parameters
from quantumtrader.pages.html import base_style, document, static, table

__all__ = ["render_report"]

_SCRIPT_WORDS = ("price_hint", "time", "equity_net", "equity_gross", "drawdown", "long", "short")
_HERE = "quantumtrader.backtest.report"
_VENDOR = ("uplot-1.6.32.iife.min.js", "lightweight-charts-5.2.1.standalone.production.js")


def render_report(
    result: BacktestResult,
    baselines: Baselines,
    summary: Summary,
    *,
    lang: str = "en",
    description: str = "",
    notes: Sequence[str] = (),
) -> str:
    """Return the report as one self-contained HTML document.

    Parameters
    ----------
    result, baselines, summary
        The replay and its figures.
    lang : str
        ``en`` or ``pt``.
    description : str
        What the data is and where it came from.
    notes : sequence of str
        Remarks of the loader: inferred sides, rejected rows and the like.

    Raises
    ------
    ConfigError
        If the language is not known.
    """
    page = _Page(result, summary, labels(lang), lang)
    body = "".join(
        (
            page.head(),
            page.verdict(),
            page.tiles(),
            page.charts(),
            page.baselines(baselines),
            page.trades(),
            page.reasons(),
            page.how(description, notes),
        )
    )
    data = json.dumps(chart_payload(result, baselines), allow_nan=False, separators=(",", ":"))
    words = json.dumps(
        {key: page.words[key] for key in _SCRIPT_WORDS}
        | {"lang": lang, "codes": {code: explain(code, lang).split(" (")[0] for code in summary.exits}},
        ensure_ascii=False,
    )
    # "</" would end the script element early; JSON allows "<\/" for the same text.
    scripts = [static(_HERE, f"vendor/{name}") for name in _VENDOR]
    scripts += [f"const DATA={data};const WORDS={words};".replace("</", "<\\/"), static(_HERE, "report.js")]
    style = static(_HERE, "vendor/uplot-1.6.32.min.css") + base_style() + static(_HERE, "report.css")
    title = f"{page.words['title']} · {result.instrument.symbol}" + (
        " · SYNTHETIC" if result.path.synthetic else ""
    )
    return document(title, lang, style, body, scripts)


class _Page:
    def __init__(self, result: BacktestResult, summary: Summary, words: dict[str, str], lang: str) -> None:
        self.result, self.summary, self.words, self.lang = result, summary, words, lang
        self.zone = ZoneInfo(result.instrument.timezone)

    def head(self) -> str:
        r, w = self.result, self.words
        first, last = int(r.path.now[0]), r.path.recorded_until
        badges = [
            r.strategy.name,
            f"{w['engine']}: {r.engine}",
            f"{count(self.summary.events, self.lang)} {w['events']}",
            r.path.source,
        ]
        banner = f'<div class="banner">{w["synthetic"]}</div>' if r.path.synthetic else ""
        return (
            f"{banner}<header><div><h1>{_e(r.instrument.symbol)}</h1>"
            f'<p class="sub">{self._time(first)} – {self._time(last)} · '
            f"{w['times_in'].format(zone=_e(r.instrument.timezone))}</p></div>"
            f'<div class="badges">{"".join(f"<span>{_e(b)}</span>" for b in badges)}</div></header>'
        )

    def verdict(self) -> str:
        code = verdict_code(self.summary)
        text = verdict(
            self.summary,
            self.result.instrument.currency,
            synthetic=self.result.path.synthetic,
            lang=self.lang,
        )
        return f'<section class="verdict {code}"><b>{self.words["verdict"]}</b><p>{_e(text)}</p></section>'

    def tiles(self) -> str:
        s, w = self.summary, self.words
        per_cent = self._percent
        net = w["net"] if s.fees_known else f"{w['net']} ({w['fees_unknown']})"
        tiles = [
            (net, self._signed(s.net), f"{w['gross']} {self._money(s.gross)}"),
            (w["costs"], self._money(s.costs), f"{w['double_costs']} {self._money(s.net_at_double_costs)}"),
            (
                w["trades"],
                count(s.trades, self.lang),
                f"{w['mean_time']} {self._number(s.mean_seconds, 0)} s"
                + (
                    f" · {w['left_open']}: {signed_contracts(s.open_position, self.lang)}"
                    if s.open_position
                    else ""
                ),
            ),
            (w["hit_rate"], per_cent(s.hit_rate), f"{w['break_even']} {per_cent(s.break_even_hit_rate)}"),
            (w["per_trade"], self._signed(s.mean_net), f"{w['standard_error']} {self._money(s.se_net)}"),
            (
                w["max_drawdown"],
                self._money(s.max_drawdown),
                f"{w['profit_factor']} {self._number(s.profit_factor)}",
            ),
            (
                w["random_percentile"],
                self._number(s.random_percentile, 0),
                w["of_draws"].format(draws=count(s.draws, self.lang)),
            ),
            (
                w["exposure"],
                per_cent(s.exposure),
                f"{w['buy_and_hold'].split(',')[0]} {self._money(s.hold_net)}",
            ),
        ]
        cells = "".join(f"<div><h3>{a}</h3><strong>{b}</strong><small>{c}</small></div>" for a, b, c in tiles)
        return f'<section class="tiles">{cells}</section>'

    def charts(self) -> str:
        w = self.words
        heat = (
            f'<p class="hint">{w["heatmap_hint"]}</p><canvas id="heat"></canvas>'
            if self.result.path.has_book
            else f'<p class="hint">{w["heatmap_none"]}</p>'
        )
        return (
            f'<section><h2>{w["price"]}</h2><p class="hint" id="price-hint">{w["price_hint"]}</p><div id="price"></div>'
            f'</section><section><h2>{w["equity"]}</h2><div id="equity"></div><div id="drawdown"></div></section>'
            f'<section><h2>{w["flow"]}</h2><div id="panels"></div></section>'
            f"<section><h2>{w['heatmap']}</h2>{heat}</section>"
        )

    def baselines(self, baselines: Baselines) -> str:
        s, w = self.summary, self.words
        size = 0 if baselines.hold is None else baselines.hold.size
        rows = [
            (f"<b>{w['strategy']}</b>", self._signed(s.net)),
            (w["flat"], self._money(0.0)),
            (w["random_side"], self._signed(s.random_mean)),
            (w["random_band"], f"{self._money(s.random_p05)} … {self._money(s.random_p95)}"),
            (w["buy_and_hold"].format(size=plural(size, "contract", self.lang)), self._signed(s.hold_net)),
        ]
        hist = w["random_hist"].format(draws=count(s.draws, self.lang))
        return (
            f'<section><h2>{w["baselines"]}</h2><div class="two"><div>{table((w["baseline"], w["net"]), rows)}</div>'
            f'<div><p class="hint">{hist}</p><canvas id="random" data-net="{s.net:.2f}"></canvas></div></div></section>'
        )

    def trades(self) -> str:
        w, n = self.words, len(self.result.trades)
        if not n:
            return f"<section><h2>{w['trade_list']}</h2><p>{w['no_trades']}</p></section>"
        shown = w["shown"].format(shown=count(min(n, MAX_TRADES), self.lang), all=count(n, self.lang))
        unit = self.result.instrument.currency
        keys = ("entry", "exit", "side", "size", "entry_px", "exit_px", "seconds", "mae", "mfe")
        head = [
            "#",
            *(w[k] for k in keys),
            *(f"{w[k]} ({unit})" for k in ("gross", "costs", "net_short")),
            w["why_out"],
        ]
        cells = "".join(f'<th data-column="{k}">{h}</th>' for k, h in enumerate(head))
        return (
            f'<section><h2>{w["trade_list"]}</h2><p class="hint">{shown}</p><div class="scroll">'
            f'<table id="trades"><thead><tr>{cells}</tr></thead><tbody></tbody></table></div></section>'
        )

    def reasons(self) -> str:
        s, w = self.summary, self.words
        total = max(1, sum(s.holds.values()))
        holds = [
            (_e(explain(k, self.lang)), count(n, self.lang), _bar(n / total)) for k, n in s.holds.items()
        ]
        exits = [(_e(explain(k, self.lang)), count(n, self.lang)) for k, n in s.exits.items()]
        hours = [
            (
                f"{h.hour:02d}h",
                str(h.trades),
                str(h.wins),
                self._money(h.gross),
                self._money(h.costs),
                self._signed(h.net),
            )
            for h in s.hours
        ]
        if s.refusals:
            first = {r.rule: r for r in reversed(self.result.refusals)}
            rows = [
                (
                    _e(explain(rule, self.lang)),
                    count(n, self.lang),
                    f"{self._time(first[rule].ts)} {_e(refusal(first[rule], self.lang))}",
                )
                for rule, n in s.refusals.items()
            ]
            refusals = table(("", w["samples"], w["first_refusal"]), rows, "text")
        else:
            refusals = f"<p>{w['refusals_none']}</p>"
        head = (w["hour"], w["trades"], w["wins"], w["gross"], w["costs"], w["net"])
        return (
            f'<section><div class="two"><div><h2>{w["hours"]}</h2>{table(head, hours)}</div>'
            f"<div><h2>{w['exits']}</h2>{table(('', w['trades']), exits)}</div></div></section>"
            f'<section><div class="two"><div><h2>{w["holds"]}</h2>{table(("", w["samples"], ""), holds)}</div>'
            f"<div><h2>{w['refusals']}</h2>{refusals}</div></div></section>"
        )

    def how(self, description: str, notes: Sequence[str]) -> str:
        r, w = self.result, self.words
        venue = r.settings.venue
        limits = r.settings.limits
        values: dict[str, Any] = {f: getattr(limits, f) for f in limits.__slots__}
        settings = {
            "clock": r.settings.clock,
            "latency": f"{venue.latency_ns / 1e6:g} ms",
            "queue": venue.queue,
            "fee": w["fee_value"].format(fee=f"{r.fee:g}", currency=r.instrument.currency)
            if r.fees_known
            else w["unknown"],
            "tick": f"{r.instrument.tick_size:g} = {r.instrument.tick_value:g} {r.instrument.currency}",
            "flatten": w["flatten_value"].format(seconds=f"{r.settings.flatten_before_s:g}"),
            "seed": r.settings.seed,
            **strategy_parameters(r.strategy),
            **{k: v for k, v in values.items() if v is not None},
        }
        told = [*notes, *remarks(r, self.lang)]
        rows = [
            (w["data"], _e(description or r.path.source)),
            (w["rule"], _e(rule_text(r.strategy, self.lang))),
            (w["fidelity"], _e(fidelity_note(r, self.lang))),
            (w["settings"], " ".join(f"<code>{_e(k)}={_e(str(v))}</code>" for k, v in settings.items())),
            (w["engine"], f"quantumtrader {__version__}, {w['engine_of'].format(engine=r.engine)}"),
        ]
        if told:
            rows.append((w["notes"], "<br>".join(_e(n) for n in told)))
        return (
            f"<section><h2>{w['how']}</h2>{table(('', ''), rows, 'text how')}</section>"
            f"<footer><p>{w['risk_notice']}</p><p>{w['charts_by']}: TradingView Lightweight Charts™, Copyright (c) 2026 "
            'TradingView, Inc. <a href="https://www.tradingview.com/">https://www.tradingview.com/</a> (Apache-2.0); '
            "uPlot, Copyright (c) Leon Sorokin (MIT).</p></footer>"
        )

    def _time(self, ts: int) -> str:
        local = datetime.fromtimestamp(ts // 10**9, UTC).astimezone(self.zone)
        return local.strftime("%d/%m/%Y %H:%M:%S" if self.lang == "pt" else "%Y-%m-%d %H:%M:%S")

    def _money(self, amount: float) -> str:
        return money(amount, self.result.instrument.currency, self.lang)

    def _signed(self, amount: float) -> str:
        css = (
            ""
            if math.isnan(amount) or round(amount, 2) == 0
            else ' class="up"'
            if amount > 0
            else ' class="down"'
        )
        return f"<span{css}>{self._money(amount)}</span>"

    def _number(self, value: float, decimals: int = 2) -> str:
        return number(value, self.lang, decimals)

    def _percent(self, share: float) -> str:
        return "–" if math.isnan(share) else f"{self._number(100 * share, 1)} %"


def _e(text: str) -> str:
    return html.escape(text)


def _bar(share: float) -> str:
    return f'<i class="bar" style="width:{100 * share:.1f}%"></i>'
