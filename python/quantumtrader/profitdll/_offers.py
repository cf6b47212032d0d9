"""The book by order: updates by position and full images, the twin of ``feed/offers.rs``."""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass

from quantumtrader.profitdll._feed_state import Core, FeedInstrument
from quantumtrader.profitdll._mapping import BOOK_SIDE, UNREADABLE, Date, contracts, parse_date, ticks
from quantumtrader.profitdll.codes import BookAction, OfferBookFlag
from quantumtrader.types import PX_NONE, Action, Flag, Kind, Side

_ACTION: dict[int, Action] = {
    BookAction.ADD: Action.ADD,
    BookAction.EDIT: Action.EDIT,
    BookAction.DELETE: Action.DELETE,
    BookAction.DELETE_FROM: Action.DELETE_FROM,
}
_HEADER = struct.Struct("<ii")
_ENTRY = {1: struct.Struct("<diiqH"), 2: struct.Struct("<dqiqH")}
_PARTS = {1: (8, 4, 4, 8, 2), 2: (8, 8, 4, 8, 2)}
_LARGEST = 128 << 20


@dataclass(slots=True)
class Offer:
    """Arguments of ``OfferBook`` and ``OfferBookV2``; flags are truth values."""

    action: int
    position: int
    side: int
    qty: int
    agent: int
    id: int
    price: float
    has_price: int
    has_qty: int
    has_date: int
    has_id: int
    has_agent: int
    sell: int | None
    buy: int | None
    version: int


class RefusedImage(Exception):
    """An image cannot be used."""


def update(core: Core, instrument: FeedInstrument, offer: Offer, date: Date) -> None:
    """Write an add, edit, delete or delete-from; ``date`` is that of an add or edit that has one."""
    date = core.saw(instrument, date)
    if date == UNREADABLE:
        core.counters["bad_date"] += 1
    side = BOOK_SIDE.get(offer.side)
    if side is None or offer.position < 0:
        return _senseless(core, instrument, "side or position", offer.position)
    id, px, size, agent, flags = 0, 0, 0, 0, 0
    if offer.action in (BookAction.ADD, BookAction.EDIT):
        ticks_or_none, size_or_none, flags = _numbers(core, instrument, offer)
        if ticks_or_none is None:
            core.report("off_tick", instrument.ticker, offer.price)
            return core.gap(instrument, 1)
        if size_or_none is None:
            core.report("out_of_range", instrument.ticker, offer.qty)
            return core.gap(instrument, 1)
        px, size = ticks_or_none, size_or_none
        id = offer.id if offer.has_id or offer.action == BookAction.ADD else 0
        agent = offer.agent if offer.has_agent or offer.action == BookAction.ADD else 0
    elif offer.action not in (BookAction.DELETE, BookAction.DELETE_FROM):
        return _senseless(core, instrument, "action", offer.action)
    core.counters["orders"] += 1
    return core.push(
        instrument,
        Kind.ORDER,
        ts=date if isinstance(date, int) else None,
        id=id,
        px=px,
        size=size,
        ref_a=agent,
        ref_b=offer.position,
        flags=flags,
        action=_ACTION[offer.action],
        side=side,
    )


def _numbers(core: Core, instrument: FeedInstrument, offer: Offer) -> tuple[int | None, int | None, int]:
    """Return price, size and flags of an add or edit; None for a number that the record cannot hold."""
    if offer.action == BookAction.ADD:
        return ticks(offer.price, instrument.ticks_per_point), contracts(offer.qty), 0
    px = ticks(offer.price, instrument.ticks_per_point) if offer.has_price else PX_NONE
    if not offer.has_qty:
        return px, 0, Flag.DELTA  # nothing added
    if core.edit_is_change:
        return px, offer.qty if -(2**31) <= offer.qty < 2**31 else None, Flag.DELTA
    return px, contracts(offer.qty), 0


def _senseless(core: Core, instrument: FeedInstrument, what: str, number: int) -> None:
    core.report("malformed", instrument.ticker, f"offer book: {what} {number}")
    core.gap(instrument, 1)


