"""The detectors and what holds them, as ``docs/concepts/detectors.md`` defines them, over lists of facts.

``Found`` lists every detection up to a row as (ts, side, value); what a feature holds is looked up in it. Thresholds
are those of the row. Tables are as long as they need to be.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from quantumtrader.features import DetectorSettings
from quantumtrader.types import Flag, Kind
from reference.recording import Change, Deal, Recording, View
from reference.rules import NAN, SECOND, Row, define, over, points, shared

MILLI = 10**6
MINUTE = 60 * SECOND
Found = list[tuple[int, int, float]]
"""(certain at, side, value) in the order of time."""


def held(found: Found, t: int, hold: int) -> tuple[int, int, float] | None:
    return next((f for f in reversed(found) if t - f[0] < hold), None) if found else None


# -- parents --------------------------------------------------------------------------------------------


@dataclass
class Parent:
    deals: list[Deal]
    ended: int | None = None

    @property
    def rows(self) -> int:
        return len({d.px for d in self.deals})

    @property
    def forward(self) -> bool:
        return all(a.side * (b.px - a.px) >= 0 for a, b in zip(self.deals, self.deals[1:], strict=False))

    @property
    def volume(self) -> int:
        return sum(d.q for d in self.deals)


@shared
def ended_parents(row: Row) -> list[Parent]:
    out: list[Parent] = []
    gap = row.limits.sweep_gap_ns
    for d in row.deals:
        last = out[-1] if out and out[-1].ended is None else None
        if last is not None:
            brokers = {x.broker for x in (*last.deals, d)} - {0}
            if d.side == last.deals[0].side and len(brokers) < 2 and d.t - last.deals[-1].t <= gap:
                last.deals.append(d)
                continue
            last.ended = min(d.t, last.deals[-1].t + gap + 1)
        if d.side:
            out.append(Parent([d]))
    if out and out[-1].ended is None and row.t - out[-1].deals[-1].t > gap:
        out[-1].ended = out[-1].deals[-1].t + gap + 1
    return [p for p in out if p.ended is not None]


def sweeps(row: Row) -> list[Parent]:
    least, volume = row.limits.sweep_min_levels, row.limits.sweep_min_qty
    return [p for p in ended_parents(row) if p.rows >= least and p.forward and p.volume >= volume]


@define("sweep_detected")
def _(row: Row) -> float:
    if not row.deals:
        return NAN
    last = held([(p.ended, p.deals[0].side, 0) for p in sweeps(row)], row.t, row.limits.sweep_hold_ns)
    return last[1] if last else 0


@define("sweep_levels_1m", window=MINUTE)
def _(row: Row) -> float:
    parents = [p for p in ended_parents(row) if p.forward and p.deals[-1].t > row.t - MINUTE]
    best = max(reversed(parents), key=lambda p: p.rows, default=None)
    return best.rows * best.deals[0].side if best else 0


@define("sweep_volume_ratio_5m", window=5 * MINUTE)
def _(row: Row) -> float:
    swept = sum(p.volume for p in sweeps(row) if p.deals[0].t > row.t - 5 * MINUTE)
    return over(swept, sum(d.q for d in row.inside(5 * MINUTE)))


@dataclass
class Run:
    """Prints of one side that end with the last print, of a sweeping run or not."""

    deals: list[Deal]
    slope: Fraction
    span: int

    @property
    def speed(self) -> Fraction | None:
        """Trades per second; None without a span."""
        return Fraction((len(self.deals) - 1) * SECOND, self.span) if self.span else None


def run_to(deals: list[Deal]) -> Run | None:
    """The run of one side that ends with the last of some prints; None where that has no side."""
    run: list[Deal] = []
    for d in reversed(deals):
        if d.side == 0 or d.side != deals[-1].side:
            break
        run.insert(0, d)
    if not run:
        return None
    k, total = len(run), sum(d.q for d in run)
    up = sum((2 * i - k + 1) * (k * d.q - total) for i, d in enumerate(run))
    across = sum((2 * i - k + 1) ** 2 for i in range(k))
    slope = Fraction(2 * up, k * across) if across else Fraction(0)
    return Run(run, slope, run[-1].t - run[0].t)


def sweeping(run: Run | None, row: Row) -> bool:
    if run is None or len(run.deals) < row.limits.run_min_length or run.slope <= 0:
        return False
    return run.speed is None or run.speed > Fraction(row.limits.run_min_speed)


@define("sweep_run_detected")
def _(row: Row) -> float:
    if not row.deals:
        return NAN
    run = run_to(row.deals)
    return run.deals[0].side if sweeping(run, row) else 0


# -- icebergs -------------------------------------------------------------------------------------------


def equal_prints(deals: list[Deal], last: Deal, window: int) -> list[Deal]:
    return [
        d
        for d in deals
        if d.at <= last.at and d.t > last.t - window and (d.px, d.side) == (last.px, last.side)
    ]


def looks_even(sizes: list[int], limits: DetectorSettings) -> bool:
    n, total = len(sizes), sum(sizes)
    variance = n * sum(q * q for q in sizes) - total * total
    even = variance <= Fraction(str(limits.tape_max_cv)) ** 2 * total * total
    return n >= limits.tape_min_prints and total <= limits.tape_max_mean * n and even


@define("iceberg_tape_signal")
def _(row: Row) -> float:
    if not row.deals:
        return NAN
    signed = [d for d in row.deals if d.side]
    last = signed[-1] if signed else None
    equal = [
        d for d in row.inside(row.limits.tape_window_ns) if last and (d.px, d.side) == (last.px, last.side)
    ]
    return -last.side if last and looks_even([d.q for d in equal], row.limits) else 0


def by_tape(row: Row) -> Found:
    out: list[tuple[Deal, int]] = []
    window = row.limits.tape_window_ns
    signed = [d for d in row.deals if d.side]
    for d in signed:
        told = any((x.px, x.side) == (d.px, d.side) and d.t - x.t < window for x, _ in out)
        if not told and looks_even([x.q for x in equal_prints(signed, d, window)], row.limits):
            out.append((d, -d.side))
    return [(d.t, side, 0) for d, side in out]


@shared
def in_session(row: Row) -> list[View]:
    return [v for v in row.known if v.at >= row.first]


def by_refills(row: Row) -> Found:
    """Row by row: trades and changes of the row, and whether the touch is at it."""
    recording, limits = row.recording, row.limits
    window, tolerance = limits.refill_window_ns, Fraction(str(limits.refill_tolerance))
    out: list[tuple[int, int, int, float]] = []
    hit = {(-d.side, d.px) for d in row.deals if d.side}
    views = in_session(row)
    before = [v for v in recording.views if v.at < row.first]
    for side, px in hit:
        here = bool(before) and at_touch(before[-1], side, px)
        facts: list[Deal | View] = [d for d in row.deals if (-d.side, d.px) == (side, px)]
        facts = sorted([*facts, *views], key=lambda f: (f.at, isinstance(f, View)))
        trades: list[tuple[int, int]] = []
        followed, refills, hidden, away = False, 0, 0, 0
        for f in facts:
            if followed and not here and f.t - away > limits.refill_abandon_ns:
                followed = False
            if isinstance(f, Deal):
                shown = recording.displayed(side, px, f.at)
                if not shown:
                    continue
                if not followed:
                    followed, refills, hidden, trades, away = True, 0, 0, [], f.t
                trades.append((f.t, shown))
                hidden += max(0, f.q - shown)
                continue
            if f.voided:
                followed = False
            was, here = here, at_touch(f, side, px)
            if was and not here:
                away = f.t
            for c in f.changes:
                if not followed or (c.side, c.px) != (side, px) or c.after <= c.before or not trades:
                    continue
                # The series of trades that ends with the last one, and what was shown before it.
                start = len(trades) - 1
                while start and trades[start][0] - trades[start - 1][0] <= window:
                    start -= 1
                shown = trades[start][1]
                in_time = f.t - trades[-1][0] <= window
                if in_time and c.before < shown and abs(c.after - shown) <= tolerance * shown:
                    refills, hidden, trades = refills + 1, hidden + c.after - c.before, []
                    if refills >= limits.refill_min:
                        out.append((c.at, f.t, side, hidden))
    return [(t, side, hidden) for _, t, side, hidden in sorted(out)]


def at_touch(view: View, side: int, px: int) -> bool:
    best = view.bids if side > 0 else view.asks
    return view.good and bool(best) and best[0][0] == px


@dataclass
class Hit:
    """Trades at a row that wait for what they did to orders."""

    at: int
    packet: bool
    left: int
    volume: int = 0
    orders: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    """(fit, id, peak, hidden and restorations before, shown): fit 2 it did not shrink, 1 it shrank, 0 it was deleted."""


@dataclass
class Restoration:
    """An order executed beyond what it showed, as it became certain at ``ts``."""

    ts: int
    side: int
    px: int
    hidden: int
    restorations: int
    order_id: int
    shown: int
    restored: int
    traded: int
    peak: int
    packet: bool
    """Whether the packet of the trade told."""


def by_orders(row: Row) -> Found:
    return [(r.ts, r.side, r.hidden) for r in restorations(row)]


@shared
def restorations(row: Row) -> list[Restoration]:
    """Trades against what the order records after them explain."""
    recording, window = row.recording, row.limits.native_window_ns
    out: list[Restoration] = []
    kind = next((e["kind"] for e in recording.events if e["kind"] in (Kind.LEVEL, Kind.ORDER)), 0)
    if kind != Kind.ORDER:
        return out
    hits: dict[tuple[int, int], Hit] = {}
    hidden: dict[int, int] = {}
    times: dict[int, int] = {}
    peaks: dict[int, int] = {}
    gone: list[tuple[int, tuple[int, int, int, int], int, int]] = []
    deals = {d.at: d for d in row.deals}
    views = {v.at: v for v in recording.views}
    started = False

    def judge(ts: int, place: tuple[int, int]) -> None:
        hit = hits.pop(place)
        if hit.left <= 0 or not hit.orders:
            return
        fit, ident, peak, before, count, shown = max(reversed(hit.orders), key=lambda o: o[0])
        # A deleted order has nothing to come; one that lives may have been restored since. One without an id is known
        # by this record alone.
        lives = bool(fit and ident)
        if lives and ident not in peaks:
            return
        total, count = (hidden.get(ident, 0), times.get(ident, 0)) if lives else (before, count)
        total, count = total + hit.left, count + 1
        if lives:
            hidden[ident], times[ident] = total, count
        told = (total, count, ident, shown, hit.left, hit.volume, peak, hit.packet)
        out.append(Restoration(ts, *place, *told))

    for i in range(row.seen):
        e, t = recording.events[i], recording.times[i]
        for place in sorted((p for p, h in hits.items() if h.at + window < t), key=lambda p: hits[p].at):
            judge(hits[place].at + window + 1, place)
        if i == row.first:
            hits, hidden, times, peaks, gone, started = {}, {}, {}, {}, [], True
        if i in deals and deals[i].side and not e["flags"] & Flag.HIDDEN and kind_seen(recording, i):
            d = deals[i]
            hit = hits.setdefault((-d.side, d.px), Hit(t, False, 0))
            hit.at, hit.packet, hit.left = t, bool(e["flags"] & Flag.MORE), hit.left + d.q
            hit.volume += d.q
        for step in recording.steps(i) if started else ():
            # An order that shows nothing is none.
            old, new = (lot if lot and lot.size else None for lot in step)
            if new and not old:
                gone = [g for g in gone if t - g[0] <= window]
                me = (new.broker, new.side, new.px, new.size)
                match = next((g for g in gone if g[1] == me), None)
                if match:
                    gone.remove(match)
                    total, count = match[2] + new.size, match[3] + 1
                    if new.id:
                        hidden[new.id], times[new.id], peaks[new.id] = total, count, new.size
                    told = (total, count, new.id, new.size, new.size, new.size, new.size, False)
                    out.append(Restoration(t, new.side, new.px, *told))
            elif old:
                now = new.size if new else 0
                hit = hits.get((old.side, old.px))
                stays = new is None or new.px == old.px
                if hit and stays:
                    executed = min(max(0, old.size - now), hit.left)
                    hit.left -= executed
                    peak, before = peaks.get(old.id, old.size), hidden.get(old.id, 0)
                    so_far = (peak, before, times.get(old.id, 0), now)
                    if now:
                        if old.id:
                            peaks[old.id] = peak
                        hit.orders.append((1 if now < old.size else 2, old.id, *so_far))
                    else:
                        if hit.packet:
                            hit.orders.append((0, old.id, *so_far))
                        if executed == old.size and old.broker:
                            gone.append((hit.at, (old.broker, old.side, old.px, peak), before, so_far[2]))
                if not now:
                    peaks.pop(old.id, None)
                    hidden.pop(old.id, None)
                    times.pop(old.id, None)
        if i in views and e["kind"] != Kind.SESSION:
            if views[i].voided:
                hits, hidden, times, peaks, gone = {}, {}, {}, {}, []
            for place in [p for p, h in hits.items() if h.packet]:
                judge(t, place)
    for place in sorted((p for p, h in hits.items() if h.at + window < row.t), key=lambda p: hits[p].at):
        judge(hits[place].at + window + 1, place)
    return out


def kind_seen(recording: Recording, i: int) -> bool:
    return any(e["kind"] == Kind.ORDER for e in recording.events[:i])


@shared
def latest_iceberg(row: Row) -> tuple[int, int, float] | None:
    for rule in (by_orders, by_refills, by_tape):
        found = held(rule(row), row.t, row.limits.iceberg_hold_ns)
        if found:
            return found
    return None


@define("iceberg_detected", book=True)
def _(row: Row) -> float:
    found = latest_iceberg(row)
    return found[1] if found else 0


@define("iceberg_hidden_est", book=True)
def _(row: Row) -> float:
    found = latest_iceberg(row)
    return found[2] if found else 0


# -- spoofing and layering ------------------------------------------------------------------------------


@dataclass
class Candidate:
    change: Change
    view: View
    order_id: int
    broker: int
    usual: float
    withdrawn: int = 0
    ended: int | None = None

    @property
    def size(self) -> int:
        return self.change.after - self.change.before


def usual_sizes(changes: list[tuple[View, Change]], tau_s: float) -> list[float | None]:
    """The usual size of a row at each of its changes, None at the first sight of it."""
    out: list[float | None] = []
    x, at = 0.0, 0
    for k, (v, c) in enumerate(changes):
        if k == 0:
            x = float(c.before or c.after)
            out.append(x if c.before else None)
        else:
            if c.before:
                x += (c.before - x) * (1.0 - math.exp(-(v.t - at) / (tau_s * SECOND)))
            out.append(x)
        at = v.t
    return out


@dataclass
class Contracts:
    """Contracts of one print or decrease at a row that the other has not explained."""

    t: int
    at: int
    broker: int
    left: int
    owner: Candidate | None = None


def settle(one: Contracts, others: list[Contracts], match: int) -> list[tuple[Contracts, int]]:
    """Explain one by the others: within ``match`` ns, of one broker where known, first come first served, each once."""
    used = []
    for other in others:
        if one.t - other.t <= match and (other.broker == one.broker or 0 in (other.broker, one.broker)):
            n = min(one.left, other.left)
            one.left, other.left = one.left - n, other.left - n
            used.append((other, n))
    return used


def judge(c: Candidate, t: int, limits: DetectorSettings) -> None:
    # The threshold as the engines have it: a float product.
    enough = c.withdrawn >= limits.spoof_withdrawn * c.size
    c.ended = (t if c.ended is None else c.ended) if enough else None


def due(c: Candidate, limits: DetectorSettings) -> int:
    return c.view.t + limits.spoof_lifetime_ns if c.ended is None else c.ended + limits.spoof_after_ns


@shared
def withdrawn_candidates(row: Row) -> list[Candidate]:
    """Candidates judged before ``row.t``, in the order in which they were."""
    views = in_session(row)
    voids = [v.at for v in views if v.voided]
    done: list[Candidate] = []
    for rows in by_row(views, voids):
        side, px = rows[0][1].side, rows[0][1].px
        segment = bisect_right(voids, rows[0][0].at)
        void_t = row.recording.times[voids[segment]] if segment < len(voids) else row.t
        facts: list[tuple[int, int, Deal | tuple[View, Change, float | None]]] = [
            (d.at, 0, d)
            for d in row.deals
            if (d.px, d.side) == (px, -side)
            and bisect_left(voids, d.at) == segment
            and not row.recording.events[d.at]["flags"] & Flag.HIDDEN
        ]
        facts += [
            (v.at, 1, (v, c, u))
            for (v, c), u in zip(rows, usual_sizes(rows, row.limits.spoof_tau_s), strict=True)
        ]
        done += [c for c in of_row(facts, void_t, row.limits) if c.ended is not None]
    return sorted(done, key=lambda c: (due(c, row.limits), c.view.at, c.change.at))


def of_row(facts: list, until: int, limits: DetectorSettings) -> list[Candidate]:
    """The candidates of one row whose time was over before ``until``."""
    done: list[Candidate] = []
    active: list[Candidate] = []
    prints: list[Contracts] = []
    decreases: list[Contracts] = []
    least = min(limits.spoof_factor, limits.layer_factor)
    for _, _, fact in sorted(facts, key=lambda f: f[:2]):
        t = fact.t if isinstance(fact, Deal) else fact[0].t
        done += [c for c in active if due(c, limits) < t]
        active = [c for c in active if due(c, limits) >= t]
        if isinstance(fact, Deal):
            traded = Contracts(t, fact.at, fact.passive, fact.q)
            if not active:
                continue
            for decrease, n in settle(traded, decreases, limits.spoof_match_ns):
                if n and any(c is decrease.owner for c in active):
                    decrease.owner.withdrawn -= n
                    judge(decrease.owner, t, limits)
            prints.append(traded)
            continue
        view, change, usual = fact
        order_id, broker = change.order_id, change.broker
        q = change.after - change.before
        mine = next((c for c in active if c.order_id in (0, order_id)), None)
        live = mine if mine is not None and t - mine.view.t <= limits.spoof_lifetime_ns else None
        if q < 0 and active:
            gone = Contracts(t, view.at, broker, -q)
            # A print before a candidate was added did not meet it.
            settle(gone, [p for p in prints if live is None or p.at > live.view.at], limits.spoof_match_ns)
            gone.owner = live
            if live is not None:
                live.withdrawn += min(gone.left, live.size - live.withdrawn)
            decreases.append(gone)
        elif live is not None and q > 0:
            live.withdrawn = max(0, live.withdrawn - q)
        if live is not None:
            over = (
                sum(d.left for d in decreases if d.owner is live and t - d.t <= limits.spoof_match_ns)
                - live.withdrawn
            )
            for d in reversed([d for d in decreases if d.owner is live]):
                n = min(max(0, over), d.left)
                d.left, over = d.left - n, over - n
            judge(live, t, limits)
        if mine is None and usual is not None and q >= least * usual and near(view, change, order_id, limits):
            active.append(Candidate(change, view, order_id, broker, usual))
    return [c for c in done + active if due(c, limits) < until]


def by_row(views: list[View], voids: list[int]) -> list[list[tuple[View, Change]]]:
    """Changes of each row between two voids."""
    out: dict[tuple[int, int, int], list[tuple[View, Change]]] = {}
    for v in views:
        for c in v.changes:
            out.setdefault((bisect_right(voids, v.at), c.side, c.px), []).append((v, c))
    return list(out.values())


def near(v: View, c: Change, order_id: int, limits: DetectorSettings) -> bool:
    levels = [px for px, _ in (v.bids if c.side > 0 else v.asks)]
    better = sum(1 for px in levels if (px - c.px) * c.side > 0)
    least = 0 if order_id else 1
    return (
        v.good
        and bool(levels)
        and (levels[0] - c.px) * c.side >= 0
        and least <= better <= limits.spoof_max_distance
    )


def pressure(row: Row, c: Candidate, until: int) -> float:
    printed = [d for d in row.deals if d.at > c.view.at and d.t <= until]
    mine = [d for d in printed if d.side == c.change.side]
    if c.broker:
        mine = [d for d in mine if d.passive == c.broker]
    return over(sum(d.q for d in mine), sum(d.q for d in printed))


def spoofs(row: Row) -> list[Candidate]:
    """Candidates of a spoofer's size that were withdrawn."""
    return [c for c in withdrawn_candidates(row) if c.size >= row.limits.spoof_factor * c.usual]


