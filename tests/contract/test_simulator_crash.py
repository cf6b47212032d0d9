"""The client's process is killed at every order message; the next one finds what was told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contract.order_client import routing
from contract.simulator_client import FOLDER, SUFFIX, nl, open_client

TESTS = Path(__file__).parents[1]
FINAL = {2, 4, 8, 12, 15, 17, 18, 204, 205}


def test_a_damaged_state_file_is_named_with_its_byte(tmp_path: Path) -> None:
    state = tmp_path / "broker.state"
    toml = f'[market]\nmax_events = 2000\n[orders]\nstate_file = "{state.as_posix()}"'
    with routing(2, toml) as client:
        client.send(1, 1)
        before = client.all_orders()
    with routing(2, toml) as client:
        assert [o[1:] for o in client.all_orders()] == [o[1:] for o in before]
        assert client.all_orders()[0][0] != before[0][0], "ids of a session are its own"
    whole = state.read_bytes()
    state.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    with open_client(2) as client:
        client.configure(toml)
        assert client.login(routing=True) == nl(1)
        assert "broker.state: damaged at byte" in client.error()


@pytest.mark.integration
@pytest.mark.skipif(not hasattr(os, "fork"), reason="every life of the client is a fork")
@pytest.mark.parametrize("width", [2, 4], ids=["utf16", "wchar32"])
def test_orders_survive_a_kill_at_every_message(width: int, tmp_path: Path) -> None:
    library = FOLDER / f"libprofitdll_sim{width * 8}{SUFFIX}"
    if not library.exists():
        pytest.skip(f"{library.name} is not built: run `make build` with cargo on the path")
    run = subprocess.run(
        [sys.executable, "-m", "contract.crashing_client", str(width), str(tmp_path)],
        cwd=TESTS,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent / "python")])},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    deaths = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(deaths) > 50
    whole = deaths[0]
    assert whole["found"] == whole["last"] or len(whole["found"]) == len(whole["last"])
    for life in deaths:
        found = {permanent: (status, traded) for _, permanent, status, traded, _ in life["found"]}
        named = [p for p in found if p]
        assert len(named) == len(set(named))
        for permanent, status, traded in life["told"]:
            if permanent:
                now = found[permanent]
                assert now[1] >= traded, (life["death"], permanent)
                assert status not in FINAL or now[0] == status
        rows = zip(life["found"], life["sides"], strict=True)
        assert life["signed"] == sum(o[3] if side == 1 else -o[3] for o, side in rows)
        assert [o[1] for o in life["last"]][: len(named)] == [o[1] for o in life["found"]][: len(named)]
        ended = zip(life["last"], life["sides"], strict=True)
        assert life["signed_end"] == sum(o[3] if side == 1 else -o[3] for o, side in ended)
        assert {o[2] for o in life["last"]} <= FINAL, life["death"]
    assert any(life["signed"] for life in deaths)
