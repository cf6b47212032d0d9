"""Everything that is known about our orders, as a function of the journal.

``Books.apply`` is the only way in which anything changes, live as well as after a crash: a record is written, then
applied. So what is rebuilt from the journal is what was there, and what a record asked for and no later record
answers is still to be done (``todo``) or still to be found out (``unresolved``).

Record kinds::

    begin session day                    whose journal this is; a start of the client; a trading day
    plan time flatten                    what moves brackets, besides reports
    leave                                what no bracket holds is to be left
    intent -> sent | failed              an order on its way, what the gateway answered
    refused unsent                       an order of a bracket that the risk manager, or its bracket, stopped
    snapshot                             what the vendor said about one of ours; fills come from here alone
    cancel change                        asked for
    lost gone                            never arrived; no longer known to the vendor
    claim ignore adopt offset            orders and positions that are not ours
    settle                               a person took the vendor's position for ours
    kill clear                           the kill switch
    note reconciled                      for people
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from quantumtrader.exceptions import JournalError, OrderError
from quantumtrader.execution.brackets import Bracket, BracketPlan, CancelOrder, Command, Send
from quantumtrader.execution.gateway import OrderDetails, OrderRef, OrderStage
from quantumtrader.execution.ledger import Ledger
from quantumtrader.execution.order_journal import OrderJournal, Record
from quantumtrader.execution.orders import OrderState, OrderTable, Report
from quantumtrader.types import PX_NONE, Fill, Instrument, Order, OrderType

__all__ = ["SCHEMA", "Books", "Link", "details_fields", "open_journal", "rebuild"]

_log = logging.getLogger(__name__)

SCHEMA = 1
_PER_BRACKET = 1_000_000
_FREE = 10**15
"""Numbers of orders outside brackets start here, so that both kinds can be numbered again from the journal."""


@dataclass(slots=True)
class Link:
    """One of our orders as the vendor knows it.

    Parameters
    ----------
    intent_ts : int
        When it was about to be sent, ns UTC.
    limit_px : int
        Limit that went with it, in ticks.
    session : int
        Start of the client in which ``ref.local_id`` is worth something.
    """

    intent_ts: int
    limit_px: int
    session: int = 0
    ref: OrderRef = field(default_factory=OrderRef)
    sent: bool = False
    lost: bool = False
    size: int = 0
    """Contracts as first sent."""
    traded: int = 0
    amount: int = 0
    """Sum of price times contracts of what was traded, in ticks: an integer, whatever the average is."""
    stage: OrderStage = OrderStage.UNKNOWN
    last: dict[str, Any] = field(default_factory=dict)
    cancel_ts: int = 0
    cancels: int = 0


def details_fields(details: OrderDetails) -> dict[str, Any]:
    """Snapshot as journal fields."""
    fields = asdict(details)
    fields["ref"] = [details.ref.local_id, details.ref.cl_ord_id]
    fields["type"] = details.type.value
    if not details.off_tick:
        del fields["off_tick"]
    fields["average_px"] = details.average_px if math.isfinite(details.average_px) else None
    return fields


def _details(fields: dict[str, Any]) -> OrderDetails:
    average = fields["average_px"]
    return OrderDetails(
        **{
            **fields,
            "ref": OrderRef(*fields["ref"]),
            "type": OrderType(fields["type"]),
            "average_px": math.nan if average is None else average,
        }
    )


class Books:
    """Orders, brackets, ledger and what is still to be done, of one account in one instrument.

    Parameters
    ----------
    instrument : Instrument
        Tick value and fees.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.account = ""
        self.session = 0
        self.day = ""
        self.table = OrderTable(deque(maxlen=1_000))
        self.ledger = Ledger(instrument)
        self.links: dict[int, Link] = {}
        self.brackets: dict[int, Bracket] = {}
        """Brackets of the day by number; those that are done may still hear of a late fill."""
        self.todo: deque[tuple[int, int, Command]] = deque()
        """What brackets asked for and nobody has answered: ``(bracket, ts, command)``, oldest first."""
        self.ignored: set[str] = set()
        self.offset = 0
        """Contracts, signed, in the vendor's position that are not ours, by decision."""
        self.killed = ""
        self.killed_hard = False
        self.leaving = ""
        """Why everything outside brackets is being left; empty when nothing is, or nothing is held any more."""
        self.last_exit_ts = 0
        self.ts = 0
        """Greatest time of a record, ns UTC."""
        self._plans = 0
        self._free = 0
        self._adopted = 0
        self._by_ref: dict[OrderRef, int] = {}
        self._alive: set[int] = set()
        self._claimed: set[int] = set()

    # -- questions ---------------------------------------------------------------------------------------------

    @property
    def live(self) -> dict[int, Bracket]:
        """Brackets that are not done, by number."""
        return {n: b for n, b in self.brackets.items() if not b.done}

    @property
    def next_bracket(self) -> int:
        """Number of the next bracket."""
        return self._plans + 1

    def free_id(self) -> int:
        """Return a client id for an order outside brackets that was not used before."""
        self._free += 1
        return _FREE + self._free

    @staticmethod
    def bracket_of(client_id: int) -> int:
        """Number of the bracket that an order belongs to; 0 for none."""
        return 0 if client_id >= _FREE else client_id // _PER_BRACKET

    def find(self, ref: OrderRef) -> int | None:
        """Return the client id of the order that the vendor calls so; None when it is not ours."""
        if ref.cl_ord_id and (found := self._by_ref.get(OrderRef(0, ref.cl_ord_id))) is not None:
            return found
        found = self._by_ref.get(OrderRef(ref.local_id)) if ref.local_id else None
        if found is not None and ref.cl_ord_id and self.links[found].ref.cl_ord_id not in ("", ref.cl_ord_id):
            return None  # a number of this session that the vendor uses for somebody else's order
        return found

    def ref(self, client_id: int) -> OrderRef | None:
        """How to call an order at the vendor now; None while that is not known."""
        link = self.links[client_id]
        local = link.ref.local_id if link.session == self.session else 0
        return OrderRef(local, link.ref.cl_ord_id) if local or link.ref.cl_ord_id else None

    @property
    def unresolved(self) -> list[int]:
        """Orders of which nobody knows whether they exist: no answer came, or only a number of an older session."""
        return [s.order.client_id for s in self.table.open_orders if self.ref(s.order.client_id) is None]

    @property
    def undead(self) -> list[int]:
        """Orders that count as ended here and are alive at the vendor."""
        return [cid for cid in sorted(self._alive) if self.table[cid].status.final]

    @property
    def loose_contracts(self) -> int:
        """Contracts, signed, that no bracket holds: sent by hand, adopted, or accepted from the vendor."""
        return self.ledger.position - sum(b.plan.side * b.net for b in self.brackets.values() if not b.done)

    @property
    def loose_orders(self) -> list[OrderState]:
        """Orders outside brackets that have not ended."""
        return [s for s in self.table.open_orders if not self.bracket_of(s.order.client_id)]

    @property
    def settled(self) -> bool:
        """Whether nothing of these books matters to tomorrow."""
        return not (
            self.live or self.todo or self.undead or self.table.open_orders or self.ledger.position
            or self.offset or self.killed
        )  # fmt: skip

    def fingerprint(self) -> dict[str, Any]:
        """Everything that must be equal after a rebuild, for comparison."""
        return {
            "orders": {cid: replace(self.table[cid]) for cid in self.links},
            "links": {cid: replace(link) for cid, link in self.links.items()},
            "brackets": {n: (b.phase, b.net, b.base_px, b.client_ids) for n, b in self.brackets.items()},
            "ledger": (self.ledger.position, self.ledger.realised_net, self.ledger.average_px),
            "fills": list(self.ledger.fills),
            "todo": list(self.todo),
            "rest": (
                self.session,
                self.day,
                sorted(self.ignored),
                self.offset,
                self.killed,
                self.killed_hard,
                self.leaving,
            ),
        }

    # -- the one way in ----------------------------------------------------------------------------------------

    def apply(self, record: Record) -> None:
        """Apply one record.

        Raises
        ------
        JournalError
            If the record is of a kind that is not known, or answers something that was not asked.
        OrderError
            If the vendor's numbers contradict each other.
        """
        handler: Callable[[Record], None] | None = getattr(self, f"_on_{record['kind']}", None)
        if handler is None:
            raise JournalError(
                f"record {record['n']} is of the unknown kind {record['kind']!r}",
                remedy="A newer version wrote it: use that one until the account is flat",
            )
        self.ts = max(self.ts, record["ts"])
        handler(record)
        self._drop_needless()
        if self.leaving and not (self.loose_contracts or self.loose_orders):
            self.leaving = ""

    def _on_begin(self, r: Record) -> None:
        wanted = (SCHEMA, self.instrument.symbol, self.instrument.tick_size)
        found = (r["schema"], r["symbol"], r["tick_size"])
        if found != wanted:
            raise JournalError(
                f"the journal is of (schema, contract, tick) {found}, expected {wanted}",
                remedy="Every account and contract has a journal of its own",
            )
        self.account = r["account"]

    def _on_session(self, r: Record) -> None:
        self.session += 1
        self._by_ref = {ref: cid for ref, cid in self._by_ref.items() if ref.cl_ord_id}

    def _on_day(self, r: Record) -> None:
        self.day = r["day"]
        self.ledger.begin_session()
        self.brackets = self.live

    def _on_plan(self, r: Record) -> None:
        self._plans += 1
        number, count = self._plans, 0

        def new_id() -> int:
            nonlocal count
            count += 1
            return number * _PER_BRACKET + count

        bracket = Bracket(BracketPlan(**r["plan"]), new_id, reduce_only=False)
        self.brackets[number] = bracket
        self._ask(number, bracket.start(r["ts"]))

    def _on_time(self, r: Record) -> None:
        for number, bracket in self.live.items():
            self._ask(number, bracket.on_time(r["ts"]))

    def _on_flatten(self, r: Record) -> None:
        for number, bracket in self.live.items():
            self._ask(number, bracket.flatten(r["reason"], r["ts"]))

    def _on_leave(self, r: Record) -> None:
        self.leaving = self.leaving or r["reason"]

    def _on_intent(self, r: Record) -> None:
        order = Order(
            r["client_id"], r["side"], r["size"], OrderType(r["type"]), r["px"], r["reduce_only"], r["tag"]
        )
        if self.bracket_of(order.client_id):
            self._answered(r, Send(order))
        else:
            self._free = max(self._free, order.client_id - _FREE)
        self.table.register(order, r["ts"])
        self.links[order.client_id] = Link(r["ts"], r["limit_px"], size=order.size)

    def _on_refused(self, r: Record) -> None:
        number = self._answered_send(r)
        if number:
            self._ask(number, self.brackets[number].on_refused(r["client_id"], self.ts))

    def _on_unsent(self, r: Record) -> None:
        number = self._answered_send(r)
        self._ask(number, self.brackets[number].on_unsent(r["client_id"], self.ts))

    def _on_sent(self, r: Record) -> None:
        link = self.links[r["client_id"]]
        link.sent, link.session = True, self.session
        self._name(r["client_id"], OrderRef(r["local_id"]))

    def _on_failed(self, r: Record) -> None:
        self._end(r, "rejected")

    def _on_snapshot(self, r: Record) -> None:
        client_id, details = r["client_id"], _details(r["details"])
        link, state = self.links[client_id], self.table[client_id]
        self._name(client_id, details.ref)
        link.last, link.lost = r["details"], False
        if details.traded < link.traded or not details.complete:
            raise OrderError(
                f"order {client_id}: a snapshot with {details.traded} traded after {link.traded}"
            )
        order = state.order
        px = details.stop_px if order.type is OrderType.STOP else details.px
        if order.type is OrderType.MARKET or details.type is not order.type or px == PX_NONE:
            px = order.px
        state.order = replace(order, size=details.size, px=px)
        stamp = details.updated_ns or r["ts"]
        reports = self._fills(client_id, link, details, stamp)
        if link.stage is not details.stage:
            link.stage = details.stage
            if details.stage is OrderStage.WORKING:
                reports.append(self._news(client_id, stamp, "accepted", 1))
            elif details.stage.final and details.traded < max(link.size, details.size):
                ended = "rejected" if details.stage is OrderStage.REJECTED else "cancelled"
                reports.append(self._news(client_id, stamp, ended, 2, details.leaves, details.text))
        if link.stage in (OrderStage.SENT, OrderStage.WORKING):
            self._alive.add(client_id)
        elif link.stage.final:
            self._alive.discard(client_id)
        self._hear(client_id, reports)

    def _on_cancel(self, r: Record) -> None:
        client_id = r["client_id"]
        if self.todo and self.todo[0][2] == CancelOrder(client_id):
            self.todo.popleft()
        self.table[client_id].cancel_asked = True
        link = self.links[client_id]
        link.cancel_ts, link.cancels = r["ts"], link.cancels + 1

    def _on_change(self, r: Record) -> None:
        """What becomes of it is seen in the next snapshot."""

    def _on_lost(self, r: Record) -> None:
        client_id = r["client_id"]
        self.links[client_id].lost = True
        self.table.apply([self._news(client_id, r["ts"], "rejected", 3, reason=r["text"])])
        if number := self.bracket_of(client_id):
            self._ask(number, self.brackets[number].on_unsent(client_id, self.ts))

    def _on_gone(self, r: Record) -> None:
        self.links[r["client_id"]].stage = OrderStage.UNKNOWN
        self._alive.discard(r["client_id"])
        self._end(r, "cancelled")

    def _on_claim(self, r: Record) -> None:
        details, client_id = _details(r["details"]), r["client_id"]
        self._free = max(self._free, client_id - _FREE)
        self._claimed.add(client_id)
        px = details.stop_px if details.type is OrderType.STOP else details.px
        order = Order(client_id, details.side, details.size, details.type, px, tag=r["tag"])
        self.table.register(order, details.created_ns or r["ts"])
        self.links[client_id] = Link(r["ts"], details.px, self.session, sent=True, size=details.size)
        self._on_snapshot(r)

    def _on_ignore(self, r: Record) -> None:
        self.ignored.add(r["cl_ord_id"])

    def _on_adopt(self, r: Record) -> None:
        self._adopted += 1
        side = 1 if r["size"] > 0 else -1
        fill = Fill(-self._adopted, 0, r["ts"], side, r["px"], abs(r["size"]), False, 0.0)
        loose = self.loose_contracts
        self.ledger.apply(fill, "adopted")
        if r.get("explained"):
            self._closed_by_hand(r["size"], loose)

    def _on_offset(self, r: Record) -> None:
        self.offset = r["size"]

    def _on_settle(self, r: Record) -> None:
        for bracket in self.live.values():
            bracket.done = True
        self.brackets.clear()
        self.todo.clear()
        if r["size"] != self.ledger.position:
            self._on_adopt({**r, "size": r["size"] - self.ledger.position})

    def _on_kill(self, r: Record) -> None:
        self.killed, self.killed_hard = r["reason"], self.killed_hard or r["hard"]

    def _on_clear(self, r: Record) -> None:
        self.killed, self.killed_hard = "", False

    def _on_note(self, r: Record) -> None:
        """For people."""

    def _on_reconciled(self, r: Record) -> None:
        """For people; what it found has records of its own."""

    # -- how it is done ----------------------------------------------------------------------------------------

    def _fills(self, client_id: int, link: Link, details: OrderDetails, ts: int) -> list[Report]:
        """Executions since the last snapshot: what total and average say now, less what they said before.

        An average of several prices is booked as contracts at the two neighbouring ticks, so that the sum of
        money is exact. The id of a fill is order and cumulative contracts: the same however often it is derived.
        """
        new = details.traded - link.traded
        if new == 0:
            return []
        total = round(details.average_px * details.traded)
        low, dear = divmod(total - link.amount, new)
        side, fee = self.table[client_id].order.side, self.instrument.fee
        reports: list[Report] = []
        done = link.traded
        for px, size in ((low, new - dear), (low + 1, dear)):
            if size:
                done += size
                fill_id = client_id << 24 | done
                reports.append(
                    Report(fill_id, client_id, ts, "filled", side, px, size, False, fee * size, details.text)
                )
        link.traded, link.amount = details.traded, total
        return reports

    def _news(
        self, client_id: int, ts: int, status: str, code: int, size: int = 0, reason: str = ""
    ) -> Report:
        side = self.table[client_id].order.side
        number = -(client_id << 4 | code)  # fills have positive numbers
        return Report(number, client_id, ts, status, side, PX_NONE, size, False, 0.0, reason)

    def _end(self, r: Record, status: str) -> None:
        self._hear(r["client_id"], [self._news(r["client_id"], r["ts"], status, 2, reason=r["text"])])

    def _hear(self, client_id: int, reports: Sequence[Report]) -> None:
        fresh = self.table.apply(reports)
        tag = self.table[client_id].order.tag
        loose, traded = self.loose_contracts, 0
        for report in fresh:
            if report.status == "filled":
                self.ledger.apply(report.to_fill(), tag)
                traded += report.side * report.size
        if client_id in self._claimed:
            self._closed_by_hand(traded, loose)
        if fresh and (number := self.bracket_of(client_id)) in self.brackets:
            self._ask(number, self.brackets[number].on_reports(fresh, self.ts))

    def _closed_by_hand(self, size: int, loose: int) -> None:
        """Take contracts that somebody else traded against a trade for its exit: its own would open a position.

        ``loose`` contracts, those held outside trades before, are closed first.
        """
        side = 1 if size > 0 else -1
        left = abs(size) - max(0, -side * loose)
        for number, bracket in self.live.items():
            if left > 0 and bracket.net > 0 and bracket.plan.side == -side:
                closed = min(left, bracket.net)
                left -= closed
                self._ask(number, bracket.on_closed(closed, self.ts))

    def _name(self, client_id: int, ref: OrderRef) -> None:
        link = self.links[client_id]
        local = ref.local_id or (link.ref.local_id if link.session == self.session else 0)
        link.ref = OrderRef(local, ref.cl_ord_id or link.ref.cl_ord_id)
        if ref.local_id:
            link.session = self.session
            self._by_ref[OrderRef(ref.local_id)] = client_id
        if link.ref.cl_ord_id:
            self._by_ref[OrderRef(0, link.ref.cl_ord_id)] = client_id

    def _ask(self, number: int, commands: Iterable[Command]) -> None:
        self.todo.extend((number, self.ts, command) for command in commands)
        bracket = self.brackets[number]
        if bracket.done and bracket.entry_ts:
            self.last_exit_ts = self.ts

    def _answered(self, r: Record, command: Command) -> None:
        if not self.todo or self.todo[0][2] != command:
            expected = self.todo[0][2] if self.todo else "nothing"
            raise JournalError(
                f"record {r['n']} ({r['kind']} of order {r['client_id']}) answers {command}, asked was {expected}",
                remedy="Another version wrote the journal: use that one until the account is flat",
            )
        self.todo.popleft()

    def _answered_send(self, r: Record) -> int:
        number = self.bracket_of(r["client_id"])
        if number:
            head = self.todo[0][2] if self.todo else None
            wanted = head.order if isinstance(head, Send) else None
            if wanted is None or wanted.client_id != r["client_id"]:
                raise JournalError(f"record {r['n']} answers order {r['client_id']}, which was not asked for")
            self.todo.popleft()
        return number

    def _drop_needless(self) -> None:
        """Forget cancels, at the head, of orders that were never sent or have ended."""
        while self.todo:
            command = self.todo[0][2]
            if isinstance(command, Send):
                return
            if command.client_id in self.table and not self.table[command.client_id].status.final:
                return
            self.todo.popleft()


