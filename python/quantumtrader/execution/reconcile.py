"""Our books against the vendor's: what is missing, what is strange, what can be said for certain.

``compare`` decides nothing that it cannot show. An order without an answer is found again by everything that the
vendor repeats: side, type, size, prices, and the time of its creation. If more of the vendor's orders fit than
ours are missing, no rule says which is ours: the finding is ``AMBIGUOUS``, and a person decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from quantumtrader.exceptions import ConfigError
from quantumtrader.execution.gateway import OrderDetails, OrderStage, VendorPosition
from quantumtrader.execution.recovery import Books
from quantumtrader.types import PX_NONE, OrderType

__all__ = ["Finding", "FindingKind", "ForeignPolicy", "ReconcileReport", "ReconcileSettings", "compare"]


class ForeignPolicy(StrEnum):
    """What to do about orders and positions that are not ours."""

    HALT = "halt"
    """Stop taking new risk until a person has looked."""
    CLAIM = "claim"
    """Take them into our books."""
    IGNORE = "ignore"
    """Leave them to whoever they belong to, and remember that."""


@dataclass(frozen=True, slots=True)
class ReconcileSettings:
    """How patient and how trusting reconciliation is.

    Parameters
    ----------
    foreign_orders, foreign_position : ForeignPolicy
        What to do about what is not ours.
    settle_ns : int
        How long an order may be on its way before an absence from the vendor's list counts, in ns.
    window_ns : int
        How long after our intent the vendor may have dated an order, in ns.
    skew_ns : int
        How far the vendor's clock may be behind ours, in ns.
    """

    foreign_orders: ForeignPolicy = ForeignPolicy.HALT
    foreign_position: ForeignPolicy = ForeignPolicy.HALT
    settle_ns: int = 5_000_000_000
    window_ns: int = 60_000_000_000
    skew_ns: int = 2_000_000_000

    def __post_init__(self) -> None:
        for name in ("settle_ns", "window_ns", "skew_ns"):
            if getattr(self, name) < 0:
                raise ConfigError(f"reconcile setting {name} is {getattr(self, name)}, expected 0 or more")


class FindingKind(StrEnum):
    """What reconciliation can find."""

    CHANGED = "changed"
    """One of ours has news that no report told."""
    FOUND = "found"
    """An order without an answer arrived; the vendor's number is known now."""
    WAITING = "waiting"
    """An order without an answer is not there yet, and may still arrive."""
    LOST = "lost"
    """An order without an answer never arrived."""
    GONE = "gone"
    """The vendor does not know one of ours any more."""
    AMBIGUOUS = "ambiguous"
    """More orders fit than were sent: nobody can say which is ours."""
    FOREIGN = "foreign"
    """An order that is not ours."""
    POSITION = "position"
    """The vendor's position is not ours."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that reconciliation found.

    Parameters
    ----------
    kind : FindingKind
        What it is.
    message : str
        The same for people, with the numbers.
    client_id : int
        Our order; 0 where there is none.
    details : OrderDetails, optional
        The vendor's order, where there is one.
    """

    kind: FindingKind
    message: str
    client_id: int = 0
    details: OrderDetails | None = None


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """What a comparison found.

    Parameters
    ----------
    ts : int
        When, ns UTC.
    findings : tuple of Finding
        In the order in which they are to be dealt with.
    ours, theirs : int
        Position in contracts, signed; ``theirs`` without what was decided to be foreign. Compared before the
        findings are dealt with.
    foreign : int
        Contracts, signed, that orders which are not ours traded.
    """

    ts: int
    findings: tuple[Finding, ...]
    ours: int
    theirs: int
    foreign: int = 0

    @property
    def clean(self) -> bool:
        """Whether books and vendor agree."""
        return not self.findings

    @property
    def settled(self) -> bool:
        """Whether it is known of every order of ours what became of it."""
        return not any(f.kind in (FindingKind.WAITING, FindingKind.AMBIGUOUS) for f in self.findings)

    def of(self, kind: FindingKind) -> tuple[Finding, ...]:
        """Findings of one kind."""
        return tuple(f for f in self.findings if f.kind is kind)


