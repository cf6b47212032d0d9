"""Chooses between the two engines: the compiled ``_core`` and the numpy twin ``_fallback``.

The choice is made once, at first use. ``QUANTUMTRADER_ENGINE`` overrides it:

``auto``
    The Rust engine when it can be loaded and its version is the package's, else the Python engine with one
    :class:`EngineFallbackWarning`. The default.
``rust``
    The Rust engine, or an :class:`~quantumtrader.exceptions.EngineError` that says why not.
``python``
    The Python engine, without a warning.
"""

from __future__ import annotations

import importlib
import os
import warnings
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, cast

from quantumtrader import __version__
from quantumtrader.exceptions import ConfigError, EngineError

if TYPE_CHECKING:
    from quantumtrader._protocols import EngineModule

__all__ = ["ENGINE_VARIABLE", "EngineFallbackWarning", "EngineInfo", "core", "engine", "reason"]

ENGINE_VARIABLE = "QUANTUMTRADER_ENGINE"
"""Environment variable that chooses the engine."""

_CHOICES = ("auto", "rust", "python")
_REMEDY = (
    "To get the Rust engine, install a wheel for this platform (pip install --only-binary :all: quantumtrader) "
    "or build it: install cargo from https://rustup.rs, then run `maturin develop --release`. "
    f"To silence this, set {ENGINE_VARIABLE}=python"
)


class EngineFallbackWarning(RuntimeWarning):
    """The Rust engine could not be used; the Python engine computes the same numbers, slower."""


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Which engine is in force.

    Parameters
    ----------
    name : str
        ``rust`` or ``python``.
    reason : str
        Why this one.
    version : str
        Version of the engine; always that of the package.
    path : str
        File it was loaded from.
    """

    name: str
    reason: str
    version: str
    path: str


def engine() -> EngineInfo:
    """Return which engine is in force and why.

    Raises
    ------
    ConfigError
        If ``QUANTUMTRADER_ENGINE`` holds none of ``auto``, ``rust``, ``python``.
    EngineError
        If the Rust engine is demanded and cannot be used.
    """
    return _resolve()[0]


def core() -> EngineModule:
    """Return the module of the engine in force; errors as in :func:`engine`."""
    return _resolve()[1]


def reason() -> str:
    """Return why this engine is in force; errors as in :func:`engine`."""
    return engine().reason


@cache
def _resolve() -> tuple[EngineInfo, EngineModule]:
    choice = os.environ.get(ENGINE_VARIABLE, "auto").strip().lower() or "auto"
    if choice not in _CHOICES:
        raise ConfigError(
            f'{ENGINE_VARIABLE} is "{os.environ[ENGINE_VARIABLE]}"; expected one of {", ".join(_CHOICES)}'
        )
    if choice == "python":
        return _load("_fallback", f"{ENGINE_VARIABLE}=python")
    module, obstacle = _load_rust()
    if module is not None:
        return _info(
            module, f"{ENGINE_VARIABLE}=rust" if choice == "rust" else "the compiled engine is installed"
        )
    if choice == "rust":
        raise EngineError(f"{ENGINE_VARIABLE}=rust, but {obstacle}. {_REMEDY}")
    warnings.warn(f"using the Python engine: {obstacle}. {_REMEDY}", EngineFallbackWarning, stacklevel=4)
    return _load("_fallback", obstacle)


def _load_rust() -> tuple[ModuleType | None, str]:
    """Return the compiled module, or why it cannot be used."""
    try:
        module = importlib.import_module("quantumtrader._core")
    except ModuleNotFoundError as error:
        if error.name != "quantumtrader._core":
            raise
        return None, "the compiled module quantumtrader._core is not installed"
    except ImportError as error:
        return None, f"quantumtrader._core does not load ({error})"
    version = getattr(module, "__version__", "unknown")
    if version != __version__:
        return None, f"quantumtrader._core has version {version} and the package has {__version__}"
    return module, ""


def _load(name: str, reason: str) -> tuple[EngineInfo, EngineModule]:
    return _info(importlib.import_module(f"quantumtrader.{name}"), reason)


def _info(module: ModuleType, reason: str) -> tuple[EngineInfo, EngineModule]:
    typed = cast("EngineModule", module)
    return EngineInfo(typed.ENGINE, reason, typed.__version__, module.__file__ or module.__name__), typed
