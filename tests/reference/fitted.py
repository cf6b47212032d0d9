"""Money impact, VPIN and fitted inputs as defined, over the facts known at one row."""

from __future__ import annotations

import itertools
import math
import statistics
from fractions import Fraction

from reference.recording import MINUTE, Candle, Deal
from reference.rules import NAN, POINTS_PER_TICK, Row, define

TICK_VALUE = POINTS_PER_TICK * 10.0


def log_ratio(a: float, b: float) -> float:
    return math.log(a / b) if a > 0 and b > 0 else NAN


@define("amihud_30m")
def _(row: Row) -> float:
    bars = row.candles[-31:]
    if len(bars) < 31:
        return NAN
    ratios = [
        abs(log_ratio(b.close, a.close)) / (b.close * TICK_VALUE * b.volume / 10**6) if b.close else NAN
        for a, b in itertools.pairwise(bars)
        if b.volume
    ]
    return math.fsum(ratios) / len(ratios) if ratios else NAN


def deals_of_bars(row: Row) -> list[list[Deal]]:
    """The prints of each closed bar: those of its session since the bar before."""
    out, since = [], 0
    for bar in row.candles:
        session = next(p for p in row.recording.periods if p is bar.session)
        first = max(since, session.first)
        out.append([d for d in row.recording.deals if first <= d.at < bar.row[1]])
        since = bar.row[1]
    return out


@define("hasbrouck_lambda_30m")
def _(row: Row) -> float:
    bars = row.candles
    if len(bars) < 31 or any(b.net is None for b in bars[-30:]):
        return NAN
    root = [
        math.fsum(d.side * math.sqrt(d.px * d.q * TICK_VALUE) if d.px >= 0 else NAN for d in deals)
        for deals in deals_of_bars(row)[-30:]
    ]
    returns = [log_ratio(b.close, a.close) for a, b in itertools.pairwise(bars[-31:])]
    if any(map(math.isnan, root + returns)):
        return NAN
    if len(set(root)) == 1:
        return NAN
    return statistics.linear_regression(root, returns).slope


@define("corwin_schultz_30m")
def _(row: Row) -> float:
    if row.start is None:
        return NAN
    joined: list[tuple[int, list[Candle]]] = []
    for bar in (b for b in row.candles if b.session is row.period):
        span = (bar.start - row.start) // (5 * MINUTE)
        # A bar goes on with the one before it if both start in one span and that one ended inside it.
        if (
            joined
            and joined[-1][0] == span
            and joined[-1][1][-1].row[0] < row.start + (span + 1) * 5 * MINUTE
        ):
            joined[-1][1].append(bar)
        else:
            joined.append((span, [bar]))
    ended = [bars for span, bars in joined if bars[-1].row[0] >= row.start + (span + 1) * 5 * MINUTE]
    # One that a later bar left behind has ended as well.
    closed = [bars for k, (_, bars) in enumerate(joined) if bars in ended or k < len(joined) - 1]
    ranges = [(max(b.high for b in bars), min(b.low for b in bars)) for bars in closed[-6:]]
    if len(ranges) < 6:
        return NAN
    k = 3 - 2 * math.sqrt(2)
    estimates = []
    for (h1, l1), (h2, l2) in itertools.pairwise(ranges):
        beta = log_ratio(h1, l1) ** 2 + log_ratio(h2, l2) ** 2
        gamma = log_ratio(max(h1, h2), min(l1, l2)) ** 2
        alpha = (math.sqrt(2 * beta) - math.sqrt(beta)) / k - math.sqrt(gamma / k) if beta >= 0 else NAN
        estimates.append(max(alpha, 0.0) and 2 * (math.exp(alpha) - 1) / (1 + math.exp(alpha)))
    return sum(estimates) / 5


def usable_size(row: Row, first: int) -> int | None:
    """The given size, for a session that begins with event ``first`` at or after the end of the fitted data."""
    since = row.fitted.vpin_from_ns
    start = row.recording.times[first] if first >= 0 else None
    return row.fitted.vpin_bucket if since is None or (start is not None and start >= since) else None


