"""Approved orders on their way to a broker, and what became of them.

Nothing is done before it is written: the journal gets the intent (and has it on the disk), then the gateway gets
the order, then the journal gets the answer. After a crash the books are rebuilt from the journal, and what it does
not answer is looked for at the vendor (``reconcile``) before anything else is sent.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from numbers import Real
from typing import Any

from quantumtrader.clock import Clock, LiveClock
from quantumtrader.exceptions import (
    ConfigError,
    GatewayError,
    JournalError,
    OrderError,
    OrderRefusedError,
    TradingHaltedError,
)
from quantumtrader.execution.brackets import BracketPlan
from quantumtrader.execution.gateway import (
    OrderDetails,
    OrderGateway,
    OrderRef,
    OrderStage,
    ReportKind,
    ticket_of,
)
from quantumtrader.execution.order_journal import OrderJournal
from quantumtrader.execution.reconcile import (
    ForeignPolicy,
    ReconcileReport,
    ReconcileSettings,
)
from quantumtrader.execution.reconciler import Reconciler
from quantumtrader.execution.recovery import SCHEMA, details_fields, rebuild
from quantumtrader.execution.risk import Approved, Refused, RiskManager
from quantumtrader.execution.signals import Signal
from quantumtrader.execution.whole import whole
from quantumtrader.types import PX_NONE, Instrument, Order, OrderType, Side

__all__ = ["ManagerSettings", "OrderExecutionManagerV4"]

_log = logging.getLogger(__name__)

_ACTIONS = {"buy": Side.BUY, "sell": Side.SELL}
_MOST_POINTS = 1e12


@dataclass(frozen=True, slots=True)
class ManagerSettings:
    """Cycles of the order manager.

    Parameters
    ----------
    reconcile : ReconcileSettings
        Patience and policies of reconciliation.
    sweep_ns : int
        Every order that is alive is looked at this often, reports or not, in ns.
    reconcile_ns : int
        Time between reconciliations while all is well, in ns.
    retry_ns : int
        The same while something is open, and before a cancel without effect is repeated, in ns.
    confirm_ns : int
        How long a difference in position must last before it counts, in ns: the vendor's position may be late.
    stop_slack_ticks : int
        How far beyond its trigger a stop may trade: the exchange has stop-limits only.
    """

    reconcile: ReconcileSettings = field(default_factory=ReconcileSettings)
    sweep_ns: int = 1_000_000_000
    reconcile_ns: int = 30_000_000_000
    retry_ns: int = 1_000_000_000
    confirm_ns: int = 2_000_000_000
    stop_slack_ticks: int = 20

    def __post_init__(self) -> None:
        for name in ("sweep_ns", "reconcile_ns", "retry_ns", "confirm_ns", "stop_slack_ticks"):
            if getattr(self, name) < 0:
                raise ConfigError(
                    f"order manager setting {name} is {getattr(self, name)}, expected 0 or more"
                )


class OrderExecutionManagerV4:
    """Orders of one account in one instrument.

    Parameters
    ----------
    connection : OrderGateway or object with ``order_gateway``
        The gateway, or the connection manager that has one.
    journal : OrderJournal
        Open for writing; the books are rebuilt from it.
    instrument : Instrument
        What is traded.
    risk : RiskManager
        Whose approvals count; its kill switch is kept in the journal.
    settings : ManagerSettings, optional
        Cycles.
    clock : Clock, optional
        Source of time; the system's by default.
    """

    def __init__(
        self,
        connection: Any,
        journal: OrderJournal,
        instrument: Instrument,
        risk: RiskManager,
        settings: ManagerSettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        gateway = getattr(connection, "order_gateway", connection)
        if gateway is None:
            raise OrderError("the session routes no orders yet: call route_orders(account, ticker) first")
        self.gateway: OrderGateway = gateway
        if hasattr(connection, "attach_orders"):
            connection.attach_orders(self.submit)
        self.journal = journal
        self.instrument = instrument
        self.risk = risk
        self.settings = settings or ManagerSettings()
        self.clock: Clock = clock or LiveClock()
        self.books = rebuild(journal.records, instrument)
        journal.records.clear()  # the books hold what counts
        self._reconciler = Reconciler(self)
        self._started_ns = 0
        self._sweep_due = 0
        self._dirty: set[int] = set()

    # -- the doors of the design documents ---------------------------------------------------------------------

    def initialize(self) -> bool:
        """Start a session: take over the journal and compare it with the vendor.

        Returns
        -------
        bool
            Whether orders can be sent at once; if not, ``poll`` goes on trying.

        Raises
        ------
        JournalError
            If the journal is another account's or another contract's.
        """
        now = self.clock.now_ns()
        if len(self.journal) == 0:
            self.write(
                "begin",
                sync=True,
                schema=SCHEMA,
                account=self.gateway.account,
                symbol=self.instrument.symbol,
                tick_size=self.instrument.tick_size,
            )
        if self.books.account != self.gateway.account or self.instrument.symbol != self.gateway.symbol:
            raise JournalError(
                f"the journal is of account {self.books.account} in {self.instrument.symbol}, the gateway of "
                f"{self.gateway.account} in {self.gateway.symbol}",
                path=self.journal.path,
            )
        self._begin_session(now)
        if self.books.killed and self.risk.switch.path is None:  # a switch with a file knows better
            self.risk.trip(self.books.killed, hard=self.books.killed_hard)
        self.poll()
        return self.ready

    def create_order(self, signal: Signal | Mapping[str, Any], account_info: Mapping[str, Any]) -> Order:
        """Make the order that a signal asks for; it is a wish until the risk manager approves it.

        Parameters
        ----------
        signal : Signal or mapping
            Ours, or the design documents' dictionary: ``action``, ``position_size``, and ``entry_price`` in points
            for a limit order.
        account_info : mapping
            ``account``, when present, must be the gateway's.

        Returns
        -------
        Order
            A market order, or a limit order where the dictionary has a price.

        Raises
        ------
        OrderError
            For another account, a hold or an exit, a size that is no whole number, or a price that is none or off the tick.
        """
        account = account_info.get("account", self.gateway.account)
        if account != self.gateway.account:
            raise OrderError(f"the gateway trades account {self.gateway.account}, not {account}")
        if isinstance(signal, Signal):
            if not signal.side:
                raise OrderError(
                    f"a signal to {signal.action} ({signal.reason}) asks for no order of its own; "
                    "LiveDesk.on_signal takes every signal"
                )
            return Order(self.books.free_id(), signal.side, signal.size, tag=signal.reason)
        side = _ACTIONS.get(str(signal.get("action", "")).lower())
        size = signal.get("position_size")
        if side is None:
            raise OrderError(f"signal with action {signal.get('action')!r}: expected buy or sell")
        size = whole(size, "position_size, the number of contracts,")
        price = signal.get("entry_price")
        tag = str(signal.get("reason", "signal"))
        if price is None:
            return Order(self.books.free_id(), side, size, tag=tag)
        px = self._ticks_of(price)
        return Order(self.books.free_id(), side, size, OrderType.LIMIT, px, tag=tag)

    def _ticks_of(self, price: Any) -> int:
        tick = self.instrument.tick_size
        points: Any = math.nan if isinstance(price, bool) or not isinstance(price, Real) else price
        if not 0 < points < _MOST_POINTS:
            raise OrderError(f"entry_price is {price!r}, expected points above 0, or None for a market order")
        px = round(float(points) / tick)
        if abs(px * tick - points) > 1e-6 * tick:
            raise OrderError(f"entry_price {price} is not on the grid of {tick} points")
        return px

    def send_order(self, order: Approved[Order]) -> dict[str, Any]:
        """Send an approved order; returns what ``get_order_status`` does.

        Raises
        ------
        OrderError
            If it is not approved, or the approval was used or is too old.
        TradingHaltedError
            If the kill switch was moved, the books are not reconciled, or the journal cannot be written.
        """
        client_id = self.submit(order)
        return self.get_order_status(client_id)

    def cancel_order(self, order_id: int) -> bool:
        """Ask to cancel an order; False when it has ended already."""
        if self.books.table[order_id].status.final:
            return False
        self.cancel(order_id)
        return True

    def get_order_status(self, order_id: int) -> dict[str, Any]:
        """What is known about an order: times in ns UTC, prices in points, None where nobody knows."""
        state, link = self.books.table[order_id], self.books.links[order_id]
        order = state.order
        average = link.amount / link.traded * self.instrument.tick_size if link.traded else None
        return {
            "order_id": order_id,
            "cl_ord_id": link.ref.cl_ord_id or None,
            "status": "unknown" if order_id in self.books.unresolved else state.status.value,
            "side": "buy" if order.side == Side.BUY else "sell",
            "type": order.type.value,
            "size": order.size,
            "filled": state.filled,
            "remaining": state.remaining,
            "price": None if order.px == PX_NONE else self.instrument.price(order.px),
            "average_price": average,
            "message": link.last.get("text", "") or state.reason,
            "sent_ts": state.sent_ts,
            "done_ts": state.done_ts or None,
            "tag": order.tag,
        }

    def get_open_orders(self) -> list[dict[str, Any]]:
        """Orders that have not ended, oldest first."""
        return [self.get_order_status(s.order.client_id) for s in self.books.table.open_orders]

    # -- sending -----------------------------------------------------------------------------------------------

    @property
    def ready(self) -> bool:
        """Whether orders can be sent: connected, journal in order, and nothing unknown about ours."""
        return (
            self._reconciler.clear
            and self.gateway.connected
            and not self.journal.failed
            and not self.books.unresolved
        )

    @property
    def position(self) -> int:
        """Contracts held, signed, by our fills."""
        return self.books.ledger.position

    def result(self, mark_px: int) -> float:
        """Result of the trading day after fees in the instrument's currency; NaN while the price is not known."""
        return self.books.ledger.session_realised + self.books.ledger.open_gross(mark_px)

    def submit(self, approved: Approved[Order]) -> int:
        """Send an approved order and return its client id; see ``send_order``."""
        if not isinstance(approved, Approved):
            raise OrderError(
                f"an order needs the Approved of RiskManager.check; this is only a {type(approved).__name__}"
            )
        self._require_ready()
        order = approved.order
        if order.client_id in self.books.table:
            raise OrderError(f"order {order.client_id} was already sent; every order needs its own id")
        approved.use(self.clock.now_ns())
        ticket = ticket_of(approved, self.settings.stop_slack_ticks)
        self.write(
            "intent",
            sync=True,
            client_id=order.client_id,
            side=int(order.side),
            size=order.size,
            type=order.type.value,
            px=order.px,
            reduce_only=order.reduce_only,
            tag=order.tag,
            limit_px=ticket.px,
        )
        try:
            local_id = self.gateway.send(ticket)
        except OrderRefusedError as error:
            self.write("failed", client_id=order.client_id, text=str(error))
        except GatewayError as error:
            # Nobody knows whether it left: nothing more is sent until the vendor's list was read.
            self.write("note", client_id=order.client_id, text=f"send: {error}")
            self._reconciler.due_ns = 0
        else:
            self.write("sent", client_id=order.client_id, local_id=local_id)
        return order.client_id

    def refuse(self, refusal: Refused) -> None:
        """Record what the risk manager refused."""
        self.write("refused", client_id=refusal.order.client_id, rule=refusal.rule, text=refusal.message)

    def unsend(self, client_id: int) -> None:
        """Record that an order which a bracket asked for is not needed any more."""
        self.write("unsent", client_id=client_id)

    def cancel(self, client_id: int) -> None:
        """Ask to cancel an order; without effect, the request is repeated by ``poll``."""
        if self.books.table[client_id].status.final and client_id not in self.books.undead:
            return
        # Not waited for: a cancel that power failure makes us forget ends its trade, as an unasked one does.
        self.write("cancel", client_id=client_id)
        ref = self.books.ref(client_id)
        if ref is None:
            return  # asked again as soon as it is known what to cancel
        try:
            self.gateway.cancel(ref)
        except (OrderRefusedError, GatewayError) as error:
            self.write("note", client_id=client_id, text=f"cancel: {error}")

    def may_cancel(self, client_id: int) -> bool:
        """Whether a cancel can go now.

        Always while orders can be sent. While they cannot, everything but a stop that guards contracts of its trade:
        what shall replace it could not follow.
        """
        if self.ready:
            return True
        bracket = self.books.brackets.get(self.books.bracket_of(client_id))
        guards = client_id in self.books.table and self.books.table[client_id].order.type is OrderType.STOP
        return self.gateway.connected and not (guards and bracket is not None and bracket.net > 0)

    def change(self, approved: Approved[Order]) -> None:
        """Ask to change size and price of a working order to those of the approved one, which has its client id.

        Orders of a bracket are changed by nobody: their sizes are the bracket's knowledge.
        """
        if not isinstance(approved, Approved):
            raise OrderError(
                f"a change needs the Approved of RiskManager.check; got {type(approved).__name__}"
            )
        self._require_ready()
        order = approved.order
        state, ref = self.books.table[order.client_id], self.books.ref(order.client_id)
        if self.books.bracket_of(order.client_id):
            raise OrderError(f"order {order.client_id} belongs to a bracket, which alone decides about it")
        if state.status.final or ref is None or not ref.cl_ord_id:
            # Without its permanent number a changed order could not be found again after a crash.
            raise OrderError(f"order {order.client_id} is {state.status} and cannot be changed (yet)")
        if (order.side, order.type) != (state.order.side, state.order.type) or order.size <= state.filled:
            raise OrderError(
                f"order {order.client_id}: a change keeps side and type, and more than the {state.filled} filled"
            )
        approved.use(self.clock.now_ns())
        ticket = ticket_of(approved, self.settings.stop_slack_ticks)
        self.write("change", sync=True, client_id=order.client_id, size=order.size, px=order.px)
        try:
            self.gateway.change(ref, ticket.size, ticket.px, ticket.stop_px)
        except (OrderRefusedError, GatewayError) as error:
            self.write("note", client_id=order.client_id, text=f"change: {error}")
        self._dirty.add(order.client_id)

    def cancel_all(self) -> None:
        """Ask to cancel every order of ours that has not ended."""
        for state in self.books.table.open_orders:
            self.cancel(state.order.client_id)

    def start_bracket(self, plan: BracketPlan) -> int:
        """Write down a trade; returns the bracket's number. What it asks for is in ``books.todo``."""
        self._require_ready()
        fields = asdict(plan)
        fields["side"] = int(plan.side)
        self.write("plan", plan=fields)
        return self.books.next_bracket - 1

    def pass_time(self) -> None:
        """Let brackets see the time, when that matters to one of them."""
        now = self.clock.now_ns()
        if any((due := b.wakes_ns) is not None and due <= now for b in self.books.live.values()):
            self.write("time")

    def flatten(self, reason: str) -> None:
        """Ask every bracket to leave at the market."""
        if self.books.live:
            self.write("flatten", reason=reason)

    def leave_loose(self, reason: str) -> None:
        """Write down that everything outside brackets is to be left, until nothing is held: a restart goes on with it."""
        books = self.books
        if not books.leaving and (books.loose_contracts or books.loose_orders):
            self.write("leave", reason=reason)

    def begin_day(self, day: str) -> None:
        """Start the count of the day's result, once per day."""
        if day != self.books.day:
            self.write("day", sync=True, day=day)

    def halt(self, reason: str, *, hard: bool = False) -> None:
        """Throw the kill switch and keep that over restarts; only a person switches it off again."""
        if not self.books.killed or hard > self.books.killed_hard:
            self.risk.trip(reason, hard=hard)
            _log.error("trading halted%s: %s", " (hard)" if hard else "", reason)
            self.write("kill", sync=True, reason=reason, hard=hard)

    def clear(self, by: str) -> None:
        """Switch trading on again; ``by`` names the person who decided so."""
        self.risk.clear(by)
        self.write("clear", sync=True, by=by)

    # -- hearing -----------------------------------------------------------------------------------------------

    def poll(self) -> None:
        """Hear what changed, look at what is due, repeat what had no effect.

        Raises
        ------
        TradingHaltedError
            If the journal cannot be written.
        OrderError
            If the vendor's numbers contradict each other.
        """
        now = self.clock.now_ns()
        if self.risk.tripped != self.books.killed and self.risk.tripped:
            self.write("kill", sync=True, reason=self.risk.tripped, hard=self.risk.tripped_hard)
        elif self.books.killed and not self.risk.tripped:
            self.write("clear", sync=True, by="the kill switch")
        self._take_reports()
        if now >= self._sweep_due:
            self._sweep_due = now + self.settings.sweep_ns
            self._dirty.update(s.order.client_id for s in self.books.table.open_orders)
        for client_id in sorted(self._dirty):
            self._look(client_id)
        if now >= self._reconciler.due_ns:
            self.reconcile()
        self._repeat_cancels(now)

    def _begin_session(self, now: int) -> None:
        self.write("session", sync=True)
        self._started_ns = now
        self._sweep_due = 0
        self._reconciler.begin()

    def _take_reports(self) -> None:
        for report in self.gateway.take_reports():
            if report.kind in (ReportKind.ORDER, ReportKind.REFUSED):
                client_id = self.books.find(report.ref)
                if client_id is not None:
                    self._dirty.add(client_id)
                elif report.ref.cl_ord_id not in self.books.ignored:
                    self._reconciler.due_ns = 0  # whose is it?
                if report.kind is ReportKind.REFUSED:
                    self._refused_on_its_way(client_id, report.text)
            elif report.kind is ReportKind.RESTARTED:
                self._begin_session(self.clock.now_ns())
            else:
                if report.kind is ReportKind.DISCONNECTED:
                    self._reconciler.clear = False
                self._sweep_due = self._reconciler.due_ns = 0

    def _refused_on_its_way(self, client_id: int | None, text: str) -> None:
        self.write("note", client_id=client_id or 0, text=f"refused: {text}")
        if client_id is None or self.books.table[client_id].status.final:
            return
        link = self.books.links[client_id]
        if link.stage is not OrderStage.UNKNOWN or link.ref.cl_ord_id or self.books.ref(client_id) is None:
            return
        try:
            unknown = self.details(client_id) is None
        except GatewayError as error:
            _log.warning("details of order %d: %s", client_id, error)
        else:
            if unknown:
                self.write("failed", client_id=client_id, text=text)

    def details(self, client_id: int) -> OrderDetails | None:
        """Snapshot of one of ours; None when the vendor does not know it, or nobody knows how to call it there."""
        ref = self.books.ref(client_id)
        return None if ref is None else self.gateway.details(ref)

    def _look(self, client_id: int) -> None:
        self._dirty.discard(client_id)
        try:
            details = self.details(client_id)
        except GatewayError as error:
            _log.warning("details of order %d: %s", client_id, error)
            return
        if details is not None:
            self.see(client_id, details)

    def see(self, client_id: int, details: OrderDetails) -> None:
        """Write a snapshot down, if it is newer than what is known and adds to it."""
        link, side = self.books.links[client_id], self.books.table[client_id].order.side
        if details.side != side:
            raise OrderError(
                f"order {client_id}: the vendor shows {details.ref} with side {details.side}, ours is {side}"
            )
        if not details.complete:
            self._dirty.add(client_id)  # contracts without a price: the vendor is not done with it
            return
        if details.off_tick and not details.stage.final and not self.risk.tripped:
            # Fills count whatever the price says; but somebody else moved this order, or our tick is wrong.
            self.halt(f"order {client_id} is alive at a price that is none: {details.text}")
        fields = details_fields(details)
        stale = details.traded < link.traded or (
            link.stage.final and not details.stage.final and details.traded == link.traded
        )
        if not stale and fields != link.last:
            self.write("snapshot", client_id=client_id, details=fields)

    def _repeat_cancels(self, now: int) -> None:
        if not self.gateway.connected:
            return
        for client_id in self.books.undead:
            link = self.books.links[client_id]
            if now - link.cancel_ts >= self.settings.retry_ns:
                self.cancel(client_id)
        for state in self.books.table.open_orders:
            link = self.books.links[state.order.client_id]
            if not state.cancel_asked or self.books.ref(state.order.client_id) is None:
                continue
            if not self.may_cancel(state.order.client_id):
                continue
            patience = self.settings.retry_ns << min(link.cancels, 6)
            if link.cancel_ts < self._started_ns or now - link.cancel_ts >= patience:
                self.cancel(state.order.client_id)

    # -- reconciling -------------------------------------------------------------------------------------------

    def reconcile(self) -> ReconcileReport | None:
        """Compare with the vendor and deal with every difference; None when the vendor cannot say."""
        return self._reconciler.run()

    @property
    def last_report(self) -> ReconcileReport | None:
        """What the last reconciliation found; None before the first."""
        return self._reconciler.report

    # -- for people --------------------------------------------------------------------------------------------

    def resolve(self, client_id: int, cl_ord_id: str, by: str) -> None:
        """Decide what an ambiguous order is: one of the vendor's, or (``""``) none. ``by`` names who decided so."""
        if client_id not in self.books.unresolved:
            raise OrderError(f"order {client_id} is not waiting for a decision")
        self.write("note", client_id=client_id, text=f"{by} decided: {cl_ord_id or 'never arrived'}")
        if not cl_ord_id:
            self.write("lost", sync=True, client_id=client_id, text=f"decided by {by}")
            return
        details = self.gateway.details(OrderRef(0, cl_ord_id))
        if details is None or self.books.find(details.ref) is not None:
            raise OrderError(f"{cl_ord_id} is unknown to the vendor, or another order of ours")
        self.see(client_id, details)

    def decide_foreign(self, cl_ord_id: str, policy: ForeignPolicy, by: str) -> None:
        """Claim or ignore one order that is not ours; ``by`` names who decided so."""
        details = self.gateway.details(OrderRef(0, cl_ord_id))
        if details is None or self.books.find(details.ref) is not None:
            raise OrderError(f"{cl_ord_id} is unknown to the vendor, or an order of ours")
        self._reconciler.decide(f"{cl_ord_id} decided by {by}", details, policy)

    def accept_vendor(self, by: str) -> None:
        """Take the vendor's position for ours and forget every bracket; ``by`` names who decided so.

        For the case that orders were given past this system. What is alive at the vendor is cancelled first.
        """
        self.cancel_all()
        position = self.gateway.position()
        px = self._reconciler.price_of(position)
        if px is None:
            if position.size or self.books.ledger.position:
                raise OrderError(
                    f"the vendor gives no price for its position of {position.size:+d}: close it there, then accept flat"
                )
            px = 0.0  # flat on both sides: no contract changes hands
        self.write(
            "settle", sync=True, size=position.size - self.books.offset, px=round(px), text=f"decided by {by}"
        )

    def emergency_zero(self, by: str) -> None:
        """Ask the vendor to cancel everything and to close the position; nothing is sent by us afterwards.

        Works with books that are not clear and with a journal that cannot be written.
        """
        self.risk.trip(f"emergency: {by}", hard=True)
        try:
            if not self.journal.failed:
                self.halt(f"emergency: {by}", hard=True)
        except TradingHaltedError as error:  # the disk may be full just now
            _log.error("%s", error)
        try:
            self.gateway.cancel_all()
        finally:
            self.gateway.zero_position()

    # -- how it is done ----------------------------------------------------------------------------------------

    def _require_ready(self) -> None:
        if self.journal.failed:
            raise TradingHaltedError(f"no order leaves without its journal: {self.journal.failed}")
        if not self.ready:
            missing = self.books.unresolved
            why = (
                f"the vendor has not answered for order {missing[0]}"
                if missing
                else "the books are not reconciled with the vendor"
                if self.gateway.connected
                else "the gateway is not connected"
            )
            raise TradingHaltedError(f"no order can be sent now: {why}; poll() goes on trying")

    def write(self, kind: str, *, sync: bool = False, **fields: Any) -> None:
        """Write a record, then apply it. Without the journal nothing is certain, so trading ends with it."""
        now = max(self.clock.now_ns(), self.books.ts)
        try:
            record = self.journal.append(kind, now, sync=sync, **fields)
        except JournalError as error:
            self.risk.trip(f"the order journal {error}", hard=True)
            raise TradingHaltedError(f"trading halted: {error}") from error
        self.books.apply(record)
