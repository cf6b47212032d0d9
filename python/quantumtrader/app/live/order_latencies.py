"""What real orders took from the decision to the exchange's acknowledgement, read from the order journal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from quantumtrader.app.live.loop import LiveLoop
from quantumtrader.app.live.runner import TAPE
from quantumtrader.app.live.tape import read_header
from quantumtrader.execution.order_journal import Record, read_journal
from quantumtrader.gateway import OrderStage, stage_of
from quantumtrader.training.labels.latency import ORDER_LATENCIES

__all__ = ["order_latencies", "write_order_latencies"]

_ACKNOWLEDGED = (OrderStage.WORKING, OrderStage.FILLED)


def order_latencies(records: Iterable[Record]) -> list[int]:
    """Return ns from each order's intent to the first snapshot in which the exchange has it or has filled it.

    Both times are those of the loop's turns. Orders that were never acknowledged, as refused ones, have none.
    """
    decided: dict[int, int] = {}
    out = []
    for record in records:
        if record["kind"] == "intent":
            decided[record["client_id"]] = record["ts"]
        elif record["kind"] == "snapshot" and stage_of(record["details"]["status"]) in _ACKNOWLEDGED:
            begun = decided.pop(record["client_id"], None)
            if begun is not None:
                out.append(record["ts"] - begun)
    return out


def write_order_latencies(loop: LiveLoop, folder: Path) -> list[int]:
    """Write those of the session that has ended into its folder, one a line, where there are any; return them.

    Orders on paper have none: what they take is a setting.
    """
    if loop.broker is not None:
        return []
    records, _ = read_journal(loop.desk.manager.journal.path)
    found = order_latencies(records[int(read_header(folder / TAPE)["order_records"]) :])
    if found:
        text = "# ns from the decision to the exchange's acknowledgement, one order a line\n"
        text += "".join(f"{ns}\n" for ns in found)
        (folder / ORDER_LATENCIES).write_text(text, "utf-8", newline="\n")
    return found
