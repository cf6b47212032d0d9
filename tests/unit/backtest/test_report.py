"""The report is one file that loads nothing, holds the key figures, and is written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.unit.backtest.streams import SECOND, T0, WDO, AtTimes, marker, quote, stream
from tests.unit.backtest.test_harness import rising

from quantumtrader.backtest import (
    Backtest,
    BacktestResult,
    BacktestSettings,
    Baselines,
    Summary,
    compute_baselines,
    render_report,
    save_result,
    summarise,
)
from quantumtrader.backtest.report.labels import labels, money
from quantumtrader.backtest.report.payload import MAX_CANDLES, candles, local_seconds
from quantumtrader.backtest.save import FILES, summary_document
from quantumtrader.backtest.verdict import verdict_code
from quantumtrader.exceptions import ConfigError, QuantumTraderError
from quantumtrader.features import catalogue_hash
from quantumtrader.types import Flag, Kind, Phase

Replay = tuple[BacktestResult, Baselines, Summary]


@pytest.fixture
def replay(in_force: str) -> Replay:
    settings = BacktestSettings(flatten_before_s=1.0, draws=50)
    result = Backtest(rising(), WDO, AtTimes(((2.0, 1), (20.0, -1))), settings).run()
    baselines = compute_baselines(result)
    return result, baselines, summarise(result, baselines)


class Page(HTMLParser):
    """Collects what a browser would fetch, the visible text, and the scripts."""

    LOADS = frozenset({"src", "srcset", "data", "poster", "background", "action", "formaction", "manifest"})

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[tuple[str, str]] = []
        self.text: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside.append(tag)
        for name, value in attrs:
            if name in self.LOADS or (name == "href" and tag != "a"):
                self.loads.append((tag, value or ""))

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        tag = self._inside[-1] if self._inside else ""
        self.raw.get(tag, self.text).append(data)


def parse(html: str) -> Page:
    page = Page()
    page.feed(html)
    return page


@pytest.mark.parametrize("lang", ["en", "pt"])
def test_it_loads_nothing(replay: Replay, lang: str) -> None:
    page = parse(render_report(*replay, lang=lang))
    assert page.loads == []
    style = "".join(page.raw["style"])
    assert "@import" not in style
    assert not re.search(r"url\((?!['\"]?data:)", style)
    own = page.raw["script"][-1]
    assert not re.search(r"fetch\(|XMLHttpRequest|WebSocket|EventSource|import\(|https?:", own)
    assert len(page.raw["script"]) == 4


@pytest.mark.parametrize("lang", ["en", "pt"])
def test_it_holds_the_key_figures(replay: Replay, lang: str) -> None:
    result, _, summary = replay
    html = render_report(*replay, lang=lang, description="hand-made <stream>", notes=["a & b"])
    text = " ".join(parse(html).text)
    for amount in (summary.net, summary.gross, summary.costs, summary.max_drawdown, summary.random_mean):
        assert money(amount, "BRL", lang) in text
    for words in ("WDOU25", "hand-made <stream>", "a & b", "at_times", "America/Sao_Paulo", "TradingView"):
        assert words in text
    assert {"en": "not investment advice", "pt": "não recomendação de investimento"}[lang] in text
    assert result.strategy.rule in text
    assert len(html) < 2_000_000


def test_synthetic_events_are_called_synthetic(in_force: str, replay: Replay) -> None:
    assert "SYNTHETIC" not in render_report(*replay)
    events = rising()
    events["flags"] = Flag.SYNTHETIC
    result = Backtest(events, WDO, AtTimes(((2.0, 1),)), BacktestSettings(draws=10)).run()
    baselines = compute_baselines(result)
    html = render_report(result, baselines, summarise(result, baselines))
    assert '<div class="banner">SYNTHETIC DATA' in html
    assert re.search(r"<title>[^<]*SYNTHETIC</title>", html)
    assert result.frame.metadata["synthetic"] == "true"


def test_text_cannot_break_out_of_the_page(replay: Replay) -> None:
    html = render_report(*replay, description="</script><script>alert(1)</script>", notes=["<img src=x>"])
    assert "<script>alert" not in html
    assert parse(html).loads == []


def test_unknown_language(replay: Replay) -> None:
    with pytest.raises(ConfigError, match="en, pt"):
        render_report(*replay, lang="de")


def test_candles_by_hand(replay: Replay) -> None:
    drawn = candles(replay[0].path)
    assert drawn["step"] == 1
    assert len(drawn["t"]) == 50 <= MAX_CANDLES
    assert drawn["t"][0] == T0 // SECOND - 3 * 3600  # the local clock, as if it were UTC
    assert (drawn["o"][0], drawn["c"][-1], drawn["v"][0], drawn["d"][0]) == (500.5, 510.5, 20, 20)


def test_local_seconds_follow_daylight_saving() -> None:
    import numpy as np

    winter, summer = 1_704_110_400, 1_719_835_200  # 2024-01-01 12:00, 2024-07-01 12:00 UTC
    out = local_seconds(np.array([winter, summer]) * SECOND, "America/New_York")
    assert (out - [winter, summer]).tolist() == [-5 * 3600, -4 * 3600]


def test_files_are_complete_and_equal_for_equal_replays(replay: Replay, tmp_path: Path) -> None:
    result, _, summary = replay
    a, b = tmp_path / "a", tmp_path / "b"
    assert save_result(*replay, a) == a / "report.html"
    save_result(*replay, b)
    assert sorted(p.name for p in a.iterdir()) == sorted(FILES)
    for name in FILES:
        assert (a / name).read_bytes() == (b / name).read_bytes(), name
    decisions = pq.read_table(a / "decisions.parquet")
    assert decisions.num_rows == len(result.frame)
    assert set(decisions["action"].to_pylist()) == {"hold", "buy", "sell"}
    assert "" not in decisions["reason"].to_pylist()
    assert decisions["order_id"].drop_null().length() == len(result.decisions)
    trades = pq.read_table(a / "trades.parquet").to_pydict()
    assert sum(trades["net"]) == pytest.approx(summary.net)
    assert pq.read_table(a / "features.parquet").schema.metadata[b"symbol"] == b"WDOU25"
    document = json.loads((a / "summary.json").read_text("utf-8"))
    assert document["figures"]["net"] == pytest.approx(summary.net)
    assert document["verdict"]["code"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder that cannot be written")
def test_a_folder_that_cannot_be_written(replay: Replay, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(QuantumTraderError, match="cannot write the replay"):
        save_result(*replay, tmp_path / "out")


def test_a_full_disk_leaves_the_old_replay(
    replay: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_result(*replay, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(QuantumTraderError, match="No space left on device"):
        save_result(*replay, tmp_path, description="another")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_an_interruption_between_files_leaves_no_summary(
    replay: Replay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_result(*replay, tmp_path)
    real, moved = os.replace, []

    def stop(source: Path, target: Path) -> None:
        if len(moved) == 3:
            raise KeyboardInterrupt
        moved.append(Path(target).name)
        real(source, target)

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        save_result(*replay, tmp_path, description="another")
    assert moved == list(FILES[:3])
    assert not (tmp_path / "summary.json").exists()
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_what_fills_rest_on_and_what_is_not_known_stands_in_report_and_summary(in_force: str) -> None:
    free = replace(WDO, fee=0.0)
    result = Backtest(rising(), free, AtTimes(((2.0, 1),)), BacktestSettings(draws=10)).run()
    baselines = compute_baselines(result)
    summary = summarise(result, baselines)
    assert not summary.fees_known
    for lang in ("en", "pt"):
        document = summary_document(result, summary, lang=lang)
        note = document["assumptions"]["fidelity_note"]
        text = " ".join(parse(render_report(result, baselines, summary, lang=lang)).text)
        assert note in text
        assert labels(lang)["fees_unknown"] in text
        assert labels(lang)["fees_unknown_note"] in document["notes"]
    assert document["assumptions"]["fee_per_contract_side"] is None
    meant = Backtest(rising(), free, AtTimes(((2.0, 1),)), BacktestSettings(draws=10, fees_known=True)).run()
    assert summarise(meant, compute_baselines(meant)).fees_known


@pytest.mark.parametrize("fidelity", ["bar", "quote", "trade"])
def test_the_bias_of_coarse_sources_is_told(fidelity: str) -> None:
    for lang, words in (("en", ("Optimistic", "Pessimistic")), ("pt", ("Otimista", "Pessimista"))):
        assert all(word in labels(lang)[f"fidelity_{fidelity}"] for word in words)


def test_feature_files_say_how_they_were_made(in_force: str) -> None:
    settings = BacktestSettings(draws=10, warmup="partial", rlp_sign="quote")
    frame = Backtest(rising(), WDO, AtTimes(), settings).run().frame
    assert frame.metadata["catalogue"] == catalogue_hash()
    assert (frame.metadata["warmup"], frame.metadata["rlp_sign"]) == ("partial", "quote")


def test_a_file_in_the_way(replay: Replay, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(QuantumTraderError, match="cannot write the replay"):
        save_result(*replay, tmp_path / "out")


def test_vendored_files_are_the_published_ones() -> None:
    vendor = resources.files("quantumtrader.backtest.report").joinpath("static", "vendor")
    listed = {}
    for line in vendor.joinpath("SHA256SUMS").read_text("utf-8").splitlines():
        digest, name = line.split()
        listed[name] = digest
    files = {p.name for p in vendor.iterdir()} - {"SHA256SUMS", ".gitattributes"}
    assert files == set(listed)
    for name, digest in listed.items():
        assert hashlib.sha256(vendor.joinpath(name).read_bytes()).hexdigest() == digest, name
    assert any(name.endswith("LICENSE") for name in listed)


def test_a_position_that_has_no_price_at_the_end_is_no_result(in_force: str, tmp_path: Path) -> None:
    rows = [marker(0, Phase.OPEN), *(quote(k + 0.5, 1000, 1001) for k in range(10))]
    # The book is lost before the order that leaves at the end of the recording arrives.
    gap = {"at": round(9.505 * SECOND), "kind": int(Kind.GAP)}
    events = stream([*rows, gap, marker(20, Phase.OPEN)])
    result = Backtest(
        events, WDO, AtTimes(((2.0, 1),)), BacktestSettings(flatten_before_s=0.01, draws=10)
    ).run()
    assert result.ledger.position == 1
    baselines = compute_baselines(result)
    summary = summarise(result, baselines)
    assert math.isnan(summary.net)
    assert verdict_code(summary) == "unknown"
    save_result(result, baselines, summary, tmp_path)
    document = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert document["figures"]["net"] is None
    assert document["verdict"]["code"] == "unknown"
