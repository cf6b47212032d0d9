"""Numbers and times: from text and floats to whole steps and ns UTC, without rounding by accident."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from quantumtrader.exceptions import ConfigError, DataFormatError

Bools = npt.NDArray[np.bool_]
Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

DAY_NS = 86_400_000_000_000
_QUARTER_NS = 900_000_000_000  # every change of UTC offset in force today falls on a quarter of an hour
_EPOCH = date(1970, 1, 1)


def to_steps(values: Float64, step: float) -> tuple[Int64, Bools]:
    """Count how many steps each value is.

    A decimal such as 61804.7 has no exact double, so a value is on the grid when it is the double nearest to
    ``k * step`` computed from the exact fraction (a few units in the last place are forgiven).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Prices or sizes as read.
    step : float
        Tick or size step; its shortest decimal form is taken as exact.

    Returns
    -------
    steps : ndarray of int64, shape (n,)
        Nearest whole number of steps, 0 where not finite.
    on_grid : ndarray of bool, shape (n,)
        False where the value lies between two steps or is not finite.
    """
    exact = Fraction(repr(float(step)))
    num, den = float(exact.numerator), float(exact.denominator)
    finite = np.isfinite(values)
    safe = np.where(finite, values, 0.0)
    steps = np.rint(safe * den / num)
    near = np.abs(steps * num / den - safe) <= 4 * np.spacing(np.abs(safe))
    return np.clip(steps, -(2.0**62), 2.0**62).astype(np.int64), finite & near


def finest_step(values: Float64, most: int = 6) -> float:
    """Return the greatest power of ten of which every value is a multiple, at most 1 and not below ``10**-most``."""
    for digits in range(most + 1):
        if to_steps(values, 10.0**-digits)[1].all():
            return 10.0**-digits
    return 10.0**-most


_GROUPED = {
    ",": re.compile(r"^-?(\d{1,3}(\.\d{3})+|\d+)(,\d*)?$"),
    ".": re.compile(r"^-?(\d{1,3}(,\d{3})+|\d+)(\.\d*)?$"),
}
_OTHER = {",": ".", ".": ","}


def decide_decimal(
    columns: list[tuple[str, pa.Array]], lines: Int64, path: Path, *, whole_points: bool, forced: str
) -> str:
    """Find the decimal mark of a text file.

    A comma makes the comma decimal and dots thousands. Only dots: thousands when the product trades in whole
    points and all of them group three digits, else decimal.

    Raises
    ------
    DataFormatError
        Both marks are used as decimal.
    """
    if forced != "auto":
        return forced
    mark = "."
    if any(pc.any(pc.match_substring(col, ",")).as_py() for _, col in columns):
        mark = ","
    elif whole_points:
        dotted = [col.filter(pc.match_substring(col, ".")) for _, col in columns]
        grouped = r"^-?\d{1,3}(\.\d{3})+$"
        if any(len(col) for col in dotted) and all(
            pc.all(pc.match_substring_regex(col, grouped)).as_py() for col in dotted if len(col)
        ):
            mark = ","
    other = _OTHER[mark]
    for name, col in columns:
        numeric = pc.match_substring_regex(col, r"^-?[\d.,]+$")
        fits = pc.match_substring_regex(col, _GROUPED[mark].pattern)
        clash = pc.and_(pc.and_(numeric, pc.invert(fits)), pc.match_substring(col, other))
        if pc.any(clash).as_py():
            i = int(np.flatnonzero(clash.to_numpy(zero_copy_only=False))[0])
            raise DataFormatError(
                f"column {name}: {col[i].as_py()!r} does not fit the decimal {mark!r} of the rest of the file",
                path=path,
                line=int(lines[i]),
                remedy="Mixed decimals: fix the file, or force one with --decimal; rows that do not fit are then put aside",
            )
    return mark


def to_float(col: pa.Array, decimal: str) -> Float64:
    """Read decimal text; NaN where a cell is empty or not a number.

    Parameters
    ----------
    col : Array of string, shape (n,)
        With ``decimal`` as decimal mark and the other mark allowed between groups of three digits.
    decimal : {",", "."}
        Decimal mark.
    """
    col = pc.utf8_trim_whitespace(col)
    fits = pc.match_substring_regex(col, _GROUPED[decimal].pattern)
    plain = pc.replace_substring(col, _OTHER[decimal], "")
    if decimal == ",":
        plain = pc.replace_substring(plain, ",", ".")
    out = pc.cast(pc.if_else(fits, plain, None), pa.float64())
    return np.asarray(out.fill_null(float("nan")).to_numpy(zero_copy_only=False))


def to_whole(col: pa.Array) -> Float64:
    """Read whole numbers in which any mark groups thousands; NaN where a cell is not one."""
    col = pc.utf8_trim_whitespace(col)
    fits = pc.match_substring_regex(col, r"^-?(\d{1,3}([.,]\d{3})+|\d+)$")
    plain = pc.replace_substring_regex(col, "[.,]", "")
    out = pc.cast(pc.if_else(fits, plain, None), pa.float64())
    return np.asarray(out.fill_null(float("nan")).to_numpy(zero_copy_only=False))


def to_int(col: pa.Array) -> tuple[Int64, Bools]:
    """Read whole numbers; returns the values (0 where bad) and which cells are good."""
    col = pc.utf8_trim_whitespace(col)
    fits = pc.match_substring_regex(col, r"^-?\d{1,18}$")
    out = pc.cast(pc.if_else(fits, col, None), pa.int64()).fill_null(0)
    return np.asarray(out.to_numpy(zero_copy_only=False)), np.asarray(fits.to_numpy(zero_copy_only=False))


def by_distinct(col: pa.Array, parse: Callable[[str], int | None]) -> tuple[Int64, Bools]:
    """Apply a slow parser once per distinct text; returns values (0 where None) and which cells are good."""
    coded = pc.dictionary_encode(col)
    parsed = [parse(text) for text in coded.dictionary.to_pylist()]
    values = np.array([0 if v is None else v for v in parsed], np.int64)
    good = np.array([v is not None for v in parsed], bool)
    index = coded.indices.to_numpy(zero_copy_only=False)
    return values[index], good[index]


def dates(col: pa.Array, order: str) -> tuple[Int64, Bools]:
    """Read dates as days since 1970; ``order`` is ``ymd`` or ``dmy``; a two-digit year is in 2000-2099."""

    def parse(text: str) -> int | None:
        match = re.fullmatch(r"\s*(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})\s*", text)
        if match is None:
            return None
        parts = [int(p) for p in match.groups()]
        year, month, day = parts if order == "ymd" else parts[::-1]
        try:
            return (date(year + 2000 if year < 100 else year, month, day) - _EPOCH).days
        except ValueError:
            return None

    return by_distinct(col, parse)


def times_of_day(col: pa.Array) -> tuple[Int64, Bools]:
    """Read ``HH:MM[:SS[.fffffffff]]`` as ns after midnight."""
    col = pc.utf8_trim_whitespace(col)
    fits = pc.match_substring_regex(col, r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?$")
    col = pc.if_else(fits, col, "00:00:00")
    seconds = np.zeros(len(col), np.int64)
    for start, weight in ((0, 3600), (3, 60), (6, 1)):
        part = pc.utf8_slice_codeunits(col, start, start + 2)
        part = pc.if_else(pc.equal(part, ""), "0", part)
        seconds += pc.cast(part, pa.int64()).to_numpy(zero_copy_only=False) * weight
    fraction = pc.utf8_rpad(pc.utf8_slice_codeunits(col, 9, 18), 9, "0")
    ns = seconds * 1_000_000_000 + pc.cast(fraction, pa.int64()).to_numpy(zero_copy_only=False)
    return ns, np.asarray(fits.to_numpy(zero_copy_only=False))


def zone(name: str) -> ZoneInfo:
    """Return an IANA zone.

    Raises
    ------
    ConfigError
        There is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(f"no time zone {name!r}; use an IANA name such as America/Sao_Paulo") from error


