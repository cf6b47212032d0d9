"""Versions of what a training's numbers come from besides this package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["library_versions"]

_Distributions = dict[str, tuple[str, ...]]

_ALWAYS: _Distributions = {"numpy": ("numpy",), "scipy": ("scipy",), "lightgbm": ("lightgbm",)}
_OF_A_SET: dict[str, _Distributions] = {
    "standard": {"xgboost": ("xgboost", "xgboost-cpu")},
    "tuned": {"optuna": ("optuna",)},
    "deep": {name: (name,) for name in ("jax", "jaxlib", "optax")},
}


def library_versions(candidates: str) -> dict[str, str | None]:
    """Return the installed versions of the libraries that a set of candidates computes with; None where there is none.

    A training is asked for together with them: under another version it might end in other bytes, and another candidate
    might compete.
    """
    wanted = _ALWAYS | _OF_A_SET.get(candidates, {})
    return {name: _version(distributions) for name, distributions in wanted.items()}


def _version(distributions: tuple[str, ...]) -> str | None:
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None
