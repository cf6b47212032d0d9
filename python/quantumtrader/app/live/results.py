"""What a live session leaves for people: the files and the report of ``replay``, and a page of its own facts.

Everything comes from what was recorded while it ran. The baselines beside it trade on the paper exchange.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader import _backend
from quantumtrader.app.live.loop import LiveLoop
from quantumtrader.app.live.order_latencies import write_order_latencies
from quantumtrader.app.live.runner import EVENTS, RunResult
from quantumtrader.app.live.samples import read_samples
from quantumtrader.app.live.spec import SessionSpec
from quantumtrader.backtest import (
    BacktestResult,
    BacktestSettings,
    VenueSettings,
    compute_baselines,
    save_result,
    summarise,
)
from quantumtrader.backtest.desk import BracketResult
from quantumtrader.backtest.harness import Decision, EquityCurve
from quantumtrader.backtest.market import MarketPath
from quantumtrader.data.journal import JournalReader
from quantumtrader.exceptions import QuantumTraderError
from quantumtrader.execution import Books, Ledger
from quantumtrader.types import PX_NONE, FeatureFrame, Fill, Instrument

__all__ = ["SESSION", "LiveReport", "write_results"]

SESSION = "session.json"
_POINTS = 10_000
_PER_BRACKET = 1_000_000


@dataclass(frozen=True, slots=True)
class LiveReport:
    """Figures and files of a finished session.

    Parameters
    ----------
    document : dict
        What is in ``session.json``.
    report : Path or None
        The HTML report; None when there was nothing to report on.
    """

    document: dict[str, Any]
    report: Path | None


def write_results(loop: LiveLoop, result: RunResult, notices: Sequence[str] = ()) -> LiveReport:
    """Write features, decisions, trades, fills, report and ``session.json`` into the session's folder.

    With real orders also ``order_latencies.txt``: what each took until the exchange had it, in ns.

    Parameters
    ----------
    loop : LiveLoop
        Of the session, which has ended.
    result : RunResult
        How it ended.
    notices : sequence of str
        What was known before it began.
    """
    folder, spec = result.folder, result.spec
    notes = [*notices, *result.found, *result.notices]
    report, why = None, ""
    try:
        events = JournalReader(folder / EVENTS).read()
        if len(events) and loop.samples:
            live = _as_backtest(loop, spec, folder, result.halted, events)
            baselines = compute_baselines(live)
            report = save_result(
                live, baselines, summarise(live, baselines), folder, description=_describe(spec), notes=notes
            )
        else:
            why = "no row was due"
    except (
        QuantumTraderError
    ) as error:  # what was traded is in the journals; a report must not hide how it ended
        why = str(error)
    document = _document(loop, result, notes, report, why)
    document["order_latencies"] = len(_measured(loop, folder, notes))
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / SESSION).write_text(text + "\n", "utf-8", newline="\n")
    return LiveReport(document, report)


def _measured(loop: LiveLoop, folder: Path, notes: list[str]) -> list[int]:
    try:
        return write_order_latencies(loop, folder)
    except (QuantumTraderError, OSError) as error:  # a measurement must not hide how the session ended
        notes.append(f"latencies of orders are not known: {error}")
        return []


def _describe(spec: SessionSpec) -> str:
    made = " [synthetic]" if spec.synthetic else ""
    orders = "real orders" if spec.mode == "real" else "paper orders"
    return f"live session of {spec.instrument.symbol} from {spec.source}, {orders}{made}"


def _document(
    loop: LiveLoop, result: RunResult, notes: list[str], report: Path | None, why: str
) -> dict[str, Any]:
    spec, status, books = result.spec, result.status, loop.desk.books
    number = status.result if status.result == status.result else None
    return {
        "mode": spec.mode,
        "synthetic": spec.synthetic,
        "source": spec.source,
        "symbol": spec.instrument.symbol,
        "account": spec.account,
        "strategy": spec.strategy,
        "folder": str(result.folder),
        "ended": result.why,
        "clean": result.clean,
        "halted": result.halted,
        "events": status.events,
        "samples": status.samples,
        "trades": status.trades,
        "refusals": len(loop.desk.refusals),
        "position": status.position,
        "open_orders": status.open_orders,
        "result": number,
        "currency": spec.instrument.currency,
        "day": books.day,
        "notes": notes,
        "report": None if report is None else report.name,
        "no_report": why,
        "engine": _backend.engine().name,
    }


def _as_backtest(loop: LiveLoop, spec: SessionSpec, folder: Path, halted: str, events: Any) -> BacktestResult:
    """Put the session as a replay's result, so that it is judged by the same code."""
    names, rows, words = read_samples(folder)
    path = MarketPath.of(events, spec.instrument, _backend.core())
    books = loop.desk.books
    begin = int(path.now[0])
    fills = [fill for fill in books.ledger.fills if fill.ts >= begin]
    tags = {f.client_id: books.table[f.client_id].order.tag for f in fills if f.client_id}
    ledger = books.ledger if len(fills) == len(books.ledger.fills) else _ledger(spec.instrument, fills, tags)
    said = [words[k] for k in rows["word"].tolist()]
    decisions = [
        Decision(
            k, int(rows["ts"][k]), 1 if word[0] == "buy" else -1, _entry(int(rows["bracket"][k])), *word[2:]
        )
        for k, word in enumerate(said)
        if word[0] in ("buy", "sell") and (rows["bracket"][k] or word[2])
    ]
    by_bracket: dict[int, list[Fill]] = {}
    for fill in fills:
        by_bracket.setdefault(Books.bracket_of(fill.client_id), []).append(fill)
    entries = [
        BracketResult(books.brackets[number].plan, own[0].ts, own)
        for number, own in sorted(by_bracket.items())
        if number in books.brackets
    ]
    counts = np.maximum(rows["count"], 0)
    frame = FeatureFrame(names, rows["ts"].copy(), rows["values"].copy(), _metadata(loop, path.synthetic))
    return BacktestResult(
        path=path,
        frame=frame,
        counts=counts,
        actions=[word[0] for word in said],
        reasons=[word[1] for word in said],
        decisions=decisions,
        fills=fills,
        fill_tags=tags,
        trades=ledger.trades,
        refusals=list(loop.desk.refusals),
        journal=[],
        entries=entries,
        equity=_equity(path, frame.times, counts, fills),
        ledger=ledger,
        fidelity="orders" if path.source == "orders" else "book" if path.has_book else "touch",
        settings=BacktestSettings(
            clock=spec.loop.clock or loop.strategy.clock,
            venue=VenueSettings(
                latency_ns=spec.paper.latency_ns,
                queue=spec.paper.queue,
                adverse_ticks=spec.paper.adverse_ticks,
            ),
            limits=spec.limits,
            features=spec.loop.features,
            flatten_before_s=spec.loop.flatten_before_s,
            rlp_sign=spec.loop.rlp_sign,
            warmup=spec.loop.warmup,
            fitted=spec.loop.fitted,
            detectors=spec.loop.detectors,
        ),
        strategy=loop.strategy,
        engine=_backend.engine().name,
        halted=halted,
    )


