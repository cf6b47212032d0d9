"""How a session that is joined late begins, and what a scenario says of its pace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from live_world import wdo
from quantumtrader.app.live.profit_source import _is_lockstep
from quantumtrader.app.live.session_source import SessionSource
from quantumtrader.app.live.source import with_opening
from quantumtrader.data.sessions import with_sessions
from quantumtrader.exceptions import SessionError
from quantumtrader.profitdll.polling import PolledSession
from quantumtrader.profitdll.subscriptions import Books, Subscription
from quantumtrader.types import EVENT, Events, Instrument, Kind, Phase

NINE = 1_754_308_800_000_000_000  # 2025-08-04 09:00 in São Paulo, a Monday
HOUR = 3_600_000_000_000


def _events(*kinds: tuple[Kind, int, int]) -> Events:
    out = np.zeros(len(kinds), EVENT)
    for k, (kind, ts, action) in enumerate(kinds):
        out[k]["kind"], out[k]["ts_event"], out[k]["ts_recv"] = kind, ts, ts + 1
        out[k]["action"], out[k]["sequence"], out[k]["size"], out[k]["px"] = action, k, 1, 10_800
    return out


def test_a_session_joined_late_begins_with_its_opening() -> None:
    events = _events(
        (Kind.GAP, NINE + HOUR, 0), (Kind.TRADE, NINE + HOUR, 0), (Kind.TRADE, NINE + HOUR + 5, 0)
    )
    marked = with_opening(events, wdo())
    assert marked is not None
    assert len(marked) == 4
    assert (marked["kind"][0], marked["action"][0], marked["ts_event"][0]) == (Kind.SESSION, Phase.OPEN, NINE)
    assert marked[1:].tobytes() == events.tobytes()
    assert (np.diff(marked["sequence"]) >= 0).all()
    assert (np.diff(marked["ts_recv"]) >= 0).all()
    again = with_sessions(marked, wdo())
    opens = again[(again["kind"] == Kind.SESSION) & (again["action"] == Phase.OPEN)]
    assert opens["ts_event"].tolist() == [NINE], "a recording of it gets no second one"


def test_a_marker_of_the_source_counts() -> None:
    own = _events((Kind.SESSION, NINE, Phase.AUCTION), (Kind.TRADE, NINE + 5, 0))
    marked = with_opening(own, wdo())
    assert marked is not None
    assert marked.tobytes() == own.tobytes()


@pytest.mark.parametrize("ts", [NINE - 2 * HOUR, NINE + 12 * HOUR, NINE - 24 * HOUR])
def test_outside_of_sessions_nothing_is_made_up(ts: int) -> None:
    events = _events((Kind.TRADE, ts, 0))
    marked = with_opening(events, wdo())
    assert marked is not None
    assert marked.tobytes() == events.tobytes()


def test_without_market_events_nothing_is_decided() -> None:
    assert with_opening(_events((Kind.GAP, NINE + HOUR, 0)), wdo()) is None


class Lapped(PolledSession):
    """A session whose reader was overtaken, on a connection that is lost while its book is asked for."""

    connected = True
    silence = ""
    history_progress = (0, 0)

    def __init__(self, events: Events) -> None:
        super().__init__()
        self.parts = [(events, 0), (events, 7)]
        self.asked: list[str] = []

    def reader(self) -> Any:
        return self

    def read(self, max: int) -> tuple[Events, int]:
        return self.parts.pop(0)

    def subscribe_ticker(self, ticker: str, **_: Any) -> bool:
        self.subscriptions[ticker] = Subscription(ticker, "F", 2, Books.OFFERS)
        return True

    def renew(self, ticker: str) -> None:
        self.asked.append(ticker)
        if len(self.asked) == 1:
            raise SessionError("the gateway is gone")

    def poll(self) -> int:
        return 0

    def disconnect(self) -> None: ...
    def server_time_ns(self) -> int:
        return NINE

    def request_historical_data(self, *_: Any, **__: Any) -> int:
        return 0

    def wait_for_historical_data(self, timeout_seconds: float = 30) -> bool:
        return True

    def take_history(self) -> list[Events]:
        return []


class Source(SessionSource):
    name, synthetic = "test", False

    def open(self, instrument: Instrument, *, routing: bool) -> None:
        self._subscribe(instrument)

    def gateway(self, account: str) -> Any:
        raise NotImplementedError


def test_other_tickers_are_left_out_and_a_lapped_reader_gets_a_gap_and_a_new_book(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("quantumtrader.app.live.session_source._RENEW_NS", 0)
    events = _events((Kind.SESSION, NINE, Phase.OPEN), (Kind.TRADE, NINE + 1, 0), (Kind.TRADE, NINE + 2, 0))
    events["instrument"], events["sequence"] = [2, 2, 0], [10, 11, 12]
    session = Lapped(events)
    source = Source(session, day_trade=True, disconnected_s=1.0)
    source.open(wdo(), routing=False)
    assert source.read()[0]["instrument"].tolist() == [0, 0]
    assert session.asked == []
    seen = source.read()[0]
    assert seen["kind"].tolist() == [Kind.GAP, Kind.SESSION, Kind.TRADE]
    assert (seen["size"][0], seen["sequence"].tolist()) == (7, [9, 10, 11])
    for _ in range(3):
        source.poll()
    assert session.asked == [wdo().symbol] * 2, "asked again after it failed, and not after it worked"


def test_a_refused_ticker_is_trouble_and_its_number_is_not_trusted() -> None:
    events = _events((Kind.GAP, NINE, 0), (Kind.TRADE, NINE + 1, 0))
    events["instrument"] = 2
    session = Lapped(events)
    source = Source(session, day_trade=True, disconnected_s=1.0)
    source.open(wdo(), routing=False)
    assert source.trouble() == ""
    # As after a gateway was started anew, and number 2 became another contract.
    session.subscriptions[wdo().symbol].invalid = True
    assert source.read()[0]["kind"].tolist() == [Kind.GAP]
    assert wdo().symbol in source.trouble()


@pytest.mark.parametrize(
    ("scenario", "lockstep"),
    [
        ("", True),
        ('[market]\nspeed = "lockstep"', True),
        ("[market]\nspeed = 2.0", False),
        ('[market]\nspeed = "max"', False),
    ],
)
def test_the_pace_of_a_scenario(scenario: str, lockstep: bool) -> None:
    assert _is_lockstep(scenario) is lockstep
