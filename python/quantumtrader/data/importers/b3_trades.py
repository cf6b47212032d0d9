"""B3's public trade-by-trade file: a ZIP with one text file, every instrument of the day, no aggressor."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from quantumtrader.data.importers import _numbers as numbers
from quantumtrader.data.importers import _sides
from quantumtrader.data.importers import _text as text
from quantumtrader.data.importers.base import Imported, Options, Rejected, Rows, blank, require_some
from quantumtrader.exceptions import DataFormatError, EmptyDataError
from quantumtrader.types import Flag, Instrument, Kind

# Current name, name until about 2021, our name.
_COLUMNS = (
    ("CodigoInstrumento", "TckrSymb", "symbol"),
    ("AcaoAtualizacao", "UpdActn", "action"),
    ("PrecoNegocio", "GrssTradAmt", "price"),
    ("QuantidadeNegociada", "TradQty", "size"),
    ("HoraFechamento", "NtryTm", "time"),
    ("CodigoIdentificadorNegocio", "TradId", "id"),
    ("DataNegocio", "TradDt", "date"),
    ("CodigoParticipanteComprador", "", "buyer"),
    ("CodigoParticipanteVendedor", "", "seller"),
)
_OPTIONAL = ("buyer", "seller")


class B3Trades:
    """``…_NEGOCIOSAVISTA_DRV.txt`` inside a ZIP (or unpacked): ``;``, decimal comma, Brasília time.

    Rows of other instruments are passed over. A row with AcaoAtualizacao 2 cancels the trade with the same date
    and id: both are left out and counted. That is hindsight, since the market had seen the trade, and a note says
    so. The file has no aggressor, so it is inferred by the tick rule.
    """

    name = "b3-trades"
    describes = "B3 trade-by-trade, ZIP or text"
    sorts = True

    def sniff(self, path: Path) -> bool:
        """Look for the header, inside the archive when it is one."""
        if not path.is_file():
            return False
        try:
            header = _header(path)
        except (DataFormatError, EmptyDataError):
            return False
        return {"symbol", "price", "time"} <= set(_rename(header))

    def read(self, path: Path, instrument: Instrument, options: Options) -> Iterator[Imported]:
        """Read the file block by block, keeping the rows of one instrument; see ``Importer.read``."""
        text.must_be_file(path)
        names = _rename(_header(path))
        missing = [current for current, _, own in _COLUMNS if own not in names and own not in _OPTIONAL]
        if missing:
            raise DataFormatError(
                f"no column {', '.join(missing)} in the header", path=path, line=1, remedy="Download it again"
            )
        known = {own for _, _, own in _COLUMNS}
        notes = []
        extra = [n for n in names if n not in known and n not in _IGNORED]
        if extra:
            notes.append(f"columns that are not known are left out: {', '.join(extra)}")
        rows, columns, refused, others = _rows_of(path, names, instrument)
        if not len(rows) and not refused:
            raise EmptyDataError(
                f"no trade of {instrument.symbol}"
                + (f"; it holds {', '.join(others)}" if others else ": only a header, as on a holiday"),
                path=path,
                remedy="Check --symbol and the date",
            )
        yield from _emit(rows, columns, refused, notes, instrument, options)


_IGNORED = ("DataReferencia", "RptDt", "TipoSessaoPregao", "TradgSsnId", "TipoDoCanal")


def _rename(header: list[str]) -> list[str]:
    own = {name: mine for current, old, mine in _COLUMNS for name in (current, old) if name}
    return [own.get(name, name) for name in header]


@contextmanager
def _open(path: Path) -> Iterator[IO[bytes]]:
    """The only member of an archive, or the file itself.

    Raises
    ------
    DataFormatError
        A damaged archive, or one with more than one member.
    """
    if not zipfile.is_zipfile(path):
        with path.open("rb") as plain:
            start = plain.read(4)
            if start[:2] == b"PK":
                raise DataFormatError(
                    "the ZIP is damaged or truncated", path=path, remedy="Download it again"
                )
            plain.seek(0)
            yield plain
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.namelist() if not m.endswith("/")]
            if len(members) != 1:
                raise DataFormatError(
                    f"the ZIP has {len(members)} members ({', '.join(members[:5])}), expected one",
                    path=path,
                    remedy="Unpack it and name the text file",
                )
            with archive.open(members[0]) as member:
                yield member
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataFormatError(
            f"the ZIP is damaged or truncated: {error}", path=path, remedy="Download it again"
        ) from error


def _header(path: Path) -> list[str]:
    with _open(path) as file:
        line = file.readline(65_536)
    if not line:
        raise EmptyDataError("the file is empty", path=path, remedy="Download it again")
    return [cell.strip() for cell in line.decode("utf-8-sig", errors="replace").strip().split(";")]


def _rows_of(
    path: Path, names: list[str], instrument: Instrument
) -> tuple[Rows, dict[str, pa.Array], list[Rejected], list[str]]:
    """Rows of one instrument, as text, and some other symbols of the file when it has none."""
    wanted = instrument.symbol.upper()
    kept: dict[str, list[pa.Array]] = {own: [] for _, _, own in _COLUMNS if own in names}
    lines = [np.zeros(0, np.int64)]
    refused: list[Rejected] = []
    others: set[str] = set()
    with _open(path) as file:
        encoding = text.detect_encoding(path, file)
    with _open(path) as file:
        for chunk in text.read_delimited(
            path, names, delimiter=";", skip_lines=1, encoding=encoding, stream=file
        ):
            mine = pc.equal(pc.utf8_trim_whitespace(chunk.columns["symbol"]), wanted)
            lines.append(chunk.lines[mine.to_numpy(zero_copy_only=False)])
            refused += chunk.rejected
            for own, parts in kept.items():
                parts.append(chunk.columns[own].filter(mine))
            if len(others) < 8:
                others.update(pc.unique(chunk.columns["symbol"]).to_pylist()[:8])
    empty = pa.array([], pa.string())
    columns = {own: pa.concat_arrays(parts) if parts else empty for own, parts in kept.items()}
    return Rows(path, np.concatenate(lines)), columns, refused, sorted(others)[:8]


def _emit(
    rows: Rows,
    columns: dict[str, pa.Array],
    refused: list[Rejected],
    notes: list[str],
    instrument: Instrument,
    options: Options,
) -> Iterator[Imported]:
    days, good = numbers.dates(columns["date"], "ymd")
    rows.reject(~good, "DataNegocio", columns["date"], "not a date yyyy-mm-dd")
    clock = pc.utf8_lpad(columns["time"], 9, "0")
    parts = [pc.utf8_slice_codeunits(clock, a, b) for a, b in ((0, 2), (2, 4), (4, 6), (6, 9))]
    hms = pc.binary_join_element_wise(*parts[:3], ":")
    ns, good = numbers.times_of_day(pc.binary_join_element_wise(hms, parts[3], "."))
    rows.reject(~good, "HoraFechamento", columns["time"], "not a time HHMMSSmmm")
    mark = "," if options.decimal == "auto" else options.decimal
    price, size = numbers.to_float(columns["price"], mark), numbers.to_float(columns["size"], mark)
    px = rows.ticks("PrecoNegocio", price, instrument.tick_size, raw=columns["price"])
    contracts = rows.sizes("QuantidadeNegociada", size, instrument.size_step, raw=columns["size"])
    ids, good = numbers.to_int(columns["id"])
    rows.reject(~good, "CodigoIdentificadorNegocio", columns["id"], "not a whole number")
    action, good = numbers.to_int(columns["action"])
    rows.reject(
        ~good | ~np.isin(action, (0, 2)),
        "AcaoAtualizacao",
        columns["action"],
        "neither 0 (new) nor 2 (cancel)",
    )

    key = days * 10**12 + ids
    cancels = action == 2
    gone = np.isin(key, key[cancels & rows.good]) & ~cancels
    orphans = cancels & ~np.isin(key, key[gone])
    rows.reject(orphans, "AcaoAtualizacao", columns["id"], "cancels a trade that is not in the file")
    live = rows.good & ~cancels & ~gone
    repeated = np.zeros(len(rows), bool)
    index = np.flatnonzero(live)
    repeated[index] = True
    repeated[index[np.unique(key[index], return_index=True)[1]]] = False
    rows.reject(repeated, "CodigoIdentificadorNegocio", columns["id"], "a second trade with this id")
    ts = numbers.to_utc(days * numbers.DAY_NS + ns, numbers.zone(options.timezone or "America/Sao_Paulo"))
    rows.bad |= gone | cancels
    rows.in_order(ts, int(np.iinfo(np.int64).min), options.out_of_order)
    keep = np.flatnonzero(rows.good)
    if options.out_of_order == "sort":  # before the tick rule, which looks at the trade before
        order = np.argsort(ts[keep], kind="stable")
        moved = int((order != np.arange(len(order))).sum())
        keep = keep[order]
        notes += [f"{moved} rows changed place when sorted by time"] if moved else []
    refused += rows.rejected
    require_some(len(keep), refused, rows.path)
    if gone.any():
        notes.append(
            f"{int(gone.sum())} trades later cancelled were left out: at the time the market had seen them"
        )

    events = blank(len(keep), Kind.TRADE)
    events["ts_event"] = events["ts_recv"] = ts[keep]
    events["sequence"] = np.arange(len(keep))
    events["id"], events["px"], events["size"] = ids[keep], px[keep], contracts[keep]
    for own, field in (("buyer", "ref_a"), ("seller", "ref_b")):
        if own in columns:
            events[field] = numbers.to_int(columns[own])[0][keep]
    if options.infer_side == "quote":
        raise DataFormatError(
            "has no quotes, so the quote rule cannot be used",
            path=rows.path,
            remedy="Use --infer-side tick or none",
        )
    if options.infer_side != "none":
        events["side"] = _sides.tick_rule(events["px"])
        events["flags"][events["side"] != 0] = Flag.SIDE_INFERRED
        notes.append("no aggressor in the file: inferred by the tick rule, flagged SIDE_INFERRED")
    for start in range(0, len(events), options.chunk_rows):
        part = events[start : start + options.chunk_rows]
        yield Imported(part, instrument, refused if start == 0 else [], notes if start == 0 else [])
