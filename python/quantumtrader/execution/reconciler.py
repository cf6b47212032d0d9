"""Reconciliation carried out: the vendor is asked, its answer compared with our books, and every difference dealt with.

What a comparison finds is in ``reconcile``; here it is decided, written down, and whether orders may be sent follows.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from quantumtrader.exceptions import GatewayError
from quantumtrader.execution.gateway import OrderDetails, VendorPosition
from quantumtrader.execution.reconcile import Finding, FindingKind, ForeignPolicy, ReconcileReport, compare
from quantumtrader.execution.recovery import details_fields

if TYPE_CHECKING:
    from quantumtrader.execution.manager import OrderExecutionManagerV4

__all__ = ["Reconciler"]

_log = logging.getLogger(__name__)


class Reconciler:
    """Keeps the books of an order manager in step with the vendor.

    Parameters
    ----------
    manager : OrderExecutionManagerV4
        Whose books, gateway, journal and kill switch they are.
    """

    def __init__(self, manager: OrderExecutionManagerV4) -> None:
        self._manager = manager
        self.report: ReconcileReport | None = None
        """What the last comparison found; None before the first."""
        self.clear = False
        """Whether books and vendor agree, as far as anybody knows."""
        self.due_ns = 0
        """When to compare again, ns UTC."""
        self._foreign: int | None = None
        self._mismatch: tuple[int, int, int] | None = None
        self._told: frozenset[tuple[str, int, str]] = frozenset()

    def begin(self) -> None:
        """A session of the gateway begins: nothing is known."""
        self.clear, self.due_ns = False, 0
        self._foreign = self._mismatch = None

    def run(self) -> ReconcileReport | None:
        """Compare with the vendor and deal with every difference; None when the vendor cannot say."""
        manager = self._manager
        now = manager.clock.now_ns()
        self.due_ns = now + manager.settings.retry_ns
        try:
            orders, position = self._vendor()
            report = compare(manager.books, orders, position, now, manager.settings.reconcile)
            self._tell(report)
            for finding in report.findings:
                self._deal_with(finding)
        except GatewayError as error:
            _log.warning("reconciliation: %s", error)
            return None
        ours, theirs = manager.books.ledger.position, report.theirs
        explained = self._foreign is not None and theirs - ours == report.foreign - self._foreign
        certain = report.settled and self._deal_with_position(ours, theirs, position, explained)
        self.clear = certain or (self.clear and report.settled)
        if certain:
            self._foreign = report.foreign
            self.due_ns = now + manager.settings.reconcile_ns
        self.report = report
        return report

    def _vendor(self) -> tuple[list[OrderDetails], VendorPosition]:
        """List and position that belong together: no fill came between."""
        gateway = self._manager.gateway
        if not gateway.connected:
            raise GatewayError("not connected")
        before = gateway.position()
        for _ in range(3):
            orders = gateway.orders()
            after = gateway.position()
            if after == before:
                return orders, after
            before = after
        raise GatewayError("the position moves too fast to be compared")

    def _tell(self, report: ReconcileReport) -> None:
        """Write down what was found, unless it was found just before."""
        told = frozenset(
            (f.kind.value, f.client_id, f.details.ref.cl_ord_id if f.details else "") for f in report.findings
        )
        if self.report is None or told != self._told:
            self._manager.write(
                "reconciled",
                ours=report.ours,
                theirs=report.theirs,
                findings=[
                    {"kind": f.kind.value, "client_id": f.client_id, "text": f.message}
                    for f in report.findings
                ],
            )
            for finding in report.findings:
                _log.warning("reconciliation: %s: %s", finding.kind, finding.message)
        self._told = told

    def _deal_with(self, finding: Finding) -> None:
        client_id, details = finding.client_id, finding.details
        match finding.kind:
            case FindingKind.CHANGED | FindingKind.FOUND if details is not None:
                self._manager.see(client_id, details)
            case FindingKind.LOST:
                self._manager.write("lost", client_id=client_id, text=finding.message)
            case FindingKind.GONE:
                known = self._manager.details(client_id)
                if known is None:
                    self._manager.write("gone", client_id=client_id, text=finding.message)
                else:
                    self._manager.see(client_id, known)
            case FindingKind.AMBIGUOUS:
                self._manager.halt(f"reconciliation: {finding.message}")
            case FindingKind.FOREIGN if details is not None:
                self.decide(finding.message, details, self._manager.settings.reconcile.foreign_orders)
            case _:
                pass  # WAITING waits; POSITION is looked at once the orders are clear

    def decide(self, message: str, details: OrderDetails, policy: ForeignPolicy) -> None:
        """Do what a policy says about an order that is not ours."""
        if policy is ForeignPolicy.HALT:
            self._manager.halt(f"reconciliation: {message}")
        elif policy is ForeignPolicy.CLAIM and details.off_tick:
            self._manager.halt(f"reconciliation: {message}: it cannot be claimed: {details.text}")
        elif policy is ForeignPolicy.CLAIM and details.complete:
            self._manager.write(
                "claim",
                client_id=self._manager.books.free_id(),
                details=details_fields(details),
                tag="claimed",
            )
        elif policy is ForeignPolicy.IGNORE and details.ref.cl_ord_id:
            self._manager.write("ignore", cl_ord_id=details.ref.cl_ord_id, text=message)

    def _deal_with_position(self, ours: int, theirs: int, position: VendorPosition, explained: bool) -> bool:
        """Whether the position is what we think, or what to do about it is decided.

        Exits of ours would be wrong on a position that is not ours, so a halt is hard. Where orders of others
        explain that the position is gone, ours would outlive it and are cancelled; taken into our books, they are the
        exit of the trade. A mere number at the vendor takes no stop away.
        """
        now = self._manager.clock.now_ns()
        if ours == theirs:
            self._mismatch = None
            return True
        if self._mismatch is None or self._mismatch[:2] != (ours, theirs):
            self._mismatch = (ours, theirs, now)
        if now - self._mismatch[2] < self._manager.settings.confirm_ns:
            return False
        self._mismatch = None
        policy = self._manager.settings.reconcile.foreign_position
        text = f"position {ours:+d} in our books, {theirs:+d} at the vendor"
        if policy is ForeignPolicy.HALT:
            self._manager.halt(f"reconciliation: {text}", hard=True)
            if explained and theirs == 0:
                self._manager.cancel_all()
        elif policy is ForeignPolicy.IGNORE:
            self._manager.write(
                "offset", sync=True, size=self._manager.books.offset + theirs - ours, text=text
            )
        elif (px := self.price_of(position)) is None:
            self._manager.halt(f"reconciliation: {text}, and the vendor gives no price for it", hard=True)
        else:
            self._manager.write(
                "adopt", sync=True, size=theirs - ours, px=round(px), explained=explained, text=text
            )
        return True

    def price_of(self, position: VendorPosition) -> float | None:
        """Average price in ticks of the vendor's position, or of ours when it is flat; None where neither is known.

        A position booked at a price that is no price would make its result, and the daily loss, a fiction.
        """
        px = position.average_px if position.size else self._manager.books.ledger.average_px
        return px if px is not None and math.isfinite(px) and px > 0 else None
