"""A feed that is connected and says nothing."""

from __future__ import annotations

from quantumtrader.profitdll.watchdog import Watchdog

S = 1_000_000_000
OPEN = {"WDOX26": True, "WINV26": True}


def test_silence_of_everything_is_told_once_until_it_ends() -> None:
    dog = Watchdog(quiet_s=10)
    dog.seen("WDOX26", 5 * S)
    assert dog.check(14 * S, OPEN, 0) == []
    (silence,) = dog.check(16 * S, OPEN, 0)
    assert silence.ticker == ""
    assert dog.check(30 * S, OPEN, 0) == []
    dog.seen("WINV26", 31 * S)
    assert dog.check(32 * S, OPEN, 0) == []
    assert dog.check(60 * S, OPEN, 0)[0].seconds == 29


def test_closed_markets_are_silent_by_nature() -> None:
    assert Watchdog().check(10_000 * S, {"WDOX26": False}, 0) == []


def test_silence_counts_from_the_subscription() -> None:
    dog = Watchdog(quiet_s=10)
    assert dog.check(105 * S, OPEN, 100 * S) == []
    assert dog.check(111 * S, OPEN, 100 * S)[0].ticker == ""


def test_one_ticker_while_the_other_delivers() -> None:
    dog = Watchdog(quiet_s=10, ticker_quiet_s=60)
    dog.seen("WDOX26", 0)
    for second in range(0, 71, 5):
        dog.seen("WINV26", second * S)
    (silence,) = dog.check(70 * S, OPEN, 0)
    assert silence.ticker == "WDOX26"


def test_a_ticker_nobody_trades_is_not_reported() -> None:
    dog = Watchdog(quiet_s=10, ticker_quiet_s=60)
    dog.seen("WINV26", 100 * S)
    assert dog.check(105 * S, OPEN, 0) == []
