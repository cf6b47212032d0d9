"""The trial ledger and the vault."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError, DataAccessError, DataError, EmptyDataError
from quantumtrader.training.spans import Spans
from quantumtrader.training.trials import TrialLedger, configuration_hash, independent_trials
from quantumtrader.training.vault import Vault

DAYS = np.arange(20_000, 20_010)


@pytest.fixture
def ledger(tmp_path: Path) -> TrialLedger:
    return TrialLedger(tmp_path / "trials.jsonl")


def test_what_is_recorded_is_read_back(ledger: TrialLedger) -> None:
    made = ledger.record("dir", {"k": 4, "h": [1, 2]}, DAYS, np.arange(10) / 3, {"auc": float("nan"), "n": 3})
    (read,) = ledger.trials("dir")
    assert (read.parameters, read.results, read.sessions, read.ts) == (
        made.parameters,
        made.results,
        made.sessions,
        made.ts,
    )
    assert read.sessions[0] == "2024-10-04"
    assert np.isnan(read.metrics["auc"])
    assert ledger.trials("other") == []


def test_hash_ignores_the_order_of_keys_and_nothing_else() -> None:
    assert configuration_hash({"a": 1, "b": 2}) == configuration_hash({"b": 2, "a": 1})
    assert configuration_hash({"a": 1}) != configuration_hash({"a": 1.5})


def test_the_same_configuration_counts_once_and_its_last_result_stands(ledger: TrialLedger) -> None:
    ledger.record("s", {"k": 1}, DAYS, np.zeros(10))
    ledger.record("s", {"k": 2}, DAYS[2:], np.ones(8))
    ledger.record("s", {"k": 1}, DAYS, np.full(10, 5.0))
    assert ledger.count("s") == 2
    sessions, matrix = ledger.matrix("s")
    assert matrix.shape == (8, 2)
    assert (matrix == [5, 1]).all()
    assert sessions[0] == "2024-10-06"


def test_trials_that_move_together_count_once(ledger: TrialLedger) -> None:
    rng = np.random.default_rng(0)
    days = np.arange(20_000, 20_200)
    base = rng.standard_normal(200)
    for k in range(5):
        ledger.record("s", {"k": k}, days, base + 0.1 * rng.standard_normal(200))
    ledger.record("s", {"k": 9}, days, rng.standard_normal(200))
    assert ledger.independent("s") == 2


@pytest.mark.parametrize("cut", [1, 5, 40, 100])
def test_a_line_cut_off_by_a_crash_is_dropped_and_costs_no_other(ledger: TrialLedger, cut: int) -> None:
    for k in range(3):
        ledger.record("s", {"k": k}, DAYS, np.zeros(10))
    ledger.path.write_bytes(ledger.path.read_bytes()[:-cut])
    kept = [t.parameters["k"] for t in ledger.trials()]
    assert kept == ([0, 1, 2] if cut == 1 else [0, 1])
    ledger.record("s", {"k": 7}, DAYS, np.zeros(10))
    assert [t.parameters["k"] for t in ledger.trials()] == [*kept, 7]


def test_a_cut_line_is_said_once_and_garbage_is_an_error(
    ledger: TrialLedger, caplog: pytest.LogCaptureFixture
) -> None:
    for k in range(2):
        ledger.record("s", {"k": k}, DAYS, np.zeros(10))
    first, second, _ = ledger.path.read_bytes().split(b"\n")
    ledger.path.write_bytes(
        first + b"\n" + second[:40] + b"\n" + second
    )  # as older versions went on after a crash
    assert [[t.parameters["k"] for t in ledger.trials()] for _ in range(2)] == [[0, 1]] * 2
    assert [r.getMessage() for r in caplog.records] == [
        f"{ledger.path}:2: a line that was cut off is left out"
    ]
    ledger.path.write_bytes(first + b"\nnothing of ours\n" + second)
    with pytest.raises(DataError, match=":2: this line was altered"):
        ledger.trials()


def test_an_altered_line_that_lost_its_end_is_not_taken_off(ledger: TrialLedger) -> None:
    for k in range(2):
        ledger.record("s", {"k": k, "name": '"}\\'}, DAYS, np.zeros(10))
    whole = ledger.path.read_bytes()
    for altered in (
        whole.replace(b'"k":1', b'"k":8')[:-1],
        whole.replace(b'"k":1', b'"k":x')[:-1],
        whole + b"nothing",
    ):
        ledger.path.write_bytes(altered)
        number = 3 if altered.endswith(b"nothing") else 2
        with pytest.raises(DataError, match=f":{number}: this line was altered"):
            ledger.trials()
        with pytest.raises(DataError, match=f":{number}: this line was altered"):
            ledger.record("s", {"k": 2}, DAYS, np.zeros(10))
        assert ledger.path.read_bytes() == altered
    # Whatever a killed writer leaves goes, also where it stopped behind a brace.
    first, second, _ = whole.split(b"\n")
    for end in (1, 8, 9, *(k for k in range(10, len(second)) if second[k - 1 : k] in b'{}]"')):
        ledger.path.write_bytes(first + b"\n" + second[:end])
        assert [t.parameters["k"] for t in ledger.trials()] == [0]
        if second[:end].endswith(b"}"):
            ledger.record("s", {"k": 2}, DAYS, np.zeros(10))
            assert [t.parameters["k"] for t in ledger.trials()] == [0, 2]


def _append(path: Path, own: int) -> None:
    for k in range(20):
        TrialLedger(path).record("s", {"own": own, "k": k, "long": "x" * 20_000}, DAYS, np.zeros(10))


def test_writers_append_side_by_side(ledger: TrialLedger) -> None:
    # Each opens the file anew and so has a lock of its own, as processes have.
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(_append, [ledger.path] * 4, range(4)))
    assert ledger.count("s") == len(ledger.trials()) == 80


def test_who_may_write_is_for_the_umask_to_say_and_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    shared = TrialLedger(tmp_path / "studies" / "trials.jsonl")
    before = os.umask(0o002)
    try:
        shared.record("s", {"k": 1}, DAYS, np.zeros(10))
    finally:
        os.umask(before)
    if os.name == "posix":
        assert stat.S_IMODE(shared.path.stat().st_mode) == 0o664
    blocked = TrialLedger(tmp_path)  # a folder: nobody may read it as a file, whoever runs this test
    for act, done in ((blocked.trials, "read"), (blocked.require_writable, "written")):
        with pytest.raises(DataAccessError, match=rf"cannot be {done} .*whoever shares the folder"):
            act()


def test_trials_of_different_sessions_move_together_only_where_half_of_them_is_shared() -> None:
    moves = np.random.default_rng(1).standard_normal(100)
    results = np.full((160, 4), np.nan)
    results[:100, 0] = moves
    results[40:100, 1] = 2 * moves[40:]  # the same, on 60 of the 100
    results[60:160, 2] = np.concatenate((moves[60:], moves[:60]))  # the same on 40, and then its own way
    results[100:, 3] = moves[:60]  # of other sessions, but the same as the one before
    assert independent_trials(results[:, :2]) == 1
    assert independent_trials(results[:, :3]) == 2
    assert independent_trials(results) == 2
    assert independent_trials(results[:, [0, 3]]) == 2


def test_an_altered_line_is_named(ledger: TrialLedger) -> None:
    for k in range(3):
        ledger.record("s", {"k": k}, DAYS, np.zeros(10))
    ledger.path.write_bytes(ledger.path.read_bytes().replace(b'"k":1', b'"k":8'))
    with pytest.raises(DataError, match=":2: this line was altered"):
        ledger.trials()


@pytest.mark.parametrize("results", [[1.0] * 9, [float("nan")] + [0.0] * 9, []])
def test_what_is_not_a_result_per_session_is_refused(ledger: TrialLedger, results: list[float]) -> None:
    with pytest.raises(DataError, match="every session needs a result"):
        ledger.record("s", {}, DAYS, results)


def test_nothing_in_common(ledger: TrialLedger) -> None:
    with pytest.raises(EmptyDataError, match="no trial"):
        ledger.matrix("s")
    ledger.record("s", {"k": 1}, DAYS[:2], [0, 0])
    ledger.record("s", {"k": 2}, DAYS[5:7], [0, 0])
    with pytest.raises(EmptyDataError, match="in common"):
        ledger.matrix("s")


def spans() -> Spans:
    session = np.repeat(DAYS, 3)
    t0 = session * 100 + np.tile([10, 20, 90], 10)
    return Spans(t0, t0 + 25, session)


def test_the_last_fifth_is_locked_with_what_looks_into_it(ledger: TrialLedger) -> None:
    vault = Vault.seal(DAYS, ledger)
    assert list(vault.locked) == list(DAYS[-2:])
    rows = vault.rows(spans())
    # 8 sessions of 3 rows; the label of the last one looks over the night into the vault.
    assert list(rows) == list(range(23))


def test_the_newest_contract_is_locked_whatever_the_share(ledger: TrialLedger) -> None:
    assert len(Vault.seal(DAYS, ledger, newest_from=int(DAYS[4])).locked) == 6
    assert len(Vault.seal(DAYS, ledger, newest_from=int(DAYS[9])).locked) == 2


def test_every_opening_is_written_down_and_a_model_is_judged_once(ledger: TrialLedger) -> None:
    vault = Vault.seal(DAYS, ledger)
    assert list(vault.open(spans(), model="m1", who="ana", why="release 1")) == [24, 25, 26, 27, 28, 29]
    with pytest.raises(ConfigError, match="opened for m1 before, by ana"):
        vault.open(spans(), model="m1", who="bia", why="again")
    vault.open(spans(), model="m2", who="ana", why="release 2")
    assert [t.parameters["openings"] for t in ledger.trials("vault")] == [1, 2]
    with pytest.raises(ConfigError, match="name and a reason"):
        vault.open(spans(), model="m3", who="", why="x")


@pytest.mark.parametrize(("sessions", "share"), [(DAYS[:1], 0.2), (DAYS, 0.0), (DAYS, 1.0)])
def test_bad_input(ledger: TrialLedger, sessions: np.ndarray, share: float) -> None:
    with pytest.raises(ConfigError, match="vault"):
        Vault.seal(sessions, ledger, share)
