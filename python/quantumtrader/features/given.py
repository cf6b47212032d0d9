"""What settings and commands say of how features are measured: fits, and thresholds of the detectors.

A command's ``--fitted`` files take the place of ``[fitted]``, its ``--detector-settings`` file that of ``[detectors]``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantumtrader.exceptions import ConfigError
from quantumtrader.features.detectors import DetectorSettings
from quantumtrader.features.fit.artifact import Fits, load_fits
from quantumtrader.types import Instrument

if TYPE_CHECKING:
    from quantumtrader.config import Settings

__all__ = ["given_detectors", "given_files", "given_fits", "thresholds_of"]


def given_files(
    settings: Settings | None, instrument: Instrument, files: Sequence[Path] | None = None
) -> tuple[Path, ...]:
    """Return the fit files of an instrument: those of the command, else those of the settings.

    Parameters
    ----------
    settings : Settings or None
        ``[fitted]`` names files by symbol or product; a symbol is stronger.
    instrument : Instrument
        Whose features are computed.
    files : sequence of Path, optional
        Of the command.

    Raises
    ------
    ConfigError
        The settings name something twice, or neither a product, nor a contract, nor an instrument of the user's own.
    """
    if files:
        return tuple(files)
    named: dict[str, tuple[Path, ...]] = {}
    for name, paths in {} if settings is None else settings.fitted.items():
        if name.upper() in named:
            raise ConfigError(
                f"settings, [fitted]: {name.upper()} is there twice, in capitals and not; keep one"
            )
        named[name.upper()] = paths
    if settings is not None and named:
        _require_known(settings, named)
    return named.get(instrument.symbol.upper(), named.get(instrument.product.upper(), ()))


def _require_known(settings: Settings, names: Iterable[str]) -> None:
    from quantumtrader.data.calendar import facts
    from quantumtrader.data.contracts import parse_symbol
    from quantumtrader.exceptions import UnknownInstrumentError

    own = settings.instruments
    known = {*facts()["products"], *(name.upper() for name in own)}
    known |= {about.product.upper() for about in own.values() if about.product}
    for name in names:
        if name not in known:
            try:
                parse_symbol(name)
            except UnknownInstrumentError:
                raise ConfigError(
                    f"settings, [fitted]: {name} names neither a product ({', '.join(facts()['products'])}), nor a "
                    "contract, nor an instrument of your own; correct the name or remove it"
                ) from None


def given_fits(
    settings: Settings | None, instrument: Instrument, files: Sequence[Path] | None = None
) -> Fits:
    """Read the fits of an instrument; parameters as of :func:`given_files`, errors as of ``load_fits``."""
    return load_fits(given_files(settings, instrument, files), instrument)


def given_detectors(
    settings: Settings | None, given: Path | DetectorSettings | None = None
) -> DetectorSettings | None:
    """Return the thresholds of the command, in a file or read already, else those of the settings; None: nobody says any.

    Raises
    ------
    ConfigError
        There is no such threshold, or a value is out of its range.
    DataAccessError
        The file cannot be read.
    """
    if given is not None:
        return DetectorSettings.read(given) if isinstance(given, Path) else given
    return None if settings is None else thresholds_of(settings.detectors, "settings, [detectors]")


def thresholds_of(values: Mapping[str, Any] | None, where: str) -> DetectorSettings | None:
    """Return thresholds that somebody wrote down, None where there are none; as of ``DetectorSettings.given``."""
    return DetectorSettings.given(values, where) if values else None
