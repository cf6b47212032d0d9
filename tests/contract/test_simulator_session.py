"""Login, states, registration and the end of a session, in both flavours."""

from __future__ import annotations

import ctypes
from ctypes import byref

import pytest

from contract.simulator_client import NL_OK, TYPES, Client, f64, i32, i64, nl, open_client, session

LOCKSTEP = "[market]\nmax_events = 2000\n"


@pytest.fixture(params=[2, 4], ids=["utf16", "wchar32"])
def width(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_the_market_login_shows_the_observed_states(width: int) -> None:
    with session(width, LOCKSTEP) as client:
        assert client.states() == [(3, 0), (0, 0), (2, 1), (2, 2), (2, 4)]
        client.close()
        assert client.states()[5:] == [(0, 1), (2, 0), (3, 1)]


def test_the_routing_login_goes_on_to_the_broker(width: int) -> None:
    with session(width, LOCKSTEP, routing=True) as client:
        client.wait_for(lambda: ("State", 1, 5) in client.events)
        assert client.states()[5:] == [(1, 1), (1, 2), (1, 4), (1, 5)]
        client.close()
        assert client.states()[9:] == [(0, 1), (1, 0), (2, 0), (3, 1)]


@pytest.mark.parametrize(
    ("result", "states"),
    [
        ("invalid_login", [(3, 0), (0, 1)]),
        ("wrong_password", [(3, 0), (0, 2)]),
        ("password_blocked", [(3, 0), (0, 3)]),
        ("password_expired", [(3, 0), (0, 4)]),
        ("unknown", [(3, 0), (0, 200)]),
        ("invalid_activation", [(3, 1)]),
        ("market_stuck", [(3, 0), (0, 0), (2, 1)]),
        ("market_not_logged", [(3, 0), (0, 0), (2, 1), (2, 3)]),
    ],
)
def test_logins_fail_as_scripted(result: str, states: list[tuple[int, int]]) -> None:
    with open_client(2) as client:
        client.configure(f'[login]\nresult = "{result}"')
        assert client.login() == NL_OK
        client.wait_for(lambda: len(client.events) == len(states))
        assert client.states() == states
        assert client.call("SubscribeTicker", "WDOU25", "F") == nl(5)
        assert client.call("QtSimStep", i64(1), result=i64) == nl(5)


def test_a_broker_that_is_down_and_a_missing_licence() -> None:
    with open_client(2) as client:
        client.connect('[login]\nresult = "broker_down"', routing=True)
        client.wait_for(lambda: ("State", 1, 3) in client.events)
    with open_client(2) as client:
        client.configure('[login]\nresult = "no_licence"')
        assert client.login() == nl(6)


def test_credentials_are_checked_when_the_scenario_has_them() -> None:
    for user, password, state in (("user", "password", (0, 0)), ("ana", "", (0, 1)), ("user", "x", (0, 2))):
        with open_client(2) as client:
            client.configure(f'[login]\nuser = "{user}"\npassword = "{password}"')
            client.login()
            client.wait_for(lambda: len(client.events) >= 2)
            assert client.states()[1] == state


def test_nothing_but_setters_works_before_initialise(width: int) -> None:
    with open_client(width) as client:
        assert client.call("SetEnabledLogToDebug", 1) == nl(2)
        assert client.call("SubscribeTicker", "WDOU25", "F") == nl(2)
        assert client.call("DLLFinalize") == nl(2)
        assert client.call("SetServerAndPort", "host", "8184") == NL_OK
        client.register(*TYPES)


def test_market_sessions_have_no_orders() -> None:
    with session(2, LOCKSTEP) as client:
        assert client.call("GetAccountCount") == nl(0x0A)
        assert client.call("SendMarketBuyOrder", *"abcde", 1, result=i64) == nl(0x0A)


def test_a_second_initialise_is_refused_and_a_later_one_is_a_sin(width: int) -> None:
    with session(width, LOCKSTEP) as client:
        assert client.login() == nl(0x1A)
        client.close()
        assert client.login() == NL_OK
        assert set(client.sins()) == {"reinitialised"}


def test_the_server_clock_is_the_market_s(width: int) -> None:
    with session(width, LOCKSTEP) as client:
        day, parts = f64(), [i32() for _ in range(7)]
        assert client.call("GetServerClock", byref(day), *map(byref, parts)) == NL_OK
        assert [p.value for p in parts] == [2025, 8, 4, 8, 55, 0, 0]  # the opening auction
        assert day.value == pytest.approx(45873 + (8 * 60 + 55) / 1440, abs=1e-9)
        client.step(500)
        client.call("GetServerClock", byref(day), *map(byref, parts))
        assert parts[3].value == 9


def test_agents_have_names_by_version(width: int) -> None:
    def name(client: Client, agent: int, flag: int) -> tuple[int, str]:
        length = client.call("GetAgentNameLength", agent, flag)
        buffer = client.wide(" " * (length + 1))
        code = client.call("GetAgentName", length + 1, agent, buffer, flag)
        return code, client.read(ctypes.addressof(buffer))

    with session(width, LOCKSTEP) as client:
        assert name(client, 85, 1) == (10, "Laranjeira")
        assert name(client, 40, 0) == (24, "Goiabeira Corretora S.A.")
        assert client.call("GetAgentNameLength", 999_999, 0) == nl(0x0C)
        client.lib.GetAgentShortNameByID.restype = ctypes.c_void_p
        assert client.read(client.lib.GetAgentShortNameByID(3)) == "Araucária"
    with session(width, '[profile]\nversion = "4.0.0.31"') as client:
        assert name(client, 85, 1) == (NL_OK, "Laranjeira")


def test_versions_lack_what_came_later() -> None:
    state = i32(9)
    with session(2, '[profile]\nversion = "4.0.0.38"') as client:
        assert client.call("GetHealthStatus", byref(state)) == nl(0x12)
    with session(2, LOCKSTEP) as client:
        assert client.call("GetHealthStatus", byref(state)) == NL_OK
        assert state.value == 0
    with session(2, '[profile]\nversion = "4.0.0.30"') as client:
        assert client.call("SubscribePriceDepth", byref(client.asset_id("WDOU25"))) == nl(0x12)


def test_a_wrong_scenario_is_refused_with_its_reason() -> None:
    with open_client(2) as client:
        data = b"[market]\nsped = 1\n"
        assert client.call("QtSimConfigure", data, i64(len(data))) == nl(3)
        assert "sped" in client.error()
        client.configure('[market]\nsource = "journal"\npath = "/nowhere"')
        assert client.login() == nl(1)
        assert "/nowhere" in client.error()
