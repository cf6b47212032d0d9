"""How far a label looks ahead, and whether the recording shows anything in that time."""

from __future__ import annotations

from quantumtrader.exceptions import DataError
from quantumtrader.training.pipelines.recording import Survey

__all__ = ["barrier_horizon_ns", "require_prices"]

_FIVE_MINUTES = 300 * 10**9
_HOUR_S, _HALF_AN_HOUR_S = 3600, 1800


def barrier_horizon_ns(horizon_s: float, survey: Survey) -> int:
    """Return the vertical barrier in ns; for 0 an hour with bars of five minutes or more, else half an hour.

    Raises
    ------
    DataError
        It is shorter than a bar.
    """
    chosen = horizon_s or (_HOUR_S if survey.bar_ns >= _FIVE_MINUTES else _HALF_AN_HOUR_S)
    horizon_ns = int(chosen * 1e9)
    require_prices(horizon_ns, survey)
    return horizon_ns


def require_prices(horizon_ns: int, survey: Survey) -> None:
    """Refuse a horizon in which bars show no price: the label would be of the bar after it.

    Raises
    ------
    DataError
        It is shorter than a bar.
    """
    if horizon_ns < survey.bar_ns:
        bar_s = survey.bar_ns / 1e9
        raise DataError(
            f"the horizon of {horizon_ns / 1e9:g} s is shorter than a bar of {bar_s:g} s: no price is known within it",
            remedy=f"Look at least {bar_s:g} s ahead (--horizon-s), or record shorter bars",
        )
