"""When a model is trained again: a rule in its folder, which training obeys."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from quantumtrader.exceptions import ConfigError, DataAccessError, DataFormatError
from quantumtrader.features.catalogue import canonical_json
from quantumtrader.models.folder import check_name, write_whole

__all__ = ["RULE", "RetrainingConfig", "read_rule", "write_rule"]

RULE = "retraining.json"
"""File of a model."""


@dataclass(frozen=True, slots=True)
class RetrainingConfig:
    """When models are trained again. The result is a candidate like any other: the gate is the same.

    Parameters
    ----------
    enabled : bool
        Whether at all.
    every_sessions : int
        Sessions between two trainings.
    min_new_rows : int
        Rows that must have come since.
    max_psi : float
        Population stability index of a feature beyond which training does not wait.
    models : tuple of str
        Names that it is for; empty for all.

    Raises
    ------
    ConfigError
        A value is out of range.
    """

    enabled: bool = True
    every_sessions: int = 5
    min_new_rows: int = 1_000
    max_psi: float = 0.25
    models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        kinds = {"enabled": bool, "every_sessions": int, "min_new_rows": int}
        for name, kind in kinds.items():
            if type(value := getattr(self, name)) is not kind:
                raise ConfigError(f"retraining: {name} is {value!r}, expected {kind.__name__}")
        if not isinstance(self.max_psi, (int, float)) or not math.isfinite(self.max_psi):
            raise ConfigError(f"retraining: max_psi is {self.max_psi!r}, expected a finite number")
        if self.every_sessions < 1 or self.min_new_rows < 0 or not self.max_psi > 0:
            raise ConfigError(
                f"retraining: every_sessions {self.every_sessions}, min_new_rows {self.min_new_rows}, max_psi "
                f"{self.max_psi}; expected at least 1, at least 0 and above 0"
            )

    def due(self, sessions: int, new_rows: int, psi: float) -> bool:
        """Whether to train now.

        Parameters
        ----------
        sessions, new_rows : int
            Since the last training.
        psi : float
            Greatest index over the features; NaN where it is not known.
        """
        waited = sessions >= self.every_sessions or psi > self.max_psi
        return self.enabled and waited and new_rows >= self.min_new_rows

    def is_for(self, name: str) -> bool:
        """Whether the rule is for a model."""
        return not self.models or name in self.models

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Take a rule from names and values.

        Raises
        ------
        ConfigError
            A name is unknown, or a value out of range.
        """
        known = {f.name for f in fields(cls)}
        odd = [key for key in values if key not in known]
        if odd:
            raise ConfigError(f"retraining: no setting {odd[0]!r}; there are {', '.join(sorted(known))}")
        names = values.get("models", ())
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            raise ConfigError(f"retraining: models is {names!r}, expected names")
        return cls(**{**values, "models": tuple(names)})


def write_rule(root: Path, name: str, rule: RetrainingConfig) -> None:
    """Set the rule of a model, in place of an earlier one.

    Raises
    ------
    DataAccessError
        It cannot be written.
    """
    write_whole(root / check_name(name) / RULE, canonical_json(asdict(rule)) + b"\n")


def read_rule(root: Path, name: str) -> RetrainingConfig | None:
    """Return the rule that was set for a model; None where none was.

    Raises
    ------
    DataFormatError
        The file holds no rule.
    DataAccessError
        It cannot be read.
    """
    path = root / check_name(name) / RULE
    try:
        return RetrainingConfig.of(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataAccessError(f"cannot be read ({error.strerror})", path=path) from error
    except (ValueError, TypeError, AttributeError, ConfigError) as error:
        raise DataFormatError(
            f"is no rule of retraining ({error})",
            path=path,
            remedy="Set it again with ModelManager.setup_auto_retraining, or remove the file",
        ) from error