def image(core: Core, instrument: FeedInstrument, offer: Offer) -> None:
    """Write a full image, or a page of one."""
    try:
        arrays = [
            _Array.read(address, side, offer.version, instrument.ticks_per_point)
            for address, side in ((offer.sell, Side.SELL), (offer.buy, Side.BUY))
            if address
        ]
        if not arrays:
            raise RefusedImage("neither side is there")
        for array in arrays:
            core.saw(instrument, array.newest)
        ends = _begin(core, instrument, arrays)
    except RefusedImage as refused:
        core.report("malformed", instrument.ticker, f"offer book image: {refused}")
        return core.gap(instrument, 0)
    for array in arrays:
        for id, px, size, agent in array.offers:
            core.counters["orders"] += 1
            core.push(
                instrument,
                Kind.ORDER,
                side=array.side,
                action=Action.ADD,
                flags=Flag.SNAPSHOT,
                id=id,
                px=px,
                size=size,
                ref_a=agent,
            )
    if ends:
        instrument.image_complete, instrument.image_open = True, False
        core.counters["images"] += 1
        core.bound(instrument, Kind.ORDER, Action.SNAPSHOT_END)
    return None


def _begin(core: Core, instrument: FeedInstrument, arrays: list[_Array]) -> bool:
    """Write what comes before the offers; returns whether the image ends with them."""
    flags = 0
    for array in arrays:
        flags |= array.flags
    first, last = bool(flags & OfferBookFlag.OB_FIRST_PACKET), bool(flags & OfferBookFlag.OB_LAST_PACKET)
    core.paged |= first
    if first:
        core.bound(instrument, Kind.ORDER, Action.SNAPSHOT_BEGIN)
        instrument.image_open = True
        return last
    if instrument.image_open:
        return last
    if core.paged:
        raise RefusedImage("a page without a first one")
    if len(arrays) == 2 or not instrument.image_complete:
        core.bound(instrument, Kind.ORDER, Action.SNAPSHOT_BEGIN)
        return True
    core.push(instrument, Kind.ORDER, action=Action.CLEAR, side=arrays[0].side, flags=Flag.SNAPSHOT)
    return False


@dataclass(slots=True)
class _Array:
    """One side of a full image, every offer of which can be used: ``(id, px, size, agent)``, worst first."""

    side: int
    offers: list[tuple[int, int, int, int]]
    newest: Date
    flags: int

    @classmethod
    def read(cls, address: int, side: int, version: int, ticks_per_point: float) -> _Array:
        count, total = _HEADER.unpack(ctypes.string_at(address, _HEADER.size))
        if not (_HEADER.size <= total <= _LARGEST and 0 <= count <= total):
            raise RefusedImage(f"the blob's header is not one: {count} entries in {total} bytes")
        blob = ctypes.string_at(address, total)
        entries, at = [], _HEADER.size
        for number in range(count):
            entry, at = _entry(blob, at, version, number)
            entries.append(entry)
        newest: Date = 0
        offers = []
        for price, qty, agent, id, date in entries:
            px, size = ticks(price, ticks_per_point), contracts(qty)
            if px is None:
                raise RefusedImage("a price is between two ticks")
            if size is None:
                raise RefusedImage("a quantity is out of range")
            moment = parse_date(date.decode("latin-1"))
            if isinstance(moment, int):
                newest = max(newest, moment)
            offers.append((id, px, size, agent))
        flags = int.from_bytes(blob[at : at + 4], "little") if at + 4 <= total else 0
        return cls(side, offers, newest, flags)


def _entry(blob: bytes, at: int, version: int, number: int) -> tuple[tuple[float, int, int, int, bytes], int]:
    """Return an entry and where the next one begins."""
    if at + _ENTRY[version].size > len(blob):
        for part in _PARTS[version]:
            if at + part > len(blob):
                raise _cut(number, at + part, len(blob))
            at += part
    price, qty, agent, id, length = _ENTRY[version].unpack_from(blob, at)
    at += _ENTRY[version].size
    if at + length > len(blob):
        raise _cut(number, at + length, len(blob))
    return (price, qty, agent, id, blob[at : at + length]), at + length


def _cut(number: int, needed: int, length: int) -> RefusedImage:
    return RefusedImage(f"the blob ends in entry {number}: {needed} bytes are needed, it has {length}")