def rebuild(records: Iterable[Record], instrument: Instrument) -> Books:
    """Rebuild the books from a journal's records.

    Parameters
    ----------
    records : iterable of dict
        As read.
    instrument : Instrument
        What is traded.

    Returns
    -------
    Books
        As they were after the last record.
    """
    books = Books(instrument)
    for record in records:
        books.apply(record)
    return books


def open_journal(path: Path, instrument: Instrument, day: str, *, power_safe: bool = True) -> OrderJournal:
    """Open the journal for a trading day; one of an earlier day with nothing left open is put aside.

    Parameters
    ----------
    path : Path
        The journal; what is put aside gets its day into its name.
    instrument : Instrument
        What is traded.
    day : str
        The trading day, ISO.
    power_safe : bool
        See ``OrderJournal``.

    Returns
    -------
    OrderJournal
        The same file while a position, an order or the kill switch is carried over.
    """
    journal = OrderJournal(path, power_safe=power_safe)
    books = rebuild(journal.records, instrument)
    if not books.day or books.day == day or not books.settled:
        return journal
    aside = path.with_name(f"{path.stem}-{books.day}{path.suffix}")
    if aside.exists():
        return journal
    journal.close()
    path.rename(aside)
    return OrderJournal(path, power_safe=power_safe)
