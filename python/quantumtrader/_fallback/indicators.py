"""Indicators by name over any numbers; the twin of the compiled ones."""

from __future__ import annotations

import operator
from collections.abc import Callable
from math import isfinite

import numpy as np
import numpy.typing as npt

from quantumtrader._fallback.features.numbers import NAN
from quantumtrader._fallback.features.smoothing import Ema, TrueRange, Wilder
from quantumtrader._fallback.features.technical.relative_strength import RelativeStrength
from quantumtrader._protocols import Float64
from quantumtrader.exceptions import ConfigError

__all__ = ["Indicator"]

_LONGEST = 1_000_000
_X = ("x",)
_BAR = ("high", "low", "close")

_Rule = Callable[..., float]


class _Mean:
    """Mean of the last n numbers; the sum is taken anew whenever n more have come."""

    def __init__(self, n: int) -> None:
        self._ring, self._next, self._full, self._sum = [0.0] * n, 0, False, 0.0

    def __call__(self, x: float) -> float:
        self._sum = self._sum - self._ring[self._next] + x
        self._ring[self._next] = x
        self._next += 1
        if self._next == len(self._ring):
            self._next, self._full, self._sum = 0, True, 0.0
            for y in self._ring:  # `sum` of floats compensates, the compiled engine does not
                self._sum += y
        return self._sum / len(self._ring) if self._full else NAN


def _smooth(kind: type[Ema | Wilder]) -> Callable[[int], _Rule]:
    def make(n: int) -> _Rule:
        mean = kind(n)

        def rule(x: float) -> float:
            mean.add(x)
            return mean.value

        return rule

    return make


def _rsi(n: int) -> _Rule:
    return RelativeStrength(n).next


def _atr(n: int) -> _Rule:
    mean, ranges = Wilder(n), TrueRange()

    def rule(high: float, low: float, close: float) -> float:
        x = ranges.next(high, low, close)
        if x is not None:
            mean.add(x)
        return mean.value

    return rule


def _macd(output: Callable[[float, float], float]) -> Callable[[int, int, int], _Rule]:
    def make(fast: int, slow: int, signal: int) -> _Rule:
        quick, late, trigger = Ema(fast), Ema(slow), Ema(signal)
        seen = 0

        def rule(x: float) -> float:
            nonlocal seen
            seen += 1
            if seen > slow - fast:  # so that both averages appear together
                quick.add(x)
            late.add(x)
            if seen < slow:
                return NAN
            line = quick.value - late.value
            trigger.add(line)
            return output(line, trigger.value) if seen >= slow + signal - 1 else NAN

        return rule

    return make


_MACD = {"fast": 12, "slow": 26, "signal": 9}
_KINDS: dict[str, tuple[dict[str, int | None], tuple[str, ...], Callable[..., _Rule]]] = {
    "sma": ({"n": None}, _X, _Mean),
    "ema": ({"n": None}, _X, _smooth(Ema)),
    "wilder": ({"n": None}, _X, _smooth(Wilder)),
    "rsi": ({"n": 14}, _X, _rsi),
    "atr": ({"n": 14}, _BAR, _atr),
    "macd": ({**_MACD}, _X, _macd(lambda line, _: line)),
    "macd_signal": ({**_MACD}, _X, _macd(lambda _, signal: signal)),
    "macd_hist": ({**_MACD}, _X, _macd(lambda line, signal: line - signal)),
}
"""Name to parameters with defaults, inputs and constructor: a new kind is one line here."""


class Indicator:
    """An indicator over prices; see :class:`quantumtrader._protocols.IndicatorProtocol`."""

    def __init__(self, name: str, /, *parameters: int) -> None:
        given = [operator.index(p) for p in parameters]
        if name not in _KINDS:
            raise ConfigError(f'no indicator "{name}"; expected one of {", ".join(_KINDS)}')
        known, self._inputs, self._make = _KINDS[name]
        values = [*given, *list(known.values())[len(given) :]]
        if len(given) > len(known) or None in values:
            raise ConfigError(f"{name} takes ({', '.join(known)}), got {len(given)} parameters")
        complete = [v for v in values if v is not None]
        for parameter, value in zip(known, complete, strict=True):
            if not 1 <= value <= _LONGEST:
                raise ConfigError(f"{parameter} of {name} is {value}; expected 1 to {_LONGEST}")
        if len(complete) == 3 and complete[0] >= complete[1]:
            raise ConfigError(
                f"fast of {name} is {complete[0]} and slow is {complete[1]}; expected fast < slow"
            )
        self._name, self._parameters = name, tuple(complete)
        self.reset()

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def parameters(self) -> tuple[int, ...]:
        """Its parameters, defaults included."""
        return self._parameters

    @property
    def value(self) -> float:
        """The value after the last step; NaN until warm."""
        return self._value

    def reset(self) -> None:
        """Return to the state of a new indicator."""
        self._rule = self._make(*self._parameters)
        self._broken, self._value = False, NAN

    def update(self, x: float, low: float | None = None, close: float | None = None, /) -> float:
        """Take one number, or high, low and close; returns the value, NaN until warm."""
        if (low is not None, close is not None) != (self._inputs is _BAR,) * 2:
            raise self._wrong_inputs()
        step = [float(v) for v in (x, low, close) if v is not None]
        # A number that is not finite ends the indicator: nothing is bridged.
        self._broken |= not all(map(isfinite, step))
        self._value = NAN if self._broken else self._rule(*step)
        return self._value

    def update_many(
        self, x: npt.ArrayLike, low: npt.ArrayLike | None = None, close: npt.ArrayLike | None = None, /
    ) -> Float64:
        """Take many steps; returns the value after each."""
        if (low is not None, close is not None) != (self._inputs is _BAR,) * 2:
            raise self._wrong_inputs()
        columns = [_column(c) for c in (x, low, close) if c is not None]
        if len({len(c) for c in columns}) > 1:
            sizes = ", ".join(str(len(c)) for c in columns)
            raise ValueError(f"high, low and close differ in length: {sizes}")
        rows = zip(*(c.tolist() for c in columns), strict=True)
        return np.fromiter((self.update(*row) for row in rows), np.float64, len(columns[0]))

    def _wrong_inputs(self) -> TypeError:
        return TypeError(f"{self._name} takes ({', '.join(self._inputs)})")

    def __repr__(self) -> str:
        return f"Indicator({self._name!r}, {', '.join(map(str, self._parameters))})"

    def __reduce__(self) -> tuple[type[Indicator], tuple[str | int, ...]]:
        """Pickle the configuration: the copy is a new indicator."""
        return type(self), (self._name, *self._parameters)


def _column(given: npt.ArrayLike) -> Float64:
    array = np.ascontiguousarray(given, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"numbers must be one-dimensional, got {array.ndim} dimensions")
    return array
