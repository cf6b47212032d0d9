"""Pictures of features: they are written, they are the same twice, and a missing package is named."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from quantumtrader import FeatureFrame
from quantumtrader.exceptions import ConfigError, DataAccessError, MissingExtraError
from quantumtrader.features import FeatureDebugger
from quantumtrader.features.pictures import new_figure
from quantumtrader.features.plots import _breaks, _envelope, _with_breaks, drawn_features, plot_series, select

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


def test_a_line_ends_with_its_session() -> None:
    """Three rows, a night, two rows: between them stands a point without a value, at the end of the session."""
    minute = 60 * 10**9
    times = np.array([0, 1, 2, 902, 903]) * minute
    drawn, values = _with_breaks(times, np.arange(5.0), np.arange(5), _breaks(times))
    assert (drawn // minute).tolist() == [0, 1, 2, 2, 902, 903]
    np.testing.assert_array_equal(values, [0, 1, 2, NAN, 3, 4])
    thinned, values = _with_breaks(times, np.arange(5.0), np.array([0, 1, 4]), _breaks(times))
    assert (thinned // minute).tolist() == [0, 1, 2, 903]
    assert np.isnan(values).tolist() == [False, False, True, False]
    assert len(_breaks(np.arange(5) * 86_400 * 10**9)) == 0  # rows of days are one line


def texts(svg: Path) -> str:
    """What is written in a picture: with its letters as text, not as outlines."""
    return svg.read_text("utf-8")


@pytest.mark.usefixtures("drawing")
def test_a_picture_says_what_it_leaves_out(
    frame: FeatureFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantumtrader.features.plots.new_figure", partial(new_figure, text=True))
    values = np.random.default_rng(1).normal(size=(500, 100))
    values[7, 0] = np.inf
    values[:, 1] = NAN
    wide = FeatureFrame(tuple(f"f{k:03}" for k in range(100)), frame.times, values)
    assert drawn_features(wide, None)[:3] == ["f000", "f001", "f002"]
    assert drawn_features(wide, None, distributions=True)[:3] == ["f000", "f002", "f003"]
    overview = texts(FeatureDebugger(wide, wide).plot(tmp_path / "a.svg"))
    assert "distributions of 24 of 100 features" in overview
    assert "f000 (1 infinite, not drawn)" in overview
    assert ">reference<" in overview
    assert all(f">{name}<" in overview for name in wide.names)  # every row of the matrix is named
    bare = FeatureFrame(("f001",), frame.times, values[:, 1:2])
    series = texts(plot_series(bare, None, tmp_path / "b.svg"))
    assert "UTC, 2025-08-12" in series
    assert "1970" not in series
