"""With what a training measures its features, besides their names and their clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from quantumtrader.features import DetectorSettings
from quantumtrader.features.fit.artifact import Fits, load_fits
from quantumtrader.features.sets import resolve
from quantumtrader.training.pipelines.sources import Paths
from quantumtrader.types import Fitted, Instrument

__all__ = ["Measured", "Measuring"]


@dataclass(frozen=True, slots=True)
class Measured:
    """Fits and thresholds.

    Parameters
    ----------
    fits : Fits
        Those that a feature reads.
    detectors : DetectorSettings or None
        Thresholds of the detectors; None for the defaults.
    """

    fits: Fits = field(default_factory=Fits)
    detectors: DetectorSettings | None = None

    @property
    def fitted(self) -> Fitted | None:
        """What the engine is given; None without any."""
        return self.fits.given

    def request(self) -> dict[str, Any]:
        """Return what tells one training from another with other fits; nothing without any."""
        found = {artifact.kind: artifact.values_hash for artifact in self.fits.artifacts}
        return {"fitted": found} if found else {}


class Measuring:
    """Reads the fits of one training once: a file that somebody replaces meanwhile changes nothing of it.

    Parameters
    ----------
    files : path, sequence of paths, or Fits
        Files of ``quantumtrader fit``.
    features : str or tuple of str
        A set, or features.
    detectors : DetectorSettings or None
        Thresholds of the detectors; None for the defaults.
    """

    def __init__(
        self, files: Paths | Fits, features: str | tuple[str, ...], detectors: DetectorSettings | None
    ) -> None:
        self._files, self._features, self._detectors = files, features, detectors
        self._read: dict[str, Measured] = {}

    def of(self, instrument: Instrument) -> Measured:
        """Return the fits that any of the features reads, and the thresholds.

        Parameters
        ----------
        instrument : Instrument
            Of the recording; the fits must be of its product and its tick.

        Raises
        ------
        ConfigError
            A fit is of another product or tick, or two are of one kind.
        DataError
            A file cannot be read.
        """
        if instrument.symbol not in self._read:
            fits = self._files if isinstance(self._files, Fits) else load_fits(self._files, instrument)
            self._read[instrument.symbol] = Measured(fits.read_by(resolve(self._features)), self._detectors)
        return self._read[instrument.symbol]
