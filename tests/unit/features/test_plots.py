"""Pictures of features: they are written, they are the same twice, and a missing package is named."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from quantumtrader import FeatureFrame
from quantumtrader.exceptions import ConfigError, DataAccessError, MissingExtraError
from quantumtrader.features import FeatureDebugger
from quantumtrader.features.plots import _envelope, plot_series, select

NAN = float("nan")


@pytest.fixture(scope="module")
def frame() -> FeatureFrame:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(500, 4))
    values[:50, 0] = NAN
    values[:, 2] = 3.0
    values[:, 3] = NAN
    times = 1_755_000_000_000_000_000 + np.arange(500) * 10**9
    return FeatureFrame(("flow_ofi_1m", "cvd_session", "constant", "empty"), times, values, {"manifest": "x"})


@pytest.fixture
def drawing() -> None:
    pytest.importorskip("matplotlib", reason="matplotlib comes with the extra `plot`")


@pytest.mark.usefixtures("drawing")
@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_pictures_are_written_and_the_same_twice(
    frame: FeatureFrame, suffix: str, start: bytes, tmp_path: Path
) -> None:
    draw = [
        lambda path: FeatureDebugger(frame, frame).plot(path),
        lambda path: FeatureDebugger(frame).plot_correlations(path),
        lambda path: plot_series(frame, None, path),
    ]
    for k, one in enumerate(draw):
        first, second = (tmp_path / f"{name}{k}.{suffix}" for name in "ab")
        assert one(first) == first
        one(second)
        assert first.read_bytes().startswith(start)
        assert first.read_bytes() == second.read_bytes()
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.usefixtures("drawing")
def test_an_empty_table_and_one_row(frame: FeatureFrame, tmp_path: Path) -> None:
    for n in (0, 1):
        short = FeatureFrame(frame.names, frame.times[:n], frame.values[:n])
        plot_series(short, ["flow_ofi_1m"], tmp_path / "a.png")
        FeatureDebugger(short).plot(tmp_path / "b.png")


def test_what_cannot_be_drawn(frame: FeatureFrame, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be written as 'a.txt'; end it with .png, .svg, .pdf"):
        plot_series(frame, None, tmp_path / "a.txt")
    with pytest.raises(ConfigError, match="has no rsi_14; it has flow_ofi_1m, cvd_session"):
        plot_series(frame, ["rsi_14"], tmp_path / "a.png")
    wide = FeatureFrame(tuple(f"f{k}" for k in range(30)), frame.times, np.zeros((500, 30)))
    with pytest.raises(ConfigError, match="30 features are too many for one picture; choose at most 24"):
        plot_series(wide, wide.names, tmp_path / "a.png")
    with pytest.raises(ConfigError, match="no feature to draw"):
        plot_series(frame, [], tmp_path / "a.png")


@pytest.mark.usefixtures("drawing")
def test_a_place_that_cannot_be_written(frame: FeatureFrame, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataAccessError, match="cannot be written"):
        plot_series(frame, None, tmp_path / "file" / "a.png")


def test_without_matplotlib_the_extra_is_named(
    frame: FeatureFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"needs matplotlib: pip install 'quantumtrader\[plot\]'"):
        plot_series(frame, None, tmp_path / "a.png")


def test_columns_are_chosen(frame: FeatureFrame) -> None:
    part = select(frame, ["cvd_session", "flow_ofi_1m"])
    assert part.names == ("cvd_session", "flow_ofi_1m")
    np.testing.assert_array_equal(part["flow_ofi_1m"], frame["flow_ofi_1m"])
    assert "manifest" not in part.metadata  # it is that of all columns


def test_thinning_keeps_spikes_and_gaps() -> None:
    column = np.zeros(1_000_003)
    column[123_456], column[777_777], column[-1] = 5.0, -5.0, 1.0
    column[500_000:600_000] = NAN
    shown = _envelope(column)
    assert len(shown) < 50_000
    assert {123_456, 777_777, len(column) - 1} <= set(shown.tolist())
    assert np.isnan(column[shown]).any()
    assert (np.diff(shown) > 0).all()
    assert _envelope(np.zeros(10)).tolist() == list(range(10))
