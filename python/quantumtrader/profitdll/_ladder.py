"""The book by price: notifications without data, and a ladder that is read and compared; the twin of ``feed/depth.rs``."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

from quantumtrader.profitdll._feed_state import Core, FeedInstrument, Rung
from quantumtrader.profitdll._mapping import BOOK_SIDE, contracts, ticks
from quantumtrader.profitdll.codes import BookSide, DepthUpdate, PriceGroupFlag
from quantumtrader.types import Action, Flag, Kind

_LEVEL_UPDATES = (
    DepthUpdate.ADD,
    DepthUpdate.EDIT,
    DepthUpdate.DELETE,
    DepthUpdate.INSERT,
    DepthUpdate.DELETE_FROM,
)
_MAX_DEPTH = 1024
_IS_THEORETICAL = int(PriceGroupFlag.PG_IS_THEORIC)


class _Gone(Exception):
    """The library has no such level."""


class _Unusable(Exception):
    """A level has a price or a quantity that the record cannot hold: the kind of report, and the number."""


class Source:
    """The library's ladder of one asset, with the functions that read it (each may be None)."""

    def __init__(
        self,
        asset: Any,
        group_type: Callable[[], Any],
        side_count: Callable[..., int] | None,
        price_group: Callable[..., int] | None,
        theoretical: Callable[..., int] | None,
    ) -> None:
        self._asset = ctypes.addressof(asset)
        self._group_type = group_type
        self._side_count = side_count
        self._price_group = price_group
        self._theoretical = theoretical

    def notify(self, core: Core, instrument: FeedInstrument, side: int, position: int, kind: int) -> None:
        """Follow one notification."""
        depth = instrument.depth
        core.asks_told |= side == BookSide.SELL
        if kind == DepthUpdate.PREPARE:
            if depth.burst:
                self._refresh(core, instrument)  # the flush of the last one is missing
            depth.burst = True
        elif kind == DepthUpdate.FLUSH:
            depth.burst = False
            self._refresh(core, instrument)
        elif kind == DepthUpdate.THEORETICAL_PRICE:
            self._say_theoretical(core, instrument)
        elif kind == DepthUpdate.FULL_BOOK:
            depth.image_due = True
            if not depth.burst:
                self._refresh(core, instrument)
        elif kind in _LEVEL_UPDATES and side in (BookSide.BUY, BookSide.SELL):
            if not depth.burst and not self._step(core, instrument, side, position, kind):
                self._refresh(core, instrument)
        else:
            core.report("malformed", instrument.ticker, f"price depth: side {side}, update {kind}")

    def _step(self, core: Core, instrument: FeedInstrument, side: int, at: int, kind: int) -> bool:
        """Follow a change of one level; False when the ladder has to be read as a whole."""
        depth = instrument.depth
        rungs = depth.sides[side]
        if not depth.synced or depth.image_due or depth.irregular[side] or at < 0:
            return False
        count, have = self._count(side), len(rungs)
        if kind == DepthUpdate.EDIT and count == have and at < have:
            rung = self._rung_at(side, at, instrument)
            if rung is None or rung.px != rungs[at].px:
                return False
            if rung == rungs[at]:
                return core.asks_told  # seen before, or on the other side
            rungs[at] = rung
            action = Action.EDIT
        elif kind in (DepthUpdate.ADD, DepthUpdate.INSERT) and count == have + 1 and at <= have < _MAX_DEPTH:
            rung = self._rung_at(side, at, instrument)
            if rung is None:
                return False
            if at and not _better(side, rungs[at - 1].px, rung.px):
                return False
            if at < have and not _better(side, rung.px, rungs[at].px):
                return False
            rungs.insert(at, rung)
            action = Action.ADD
        elif kind == DepthUpdate.DELETE and at < have and count == have - 1:
            if at + 1 < have:
                following = self._rung_at(side, at, instrument)
                if following is None or following.px != rungs[at + 1].px:
                    return False
            rung = Rung(rungs.pop(at).px, 0, 0)
            action = Action.DELETE
        else:
            return False
        core.counters["levels"] += 1
        _level(core, instrument, side, rung, action, 0)
        return True

    def _refresh(self, core: Core, instrument: FeedInstrument) -> None:
        """Read both sides and write what is different, as one packet; or a full image, where one is due."""
        depth = instrument.depth
        image = not depth.synced or depth.image_due
        if image:
            depth.sides[0].clear()
            depth.sides[1].clear()
        begun = False
        held: tuple[int, Rung, Action] | None = None
        for side in (0, 1):
            read = self._read(core, instrument, side)
            if read is None:
                core.report("depth_errors", instrument.ticker, f"side {side} cannot be read")
                if begun:
                    core.gap(instrument, 0)
                break
            if image and not begun:
                core.bound(instrument, Kind.LEVEL, Action.SNAPSHOT_BEGIN)
                begun = True
            new, depth.irregular[side] = read
            old = depth.sides[side][:]
            depth.sides[side][:] = new
            for rung, action in _differences(side, old, new):
                core.counters["levels"] += 1
                if image:
                    _level(core, instrument, side, rung, action, Flag.SNAPSHOT)
                else:
                    if held is not None:
                        _level(core, instrument, *held, Flag.MORE)
                    held = (side, rung, action)
            if begun and side == BookSide.SELL:
                depth.synced, depth.image_due = True, False
                core.bound(instrument, Kind.LEVEL, Action.SNAPSHOT_END)
        if held is not None:
            _level(core, instrument, *held, 0)

    def _read(self, core: Core, instrument: FeedInstrument, side: int) -> tuple[list[Rung], bool] | None:
        """Return a side, and whether it has entries that have no rung; None when it cannot be read."""
        count = self._count(side)
        if count is None:
            return None
        irregular = count > _MAX_DEPTH
        rungs: list[Rung] = []
        for at in range(min(count, _MAX_DEPTH)):
            try:
                rung = self._group(side, at, instrument)
            except _Unusable as unusable:
                irregular = True
                core.report(unusable.args[0], instrument.ticker, unusable.args[1])
                continue
            except _Gone:
                irregular = True
                core.counters["depth_errors"] += 1
                break
            if rung is None:
                irregular = True
            elif rungs and not _better(side, rungs[-1].px, rung.px):
                irregular = True
                core.counters["depth_errors"] += 1
            else:
                rungs.append(rung)
        return rungs, irregular

    def _count(self, side: int) -> int | None:
        if self._side_count is None or self._price_group is None:
            return None
        count = self._side_count(self._asset, side)
        return count if count >= 0 else None

    def _rung_at(self, side: int, at: int, instrument: FeedInstrument) -> Rung | None:
        try:
            return self._group(side, at, instrument)
        except (_Gone, _Unusable):
            return None

    def _group(self, side: int, at: int, instrument: FeedInstrument) -> Rung | None:
        """Return the level at a position; None for a theoretical one."""
        group = self._group_type()
        if (
            self._price_group is None
            or self._price_group(self._asset, side, at, ctypes.addressof(group)) != 0
        ):
            raise _Gone
        if group.PriceGroupFlags & _IS_THEORETICAL:
            return None
        px, size = ticks(group.Price, instrument.ticks_per_point), contracts(group.Quantity)
        if px is None:
            raise _Unusable("off_tick", group.Price)
        if size is None:
            raise _Unusable("out_of_range", group.Quantity)
        return Rung(px, size, min(group.Count, 2**31 - 1))

    def _say_theoretical(self, core: Core, instrument: FeedInstrument) -> None:
        price, qty = ctypes.c_double(), ctypes.c_int64()
        addresses = ctypes.addressof(price), ctypes.addressof(qty)
        if self._theoretical is not None and self._theoretical(self._asset, *addresses) == 0:
            core.say("theoretical", instrument.ticker, instrument.exchange, price.value, qty.value)
        else:
            core.counters["depth_errors"] += 1


def _better(side: int, px: int, than: int) -> bool:
    return px > than if side == BookSide.BUY else px < than


def _level(core: Core, instrument: FeedInstrument, side: int, rung: Rung, action: Action, flags: int) -> None:
    core.push(
        instrument,
        Kind.LEVEL,
        px=rung.px,
        size=rung.size,
        ref_a=rung.orders,
        side=BOOK_SIDE[side],
        action=action,
        flags=flags,
    )


def _differences(side: int, old: list[Rung], new: list[Rung]) -> Iterator[tuple[Rung, Action]]:
    """Yield what leads from one ladder to another, best first."""
    left = old[::-1]
    for rung in new:
        while left and _better(side, left[-1].px, rung.px):
            yield Rung(left.pop().px, 0, 0), Action.DELETE
        if left and left[-1].px == rung.px:
            if left.pop() != rung:
                yield rung, Action.EDIT
        else:
            yield rung, Action.ADD
    for gone in reversed(left):
        yield Rung(gone.px, 0, 0), Action.DELETE