_Key = tuple[int, OrderType, int, int, int]


def compare(
    books: Books,
    orders: Sequence[OrderDetails],
    position: VendorPosition,
    now_ns: int,
    settings: ReconcileSettings,
) -> ReconcileReport:
    """Compare our books with the vendor's list and position.

    Parameters
    ----------
    books : Books
        Ours.
    orders : sequence of OrderDetails
        Every order of the account in this contract.
    position : VendorPosition
        The account's position in this contract.
    now_ns : int
        Now, ns UTC.
    settings : ReconcileSettings
        Patience and policies.

    Returns
    -------
    ReconcileReport
        Nothing is changed.
    """
    findings: list[Finding] = []
    strangers: list[OrderDetails] = []
    seen: set[int] = set()
    for details in orders:
        client_id = books.find(details.ref)
        if (
            client_id is not None
            and not books.links[client_id].ref.cl_ord_id
            and not _alike(books, client_id, details, settings)
        ):
            client_id = None  # a number of another session that looks like one of this
        if client_id is not None:
            seen.add(client_id)
            if _news(books, client_id, details):
                findings.append(
                    Finding(
                        FindingKind.CHANGED, f"order {client_id} changed: {_say(details)}", client_id, details
                    )
                )
        elif details.ref.cl_ord_id not in books.ignored:
            strangers.append(details)
    strangers.sort(key=lambda d: d.created_ns)
    findings += _resolve(books, strangers, now_ns, settings)
    findings += _absent(books, seen, now_ns, settings)
    for details in strangers:
        # What had ended before we came is in the position, if anywhere.
        if not details.stage.final:
            findings.append(Finding(FindingKind.FOREIGN, f"not ours: {_say(details)}", details=details))
    ours, theirs = books.ledger.position, position.size - books.offset
    if ours != theirs:
        text = f"position {ours:+d} in our books, {theirs:+d} at the vendor"
        findings.append(Finding(FindingKind.POSITION, text))
    foreign = sum(d.side * d.traded for d in strangers)
    return ReconcileReport(now_ns, tuple(findings), ours, theirs, foreign)


def _news(books: Books, client_id: int, details: OrderDetails) -> bool:
    link = books.links[client_id]
    if details.traded != link.traded:
        return details.traded > link.traded
    return (
        details.stage is not link.stage and details.stage is not OrderStage.UNKNOWN and not link.stage.final
    )


def _resolve(
    books: Books, strangers: list[OrderDetails], now_ns: int, settings: ReconcileSettings
) -> list[Finding]:
    """Look for orders without an answer among the strangers; what is found is taken out of them."""
    findings: list[Finding] = []
    for key, ids in _by_key(books, books.unresolved).items():
        # An order that was answered for exists; one without any answer may not.
        ids.sort(key=lambda cid: (not books.links[cid].sent, books.links[cid].intent_ts))
        findings += _match(books, key, ids, strangers, settings)
        found = {f.client_id for f in findings}
        findings += [_nowhere(books, cid, now_ns, settings) for cid in ids if cid not in found]
    # One that was declared lost may have been late: it is looked for as long as the window is open.
    late = [
        cid
        for cid, link in books.links.items()
        if link.lost and now_ns - link.intent_ts <= settings.window_ns + settings.settle_ns
    ]
    for key, ids in _by_key(books, late).items():
        findings += _match(books, key, ids, strangers, settings)
    return findings


def _by_key(books: Books, ids: Sequence[int]) -> dict[_Key, list[int]]:
    groups: dict[_Key, list[int]] = {}
    for client_id in ids:
        groups.setdefault(_key(books, client_id), []).append(client_id)
    return groups


