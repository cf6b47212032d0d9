"""The one door: raw files, folders, lakes, and the commands on top."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from quantumtrader.cli.main import app
from quantumtrader.data.contracts import instrument
from quantumtrader.data.importers import Options
from quantumtrader.data.source import find_importer, load_events, read_source
from quantumtrader.data.stream import stream_events
from quantumtrader.exceptions import DataError, DataFormatError, EmptyDataError, UnknownInstrumentError
from quantumtrader.types import Kind

BARS = "timestamp,open,high,low,close,volume\n" + "".join(
    f"2025-08-{day:02d} 09:{minute:02d},5400,5401,5399.5,5400.5,10\n"
    for day in (14, 15)
    for minute in range(10)
)


@pytest.fixture
def bars(tmp_path: Path) -> Path:
    path = tmp_path / "set" / "bars.csv"
    path.parent.mkdir()
    path.write_text(BARS)
    return path


def test_raw_file_and_folder(bars: Path) -> None:
    (bars.parent / "README.md").write_text("about")
    loaded = load_events(bars, "WDOU25")
    assert loaded.events["kind"].tolist().count(Kind.BAR) == 20
    assert loaded.description.endswith("(bars): 20 bar, 2025-08-14 to 2025-08-15")
    assert load_events(bars.parent, "WDOU25").events.tobytes() == loaded.events.tobytes()
    one = load_events(bars, "WDOU25", start=date(2025, 8, 15), sessions=False)
    assert len(one.events) == 10
    with pytest.raises(
        EmptyDataError, match="no events from 2025-09-01 to the end: it has 2025-08-14 to 2025-08-15"
    ):
        load_events(bars, "WDOU25", start=date(2025, 9, 1))


def test_errors(bars: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownInstrumentError):
        load_events(bars, "NOPE")
    with pytest.raises(DataError, match="no such file or folder"):
        load_events(tmp_path / "nowhere", "WDOU25")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyDataError, match="is a folder without a data file"):
        load_events(tmp_path / "empty", "WDOU25")
    (bars.parent / "more.csv").write_text(BARS)
    with pytest.raises(DataError, match=r"several data sets \(bars.csv, more.csv\)"):
        load_events(bars.parent, "WDOU25")


def test_sorting_covers_the_whole_source(bars: Path) -> None:
    lines = BARS.splitlines(keepends=True)
    bars.write_text(lines[0] + "".join(reversed(lines[1:])))
    loaded = load_events(bars, "WDOU25", options=Options(out_of_order="sort"), sessions=False)
    bars.write_text(BARS)
    assert loaded.events.tobytes() == load_events(bars, "WDOU25", sessions=False).events.tobytes()


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    return result.exit_code, result.output


def test_import_keeps_bad_rows_in_a_side_file(bars: Path, tmp_path: Path) -> None:
    bars.write_text(BARS + "2025-08-15 09:10,5400,5401,5399.3,5400.5,10\n2025-08-15 09:11,54\n")
    code, text = run("import", bars, "--symbol", "WDOU25", "--out", tmp_path / "lake", "--json")
    assert code == 0, text
    result = json.loads(text)
    assert (result["rows"], result["rejected"]) == ({"bars": 20}, 2)
    with Path(result["rejected_file"]).open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda r: int(r["line"]))
    assert [(r["line"], r["column"], r["value"]) for r in rows] == [
        ("22", "low", "5399.3"),
        ("23", "", "2025-08-15 09:11,54"),
    ]
    code, text = run("validate", bars, "--symbol", "WDOU25", "--json")
    assert (code, json.loads(text)["valid"]) == (3, False)  # rows were put aside
    code, text = run("validate", tmp_path / "lake", "--symbol", "WDOU25", "--json")
    assert (code, json.loads(text)["valid"]) == (0, True)
    stored = load_events(tmp_path / "lake", "WDOU25").events
    assert stored.tobytes() == load_events(bars, "WDOU25").events.tobytes()


def test_failed_import_leaves_nothing(bars: Path, tmp_path: Path) -> None:
    lines = BARS.splitlines(keepends=True)
    bars.write_text("".join([lines[0], lines[5], lines[3]]))
    code, text = run("import", bars, "--symbol", "WDOU25", "--out", tmp_path / "lake")
    assert code == 3
    assert "bars.csv:3" in text
    assert [p for p in (tmp_path / "lake").rglob("*") if p.is_file()] == []


@pytest.mark.parametrize(
    "arguments",
    [("--decimal", "x"), ("--date", "15/08/2025"), ("--out-of-order", "maybe"), ("--infer-side", "guess")],
)
def test_usage_errors(bars: Path, arguments: tuple[str, str]) -> None:
    code, text = run("validate", bars, "--symbol", "WDOU25", *arguments)
    assert code == 2
    assert arguments[1] in text


def test_adjusted_grid_survives_the_lake(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(
        "Ativo;Data;Hora;Abertura;Maximo;Minimo;Fechamento;Volume;Quantidade\n"
        "WDOFUT;05/11/2021;12:48:00;5.634,991;5.636,511;5.633,471;5.633,471;1,00;4\n"
        "WDOFUT;05/11/2021;12:47:00;5.639,044;5.640,058;5.633,471;5.635,498;1,00;8\n"
    )
    assert run("import", path, "--symbol", "WDOFUT", "--out", tmp_path / "lake")[0] == 0
    loaded = load_events(tmp_path / "lake", "WDOFUT")
    assert loaded.instrument.tick_size == 0.001
    assert loaded.events.tobytes() == load_events(path, "WDOFUT").events.tobytes()


def test_rejected_rows_are_listed_by_source(bars: Path, tmp_path: Path) -> None:
    """Two files of one name do not touch each other's list, whatever is imported again."""
    lake = tmp_path / "lake"
    bad = BARS + "2025-08-15 09:10,5400,5401,5399.3,5400.5,10\n"
    one, two = tmp_path / "a" / "bars.csv", tmp_path / "b" / "bars.csv"
    for path, content in ((one, bad), (two, bad.replace("2025-08-", "2025-07-"))):
        path.parent.mkdir()
        path.write_text(content)

    def take(path: Path) -> Path | None:
        code, text = run("import", path, "-s", "WDOU25", "-o", lake, "--overwrite", "--json")
        assert code == 0, text
        found = json.loads(text)["rejected_file"]
        return None if found is None else Path(found)

    lists = [take(one), take(two)]
    assert lists[0] is not None
    assert lists[1] is not None
    assert lists[0] != lists[1]
    assert all(
        str(path) in str(listed and listed.read_text())
        for path, listed in zip((one, two), lists, strict=True)
    )
    assert take(one) == lists[0]  # the name does not change from one import to the next
    two.write_text(BARS.replace("2025-08-", "2025-07-"))
    assert take(two) is None
    assert [p.name for p in (lake / "rejected").iterdir()] == [lists[0].name]


