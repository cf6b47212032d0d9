"""A model's out-of-fold record, judged by hand and by command."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

from quantumtrader.exceptions import DataFormatError
from quantumtrader.training.assessment.record import judge_record
from reference.hands import DAY, FIRST, S

pytest.importorskip("scipy", reason="intervals need the extra ml")


def table(sessions: int = 20, per_session: int = 30, up: float = 0.8, **columns: object) -> pa.Table:
    """Rows that rise and fall in turn; the model gives what comes ``up``."""
    n = sessions * per_session
    day = FIRST + np.repeat(np.arange(sessions), per_session)
    t0 = day * DAY + np.tile(np.arange(per_session), sessions) * 60 * S
    y = np.where(np.arange(n) % 2, 1, -1)
    right = np.where(y > 0, up, 1 - up)
    given = {
        "t0": t0, "t1": t0 + S, "session": day, "y": y, "p_-1": 1 - right, "p_1": right,
        "regime": np.where(np.arange(n) % per_session < 28, "range", ""),
    }  # fmt: skip
    return pa.table({k: v for k, v in (given | columns).items() if v is not None})


def test_a_record_by_hand() -> None:
    found = judge_record(table(), (-1, 1))
    assert (found.rows, found.predicted, found.sessions, found.n_eff) == (600, 600, 20, 600)
    assert (found.first, found.last) == ("2024-10-04", "2024-10-23")
    assert found.edge is not None
    assert found.edge.mean == pytest.approx(math.log(0.8) - math.log(0.5))
    assert found.quality is not None
    assert found.quality.brier == pytest.approx(0.04)
    assert found.quality.base_brier == pytest.approx(0.25)
    assert found.quality.classes[0].ece == pytest.approx(0.2)
    (part,) = found.regimes
    assert (part.name, part.rows, part.sessions) == ("range", 560, 20)
    assert part.edge is not None
    assert part.edge.mean == pytest.approx(found.edge.mean)


def test_the_order_of_classes_does_not_matter() -> None:
    assert judge_record(table(), (1, -1)).edge == judge_record(table(), (-1, 1)).edge


def test_rows_without_a_prediction_are_left_out() -> None:
    p = np.full(600, 0.8)
    p[:40] = np.nan
    found = judge_record(table(**{"p_1": p, "p_-1": 1 - p}), (-1, 1))
    assert (found.rows, found.predicted, found.sessions) == (600, 560, 19)
    assert found.edge is found.quality is None  # 19 sessions


def test_no_better_than_the_shares() -> None:
    found = judge_record(table(up=0.5), (-1, 1))
    assert found.edge is not None
    assert found.edge.mean == pytest.approx(0, abs=1e-9)
    assert found.quality is not None
    assert found.quality.skill == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"p_1": None}, "no column p_1"),
        ({"y": np.full(600, 3)}, "class 3 is none of"),
        ({"p_1": np.full(600, np.nan)}, "no row has a prediction"),
    ],
)
def test_tables_that_are_no_record(columns: dict[str, object], message: str) -> None:
    with pytest.raises(DataFormatError, match=message):
        judge_record(table(**columns), (-1, 1))
