"""What may be claimed: Sharpe ratios deflated by the trials behind them, overfitting, costs, calibration.

Every function takes arrays and returns numbers; none draws a conclusion on its own. NaN means that a number
is not defined for the input, never that it is zero.
"""

from quantumtrader.training.evaluation.bootstrap import block_length, stationary_indices
from quantumtrader.training.evaluation.break_even import break_even, round_trip_share
from quantumtrader.training.evaluation.calibration import (
    Reliability,
    brier,
    expected_calibration_error,
    log_loss,
    log_loss_skill,
    reliability,
)
from quantumtrader.training.evaluation.capacity import Capacity, capacity, walk_the_book
from quantumtrader.training.evaluation.clustered import Interval, clustered_mean
from quantumtrader.training.evaluation.overfitting import Overfitting, pbo
from quantumtrader.training.evaluation.reality_check import RealityCheck, reality_check, spa
from quantumtrader.training.evaluation.sharpe import (
    Sharpe,
    annualised,
    deflated_sharpe,
    expected_best_sharpe,
    probabilistic_sharpe,
    sharpe,
    track_record_length,
)

__all__ = [
    "Capacity",
    "Interval",
    "Overfitting",
    "RealityCheck",
    "Reliability",
    "Sharpe",
    "annualised",
    "block_length",
    "break_even",
    "brier",
    "capacity",
    "clustered_mean",
    "deflated_sharpe",
    "expected_best_sharpe",
    "expected_calibration_error",
    "log_loss",
    "log_loss_skill",
    "pbo",
    "probabilistic_sharpe",
    "reality_check",
    "reliability",
    "round_trip_share",
    "sharpe",
    "spa",
    "stationary_indices",
    "track_record_length",
    "walk_the_book",
]