def _entry(bracket: int) -> int:
    return bracket * _PER_BRACKET + 1 if bracket else 0


def _metadata(loop: LiveLoop, synthetic: bool) -> dict[str, str]:
    return {**loop.engine.take().metadata, "synthetic": str(synthetic).lower()}


def _ledger(instrument: Instrument, fills: list[Fill], tags: dict[int, str]) -> Ledger:
    ledger = Ledger(instrument)
    for fill in fills:
        ledger.apply(fill, tags.get(fill.client_id, ""))
    return ledger


def _equity(path: MarketPath, times: Any, counts: Any, fills: list[Fill]) -> EquityCurve:
    """Result at the rows, thinned, marked at the price at which the position could be left."""
    value = path.instrument.tick_value
    rows: list[tuple[int, float, float, int]] = []
    waiting = list(fills)
    position, cash, fees = 0, 0, 0.0
    step = max(1, len(times) // _POINTS)
    for k in [*range(0, len(times), step), len(times) - 1]:
        ts, at = int(times[k]), int(counts[k]) - 1
        last = k == len(times) - 1
        while waiting and (last or waiting[0].ts <= ts):
            fill = waiting.pop(0)
            position += fill.side * fill.size
            cash -= fill.side * fill.size * fill.px
            fees += fill.fee
        px = path.exit_px(position, max(at, 0)) if position else 0
        if px == PX_NONE:
            continue
        gross = (cash + position * px) * value
        rows.append((ts, gross, gross - fees, position))
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return EquityCurve(
        np.array(columns[0], np.int64),
        np.array(columns[1], np.float64),
        np.array(columns[2], np.float64),
        np.array(columns[3], np.int64),
    )