def spoof_share(row: Row, c: Candidate) -> float:
    """How far a candidate's size goes towards that at which its score no longer grows."""
    return min(1.0, c.size / (row.limits.spoof_full_factor * c.usual))


def told_at(row: Row, c: Candidate) -> int:
    return c.ended + row.limits.spoof_after_ns + 1


@define("spoof_score", book=True)
def _(row: Row) -> float:
    found: Found = []
    for c in spoofs(row):
        share = c.withdrawn / c.size * pressure(row, c, told_at(row, c) - 1)
        found.append((told_at(row, c), c.change.side, spoof_share(row, c) * share))
    last = held(found, row.t, row.limits.spoof_hold_ns)
    return last[1] * last[2] if last else 0


@define("layering_score", book=True)
def _(row: Row) -> float:
    limits = row.limits
    within = limits.layer_within_ns
    found: Found = []
    done = [c for c in withdrawn_candidates(row) if c.size >= limits.layer_factor * c.usual]
    voids = [v.at for v in in_session(row) if v.voided]
    for k, c in enumerate(done):
        alike = [
            x
            for x in done[: k + 1]
            if (x.change.side, x.broker) == (c.change.side, c.broker)
            and c.ended - x.ended <= within
            and bisect_right(voids, x.view.at) == bisect_right(voids, c.view.at)
        ]
        # Within that time of each other, not only of the last one: a set for each addition that may be its first.
        sets = [
            [x for x in alike if 0 <= x.view.t - first.view.t <= within]
            for first in sorted(alike, key=lambda x: x.view.t)
            if 0 <= c.view.t - first.view.t <= within
        ]
        group = max(sets, key=lambda g: len({x.change.px for x in g}))
        rows = {x.change.px for x in group}
        if len(rows) < limits.layer_min_rows:
            continue
        first = min(group, key=lambda x: (x.view.t, done.index(x)))
        share = over(sum(x.withdrawn for x in group), sum(x.size for x in group))
        score = (
            min(1.0, len(rows) / limits.layer_full_rows) * share * pressure(row, first, told_at(row, c) - 1)
        )
        found.append((told_at(row, c), c.change.side, score))
    last = held(found, row.t, limits.spoof_hold_ns)
    return last[1] * last[2] if last else 0


