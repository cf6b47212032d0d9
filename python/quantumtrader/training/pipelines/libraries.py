"""Versions of what a training's numbers come from besides this package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from quantumtrader.training.pipelines.candidates import NETWORKS, Candidates, names_of

__all__ = ["library_versions"]

_Distributions = dict[str, tuple[str, ...]]

_ALWAYS: _Distributions = {"numpy": ("numpy",), "scipy": ("scipy",), "lightgbm": ("lightgbm",)}
_OF_A_CANDIDATE: dict[str, _Distributions] = {
    "xgboost": {"xgboost": ("xgboost", "xgboost-cpu")},
    "lightgbm_tuned": {"optuna": ("optuna",)},
    **{network: {name: (name,) for name in ("jax", "jaxlib", "optax")} for network in NETWORKS},
}


def library_versions(candidates: Candidates) -> dict[str, str | None]:
    """Return the installed versions of the libraries that candidates compute with; None where there is none.

    A training is asked for together with them: under another version it might end in other bytes, and another candidate
    might compete.
    """
    wanted = dict(_ALWAYS)
    for candidate in names_of(candidates):
        wanted |= _OF_A_CANDIDATE.get(candidate, {})
    return {name: _version(distributions) for name, distributions in wanted.items()}


def _version(distributions: tuple[str, ...]) -> str | None:
    for name in distributions:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None
