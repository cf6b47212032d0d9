"""The user's feature engine: one surface over whichever engine is in force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Self

import numpy as np

from quantumtrader import _backend
from quantumtrader._protocols import Float64, Int64
from quantumtrader.exceptions import ConfigError
from quantumtrader.features.aliases import canonical
from quantumtrader.features.catalogue import catalogue_hash
from quantumtrader.features.detectors import (
    Detection,
    DetectorSettings,
    detections,
    detector_kinds,
    thresholds_read,
)
from quantumtrader.features.lags import LaggedRows, split_lag
from quantumtrader.features.manifest import THRESHOLD, FeatureManifest
from quantumtrader.features.sets import resolve
from quantumtrader.types import Events, FeatureFrame, Fitted, Instrument

FOOTPRINT_ROW = np.dtype([("px", np.int32), ("buy", np.int64), ("sell", np.int64), ("total", np.int64)])
"""One price row of a footprint."""


class FeatureEngine:
    """Computes features over a stream of events.

    Batch is a loop over streaming: any chunking of the same events gives the same numbers, bit for bit.

    Parameters
    ----------
    names : str or sequence of str
        A set (``tick_only``, ``book_enhanced``, ``order_flow``, ``bars``, ``all``, …), one feature, or a list. An
        alias such as ``hmarl_ofi_1m`` names the column; its feature is computed once, whatever its names.
        ``name@3`` is the value three rows before, within the session (see :func:`quantumtrader.features.lagged`).
    instrument : Instrument or str
        What the events are about; gives tick and point value. A string is a symbol of the instrument table.
    clock : str
        When a row is due: ``event`` (after every packet), ``bar`` (each closed bar), a time such as ``100ms``
        (a grid from the session start), or a count such as ``50trades``.
    warmup : str
        ``full``: NaN until a whole window has passed; ``partial``: time windows count from the first event.
    rlp_sign : str
        Side of retail-liquidity prints: ``drop`` leaves them unsigned, ``quote`` signs them against the mid
        (Lee and Ready, 1991).
    day : date, optional
        A session of the stream: the instrument's hours in force on it are the scheduled length that
        ``session_frac`` is a share of. By default the hours in force last; ``session_frac`` is NaN without any.
    detect : str or sequence of str, optional
        Kinds of detections to collect (``sweep``, ``iceberg_native``, …, see :func:`detector_kinds`), or ``all``.
        With it, ``names`` may be empty.
    detectors : DetectorSettings, optional
        Thresholds of the detectors, of those behind features too.
    fitted : Fitted, path, or list of paths, optional
        What was fitted off the hot path, or files that ``quantumtrader fit`` wrote, at most one of each kind. Without
        it ``microprice_dev`` and ``pin_60`` are NaN. The manifest carries the hash of each fit that a column reads.

    Raises
    ------
    UnknownFeatureError
        If a name is not in the catalogue; the message offers close ones.
    UnknownInstrumentError
        If a symbol is not in the table.
    ConfigError
        If another argument is out of range, or a fit is of another product or tick.
    DataError
        If a fit file cannot be read.

    Examples
    --------
    >>> from quantumtrader import FeatureEngine, Instrument, empty_events
    >>> wdo = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0)
    >>> engine = FeatureEngine(["cvd_session", "flow_ofi_1m"], wdo, clock="1s")
    >>> len(engine.run(empty_events()))
    0
    """

    def __init__(
        self,
        names: str | Sequence[str],
        instrument: Instrument | str,
        clock: str = "100ms",
        warmup: str = "full",
        rlp_sign: str = "drop",
        day: date | None = None,
        detect: str | Sequence[str] | None = None,
        detectors: DetectorSettings | None = None,
        fitted: Fitted | Path | str | Sequence[Path | str] | None = None,
    ) -> None:
        if isinstance(instrument, str):
            # Loaded here so that the engine itself needs no settings and no calendar.
            from quantumtrader.data.contracts import instrument as find_instrument

            instrument = find_instrument(instrument)
        if not isinstance(instrument, Instrument):
            raise ConfigError(
                f"instrument is {instrument!r}: give a symbol such as 'WDOU25', or an Instrument, for example "
                "quantumtrader.data.contracts.instrument('WDOU25')"
            )
        self.instrument = instrument
        self._asked = (names, instrument, clock, warmup, rlp_sign, day, detect, detectors, fitted)
        kinds = _kinds(detect)
        self._names = () if kinds and not names else resolve(names)
        if detectors is not None and not isinstance(detectors, DetectorSettings):
            raise ConfigError(f"detectors is {detectors!r}; give DetectorSettings(...)")
        self._detectors = detectors or DetectorSettings()
        # Aliases are columns, not computations: each feature is computed once.
        repeated = [name for k, name in enumerate(self._names) if name in self._names[:k]]
        if repeated:
            raise ConfigError(f'feature "{repeated[0]}" is given twice')
        wanted = [split_lag(canonical(name)) for name in self._names]
        computed = list(dict.fromkeys(name for name, _ in wanted))
        place = {name: k for k, name in enumerate(computed)}
        columns = np.array([place[name] for name, _ in wanted], np.int64)
        lags = np.array([lag for _, lag in wanted], np.int64)
        self._columns = None if np.array_equal(columns, np.arange(len(computed))) else columns
        self._lags = LaggedRows(columns, lags, instrument) if lags.any() else None
        if day is not None and type(day) is not date:
            raise ConfigError(f"day is {day!r}; give a datetime.date, for example date(2025, 7, 1)")
        session_seconds = instrument.session_seconds(day)
        options: dict[str, str | float | None] = {}
        if "session_frac" in computed:
            options["session_seconds"] = session_seconds
        # Thresholds other than the catalogue's change what the columns mean that read them.
        read = thresholds_read(computed)
        options |= {
            f"{THRESHOLD}{name}": value for name, value in self._detectors.changed().items() if name in read
        }
        if fitted is not None:
            # Loaded here because few engines need it.
            from quantumtrader.features.fit.artifact import fitted_hashes, load_fitted

            if not isinstance(fitted, Fitted):
                fitted = load_fitted(fitted, instrument)
            options |= fitted_hashes(fitted, computed)
        self._engine = _backend.core().FeatureEngine(
            computed,
            instrument.tick_size,
            instrument.point_value,
            clock,
            warmup,
            rlp_sign,
            session_seconds,
            fitted,
            detect=kinds or None,
            settings=self._detectors.changed() or None,
        )
        chosen = _backend.engine()
        self._manifest = FeatureManifest.of(
            self._names,
            clock=clock,
            warmup=warmup,
            rlp_sign=rlp_sign,
            tick_size=instrument.tick_size,
            point_value=instrument.point_value,
            engine=chosen.name,
            version=chosen.version,
            options=options,
        )
        self._metadata = {
            "symbol": instrument.symbol,
            "clock": clock,
            "warmup": warmup,
            "rlp_sign": rlp_sign,
            "session_seconds": "unknown" if session_seconds is None else f"{session_seconds:g}",
            "engine": chosen.name,
            "version": chosen.version,
            "catalogue": catalogue_hash(),
            "manifest": self._manifest.to_json(),
        }

    @classmethod
    def for_manifest(
        cls,
        manifest: FeatureManifest,
        instrument: Instrument | str,
        day: date | None = None,
        fitted: Fitted | Path | str | Sequence[Path | str] | None = None,
        detectors: DetectorSettings | None = None,
        *,
        require_fits: bool = True,
    ) -> FeatureEngine:
        """Build the engine that a manifest describes, for an instrument.

        Thresholds of detectors come from the manifest unless given; a fit it knows by its hash only: give the same.

        Whether its rows are of the same kind is for :meth:`FeatureManifest.require` to say: tick, definitions and
        version are those of here.

        Raises
        ------
        ManifestError
            If columns read a fit that is not given, or that is another one; ``require_fits=False`` leaves that to
            :meth:`FeatureManifest.differences`.
        """
        if detectors is None:
            detectors = DetectorSettings.of(
                {k.removeprefix(THRESHOLD): v for k, v in manifest.options if k.startswith(THRESHOLD)}
            )
        built = cls(
            manifest.names,
            instrument,
            manifest.clock,
            manifest.warmup,
            manifest.rlp_sign,
            day,
            detectors=detectors,
            fitted=fitted,
        )
        if require_fits:
            manifest.require_fits(built)
        return built

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names in column order."""
        return self._names

    @property
    def manifest(self) -> FeatureManifest:
        """What a row is: columns in order, definitions, clock, options, engine. Frames carry it as JSON."""
        return self._manifest

    @property
    def now_ns(self) -> int:
        """Engine time: the greatest ``ts_event`` seen, ns UTC; the least int64 before the first event."""
        return self._engine.now_ns

    def update(self, event: np.void) -> bool:
        """Apply one event; True when a row became due (read it with :meth:`take`).

        Raises
        ------
        UnsortedEventsError
            If ``ts_recv`` or ``sequence`` runs backwards; nothing is applied then.
        """
        return self._engine.update(event)

    def update_many(self, events: Events) -> int:
        """Apply events in order; returns how many rows became due.

        Parameters
        ----------
        events : Events, shape (n_events,)
            Contiguous ``EVENT`` records; read without a copy by the Rust engine.

        Raises
        ------
        UnsortedEventsError
            If ``ts_recv`` or ``sequence`` runs backwards; the message gives the index, nothing is applied.
        DataError
            If ``ts_event`` jumps so far that one step makes more than a million rows or bars; the events before
            it have been applied.
        ValueError
            If the array has another dtype or is not contiguous.
        """
        return self._engine.update_many(events)

    def snapshot(self) -> Float64:
        """Return the values now, shape (n_features,); NaN where not warm or not defined.

        Columns of earlier rows look back from here over the rows that were taken.
        """
        values = self._engine.snapshot()
        if self._lags is not None:
            now = np.array([max(self.now_ns, 0)], np.int64)
            return np.asarray(self._lags.expand(now, values[None, :], keep=False)[0])
        return values if self._columns is None else values[self._columns]

    def footprint(self) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        """Return the price rows of the last closed five-minute bar, from the lowest up.

        Returns
        -------
        ndarray of FOOTPRINT_ROW, shape (n_rows,)
            Fields ``px`` in ticks, and ``buy``, ``sell`` and ``total`` in contracts: what aggressors bought and sold at
            that price, and all that traded. Empty before the first bar, where it had no print, and where no feature of
            this engine reads footprints.
        """
        columns = self._engine.footprint()
        rows = np.zeros(len(columns[0]), FOOTPRINT_ROW)
        for name, column in zip(("px", "buy", "sell", "total"), columns, strict=True):
            rows[name] = column
        return rows

    def take(self) -> FeatureFrame:
        """Hand over the rows due since the last call."""
        return self.take_counted()[0]

    def take_counted(self) -> tuple[FeatureFrame, Int64]:
        """Hand over the rows due since the last call, and how many events each one has seen.

        Returns
        -------
        frame : FeatureFrame
            As from :meth:`take`.
        counts : ndarray of int64, shape (n_samples,)
            Events applied when each row was read, counted since the last :meth:`reset`.
        """
        times, values, counts = self._engine.take()
        if self._lags is not None:
            values = self._lags.expand(times, values)
        elif self._columns is not None:
            values = values[:, self._columns]
        return FeatureFrame(self._names, times, values, dict(self._metadata)), counts

    def take_detections(self) -> list[Detection]:
        """Hand over the detections since the last call, by the time at which they became certain.

        Kinds that ``detect`` did not name are not among them. Detections that nobody takes are dropped, the oldest
        first, beyond 65,536.
        """
        return detections(self._engine.take_detections())

    @property
    def detector_settings(self) -> DetectorSettings:
        """Thresholds of the detectors."""
        return self._detectors

    @property
    def dropped(self) -> int:
        """What detectors dropped because a table was full."""
        return self._engine.dropped

    def run(self, events: Events) -> FeatureFrame:
        """Compute the features over a whole stream, from the state of a new engine.

        Parameters
        ----------
        events : Events, shape (n_events,)
            Sorted by ``ts_recv`` and ``sequence``.

        Returns
        -------
        FeatureFrame, shape (n_samples, n_features)
            float64; NaN until a feature is warm. Equal bit for bit to the streaming result.

        Raises
        ------
        UnsortedEventsError
            If ``ts_recv`` or ``sequence`` runs backwards; the message gives the index.
        ValueError
            If the array has another dtype or is not contiguous.
        """
        self.reset()
        self.update_many(events)
        return self.take()

    def reset(self) -> None:
        """Return to the state of a new engine; rows not taken are dropped."""
        self._engine.reset()
        if self._lags is not None:
            self._lags.reset()

    def clone(self) -> Self:
        """Return a new engine that was asked for the same, in the state of a new one."""
        return type(self)(*self._asked)

    def __repr__(self) -> str:
        return f"FeatureEngine({len(self._names)} features, {self.instrument.symbol}, clock={self._metadata['clock']!r})"


def _kinds(detect: str | Sequence[str] | None) -> list[str]:
    if detect is None:
        return []
    if isinstance(detect, str):
        return list(detector_kinds()) if detect == "all" else [detect]
    kinds = list(detect) if isinstance(detect, Iterable) else None
    if kinds is None or not all(isinstance(kind, str) for kind in kinds):
        raise ConfigError(f'detect is {detect!r}; give "all", or names of {", ".join(detector_kinds())}')
    return kinds
