"""The live desk: prices and signals in, brackets and orders out, every step in the journal.

One desk trades one instrument on one account, one bracket at a time, on paper and for real alike; only the gateway
differs. Its owner calls ``on_market`` with every price, ``step`` often (every 10 ms), and ``enter`` when a strategy
says so, all from one thread.

Brackets ask for commands; the desk carries them out one by one, each through the risk manager and the journal. While
something is unknown about an order of ours, nothing is sent: what was asked for waits, and what went stale or was
overtaken meanwhile is dropped.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from quantumtrader.exceptions import ConfigError, JournalError, OrderError, TradingHaltedError
from quantumtrader.execution.brackets import Bracket, BracketPlan, CancelOrder, Send
from quantumtrader.execution.loose import LooseExit
from quantumtrader.execution.manager import OrderExecutionManagerV4
from quantumtrader.execution.orders import OrderStatus
from quantumtrader.execution.recovery import Books
from quantumtrader.execution.risk import Refused, RiskState
from quantumtrader.execution.signals import Signal, SignalAction
from quantumtrader.execution.whole import whole
from quantumtrader.types import PX_NONE, OrderType, Side

__all__ = ["DeskSettings", "LiveDesk", "StopMode"]

_log = logging.getLogger(__name__)


class StopMode(StrEnum):
    """What happens to a position when the desk stops."""

    FLATTEN = "flatten"
    """Leave at the market and wait until that is done."""
    HAND_OVER = "hand_over"
    """Cancel what would open or enlarge; what guards and reduces stays at the exchange. Contracts without a stop there are
    not handed over: the stop stays incomplete and names them."""


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """How the desk behaves besides its limits.

    Parameters
    ----------
    stale_entry_ns : int
        An entry that could not be sent within this time is dropped, in ns.
    passed_stop_ns : int
        Leave at the market when the price has been beyond the reach of a stop for this long, in ns: a stop-limit
        that was jumped over protects nothing.
    most_rejected : int
        Entries, or exits of contracts outside trades, that the broker rejects one after the other until the kill
        switch is thrown: whatever is wrong, asking on does not help.
    retry_ns : int
        Pause after an exit of contracts outside trades that was refused or rejected, in ns.
    """

    stale_entry_ns: int = 1_000_000_000
    passed_stop_ns: int = 500_000_000
    most_rejected: int = 5
    retry_ns: int = 1_000_000_000

    def __post_init__(self) -> None:
        for name, least in (
            ("stale_entry_ns", 0),
            ("passed_stop_ns", 0),
            ("most_rejected", 1),
            ("retry_ns", 0),
        ):
            if getattr(self, name) < least:
                raise ConfigError(f"desk setting {name} is {getattr(self, name)}, expected {least} or more")


@dataclass(frozen=True, slots=True)
class _Mark:
    ts: int = 0
    bid_px: int = PX_NONE
    ask_px: int = PX_NONE
    last_px: int = PX_NONE
    has_touch: bool = True


class LiveDesk:
    """Brackets, risk and orders of one instrument.

    Parameters
    ----------
    manager : OrderExecutionManagerV4
        Orders; its risk manager is the desk's.
    settings : DeskSettings, optional
        Behaviour.
    context : callable, optional
        Adds to a ``RiskState`` what the desk does not know: capital, other instruments, volatility, state of the
        book. Rules that are on and need it refuse without.
    """

    def __init__(
        self,
        manager: OrderExecutionManagerV4,
        settings: DeskSettings | None = None,
        context: Callable[[RiskState], RiskState] | None = None,
    ) -> None:
        self.manager = manager
        self.settings = settings or DeskSettings()
        self._context = context
        self.refusals: deque[Refused] = deque(maxlen=1_000)
        self._mark = _Mark()
        self._passed_since: int | None = None
        self._stopping: StopMode | None = None
        self._entry = 0
        self._rejected = 0
        self._loose = LooseExit(manager, self.settings.retry_ns, self.settings.most_rejected)

    # -- state -------------------------------------------------------------------------------------------------

    @property
    def books(self) -> Books:
        """Everything that is known about our orders."""
        return self.manager.books

    @property
    def busy(self) -> bool:
        """Whether a bracket is alive."""
        return bool(self.manager.books.live)

    @property
    def trade_side(self) -> int:
        """``Side`` of the bracket that is alive; 0 for none."""
        return next((int(b.plan.side) for b in self.manager.books.live.values()), int(Side.NONE))

    @property
    def idle(self) -> bool:
        """Whether nothing is held, nothing works, and nothing is left to do."""
        books = self.manager.books
        return not (
            books.live or books.todo or books.undead or books.table.open_orders or books.ledger.position
        )

    @property
    def last_exit_ts(self) -> int:
        """When the last trade ended, ns UTC; 0 before the first."""
        return self.manager.books.last_exit_ts

    @property
    def halted(self) -> str:
        """Why the kill switch is on; empty while it is off."""
        return self.manager.risk.tripped

    def mark_px(self) -> int:
        """Price in ticks at which the position could be left now; the last price when flat; ``PX_NONE`` unknown."""
        mark, position = self._mark, self.manager.position
        if position == 0 or not mark.has_touch:
            return mark.last_px
        return mark.bid_px if position > 0 else mark.ask_px

    def state(self, plan: BracketPlan | None = None) -> RiskState:
        """What the risk manager may know now about an order; ``plan`` is that of its trade."""
        books, mark = self.manager.books, self._mark
        state = RiskState(
            ts=self.manager.clock.now_ns(),
            position=books.ledger.position,
            working_buy=books.table.working_entries(Side.BUY),
            working_sell=books.table.working_entries(Side.SELL),
            realised=books.ledger.session_realised,
            open=books.ledger.open_gross(self.mark_px()),
            bid_px=mark.bid_px,
            ask_px=mark.ask_px,
            last_px=mark.last_px,
            has_touch=mark.has_touch,
            trade=plan,
            open_trades=sum(bracket.plan is not plan for bracket in books.live.values()),
            last_event_ts=mark.ts or None,
        )
        return state if self._context is None else self._context(state)

    # -- what comes in -----------------------------------------------------------------------------------------

    def start(self) -> bool:
        """Take over the journal and compare with the vendor; returns whether orders can be sent at once."""
        return self.manager.initialize()

    def on_market(self, ts: int, bid_px: int, ask_px: int, last_px: int, has_touch: bool = True) -> None:
        """Take the latest prices in ticks (``PX_NONE`` for one that is not there) at ``ts``, ns UTC.

        Raises
        ------
        OrderError
            One of them is no whole number; the prices from before stay.
        """
        self._mark = _Mark(
            whole(ts, "on_market: ts"),
            whole(bid_px, "on_market: bid_px (PX_NONE where there is none)"),
            whole(ask_px, "on_market: ask_px (PX_NONE where there is none)"),
            whole(last_px, "on_market: last_px (PX_NONE where there is none)"),
            has_touch,
        )
        position = self.manager.position
        if position and (px := self.mark_px()) != PX_NONE:
            self.manager.books.ledger.mark(px, px)

    def enter(self, plan: BracketPlan) -> int:
        """Start a trade; returns the number of its bracket.

        Raises
        ------
        OrderError
            If a trade is alive: one desk holds one.
        TradingHaltedError
            If the kill switch is on, the desk is stopping, or the books are not clear.
        """
        if self.busy or self.manager.books.todo:
            raise OrderError("the desk is in a trade already")
        if self._stopping is not None or self.halted:
            raise TradingHaltedError(f"no entry: {self.halted or 'the desk is stopping'}")
        self._watch_entry()
        self._entry = number = self.manager.start_bracket(plan)
        self._carry_out()
        self._watch_entry()
        return number

    def on_signal(self, signal: Signal) -> int | None:
        """Do what a strategy asks for at the market: start a trade, or leave the one that is alive.

        Returns
        -------
        int or None
            Number of the bracket that was started; None for an exit and for a hold.

        Raises
        ------
        OrderError, TradingHaltedError
            As ``enter``; an exit that cannot be sent now follows in ``step``.
        """
        if signal.action is SignalAction.EXIT:
            self.leave_trade(signal.reason)
        if not signal.side:
            return None
        return self.enter(
            BracketPlan(
                signal.side,
                signal.size,
                signal.stop_ticks,
                signal.target_ticks,
                signal.time_stop_ns,
                tag=signal.reason,
            )
        )

    def step(self) -> None:
        """Hear what changed, let time pass, do what is to be done.

        An error that leaves the state uncertain throws the kill switch hard: then nothing is sent any more.
        """
        try:
            self.manager.poll()
            self._watch_entry()
            self._watch_loss()
            self._watch_stop()
            if self._stopping is StopMode.FLATTEN and not self.idle:
                self._loose.begin("stop")  # whatever came in since
            elif self._stopping is StopMode.HAND_OVER:
                self._loose.cancel_opening()
            self.manager.pass_time()
            self._carry_out()
            self._leave_loose()
        except TradingHaltedError:
            raise
        except (OrderError, JournalError) as error:
            _log.exception("the desk lost certainty about its orders")
            self.manager.halt(f"uncertain state: {error}", hard=True)

    def halt(self, reason: str) -> None:
        """Throw the kill switch and leave at the market, for example because a strategy failed."""
        self.manager.halt(reason)
        self.leave("kill_switch")
        self._carry_out()

    def flatten(self, reason: str) -> None:
        """Leave at the market with everything, orders and contracts outside brackets included.

        What cannot be sent at once follows in ``step``. ``reason`` becomes the tag of the exits.
        """
        self.manager.flatten(reason)
        self._carry_out()
        self._loose.begin(reason)
        self._leave_loose()

    def leave(self, reason: str) -> None:
        """``flatten``, unless everything is being left already: to be called as often as the reason lasts."""
        if self._holds_on:
            self.flatten(reason)

    def leave_trade(self, reason: str) -> None:
        """Leave at the market with the trade that is alive; contracts outside trades stay. Asked again, nothing changes.

        What cannot be sent at once follows in ``step``. ``reason`` becomes the tag of the exit.
        """
        if any(not bracket.closing for bracket in self.manager.books.live.values()):
            self.manager.flatten(reason)
            self._carry_out()

    def zero_position(self, reason: str) -> None:
        """Another name of ``flatten``."""
        self.flatten(reason)

    def stop(self, mode: StopMode) -> None:
        """Begin to stop; go on calling ``step`` until ``stopped``."""
        self._stopping = mode
        if mode is StopMode.FLATTEN:
            self.flatten("stop")
            return
        for bracket in self.manager.books.live.values():
            self._cancel_entry(bracket)
        self._loose.cancel_opening()
        if self.unguarded:
            _log.warning("%+d contracts outside trades have no stop at the exchange", self.unguarded)

    @property
    def unguarded(self) -> int:
        """Contracts, signed, outside trades that no stop at the exchange guards: nobody can be handed them."""
        return self._loose.unguarded

    @property
    def stopped(self) -> bool:
        """Whether a stop that was begun is complete: flat, or guarded by orders that the exchange has taken."""
        books = self.manager.books
        if self._stopping is StopMode.HAND_OVER:
            guarded = all(b.net == self._guard(b) and not self._entry_alive(b) for b in books.live.values())
            loose = self._loose.opening or self._loose.unguarded
            return guarded and not (books.todo or loose) and self.manager.ready
        return self._stopping is StopMode.FLATTEN and self.idle

    # -- how it is done ----------------------------------------------------------------------------------------

    def _carry_out(self) -> None:
        manager = self.manager
        todo = manager.books.todo
        if todo and not manager.ready:
            self._cancel_unready()
        while todo and manager.ready and self._priced:
            _, asked_ts, command = todo[0]
            if isinstance(command, CancelOrder):
                manager.cancel(command.client_id)
                continue
            if manager.risk.tripped_hard:
                return  # nothing leaves any more; what a person decides comes first
            order = command.order
            if any(c == CancelOrder(order.client_id) for _, _, c in todo):
                manager.unsend(order.client_id)  # overtaken by its own cancel
            elif (
                not order.reduce_only
                and self.manager.clock.now_ns() - asked_ts > self.settings.stale_entry_ns
            ):
                self._refuse(
                    Refused(order, asked_ts, "stale_entry", "the entry could not be sent in time", {})
                )
            elif order.type is OrderType.STOP and self._beyond(order.px, order.side):
                # Its limit would rest on the wrong side: leave instead.
                manager.flatten("stop_passed")
                manager.unsend(order.client_id)
            else:
                self._send(command)

    def _cancel_unready(self) -> None:
        """Ask for cancels that need not wait until orders can be sent: an orphan must not outlive its trade."""
        manager, table = self.manager, self.manager.books.table
        if manager.journal.failed:
            return
        asked = [c.client_id for _, _, c in manager.books.todo if isinstance(c, CancelOrder)]
        for client_id in asked:
            known = client_id in table and manager.books.ref(client_id) is not None
            if known and not table[client_id].cancel_asked and manager.may_cancel(client_id):
                manager.cancel(client_id)

    def _send(self, command: Send) -> None:
        books = self.manager.books
        bracket = books.brackets[books.bracket_of(command.order.client_id)]
        state = self.state(bracket.plan)
        if command.order.reduce_only:
            # Contracts outside the trade, held against it, must not cost it its stop.
            state = replace(state, position=bracket.plan.side * bracket.net)
        answer = self.manager.risk.check(command.order, state)
        if isinstance(answer, Refused):
            self._refuse(answer)
        else:
            self.manager.submit(answer)

    def _refuse(self, refusal: Refused) -> None:
        self.refusals.append(refusal)
        _log.warning("%s", refusal.message)
        self.manager.refuse(refusal)

    @property
    def _priced(self) -> bool:
        """Whether any price is known: without one every exit would be refused, and given up."""
        mark = self._mark
        return not (mark.last_px == PX_NONE and (mark.bid_px == PX_NONE or mark.ask_px == PX_NONE))

    def _beyond(self, stop_px: int, side: int, slack: int = 0) -> bool:
        """Whether the market has passed a stop of ours; ``side`` is the stop's."""
        mark = self._mark
        px = mark.last_px if not mark.has_touch else (mark.bid_px if side == Side.SELL else mark.ask_px)
        return px != PX_NONE and (px - stop_px) * side > slack

    def _watch_loss(self) -> None:
        result = self.manager.result(self.mark_px())
        if self._holds_on and math.isfinite(result) and self.manager.risk.loss_limit_hit(result):
            self.flatten("daily_loss")

    def _watch_stop(self) -> None:
        slack = self.manager.settings.stop_slack_ticks
        passed = any(
            b.net > 0 and not b.closing and self._beyond(b.stop_px, -b.plan.side, slack)
            for b in self.manager.books.live.values()
        )
        now = self.manager.clock.now_ns()
        if not passed:
            self._passed_since = None
        elif self._passed_since is None:
            self._passed_since = now
        elif now - self._passed_since >= self.settings.passed_stop_ns:
            self.manager.flatten("stop_passed")

    def _watch_entry(self) -> None:
        """Notice an entry that the broker rejected, and halt when it takes none."""
        bracket = self.books.brackets.get(self._entry)
        entry = bracket.client_ids[0] if bracket is not None else 0
        if bracket is None or entry not in self.books.table:
            if bracket is None or bracket.done:
                self._entry = 0  # it never left
            return
        state = self.books.table[entry]
        if state.status is not OrderStatus.REJECTED:
            if state.filled or state.status.final:
                self._entry = self._rejected = 0
            return
        self._entry = 0
        self._rejected += 1
        text = f"order {entry} was rejected by the broker: {state.reason or 'no reason given'}"
        self.refusals.append(Refused(state.order, self.manager.clock.now_ns(), "broker", text, {}))
        _log.warning("%s (%d in a row)", text, self._rejected)
        if self._rejected >= self.settings.most_rejected and not self.halted:
            self.halt(
                f"{self._rejected} entries in a row were rejected; the last: {state.reason or 'no reason given'}"
            )

    @property
    def _holds_on(self) -> bool:
        """Whether something is held, or may come, that is not being left."""
        return self._loose.held or any(not b.closing for b in self.books.live.values())

    def _leave_loose(self) -> None:
        refused = self._loose.step(self.state, self._priced)
        if refused is not None:
            self._refuse(refused)

    def _cancel_entry(self, bracket: Bracket) -> None:
        for client_id in bracket.client_ids:
            table = self.manager.books.table
            if client_id in table and not table[client_id].order.reduce_only:
                self.manager.cancel(client_id)

    def _entry_alive(self, bracket: Bracket) -> bool:
        table = self.manager.books.table
        return any(
            c in table and not table[c].order.reduce_only and not table[c].status.final
            for c in bracket.client_ids
        )

    def _guard(self, bracket: Bracket) -> int:
        """Contracts in stops that the exchange has confirmed, and that stay there."""
        table = self.manager.books.table
        return sum(
            table[c].remaining
            for c in bracket.client_ids
            if c in table and table[c].order.type is OrderType.STOP and table[c].status == "working"
            and not table[c].cancel_asked
        )  # fmt: skip
