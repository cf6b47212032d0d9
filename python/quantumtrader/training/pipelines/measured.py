"""With what a training measures its features, besides their names and their clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from quantumtrader.features import DetectorSettings
from quantumtrader.features.aliases import canonical
from quantumtrader.features.fit.artifact import Fits, load_fits
from quantumtrader.features.lags import split_lag
from quantumtrader.features.sets import resolve
from quantumtrader.training.pipelines.sources import Paths
from quantumtrader.types import Fitted, Instrument

__all__ = ["Measured"]


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

    @classmethod
    def of(
        cls,
        files: Paths | Fits,
        instrument: Instrument,
        features: str | tuple[str, ...],
        detectors: DetectorSettings | None,
    ) -> Measured:
        """Read the fits that any of the features reads.

        Parameters
        ----------
        files : path, sequence of paths, or Fits
            Files of ``quantumtrader fit``.
        instrument : Instrument
        features : str or tuple of str
            A set, or features.
        detectors : DetectorSettings or None

        Raises
        ------
        ConfigError
            A fit is of another product or tick, or two are of one kind.
        DataError
            A file cannot be read.
        """
        fits = files if isinstance(files, Fits) else load_fits(files, instrument)
        return cls(fits.read_by(split_lag(canonical(name))[0] for name in resolve(features)), detectors)

    @property
    def fitted(self) -> Fitted | None:
        """What the engine is given; None without any."""
        return self.fits.fitted if self.fits else None

    def request(self) -> dict[str, Any]:
        """Return what tells one training from another with other fits; nothing without any."""
        found = {artifact.kind: artifact.values_hash for artifact in self.fits.artifacts}
        return {"fitted": found} if found else {}
