"""Footprint as defined, over the facts known at one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from quantumtrader.types import Kind
from reference.order_flow import poc, profile, value_area
from reference.recording import MINUTE, Deal, Period
from reference.rules import NAN, Row, define, gross, imbalance, net, over

SPAN = 5 * MINUTE


@dataclass(frozen=True)
class Span:
    """The deals of five closed minutes, and the last price before them."""

    deals: list[Deal]
    px: int

    @property
    def prices(self) -> list[int]:
        return [d.px for d in self.deals] or [self.px]

    @property
    def high(self) -> int:
        return max(self.prices)

    @property
    def low(self) -> int:
        return min(self.prices)

    @property
    def close(self) -> int:
        return self.prices[-1]

    @property
    def volume(self) -> int:
        return sum(d.q for d in self.deals)

    def b(self, px: int) -> int:
        return sum(d.q for d in self.deals if d.px == px and d.side > 0)

    def s(self, px: int) -> int:
        return sum(d.q for d in self.deals if d.px == px and d.side < 0)

    @property
    def running(self) -> list[int]:
        return [net(self.deals[:k]) for k in range(len(self.deals) + 1)]


def spans(row: Row) -> list[Span]:
    """The footprints closed by now, since the last roll."""
    rolls = [r for r in row.recording.rolls if r < row.seen]
    floor = rolls[-1] if rolls else 0
    seen = row.seen + closed_by_next_event(row)
    periods = [p for p in row.recording.periods if floor <= p.first < row.seen]
    return [span for p in periods for span in spans_of(row, p, seen)]


def closed_by_next_event(row: Row) -> bool:
    """Whether this row is due to a marker that ends the session: it has closed the footprint first."""
    recording, period = row.recording, row.period
    if not row.at_close or period is None or period.last != row.seen:
        return False
    if recording.times[row.seen] != row.t or any(e["kind"] == Kind.BAR for e in recording.events[: row.seen]):
        return False
    # A minute that ended at the time of the marker closed as time passed, before the marker was applied.
    on_the_minute = (row.t - period.start) % MINUTE == 0
    return not on_the_minute or recording.times[row.seen - 1] == row.t


def spans_of(row: Row, p: Period, seen: int) -> list[Span]:
    ended = p.last is not None and p.last < seen
    until = row.recording.times[p.last] if ended else row.t
    deals = [d for d in row.recording.deals if p.first <= d.at < (p.last if ended else seen)]
    if not deals:
        return []
    out: list[Span] = []
    begin = p.start + (deals[0].t - p.start) // SPAN * SPAN

    def add(inside: list[Deal]) -> None:
        out.append(Span(inside, out[-1].close if out else deals[0].px))

    while begin + SPAN <= until:
        add([d for d in deals if begin <= d.t < begin + SPAN])
        begin += SPAN
    left = [d for d in deals if d.t >= begin]
    if ended and not p.dropped and (left or begin < until):
        add(left)
    return out


Measure = Callable[[Span], float]


def footprint(name: str) -> Callable[[Measure], Measure]:
    def register(f: Measure) -> Measure:
        @define(name)
        def _(row: Row) -> float:
            closed = spans(row)
            return f(closed[-1]) if closed else NAN

        return f

    return register


footprint("fp_delta")(lambda f: imbalance(f.deals))
footprint("fp_delta_max")(lambda f: over(max(f.running), f.volume))
footprint("fp_delta_min")(lambda f: over(min(f.running), f.volume))


@footprint("fp_poc_pos")
def _(f: Span) -> float:
    return over(poc(profile(f.deals)) - f.low, f.high - f.low, NAN) if f.deals else NAN


@footprint("fp_poc_share")
def _(f: Span) -> float:
    return over(max(profile(f.deals).values()), f.volume) if f.deals else NAN


@footprint("fp_va_close_pos")
def _(f: Span) -> float:
    if not f.deals:
        return NAN
    low, high = value_area(profile(f.deals))
    return over(f.close - low, high - low, NAN)


def bought(f: Span) -> list[bool]:
    """Whether each row of the range, from the lowest up, has a buy imbalance."""
    return [f.b(k) >= 10 and f.b(k) >= 3 * max(f.s(k - 1), 1) for k in range(f.low, f.high + 1)]


def sold(f: Span) -> list[bool]:
    return [f.s(k) >= 10 and f.s(k) >= 3 * max(f.b(k + 1), 1) for k in range(f.low, f.high + 1)]


def longest(rows: list[bool]) -> int:
    return max(len(run) for run in "".join(" x"[r] for r in rows).split(" "))


footprint("fp_buy_imb_count")(lambda f: sum(bought(f)))
footprint("fp_sell_imb_count")(lambda f: sum(sold(f)))
footprint("fp_stacked_buy")(lambda f: longest(bought(f)))
footprint("fp_stacked_sell")(lambda f: longest(sold(f)))


def mean_row(f: Span) -> Fraction:
    return Fraction(f.volume, f.high - f.low + 1)


@footprint("fp_absorption_high")
def absorption_high(f: Span) -> float:
    return over(f.b(f.high) + f.b(f.high - 1), 2 * mean_row(f)) if f.close <= f.high - 2 else 0.0


@footprint("fp_absorption_low")
def absorption_low(f: Span) -> float:
    return over(f.s(f.low) + f.s(f.low + 1), 2 * mean_row(f)) if f.close >= f.low + 2 else 0.0


@footprint("fp_exhaustion_high")
def exhaustion_high(f: Span) -> float:
    return f.b(f.high) > 0 and f.b(f.high) <= Fraction(f.b(f.high - 2), 3)


@footprint("fp_exhaustion_low")
def exhaustion_low(f: Span) -> float:
    return f.s(f.low) > 0 and f.s(f.low) <= Fraction(f.s(f.low + 2), 3)


footprint("fp_unfinished_high")(lambda f: f.b(f.high) > 0 and f.s(f.high) > 0)
footprint("fp_unfinished_low")(lambda f: f.b(f.low) > 0 and f.s(f.low) > 0)


@define("fp_delta_divergence")
def _(row: Row) -> float:
    last = spans(row)[-10:]
    if len(last) < 10:
        return NAN
    now, before = last[-1], last[:-1]
    delta = imbalance(now.deals)
    down = now.high > max(f.high for f in before) and delta < 0
    up = now.low < min(f.low for f in before) and delta > 0
    return up - down


@footprint("fp_reversal_signal")
def _(f: Span) -> float:
    delta, middle = imbalance(f.deals), Fraction(f.high + f.low, 2)
    down = (absorption_high(f) >= 2 or exhaustion_high(f)) and f.close < middle and delta < 0
    up = (absorption_low(f) >= 2 or exhaustion_low(f)) and f.close > middle and delta > 0
    return up - down


@footprint("fp_continuation_signal")
def _(f: Span) -> float:
    if not gross(f.deals):
        return 0.0
    top = poc(profile(f.deals))
    up = longest(bought(f)) >= 3 and f.close > top and net(f.deals) > 0
    down = longest(sold(f)) >= 3 and f.close < top and net(f.deals) < 0
    return up - down
