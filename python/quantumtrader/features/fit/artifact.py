"""Fit files: one JSON document per fit, what it was fitted to, and the way into the engine."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Self

import numpy as np

from quantumtrader import _backend
from quantumtrader.data.sessions import session_days
from quantumtrader.exceptions import ConfigError, DataAccessError, DataFormatError
from quantumtrader.features.aliases import canonical
from quantumtrader.features.catalogue import canonical_json, catalogue_hash
from quantumtrader.features.fit.microprice import SPREADS, STATES, TENTHS, MicropriceFit
from quantumtrader.features.fit.pin import BLOCK_NS, Windows
from quantumtrader.features.fit.segments import Range
from quantumtrader.features.lags import split_lag
from quantumtrader.types import Fitted, Instrument

__all__ = [
    "KINDS",
    "VERSION",
    "Artifact",
    "Fits",
    "fitted_hashes",
    "load_fits",
    "load_fitted",
    "parse_artifact",
    "read_artifact",
    "write_artifact",
]

VERSION = 1
"""Layout of the document."""
KINDS = ("microprice", "pin", "vpin")
FEATURES = {"microprice": ("microprice_dev",), "pin": ("pin_60",), "vpin": ("vpin_50", "vpin_bvc_50")}
"""Kind to the features that read it."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One fit.

    Parameters
    ----------
    kind : str
        ``microprice``, ``pin`` or ``vpin``.
    symbol, product : str
        What it was fitted to. It may be used for every contract of the product.
    tick_size : float
        Tick of the data, in points.
    from_ns, to_ns : int
        First and last time of the data, ns UTC.
    sessions, observations : int
        How much there was: steps of the touch, windows, or contracts.
    synthetic : bool
        Whether any event was made by a generator.
    values : dict
        What the engine is given; ``values_hash`` is of this.
    details : dict
        What it rests on, for people: counts per state, parameters, convergence.
    engine : str
        Engine and version that read the events.
    catalogue : str
        Hash of the feature catalogue at that time.
    """

    kind: str
    symbol: str
    product: str
    tick_size: float
    from_ns: int
    to_ns: int
    sessions: int
    observations: int
    synthetic: bool
    values: dict[str, Any]
    details: dict[str, Any]
    engine: str
    catalogue: str

    @classmethod
    def microprice(cls, fit: MicropriceFit, instrument: Instrument) -> Self:
        """Make the artifact of a micro-price table."""
        solution, steps = fit.solution, fit.steps
        return cls._of(
            "microprice",
            instrument,
            fit.range,
            fit.sessions,
            fit.observations,
            {"usable_from_ns": fit.range.to_ns, "adjustment": _numbers(solution.adjustment.tolist())},
            {
                "first_move": _numbers(solution.first.tolist()),
                "observations_by_state": steps.observations.tolist(),
                "tenths": TENTHS,
                "spreads": SPREADS,
                "spectral_radius": solution.spectral_radius,
                "steps_outside": steps.outside,
                "steps_dropped": solution.dropped,
            },
        )

    @classmethod
    def pin(
        cls, windows: Windows, instrument: Instrument, range: Range, sessions: int, every: str = "block"
    ) -> Self:
        """Make the artifact of a PIN series, with a value at the end of every ``block`` or ``session``."""
        names = ("alpha", "delta", "mu", "eps_buy", "eps_sell")
        return cls._of(
            "pin",
            instrument,
            range,
            sessions,
            len(windows.values),
            {"pin": _series(windows.values)},
            {
                "block_seconds": BLOCK_NS // 10**9,
                "every": every,
                "windows_without_trades": windows.empty,
                "models": {name: [getattr(model, name) for model in windows.models] for name in names},
            },
        )

    @classmethod
    def vpin(cls, bucket: int, volumes: Sequence[int], instrument: Instrument, range: Range) -> Self:
        """Make the artifact of a bucket size."""
        return cls._of(
            "vpin",
            instrument,
            range,
            len(volumes),
            sum(volumes),
            {"usable_from_ns": range.to_ns, "bucket": bucket},
            {"volumes": list(volumes)},
        )

    @classmethod
    def _of(
        cls,
        kind: str,
        instrument: Instrument,
        range: Range,
        sessions: int,
        observations: int,
        values: dict[str, Any],
        details: dict[str, Any],
    ) -> Self:
        if range.from_ns is None or range.to_ns is None:
            raise ConfigError("a fit needs events: there were none")
        chosen = _backend.engine()
        return cls(
            kind,
            instrument.symbol,
            instrument.product,
            instrument.tick_size,
            range.from_ns,
            range.to_ns,
            sessions,
            observations,
            range.synthetic,
            values,
            details,
            f"{chosen.name} {chosen.version}",
            catalogue_hash(),
        )

    @property
    def values_hash(self) -> str:
        """SHA-256 of the numbers that the engine is given; manifests carry it."""
        return _hash({"kind": self.kind, "values": self.values})

    def fitted(self) -> Fitted:
        """Return the engine's input."""
        values = self.values
        if self.kind == "microprice":
            table = tuple(math.nan if x is None else float(x) for x in values["adjustment"])
            return Fitted(microprice=(values["usable_from_ns"], table))
        if self.kind == "pin":
            return Fitted(pin=tuple((t, float(p)) for t, p in values["pin"]))
        return Fitted(vpin_bucket=values["bucket"], vpin_from_ns=values["usable_from_ns"])

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document, hashes included."""
        document = {
            "version": VERSION,
            **{f.name: getattr(self, f.name) for f in fields(self)},
            "values_hash": self.values_hash,
        }
        return {**document, "hash": _hash(document)}

    def to_bytes(self) -> bytes:
        """Return the file."""
        text = json.dumps(self.to_document(), indent=1, ensure_ascii=False, allow_nan=False)
        return f"{text}\n".encode()


@dataclass(frozen=True, slots=True)
class Fits:
    """Fits that go together: of one product, at most one of each kind.

    Parameters
    ----------
    artifacts : tuple of Artifact
        In the order in which they were given.
    """

    artifacts: tuple[Artifact, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.artifacts)

    @property
    def fitted(self) -> Fitted:
        """The engine's input."""
        given: dict[str, Any] = {}
        for artifact in self.artifacts:
            part = artifact.fitted()
            given |= {
                f.name: value for f in fields(Fitted) if (value := getattr(part, f.name)) not in (None, ())
            }
        return Fitted(**given)

    @property
    def given(self) -> Fitted | None:
        """What an engine is given; None without any fit."""
        return self.fitted if self else None

    def of_kind(self, kind: str) -> Artifact | None:
        """Return the fit of a kind; None where there is none."""
        return next((artifact for artifact in self.artifacts if artifact.kind == kind), None)

    def read_by(self, columns: Iterable[str]) -> Fits:
        """Return the fits that any of the columns reads, by whatever name: an alias or one with a lag is its feature."""
        wanted = {split_lag(canonical(name))[0] for name in columns}
        return Fits(tuple(a for a in self.artifacts if not wanted.isdisjoint(FEATURES[a.kind])))

    def series_until(self, instrument: Instrument) -> date | None:
        """Return the last session that the PIN series knows of: that of its last value, or of the data it was fitted to.

        Parameters
        ----------
        instrument : Instrument
            Its zone and hours say to which session a time belongs.

        Returns
        -------
        date or None
            None without a series.
        """
        series = self.of_kind("pin")
        if series is None:
            return None
        last = max(series.to_ns, *(t for t, _ in series.values["pin"]))
        day = session_days(np.array([last], np.int64), instrument)
        found: date = day.astype("datetime64[D]")[0].item()
        return found

    def with_series_of(self, other: Fits) -> Fits:
        """Return these fits with the PIN series of others, where they have one: a series is of the days that it covers."""
        series = other.of_kind("pin")
        if series is None:
            return self
        return Fits((*(a for a in self.artifacts if a.kind != "pin"), series))


