"""What the mapping of a training says beside its settings: which instrument, where its data lie, where models go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from quantumtrader.exceptions import ConfigError
from quantumtrader.training.pipelines.recording import Recording

__all__ = ["OUT", "Paths", "Sources", "as_date", "split_config"]

C = TypeVar("C")
Paths = Path | str | Sequence[Path | str]
"""A file, folder or lake; or several files of one instrument."""

OUT = Path("training")
"""Folder of trainings that are given none."""
_KEYS = ("symbol", "tick_data_path", "book_data_path", "models_path", "fitted")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where data and models are; one mapping serves every training, which reads of it what it needs.

    Parameters
    ----------
    who : str
        Who asks, for messages.
    symbol : str, optional
    tick_data_path, book_data_path : path, or sequence of paths, optional
        What ``Recording.open`` takes.
    models_path : path, optional
        The registry.
    fitted : path, or sequence of paths, optional
        Files of ``quantumtrader fit``.
    """

    who: str
    symbol: str | None = None
    tick_data_path: Paths | None = None
    book_data_path: Paths | None = None
    models_path: Path | str | None = None
    fitted: Paths = ()

    @property
    def models(self) -> Path | None:
        """The registry; None where none is named."""
        return None if self.models_path is None else Path(self.models_path)

    def require(self, name: str) -> Any:
        """Return one of them.

        Raises
        ------
        ConfigError
            It was not given.
        """
        value = getattr(self, name)
        if value is None:
            raise ConfigError(f"{self.who}: the configuration has no {name}")
        return value

    def ticks(self, symbol: str | None = None, start: date | None = None) -> Recording:
        """Open ``tick_data_path``, of the symbol of the configuration or of another one."""
        return Recording.open(self.require("tick_data_path"), symbol or self.require("symbol"), start=start)

    def book(self, symbol: str | None = None) -> Recording:
        """Open ``book_data_path``, of the symbol of the configuration or of another one."""
        return Recording.open(self.require("book_data_path"), symbol or self.require("symbol"))


def split_config(config: C | Mapping[str, Any], kind: type[C], who: str) -> tuple[Sources, C]:
    """Divide a mapping into sources and the settings of a training; settings as such come without sources.

    Raises
    ------
    ConfigError
        A key is neither.
    """
    if isinstance(config, kind):
        return Sources(who), config
    assert isinstance(config, Mapping)
    known = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    odd = sorted(config.keys() - {*known, *_KEYS})
    if odd:
        raise ConfigError(f"{who}: no setting {', '.join(odd)}; there are {', '.join((*_KEYS, *known))}")
    sources = Sources(who, **{key: config[key] for key in _KEYS if key in config})
    return sources, kind(**{key: value for key, value in config.items() if key not in _KEYS})


def as_date(value: date | str | None, name: str) -> date | None:
    """Return a date that may be written as ``2025-07-01``.

    Raises
    ------
    ConfigError
        It is none.
    """
    if isinstance(value, datetime):
        return value.date()
    if value is None or isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{name} is {value!r}, expected a date such as 2025-07-01") from error