def to_utc(local_ns: Int64, tz: ZoneInfo) -> Int64:
    """Turn local wall-clock ns into ns UTC; an hour that occurs twice is taken as its first occurrence."""
    quarter, index = np.unique(local_ns // _QUARTER_NS, return_inverse=True)
    offsets = np.array([_offset_ns(int(q), tz) for q in quarter], np.int64)
    return local_ns - offsets[index]


def _offset_ns(quarter: int, tz: ZoneInfo) -> int:
    naive = datetime(1970, 1, 1) + timedelta(seconds=quarter * 900)
    offset = naive.replace(tzinfo=tz).utcoffset()
    return 0 if offset is None else int(offset.total_seconds()) * 1_000_000_000


def local_days(ts_ns: Int64, tz: ZoneInfo) -> Int64:
    """Local date of each UTC time, as days since 1970."""
    return to_local(ts_ns, tz) // DAY_NS


def to_local(ts_ns: Int64, tz: ZoneInfo) -> Int64:
    """Local wall-clock ns since 1970 of each UTC time."""
    quarter, index = np.unique(ts_ns // _QUARTER_NS, return_inverse=True)
    offsets = [datetime.fromtimestamp(int(q) * 900, tz).utcoffset() or timedelta() for q in quarter]
    return (
        ts_ns + np.array([offset // timedelta(microseconds=1) for offset in offsets], np.int64)[index] * 1_000
    )


def show_ns(ts_ns: int, timezone: str = "UTC") -> str:
    """Write a time for people, in a zone, with the name or offset of it."""
    moment = datetime.fromtimestamp(ts_ns // 1_000_000_000, UTC if timezone == "UTC" else ZoneInfo(timezone))
    return f"{moment:%Y-%m-%d %H:%M:%S}.{ts_ns % 1_000_000_000:09d} {moment:%Z}"


def strings(values: Any) -> pa.Array:
    """Return a plain string array, whatever Arrow type or chunking ``values`` has."""
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    return pc.cast(array, pa.string()).fill_null("")
