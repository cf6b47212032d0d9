"""Time from a decision to the arrival of its order: a constant, or drawn from what was measured."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from quantumtrader.exceptions import ConfigError, DataAccessError, DataFormatError

__all__ = ["MOST_LATENCIES", "ORDER_LATENCIES", "Latency", "read_latencies"]

Int64 = npt.NDArray[np.int64]

ORDER_LATENCIES = "order_latencies.txt"
"""File in the folder of a live session with real orders: what was measured of each, in ns, one a line."""
MOST_LATENCIES = 1_000
"""Longer samples are kept as so many of their order statistics."""
COLUMN = "latency_ns"
_LONGEST_NS = 3_600 * 10**9
_QUANTILES = (0.05, 0.5, 0.95)


@dataclass(frozen=True, slots=True)
class Latency:
    """Time from a decision to the arrival of its order.

    Parameters
    ----------
    sample_ns : tuple of int
        Measured latencies to draw from; a single one is a constant.
    seed : int
        Of the draws.
    """

    sample_ns: tuple[int, ...]
    seed: int = 7

    def __post_init__(self) -> None:
        if not self.sample_ns:
            raise ConfigError("latency: the sample is empty; give at least one measured latency, in ns")
        for value in self.sample_ns:
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                raise ConfigError(f"latency: {value!r} is no whole number of ns")
            if not 0 <= value <= _LONGEST_NS:
                raise ConfigError(f"latency: {value} ns is not between 0 and an hour")

    @classmethod
    def of(cls, latency_ms: float, sample_ns: Sequence[int] | None, seed: int) -> Latency:
        """Return the measured sample where there is one, else the constant."""
        return cls((int(latency_ms * 1e6),)) if sample_ns is None else cls(tuple(sample_ns), seed)

    @property
    def measured(self) -> bool:
        """Whether it is drawn, not a constant."""
        return len(self.sample_ns) > 1

    def draw(self, times: Int64) -> Int64:
        """Return one latency per decision, ns; each depends on its time and the seed alone.

        So a decision has the same latency in whatever company it is labelled. Which value of the sorted sample is taken
        says the mixing function of SplitMix64 (Steele, Lea and Flood, 2014).

        Parameters
        ----------
        times : ndarray of int64, shape (n,)
            Decision times, ns UTC.
        """
        sample = np.sort(np.array(self.sample_ns, np.int64))
        start = _mixed(np.array([self.seed & 0xFFFF_FFFF_FFFF_FFFF], np.uint64))
        place = _mixed(times.astype(np.int64).view(np.uint64) ^ start) % np.uint64(len(sample))
        return np.asarray(sample[place.astype(np.int64)])

    def facts(self) -> dict[str, Any]:
        """Return what it is as JSON values: the constant, or count, SHA-256 and quantiles of the sample.

        The hash is that of the sorted values as little-endian int64.
        """
        if not self.measured:
            return {"latency_ns": [int(self.sample_ns[0])], "latency_seed": self.seed}
        sample = np.sort(np.array(self.sample_ns, "<i8"))
        middle = np.quantile(sample, _QUANTILES, method="inverted_cdf").tolist()
        return {
            "latency_count": len(sample),
            "latency_sha256": hashlib.sha256(sample.tobytes()).hexdigest(),
            "latency_min_ns": int(sample[0]),
            **{f"latency_p{100 * q:02.0f}_ns": int(v) for q, v in zip(_QUANTILES, middle, strict=True)},
            "latency_max_ns": int(sample[-1]),
            "latency_seed": self.seed,
        }


def _mixed(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    z = z + np.uint64(0x9E37_79B9_7F4A_7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
    return z ^ (z >> np.uint64(31))


def read_latencies(path: Path | str) -> tuple[int, ...]:
    """Read measured latencies, in ns.

    Parameters
    ----------
    path : Path
        Folder of a live session with real orders, a text file with one number a line (``#`` begins a remark), or a
        Parquet file with the column ``latency_ns`` or one column only.

    Returns
    -------
    tuple of int
        Ascending. Of more than 1,000 values that many, evenly spaced by rank, the least and the greatest among them.

    Raises
    ------
    DataAccessError
        It is not there, or cannot be read.
    DataFormatError
        There is no value, or one is no whole number of ns from 0 to an hour; the message names it.
    """
    path = Path(path)
    file = path / ORDER_LATENCIES if path.is_dir() else path
    if path.is_dir() and not file.exists():
        raise DataAccessError(
            f"holds no {ORDER_LATENCIES}: only a live session with real orders that the exchange acknowledged measures "
            "latencies; on paper, in a demonstration and in a replay the latency is a setting",
            path=path,
            remedy="Give the folder of such a session, a file of measured latencies in ns, or a constant",
        )
    found = _parquet(file) if file.suffix.lower() == ".parquet" else _text(file)
    values = sorted(_whole(value, place, file) for place, value in found)
    if not values:
        raise DataFormatError("holds no latency", path=file, remedy="Give at least one, in ns")
    if len(values) > MOST_LATENCIES:
        ranks = np.linspace(0, len(values) - 1, MOST_LATENCIES).round().astype(np.int64)
        values = [values[k] for k in ranks.tolist()]
    return tuple(values)


def _text(file: Path) -> Iterable[tuple[int, Any]]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise DataAccessError(f"cannot be read ({error.strerror or error})", path=file) from error
    except UnicodeDecodeError as error:
        raise DataFormatError(
            "is no text", path=file, remedy="Give one number of ns a line, or a file that ends in .parquet"
        ) from error
    for place, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if text:
            yield place, text


def _parquet(file: Path) -> Iterable[tuple[int, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
    except OSError as error:
        raise DataAccessError(f"cannot be read ({error})", path=file) from error
    except pa.ArrowException as error:
        raise DataFormatError(f"is no Parquet file ({error})", path=file) from error
    names = table.column_names
    if COLUMN not in names and len(names) != 1:
        raise DataFormatError(
            f"has the columns {', '.join(names) or '(none)'}, expected {COLUMN}, or one column only",
            path=file,
        )
    return enumerate(table.column(COLUMN if COLUMN in names else names[0]).to_pylist(), 1)


def _whole(value: Any, place: int, file: Path) -> int:
    """Return a value as whole ns."""
    number = math.nan
    if not isinstance(value, bool) and isinstance(value, (int, float, str)):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
    if not (0 <= number <= _LONGEST_NS and number == int(number)):
        raise DataFormatError(
            f"{value!r} is no latency: expected a whole number of ns from 0 to {_LONGEST_NS} (an hour)",
            path=file,
            line=place,
            remedy="Leave out what was not measured, and give ns (a millisecond is 1000000)",
        )
    return int(number)
