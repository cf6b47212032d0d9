"""Promotion, retirement, rollback, and the file that remembers them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from quantumtrader.clock import ReplayClock
from quantumtrader.exceptions import ModelError, PromotionError
from quantumtrader.models.gate import SessionResult, conditions
from quantumtrader.models.records import ChainedFile
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.models.states import ModelState

NOW = 1_800_000_000_000_000_000


def registry(root: Path) -> ModelRegistry:
    return ModelRegistry(root, ReplayClock(NOW))


def sessions(root: Path, state: ModelState, n: int, result: float = 1.0, version: str = "1.0.0") -> None:
    log = registry(root).performance("wdo_dir")
    month = 1 if state is ModelState.SHADOW else 2
    for day in range(1, n + 1):
        log.record(version, state, {"session": f"2026-0{month}-{day:02}", "result": result})


def to_live(root: Path, version: str) -> None:
    r = registry(root)
    r.promote("wdo_dir", version, why="statistics", who="ana")
    sessions(root, ModelState.SHADOW, 10, version=version)
    r.promote("wdo_dir", version, why="shadow", who="ana")
    sessions(root, ModelState.CANARY, 10, version=version)
    r.promote("wdo_dir", version, why="canary", who="ana")


def test_the_way_up_and_one_step_back(root: Path, save: Callable[..., Path]) -> None:
    save(version="1.1.0")
    to_live(root, "1.0.0")
    r = registry(root)
    assert r.states("wdo_dir").live == "1.0.0"
    assert r.states("wdo_dir").previous is None
    to_live(root, "1.1.0")
    states = r.states("wdo_dir")
    assert (states.live, states.previous) == ("1.1.0", "1.0.0")
    assert states.of("1.0.0") is ModelState.RETIRED
    last = states.entries[-1]
    assert (last.who, last.why, last.ts) == ("ana", "canary", NOW)
    assert [(m.version, str(m.origin), str(m.target)) for m in last.moves] == [
        ("1.1.0", "canary", "live"),
        ("1.0.0", "live", "retired"),
    ]
    assert any(text.startswith("dsr: 0.97") for text in last.conditions)

    r.rollback("wdo_dir", why="slippage", who="bia")
    states = r.states("wdo_dir")
    assert (states.live, states.previous) == ("1.0.0", None)
    assert states.of("1.1.0") is ModelState.RETIRED
    with pytest.raises(PromotionError, match="no version to go back to"):
        r.rollback("wdo_dir", why="again", who="bia")


def test_a_retired_live_version_can_still_be_followed_by_the_one_before(
    root: Path, save: Callable[..., Path]
) -> None:
    save(version="1.1.0")
    to_live(root, "1.0.0")
    to_live(root, "1.1.0")
    r = registry(root)
    r.retire("wdo_dir", "1.1.0", why="broken", who="ana")
    assert r.states("wdo_dir").live is None
    r.rollback("wdo_dir", why="back", who="ana")
    assert r.states("wdo_dir").live == "1.0.0"


def test_a_damaged_version_is_not_gone_back_to(root: Path, save: Callable[..., Path]) -> None:
    save(version="1.1.0")
    to_live(root, "1.0.0")
    to_live(root, "1.1.0")
    (root / "wdo_dir" / "1.0.0" / "model.txt").write_bytes(b"tree")
    with pytest.raises(ModelError, match=r"hash of model\.txt"):
        registry(root).rollback("wdo_dir", why="back", who="ana")
    assert registry(root).states("wdo_dir").live == "1.1.0"


def test_a_damaged_version_can_be_retired(root: Path) -> None:
    (root / "wdo_dir" / "1.0.0" / "model.txt").write_bytes(b"tree")
    registry(root).retire("wdo_dir", "1.0.0", why="damaged", who="ana")
    assert registry(root).states("wdo_dir").of("1.0.0") is ModelState.RETIRED
    with pytest.raises(PromotionError, match="retired already"):
        registry(root).retire("wdo_dir", "1.0.0", why="damaged", who="ana")


@pytest.mark.parametrize(("who", "why"), [("", "x"), ("ana", " ")])
def test_a_move_needs_who_and_why(root: Path, who: str, why: str) -> None:
    with pytest.raises((PromotionError, ModelError)):
        registry(root).retire("wdo_dir", "1.0.0", why=why, who=who or " ")


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "few paths": ({"paths_beaten": 7}, "beats_baselines: on 7 of 9 paths; wanted on 80%"),
    "no paths": ({"paths": None}, "beats_baselines: not recorded"),
    "more than all": ({"paths_beaten": 10}, "beats_baselines: on 10 of 9 paths"),
    "costs": ({"net_at_1_5_cost": 0.0}, "net_at_1_5_cost: 0; wanted above 0"),
    "fees unknown": ({"fees_known": False}, "net_at_1_5_cost: fees unknown: give --fee; wanted above 0"),
    "costs unknown": ({"net_at_1_5_cost": None}, "net_at_1_5_cost: not recorded"),
    "dsr": ({"dsr": 0.949}, "dsr: 0.949; wanted at least 0.95"),
    "markout": ({"judged_by": "markout", "markout_low": -0.01}, "markout_low: -0.01; wanted above 0"),
    "pbo": ({"pbo": 0.11}, "pbo: 0.11; wanted at most 0.1"),
    "pbo unknown": ({"pbo": None}, "pbo: not recorded"),
    "placebos": ({"placebos_clean": False}, "placebos: not clean"),
    "parity": ({"parity_clean": None}, "parity: not recorded"),
}


@pytest.mark.parametrize("what", BAD)
def test_each_failed_condition_is_named(trained: Any, what: str) -> None:
    changes, words = BAD[what]
    manifest = replace(trained.draft, evidence=replace(trained.draft.evidence, **changes))
    failed = [str(c) for c in conditions(manifest, ModelState.SHADOW) if not c.met]
    assert len(failed) == 1
    assert failed[0].startswith(words)


def test_a_promotion_lists_every_failure_and_moves_nothing(
    root: Path, save: Callable[..., Path], trained: Any
) -> None:
    save(version="1.1.0", evidence=replace(trained.draft.evidence, dsr=0.5, pbo=0.3))
    with pytest.raises(PromotionError, match="stays candidate: 2 of 7 conditions") as caught:
        registry(root).promote("wdo_dir", "1.1.0", why="hope", who="ana")
    assert [text.split(":")[0] for text in caught.value.failed] == ["dsr", "pbo"]
    assert registry(root).states("wdo_dir").entries == ()


def results(n: int, state: str, value: float = 1.0) -> list[SessionResult]:
    return [SessionResult(f"2026-01-{k + 1:02}", state, value) for k in range(n)]


@pytest.mark.parametrize(
    ("given", "met"),
    [
        (results(9, "shadow"), False),
        (results(10, "shadow"), True),
        (results(10, "canary"), False),
        (results(10, "shadow", 11.0), False),
        (results(9, "shadow") + results(9, "shadow"), False),  # the same sessions twice
        (
            results(10, "shadow") + [SessionResult(f"2026-02-0{k}", "shadow", 99.0) for k in range(1, 4)],
            False,
        ),
        ([*results(10, "shadow"), SessionResult("2026-02-01", "shadow", 99.0)], True),
    ],
)
def test_ten_shadow_sessions_where_they_were_predicted(
    trained: Any, given: list[SessionResult], met: bool
) -> None:
    found = {c.name: c for c in conditions(trained.draft, ModelState.CANARY, given)}
    assert found["shadow_sessions"].met is met


def test_synthetic_data_never_trades(trained: Any) -> None:
    manifest = replace(trained.draft, data={**trained.draft.data, "synthetic": True})
    assert all(c.met for c in conditions(manifest, ModelState.SHADOW))
    failed = [c.name for c in conditions(manifest, ModelState.CANARY, results(10, "shadow")) if not c.met]
    assert failed == ["market_data"]


def test_every_byte_of_the_record_counts(root: Path) -> None:
    to_live(root, "1.0.0")
    path = root / "wdo_dir" / "states.jsonl"
    data = path.read_bytes()
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << (place % 8)
        path.write_bytes(changed)
        with pytest.raises(ModelError):
            ChainedFile(path).read()
    lines = data.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[1:]))
    with pytest.raises(ModelError, match="line 1 was changed"):
        ChainedFile(path).read()
    path.write_bytes(lines[1] + lines[0] + lines[2])
    with pytest.raises(ModelError):
        ChainedFile(path).read()


def test_what_a_killed_writer_left_is_dropped(tmp_path: Path) -> None:
    file = ChainedFile(tmp_path / "log.jsonl")
    file.append(lambda lines: {"n": len(lines)})
    whole = file.path.read_bytes()
    file.append(lambda lines: {"n": len(lines)})
    both = file.path.read_bytes()
    for cut in range(len(whole), len(both)):
        file.path.write_bytes(both[:cut])
        found = len(file.read())
        assert found == (2 if cut == len(both) - 1 else 1)  # all but the end of the line is the line
        file.append(lambda lines: {"n": len(lines)})
        assert [line["n"] for line in file.read()] == list(range(found + 1))


def test_two_processes_do_not_lose_a_line(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from quantumtrader.models.records import ChainedFile\n"
        "f = ChainedFile(Path(sys.argv[1]))\n"
        "for _ in range(50): f.append(lambda lines: {'n': len(lines)})"
    )
    path = tmp_path / "log.jsonl"
    source = str(Path(__file__).resolve().parents[3] / "python")
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], env={"PYTHONPATH": source})
        for _ in range(3)
    ]
    assert [p.wait() for p in running] == [0, 0, 0]
    assert [line["n"] for line in ChainedFile(path).read()] == list(range(150))


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({"result": 1.0}, "a session"),
        ({"session": "2026-01-01"}, "its result"),
        ({"session": "2026-01-01", "result": float("nan")}, "result is nan"),
        ({"session": "2026-01-01", "result": 1.0, "hits": "many"}, "hits is 'many'"),
    ],
)
def test_performance_needs_numbers(root: Path, metrics: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        registry(root).performance("wdo_dir").record("1.0.0", ModelState.SHADOW, metrics)


def test_a_session_is_recorded_once_and_in_order(root: Path) -> None:
    log = registry(root).performance("wdo_dir")
    for day in ("2026-01-01", "2026-01-03"):
        log.record("1.0.0", ModelState.SHADOW, {"session": day, "result": -9.0})
    for day in ("2026-01-02", "2026-01-03"):  # one left out before, one said again with a better result
        with pytest.raises(ModelError, match=f"{day} of version 1.0.0 is not after 2026-01-03"):
            log.record("1.0.0", ModelState.SHADOW, {"session": day, "result": 9.0})
    log.record("1.1.0", ModelState.SHADOW, {"session": "2026-01-02", "result": 1.0})
    assert [r.result for r in log.results("1.0.0")] == [-9.0, -9.0]


def test_numbers_that_are_none_are_not_written(trained: Any) -> None:
    with pytest.raises(ModelError, match="dsr is nan"):
        replace(trained.draft.evidence, dsr=float("nan"))
    with pytest.raises(ModelError, match="not JSON"):
        replace(trained.draft, metrics={"auc": float("nan")}).to_bytes()
