"""What a person reads of a training on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from quantumtrader.cli import output

if TYPE_CHECKING:
    from quantumtrader.training.pipelines import BookResult, TrainingResult


def show_book(
    result: BookResult, *, as_json: bool, refused: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Print the summary of each target, and whose vault was not opened."""
    if as_json:
        output.print_json(
            {
                "pace": result.pace,
                "insufficient": dict(result.insufficient),
                "vault_refused": dict(refused),
                "targets": {name: found.summary for name, found in result.results.items()},
            }
        )
        return
    from rich.markup import escape

    output.line(
        f"pace: {result.pace.tau_ns / 1e9:.3f} s between changes of the mid, spread {result.pace.spread_ticks:.2f} ticks"
    )
    output.table(
        "targets",
        ("", "rows", "effective", "chosen", "verdict"),
        [
            (name, f"{r.summary['rows']:,}", f"{r.summary['n_eff']:,.0f}", r.best_model, r.verdict)
            for name, r in result.results.items()
        ],
        wrap=("verdict",),
    )
    for name, r in result.results.items():
        if "vault_result" in r.summary:
            output.line(f"{name} · {_vault(r.summary['vault_result'], r.summary['ticks_per_exchange_tick'])}")
    for text in dict.fromkeys(text for r in result.results.values() for text in r.summary["notes"]):
        output.note(f"[dim]note: {escape(text)}[/]")
    for name, why in result.insufficient.items():
        output.note(escape(f"{name}: {why}"))
    for name, why in refused.items():
        output.note(escape(f"error: {name}: vault not opened: {why}"))
    output.line(f"training: {escape(str(result.folder))}")


def show(result: TrainingResult, *, as_json: bool, refused: str = "") -> None:
    """Print the summary document, or what a person wants to know of it, and why the vault was not opened."""
    summary = result.summary
    if as_json:
        output.print_json({**summary, "vault_refused": refused} if refused else summary)
        return
    from rich.markup import escape

    made = " · SYNTHETIC" if summary["synthetic"] else ""
    sessions = summary["sessions"]
    fine = int(summary["ticks_per_exchange_tick"])  # people think in the exchange's ticks
    output.table(
        f"{summary['symbol']} · {summary['kind']}{made}",
        ("", ""),
        [
            ("sessions", _sessions(sessions)),
            ("rows", f"{summary['rows']:,} (effective {summary['n_eff']:,.0f})"),
            ("label", _label(summary)),
            (
                "trials",
                f"{summary['trials']['here']}, and {summary['trials']['earlier']} of earlier trainings",
            ),
            ("features", f"{summary['features']}, {len(summary['left_out'])} left out (summary.json)"),
            ("cost", _cost(summary)),
        ],
    )
    if summary["table"]:
        output.table(
            "out of sample",
            ("", "skill %", "edge, nats per row", "net ticks per trade", "trades per path"),
            [
                (name, _percent(row["skill"]), _interval(row["edge"], 4), _net(row, fine),
                 "" if row["trades"] is None else f"{row['trades']:,.0f}")
                for name, row in summary["table"].items()
            ],
        )  # fmt: skip
    output.line(f"[bold]{escape(summary['verdict'])}[/]")
    for text in summary["networks"].values():
        output.line(escape(text))
    vault = summary.get("vault_result")
    if vault:
        output.line(_vault(vault, fine))
    for text in summary["notes"]:
        output.note(f"[dim]note: {escape(text)}[/]")
    output.line(f"model: {escape(summary['model'])}")
    output.line(f"training: {escape(str(result.folder))}")
    if refused:
        output.note(escape(f"error: vault not opened: {refused}"))


def _cost(summary: dict[str, Any]) -> str:
    """Say what a round trip costs, and that fees are not in it where they are not known."""
    unknown = "" if summary["fees_known"] else ", fees unknown"
    return (
        f"{summary['cost_ticks'] / summary['ticks_per_exchange_tick']:.2f} ticks beyond the spread{unknown}"
    )


def _net(row: dict[str, Any], fine: int) -> str:
    """Write net per trade; trades that are too few for a mean have none, as on the page."""
    if row["net_ticks"] is None and row["trades"]:
        return "insufficient"
    return _interval(row["net_ticks"], 2, fine)


def _vault(found: dict[str, Any], fine: int) -> str:
    """Say what the locked sessions brought, and which were no test any more."""
    if found.get("seen"):
        rest = _vault({**found, "seen": 0}, fine).removeprefix("vault: ")
        return (
            f"vault: {found['seen']} of {found['locked']} sessions were seen before and are left out; {rest}"
        )
    if not found["sufficient"]:
        return f"vault: insufficient: {'; '.join(found['reasons'])}"
    net = f"net {_interval(found['net_ticks'], 2, fine)} ticks in {found['trades']:,} trades"
    if found["net_ticks"] is None:
        net = f"{found['trades']:,} trades, too few for a mean" if found["trades"] else "no trades"
    return f"vault: skill {_percent(found['skill'])} %, {net}"


def _sessions(s: dict[str, Any]) -> str:
    dev, vault = s["development"], s["vault"]
    return f"{s['development_count']}, {dev[0]} to {dev[1]}; locked away {s['vault_count']}, {vault[0]} to {vault[1]}"


def _label(summary: dict[str, Any]) -> str:
    classes = ", ".join(f"{c}: {100 * n / summary['rows']:.0f} %" for c, n in summary["classes"].items())
    return f"{summary['label']['name']} ({classes})"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.2f}"


def _interval(found: dict[str, float] | None, decimals: int, over: int = 1) -> str:
    if found is None:
        return ""
    mean, low, high = (f"{found[k] / over:.{decimals}f}" for k in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"