def test_no_data_without_their_list_of_rejected_rows(
    bars: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is ready before anything is published: when it cannot be written, nothing is."""
    bars.write_text(BARS + "2025-08-15 09:11,54\n")
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "rejected").write_text("a file where the folder should be")
    code, text = run("import", bars, "-s", "WDOU25", "-o", tmp_path / "lake")
    assert (code, "cannot write to the lake" in text, "nothing was changed" in text) == (1, True, True)
    assert not list((tmp_path / "lake").rglob("*.parquet"))


def test_notes_stay_with_the_data(tmp_path: Path) -> None:
    header = (
        "DataReferencia;CodigoInstrumento;AcaoAtualizacao;PrecoNegocio;QuantidadeNegociada;HoraFechamento;"
        "CodigoIdentificadorNegocio;TipoSessaoPregao;DataNegocio\n"
    )
    row = "2025-08-15;WDOU25;{};5400,500;7;{};{};1;2025-08-15\n"
    path = tmp_path / "15-08-2025_NEGOCIOSAVISTA_DRV.txt"
    path.write_text(
        header
        + "".join(row.format(*r) for r in ((0, "090000123", 10), (0, "090001123", 20), (2, "090002123", 20)))
    )
    note = "1 trades later cancelled were left out: at the time the market had seen them"
    assert note in load_events(path, "WDOU25").notes
    assert run("import", path, "-s", "WDOU25", "-o", tmp_path / "lake")[0] == 0
    assert note in load_events(tmp_path / "lake", "WDOU25").notes
    assert load_events(tmp_path / "lake", "WDOU25").notes == load_events(path, "WDOU25").notes


@pytest.mark.parametrize(
    ("name", "symbol", "named"),
    [
        ("WDOK20_202004010900.csv", "WDOU25", "WDOK20"),
        ("winj20.csv", "WDOU25", "WINJ20"),
        ("WIN$N_M1.csv", "WDOU25", "WIN$N"),
        ("WDOU25_M1.csv", "WDOU25", None),
        ("WDOK20.csv", "WDOFUT", None),  # a series is made of its contracts
        ("WDOU250.csv", "WDOU25", None),
        ("win-bars.csv", "WDOU25", None),
        ("bars.csv", "WDOU25", None),
    ],
)
def test_a_source_named_after_another_instrument_is_told(
    bars: Path, name: str, symbol: str, named: str | None
) -> None:
    path = bars.rename(bars.with_name(name))
    notes = [note for note in load_events(path, symbol).notes if "named after" in note]
    assert notes == (
        []
        if named is None
        else [f"{name} is named after {named}, and was read as {symbol}: is --symbol the right one?"]
    )
    assert [note for note in list_notes(path, symbol) if "named after" in note] == notes


def list_notes(path: Path, symbol: str) -> list[str]:
    stream = stream_events(path, symbol)
    assert sum(map(len, stream))
    return stream.notes


@pytest.mark.parametrize("name", ["lobster", "binance", "mbo", "bitstamp", "wondertrader", "collector"])
def test_formats_with_state_are_not_sorted(name: str, tmp_path: Path) -> None:
    importer = find_importer(tmp_path, name)
    with pytest.raises(
        DataFormatError, match=f"cannot be sorted: in the format {name} .*--out-of-order reject"
    ):
        list(read_source(tmp_path, instrument("WDOU25"), importer, Options(out_of_order="sort")))


def test_ticks_are_sorted_before_anything_is_carried(tmp_path: Path) -> None:
    """The events of a shuffled file are those of the file in order: quotes, sides and all."""
    head = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\n"
    rows = [
        f"2025.08.15\t09:00:0{k}.000\t{cells}\n"
        for k, cells in enumerate(
            ("5400\t5401\t\t", "\t\t5401\t2", "\t5402\t\t", "5401.5\t\t\t", "\t\t5401.5\t1")
        )
    ]
    path = tmp_path / "ticks.csv"
    path.write_text(head + "".join(rows))
    whole = load_events(path, "WDOU25")
    path.write_text(head + "".join(rows[k] for k in (0, 4, 2, 1, 3)))
    mixed = load_events(path, "WDOU25", options=Options(out_of_order="sort"))
    assert mixed.events.tobytes() == whole.events.tobytes()
    assert "3 rows changed place when sorted by time" in mixed.notes


def test_cancelling_file_is_sorted_before_the_tick_rule(tmp_path: Path) -> None:
    head = "RptDt;TckrSymb;UpdActn;GrssTradAmt;TradQty;NtryTm;TradId;TradgSsnId;TradDt\n"
    rows = [
        f"2025-08-15;WDOU25;0;{5400 + px};2;09000{k}000;{k + 1};1;2025-08-15\n"
        for k, px in enumerate((0, 1, 0, 2))
    ]
    path = tmp_path / "b3.txt"
    path.write_text(head + "".join(rows))
    whole = load_events(path, "WDOU25")
    path.write_text(head + "".join(rows[k] for k in (0, 2, 1, 3)))
    mixed = load_events(path, "WDOU25", options=Options(out_of_order="sort"))
    assert mixed.events.tobytes() == whole.events.tobytes()


def test_a_series_over_a_roll_carries_a_note(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_text(BARS)
    assert not [n for n in load_events(path, "WDO$").notes if "roll" in n]
    path.write_text(BARS + BARS.partition("\n")[2].replace("2025-08-", "2025-09-"))
    assert [n for n in load_events(path, "WDO$").notes if "WDO$ goes from WDOU25 to WDOV25" in n]
    assert not [n for n in load_events(path, "WDOU25").notes if "roll" in n]  # a contract does not roll
    path.write_text(path.read_text().replace("5399.5", "5399.37"))  # off the grid: adjusted
    assert not [n for n in load_events(path, "WDO$").notes if "prices jump" in n]
