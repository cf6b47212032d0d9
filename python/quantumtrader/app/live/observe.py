"""A canary or live model by its own sessions: what its fills brought, for the promotion gate."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from quantumtrader.app.live.results import SESSION
from quantumtrader.app.live.runner import TAPE
from quantumtrader.app.live.spec import SessionSpec
from quantumtrader.app.live.tape import read_header
from quantumtrader.data.calendar import Calendar
from quantumtrader.exceptions import ConfigError, DataAccessError, DataError, DataFormatError
from quantumtrader.models.manifest import ModelManifest
from quantumtrader.models.observation import (
    OBSERVED,
    Observed,
    ObservedSession,
    append_look,
    due_sessions,
    require_comparable,
    require_state,
    trained_until,
)
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.models.states import ModelState

__all__ = ["observe_sessions"]

_TRADES = "trades.parquet"
_STRATEGY = "model"


@dataclass(frozen=True, slots=True)
class _Run:
    """One folder of a session."""

    day: date
    spec: SessionSpec
    net: float
    gross: float
    trades: int
    started_ns: int


def observe_sessions(
    registry: ModelRegistry,
    name: str,
    version: str,
    folders: Sequence[Path],
    *,
    who: str,
    why: str = "",
    absent: Collection[date] = (),
    calendar: Calendar | None = None,
) -> Observed:
    """Record what sessions of ``quantumtrader run`` with a model brought, by their fills, on paper or with real orders.

    A result is the net of the session's trades after their fees, per contract, in ticks of the training. Several folders
    of one date, as after a restart, are one session.

    Parameters
    ----------
    registry : ModelRegistry
    name, version : str
        A canary or a live model.
    folders : sequence of Path
        What ``quantumtrader run`` left behind.
    who : str
        For the record.
    why : str
        Reason for ``absent``.
    absent : collection of date
        Dates since it came into its state on which it did not trade; see ``due_sessions``.
    calendar : Calendar, optional

    Raises
    ------
    PromotionError
        The model is neither canary nor live.
    DataError
        A folder is none, is of another model, began before the state, or ended with a position; or a session is missing.
    ConfigError
        No folder is given; ``absent`` without ``why``.
    """
    if not folders:
        raise ConfigError(
            f"no session of {name} {version} is given: name the folders that quantumtrader run left behind"
        )
    if absent and not why:
        raise ConfigError("sessions that are absent need a reason (why)")
    manifest = registry.manifest(name, version)
    state = require_state(registry, manifest, ModelState.CANARY, ModelState.LIVE)
    entered = next(
        e.ts
        for e in reversed(registry.states(name).entries)
        if any(m.version == version and m.target is state for m in e.moves)
    )
    runs: dict[date, list[_Run]] = {}
    for folder in dict.fromkeys(path.resolve() for path in folders):
        run = _read(folder, registry, manifest)
        if run.started_ns < entered:
            raise DataError(
                f"the session began before {manifest.id} was {state}", path=folder, remedy="Give later ones"
            )
        runs.setdefault(run.day, []).append(run)
    first = next(iter(runs.values()))[0].spec
    day_of_move = datetime.fromtimestamp(entered // 10**9, UTC).date()
    due, left_out = due_sessions(
        registry,
        manifest,
        sorted(runs),
        first.instrument,
        # The session of the day of the move may count; nobody must have it.
        since=max(trained_until(manifest), day_of_move - timedelta(days=1)),
        absent={*absent, *({day_of_move} - set(runs))},
        calendar=calendar,
    )
    append_look(registry, manifest, due, first.instrument.symbol, who, how=OBSERVED, absent=absent, why=why)
    log = registry.performance(name)
    found = []
    for day in due:
        parts = runs[day]
        session = ObservedSession(
            day, sum(p.net for p in parts), sum(p.gross for p in parts), sum(p.trades for p in parts)
        )
        log.record(
            version,
            state,
            {
                "session": str(day),
                "result": session.result,
                "gross": session.gross,
                "trades": session.trades,
                "real": int(all(p.spec.mode == "real" for p in parts)),
                "synthetic": int(any(p.spec.synthetic for p in parts)),
            },
        )
        found.append(session)
    synthetic = any(p.spec.synthetic for parts in runs.values() for p in parts)
    return Observed(manifest.id, state, synthetic, tuple(found), left_out)


def _read(folder: Path, registry: ModelRegistry, manifest: ModelManifest) -> _Run:
    for needed in (SESSION, TAPE):
        if not (folder / needed).is_file():
            raise DataAccessError(
                f"there is no finished session: {needed} is missing",
                path=folder,
                remedy="Name a folder that quantumtrader run left behind",
            )
    try:
        document: dict[str, Any] = json.loads((folder / SESSION).read_bytes())
        day, position = date.fromisoformat(document["day"]), int(document["position"])
    except (ValueError, KeyError, TypeError) as error:
        raise DataFormatError(f"is no record of a session ({error})", path=folder / SESSION) from error
    header = read_header(folder / TAPE)
    spec = SessionSpec.from_header(header["session"])
    _require_model(folder, spec, registry, manifest)
    require_comparable(manifest, spec.instrument.product, synthetic=spec.synthetic, where=str(folder))
    if position:
        raise DataError(
            f"the session of {day} ended with {position} contracts: its result is not known",
            path=folder,
            remedy="Name it by --absent, with --why",
        )
    net, gross, trades = _result(folder / _TRADES, manifest)
    return _Run(day, spec, net, gross, trades, int(header["started_ns"]))


def _require_model(folder: Path, spec: SessionSpec, registry: ModelRegistry, manifest: ModelManifest) -> None:
    """Refuse the session of another strategy, or of another version."""
    given = Path(str(spec.parameters.get("folder", "")))
    version = given.name if given.parent.name == manifest.name else None
    if given.name == manifest.name:  # its live version then
        version = registry.states(manifest.name).live
    if spec.strategy != _STRATEGY or version != manifest.version:
        what = f"{spec.strategy} {given}" if spec.strategy == _STRATEGY else spec.strategy
        raise DataError(f"is a session of {what}, not of {manifest.id}", path=folder)


def _result(path: Path, manifest: ModelManifest) -> tuple[float, float, int]:
    """Return net and gross of a session's trades, in ticks of the training for each contract, and how many they are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(path, columns=["size", "gross", "net"]).to_pylist()
    except FileNotFoundError as error:
        raise DataAccessError(
            "is missing: the session ended without results",
            path=path,
            remedy="Name it by --absent, with --why",
        ) from error
    except (pa.ArrowInvalid, OSError) as error:
        raise DataFormatError(f"no trades can be read ({error})", path=path) from error
    tick = float(manifest.instrument["tick_size"]) * float(manifest.instrument["point_value"])
    net, gross = (sum(row[column] / (row["size"] * tick) for row in rows) for column in ("net", "gross"))
    return net, gross, len(rows)
