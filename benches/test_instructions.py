"""Instructions per event of the feature engine against the committed ones: `make instructions`.

Wall time is noisy on a shared machine, executed instructions are not. Each workload of
``crates/qt-features/benches/instructions.rs`` runs under callgrind, which counts inside its function `measured`; the
count per event may be at most 3 % above the one in ``instructions.json``. Where it fell by more than that, a note asks
for the new figure, which ``make instructions ARGS=--update-instructions`` writes.

Counts depend on the compiler and on what the C library picks for the processor: on another one nothing is compared.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quantumtrader.features import FAMILIES

ROOT = Path(__file__).resolve().parent.parent
BASELINE = ROOT / "benches" / "instructions.json"
TOLERANCE = 0.03
WORKLOADS = ["touch/event", *(f"{family}/100ms" for family in FAMILIES), "all/100ms", "all/event"]
CPU_FLAGS = ("avx2", "bmi2", "erms", "fma", "sse4_2")
"""Extensions by which the C library chooses its routines and that valgrind passes on."""


@pytest.fixture(autouse=True)
def _on_demand(request: pytest.FixtureRequest) -> None:
    wanted = ("--instructions", "--update-instructions")
    if not any(request.config.getoption(option) for option in wanted):
        pytest.skip("counts instructions for a minute: make instructions")
    for tool in ("cargo", "valgrind"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


def output(*command: str, **options: Any) -> str:
    """Standard output of a command; a failure shows what it said."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def conditions() -> dict[str, str]:
    """What counts depend on besides the sources."""
    info = Path("/proc/cpuinfo")
    found = set(re.findall(r"\w+", info.read_text("utf-8"))) if info.exists() else set()
    return {
        "rustc": output("rustc", "--version").strip(),
        "valgrind": output("valgrind", "--version").strip(),
        "libc": " ".join(platform.libc_ver()),
        "cpu": " ".join([platform.machine(), *(flag for flag in CPU_FLAGS if flag in found)]),
    }


@pytest.fixture(scope="session")
def binary() -> Path:
    """The bench, built as `cargo bench` does."""
    command = ["cargo", "bench", "--quiet", "-p", "qt-features", "--bench", "instructions", "--no-run"]
    messages = output(*command, "--message-format=json").splitlines()
    built = [m for m in map(json.loads, messages) if m.get("executable")]
    return next(Path(m["executable"]) for m in built if m["target"]["name"] == "instructions")


def count(binary: Path, workload: str, folder: Path) -> float:
    """Instructions per event."""
    name, clock = workload.split("/")
    counts = folder / "callgrind.out"
    options = ["--tool=callgrind", "--toggle-collect=*measured*", f"--callgrind-out-file={counts}"]
    # Addresses decide how often a routine of the C library goes round: fixed environment, fixed stack.
    said = output("valgrind", *options, str(binary), name, clock, env={"PATH": os.environ["PATH"]})
    events = int(said.split(" events", 1)[0])
    total = re.search(r"^(?:totals|summary): (\d+)$", counts.read_text("utf-8"), re.M)
    assert total is not None, "callgrind counted nothing"
    return int(total[1]) / events


@pytest.mark.timeout(600)
@pytest.mark.parametrize("workload", WORKLOADS)
def test_instructions_per_event(
    request: pytest.FixtureRequest,
    note: Callable[[str], None],
    conditions: dict[str, str],
    binary: Path,
    tmp_path: Path,
    workload: str,
) -> None:
    update = request.config.getoption("--update-instructions")
    known = json.loads(BASELINE.read_text("utf-8")) if BASELINE.exists() else {}
    if not update and not known:
        pytest.skip("no committed counts: make instructions ARGS=--update-instructions")
    if not update:
        other = [f"{key}: {known.get(key)}" for key, here in conditions.items() if known.get(key) != here]
        if other:
            pytest.skip(f"the committed counts are of another machine ({'; '.join(other)})")
    found = count(binary, workload, tmp_path)
    if update:
        same = all(known.get(key) == here for key, here in conditions.items())
        counts = (known.get("instructions_per_event", {}) if same else {}) | {workload: round(found, 1)}
        ordered = {name: counts[name] for name in WORKLOADS if name in counts}
        BASELINE.write_text(
            json.dumps(conditions | {"instructions_per_event": ordered}, indent=2) + "\n", "utf-8"
        )
        note(f"{workload}: {found:,.1f} written")
        return
    before = known["instructions_per_event"].get(workload)
    if before is None:
        pytest.skip("no committed count: make instructions ARGS=--update-instructions")
    change = found / before - 1
    text = f"{workload}: {found:,.1f} per event, committed {before:,.1f} ({change:+.1%})"
    if change < -TOLERANCE:
        text += "; keep it: make instructions ARGS=--update-instructions"
    note(text)
    assert change <= TOLERANCE, text
