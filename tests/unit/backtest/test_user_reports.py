"""What a reader of a replay is told: good prices only, nothing after the end, halts, refusals, one language."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from tests.unit.backtest.streams import SECOND, T0, WDO, AtTimes, marker, quote, stream, trade
from tests.unit.backtest.test_harness import FAST, rising, run

from quantumtrader.backtest import compute_baselines, render_report, summarise, verdict
from quantumtrader.backtest.report.labels import LABELS, money, plural
from quantumtrader.execution import MarketState, RiskLimits, make_strategy
from quantumtrader.types import Events, Phase

pytestmark = pytest.mark.usefixtures("in_force")


def test_a_crossed_opening_quote_is_no_price() -> None:
    rows = [marker(0, Phase.OPEN), quote(0.1, 1100, 1044), *(quote(k, 1100, 1101) for k in range(1, 30))]
    result = run(stream([*rows, quote(29.5, 1200, 1050)]), AtTimes())
    hold = compute_baselines(result).hold
    assert hold is not None
    assert (hold.entry_px, hold.exit_px) == (1101, 1100)
    assert result.path.exit_range(1, 0, len(result.path.events)) == (1100, 1100)


def late_close() -> Events:
    """A recording that ends after 30 s, with a marker of a close much later."""
    return stream([*(quote(k + 0.5, 1000, 1001) for k in range(30)), marker(600, Phase.CLOSED)])


def test_nothing_is_entered_after_the_recording() -> None:
    result = run(late_close(), AtTimes(((31.0, -1), (40.0, 1))))
    assert result.fills == []


def test_what_is_left_is_settled_and_adds_up() -> None:
    rows = [*(quote(k + 0.5, 1000, 1001) for k in range(20)), marker(19.9, Phase.HALT), quote(30, 1002, 1003)]
    result = run(stream([marker(0, Phase.OPEN), *rows]), AtTimes(((2.0, 1),)))
    summary = summarise(result, compute_baselines(result))
    assert summary.open_position == 1
    assert summary.net == pytest.approx(sum(t.net for t in result.trades)) == pytest.approx(5.0 - 1.80)
    assert summary.costs == pytest.approx(2 * len(result.trades) * 0.90)
    assert "+1 contract" in verdict(summary, "BRL", synthetic=False)


@pytest.mark.parametrize(("finer", "paid"), [(0.0, 1), (5.0, 10)])
def test_slippage_is_in_ticks_of_the_exchange(finer: float, paid: int) -> None:
    prints = stream([trade(k + 0.5, 1000) for k in range(30)])
    result = run(
        prints, AtTimes(((2.0, 1),), stop_ticks=90, target_ticks=90), replace(WDO, exchange_tick=finer)
    )
    assert result.trades[0].entry_px == 1000 + paid
    assert result.trades[0].mae_ticks == pytest.approx(-2 * paid)
    summary = summarise(result, compute_baselines(result))
    assert summary.mean_mae_ticks == pytest.approx(-2.0)


def test_a_halt_by_the_daily_loss_is_told_with_its_time() -> None:
    settings = replace(FAST, limits=RiskLimits(daily_loss=10.0))
    result = run(rising(), AtTimes(((2.0, -1),), stop_ticks=30), settings=settings)
    summary = summarise(result, compute_baselines(result))
    (halt,) = summary.loss_halts
    assert halt.local.startswith("2025-08-05 09:00:0")
    text = verdict(summary, "BRL", synthetic=False)
    assert f"Stopped for the day at {halt.local[11:]}" in text
    assert "limit R$ 10.00" in text
    assert "Parado no dia" in render_report(result, compute_baselines(result), summary, lang="pt")


def test_refusals_are_named_when_nothing_was_traded() -> None:
    result = run(rising(), AtTimes(((2.0, 1), (9.0, 1)), size=1000))
    text = verdict(summarise(result, compute_baselines(result)), "BRL", synthetic=False)
    assert "refused all 2 entries" in text
    assert "max_order_size" in text


def test_time_in_market_leaves_nights_out() -> None:
    day = 24 * 3600
    rows = []
    for start in (0, day):
        rows += [marker(start, Phase.OPEN), *(quote(start + k + 0.5, 1000, 1001) for k in range(40))]
        rows += [marker(start + 40, Phase.CLOSED)]
    result = run(stream(rows), AtTimes(((2.0, 1),), hold_s=20.0))
    exposure = summarise(result, compute_baselines(result)).exposure
    assert exposure == pytest.approx(result.trades[0].seconds / 80, rel=0.05)


def test_the_order_flow_rule_lets_the_opening_settle() -> None:
    rule = make_strategy("order_flow_baseline", book_min=0)
    row = np.array([0.9, 0.0])
    state = MarketState(T0 + 59 * SECOND, 1000, 1001, 1000, open_since_ts=T0)
    assert rule.evaluate(row, state).reason == "settling"
    assert rule.evaluate(row, replace(state, ts=T0 + 60 * SECOND)).reason == "flow_and_book_agree"
    result = run(rising(), AtTimes())
    assert set(result.path.open_since.tolist()) == {T0}


def test_the_portuguese_report_has_no_english_labels() -> None:
    result = run(rising(), AtTimes(((2.0, 1), (20.0, 1)), size=1000))
    result = replace(result, trades=run(rising(), AtTimes(((2.0, 1),))).trades)
    baselines = compute_baselines(result)
    page = render_report(result, baselines, summarise(result, baselines), lang="pt")
    body = re.sub(r"<script>.*?</script>|<style>.*?</style>", "", page, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", "\n", body)
    lines = {line.strip() for line in text.splitlines()}
    portuguese = {pt for _, pt in LABELS.values()}
    english = {en for en, _ in LABELS.values()} - portuguese
    assert not lines & english
    assert not re.search(r"\b(events|engine|per contract|before the end|refused by)\b", text)
    assert "tamanho máximo da ordem (max_order_size)" in text


def test_numbers_and_plurals() -> None:
    assert money(-1234.5, "BRL", "pt") == "-R$ 1.234,50"
    assert [plural(n, "trade", "pt") for n in (1, 1200)] == ["1 operação", "1.200 operações"]
    assert [plural(n, "session", "en") for n in (1, 2)] == ["1 session", "2 sessions"]


def test_a_replay_without_samples_says_so() -> None:
    result = run(stream([marker(0, Phase.CLOSED), quote(1, 1000, 1001), quote(2, 1000, 1001)]), AtTimes())
    summary = summarise(result, compute_baselines(result))
    assert summary.samples == 0
    assert "never asked: none of the 3 events" in verdict(summary, "BRL", synthetic=False)
