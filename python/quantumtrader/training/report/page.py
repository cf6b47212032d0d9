"""Puts the numbers of an assessment on one page."""

from __future__ import annotations

import math
from collections.abc import Sequence

from quantumtrader import __version__
from quantumtrader.models.gate import BEATEN, MAX_PBO, MIN_DSR
from quantumtrader.pages.html import base_style, document, escape, static, table
from quantumtrader.pages.numbers import number
from quantumtrader.training.assessment import Assessment
from quantumtrader.training.assessment.money import MULTIPLES
from quantumtrader.training.assessment.picture import PARTS
from quantumtrader.training.assessment.verdict import verdict_text
from quantumtrader.training.report import plots
from quantumtrader.training.report.figures import Figures
from quantumtrader.training.report.words import DROPS, words_of

__all__ = ["render_page"]

_HERE = "quantumtrader.training.report"


def render_page(assessment: Assessment, lang: str = "en") -> str:
    """Return the report as one self-contained HTML document.

    Parameters
    ----------
    assessment : Assessment
    lang : str
        ``en`` or ``pt``.

    Raises
    ------
    ConfigError
        If the language is not known.
    """
    page = _Page(assessment, lang)
    parts = (
        page.head(), page.verdict(), page.tiles(), page.gate(), page.data(), page.splits(), page.paths(),
        page.slices(), page.calibration(), page.importance(), page.money(), page.capacity(), page.baselines(),
        page.selection(), page.placebos(), page.end(),
    )  # fmt: skip
    title = f"{page.words['title']} · {assessment.data.symbol} · {assessment.study}"
    if assessment.synthetic:
        title += " · SYNTHETIC"
    return document(title, lang, base_style() + static(_HERE, "report.css"), "".join(parts))


