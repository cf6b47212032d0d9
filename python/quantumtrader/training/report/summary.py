"""A page of plain text that a model carries with it: what it is, what it was trained on, what it has shown."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from quantumtrader.models.gate import Condition
from quantumtrader.models.manifest import ModelManifest
from quantumtrader.training.assessment import Assessment
from quantumtrader.training.evaluation import Interval

__all__ = ["model_summary"]


def model_summary(manifest: ModelManifest, assessment: Assessment) -> str:
    """Return ``report.md`` of a model, in Markdown.

    Ticks are those of the exchange. Everything in it comes from the two arguments, so that the same training writes the
    same bytes.

    Parameters
    ----------
    manifest : ModelManifest
        Of the model; hashes of files are not needed.
    assessment : Assessment
        Of the training.
    """
    a, m = assessment, manifest
    made = " (synthetic)" if a.synthetic else ""
    lines = [f"# {m.id}{made}", "", a.verdict, ""]
    lines += ["## What it is", "", *_items(_about(m, a)), ""]
    lines += ["## What it was trained on", "", *_items(_data(m, a)), ""]
    lines += ["## Out of sample", "", *_items(_figures(a)), ""]
    lines += ["## Conditions of the shadow", "", *map(_condition, a.conditions), ""]
    lines += [
        "The way on: `quantumtrader models show` says what keeps it down, `models observe` records its sessions.",
        "",
        "The whole assessment is a page of its own, `report.html`, in the folder in which the training ran (its `--out`), "
        "beside `summary.json`.",
        "",
    ]
    return "\n".join(lines)


def _about(m: ModelManifest, a: Assessment) -> Iterator[tuple[str, str]]:
    yield "kind", f"{m.kind}, chosen as {a.chosen}"
    yield "instrument", f"{m.instrument['symbol']}, tick {m.instrument['tick_size']:g}"
    yield "label", f"{m.label['id']}, classes {', '.join(map(str, m.classes))}"
    yield "features", f"{len(m.features.names)}, clock {m.features.clock}"
    yield "engine", f"{m.features.engine} {m.features.version}"
    until = m.limits["valid_until_ns"]
    yield (
        "valid until",
        "no end" if until is None else f"{np.datetime64(int(until), 'ns').astype('datetime64[s]')} UTC",
    )


def _data(m: ModelManifest, a: Assessment) -> Iterator[tuple[str, str]]:
    d = a.data
    until = str(m.data["recorded_until"])
    locked = "" if until == d.last else f"; recorded until {until}, the rest locked away"
    yield "sessions", f"{d.sessions}, {d.first} to {d.last}{locked}"
    yield "rows", f"{d.rows:,}, effective {d.n_eff:,.0f}, out of sample {d.tested:,}"
    if d.contracts:
        yield "contracts", ", ".join(d.contracts)
    yield "classes", ", ".join(f"{name}: {share:.1%}" for name, share in d.classes.items())
    if d.dropped:
        yield "rows left out", ", ".join(f"{count:,} {why}" for why, count in d.dropped.items())
    yield "trials", f"{m.trials['n']} here, {m.trials['earlier']} of earlier trainings"
    yield "hash of the rows", d.sha256


def _figures(a: Assessment) -> Iterator[tuple[str, str]]:
    if not a.sufficiency.sufficient:
        yield "insufficient", "; ".join(a.sufficiency.reasons)
        return
    fine = a.data.exchange_ticks
    yield "log-loss skill", "insufficient" if a.skill is None else f"{a.skill:.2%}"
    yield "edge, nats per row", _interval(a.edge, 5)
    yield "net ticks per trade", _interval(a.net, 2, fine)
    if a.money is not None:
        yield "at 1.5 times the cost", _interval(a.money.per_trade[1], 2, fine)
        yield "trades per session", f"{a.money.trades_per_session:.1f}"
        yield "cost of a round trip, ticks", f"{a.money.cost_ticks / fine:.2f}"
    if a.expected_low is not None and a.expected_high is not None:
        yield (
            "net ticks of 95 % of the sessions",
            f"{a.expected_low / fine:.1f} to {a.expected_high / fine:.1f}",
        )


def _condition(condition: Condition) -> str:
    return f"- {'met' if condition.met else 'NOT MET'}: {condition}"


def _items(rows: Iterator[tuple[str, str]]) -> list[str]:
    return [f"- {name}: {value}" for name, value in rows]


def _interval(found: Interval | None, decimals: int, unit: int = 1) -> str:
    """Write a mean with its 95 % interval over sessions."""
    if found is None:
        return "insufficient"
    mean, low, high = (f"{value / unit:.{decimals}f}" for value in (found.mean, found.low, found.high))
    return f"{mean} (95 %: {low} to {high})"