def buckets(row: Row, flows: list[tuple[int, int, float]]) -> float:
    """Mean imbalance of the last fifty buckets; ``flows`` are (event, contracts, bought less sold of each)."""
    rolls = [r for r in row.recording.rolls if r < row.seen]
    floor = rolls[-1] if rolls else -1
    starts = [p.first for p in row.recording.periods if floor <= p.first < row.seen]
    given = row.fitted is not None and row.fitted.vpin_bucket is not None
    volumes: list[int] = []
    closed: list[Fraction] = []
    # What came after a roll and before the first session of the contract counts towards nothing but volume.
    for k, first in enumerate([floor, *starts]):
        last = starts[k] if k < len(starts) else row.seen
        units = [(q, Fraction(x)) for at, q, x in flows if first <= at < last and at > floor]
        measured = max(1, sum(volumes[-5:]) // 250) if len(volumes) >= 5 else None
        bucket = usable_size(row, first) if given else measured
        if k and bucket:
            room, net = bucket, Fraction(0)
            for q, x in units:
                if x.denominator == 0:
                    continue
                while q:
                    part = min(q, room)
                    q, room, net = q - part, room - part, net + part * x
                    if room == 0:
                        closed.append(abs(net) / bucket)
                        room, net = bucket, Fraction(0)
        total = sum(q for q, _ in units)
        if total:
            volumes.append(total)
    return float(sum(closed[-50:]) / 50) if len(closed) >= 50 else NAN


@define("vpin_50")
def _(row: Row) -> float:
    return buckets(row, [(d.at, d.q, d.side) for d in row.recording.deals if d.at < row.seen])


@define("vpin_bvc_50")
def _(row: Row) -> float:
    return buckets_of_bars(row)


def buckets_of_bars(row: Row) -> float:
    rolls = [r for r in row.recording.rolls if r < row.seen]
    floor = rolls[-1] if rolls else -1
    starts = [p.first for p in row.recording.periods if floor <= p.first < row.seen]
    given = row.fitted is not None and row.fitted.vpin_bucket is not None
    volumes: list[int] = []
    closed: list[float] = []
    session, bucket, room, net, volume = -1, None, 0, 0.0, 0
    bars = row.candles
    for k, bar in enumerate(bars):
        # A bar belongs to the session that was running when it closed.
        mine = sum(1 for s in starts if s < bar.row[1]) - 1
        while session < mine:
            session += 1
            if volume:
                volumes.append(volume)
            volume = 0
            measured = max(1, sum(volumes[-5:]) // 250) if len(volumes) >= 5 else None
            bucket = usable_size(row, starts[session]) if given else measured
            room, net = bucket or 0, 0.0
        volume += bar.volume
        if k < 60 or not bucket:
            continue
        changes = [b.close - a.close for a, b in itertools.pairwise(bars[k - 60 : k + 1])]
        deviation = statistics.pstdev(changes)
        bought = statistics.NormalDist().cdf(changes[-1] / deviation) if deviation else 0.5
        left = bar.volume
        while left:
            part = min(left, room)
            left, room, net = left - part, room - part, net + part * (2 * bought - 1)
            if room == 0:
                closed.append(abs(net) / bucket)
                room, net = bucket, 0.0
    return sum(closed[-50:]) / 50 if len(closed) >= 50 else NAN


@define("pin_60")
def _(row: Row) -> float:
    usable = [p for since, p in (row.fitted.pin if row.fitted else ()) if since <= row.t]
    return usable[-1] if usable else NAN


@define("microprice_dev", sizes=True)
def _(row: Row) -> float:
    table = row.fitted.microprice if row.fitted else None
    if table is None or row.view.mid is None or row.start < table[0]:
        return NAN
    (bp, bq), (ap, aq) = row.view.bids[0], row.view.asks[0]
    if ap - bp > 3:
        return NAN
    share = Fraction(bq, bq + aq)
    # The mirrored book has the mirrored share: exactly one half belongs to both neighbours.
    tenths = {min(9, math.floor(10 * share)), 9 - min(9, math.floor(10 * (1 - share)))}
    if share != Fraction(1, 2):
        tenths = {math.floor(10 * share)} if share > Fraction(1, 2) else {9 - math.floor(10 * (1 - share))}
    return sum(table[1][10 * (ap - bp - 1) + k] for k in tenths) / len(tenths)
