"""The vendor's four state numbers, folded into one phase."""

from __future__ import annotations

import pytest

from quantumtrader.profitdll.codes import describe_state
from quantumtrader.profitdll.connection import ConnectionPhase as P
from quantumtrader.profitdll.connection import ConnectionState

OBSERVED = [(3, 0), (0, 0), (2, 1), (2, 2), (2, 4)]


def opened(*pairs: tuple[int, int]) -> ConnectionState:
    state = ConnectionState()
    state.open(1)
    for k, (kind, result) in enumerate(pairs):
        state.on_state(kind, result, 2 + k)
    return state


def test_observed_sequence_connects() -> None:
    phases = []
    state = ConnectionState()
    state.open(1)
    for k, pair in enumerate(OBSERVED):
        phases.append(state.on_state(*pair, k).after)
    assert phases == [P.CONNECTING, P.WAITING, P.WAITING, P.WAITING, P.CONNECTED]
    assert not state.routing


@pytest.mark.parametrize("result", [2, 5])
def test_both_readings_of_routing_connected_count(result: int) -> None:
    assert opened(*OBSERVED, (1, result)).routing


@pytest.mark.parametrize("result", [0, 1, 3, 4])
def test_other_routing_states_do_not(result: int) -> None:
    assert not opened(*OBSERVED, (1, 5), (1, result)).routing


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (0, 3), (0, 4), (0, 200), (3, 1), (3, 7)])
def test_refusals(pair: tuple[int, int]) -> None:
    state = opened(pair)
    assert state.phase is P.REFUSED
    state.on_state(2, 4, 9)  # the market alone does not make a refused login good
    assert state.phase is P.REFUSED
    assert "unknown" not in describe_state(*pair).lower() or pair == (0, 200)


def test_market_before_activation_waits_for_it() -> None:
    state = opened((2, 4), (0, 0))
    assert state.phase is P.CONNECTING
    state.on_state(3, 0, 9)
    assert state.phase is P.CONNECTED


def test_loss_and_return() -> None:
    state = opened(*OBSERVED)
    down = state.on_state(2, 0, 10)
    assert down.lost
    assert state.phase is P.LOST
    assert not state.on_state(2, 1, 11).regained
    assert not state.on_state(2, 2, 12).regained
    up = state.on_state(2, 4, 13)
    assert up.regained
    assert state.losses == 1


def test_a_performance_warning_is_usable_and_no_loss() -> None:
    state = opened(*OBSERVED, (2, 5))
    assert state.phase is P.DEGRADED
    assert state.phase.usable
    assert not state.on_state(2, 4, 9).regained
    assert state.losses == 0


def test_delivery_behind_may_have_lost_something_so_books_are_asked_for_again() -> None:
    state = opened(*OBSERVED, (2, 6))
    assert state.phase is P.DEGRADED
    assert state.losses == 1
    assert not state.on_state(2, 6, 8).regained
    assert state.on_state(2, 4, 9).regained
    assert not state.on_state(2, 4, 10).regained
    assert state.losses == 1


def test_losing_the_licence_while_connected_refuses_and_counts_as_loss() -> None:
    state = opened(*OBSERVED)
    assert state.on_state(3, 1, 9).lost
    assert state.phase is P.REFUSED


def test_farewell_after_close_moves_nothing() -> None:
    state = opened(*OBSERVED)
    state.close()
    for pair in [(0, 1), (1, 0), (2, 0), (3, 1)]:
        farewell = state.on_state(*pair, 20)
        assert farewell.after is P.CLOSED
        assert "check" not in farewell.text  # nothing is wrong with user or key
    assert "check" in opened((0, 1)).on_state(0, 1, 9).text


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        ((), "nothing at all"),
        (((0, 0),), "licence was not confirmed"),
        (((3, 0),), "login was not answered"),
        (((3, 0), (0, 0), (2, 1)), "same key"),
        (((3, 0), (0, 0), (2, 2)), "outside trading hours"),
        (((3, 0), (0, 2)), "password is wrong"),
    ],
)
def test_missing_says_what_is_waited_for(pairs: tuple[tuple[int, int], ...], words: str) -> None:
    assert words in opened(*pairs).missing()