def _match(
    books: Books, key: _Key, ids: list[int], strangers: list[OrderDetails], settings: ReconcileSettings
) -> list[Finding]:
    """Match equal orders of ours with the vendor's; what fits is taken out of the strangers."""
    fitting = [d for d in strangers if _key_of(d) == key and any(_dated(books, c, d, settings) for c in ids)]
    if not fitting:
        return []
    for details in fitting:
        strangers.remove(details)
    surely = sum(books.links[cid].sent for cid in ids)
    one_trade = len({books.bracket_of(cid) for cid in ids}) == 1
    if len(fitting) > len(ids) or (len(ids) > 1 and not (one_trade and len(fitting) >= surely)):
        text = (
            f"orders {', '.join(map(str, ids))} have no answer, and {len(fitting)} of the vendor's orders fit: "
            + "; ".join(map(_say, fitting))
        )
        return [Finding(FindingKind.AMBIGUOUS, text, cid) for cid in ids]
    # Equal orders of one trade are interchangeable, so the order of time is as good as any.
    return [
        Finding(FindingKind.FOUND, f"order {client_id} is the vendor's {_say(details)}", client_id, details)
        for client_id, details in zip(ids, fitting, strict=False)
    ]


def _nowhere(books: Books, client_id: int, now_ns: int, settings: ReconcileSettings) -> Finding:
    age = now_ns - books.links[client_id].intent_ts
    if age < settings.settle_ns:
        text = f"order {client_id} has no answer after {age / 1e9:.1f} s and may still arrive"
        return Finding(FindingKind.WAITING, text, client_id)
    text = f"order {client_id} is not in the vendor's list {age / 1e9:.1f} s after it was to be sent"
    return Finding(FindingKind.LOST, text, client_id)


def _absent(books: Books, seen: set[int], now_ns: int, settings: ReconcileSettings) -> list[Finding]:
    """Orders of ours with a name that the vendor's list does not have."""
    findings: list[Finding] = []
    for state in books.table.open_orders:
        client_id = state.order.client_id
        if client_id in seen or books.ref(client_id) is None:
            continue
        link = books.links[client_id]
        if link.ref.cl_ord_id:
            text = f"order {client_id} ({link.ref.cl_ord_id}) is not in the vendor's list any more"
            findings.append(Finding(FindingKind.GONE, text, client_id))
        elif now_ns - link.intent_ts >= settings.settle_ns:
            text = (
                f"the vendor took order {client_id} as {link.ref.local_id} and has nothing of the kind "
                f"{(now_ns - link.intent_ts) / 1e9:.1f} s later"
            )
            findings.append(Finding(FindingKind.AMBIGUOUS, text, client_id))
    return findings


def _key(books: Books, client_id: int) -> _Key:
    order, link = books.table[client_id].order, books.links[client_id]
    stop_px = order.px if order.type is OrderType.STOP else PX_NONE
    return (order.side, order.type, order.size, link.limit_px, stop_px)


def _key_of(details: OrderDetails) -> _Key:
    px = PX_NONE if details.type is OrderType.MARKET else details.px
    return (details.side, details.type, details.size, px, details.stop_px)


def _alike(books: Books, client_id: int, details: OrderDetails, settings: ReconcileSettings) -> bool:
    return _key(books, client_id) == _key_of(details) and _dated(books, client_id, details, settings)


def _dated(books: Books, client_id: int, details: OrderDetails, settings: ReconcileSettings) -> bool:
    if not details.created_ns:
        return True
    after = details.created_ns - books.links[client_id].intent_ts
    return -settings.skew_ns <= after <= settings.window_ns


def _say(details: OrderDetails) -> str:
    px = "" if details.px == PX_NONE else f" at {details.px}"
    stop = "" if details.stop_px == PX_NONE else f" stop {details.stop_px}"
    name = details.ref.cl_ord_id or f"local {details.ref.local_id}"
    return (
        f"{name} ({details.type} {details.side * details.size:+d}{px}{stop}, traded {details.traded}, "
        f"{details.stage})"
    )
