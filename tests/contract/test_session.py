"""The session against the simulator: logging in, staying connected, history; with both feeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from quantumtrader import _backend
from quantumtrader.exceptions import ConfigError, OrderError, ProfitDllError, SessionError
from quantumtrader.profitdll.connection import ConnectionPhase
from quantumtrader.profitdll.session import ConnectionManagerV4, SessionOptions
from quantumtrader.profitdll.simulator import library_path, report, step
from quantumtrader.types import Kind, Phase, columns

try:
    library_path()
except SessionError as error:
    pytest.skip(str(error), allow_module_level=True)

MARKET = '[market]\nspeed = "lockstep"\nticker = "WDOX26"\nmax_events = 20000\nseed = 5\n'


@pytest.fixture(params=["native", "ctypes"])
def native(request: pytest.FixtureRequest) -> bool:
    if request.param == "native" and _backend.engine().name != "rust":
        pytest.skip("the native feed is part of the Rust engine")
    return request.param == "native"


class Opener:
    """Opens sessions and closes them at the end of the test."""

    def __init__(self, native: bool) -> None:
        self.native = native
        self.opened: list[ConnectionManagerV4] = []

    def __call__(self, scenario: str = MARKET, *, login: bool = True, **options: Any) -> ConnectionManagerV4:
        settings = {"login_timeout_s": 3.0, **options}
        session = ConnectionManagerV4(
            options=SessionOptions(scenario=scenario, **settings), native=self.native
        )
        self.opened.append(session)
        if login:
            session.initialize("key-12345", "ana", "password-12345")
        return session


@pytest.fixture
def open_session(native: bool) -> Iterator[Opener]:
    opener = Opener(native)
    yield opener
    for session in opener.opened:
        session.disconnect()


def play(session: ConnectionManagerV4, events: int = 20_000, pace: int = 500) -> np.ndarray:
    """Let the market go on and return everything that the feed has for a reader of our own."""
    reader, parts = session.reader(), []
    reader.skip_to_end()
    while events > 0 and step(session.library, min(pace, events)) > 0:
        events -= pace
        session.poll()
        while len((part := reader.read(1 << 14))[0]):
            assert part[1] == 0
            parts.append(part[0])
    return np.concatenate(parts) if parts else session.feed.read(0)


def news(session: ConnectionManagerV4, kind: str) -> list[str]:
    return [n.text for n in session.take_news() if n.kind == kind]


def test_connects_subscribes_and_delivers(open_session: Opener) -> None:
    session = open_session()
    assert session.connection.phase is ConnectionPhase.CONNECTED
    assert session.version is None
    session.subscribe_ticker("wdox26", books="both")
    events = play(session)
    kinds = {int(k) for k in np.unique(events["kind"])}
    assert {Kind.TRADE, Kind.ORDER, Kind.LEVEL, Kind.QUOTE, Kind.SESSION} <= kinds
    assert (np.diff(events["sequence"]) > 0).all()
    trades = columns(events[events["kind"] == Kind.TRADE], Kind.TRADE)
    assert len(trades["px"]) > 100
    assert report(session.library)["leaks"]["blobs"] == 0
    session.disconnect()
    assert session.connection.phase is ConnectionPhase.CLOSED
    assert not session.connected
    assert not [text for text in news(session, "connection") if "check" in text]
    with pytest.raises(SessionError, match="the session is closed"):
        session.connect()


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("invalid_login", "login INVALID"),
        ("wrong_password", "password is wrong"),
        ("password_blocked", "blocked"),
        ("password_expired", "expired"),
        ("unknown", "login UNKNOWN"),
        ("invalid_activation", "key is not valid"),
        ("no_licence", "logging in failed at once"),
        ("silent", "nothing at all"),
    ],
)
def test_every_login_failure_in_plain_words(open_session: Opener, result: str, words: str) -> None:
    session = open_session(MARKET + f'[login]\nresult = "{result}"\n', login=False, login_timeout_s=0.4)
    with pytest.raises(SessionError, match=words) as caught:
        session.initialize("key-12345", "ana", "password-12345")
    assert "12345" not in str(caught.value)
    assert "12345" not in repr(session)


@pytest.mark.parametrize(
    ("result", "words"), [("market_not_logged", "outside trading hours"), ("market_stuck", "same key")]
)
def test_market_that_does_not_come_up_blocks_nothing_and_says_why(
    open_session: Opener, result: str, words: str
) -> None:
    session = open_session(MARKET + f'[login]\nresult = "{result}"\n', login_timeout_s=0.3)
    assert session.connection.phase is ConnectionPhase.WAITING
    assert any(words in text for text in news(session, "connection"))


def test_broker_down_matters_to_those_who_send_orders_only(open_session: Opener) -> None:
    scenario = MARKET + '[login]\nresult = "broker_down"\n'
    market_only = open_session(scenario)
    assert market_only.connected
    market_only.disconnect()
    session = open_session(scenario, login=False, login_timeout_s=0.4)
    with pytest.raises(SessionError, match="routing is not"):
        session.initialize("k", "u", "p", routing=True)


def test_reconnect_marks_the_gap_subscribes_again_and_gets_a_full_book(open_session: Opener) -> None:
    scenario = MARKET + "[profile]\nkeeps_subscriptions = false\n"
    session = open_session(scenario + '[[trouble]]\nevent = 4000\nkind = "disconnect"\nevents = 3000\n')
    session.subscribe_ticker("WDOX26")
    seen: list[ConnectionPhase] = []
    session.on("state", lambda transition: seen.append(transition.after))
    events = play(session)
    assert seen[:3] == [ConnectionPhase.LOST] * 3
    assert seen[3] is ConnectionPhase.CONNECTED
    gaps = np.flatnonzero(events["kind"] == Kind.GAP)
    assert len(gaps) >= 1
    book = _backend.core().OrderBook()
    book.update_many(events[: gaps[0] + 1])
    assert not book.valid
    book.update_many(events[gaps[0] + 1 :])
    assert book.valid
    assert any("DISCONNECTED" in text for text in news(session, "connection"))
    assert session.connection.losses == 1


def test_silence_during_trading_is_noticed_and_ends(open_session: Opener) -> None:
    session = open_session(quiet_s=0.05)
    session.subscribe_ticker("WDOX26")
    play(session, 2_000)
    import time

    time.sleep(0.1)
    session.poll()
    (text,) = news(session, "silence")
    assert "no event for" in text
    assert session.watchdog.current is not None
    play(session, 500)
    assert session.watchdog.current is None


def test_unknown_ticker(open_session: Opener) -> None:
    session = open_session()
    with pytest.raises(ProfitDllError, match="SubscribeTicker"):
        session.subscribe_ticker("WDOZ99", exchange="BMF")
    with pytest.raises(ConfigError, match="instrument table"):
        session.subscribe_ticker("PETR4")


def test_a_ticker_that_becomes_invalid_is_marked(open_session: Opener) -> None:
    session = open_session(MARKET + '[[trouble]]\nevent = 100\nkind = "invalid_ticker"\nticker = "WDOX26"\n')
    session.subscribe_ticker("WDOX26")
    play(session, 1_000)
    assert session.subscriptions["WDOX26"].invalid
    assert any("WDOX26" in text for text in news(session, "invalid_ticker"))


def test_ticker_state_says_whether_silence_counts(open_session: Opener) -> None:
    session = open_session(
        MARKET + '[[trouble]]\nevent = 1000\nkind = "ticker_state"\nstate = "auction"\nevents = 1000\n'
    )
    session.subscribe_ticker("WDOX26")
    events = play(session, 1_500, pace=100)
    assert not session.subscriptions["WDOX26"].trading
    markers = events[events["kind"] == Kind.SESSION]
    assert Phase.AUCTION in markers["action"]
    play(session, 2_000)
    assert session.subscriptions["WDOX26"].trading


def test_hooks_are_called_by_poll_with_their_kinds(open_session: Opener) -> None:
    session = open_session()
    session.subscribe_ticker("WDOX26")
    got: dict[str, int] = {}
    for kind in ("trade", "order_book", "ticker", "events"):
        session.on(kind, lambda ticker, part, kind=kind: got.__setitem__(kind, got.get(kind, 0) + len(part)))
    events = play(session, 5_000)
    session.poll()
    assert got["trade"] == (events["kind"] == Kind.TRADE).sum()
    assert got["events"] >= got["trade"] + got["order_book"] + got["ticker"]
    with pytest.raises(ConfigError, match="no hook 'candle'"):
        session.on("candle", print)


def test_history_day_by_day_is_what_was_traded(open_session: Opener) -> None:
    session = open_session(MARKET + "[history]\nafter_100 = 50\nsentinels = 2\n")
    session.subscribe_ticker("WDOX26")
    live = play(session)
    today = session.today()
    assert session.request_historical_data("WDOX26", today, today) == 1
    with pytest.raises(SessionError, match="cannot cancel"):
        session.request_historical_data("WDOX26", today, today)
    assert session.wait_for_historical_data(20)
    past = np.concatenate(session.take_history())
    lived = live[live["kind"] == Kind.TRADE]
    for name in ("ts_event", "id", "px", "size", "side", "ref_a", "ref_b"):
        assert (past[name] == lived[name]).all()
    assert session.history_progress == (1, 1)


def test_history_that_stalls_says_where_and_keeps_what_came(open_session: Opener) -> None:
    session = open_session(
        MARKET + "[history]\nstall_ms = 60000\nafter_100 = 5\n", history_timeout_s=0.5, login_timeout_s=3
    )
    session.subscribe_ticker("WDOX26")
    play(session, 4_000)
    # The first request only wakes the server; it stalls as well and is given up after five seconds.
    session._primed.add("WDOX26")
    session.request_historical_data("WDOX26", session.today(), session.today())
    with pytest.raises(SessionError, match=r"nothing more for 0.5 s at 99 %"):
        session.wait_for_historical_data(10)
    assert sum(map(len, session.take_history())) > 0


def test_history_needs_a_subscription_and_a_request(open_session: Opener) -> None:
    session = open_session()
    with pytest.raises(SessionError, match="subscribe it first"):
        session.request_historical_data("WDOX26", "2025-08-04", "2025-08-04")
    with pytest.raises(SessionError, match="no history was requested"):
        session.wait_for_historical_data()


def test_orders_leave_through_the_order_manager_only(open_session: Opener) -> None:
    session = open_session()
    with pytest.raises(OrderError, match="risk manager or not at all"):
        session.send_order(object())


def test_one_session_per_object_and_clear_words_before_it(open_session: Opener) -> None:
    session = open_session()
    with pytest.raises(SessionError, match="opened before"):
        session.initialize("k", "u", "p")
    with pytest.raises(SessionError, match="call initialize first"):
        ConnectionManagerV4().reader()


def test_polls_on_its_own_thread_and_survives_a_failing_hook(open_session: Opener) -> None:
    session = open_session()
    session.subscribe_ticker("WDOX26")
    failures = iter([True])

    def hook(ticker: str, part: np.ndarray) -> None:
        if next(failures, False):
            raise RuntimeError("a hook of the user's")

    session.on("trade", hook)
    session.start(every_s=0.001)
    step(session.library, 5_000)
    import time

    end = time.monotonic() + 5
    told: list[str] = []
    while time.monotonic() < end and not told:
        told += news(session, "trouble")
        time.sleep(0.01)
    assert "RuntimeError: a hook of the user's" in told[0]
    session.stop()
    session.stop()


def test_agent_names_and_server_clock(open_session: Opener) -> None:
    session = open_session()
    session.subscribe_ticker("WDOX26")
    events = play(session, 5_000)
    assert abs(session.server_time_ns() - int(events["ts_event"].max())) < 2_000_000_000
    assert session.agent_name(999_999) == "999999"
    assert session.agent_name(3) != "3"


def test_the_vendor_library_takes_no_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    session = ConnectionManagerV4(options=SessionOptions(scenario="[market]\nspead = 1\n"))
    with pytest.raises(ConfigError, match="spead"):
        session.initialize()


def test_a_hook_that_fails_costs_nobody_else_a_state(open_session: Opener) -> None:
    session = open_session(MARKET + '[[trouble]]\nevent = 500\nkind = "disconnect"\nevents = 500\n')
    session.subscribe_ticker("WDOX26")

    def fail(*_: object) -> None:
        raise RuntimeError("mine")

    seen: list[str] = []
    session.on("message", fail)
    session.on("message", lambda message: seen.append(message[0]))
    play(session, 3_000)
    assert session.connection.losses == 1
    assert session.connected
    assert "state" in seen
    assert any("RuntimeError: mine" in text for text in news(session, "trouble"))


def test_a_gap_without_a_reconnection_brings_a_new_image(
    open_session: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantumtrader.profitdll.subscriptions._FIRST_NS", 0)
    session = open_session()
    session.subscribe_ticker("WDOX26")
    session.subscriptions["WDOX26"].renewal.wait_ns = 0
    before = play(session, 2_000)
    book = _backend.core().OrderBook()
    book.update_many(before)
    reader = session.reader()
    reader.skip_to_end()
    session.feed.mark_gap()
    play(session, 2_000)
    after, _ = reader.read(1 << 16)
    gap = int(np.flatnonzero(after["kind"] == Kind.GAP)[0])
    book.update_many(after[: gap + 1])
    assert not book.valid
    book.update_many(after[gap + 1 :])
    assert book.valid
    assert session.subscriptions["WDOX26"].renewal.at_ns is None
    assert any("asked for again" in text for text in news(session, "lost"))


def test_renewals_become_rarer_until_an_image_comes() -> None:
    from quantumtrader.profitdll.subscriptions import Renewal
    from quantumtrader.types import Action, empty_events

    second = 10**9
    renewal = Renewal()
    gap, image = empty_events(1), empty_events(1)
    gap["kind"] = Kind.GAP
    image["kind"], image["action"] = Kind.ORDER, Action.SNAPSHOT_END
    renewal.look_at(gap, 0)
    asked = [t for t in range(100) if renewal.due(t * second)]
    assert asked == [1, 3, 7, 15, 31, 63]
    renewal.look_at(np.concatenate((gap, image)), 100 * second)
    assert renewal.at_ns is None
    renewal.look_at(np.concatenate((image, gap)), 101 * second)
    assert renewal.at_ns == 102 * second


def test_what_was_asked_for_before_the_market_was_there_is_asked_for_again(open_session: Opener) -> None:
    session = open_session(MARKET + '[login]\nresult = "market_not_logged"\n', login_timeout_s=0.2)
    session.subscribe_ticker("WDOX26")
    calls: list[str] = []
    inner = session.library.call

    def count(name: str, *args: object) -> int:
        calls.append(name)
        return inner(name, *args)

    session.library.call = count  # type: ignore[method-assign]
    assert any("as soon as" in text for text in news(session, "connection"))
    session._on_state(2, 4, 1)
    assert calls.count("SubscribeTicker") == 1
    session._on_state(2, 4, 2)
    assert calls.count("SubscribeTicker") == 1


def test_the_vendor_library_opens_once_per_process(monkeypatch: pytest.MonkeyPatch) -> None:
    from quantumtrader.profitdll import session as module
    from quantumtrader.profitdll.library import load_library

    library = load_library(library_path())
    monkeypatch.setattr(library, "is_simulator", False)
    monkeypatch.setattr(module, "_OPENED", set())
    module._once_per_process(library)
    with pytest.raises(SessionError, match="start a new process"):
        module._once_per_process(library)


def test_paths_of_a_scenario_are_relative_to_its_file(
    native: bool, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Logging in changes the working directory to the library's, which is nobody's folder."""
    file, elsewhere = tmp_path / "scenarios" / "day.toml", tmp_path / "elsewhere"
    file.parent.mkdir()
    elsewhere.mkdir()
    file.write_text(MARKET + '[orders]\nstate_file = "broker.state"\n')
    monkeypatch.chdir(tmp_path)

    def play_with(options: SessionOptions) -> None:
        session = ConnectionManagerV4(options=options, native=native)
        try:
            session.initialize(routing=True)
        finally:
            session.disconnect()

    from quantumtrader.app.vendor_source import session_options
    from quantumtrader.config import load_settings

    play_with(session_options(load_settings(profit={"scenario": file.relative_to(tmp_path)})))
    assert (file.parent / "broker.state").exists()
    (file.parent / "broker.state").unlink()

    monkeypatch.setenv("QUANTUMTRADER_SIM_SCENARIO", "scenarios/day.toml")
    play_with(SessionOptions())
    assert (file.parent / "broker.state").exists()
    monkeypatch.delenv("QUANTUMTRADER_SIM_SCENARIO")

    monkeypatch.chdir(elsewhere)
    play_with(SessionOptions(scenario=file.read_text()))
    assert (elsewhere / "broker.state").exists()