def write_artifact(artifact: Artifact, path: Path | str, *, overwrite: bool = False) -> Path:
    """Write a fit as a JSON file; a file that is there is replaced only with ``overwrite``, and never in part.

    Raises
    ------
    DataAccessError
        If the file exists and may not be replaced, or cannot be written.
    """
    path = Path(path)
    check_free(path, overwrite=overwrite)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(artifact.to_bytes())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise DataAccessError(
            f"cannot be written ({error.strerror or error})",
            path=path,
            remedy="Check the disk and the permissions, or choose another --out",
        ) from error
    return path


def check_free(path: Path, *, overwrite: bool) -> None:
    """Refuse to write over a file, before the work begins.

    Raises
    ------
    DataAccessError
        If it is there and ``overwrite`` is not given.
    """
    if path.is_dir():
        raise DataAccessError("is a folder", path=path, remedy="Name the file in it: --out FOLDER/FILE.json")
    if path.exists() and not overwrite:
        raise DataAccessError(
            "is there already", path=path, remedy="Replace it with --overwrite, or choose another --out"
        )


def read_artifact(path: Path | str) -> Artifact:
    """Read a fit file.

    Raises
    ------
    DataAccessError
        If it cannot be read.
    DataFormatError
        If it is no fit file, of a version that is not known, incomplete, or was changed after it was written.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        if path.is_dir():
            raise DataAccessError("is a folder", path=path, remedy="Name the fit file in it") from error
        what = "no such file" if isinstance(error, FileNotFoundError) else str(error.strerror or error)
        raise DataAccessError(what, path=path, remedy="Check the path") from error
    return parse_artifact(data, path)


def parse_artifact(data: bytes, path: Path) -> Artifact:
    """Read the bytes of a fit file.

    Parameters
    ----------
    data : bytes
        What :meth:`Artifact.to_bytes` gave.
    path : Path
        For messages.

    Raises
    ------
    DataFormatError
        As of :func:`read_artifact`.
    """
    try:
        document: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DataFormatError(f"is not JSON ({error})", path=path, remedy=_AGAIN) from error
    if not isinstance(document, dict) or "kind" not in document:
        raise DataFormatError("is not a fit file: it has no `kind`", path=path, remedy=_AGAIN)
    version, written, values_hash = (document.pop(k, None) for k in ("version", "hash", "values_hash"))
    if version != VERSION:
        raise DataFormatError(
            f"version {version!r} of fit files is not known; this version reads {VERSION}", path=path
        )
    if document["kind"] not in KINDS:
        raise DataFormatError(
            f"kind {document['kind']!r} is not known; there are {', '.join(KINDS)}", path=path
        )
    own = {f.name for f in fields(Artifact)}
    if document.keys() != own:
        odd = ", ".join(sorted(document.keys() ^ own))
        raise DataFormatError(f"fields are missing or not known: {odd}", path=path, remedy=_AGAIN)
    try:
        found = _hash({"version": version, **document, "values_hash": values_hash})
    except ValueError:  # a number that JSON has no word for
        found = None
    if found is None or found != written:
        raise DataFormatError(
            "it was changed after it was written: the hash does not fit", path=path, remedy=_AGAIN
        )
    artifact = Artifact(**document)
    try:
        _check(artifact)
    except (KeyError, TypeError, ValueError) as error:
        raise DataFormatError(
            f"its values cannot be used ({type(error).__name__}: {error})", path=path, remedy=_AGAIN
        ) from error
    return artifact


_AGAIN = "Fit it again: quantumtrader fit"


def load_fitted(paths: Path | str | Sequence[Path | str], instrument: Instrument) -> Fitted:
    """Read fit files into what the engine is given; parameters and errors are those of :func:`load_fits`."""
    return load_fits(paths, instrument).fitted


def load_fits(paths: Path | str | Sequence[Path | str], instrument: Instrument) -> Fits:
    """Read fit files that go together.

    Parameters
    ----------
    paths : path or sequence of paths
        At most one file of each kind.
    instrument : Instrument
        What the engine is about; the fits must be of its product and its tick.

    Raises
    ------
    ConfigError
        If a fit is of another product or another tick, or two are of one kind.
    DataError
        If a file cannot be read; see :func:`read_artifact`.
    """
    files = [paths] if isinstance(paths, (str, Path)) else paths
    if not isinstance(files, (list, tuple)) or not all(isinstance(file, (str, Path)) for file in files):
        raise ConfigError(
            f"fitted is {paths!r}; give a Fitted, or the path of a file that `quantumtrader fit` wrote, or a list of such"
        )
    seen: dict[str, Path] = {}
    found: list[Artifact] = []
    for path in map(Path, files):
        artifact = read_artifact(path)
        if artifact.kind in seen:
            raise ConfigError(f"{path}: a second {artifact.kind} fit; {seen[artifact.kind]} is one already")
        seen[artifact.kind] = path
        if artifact.symbol != instrument.symbol and artifact.product != instrument.product:
            raise ConfigError(
                f"{path}: it was fitted to {artifact.symbol} ({artifact.product}), and this is {instrument.symbol} "
                f"({instrument.product})"
            )
        if artifact.tick_size != instrument.tick_size:
            raise ConfigError(
                f"{path}: its tick is {artifact.tick_size:g}, that of {instrument.symbol} {instrument.tick_size:g}"
            )
        found.append(artifact)
    return Fits(tuple(found))


def fitted_hashes(fitted: Fitted, features: Sequence[str]) -> Mapping[str, str]:
    """Return the hash of each fit that any of the features reads, as ``fitted_<kind>``: ``Artifact.values_hash``."""
    values: dict[str, dict[str, Any]] = {}
    if fitted.microprice is not None:
        since, table = fitted.microprice
        values["microprice"] = {"usable_from_ns": since, "adjustment": _numbers(list(table))}
    if fitted.pin:
        values["pin"] = {"pin": _series(fitted.pin)}
    if fitted.vpin_bucket is not None:
        values["vpin"] = {"usable_from_ns": fitted.vpin_from_ns, "bucket": fitted.vpin_bucket}
    return {
        f"fitted_{kind}": _hash({"kind": kind, "values": numbers})
        for kind, numbers in values.items()
        if any(name in features for name in FEATURES[kind])
    }


def _check(artifact: Artifact) -> None:
    """Raise for values that the engine would not take."""
    fitted = artifact.fitted()
    if artifact.kind == "microprice":
        since, table = fitted.microprice or (0, ())
        if type(since) is not int or len(table) != STATES or any(math.isinf(x) for x in table):
            raise ValueError(f"expected a time and {STATES} numbers")
    elif artifact.kind == "pin":
        times = [t for t, _ in fitted.pin]
        if any(type(t) is not int for t in times) or times != sorted(set(times)):
            raise ValueError("expected times in order")
        if not times or any(not 0 <= p <= 1 for _, p in fitted.pin):
            raise ValueError("expected shares between 0 and 1")
    elif type(fitted.vpin_bucket) is not int or fitted.vpin_bucket < 1:
        raise ValueError("expected a bucket of at least 1 contract")
    elif type(fitted.vpin_from_ns) is not int:
        raise ValueError("expected the time from which the bucket may be used")


def _numbers(values: Sequence[float]) -> list[float | None]:
    """Write NaN as JSON's null, and whole numbers as floats."""
    return [None if math.isnan(x) else float(x) for x in values]


def _series(values: Sequence[tuple[int, float]]) -> list[list[int | float]]:
    return [[t, float(p)] for t, p in values]


def _hash(value: Any) -> str:
    return hashlib.sha256(canonical_json(value)).hexdigest()
