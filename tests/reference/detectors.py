"""The detectors and what holds them, as ``docs/concepts/detectors.md`` defines them, over lists of facts.

``found`` gives every detection up to a row as (ts, kind, side, value); what a feature holds is looked up in it.
Thresholds are the defaults. Tables are as long as they need to be.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

import numpy as np

from quantumtrader.types import Flag, Kind
from reference.recording import Change, Deal, Recording, View
from reference.rules import NAN, SECOND, Row, define, over, points

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


def ended_parents(row: Row) -> list[Parent]:
    out: list[Parent] = []
    for d in row.deals:
        last = out[-1] if out and out[-1].ended is None else None
        if last is not None:
            brokers = {x.broker for x in (*last.deals, d)} - {0}
            if d.side == last.deals[0].side and len(brokers) < 2 and d.t - last.deals[-1].t <= MILLI:
                last.deals.append(d)
                continue
            last.ended = min(d.t, last.deals[-1].t + MILLI + 1)
        if d.side:
            out.append(Parent([d]))
    if out and out[-1].ended is None and row.t - out[-1].deals[-1].t > MILLI:
        out[-1].ended = out[-1].deals[-1].t + MILLI + 1
    return [p for p in out if p.ended is not None]


def sweeps(row: Row) -> list[Parent]:
    return [p for p in ended_parents(row) if p.rows >= 3 and p.forward]


@define("sweep_detected")
def _(row: Row) -> float:
    if not row.deals:
        return NAN
    last = held([(p.ended, p.deals[0].side, 0) for p in sweeps(row)], row.t, 5 * SECOND)
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


@define("sweep_run_detected")
def _(row: Row) -> float:
    if not row.deals:
        return NAN
    run: list[Deal] = []
    for d in reversed(row.deals):
        if d.side == 0 or d.side != row.deals[-1].side:
            break
        run.insert(0, d)
    k = len(run)
    if k < 5:
        return 0
    span = run[-1].t - run[0].t
    mean = sum(range(k)), sum(d.q for d in run)
    slope = sum((k * i - mean[0]) * (k * d.q - mean[1]) for i, d in enumerate(run))
    return run[0].side if slope > 0 and (k - 1) * SECOND > 5 * span else 0


# -- icebergs -------------------------------------------------------------------------------------------


def equal_prints(deals: list[Deal], last: Deal) -> list[Deal]:
    return [
        d
        for d in deals
        if d.at <= last.at and d.t > last.t - 30 * SECOND and (d.px, d.side) == (last.px, last.side)
    ]


def looks_even(sizes: list[int]) -> bool:
    n, total = len(sizes), sum(sizes)
    variance = n * sum(q * q for q in sizes) - total * total
    return n >= 5 and total <= 20 * n and 25 * variance <= total * total


@define("iceberg_tape_signal")
def _(row: Row) -> float:
    if not row.deals:
        return NAN
    signed = [d for d in row.deals if d.side]
    last = signed[-1] if signed else None
    equal = [d for d in row.inside(30 * SECOND) if last and (d.px, d.side) == (last.px, last.side)]
    return -last.side if last and looks_even([d.q for d in equal]) else 0


def by_tape(row: Row) -> Found:
    out: list[tuple[Deal, int]] = []
    signed = [d for d in row.deals if d.side]
    for d in signed:
        told = any((x.px, x.side) == (d.px, d.side) and d.t - x.t < 30 * SECOND for x, _ in out)
        if not told and looks_even([x.q for x in equal_prints(signed, d)]):
            out.append((d, -d.side))
    return [(d.t, side, 0) for d, side in out]


def in_session(row: Row) -> list[View]:
    return [v for v in row.known if v.at >= row.first]


def by_refills(row: Row) -> Found:
    """Row by row: trades and changes of the row, and whether the touch is at it."""
    recording = row.recording
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
            if followed and not here and f.t - away > 5 * SECOND:
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
                while start and trades[start][0] - trades[start - 1][0] <= 300 * MILLI:
                    start -= 1
                shown = trades[start][1]
                in_time = f.t - trades[-1][0] <= 300 * MILLI
                if in_time and c.before < shown and 5 * abs(c.after - shown) <= shown:
                    refills, hidden, trades = refills + 1, hidden + c.after - c.before, []
                    if refills >= 3:
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
    orders: list[tuple[int, int, int]] = field(default_factory=list)
    """(fit, id, hidden before): 2 it did not shrink, 1 it shrank, 0 it was deleted."""


def by_orders(row: Row) -> Found:
    """Trades against what the order records after them explain."""
    recording = row.recording
    out: Found = []
    kind = next((e["kind"] for e in recording.events if e["kind"] in (Kind.LEVEL, Kind.ORDER)), 0)
    if kind != Kind.ORDER:
        return out
    hits: dict[tuple[int, int], Hit] = {}
    hidden: dict[int, int] = {}
    peaks: dict[int, int] = {}
    gone: list[tuple[int, tuple[int, int, int, int], int]] = []
    deals = {d.at: d for d in row.deals}
    views = {v.at: v for v in recording.views}
    started = False

    def judge(ts: int, place: tuple[int, int]) -> None:
        hit = hits.pop(place)
        if hit.left <= 0 or not hit.orders:
            return
        fit, ident, before = max(reversed(hit.orders), key=lambda o: o[0])
        if fit and ident:
            if ident not in peaks:
                return
            before = hidden.get(ident, 0)
            hidden[ident] = before + hit.left
        out.append((ts, place[0], before + hit.left))

    for i in range(row.seen):
        e, t = recording.events[i], recording.times[i]
        for place in sorted((p for p, h in hits.items() if h.at + 5 * MILLI < t), key=lambda p: hits[p].at):
            judge(hits[place].at + 5 * MILLI + 1, place)
        if i == row.first:
            hits, hidden, peaks, gone, started = {}, {}, {}, [], True
        if i in deals and deals[i].side and not e["flags"] & Flag.HIDDEN and kind_seen(recording, i):
            d = deals[i]
            hit = hits.setdefault((-d.side, d.px), Hit(t, False, 0))
            hit.at, hit.packet, hit.left = t, bool(e["flags"] & Flag.MORE), hit.left + d.q
        for step in recording.steps(i) if started else ():
            # An order that shows nothing is none.
            old, new = (lot if lot and lot.size else None for lot in step)
            if new and not old:
                gone = [g for g in gone if t - g[0] <= 5 * MILLI]
                me = (new.broker, new.side, new.px, new.size)
                match = next((g for g in gone if g[1] == me), None)
                if match:
                    gone.remove(match)
                    if new.id:
                        hidden[new.id], peaks[new.id] = match[2] + new.size, new.size
                    out.append((t, new.side, match[2] + new.size))
            elif old:
                now = new.size if new else 0
                hit = hits.get((old.side, old.px))
                stays = new is None or new.px == old.px
                if hit and stays:
                    executed = min(max(0, old.size - now), hit.left)
                    hit.left -= executed
                    peak, before = peaks.get(old.id, old.size), hidden.get(old.id, 0)
                    if now:
                        if old.id:
                            peaks[old.id] = peak
                        hit.orders.append((1 if now < old.size else 2, old.id, before))
                    else:
                        if hit.packet:
                            hit.orders.append((0, old.id, before))
                        if executed == old.size and old.broker:
                            gone.append((hit.at, (old.broker, old.side, old.px, peak), before))
                if not now:
                    peaks.pop(old.id, None)
                    hidden.pop(old.id, None)
        if i in views and e["kind"] != Kind.SESSION:
            if views[i].voided:
                hits, hidden, peaks, gone = {}, {}, {}, []
            for place in [p for p, h in hits.items() if h.packet]:
                judge(t, place)
    for place in sorted((p for p, h in hits.items() if h.at + 5 * MILLI < row.t), key=lambda p: hits[p].at):
        judge(hits[place].at + 5 * MILLI + 1, place)
    return out


def kind_seen(recording: Recording, i: int) -> bool:
    return any(e["kind"] == Kind.ORDER for e in recording.events[:i])


def latest_iceberg(row: Row) -> tuple[int, int, float] | None:
    for rule in (by_orders, by_refills, by_tape):
        found = held(rule(row), row.t, MINUTE)
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


def usual_sizes(changes: list[tuple[View, Change]]) -> list[float | None]:
    """The usual size of a row at each of its changes, None at the first sight of it."""
    out: list[float | None] = []
    x, at = 0.0, 0
    for k, (v, c) in enumerate(changes):
        if k == 0:
            x = float(c.before or c.after)
            out.append(x if c.before else None)
        else:
            if c.before:
                x += (c.before - x) * (1.0 - math.exp(-(v.t - at) / (300 * SECOND)))
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


def settle(one: Contracts, others: list[Contracts]) -> list[tuple[Contracts, int]]:
    """Explain one by the others: within 50 ms, of one broker where known, first come first served, each once."""
    used = []
    for other in others:
        if one.t - other.t <= 50 * MILLI and (other.broker == one.broker or 0 in (other.broker, one.broker)):
            n = min(one.left, other.left)
            one.left, other.left = one.left - n, other.left - n
            used.append((other, n))
    return used


def judge(c: Candidate, t: int) -> None:
    # The threshold as the engines have it: a float product.
    enough = c.withdrawn >= 0.9 * c.size
    c.ended = (t if c.ended is None else c.ended) if enough else None


def due(c: Candidate) -> int:
    return c.view.t + 2 * SECOND if c.ended is None else c.ended + 500 * MILLI


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
        facts += [(v.at, 1, (v, c, u)) for (v, c), u in zip(rows, usual_sizes(rows), strict=True)]
        done += [c for c in of_row(facts, void_t) if c.ended is not None]
    return sorted(done, key=lambda c: (due(c), c.view.at, c.change.at))


def of_row(facts: list, until: int) -> list[Candidate]:
    """The candidates of one row whose time was over before ``until``."""
    done: list[Candidate] = []
    active: list[Candidate] = []
    prints: list[Contracts] = []
    decreases: list[Contracts] = []
    for _, _, fact in sorted(facts, key=lambda f: f[:2]):
        t = fact.t if isinstance(fact, Deal) else fact[0].t
        done += [c for c in active if due(c) < t]
        active = [c for c in active if due(c) >= t]
        if isinstance(fact, Deal):
            traded = Contracts(t, fact.at, fact.passive, fact.q)
            if not active:
                continue
            for decrease, n in settle(traded, decreases):
                if n and any(c is decrease.owner for c in active):
                    decrease.owner.withdrawn -= n
                    judge(decrease.owner, t)
            prints.append(traded)
            continue
        view, change, usual = fact
        order_id, broker = change.order_id, change.broker
        q = change.after - change.before
        mine = next((c for c in active if c.order_id in (0, order_id)), None)
        live = mine if mine is not None and t - mine.view.t <= 2 * SECOND else None
        if q < 0 and active:
            gone = Contracts(t, view.at, broker, -q)
            # A print before a candidate was added did not meet it.
            settle(gone, [p for p in prints if live is None or p.at > live.view.at])
            gone.owner = live
            if live is not None:
                live.withdrawn += min(gone.left, live.size - live.withdrawn)
            decreases.append(gone)
        elif live is not None and q > 0:
            live.withdrawn = max(0, live.withdrawn - q)
        if live is not None:
            over = (
                sum(d.left for d in decreases if d.owner is live and t - d.t <= 50 * MILLI) - live.withdrawn
            )
            for d in reversed([d for d in decreases if d.owner is live]):
                n = min(max(0, over), d.left)
                d.left, over = d.left - n, over - n
            judge(live, t)
        if mine is None and usual is not None and q >= 2 * usual and near(view, change, order_id):
            active.append(Candidate(change, view, order_id, broker, usual))
    return [c for c in done + active if due(c) < until]


def by_row(views: list[View], voids: list[int]) -> list[list[tuple[View, Change]]]:
    """Changes of each row between two voids."""
    out: dict[tuple[int, int, int], list[tuple[View, Change]]] = {}
    for v in views:
        for c in v.changes:
            out.setdefault((bisect_right(voids, v.at), c.side, c.px), []).append((v, c))
    return list(out.values())


def near(v: View, c: Change, order_id: int) -> bool:
    levels = [px for px, _ in (v.bids if c.side > 0 else v.asks)]
    better = sum(1 for px in levels if (px - c.px) * c.side > 0)
    return (
        v.good and bool(levels) and (levels[0] - c.px) * c.side >= 0 and (0 if order_id else 1) <= better <= 5
    )


def pressure(row: Row, c: Candidate, until: int) -> float:
    printed = [d for d in row.deals if d.at > c.view.at and d.t <= until]
    mine = [d for d in printed if d.side == c.change.side]
    if c.broker:
        mine = [d for d in mine if d.passive == c.broker]
    return over(sum(d.q for d in mine), sum(d.q for d in printed))


@define("spoof_score", book=True)
def _(row: Row) -> float:
    found: Found = []
    for c in withdrawn_candidates(row):
        if c.size >= 5 * c.usual:
            end = c.ended + 500 * MILLI
            a, share = min(1.0, c.size / (10 * c.usual)), c.withdrawn / c.size
            found.append((end + 1, c.change.side, a * share * pressure(row, c, end)))
    last = held(found, row.t, 10 * SECOND)
    return last[1] * last[2] if last else 0


@define("layering_score", book=True)
def _(row: Row) -> float:
    found: Found = []
    done = withdrawn_candidates(row)
    voids = [v.at for v in in_session(row) if v.voided]
    for k, c in enumerate(done):
        alike = [
            x
            for x in done[: k + 1]
            if (x.change.side, x.broker) == (c.change.side, c.broker)
            and c.ended - x.ended <= SECOND
            and bisect_right(voids, x.view.at) == bisect_right(voids, c.view.at)
        ]
        # Within a second of each other, not only of the last one: a set for each addition that may be its first.
        sets = [
            [x for x in alike if 0 <= x.view.t - first.view.t <= SECOND]
            for first in sorted(alike, key=lambda x: x.view.t)
            if 0 <= c.view.t - first.view.t <= SECOND
        ]
        group = max(sets, key=lambda g: len({x.change.px for x in g}))
        rows = {x.change.px for x in group}
        if len(rows) < 3:
            continue
        first = min(group, key=lambda x: (x.view.t, done.index(x)))
        share = over(sum(x.withdrawn for x in group), sum(x.size for x in group))
        end = c.ended + 500 * MILLI
        score = min(1.0, len(rows) / 5) * share * pressure(row, first, end)
        found.append((end + 1, c.change.side, score))
    last = held(found, row.t, 10 * SECOND)
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


@define("fp_absorption_live", window=10 * SECOND, touch=True)
def _(row: Row) -> float:
    seconds = grid(row)
    if seconds is None:
        return 0
    net = seconds.sums([d.t for d in row.deals], [d.side * d.q for d in row.deals])
    total = np.concatenate(([0], np.cumsum(net)))
    k = np.arange(1, len(net) + 1)
    delta = total[k] - total[np.maximum(k - 10, 0)]
    whole = [i for i, g in enumerate(seconds.points) if g - row.began >= 10 * SECOND]
    if len(whole) < 2:
        return 0
    usual = float(abs(delta[whole[0]]))
    for i in whole[1:-1]:
        usual += (abs(int(delta[i])) - usual) * (1 - math.exp(-1 / 900))
    d, last = int(delta[whole[-1]]), whole[-1]
    now, before = seconds.mid(last), seconds.mid(last - 10)
    if now is None or before is None or d == 0 or abs(d) < 3 * usual:
        return 0
    sign = 1 if d > 0 else -1
    return -sign if (now - before) * sign <= 1 else 0


@define("momentum_ignition", window=5 * MINUTE, touch=True)
def _(row: Row) -> float:
    seconds = grid(row)
    if seconds is None:
        return 0
    times = [d.t for d in row.deals]
    volume = seconds.sums(times, [d.q for d in row.deals])
    count = seconds.sums(times, [1 for _ in times])
    net = seconds.sums(times, [d.side * d.q for d in row.deals])
    burst = np.arange(len(volume)) >= 300
    for x in (volume, count):
        one, two = trailing(x, 300)
        burst &= 300 * x - one > 4 * np.sqrt((300 * two - one * one).astype(float))
    onsets = []
    for k in np.flatnonzero(burst & (net != 0)):
        before, now = seconds.mid(k - 1), seconds.mid(k)
        sign = 1 if net[k] > 0 else -1
        if before is not None and now is not None and (now - before) * sign >= 3:
            onsets.append((int(seconds.points[k]), sign, now, (now - before) * sign))
    found: Found = []
    for j, (g, sign, now, move) in enumerate(onsets):
        replaced = onsets[j + 1][0] if j + 1 < len(onsets) else None
        for v in row.known:
            if v.t <= g or (replaced is not None and v.t > replaced):
                continue
            if v.t - g > 10 * SECOND and v.good and v.mid is not None:
                break
            if v.good and v.mid is not None and (now - v.mid) * sign >= move / 2:
                found.append((v.t, -sign, 0))
                break
    last = held(found, row.t, 30 * SECOND)
    return last[1] if last else 0


@define("quote_stuffing", window=5 * MINUTE, book=True)
def _(row: Row) -> float:
    seconds = grid(row)
    if seconds is None or len(seconds.points) <= 300:
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
            elif added and added[1] == -change and v.t - added[0] <= 100 * MILLI:
                undone_at.append(v.t)
                added = None
    undone = seconds.sums(undone_at, [2 for _ in undone_at])
    one, two = trailing(updates, 300)
    r = int(updates[-1])
    above = 300 * r - int(one[-1])
    sd = math.sqrt(300 * int(two[-1]) - int(one[-1]) ** 2)
    if above <= 0 or above < 5 * sd or trades[-1] >= 0.01 * r:
        return 0
    return min(1.0, int(undone[-1]) / r)
