"""The main job from the command line: a recording or a synthetic session in, a folder with a report out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from quantumtrader import _backend
from quantumtrader.app import DemoConfig, ReplayConfig, parse_pace, run_demo, run_replay
from quantumtrader.backtest.save import FILES
from quantumtrader.cli.main import app
from quantumtrader.exceptions import ConfigError


@pytest.fixture(autouse=True)
def in_force(engine: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(_backend.ENGINE_VARIABLE, engine.ENGINE)
    _backend._resolve.cache_clear()
    yield
    _backend._resolve.cache_clear()


def test_the_demo_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    stages: list[str] = []

    def stage(description: str, total: float | None) -> object:
        from contextlib import nullcontext

        stages.append(description)
        return nullcontext(lambda units: None)

    first = run_demo(DemoConfig(tmp_path / "a", seed=3, minutes=12), stage=stage)  # type: ignore[arg-type]
    run_demo(DemoConfig(tmp_path / "b", seed=3, minutes=12))
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
    assert first.report == tmp_path / "a" / "report.html"
    assert stages == ["replaying", "baselines", "writing the report"]
    other = run_demo(DemoConfig(tmp_path / "c", seed=4, minutes=12))
    assert other.backtest.path.events.tobytes() != first.backtest.path.events.tobytes()


def test_the_demo_command_says_synthetic_everywhere(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["demo", "--minutes", "8", "--out", str(tmp_path / "o")])
    assert result.exit_code == 0, result.output
    assert "synthetic" in result.output.lower()
    assert "report:" in result.output
    document = json.loads((tmp_path / "o" / "summary.json").read_text("utf-8"))
    assert document["synthetic"] is True
    assert "synthetic" in document["verdict"]["text"]
    assert "SYNTHETIC" in (tmp_path / "o" / "report.html").read_text("utf-8")
    for name in FILES[:4]:
        assert pq.read_schema(tmp_path / "o" / name).metadata[b"synthetic"] == b"true"


def test_the_demo_command_prints_json(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["demo", "--minutes", "8", "--json", "--lang", "pt", "--out", str(tmp_path)]
    )
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["report"].endswith("report.html")
    assert document["figures"]["samples"] > 0


def test_usage_errors(tmp_path: Path) -> None:
    out = ["--out", str(tmp_path)]
    runner = CliRunner()
    assert runner.invoke(app, ["replay", "--symbol", "WDOU25", *out]).exit_code == 2
    bad = runner.invoke(app, ["replay", "-i", "x.csv", "-s", "WDOU25", "-p", "size", *out])
    assert bad.exit_code == 2
    assert runner.invoke(app, ["demo", "--minutes", "1", *out]).exit_code == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lang": "de"}, "language 'de'"),
        ({"pace": "fast"}, "pace 'fast'"),
        ({"queue": "best"}, "queue model 'best'"),
        ({"latency_ms": -1.0}, "latency"),
        ({"strategy": "martingale"}, "no strategy 'martingale'"),
        ({"strategy": "order_flow_baseline", "parameters": {"lucky": "7"}}, "no parameter 'lucky'"),
        ({"strategy": "order_flow_baseline", "parameters": {"size": "many"}}, "size='many' is not int"),
        ({"fee": -1.0}, "fee is -1"),
        ({"rlp_sign": "guess"}, 'rlp_sign "guess"'),
    ],
)
def test_bad_settings_are_errors_before_any_work(
    tmp_path: Path, change: dict[str, object], words: str
) -> None:
    config = ReplayConfig(tmp_path / "missing.csv", "WDOU25", tmp_path / "o", **change)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=words):
        run_replay(config)
    assert not (tmp_path / "o").exists()


class Failing:
    """Raises at the first sample."""

    name, rule, features, clock = "failing", "None.", ("cvd_session",), "1s"

    def evaluate(self, row: object, market: object) -> None:
        raise RuntimeError("disk of the model is gone")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_halted_replay_is_written_and_ends_with_exit_code_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    monkeypatch.setattr("quantumtrader.app.replay.make_strategy", lambda name, **parameters: Failing())
    monkeypatch.setattr("quantumtrader.backtest.save.strategy_parameters", lambda strategy: {})
    monkeypatch.setattr("quantumtrader.backtest.report.html.strategy_parameters", lambda strategy: {})
    arguments = ["demo", "--minutes", "8", "--out", str(tmp_path), *(["--json"] if as_json else [])]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 4, result.output
    assert "disk of the model is gone" in result.output
    document = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert "disk of the model is gone" in document["halted"]
    assert document["figures"]["holds"].keys() == {"kill_switch"}
    if as_json:
        assert json.loads(result.stdout)["halted"] == document["halted"]


def test_a_series_that_crosses_contracts_without_adjustment_is_told(tmp_path: Path) -> None:
    rows = ["time,open,high,low,close,volume"]
    for day in (28, 29, 30, 31):
        rows += [
            f"2025-07-{day} {9 + k // 60:02d}:{k % 60:02d},5500.0,5501.0,5499.0,5500.0,10" for k in range(90)
        ]
    rows += [f"2025-08-01 09:{k:02d},5600.0,5601.0,5599.0,5600.0,10" for k in range(60)]
    path = tmp_path / "WDO_bars.csv"
    path.write_text("\n".join(rows) + "\n")
    notes = {}
    for symbol in ("WDOFUT", "WDOU25"):
        notes[symbol] = " ".join(run_replay(ReplayConfig(path, symbol, tmp_path / symbol)).notes)
    assert "prices jump at each roll" in notes["WDOFUT"]
    assert "prices jump" not in notes["WDOU25"]


def test_unknown_fees_are_told_on_the_terminal(tmp_path: Path) -> None:
    rows = ["time,open,high,low,close,volume"]
    rows += [f"2025-07-28 {9 + k // 60:02d}:{k % 60:02d},5500.0,5501.0,5499.0,5500.0,10" for k in range(90)]
    path = tmp_path / "bars.csv"
    path.write_text("\n".join(rows) + "\n")
    command = ["replay", "-i", str(path), "-s", "WDOU25", "--out", str(tmp_path / "o"), "--overwrite"]
    for more, known in (([], False), (["--fee", "0"], True), (["--fee", "1.2"], True)):
        result = CliRunner().invoke(app, [*command, *more])
        assert result.exit_code == 0, result.output
        assert ("fees unknown" in result.output.lower()) is not known
        document = json.loads((tmp_path / "o" / "summary.json").read_text("utf-8"))
        assert document["figures"]["fees_known"] is known


def test_pace() -> None:
    assert [parse_pace(p) for p in ("max", "1x", "2.5x")] == [0.0, 1.0, 2.5]
    with pytest.raises(ConfigError):
        parse_pace("0x")


def test_real_dol_ticks(shared_data: Callable[[str], Path], tmp_path: Path, engine: ModuleType) -> None:
    if engine.ENGINE == "python":
        pytest.skip(
            "the same path on the synthetic session covers the Python engine; a full day takes minutes"
        )
    folder = shared_data("b3_dol_ticks_20200402")
    result = run_replay(ReplayConfig(folder / "DOLK20_ticks_mt5.csv", "DOLK20", tmp_path, fee=1.0))
    assert result.backtest.fidelity == "quote"
    assert result.backtest.strategy.features == ("flow_ofi_1m", "vwap_z")
    assert result.summary.trades >= 1
    assert all(f.size % 5 == 0 for f in result.backtest.fills)
    assert result.summary.costs == pytest.approx(sum(f.size for f in result.backtest.fills))
    assert result.backtest.ledger.position == 0
    assert any("inferred" in note for note in result.notes)


def test_real_wdo_bars(shared_data: Callable[[str], Path], tmp_path: Path, engine: ModuleType) -> None:
    if engine.ENGINE == "python":
        pytest.skip("the same path on the synthetic session covers the Python engine")
    folder = shared_data("b3_wdo_win_bars")
    result = run_replay(ReplayConfig(folder / "WDOK20_1min_202004_mt5.csv", "WDOK20", tmp_path, lang="pt"))
    assert result.backtest.fidelity == "bar"
    assert result.backtest.strategy.name == "bar_trend_baseline"
    assert result.summary.trades > 10
    # R$ 5 per tick and contract, one contract: every gross result is a whole number of ticks.
    for trade in result.backtest.trades:
        assert trade.gross == pytest.approx(5.0 * round(trade.gross / 5.0))
        assert trade.gross == pytest.approx((trade.exit_px - trade.entry_px) * trade.side * 5.0)


@pytest.mark.parametrize("engine", ["rust"], indirect=True)
def test_both_engines_trade_alike(
    engines: tuple[ModuleType, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = []
    for module in engines:
        monkeypatch.setenv(_backend.ENGINE_VARIABLE, module.ENGINE)
        _backend._resolve.cache_clear()
        result = run_demo(DemoConfig(tmp_path / module.ENGINE, seed=5, minutes=10))
        assert result.backtest.engine == module.ENGINE
        figures.append(result)
    rust, python = figures
    assert rust.backtest.fills == python.backtest.fills
    assert rust.backtest.trades == python.backtest.trades
    assert rust.backtest.reasons == python.backtest.reasons
    assert rust.summary == python.summary
