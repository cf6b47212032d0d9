"""Processes that are killed: the recorder while it records, the roll at every file that it moves into place."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import time
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from tests.unit.data.offers import MS, NOON, WDO, WIN, ArrayFeed, Market, merged
from tests.unit.data.test_recorder import books, record

from quantumtrader.data._lock import is_locked
from quantumtrader.data.journal import JournalReader
from quantumtrader.data.lake import Lake
from quantumtrader.data.replayability import check_replayable
from quantumtrader.data.roll import roll
from quantumtrader.data.sequences import Sequences
from quantumtrader.data.sidecar import read_sidecar, sidecar_of
from quantumtrader.exceptions import DataAccessError, EmptyDataError

pytestmark = pytest.mark.integration

RECORD = """
    import sys
    sys.path[:0] = {path!r}
    from pathlib import Path
    from quantumtrader.data.recorder import CollectorSettings, RealtimeBookCollector
    from tests.unit.data.offers import MS, WDO, ArrayFeed, Market
    from tests.unit.data.test_recorder import books

    events = Market({seed}).events(12_000)
    settings = CollectorSettings(flush_ns={flush}, checkpoint_ns=5 * MS, batch=50)
    collector = RealtimeBookCollector(
        ArrayFeed(events), [WDO], Path({folder!r}), source="test", books=books, settings=settings
    )
    collector.open()
    print("recording", flush=True)
    while collector.poll():
        pass
"""

ROLL = """
    import os, sys
    sys.path[:0] = {path!r}
    from pathlib import Path
    from quantumtrader.data.lake import Lake
    from quantumtrader.data.roll import roll

    left = {steps}

    def dying(real):
        def call(*args, **options):
            global left
            if left == 0:
                os._exit(9)
            left -= 1
            return real(*args, **options)
        return call

    os.replace, os.unlink, os.rename = dying(os.replace), dying(os.unlink), dying(os.rename)
    Path.unlink, Path.touch = dying(Path.unlink), dying(Path.touch)
    root = Path({folder!r})
    states = [r.state for r in roll(root / "journal", Lake(root / "lake"), now_ns=0)]
    print(states)
"""


def python(code: str, **values: object) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code).format(path=sys.path, **values)]


@pytest.mark.parametrize("seed", range(6))
def test_a_killed_recorder_leaves_a_journal_that_replays(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    flush = int(rng.choice([0, 2 * MS]))
    run = subprocess.Popen(
        python(RECORD, folder=str(tmp_path / "journal"), seed=seed, flush=flush),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "recording\n"
    time.sleep(float(rng.uniform(0.01, 0.1)))
    run.kill()
    run.wait()
    run.stdout.close()
    (path,) = (tmp_path / "journal").glob("*.qtj")
    reader = JournalReader(path)
    events = reader.read()
    expected = Market(seed).events(12_000)
    assert events.tobytes() == expected[: len(events)].tobytes()
    lines = [line for line in read_sidecar(sidecar_of(path)) if line["what"] == "checkpoint"]
    result = check_replayable([events], WDO, books(), lines)
    assert "error" not in {f.severity for f in result.findings if f.check != "gap"}, result.findings
    # A checkpoint is written after its events: a kill takes none of them.
    assert (result.agreed, result.beyond) == (len(lines), 0)
    assert not is_locked(tmp_path / "journal", "WDOU25")
    again = record(ArrayFeed(Market(seed + 100).events(50)), tmp_path / "journal")
    assert again.status().state == "stopped"


def seen(lake: Lake, symbol: str) -> bytes:
    """What a reader gets: nothing where there is nothing, or where the lake refuses half a session."""
    try:
        return lake.read(symbol).tobytes()
    except (EmptyDataError, DataAccessError):
        return b""


def test_a_roll_killed_at_any_step_is_resumed_and_never_shows_half_a_session(tmp_path: Path) -> None:
    events = merged(Market(1).events(300), Market(2, instrument=1).events(200))
    record(ArrayFeed(events), tmp_path / "journal", WDO, WIN)
    lake = Lake(tmp_path / "lake")
    whole = {}
    for symbol, index in (("WDOU25", 0), ("WINQ25", 1)):
        mine = events[events["instrument"] == index].copy()
        mine["instrument"] = 0
        whole[symbol] = mine.tobytes()
    kills = 0
    for steps in range(100):
        run = subprocess.run(
            python(ROLL, folder=str(tmp_path), steps=steps % 12 if kills < 24 else 10**6),
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode in (0, 9), run.stderr
        kills += run.returncode == 9
        for symbol, content in whole.items():
            assert seen(lake, symbol) in ({content} if run.returncode == 0 else {content, b""})
        if run.returncode == 0:
            break
    assert kills >= 12, "the roll was never killed"
    assert run.stdout.strip() in (
        "['rolled', 'rolled']",
        "['unchanged', 'rolled']",
        "['unchanged', 'unchanged']",
    )
    assert [r.state for r in roll(tmp_path / "journal", lake, now_ns=NOON)] == ["unchanged", "unchanged"]
    for symbol in whole:
        note = json.loads((tmp_path / f"lake/recorded/symbol={symbol}/date=2025-08-15.json").read_text())
        assert note["complete"]
        assert lake.dates(symbol) == [date(2025, 8, 15)]


def collect(folder: Path, *options: str) -> list[str]:
    code = f"import sys; sys.path[:0] = {sys.path!r}; from quantumtrader.cli.main import main; main()"
    return [
        sys.executable,
        "-c",
        code,
        "collect",
        "--source",
        "generator",
        "--journal",
        str(folder / "journal"),
        "--lake",
        str(folder / "lake"),
        *options,
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_collect_cleanly(tmp_path: Path, number: signal.Signals, code: int) -> None:
    run = subprocess.Popen(
        collect(tmp_path, "-s", "WDOU25", "--now", "--speed", "100", "--status-seconds", "0.2"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    while True:
        status = json.loads(run.stdout.readline())
        if status["recorded"] > 500:
            break
    run.send_signal(number)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, err) == (code, "")
    last = [json.loads(line) for line in out.splitlines()]
    stopped = [line for line in last if line["what"] == "status"][-1]
    assert (stopped["state"], stopped["lost"], stopped["unrecorded"]) == ("stopped", 0, 0)
    assert stopped["synthetic"] is True
    (rolled,) = (line for line in last if line["what"] == "roll")
    assert (rolled["state"], rolled["events"]) == ("rolled", stopped["recorded"])
    (path,) = (tmp_path / "journal").glob("*.qtj")
    sequences = Sequences()
    for events in JournalReader(path):
        sequences.add(events)
    assert sequences.complete
    assert Lake(tmp_path / "lake").metadata("WDOU25")["synthetic"] == "true"


def test_a_second_collect_of_a_symbol_is_refused(tmp_path: Path) -> None:
    first = subprocess.Popen(
        collect(tmp_path, "-s", "WDOU25", "--now", "--status-seconds", "0.2"),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert first.stdout is not None
    try:
        first.stdout.readline()
        second = subprocess.run(
            collect(tmp_path, "-s", "WDOU25", "--now"),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        first.kill()
        first.wait()
        first.stdout.close()
    assert second.returncode == 1
    assert "WDOU25 is being recorded into this folder by another collector" in second.stderr
