"""Probability of informed trading: EKOP maximum likelihood on rolling blocks of five minutes.

Each block is one of three kinds: no news (probability 1 - α), bad news (αδ), good news (α(1 - δ)). Bought and sold
trades are Poisson with rates ε_b and ε_s; informed traders add μ to the sells of a bad block and to the buys of a good
one (Easley, Kiefer, O'Hara and Paperman, 1996, with two uninformed rates). PIN = αμ/(αμ + ε_b + ε_s). The likelihood is
factorised as in Lin and Ke (2011), so that it overflows at no count.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import product
from math import lgamma
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from quantumtrader._protocols import Float64, Int64
from quantumtrader._records import prints
from quantumtrader.exceptions import ConfigError, EmptyDataError, MissingExtraError
from quantumtrader.features.fit.segments import MARKET, Range, Segment, Segments
from quantumtrader.types import Events, Kind

__all__ = [
    "BLOCKS",
    "BLOCK_NS",
    "Block",
    "BlockCounter",
    "Ekop",
    "Windows",
    "fit",
    "log_likelihood",
    "require_scipy",
    "series",
]

BLOCKS = 60
"""Blocks in the window of ``pin_60``."""
BLOCK_NS = 300 * 10**9
START_GRID = (0.1, 0.5, 0.9)
"""Starting values of α, of δ and of the informed share of all trades: 27 starts."""

_REFINED = 3
"""Best ends of the 27 climbs that are climbed on to the full precision."""
_LOGIT, _LEAST_RATE = 15.0, 1e-9


class Block(NamedTuple):
    """Five minutes of continuous trading.

    Parameters
    ----------
    end_ns : int
        End, ns UTC: what it holds is known from here on.
    bought, sold : int
        Trades by aggressor; those without one count in neither.
    contract : int
        Rolls before it.
    """

    end_ns: int
    bought: int
    sold: int
    contract: int


class BlockCounter:
    """Counts bought and sold trades in blocks from the session start, in a stream that comes in parts.

    Left out are: the block in which a recording begins later than its session, one that the stream does not reach the
    end of, one with a gap, and one with an auction or a halt in it. A block ends with the first market event or timer
    tick at or after its end, the last one of a session also with the closing marker.
    """

    def __init__(self) -> None:
        self.range = Range()
        self.sessions: set[int] = set()
        self._segments = Segments()
        self._counts: dict[int, list[int]] = {}
        self._void: set[int] = set()
        self._anchor = self._session = 0
        self._next: int | None = None
        """The first block that is not handed over yet; None before the first market event of the session."""
        self._reached = 0
        """The block of the last market event."""
        self._halted: int | None = None
        """When an auction or a halt began, while it lasts."""

    def add(self, events: Events) -> list[Block]:
        """Return the blocks that the next part of the stream completes, in order."""
        self.range.add(events)
        now, segments = self._segments.cut(events)
        counts, side = prints(events)
        heard = np.isin(events["kind"], (*MARKET, Kind.TIMER))
        gap = events["kind"] == Kind.GAP
        out: list[Block] = []
        for segment in segments:
            here = slice(segment.first, segment.last)
            out += self._boundary(segment, int(now[segment.first]))
            block = (now[here] - self._anchor) // BLOCK_NS
            if not segment.continuous:
                continue
            self._void |= set(np.unique(block[gap[here]]).tolist())
            out += self._take(block, heard[here], (counts[here], side[here]), segment.contract)
        return out

    def _boundary(self, segment: Segment, t: int) -> list[Block]:
        """Handle the marker that a segment begins with."""
        out: list[Block] = []
        if segment.closes and self._next is not None:
            # The close ends the last block. Where a recording stops long before it, nothing says what was to come.
            last = (t - self._anchor) // BLOCK_NS
            if self._reached == last - 1:
                out = self._complete(last, segment.contract)
        if segment.begins or segment.closes:
            self._counts, self._void, self._next = {}, set(), None
            self._anchor, self._session = segment.start_ns, segment.session
            self._halted = None
        if not segment.continuous:
            self._halted = t if self._halted is None else self._halted
        elif self._halted is not None:
            # Nothing traded in between, and that says nothing about who wanted to.
            ends = ((at - self._anchor) // BLOCK_NS for at in (self._halted, t - 1))
            self._void |= set(range(next(ends), next(ends) + 1))
            self._halted = None
        return out

    def _take(
        self,
        block: Int64,
        heard: npt.NDArray[np.bool_],
        signed: tuple[npt.NDArray[np.bool_], npt.NDArray[np.int8]],
        contract: int,
    ) -> list[Block]:
        if not heard.any():
            return []
        if self._next is None:
            first = int(block[heard][0])
            self._next = 0 if first == 0 else first + 1
        counts, side = signed
        for k, column in ((1, 0), (-1, 1)):
            numbers, times = np.unique(block[counts & (side == k)], return_counts=True)
            for number, count in zip(numbers.tolist(), times.tolist(), strict=True):
                self._counts.setdefault(number, [0, 0])[column] += count
        self._reached = int(block[heard][-1])
        return self._complete(self._reached, contract)

    def _complete(self, until: int, contract: int) -> list[Block]:
        """Hand over the blocks before ``until``."""
        assert self._next is not None
        out = []
        for k in range(self._next, until):
            bought, sold = self._counts.pop(k, (0, 0))
            if k not in self._void:
                self.sessions.add(self._session)
                out.append(Block(self._end(k), bought, sold, contract))
        self._next = max(self._next, until)
        return out

    def _end(self, block: int) -> int:
        return self._anchor + (block + 1) * BLOCK_NS


@dataclass(frozen=True, slots=True)
class Ekop:
    """Parameters of the mixture; rates per block.

    Parameters
    ----------
    alpha : float
        Probability of news in a block.
    delta : float
        Probability that news is bad.
    mu : float
        Rate of informed trades in a block with news.
    eps_buy, eps_sell : float
        Rates of uninformed buys and sells.
    """

    alpha: float
    delta: float
    mu: float
    eps_buy: float
    eps_sell: float

    @property
    def pin(self) -> float:
        """Share of informed trades; NaN where nothing trades."""
        informed = self.alpha * self.mu
        total = informed + self.eps_buy + self.eps_sell
        return informed / total if total > 0 else float("nan")


def log_likelihood(model: Ekop, bought: npt.ArrayLike, sold: npt.ArrayLike) -> float:
    """Return the log-likelihood of block counts, its constant included.

    Parameters
    ----------
    model : Ekop
        Rates above 0.
    bought, sold : array_like of int, shape (n,)
        Trades of each block.
    """
    b, s = np.asarray(bought, np.float64), np.asarray(sold, np.float64)
    weights = np.array(
        [model.alpha * model.delta, model.alpha * (1 - model.delta), 1 - model.alpha], np.float64
    )
    with np.errstate(divide="ignore"):  # a kind that never happens
        logs = np.log(weights)
    rates = np.array([model.mu, model.eps_buy, model.eps_sell])
    each, _ = _blocks(logs, rates, b, s)
    constant = sum(lgamma(x + 1) for x in (*b.tolist(), *s.tolist()))
    return float(each.sum() - constant)


def _blocks(logs: Float64, rates: Float64, b: Float64, s: Float64) -> tuple[Float64, Float64]:
    """Return the log-likelihood of each block without its constant, and the probability of each kind, shape (3, n).

    The common factor is that of a block with news on both sides: what is left to exponentiate is never above 1.
    """
    mu, buy, sell = rates
    less_b, less_s = b * np.log1p(mu / buy), s * np.log1p(mu / sell)
    kinds = np.stack((logs[0] - mu - less_b, logs[1] - mu - less_s, logs[2] - less_b - less_s))
    top = kinds.max(axis=0)
    shares = np.exp(kinds - top)
    total = shares.sum(axis=0)
    common = b * np.log(buy + mu) + s * np.log(sell + mu) - buy - sell
    return top + np.log(total) + common, shares / total


def fit(bought: npt.ArrayLike, sold: npt.ArrayLike) -> Ekop | None:
    """Fit the mixture by maximum likelihood from 27 starts.

    Parameters
    ----------
    bought, sold : array_like of int, shape (n,)
        Trades of each block.

    Returns
    -------
    Ekop or None
        The best of the optima; None where no block has a trade.

    Raises
    ------
    ConfigError
        If the shapes differ, there is no block, or a count is below zero.
    MissingExtraError
        Without scipy.
    """
    b, s = np.asarray(bought, np.float64), np.asarray(sold, np.float64)
    if b.shape != s.shape or b.ndim != 1 or not len(b):
        raise ConfigError(
            f"bought has the shape {b.shape}, sold {s.shape}: expected as many blocks, one at least"
        )
    if min(b.min(), s.min()) < 0:
        raise ConfigError(f"a block has {min(b.min(), s.min()):g} trades; expected 0 or more")
    if not (b.any() or s.any()):
        return None
    minimize = _optimizer()
    bounds = [(-_LOGIT, _LOGIT)] * 2 + [(np.log(_LEAST_RATE), np.log(10 * max(b.max(), s.max()) + 10))] * 3
    # Measured from one Poisson rate a side, so that rounding of large sums does not hide what the kinds explain.
    base = _poisson(b) + _poisson(s)

    def objective(x: Float64) -> tuple[float, Float64]:
        value, gradient = _climb(x, b, s, base)
        return -value / len(b), -gradient / len(b)

    def climb(start: Float64, tolerance: float) -> Any:
        options = {"maxiter": 500, "ftol": tolerance, "gtol": 1e-9}
        return minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)

    starts = [np.clip(start, *np.transpose(bounds)) for start in _starts(b.mean(), s.mean())]
    rough = sorted((climb(start, 1e-6) for start in starts), key=lambda found: float(found.fun))
    best = min((climb(found.x, 1e-13) for found in rough[:_REFINED]), key=lambda found: float(found.fun))
    alpha, delta = 1 / (1 + np.exp(-best.x[:2]))
    mu, buy, sell = np.exp(best.x[2:])
    return Ekop(float(alpha), float(delta), float(mu), float(buy), float(sell))


def require_scipy() -> None:
    """Refuse to begin without scipy.

    Raises
    ------
    MissingExtraError
        Names the extra.
    """
    _optimizer()


def _optimizer() -> Callable[..., Any]:
    try:
        from scipy.optimize import minimize
    except ModuleNotFoundError as error:
        raise MissingExtraError("scipy", "fit", "fitting PIN") from error
    found: Callable[..., Any] = minimize
    return found


def _starts(b: float, s: float) -> Iterator[Float64]:
    """Yield the starting points: α, δ and the informed share on the grid, the rates from the mean counts."""
    for alpha, delta, share in product(START_GRID, repeat=3):
        mu = share * (b + s) / alpha
        buy = max(b - alpha * (1 - delta) * mu, 0.01 * b, _LEAST_RATE)
        sell = max(s - alpha * delta * mu, 0.01 * s, _LEAST_RATE)
        logits = [np.log(p / (1 - p)) for p in (alpha, delta)]
        yield np.array([*logits, *np.log((mu, buy, sell))])


def _poisson(counts: Float64) -> Float64:
    """Return the log-likelihood of each count at the rate of their mean, without the constant."""
    mean = counts.mean()
    return np.asarray(counts * np.log(mean) - mean if mean > 0 else 0 * counts)


def _climb(x: Float64, b: Float64, s: Float64, base: Float64) -> tuple[float, Float64]:
    """Return the log-likelihood beyond ``base``, and its gradient, in (logit α, logit δ, ln μ, ln ε_b, ln ε_s)."""
    log_alpha, log_delta = -np.logaddexp(0, -x[:2])
    log_none, log_good = -np.logaddexp(0, x[:2])
    rates = np.exp(x[2:])
    logs = np.array([log_alpha + log_delta, log_alpha + log_good, log_none])
    each, (bad, good, none) = _blocks(logs, rates, b, s)
    mu, buy, sell = rates
    alpha, delta = np.exp(log_alpha), np.exp(log_delta)
    news = bad + good
    informed_b, informed_s = good * (b / (buy + mu) - 1), bad * (s / (sell + mu) - 1)
    gradient = np.array(
        [
            (news - alpha).sum(),
            (bad - delta * news).sum(),
            mu * (informed_b + informed_s).sum(),
            buy * (informed_b + (bad + none) * (b / buy - 1)).sum(),
            sell * (informed_s + (good + none) * (s / sell - 1)).sum(),
        ]
    )
    return float((each - base).sum()), gradient


@dataclass(frozen=True, slots=True)
class Windows:
    """PIN by the time from which each value may be used.

    Parameters
    ----------
    values : tuple of (int, float)
        End of the last block of each window, ns UTC, and its PIN.
    models : tuple of Ekop
        The parameters of each.
    empty : int
        Windows without a signed trade: they give no value.
    """

    values: tuple[tuple[int, float], ...]
    models: tuple[Ekop, ...]
    empty: int


def series(
    blocks: list[Block],
    length: int = BLOCKS,
    advance: Callable[[float], None] | None = None,
    ends: Collection[int] | None = None,
) -> Windows:
    """Fit each window of consecutive blocks of one contract; no value looks beyond its own window.

    Parameters
    ----------
    blocks : list of Block
        In order. Windows go on over sessions, and start anew at a roll.
    length : int
        Blocks of a window.
    advance : callable, optional
        Called with 1 after each window.
    ends : collection of int, optional
        Indices of the blocks that a window may end with; all by default.

    Raises
    ------
    EmptyDataError
        If there is no window with a trade.
    """
    values, models, empty = [], [], 0
    for last in range(length, len(blocks) + 1):
        window = blocks[last - length : last]
        if ends is not None and last - 1 not in ends:
            continue
        if window[0].contract == window[-1].contract:
            model = fit([block.bought for block in window], [block.sold for block in window])
            if model is None:
                empty += 1
            else:
                values.append((window[-1].end_ns, model.pin))
                models.append(model)
        if advance is not None:
            advance(1)
    if not values:
        raise EmptyDataError(
            f"there is no window of {length} blocks of five minutes with a signed trade in it: the recording gives "
            f"{len(blocks)} whole blocks",
            remedy="Fit to a longer recording, or give the trades their aggressors (--infer-side)",
        )
    return Windows(tuple(values), tuple(models), empty)
