"""Writes a replay to a folder: Parquet for programs, JSON for scripts, one HTML file for people.

Everything is written to a temporary folder beside the target first, and moved when it is complete: a full disk
or an interruption leaves no half-written file behind. ``summary.json`` goes before the first file is moved and comes
back last, so it never stands beside files of another replay. The same replay writes the same bytes.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quantumtrader import __version__
from quantumtrader.backtest.baselines import Baselines
from quantumtrader.backtest.harness import BacktestResult
from quantumtrader.backtest.report import render_report
from quantumtrader.backtest.report.remarks import fidelity_note, remarks
from quantumtrader.backtest.statistics import Summary
from quantumtrader.backtest.verdict import verdict, verdict_code
from quantumtrader.exceptions import QuantumTraderError
from quantumtrader.execution import strategy_parameters
from quantumtrader.features.manifest import FITTED, THRESHOLD

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FILES", "save_result"]

FILES = (
    "features.parquet",
    "decisions.parquet",
    "trades.parquet",
    "fills.parquet",
    "report.html",
    "summary.json",
)
"""What a replay writes; ``summary.json`` comes last, so its presence means that all is there."""


def save_result(
    result: BacktestResult,
    baselines: Baselines,
    summary: Summary,
    out: Path | str,
    *,
    lang: str = "en",
    description: str = "",
    notes: Sequence[str] = (),
) -> Path:
    """Write all files of a replay.

    Parameters
    ----------
    result, baselines, summary
        The replay and its figures.
    out : path
        Folder; made when missing, files of an earlier replay in it are replaced.
    lang, description, notes
        See ``render_report``.

    Returns
    -------
    Path
        The report.

    Raises
    ------
    QuantumTraderError
        If the folder cannot be written. What was there before is untouched, unless the moving itself fails: then
        ``summary.json`` is missing.
    """
    out = Path(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".replay-", dir=out))
    except OSError as error:
        raise QuantumTraderError(
            f"cannot write the replay to {out}: {error.strerror}; choose another --out"
        ) from error
    try:
        import pyarrow.parquet as pq

        tables = (result.frame.to_arrow(), _decisions(result), _trades(result), _fills(result))
        for name, table in zip(FILES[:4], tables, strict=True):
            pq.write_table(table, staging / name, compression="zstd")
        html = render_report(result, baselines, summary, lang=lang, description=description, notes=notes)
        (staging / "report.html").write_text(html, "utf-8", newline="\n")
        document = summary_document(result, summary, lang=lang, description=description, notes=notes)
        text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
        (staging / "summary.json").write_text(text + "\n", "utf-8", newline="\n")
        (out / FILES[-1]).unlink(missing_ok=True)
        for name in FILES:
            os.replace(staging / name, out / name)
    except OSError as error:
        raise QuantumTraderError(
            f"cannot write the replay to {out}: {error.strerror or error}; check the disk or choose another --out"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return out / "report.html"


def summary_document(
    result: BacktestResult,
    summary: Summary,
    *,
    lang: str = "en",
    description: str = "",
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Key figures and assumptions as plain JSON types; figures without meaning are null."""
    instrument, settings = result.instrument, result.settings
    document = {
        "symbol": instrument.symbol,
        "currency": instrument.currency,
        "data": description,
        "synthetic": result.path.synthetic,
        "from_ns": int(result.path.now[0]),
        "to_ns": result.path.recorded_until,
        "strategy": {"name": result.strategy.name, "parameters": strategy_parameters(result.strategy)},
        "verdict": {
            "code": verdict_code(summary),
            "text": verdict(summary, instrument.currency, synthetic=result.path.synthetic, lang=lang),
        },
        "figures": {k: v for k, v in asdict(summary).items() if k != "refusal_examples"},
        "assumptions": {
            "clock": settings.clock,
            "fidelity": result.fidelity,
            "fidelity_note": fidelity_note(result, lang),
            "latency_ns": settings.venue.latency_ns,
            "queue": settings.venue.queue,
            "fee_per_contract_side": result.fee if result.fees_known else None,
            "fees": "known" if result.fees_known else "fees unknown: net = gross",
            "adverse_ticks": settings.venue.adverse_ticks,
            "limits": {k: v for k, v in asdict(settings.limits).items() if not k.startswith("trading_")},
            "seed": settings.seed,
            "draws": settings.draws,
            **_measured(result),
        },
        "engine": {"name": result.engine, "version": __version__},
        "halted": result.halted,
        "notes": [*notes, *remarks(result, lang)],
    }
    return {key: _plain(value) for key, value in document.items()}