class _Page:
    def __init__(self, assessment: Assessment, lang: str) -> None:
        self.a, self.lang, self.words = assessment, lang, words_of(lang)
        self.f = Figures(assessment, self.words, lang)

    def head(self) -> str:
        a, w = self.a, self.words
        banner = f'<div class="banner">{w["synthetic"]}</div>' if a.synthetic else ""
        first, last = (self._date(d) for d in (a.data.first, a.data.last))
        badges = (f"{w['model']}: {a.chosen}", a.kind, a.data.label, a.picture.scheme)
        shown = "".join(f"<span>{escape(b)}</span>" for b in badges if b)
        return (
            f'{banner}<header><div><h1>{escape(a.data.symbol or a.study)}</h1><p class="sub">{w["title"]} · '
            f'{escape(a.study)} · {first} – {last}</p></div><div class="badges">{shown}</div></header>'
        )

    def verdict(self) -> str:
        text = escape(verdict_text(self.a, self.lang))
        return f'<section class="verdict {self.a.verdict_code}"><b>{self.words["verdict"]}</b><p>{text}</p></section>'

    def tiles(self) -> str:
        a, w, f = self.a, self.words, self.f
        net = "money/per_trade/1"
        rows = [
            (w["skill"], f.share("skill", 2), w["skill_hint"]),
            (w["edge"], f.interval("edge", 5), w["edge_unit"]),
            (w["net_trade"], f.interval("net", 2), w["net_unit"]),
        ]
        if a.money is not None and a.money.trades > 0:
            rows += [
                (w["net_15"], f.interval(net, 2), w["ticks_trade"]),
                (
                    w["hit"],
                    self._mean("hit_rate", share=True),
                    f"{w['p_star']}: {self._mean('break_even_hit_rate', share=True)}",
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

    def gate(self) -> str:
        w = self.words
        rows = [
            (
                w.get(f"{c.name}_condition", w.get(c.name, c.name)),
                f'<span class="{"yes" if c.met else "no"}">{w["yes"] if c.met else w["no"]}</span>',
                *self._condition(c.name),
            )
            for c in self.a.conditions
        ]
        head = (w["condition"], w["met"], w["found"], w["wanted"])
        return self._section("gate", self._wide(table(head, rows)))

    def _condition(self, name: str) -> tuple[str, str]:
        """Say what was found and what is wanted, in the language of the page."""
        a, w, f, e = self.a, self.words, self.f, self.a.evidence()
        unknown = f.none("not_measured")
        if name == "beats_baselines":
            found = unknown
            if e.paths is not None and e.paths_beaten is not None:
                paths = number(len(a.paths), self.lang, 0)
                found = w["on_paths"].format(beaten=f.plain("paths_beaten"), paths=paths)
            return found, w["want_paths"].format(share=f"{number(100 * BEATEN, self.lang, 0)} %")
        if name == "net_at_1_5_cost":
            found = unknown if e.net_at_1_5_cost is None else f.plain("money/per_trade/1/mean", 2)
            return found, w["above"].format(value=0)
        if name == "markout_low":
            return unknown if e.markout_low is None else f.plain("net/low", 2), w["above"].format(value=0)
        if name == "dsr":
            found = unknown if e.dsr is None else f.plain("selection/dsr", 3)
            return found, w["at_least"].format(value=number(MIN_DSR, self.lang, 2))
        if name == "pbo":
            found = unknown if e.pbo is None else f.plain("selection/pbo", 3)
            return found, w["at_most"].format(value=number(MAX_PBO, self.lang, 2))
        clean = {"placebos": e.placebos_clean, "parity": e.parity_clean}[name]
        return unknown if clean is None else w["clean" if clean else "not_clean"], w["clean"]

    def data(self) -> str:
        a, w, f = self.a, self.words, self.f
        d = a.data
        measured = " ".join(f"<code>{escape(k)}={escape(str(v))}</code>" for k, v in d.measured_from.items())
        dropped = "<br>".join(f"{escape(self._drop(k))}: {f.plain(f'data/dropped/{k}')}" for k in d.dropped)
        classes = " · ".join(f"{escape(k)}: {f.share(f'data/classes/{k}')}" for k in d.classes)
        policy = w["policy_text"].format(margin=f.plain("margin", 2), cost=f.plain("cost_ticks", 2))
        tick = w["tick_points"].format(size=f.plain("data/tick_size", 2 if d.tick_size >= 0.01 else 6))
        if d.exchange_ticks > 1:
            tick += f" · {w['tick_finer'].format(n=f.plain('data/exchange_ticks'))}"
        facts = [
            (w["dates"], f"{f.plain('data/sessions')} · {self._date(d.first)} – {self._date(d.last)}"),
            (w["rows"], f.plain("data/rows")),
            (w["n_eff"], f.plain("data/n_eff")),
            (w["tested"], f.plain("data/tested")),
            (w["classes"], classes),
            (w["label"], f"{escape(d.label)} {measured}"),
            (w["dropped"], dropped or w["none_dropped"]),
            (w["features"], f"{f.plain('data/features')} · {w['clock']} <code>{escape(d.clock)}</code>"),
            (w["contracts"], escape(", ".join(d.contracts)) or f.none("not_measured")),
            (w["policy"], policy),
            (w["tick"], tick),
            (w["engine"], escape(d.engine)),
            (w["manifest"], f'<code class="break">{escape(d.manifest)}</code>'),
            (w["sha256"], f'<code class="break">{escape(d.sha256)}</code>'),
            (w["seed"], f.plain("seed")),
        ]
        return self._section("data", _facts(facts), hint=False)

    def splits(self) -> str:
        w = self.words
        key = "".join(f'<span><i class="{p}"></i>{w[p]}</span>' for p in PARTS)
        picture = plots.split_plot(self.a.picture, self.lang, w["splits"], w["split"])
        return self._section("splits", f'<div class="key">{key}</div>{picture}')

    def paths(self) -> str:
        a, w, f = self.a, self.words, self.f
        if not a.paths:
            return self._section("paths", f.none())
        rows = [
            (
                str(k + 1),
                f.share(f"paths/{k}/skill", 2),
                f.interval(f"paths/{k}/edge", 5),
                f.plain(f"paths/{k}/trades"),
                f.interval(f"paths/{k}/net", 2),
                f.signed(f"paths/{k}/net_ticks"),
            )
            for k in range(len(a.paths))
        ]
        head = (w["path"], w["skill"], w["edge_unit"], w["trades"], w["ticks_trade"], w["total"])
        pictures = [(w["skill_by_path"], [100 * p.skill for p in a.paths], 2)]
        if a.money is not None and a.money.trades > 0:
            pictures.append((w["net_by_path"], [p.net_ticks for p in a.paths], 1))
        drawn = "".join(
            f"<div><h3>{title}{' (%)' if k == 0 else ''}</h3>{plots.paths_plot(values, self.lang, title, decimals)}</div>"
            for k, (title, values, decimals) in enumerate(pictures)
        )
        return self._section("paths", f'{self._wide(table(head, rows))}<div class="two">{drawn}</div>')

    def slices(self) -> str:
        a, w, f = self.a, self.words, self.f
        if not a.slices:
            return self._section("slices", f.none())
        rows: list[tuple[str, ...]] = []
        for axis in dict.fromkeys(s.axis for s in a.slices):
            name = w[axis]
            if axis == "volatility":
                name += f" ({w['cut_by'].format(name=w.get(a.volatility, a.volatility))})"
            rows.append((f'<span class="axis">{escape(name)}</span>', *[""] * 7))
            rows += [
                (
                    escape(w[s.name] if axis == "volatility" else s.name),
                    f.plain(f"slices/{k}/sessions"),
                    f.plain(f"slices/{k}/n_eff"),
                    f.share(f"slices/{k}/skill", 2),
                    f.interval(f"slices/{k}/edge", 5),
                    f.plain(f"slices/{k}/ece", 4),
                    f.plain(f"slices/{k}/trades"),
                    f.interval(f"slices/{k}/net", 2),
                )
                for k, s in enumerate(a.slices)
                if s.axis == axis
            ]
        head = (
            "",
            w["sessions_word"],
            w["n_eff_short"],
            w["skill"],
            w["edge_unit"],
            "ECE",
            w["trades"],
            w["ticks_trade"],
        )
        return self._section("slices", self._wide(table(head, rows)))

    def calibration(self) -> str:
        a, w, f = self.a, self.words, self.f
        if a.quality is None:
            return self._section("calibration", f.none())
        facts = [
            (
                w["brier"],
                f"{f.plain('quality/brier', 5)} · {w['base_rate']} {f.plain('quality/base_brier', 5)}",
            ),
            (
                w["log_loss"],
                f"{f.plain('quality/log_loss', 5)} · {w['base_rate']} {f.plain('quality/base_log_loss', 5)}",
            ),
            (w["pooled_skill"], f.share("quality/skill", 2)),
        ]
        facts += [
            (w["ece"].format(name=escape(c.name)), f.plain(f"quality/classes/{k}/ece", 4))
            for k, c in enumerate(a.quality.classes)
        ]
        cells = []
        for k, c in enumerate(a.quality.classes):
            picture = plots.calibration_plot(c, self.lang, w["calibration"], w["predicted"], w["observed"])
            at = f"quality/classes/{k}/bins"
            rows = [
                (
                    f.plain(f"{at}/edges/{b}", 1),
                    f.plain(f"{at}/predicted/{b}", 3),
                    f.plain(f"{at}/observed/{b}", 3),
                    f.plain(f"{at}/weight/{b}", 0 if c.bins.weight[b] >= 10 else 1),
                )
                for b in range(len(c.bins.weight))
                if c.bins.weight[b] > 0
            ]
            head = (w["bin"], w["predicted"], w["observed"], w["n_eff_short"])
            cells.append(
                f"<div><h3>{w['class_of'].format(name=escape(c.name))}</h3>{picture}{self._wide(table(head, rows))}</div>"
            )
        return self._section("calibration", f'{_facts(facts)}<div class="two">{"".join(cells)}</div>')

    def importance(self) -> str:
        a, w, f = self.a, self.words, self.f
        if not a.importance:
            return self._section("importance", f.none("not_measured"))
        known = [n for n, i in a.importance.items() if i is not None]
        order = sorted(known, key=lambda n: -a.importance[n].mean)  # type: ignore[union-attr]
        rows = [
            (escape(name), f.interval(f"importance/{name}", 5))
            for name in (*order, *(n for n in a.importance if n not in known))
        ]
        picture = plots.importance_plot(a.importance, self.lang, w["importance"]) if known else ""
        shown = self._wide(table((w["family"], w["rise"]), rows))
        return self._section("importance", f'<div class="two"><div>{picture}</div><div>{shown}</div></div>')

    def money(self) -> str:
        a, w, f = self.a, self.words, self.f
        if a.money is None:
            return self._section("money", w["no_trading"] if a.edge is not None else f.none(), hint=False)
        if not a.money.trades > 0:
            return self._section("money", w["never_trades"], hint=False)
        fees, spread = f.plain("cost_ticks", 2), f.plain("money/spread_ticks", 2)
        parts = (
            w["cost_parts"].format(spread=spread, fees=fees)
            if a.money.spread_ticks > 0
            else w["cost_fees"].format(fees=fees)
        )
        finer = ""
        if a.data.exchange_ticks > 1:
            finer = f" {w['tick_finer'].format(n=f.plain('data/exchange_ticks'))}."
        names = (w["gross"], *(f"{number(m, self.lang, 1)}×" for m in MULTIPLES))
        rows = [
            (
                f"<b>{names[0]}</b>",
                f.signed("money/gross_ticks"),
                f.money("money/gross_money"),
                self._mean("break_even_ticks"),
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
        picture = plots.equity_plot(a.money, self.lang, w["equity"].format(lines=", ".join(names)))
        facts = [
            (w["round_trip_cost"], f"{f.plain('money/cost_ticks', 2)} {w['ticks']}"),
            (w["break_even_cost"], f"{self._mean('break_even_ticks')} {w['ticks']}"),
            (
                w["turnover"],
                f"{f.plain('money/trades')} · {f.plain('money/trades_per_session', 1)} {w['per_session']}",
            ),
            (w["holding"], f"{f.plain('money/holding_seconds', 1)} {w['seconds']}"),
            (
                w["hit_rate"],
                f"{self._mean('hit_rate', share=True)} · p* {self._mean('break_even_hit_rate', share=True)}",
            ),
            (w["win_loss"], f"{self._mean('mean_win')} · {self._mean('mean_loss')}"),
            (w["p_t"], self._mean("p_t", share=True)),
        ]
        if a.expected_low is not None:
            low, high = f.plain("expected_low", 1), f.plain("expected_high", 1)
            facts.append((w["session_range"], f"{low} {w['to']} {high}"))
        head = (w["at_cost"], w["total"], a.money.currency, w["per_trade"])
        body = (
            f'<p class="hint">{w["money_hint"].format(parts=parts)}{finer}</p><div class="key">{key}</div>{picture}'
            f'<div class="two"><div>{self._wide(table(head, rows))}</div><div>{_facts(facts)}</div></div>'
        )
        return self._section("money", body, hint=False)

    def _mean(self, name: str, *, share: bool = False) -> str:
        """Write a mean over trades, where there are enough of them."""
        if self.a.money is None or self.a.money.means is None:
            return self.f.none()
        place = f"money/means/{name}"
        return self.f.share(place) if share else self.f.plain(place, 2)

    def capacity(self) -> str:
        a, w, f = self.a, self.words, self.f
        if a.size is None:
            return self._section("capacity", f.none("not_measured" if a.edge is not None else "insufficient"))
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
        return self._section(
            "capacity", f'{note}<div class="two"><div>{shown}</div><div>{_facts(facts)}</div></div>'
        )

    def baselines(self) -> str:
        a, w, f = self.a, self.words, self.f
        if not a.references:
            return self._section("baselines", f.none())
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
                    "" if still and r.net is None else self._maybe(f"{at}/net", r.trades),
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
        return self._section("baselines", self._wide(table(head, rows)) + "<br>" + _facts(facts))

    def _maybe(self, place: str, trades: float) -> str:
        """Write net per trade; a baseline without a trade has none, which is no lack of data."""
        return "–" if not trades > 0 else self.f.interval(place, 2)

    def selection(self) -> str:
        a, w, f = self.a, self.words, self.f
        s = a.selection
        if s is None:
            return self._section(
                "selection", f.none("not_measured" if a.edge is not None else "insufficient")
            )
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
            f"<h3>{w['ranks']}</h3>{plots.rank_plot(s.ranks, self.lang, w['ranks'])}" if len(s.ranks) else ""
        )
        return self._section(
            "selection", f'<div class="two"><div>{_facts(facts)}</div><div>{picture}</div></div>'
        )

    def placebos(self) -> str:
        a, w, f = self.a, self.words, self.f
        if a.edge is None:
            return self._section("placebos", f.none())
        if not a.placebos:
            return self._section("placebos", f'<span class="none">{w["no_placebos"]}</span>')
        rows = [
            (
                escape(p.name.replace("days permuted", w["days_permuted"])),
                f.share(f"placebos/{k}/skill", 2),
                f.interval(f"placebos/{k}/edge", 5),
                f.plain(f"placebos/{k}/trades"),
                self._maybe(f"placebos/{k}/net", p.trades),
                f.plain(f"placebos/{k}/dsr", 3, "no_variation"),
                f'<span class="{"yes" if p.clean else "no"}">{w["clean" if p.clean else "not_clean"]}</span>',
            )
            for k, p in enumerate(a.placebos)
        ]
        head = (w["placebo"], w["skill"], w["edge_unit"], w["trades"], w["ticks_trade"], "DSR", "")
        return self._section("placebos", self._wide(table(head, rows)))

    def end(self) -> str:
        w = self.words
        return (
            f"<section><h2>{w['reading']}</h2><p>{w['reading_text']}</p></section>"
            f"<footer><p>{w['version'].format(version=__version__)}. {w['risk_notice']}</p></footer>"
        )

    def _section(self, name: str, body: str, *, hint: bool = True) -> str:
        told = self.words.get(f"{name}_hint", "")
        words = f'<p class="hint">{told}</p>' if hint and told else ""
        return f'<section id="{name}"><h2>{self.words[name]}</h2>{words}{body}</section>'

    def _wide(self, shown: str) -> str:
        return f'<div class="wide">{shown}</div>'

    def _drop(self, reason: str) -> str:
        return DROPS.get(reason, reason) if self.lang == "pt" else reason

    def _date(self, text: str) -> str:
        return "/".join(reversed(text.split("-"))) if self.lang == "pt" else text


def _facts(rows: Sequence[tuple[str, str]]) -> str:
    """Return names with their values, as a list that folds on a phone."""
    return f"<dl>{''.join(f'<dt>{n}</dt><dd>{v}</dd>' for n, v in rows)}</dl>" if rows else ""
