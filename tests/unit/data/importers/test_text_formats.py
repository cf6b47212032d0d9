"""Text importers on small files written by hand: every dialect and every trap."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from quantumtrader.data.contracts import instrument
from quantumtrader.data.importers import IMPORTERS, Imported, Options, Rejected
from quantumtrader.data.source import find_importer
from quantumtrader.exceptions import DataError, DataFormatError, EmptyDataError, UnsortedEventsError
from quantumtrader.types import PX_NONE, Events, Flag, Instrument, Kind

AAPL = Instrument("AAPL", "AAPL", 0.01, 1.0, "USD", timezone="America/New_York")


def utc(text: str) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    return int(moment.replace(microsecond=0).timestamp()) * 10**9 + moment.microsecond * 1000


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def read(path: Path, symbol: str | Instrument, **options: object) -> tuple[Events, list[Rejected], Imported]:
    target = symbol if isinstance(symbol, Instrument) else instrument(symbol)
    parts = list(find_importer(path).read(path, target, Options(**options)))  # type: ignore[arg-type]
    return np.concatenate([p.events for p in parts]), [r for p in parts for r in p.rejected], parts[0]


# ---------------------------------------------------------------------------------------------- MetaTrader 5

MT5_TICKS = (
    "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\r\n"
    "2020.04.02\t08:55:00.000\t0.0\t0.0\t0.0\t0.0\r\n"
    "2020.04.02\t09:00:00.001\t5217.0\t5217.5\t\t\r\n"
    "2020.04.02\t09:00:00.002\t\t\t5217.5\t20.0\r\n"
    "2020.04.02\t09:00:00.002\t\t\t5217.5\t20.0\r\n"
    "2020.04.02\t09:00:00.003\t5217.5\t5219.5\t\t\r\n"
    "2020.04.02\t09:00:00.004\t\t\t5218.0\t5.0\r\n"
    "2020.04.02\t09:00:00.005\t\t5218.5\t5218.0\t5.0\r\n"
)


def test_mt5_ticks_without_flags(tmp_path: Path) -> None:
    events, rejected, part = read(write(tmp_path / "x.csv", MT5_TICKS), "DOLK20")
    assert rejected == []
    assert events["kind"].tolist() == [2, 2, 1, 1, 2, 1, 1, 2]
    assert events["ts_event"][1] == utc("2020-04-02T12:00:00.001")
    quotes = events[events["kind"] == Kind.QUOTE]
    assert quotes["px"].tolist() == [PX_NONE, 10434, 10435, 10435]
    assert quotes["px_ask"].tolist() == [PX_NONE, 10435, 10439, 10437]  # the empty bid is carried forward
    assert quotes["size"].tolist() == [0, 0, 0, 0]
    trades = events[events["kind"] == Kind.TRADE]
    assert trades["px"].tolist() == [10435, 10435, 10436, 10436]  # equal lines are two trades
    # at the ask: buy; 10436 is below the mid of 10435 and 10439: sell
    assert trades["side"].tolist() == [1, 1, -1, -1]
    assert (trades["flags"] & Flag.SIDE_INFERRED).all()
    assert trades["flags"][3] & Flag.MORE  # the quote of the same row follows
    assert any("São" in note or "Sao_Paulo" in note for note in part.notes)


def test_mt5_ticks_tick_rule_and_none(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", MT5_TICKS)
    sides = lambda rule: read(path, "DOLK20", infer_side=rule)[0]["side"][[2, 3, 5, 6]].tolist()  # noqa: E731
    assert sides("tick") == [0, 0, 1, 1]
    assert sides("none") == [0, 0, 0, 0]


def test_mt5_ticks_flags(tmp_path: Path) -> None:
    rows = ["6\t", "88", "56", "312", "120", "6"]  # bid+ask, sell, buy, buy + an unknown bit, both, quote
    text = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n"
    text += f"2026.02.16\t19:00:00.083\t5000.0\t5000.5\t\t\t{rows[0].strip()}\n"
    for flags in rows[1:5]:
        text += f"2026.02.16\t19:00:00.100\t\t\t5000.5\t1\t{flags}\n"
    text += f"2026.02.16\t19:00:00.100\t\t\t5000.5\t1\t{rows[5]}\n"  # no deal bit: not a trade
    events, rejected, _ = read(write(tmp_path / "x.csv", text), "WDOH26")
    assert rejected == []
    trades = events[events["kind"] == Kind.TRADE]
    assert trades["side"].tolist() == [-1, 1, 1, 0]
    assert not (trades["flags"] & Flag.SIDE_INFERRED).any()


def test_mt5_rows_without_an_event_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    idle = "2020.04.02\t09:00:01.000\t\t\t5218.0\t{}\r\n"
    path = write(tmp_path / "x.csv", MT5_TICKS + "".join(idle.format(v) for v in ("0", "", "0.0") * 3))
    for block in (None, 200):  # the count is over the whole file, however it is cut
        if block is not None:
            monkeypatch.setattr("quantumtrader.data.importers._text._BLOCK", block)
        parts = list(find_importer(path).read(path, instrument("DOLK20"), Options()))
        assert sum(len(p.events) for p in parts) == 8
        notes = [n for p in parts for n in p.notes if "neither" in n]
        assert notes == [
            "9 rows give neither a trade nor a quote (no last price with a volume, or no deal in FLAGS): "
            "line 9, 10, 11, 12, 13, …"
        ]
    nothing = write(tmp_path / "n.csv", MT5_TICKS.splitlines(keepends=True)[0] + idle.format("0"))
    with pytest.raises(EmptyDataError, match="no ticks: 1 rows give neither a trade nor a quote"):
        read(nothing, "DOLK20")


def test_mt5_zone_is_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", MT5_TICKS)
    own = Instrument("EURUSD", "EURUSD", 0.5, 1.0, "USD", timezone="UTC")
    with pytest.raises(
        DataError, match=r"x\.csv: MetaTrader writes its server's time.*--timezone Europe/Athens"
    ):
        read(path, own)
    events, _, _ = read(path, own, timezone="Europe/Athens")  # UTC+3 in April
    assert events["ts_event"][0] == utc("2020-04-02T05:55:00")


def test_mt5_bars(tmp_path: Path) -> None:
    text = (
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n"
        "2020.04.01\t09:00:00\t5245.0\t5245.0\t5237.5\t5238.0\t71\t495\t0\r\n"
        "2020.04.01\t09:01:00\t5238.0\t5245.0\t5233.5\t5243.5\t197\t1265\t5\r\n"
        "2020.04.01\t09:02:00\t5238.0\t5230.0\t5233.5\t5243.5\t197\t1265\t5\r\n"
    )
    events, rejected, _ = read(write(tmp_path / "b.csv", text), "WDOK20")
    first = events[0]
    assert first["kind"] == Kind.BAR
    assert [int(first[f]) for f in ("px", "px_ask", "ref_a", "ref_b", "size")] == [
        10490,
        10490,
        10475,
        10476,
        495,
    ]
    assert first["id"] == utc("2020-04-01T12:00:00")
    assert first["ts_event"] == utc("2020-04-01T12:01:00")  # final one minute later
    assert [(r.line, r.column, r.reason) for r in rejected] == [(4, "high", "below the open or the close")]


# ------------------------------------------------------------------------------------------------------ Profit

CANDLES = "Ativo;Data;Hora;Abertura;Máximo;Mínimo;Fechamento;Volume;Quantidade\n"


def test_profit_candles_comma_dialect_newest_first(tmp_path: Path) -> None:
    text = (
        CANDLES + "WDOFUT;14/01/2022;18:29:00;5.553,500;5.555,500;5.553,000;5.553,500;64.209.120,00;1.156\n"
        "WDOFUT;14/01/2022;18:28:00;5.554,000;5.554,500;5.553,000;5.553,500;26.548.710,00;478\n"
    )
    events, rejected, part = read(write(tmp_path / "c.csv", text, "cp1252"), "WDOFUT")
    assert rejected == []
    assert events["px"].tolist() == [11108, 11107]  # oldest first
    assert events["size"].tolist() == [478, 1156]
    assert part.instrument.tick_size == 0.5
    assert events["id"][0] == utc("2022-01-14T21:28:00")


def test_profit_candles_adjusted_series(tmp_path: Path) -> None:
    text = (
        CANDLES + "WDOFUT;05/11/2021;12:48:00;5.634,991;5.636,511;5.633,471;5.633,471;233.395.780,00;4.197\n"
        "WDOFUT;05/11/2021;12:47:00;5.639,044;5.640,058;5.633,471;5.635,498;463.295.740,00;8.330\n"
    )
    path = write(tmp_path / "c.csv", text)
    events, _, part = read(path, "WDOFUT")
    assert part.instrument.tick_size == 0.001
    assert events["px"].tolist() == [5639044, 5634991]
    assert (events["flags"] == Flag.ADJUSTED).all()
    contract = write(tmp_path / "d.csv", text.replace("WDOFUT", "WDOZ21"))
    with pytest.raises(DataFormatError, match=r"none of the 2 rows.*off the tick grid of 0.5"):
        read(contract, "WDOZ21")  # a single contract is never adjusted


def test_profit_candles_dot_decimal_and_whole_points(tmp_path: Path) -> None:
    dots = CANDLES + "WDOFUT;19/01/2022;18:25:00;5454.500;5455.500;5451.500;5454.000;464008600.00;8509\n"
    dots += "WDOFUT;19/01/2022;18:20:00;5452.500;5455.500;5451.500;5455.000;499839805.00;9166\n"
    events, _, _ = read(write(tmp_path / "d.csv", dots), "WDOFUT")
    assert events["px"].tolist() == [10905, 10909]
    win = CANDLES + "WINFUT;19/01/2022;18:20:00;108.840;108.850;108.650;108.850;738958345.85;33.956\n"
    win += "WINFUT;19/01/2022;18:15:00;108.750;108.865;108.735;108.835;1378208277.14;63.340\n"
    events, _, _ = read(write(tmp_path / "w.csv", win), "WINFUT")
    assert events["px"].tolist() == [21750, 21768]  # 108 840 points: the dot groups thousands
    assert events["size"].tolist() == [63340, 33956]


def test_mixed_decimals_name_the_line(tmp_path: Path) -> None:
    text = (
        CANDLES + "WDOFUT;14/01/2022;18:29:00;5.553,500;5.555,500;5.553,000;5.553,500;1,00;1\n"
        "WDOFUT;14/01/2022;18:28:00;5554.000;5554.500;5553.000;5553.500;1,00;2\n"
        "WDOFUT;14/01/2022;18:27:00;5.553,500;5.555,500;5.553,000;5.553,500;1,00;3\n"
    )
    path = write(tmp_path / "m.csv", text)
    with pytest.raises(DataFormatError, match=r"m\.csv:3: column open: '5554\.000'.*--decimal"):
        read(path, "WDOFUT")
    events, rejected, _ = read(path, "WDOFUT", decimal=",")
    assert len(events) == 2
    assert [(r.line, r.column, r.value) for r in rejected] == [(3, "open", "5554.000")]


def test_profit_trades_with_header(tmp_path: Path) -> None:
    text = (
        "ATIVO;DATA;HORARIO;Corretora Compradora;Valor da Negociação;Qd Lts;Corretora Vendedora;Agressor\r\n"
        "WDOFUT;13/07/2026;09:00:48;147 - ATIVA - X;5.159,50;54;8 - UBS;Comprador\r\n"
        "WDOFUT;13/07/2026;09:00:48;147 - ATIVA;5.159,00;1;8 - UBS;Vendedor\r\n"
        "WDOFUT;13/07/2026;09:00:48;147 - ATIVA;5.159,00;1;8 - UBS;Vendedor\r\n"
        "WDOFUT;13/07/2026;09:00:47;SEM CODIGO;5.159,00;1.200;3 - XP;RLP\r\n"
        "WDOFUT;13/07/2026;09:00:46;3 - XP;5.159,00;2;3 - XP;Direto\r\n"
        "WDOFUT;13/07/2026;09:00:45;3 - XP;5.159,00;2;3 - XP;Leilão\r\n"
        "WDOFUT;13/07/2026;09:00:44;3 - XP;5.159,00;2;3 - XP;?\r\n"
    )
    events, rejected, part = read(write(tmp_path / "t.csv", text, "cp1252"), "WDOFUT")
    assert rejected == []
    assert events["side"].tolist() == [0, 0, 0, 0, -1, -1, 1]
    assert events["flags"].tolist() == [0, Flag.AUCTION, Flag.CROSS, Flag.RLP, 0, 0, 0]
    assert events["size"].tolist() == [2, 2, 2, 1200, 1, 1, 54]
    assert events["ref_a"].tolist() == [3, 3, 3, 0, 147, 147, 147]
    assert events["ts_event"][-1] == utc("2026-07-13T12:00:48")
    assert any("1 trades have an aggressor that is not known" in note for note in part.notes)


def test_profit_trades_without_header(tmp_path: Path) -> None:
    text = (
        "WINZ26,07/10/26,10:01:01,3 - XP,184705,1,85 - BTG,Comprador\n"
        "WINZ26,07/10/26,10:01:00,3 - XP,184700,2,85 - BTG,Vendedor\n"
        "WINZ26,07/10/26,10:00:59,3 - XP,184701,2,85 - BTG,Vendedor\n"
        "WINZ26,07/10/26,10:00\n"
    )
    events, rejected, _ = read(write(tmp_path / "t.csv", text), "WINZ26")
    assert events["px"].tolist() == [36940, 36941]
    assert events["ts_event"][0] == utc("2026-10-07T13:01:00")
    assert [(r.line, r.reason) for r in sorted(rejected, key=lambda r: r.line)] == [
        (3, "off the tick grid of 5"),
        (4, "3 cells, expected 8; the file may be truncated"),
    ]


def test_profit_other_symbol(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "WINZ26,07/10/26,10:01:01,3 - XP,184705,1,85 - BTG,Comprador\n")
    with pytest.raises(DataFormatError, match=r"holds WINZ26, not WDOX26.*--symbol WINZ26"):
        read(path, "WDOX26")


# --------------------------------------------------------------------------------------------------------- B3

B3_HEADER = (
    "DataReferencia;CodigoInstrumento;AcaoAtualizacao;PrecoNegocio;QuantidadeNegociada;HoraFechamento;"
    "CodigoIdentificadorNegocio;TipoSessaoPregao;DataNegocio;CodigoParticipanteComprador;"
    "CodigoParticipanteVendedor;TipoDoCanal\n"
)
B3_ROWS = (
    "2026-10-09;WINZ26;0;184700,000;2;090000123;10;1;2026-10-09;3;85;1\n"
    "2026-10-09;WDOX26;0;5159,500;7;90000124;10;1;2026-10-09;3;85;1\n"
    "2026-10-09;WINZ26;0;184705,000;3;090001000;20;1;2026-10-09;3;85;1\n"
    "2026-10-09;WINZ26;0;184710,000;4;090001000;30;1;2026-10-09;3;85;1\n"
    "2026-10-09;WINZ26;2;184705,000;3;090002000;20;1;2026-10-09;3;85;1\n"
    "2026-10-09;WINZ26;0;184710,000;5;100000000;40;1;2026-10-09;3;85;1\n"
    "2026-10-09;WINZ26;0;184710,000;5;100000000;40;1;2026-10-09;3;85;1\n"
)


def b3_zip(path: Path, text: str, member: str = "09-10-2026_NEGOCIOSAVISTA_DRV.txt") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(member, text.encode("utf-8-sig"))
    return path


def test_b3_zip(tmp_path: Path) -> None:
    events, rejected, part = read(b3_zip(tmp_path / "b3.zip", B3_HEADER + B3_ROWS), "WINZ26")
    assert events["id"].tolist() == [10, 30, 40]  # 20 was cancelled
    assert events["px"].tolist() == [36940, 36942, 36942]
    assert events["side"].tolist() == [0, 1, 1]  # tick rule: up, then unchanged
    assert events["flags"].tolist() == [0, Flag.SIDE_INFERRED, Flag.SIDE_INFERRED]
    assert events["ts_event"][0] == utc("2026-10-09T12:00:00.123")
    assert events["ref_b"].tolist() == [85, 85, 85]
    assert [(r.line, r.reason) for r in rejected] == [(8, "a second trade with this id")]
    assert "1 trades later cancelled were left out: at the time the market had seen them" in part.notes
    wdo, _, _ = read(tmp_path / "b3.zip", "WDOX26")
    assert wdo["ts_event"][0] == utc("2026-10-09T12:00:00.124")  # the leading zero was lost


def test_b3_old_names_unpacked(tmp_path: Path) -> None:
    text = (
        "RptDt;TckrSymb;UpdActn;GrssTradAmt;TradQty;NtryTm;TradId;TradgSsnId;TradDt\n"
        "2020-04-02;WDOK20;0;5217,500;2;090000123;10;1;2020-04-02\n"
    )
    events, _, _ = read(write(tmp_path / "x.txt", text), "WDOK20", infer_side="none")
    assert (events["px"].tolist(), events["flags"].tolist(), events["ref_a"].tolist()) == ([10435], [0], [0])


def test_b3_holiday_other_symbol_and_damage(tmp_path: Path) -> None:
    with pytest.raises(EmptyDataError, match="only a header, as on a holiday"):
        read(b3_zip(tmp_path / "h.zip", B3_HEADER), "WINZ26")
    path = b3_zip(tmp_path / "b3.zip", B3_HEADER + B3_ROWS * 500)
    with pytest.raises(EmptyDataError, match="no trade of WDOZ26; it holds WDOX26, WINZ26"):
        read(path, "WDOZ26")
    torn = tmp_path / "torn.zip"
    torn.write_bytes(path.read_bytes()[:400])
    importer = next(i for i in IMPORTERS if i.name == "b3-trades")
    with pytest.raises(DataFormatError, match=r"torn\.zip: the ZIP is damaged or truncated"):
        list(importer.read(torn, instrument("WINZ26"), Options()))


# ---------------------------------------------------------------------------------------------- bars and JSON


def test_bars_csv_zones_and_missing_volume(tmp_path: Path) -> None:
    text = "timestamp,open,high,low,close,volume\n2025-08-15 09:00:00,5400,5401,5399.5,5400.5,10\n"
    text += "2025-08-15T09:05:00-03:00,5400.5,5402,5400,5401,7\n2025-08-15 09:10,5401,5401,5401,5401,0\n"
    events, rejected, _ = read(write(tmp_path / "b.csv", text), "WDOU25")
    assert rejected == []
    assert events["id"].tolist() == [utc(f"2025-08-15T12:{m:02d}:00") for m in (0, 5, 10)]
    assert events["ts_event"][0] == utc("2025-08-15T12:05:00")
    epoch = "open,high,low,close,ts\n5400,5401,5399.5,5400.5,1755259200\n5400,5401,5399.5,5400.5,1755259260\n"
    events, _, part = read(write(tmp_path / "e.csv", epoch), "WDOU25")
    assert events["id"].tolist() == [utc("2025-08-15T12:00:00"), utc("2025-08-15T12:01:00")]
    assert events["size"].tolist() == [0, 0]
    assert "no volume in the file: stored as 0" in part.notes


def test_bars_duplicates_disorder_and_single(tmp_path: Path) -> None:
    row = "{},5400,5401,5399.5,5400.5,10\n"
    head = "timestamp,open,high,low,close,volume\n"
    times = ["2025-08-15 09:00", "2025-08-15 09:05", "2025-08-15 09:05", "2025-08-15 09:10"]
    _, rejected, _ = read(write(tmp_path / "d.csv", head + "".join(map(row.format, times))), "WDOU25")
    assert [(r.line, r.reason) for r in rejected] == [(4, "a second bar that starts at the same time")]
    back = write(tmp_path / "o.csv", head + "".join(row.format(times[k]) for k in (0, 3, 1)))
    with pytest.raises(
        UnsortedEventsError, match=r"o\.csv:4: time 2025-08-15 12:05:00.*--out-of-order reject"
    ):
        read(back, "WDOU25")
    assert len(read(back, "WDOU25", out_of_order="reject")[0]) == 2
    assert read(back, "WDOU25", out_of_order="sort")[0]["id"].tolist() == [
        utc(f"2025-08-15T12:{m:02d}:00") for m in (0, 5, 10)
    ]
    one = write(tmp_path / "1.csv", head + row.format(times[0]))
    with pytest.raises(DataFormatError, match=r"one bar.*--bar-seconds"):
        read(one, "WDOU25")
    assert len(read(one, "WDOU25", bar_seconds=300)[0]) == 1


def test_collector_keeps_rejections_of_every_block(tmp_path: Path) -> None:
    good = {"type": "trade", "ticker": "WDOU25", "price": 5400.5, "quantity": 1, "timestamp": 1755259204}
    lines = [json.dumps({**good, "price": 5400.3})] * 6 + [json.dumps(good)] * 4
    path = write(tmp_path / "c.jsonl", "\n".join(lines) + "\n")
    # The rejections lie in the first block: most rows are bad, however the file is cut.
    for chunk_rows in (100, 2):
        with pytest.raises(DataFormatError, match=r"only 4 of the 10 rows can be used"):
            read(path, "WDOU25", chunk_rows=chunk_rows)
    lines[4] = lines[5] = lines[6]
    _, rejected, _ = read(write(path, "\n".join(lines) + "\n"), "WDOU25", chunk_rows=2)
    assert [r.line for r in rejected] == [1, 2, 3, 4]


def test_collector(tmp_path: Path) -> None:
    rows = [
        {
            "type": "tiny_book",
            "ticker": "WDOU25",
            "side": 0,
            "price": 5400.0,
            "quantity": 12,
            "timestamp": "2025-08-15T09:00:00.5",
        },
        {
            "type": "tiny_book",
            "ticker": "WDOU25",
            "side": "ask",
            "price": 5400.5,
            "quantity": 9,
            "timestamp": "2025-08-15T09:00:01",
        },
        {
            "type": "trade",
            "ticker": "WDOU25",
            "side": "buy",
            "price": 5400.5,
            "quantity": 3,
            "timestamp": 1755259202.25,
        },
        {
            "type": "trade",
            "ticker": "WDOU25",
            "side": 3,
            "price": 5400.0,
            "quantity": 1,
            "timestamp": "2025-08-15T12:00:03Z",
        },
        {
            "type": "offer_book",
            "ticker": "WDOU25",
            "side": 0,
            "price": 1,
            "quantity": 1,
            "timestamp": 1755259204,
        },
        {"type": "trade", "ticker": "WDOU25", "price": 5400.3, "quantity": 1, "timestamp": 1755259204},
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows) + '{"type": "tra\n'
    events, rejected, _ = read(write(tmp_path / "c.jsonl", text), "WDOU25")
    assert events["kind"].tolist() == [2, 2, 1, 1]
    assert events["px"].tolist() == [10800, 10800, 10801, 10800]
    assert events["px_ask"].tolist()[:2] == [PX_NONE, 10801]
    assert events["side"].tolist()[2:] == [1, -1]
    assert events["ts_event"].tolist() == [
        utc(f"2025-08-15T12:00:0{t}") for t in ("0.500000", "1", "2.250000", "3")
    ]
    assert [(r.line, r.column) for r in rejected] == [(5, "type"), (6, "price"), (7, "")]


# ------------------------------------------------------------------------------------------------ LOBSTER (CSV)

MESSAGES = (
    "34200.017459617,1,11,18,5853300,1\n"
    "34200.1,1,12,50,5859400,-1\n"
    "34200.2,4,99,30,5859400,-1\n"  # an order from before the start: 200 rested at 585.94
    "34200.3,2,11,8,5853300,1\n"
    "34200.4,5,0,7,5856000,1\n"
    "34200.5,3,11,10,5853300,1\n"
    "34200.6,4,12,50,5859400,-1\n"
    "34200.7,7,0,0,-1,-1\n"
)
BOOK = (
    "5859400,200,5853300,18,5859800,100,5853000,150\n"
    + "5859400,250,5853300,18,5859800,100,5853000,150\n" * 7
)


def test_lobster_csv_by_order(tmp_path: Path) -> None:
    path = write(tmp_path / "AAPL_2012-06-21_34200000_57600000_message_2.csv", MESSAGES)
    write(tmp_path / "AAPL_2012-06-21_34200000_57600000_orderbook_2.csv", BOOK)
    events, rejected, _ = read(path, AAPL)
    assert rejected == []
    snapshot = events[(events["flags"] & Flag.SNAPSHOT) != 0]
    assert snapshot["action"].tolist() == [6, 1, 1, 1, 7]
    # the image is from after message 0, so the order that message 0 adds is taken out of it
    assert sorted(zip(snapshot["px"][1:-1].tolist(), snapshot["size"][1:-1].tolist(), strict=True)) == [
        (58530, 150),
        (58594, 200),
        (58598, 100),
    ]
    flow = events[len(snapshot) :]
    assert flow["ts_event"][0] == utc("2012-06-21T13:30:00") + 17_459_617
    assert flow["kind"].tolist() == [4, 4, 1, 4, 4, 1, 4, 1, 4, 5]
    orders = flow[flow["kind"] == Kind.ORDER]
    assert orders["action"].tolist() == [1, 1, 2, 2, 3, 3]
    assert orders["size"].tolist() == [18, 50, 170, 10, 0, 0]
    assert orders["id"][2] < 0  # the anonymous order at 585.94
    assert orders["id"].tolist()[:2] == [11, 12]
    trades = flow[flow["kind"] == Kind.TRADE]
    assert trades["side"].tolist() == [1, -1, 1]  # the other side of the resting order
    assert trades["flags"].tolist() == [Flag.MORE, Flag.HIDDEN, Flag.MORE]
    assert flow["action"][-1] == 4  # halt


def test_lobster_level_1_gives_quotes(tmp_path: Path) -> None:
    path = write(tmp_path / "AAPL_2012-06-21_34200000_57600000_message_1.csv", MESSAGES)
    write(
        tmp_path / "AAPL_2012-06-21_34200000_57600000_orderbook_1.csv",
        "5859400,200,5853300,18\n" * 2 + "5859400,170,5853300,18\n" * 5 + "9999999999,0,5853300,18\n",
    )
    events, _, _ = read(path, AAPL)
    quotes = events[events["kind"] == Kind.QUOTE]
    assert quotes["size_ask"].tolist() == [200, 170, 0]
    assert quotes["px_ask"].tolist() == [58594, 58594, PX_NONE]
    assert not (events["kind"] == Kind.ORDER).any()
    write(tmp_path / "AAPL_2012-06-21_34200000_57600000_orderbook_1.csv", "5859400,200,5853300,18\n" * 3)
    with pytest.raises(DataFormatError, match="3 book rows for 8 messages"):
        read(path, AAPL)


def test_lobster_needs_a_date(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no name holds the date.*--date"):
        read(write(tmp_path / "message.csv", MESSAGES), AAPL)


# -------------------------------------------------------------------------------------------------- bad input


def test_rows_that_cannot_be_numbers(tmp_path: Path) -> None:
    text = MT5_TICKS
    for last, volume in (
        ("abc", "1"),
        ("-5.0", "1"),
        ("5218.25", "1"),
        ("5218.0", "-3"),
        ("5218.0", "1.5"),
        ("5218.0", "1e12"),
        ("5218.0", "99999999999"),
    ):
        text += f"2020.04.02\t09:00:01.000\t\t\t{last}\t{volume}\r\n"
    text += "2020.13.02\t09:00:01.000\t\t\t5218.0\t1\r\n2020.04.02\t09:61:01.000\t\t\t5218.0\t1\r\n"
    text += "2020.04.02\t09:00:02.000\t\t\t5218.0\t5\r\n2020.04.02\t09:0\r\n"
    text += "2020.04.02\t09:00:03.000\t\t\t5218.0\t5\r\n"
    events, rejected, _ = read(write(tmp_path / "x.csv", text), "DOLK20")
    assert len(events) == 10
    assert [(r.line, r.column, r.value) for r in sorted(rejected, key=lambda r: r.line)] == [
        (9, "LAST", "abc"),
        (10, "LAST", "-5.0"),
        (11, "LAST", "5218.25"),
        (12, "VOLUME", "-3"),
        (13, "VOLUME", "1.5"),
        (14, "VOLUME", "1e12"),
        (15, "VOLUME", "99999999999"),
        (16, "DATE", "2020.13.02"),
        (17, "TIME", "09:61:01.000"),
        (19, "", "2020.04.02\t09:0"),
    ]


def test_ticks_out_of_order(tmp_path: Path) -> None:
    text = (
        MT5_TICKS + "2020.04.02\t08:00:00.000\t\t\t5218.0\t5\r\n2020.04.02\t10:00:00.000\t\t\t5218.0\t5\r\n"
    )
    path = write(tmp_path / "x.csv", text)
    with pytest.raises(UnsortedEventsError, match=r"x\.csv:9: time 2020-04-02 11:00:00") as caught:
        read(path, "DOLK20")
    assert (caught.value.line, caught.value.path) == (9, path)
    events, rejected, _ = read(path, "DOLK20", out_of_order="reject")
    assert (len(events), [r.line for r in rejected]) == (9, [9])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks(tmp_path: Path, encoding: str) -> None:
    events, rejected, _ = read(write(tmp_path / "x.csv", MT5_TICKS, encoding), "DOLK20")
    assert (len(events), rejected) == (8, [])


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(EmptyDataError, match="the file is empty"):
        find_importer(write(tmp_path / "e.csv", ""))
    with pytest.raises(DataError, match=r"none\.csv: no such file or folder"):
        find_importer(tmp_path / "none.csv")
    with pytest.raises(DataFormatError, match=r"known: it starts with 'a,b'\. The formats are:\n  mt5-ticks"):
        find_importer(write(tmp_path / "x.csv", "a,b\n1,2\n"))
    with pytest.raises(DataFormatError, match="no format 'xls'"):
        find_importer(tmp_path / "x.csv", "xls")
    with pytest.raises(EmptyDataError, match="no ticks"):
        read(write(tmp_path / "h.csv", MT5_TICKS.splitlines()[0] + "\n"), "DOLK20")


def test_wrong_columns_for_a_forced_format(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", "a,b\n1,2\n")
    for importer in IMPORTERS:
        with pytest.raises(DataError, match=str(tmp_path)):
            list(importer.read(path, instrument("WDOU25"), Options()))


def test_blocks_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading in small blocks gives the same events, numbered the same."""
    rng = np.random.default_rng(1)
    text = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\n"
    for k in range(2_000):
        bid = 5000 + 0.5 * int(rng.integers(0, 5))
        row = (
            (f"{bid}", f"{bid + 0.5}", "", "")
            if rng.random() < 0.5
            else ("", "", f"{bid}", "x" if k % 97 == 0 else "5")
        )
        text += f"2020.04.02\t09:{k // 60:02d}:{k % 60:02d}.000\t" + "\t".join(row) + "\n"
    path = write(tmp_path / "x.csv", text)
    whole, rejected, _ = read(path, "DOLK20")
    monkeypatch.setattr("quantumtrader.data.importers._text._BLOCK", 1_000)
    parts = list(find_importer(path).read(path, instrument("DOLK20"), Options()))
    assert len(parts) > 20
    assert np.concatenate([p.events for p in parts]).tobytes() == whole.tobytes()
    assert [r for p in parts for r in p.rejected] == rejected


def test_a_stamp_ahead_of_its_followers_is_named(tmp_path: Path) -> None:
    """One corrupt stamp makes every row after it late: the message shows where the time jumped to."""
    text = MT5_TICKS.replace("09:00:00.003", "19:00:00.003")
    with pytest.raises(
        UnsortedEventsError,
        match=r"x\.csv:7: time .* backwards, behind 2020-04-02 22:00:00\.003.* of line 6 \(2 such rows",
    ):
        read(write(tmp_path / "x.csv", text), "DOLK20")
