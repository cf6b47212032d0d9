"""Figures and the verdict: an edge that is not there is reported as not there."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from quantumtrader.backtest import Summary, verdict
from quantumtrader.backtest.report.labels import LABELS, labels, money
from quantumtrader.backtest.statistics import break_even_hit_rate, max_drawdown
from quantumtrader.backtest.verdict import verdict_code
from quantumtrader.exceptions import ConfigError

NAN = math.nan
BASE = Summary(
    events=10, samples=10, sessions=30, entries=600, trades=600, gross=1000.0, costs=400.0, net=600.0, mean_net=1.0,
    se_net=0.5, hit_rate=0.6, break_even_hit_rate=0.5, mean_win=2.0, mean_loss=-2.0, profit_factor=1.5,
    max_drawdown=50.0, net_at_double_costs=200.0, break_even_cost=1.0, mean_seconds=60.0, exposure=0.1,
    mean_mae_ticks=-2.0, mean_mfe_ticks=3.0, open_position=0, hours=(), exits={}, holds={"flow_neutral": 9},
    refusals={}, hold_net=0.0, random_mean=-100.0, random_p05=-300.0, random_p95=100.0, random_percentile=99.0, draws=1000,
)  # fmt: skip


def test_drawdown_by_hand() -> None:
    assert max_drawdown(np.array([0.0, 10.0, 4.0, 12.0, 3.0, 5.0])) == 9.0
    assert max_drawdown(np.array([-3.0, -1.0])) == 3.0  # the start counts as a peak
    assert max_drawdown(np.array([])) == 0.0


@pytest.mark.parametrize(("k", "c", "rate"), [(4, 1.0, 0.625), (10, 1.5, 0.575), (20, 1.0, 0.525)])
def test_break_even_of_symmetric_barriers(k: int, c: float, rate: float) -> None:
    assert break_even_hit_rate(k - c, -(k + c)) == pytest.approx(rate)
    assert break_even_hit_rate(k - c, -(k + c)) == pytest.approx(0.5 + c / (2 * k))
    assert math.isnan(break_even_hit_rate(NAN, -1.0))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"entries": 0, "trades": 0}, "no_trades"),
        ({"net": -1.0}, "loses"),
        ({"net": 0.0}, "loses"),
        ({"random_percentile": 94.9}, "random"),
        ({"random_percentile": NAN}, "random"),
        ({"trades": 499}, "insufficient"),
        ({"sessions": 19}, "insufficient"),
        ({}, "positive"),
    ],
)
def test_verdict(change: dict[str, float], code: str) -> None:
    summary = replace(BASE, **change)  # type: ignore[arg-type]
    assert verdict_code(summary) == code
    for lang in ("en", "pt"):
        text = verdict(summary, "BRL", synthetic=True, lang=lang)
        assert "synthetic" in text
        assert "{" not in text
        assert "synthetic" not in verdict(summary, "BRL", synthetic=False, lang=lang)


def test_a_replay_without_fees_says_so() -> None:
    unknown = replace(BASE, gross=1000.0, costs=0.0, net=1000.0, fees_known=False)
    assert verdict_code(unknown) == "fees_unknown"
    for lang, words in (("en", "Fees unknown: net = gross"), ("pt", "Taxas desconhecidas: líquido = bruto")):
        for summary in (unknown, replace(unknown, gross=-5.0, net=-5.0)):
            text = verdict(summary, "BRL", synthetic=False, lang=lang)
            assert words in text
            assert "after costs" not in text
            assert "depois dos custos" not in text
    meant = replace(BASE, costs=0.0, net=1000.0)
    assert verdict_code(meant) == "positive"
    assert "unknown" not in verdict(meant, "BRL", synthetic=False)


def test_a_position_without_a_price_is_no_result() -> None:
    summary = replace(BASE, gross=NAN, net=NAN)
    assert verdict_code(summary) == "unknown"
    assert "No result" in verdict(summary, "BRL", synthetic=False)


def test_money_as_people_write_it() -> None:
    assert money(-1234.5, "BRL", "pt") == "-R$ 1.234,50"
    assert money(1234567.0, "BRL", "en") == "R$ 1,234,567.00"
    assert money(-0.001, "USD", "en") == "US$ 0.00"
    assert money(NAN, "BRL", "pt") == "–"


def test_both_languages_have_the_same_places_for_values() -> None:
    import string

    for key, (en, pt) in LABELS.items():
        fields = [{f for _, f, _, _ in string.Formatter().parse(text) if f} for text in (en, pt)]
        assert fields[0] == fields[1], key
    with pytest.raises(ConfigError, match="en, pt"):
        labels("fr")