# -- seconds --------------------------------------------------------------------------------------------


@dataclass
class Grid:
    """Seconds (g - 1 s, g] of the session that have passed; what came before the first counts in it."""

    points: np.ndarray
    row: Row

    def sums(self, times: list[int], values: list[int]) -> np.ndarray:
        out = np.zeros(len(self.points), np.int64)
        where = np.searchsorted(self.points, np.array(times, np.int64))
        inside = where < len(self.points)
        np.add.at(out, where[inside], np.array(values, np.int64)[inside])
        return out

    def mid(self, k: int) -> float | None:
        views = [v for v in self.row.known if v.t <= self.points[k]]
        return views[-1].mid if views and views[-1].good else None


def grid(row: Row) -> Grid | None:
    passed = points(row, SECOND, row.t - 1)
    return Grid(np.array(passed, np.int64), row) if len(passed) else None


def trailing(x: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums of x and x² over the n values before each, 0 where there are not so many."""
    one = np.concatenate(([0], np.cumsum(x)))
    two = np.concatenate(([0], np.cumsum(x * x)))
    k = np.arange(len(x))
    there = k >= n
    back = np.maximum(k - n, 0)
    return np.where(there, one[k] - one[back], 0), np.where(there, two[k] - two[back], 0)


@dataclass
class Absorbed:
    """One second of the grid at which one side absorbs the other."""

    t: int
    side: int
    delta: int
    usual: float
    move: float


def absorbed(row: Row) -> list[Absorbed | None]:
    """What each second of the grid from the second whole window on says, None where nothing is absorbed."""
    limits = row.limits
    seconds = grid(row)
    if seconds is None:
        return []
    n = limits.absorption_window_s
    net = seconds.sums([d.t for d in row.deals], [d.side * d.q for d in row.deals])
    total = np.concatenate(([0], np.cumsum(net)))
    k = np.arange(1, len(net) + 1)
    delta = total[k] - total[np.maximum(k - n, 0)]
    whole = [i for i, g in enumerate(seconds.points) if g - row.began >= n * SECOND]
    out: list[Absorbed | None] = []
    usual = float(abs(delta[whole[0]])) if whole else 0.0
    step = 1 - math.exp(-1 / limits.absorption_tau_s)
    for i in whole[1:]:
        d = int(delta[i])
        out.append(None)
        if d and abs(d) >= limits.absorption_factor * usual:
            now, before = seconds.mid(i), seconds.mid(i - n)
            sign = 1 if d > 0 else -1
            if None not in (now, before) and (now - before) * sign <= limits.absorption_max_move:
                out[-1] = Absorbed(int(seconds.points[i]), -sign, d, usual, now - before)
        usual += (abs(d) - usual) * step
    return out


@define("fp_absorption_live", window=10 * SECOND, touch=True)
def _(row: Row) -> float:
    found = absorbed(row)
    return found[-1].side if found and found[-1] else 0


@define("momentum_ignition", window=5 * MINUTE, touch=True)
def _(row: Row) -> float:
    seconds = grid(row)
    if seconds is None:
        return 0
    times = [d.t for d in row.deals]
    volume = seconds.sums(times, [d.q for d in row.deals])
    count = seconds.sums(times, [1 for _ in times])
    net = seconds.sums(times, [d.side * d.q for d in row.deals])
    limits, n = row.limits, row.limits.ignition_history_s
    burst = np.arange(len(volume)) >= n
    for x in (volume, count):
        one, two = trailing(x, n)
        burst &= n * x - one > limits.ignition_deviations * np.sqrt((n * two - one * one).astype(float))
    onsets = []
    for k in np.flatnonzero(burst & (net != 0)):
        before, now = seconds.mid(k - 1), seconds.mid(k)
        sign = 1 if net[k] > 0 else -1
        if before is not None and now is not None and (now - before) * sign >= limits.ignition_min_move:
            onsets.append((int(seconds.points[k]), sign, now, (now - before) * sign))
    found: Found = []
    for j, (g, sign, now, move) in enumerate(onsets):
        replaced = onsets[j + 1][0] if j + 1 < len(onsets) else None
        for v in row.known:
            if v.t <= g or (replaced is not None and v.t > replaced):
                continue
            if v.t - g > limits.ignition_confirm_ns and v.good and v.mid is not None:
                break
            if v.good and v.mid is not None and (now - v.mid) * sign >= move * limits.ignition_give_back:
                found.append((v.t, -sign, 0))
                break
    last = held(found, row.t, limits.ignition_hold_ns)
    return last[1] if last else 0


@define("quote_stuffing", window=5 * MINUTE, book=True)
def _(row: Row) -> float:
    seconds = grid(row)
    limits, n = row.limits, row.limits.stuffing_history_s
    if seconds is None or len(seconds.points) <= n:
        return 0
    views = in_session(row)
    changes = [(v, c) for v in views for c in v.changes]
    updates = seconds.sums([v.t for v, _ in changes], [1 for _ in changes])
    trades = seconds.sums([d.t for d in row.deals], [1 for _ in row.deals])
    undone_at = []
    for rows in by_row(views, [v.at for v in views if v.voided]):
        added: tuple[int, int] | None = None
        for v, c in rows:
            change = c.after - c.before
            if change > 0:
                added = (v.t, change)
            elif added and added[1] == -change and v.t - added[0] <= limits.stuffing_undone_ns:
                undone_at.append(v.t)
                added = None
    undone = seconds.sums(undone_at, [2 for _ in undone_at])
    one, two = trailing(updates, n)
    r = int(updates[-1])
    above = n * r - int(one[-1])
    sd = math.sqrt(n * int(two[-1]) - int(one[-1]) ** 2)
    if above <= 0 or above < limits.stuffing_deviations * sd or trades[-1] >= limits.stuffing_max_trades * r:
        return 0
    return min(1.0, int(undone[-1]) / r)
