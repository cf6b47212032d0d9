"""Which class computes which feature, and what the catalogue says about it."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from typing import TYPE_CHECKING, ClassVar, TypeVar

from quantumtrader.exceptions import EngineError, UnknownFeatureError

if TYPE_CHECKING:
    from quantumtrader._fallback.features.flow import Flow


@dataclass(frozen=True, slots=True)
class Spec:
    """The part of a catalogue entry that decides numbers.

    Parameters
    ----------
    name : str
        Canonical name.
    inputs : frozenset of str
        ``T`` trades, ``L1`` touch, ``L2`` book, ``B`` bars.
    window_ns : int
        Warm-up of rule Wt: time since the session start that must have passed; 0 for the other rules.
    """

    name: str
    inputs: frozenset[str]
    window_ns: int


class Feature:
    """One number read from the state engines.

    A subclass subscribes to what it needs in ``__init__`` and keeps at most its own window. The engine masks
    time warm-up and missing inputs, so ``value`` may assume both.
    """

    needs_sizes: ClassVar[bool] = False
    """Whether it has no value while the size at the touch is not known."""

    def __init__(self, spec: Spec, flow: Flow) -> None:
        self.spec = spec

    def value(self, t: int) -> float:
        """Return the value at time ``t``, never less than the ``t`` of the last read."""
        raise NotImplementedError

    def restart(self) -> None:
        """Forget the session; called at its start."""


FAMILIES = ("order_flow", "tape_reading", "footprint", "liquidity", "microstructure", "technical")
F = TypeVar("F", bound=type[Feature])
_CLASSES: dict[str, type[Feature]] = {}


def feature(*names: str) -> Callable[[F], F]:
    """Register a class under the catalogue names that it computes."""

    def register(cls: F) -> F:
        for name in names:
            if name in _CLASSES:
                raise EngineError(
                    f'feature "{name}" is registered by {_CLASSES[name].__name__} and {cls.__name__}'
                )
            _CLASSES[name] = cls
        return cls

    return register


@cache
def registered() -> dict[str, type[Feature]]:
    """Return the class of every feature, by name."""
    for family in FAMILIES:
        package = import_module(f"{__package__}.{family}")
        for module in pkgutil.iter_modules(package.__path__):
            import_module(f"{package.__name__}.{module.name}")
    return dict(_CLASSES)


@cache
def specs() -> dict[str, Spec]:
    """Return the catalogue, by name, in catalogue order."""
    text = (resources.files("quantumtrader._generated") / "catalog.json").read_text(encoding="utf-8")
    return {
        entry["name"]: Spec(entry["name"], frozenset(entry["inputs"]), _window_ns(entry))
        for entry in json.loads(text)["features"]
    }


def _window_ns(entry: dict[str, object]) -> int:
    window = entry.get("warmup_ns")
    return window if isinstance(window, int) else 0


def create(name: str, flow: Flow) -> Feature:
    """Build one feature on the state engines of ``flow``."""
    spec, cls = specs().get(name), registered().get(name)
    if spec is None or cls is None:
        raise UnknownFeatureError(f'no feature "{name}" in the catalogue')
    return cls(spec, flow)