def _measured(result: BacktestResult) -> dict[str, Any]:
    """Hashes of the fits and thresholds of the detectors that the columns read; nothing where they read none."""
    manifest = json.loads(result.frame.metadata.get("manifest", "{}"))
    options = dict(manifest.get("options", ()))
    fits = {k.removeprefix(FITTED): v for k, v in options.items() if k.startswith(FITTED)}
    thresholds = {k.removeprefix(THRESHOLD): v for k, v in options.items() if k.startswith(THRESHOLD)}
    return {name: values for name, values in (("fitted", fits), ("detectors", thresholds)) if values}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def _table(result: BacktestResult, columns: dict[str, Any]) -> pa.Table:
    import pyarrow as pa

    return pa.table(columns).replace_schema_metadata(dict(result.frame.metadata))


def _stamps(ts: Any) -> Any:
    import pyarrow as pa

    return pa.array(np.asarray(ts, np.int64)).cast(pa.timestamp("ns", "UTC"))


def _words(values: list[str]) -> Any:
    import pyarrow as pa

    return pa.array(values, pa.string()).dictionary_encode()


def _decisions(result: BacktestResult) -> pa.Table:
    """One row per sample: what was said, why, and what became of it."""
    import pyarrow as pa

    n = len(result.frame)
    orders = np.zeros(n, np.int64)
    rules, messages = [""] * n, [""] * n
    for decision in result.decisions:
        orders[decision.index] = decision.order_id
        rules[decision.index], messages[decision.index] = decision.rule, decision.message
    return _table(
        result,
        {
            "ts": _stamps(result.frame.times),
            "events": pa.array(result.counts),
            "action": _words(result.actions),
            "reason": _words(result.reasons),
            "order_id": pa.array(orders, mask=orders == 0),
            "risk_rule": _words(rules),
            "risk_message": _words(messages),
        },
    )


def _trades(result: BacktestResult) -> pa.Table:
    import pyarrow as pa

    rows = result.trades
    tick, finer = result.instrument.tick_size, result.instrument.ticks_per_exchange_tick
    return _table(
        result,
        {
            "trade_id": pa.array([t.trade_id for t in rows], pa.int64()),
            "side": pa.array([t.side for t in rows], pa.int8()),
            "size": pa.array([t.size for t in rows], pa.int64()),
            "entry_ts": _stamps([t.entry_ts for t in rows]),
            "exit_ts": _stamps([t.exit_ts for t in rows]),
            "entry_price": pa.array([t.entry_px * tick for t in rows], pa.float64()),
            "exit_price": pa.array([t.exit_px * tick for t in rows], pa.float64()),
            "gross": pa.array([t.gross for t in rows], pa.float64()),
            "costs": pa.array([t.costs for t in rows], pa.float64()),
            "net": pa.array([t.net for t in rows], pa.float64()),
            "mae_ticks": pa.array([t.mae_ticks / finer for t in rows], pa.float64()),
            "mfe_ticks": pa.array([t.mfe_ticks / finer for t in rows], pa.float64()),
            "entry_reason": _words([t.entry_tag for t in rows]),
            "exit_reason": _words([t.exit_tag for t in rows]),
        },
    )


def _fills(result: BacktestResult) -> pa.Table:
    import pyarrow as pa

    rows = result.fills
    tick = result.instrument.tick_size
    return _table(
        result,
        {
            "fill_id": pa.array([f.fill_id for f in rows], pa.int64()),
            "order_id": pa.array([f.client_id for f in rows], pa.int64()),
            "ts": _stamps([f.ts for f in rows]),
            "side": pa.array([f.side for f in rows], pa.int8()),
            "px_ticks": pa.array([f.px for f in rows], pa.int64()),
            "price": pa.array([f.px * tick for f in rows], pa.float64()),
            "size": pa.array([f.size for f in rows], pa.int64()),
            "maker": pa.array([f.maker for f in rows], pa.bool_()),
            "fee": pa.array([f.fee for f in rows], pa.float64()),
            "tag": _words([result.fill_tags[f.client_id] for f in rows]),
        },
    )
