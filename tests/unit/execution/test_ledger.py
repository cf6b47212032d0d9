"""The ledger against hand-computed results in R$, and its laws on random fills."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantumtrader.execution import Ledger
from quantumtrader.types import PX_NONE, Fill, Instrument

WDO = Instrument("WDOU25", "WDO", tick_size=0.5, point_value=10.0, fee=0.90)
WIN = Instrument("WINQ25", "WIN", tick_size=5.0, point_value=0.2, fee=0.25)


def fill(fill_id: int, side: int, size: int, px: int, fee: float = 0.0, ts: int | None = None) -> Fill:
    return Fill(fill_id, fill_id, fill_id if ts is None else ts, side, px, size, False, fee)


def test_wdo_round_trip_in_brl() -> None:
    # 2 WDO bought at 5,430.5 and sold at 5,434.0: 3.5 points x 2 x R$10 = R$70; 4 sides x R$0.90 = R$3.60.
    ledger = Ledger(WDO)
    ledger.apply(fill(1, 1, 2, 10_861, 1.80), "signal")
    assert ledger.average_px == 10_861
    assert ledger.open_gross(10_864) == pytest.approx(2 * 3 * 5.0)
    (trade,) = ledger.apply(fill(2, -1, 2, 10_868, 1.80), "target")
    assert (trade.gross, trade.costs, trade.net) == pytest.approx((70.0, 3.60, 66.40))
    assert ledger.realised_gross == pytest.approx(70.0)
    assert ledger.realised_net == pytest.approx(66.40)
    assert (trade.side, trade.size, trade.entry_tag, trade.exit_tag) == (1, 2, "signal", "target")
    assert trade.mfe_ticks == 7
    assert ledger.position == 0
    assert ledger.average_px is None


def test_win_short_in_brl() -> None:
    # 3 WIN sold at 128,000 and bought back at 128,115: -115 points x 3 x R$0.20 = -R$69.
    ledger = Ledger(WIN)
    ledger.apply(fill(1, -1, 3, 25_600, 0.75))
    (trade,) = ledger.apply(fill(2, 1, 3, 25_623, 0.75))
    assert trade.gross == pytest.approx(-69.0)
    assert trade.net == pytest.approx(-70.5)
    assert trade.mae_ticks == -23


def test_one_wdo_point_is_ten_reais_and_one_win_point_is_twenty_cents() -> None:
    for instrument, ticks, money in ((WDO, 2, 10.0), (WIN, 1, 1.0)):
        ledger = Ledger(instrument)
        ledger.apply(fill(1, 1, 1, 1000))
        assert ledger.open_gross(1000 + ticks) == pytest.approx(money)


def test_a_position_without_a_price_has_no_known_result() -> None:
    ledger = Ledger(WDO)
    assert ledger.open_gross(PX_NONE) == 0.0  # flat: nothing to price
    ledger.apply(fill(1, 1, 1, 1000))
    assert math.isnan(ledger.open_gross(PX_NONE))
    assert math.isnan(ledger.equity_net(PX_NONE))


def test_average_price_moves_on_entries_only() -> None:
    ledger = Ledger(WDO)
    ledger.apply(fill(1, 1, 1, 100))
    ledger.apply(fill(2, 1, 3, 104))
    assert ledger.average_px == 103.0
    assert ledger.apply(fill(3, -1, 2, 107)) == []
    assert ledger.average_px == 103.0
    assert ledger.realised_gross == pytest.approx(2 * 4 * 5.0)
    (trade,) = ledger.apply(fill(4, -1, 2, 99))
    assert trade.gross == pytest.approx((107 - 103) * 2 * 5.0 + (99 - 103) * 2 * 5.0)
    assert trade.exit_px == 103.0


def test_turning_through_zero_closes_one_trade_and_opens_another() -> None:
    ledger = Ledger(WDO)
    ledger.apply(fill(1, 1, 2, 100, 2.0))
    (trade,) = ledger.apply(fill(2, -1, 5, 110, 5.0), "turn")
    assert trade.gross == pytest.approx(100.0)
    assert trade.costs == pytest.approx(2.0 + 5.0 * 2 / 5)
    assert ledger.position == -3
    assert ledger.average_px == 110.0
    (second,) = ledger.apply(fill(3, 1, 3, 108, 3.0))
    assert second.side == -1
    assert second.costs == pytest.approx(3.0 + 3.0)
    assert trade.costs + second.costs == pytest.approx(ledger.fees)


def test_excursions_are_marked_at_executable_prices() -> None:
    ledger = Ledger(WDO)
    ledger.mark(90, 200)  # flat: nothing to mark
    ledger.apply(fill(1, -1, 1, 100))
    ledger.mark(97, 104)
    ledger.mark(PX_NONE, PX_NONE)
    (trade,) = ledger.apply(fill(2, 1, 1, 99))
    assert (trade.mae_ticks, trade.mfe_ticks) == (-4, 3)


def test_session_result_restarts() -> None:
    ledger = Ledger(WDO)
    ledger.apply(fill(1, 1, 1, 100, 1.0))
    ledger.apply(fill(2, -1, 1, 90, 1.0))
    assert ledger.session_realised == pytest.approx(-52.0)
    ledger.begin_session()
    assert ledger.session_realised == 0.0
    assert ledger.realised_net == pytest.approx(-52.0)


FILLS = st.lists(
    st.tuples(st.sampled_from([1, -1]), st.integers(1, 20), st.integers(-500, 500), st.integers(0, 300)),
    max_size=40,
)


@given(FILLS, st.integers(-600, 600))
def test_realised_plus_open_is_cash_plus_position(rows: list[tuple[int, int, int, int]], mark: int) -> None:
    ledger = Ledger(WDO)
    cash = position = 0
    for k, (side, size, px, cents) in enumerate(rows):
        ledger.apply(fill(k, side, size, px, cents / 100))
        cash -= side * size * px
        position += side * size
    assert ledger.position == position
    assert ledger.realised_gross + ledger.open_gross(mark) == pytest.approx((cash + position * mark) * 5.0)
    assert ledger.fees == pytest.approx(sum(r[3] for r in rows) / 100)
    if position == 0:
        assert sum(t.gross for t in ledger.trades) == pytest.approx(ledger.realised_gross)
        assert sum(t.costs for t in ledger.trades) == pytest.approx(ledger.fees)


@given(FILLS, st.randoms(use_true_random=False))
def test_each_fill_id_counts_once(rows: list[tuple[int, int, int, int]], random: object) -> None:
    fills = [fill(k, side, size, px, cents / 100) for k, (side, size, px, cents) in enumerate(rows)]
    once, many = Ledger(WDO), Ledger(WDO)
    for k, f in enumerate(fills):
        once.apply(f)
        many.apply(f)
        many.apply(f)
        many.apply(fills[random.randrange(k + 1)])  # type: ignore[attr-defined]
    assert once.trades == many.trades
    assert (once.position, once.fees, once.realised_gross) == (many.position, many.fees, many.realised_gross)
