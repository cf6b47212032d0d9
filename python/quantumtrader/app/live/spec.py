"""What a live session is made of: enough to build it anew from the header of its tape."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from quantumtrader import _backend
from quantumtrader.app.live.loop import LiveLoop, LoopSettings, MarketContext, Sample
from quantumtrader.clock import ReplayClock
from quantumtrader.exceptions import ConfigError
from quantumtrader.execution import (
    DeskSettings,
    LiveDesk,
    ManagerSettings,
    OrderExecutionManagerV4,
    OrderGateway,
    OrderJournal,
    PaperBroker,
    RiskLimits,
    RiskManager,
    make_strategy,
)
from quantumtrader.types import Instrument

__all__ = ["PaperSettings", "SessionSpec", "build"]


@dataclass(frozen=True, slots=True)
class PaperSettings:
    """The exchange that paper orders meet; the same assumptions as in ``replay``.

    Parameters
    ----------
    latency_ns : int
        One way, in ns.
    queue : str
        ``pessimistic``, ``proportional`` or ``exact``.
    adverse_ticks : int
        What a market order pays where no displayed size is known.
    """

    latency_ns: int = 20_000_000
    queue: str = "pessimistic"
    adverse_ticks: int = 1


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """Everything that changes what a session does, besides its events and the broker's answers.

    Parameters
    ----------
    mode : str
        ``paper`` or ``real``.
    account : str
        As the gateway calls it, without secrets.
    instrument : Instrument
        What is traded.
    limits : RiskLimits
        What is allowed.
    strategy : str
        As in ``make_strategy``.
    parameters : mapping
        Of the strategy.
    loop, desk, manager, paper
        Settings of the parts.
    synthetic : bool
        Whether the market is made.
    source : str
        Where events come from.
    strategy_hash : str
        SHA-256 of the strategy's file; empty for one of the package.
    """

    mode: Literal["paper", "real"]
    account: str
    instrument: Instrument
    limits: RiskLimits
    strategy: str
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)
    loop: LoopSettings = field(default_factory=LoopSettings)
    desk: DeskSettings = field(default_factory=DeskSettings)
    manager: ManagerSettings = field(default_factory=ManagerSettings)
    paper: PaperSettings = field(default_factory=PaperSettings)
    synthetic: bool = False
    source: str = ""
    strategy_hash: str = ""

    def to_header(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        found: dict[str, Any] = _worded(_adapter().dump_python(self, mode="json"))
        return found

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> SessionSpec:
        """Read what ``to_header`` wrote.

        Raises
        ------
        ConfigError
            It is not that of this version, or the strategy's file has changed since.
        """
        from pydantic import ValidationError

        try:
            spec: SessionSpec = _adapter().validate_python(dict(header))
        except ValidationError as error:
            raise ConfigError(f"the session was recorded by another version: {error}") from error
        if spec.strategy_hash != strategy_hash(spec.strategy):
            raise ConfigError(
                f"strategy {spec.strategy} has changed since the session was recorded: restore that version of its file"
            )
        return spec


def _worded(value: Any) -> Any:
    """Write NaN as the word that reads as it: JSON has no such number, and a micro-price table may."""
    if isinstance(value, dict):
        return {name: _worded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_worded(inner) for inner in value]
    return "NaN" if isinstance(value, float) and math.isnan(value) else value


@cache
def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(SessionSpec)


def strategy_hash(strategy: str) -> str:
    """SHA-256 of the file of a strategy of the user's own; empty for one of the package."""
    name, _, _ = strategy.rpartition(":")
    if not name.endswith(".py"):
        return ""
    try:
        return hashlib.sha256(Path(name).read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigError(f"strategy file {name} cannot be read: {error.strerror or error}") from error


def build(
    spec: SessionSpec,
    journal: OrderJournal,
    gateway: OrderGateway | None = None,
    on_sample: Callable[[Sample], None] | None = None,
) -> LiveLoop:
    """Put a session together.

    Parameters
    ----------
    spec : SessionSpec
        What it is made of.
    journal : OrderJournal
        Open for writing.
    gateway : OrderGateway, optional
        The broker of a real session; on paper it is made here.
    on_sample : callable, optional
        Told of every row.
    """
    clock, instrument = ReplayClock(), spec.instrument
    broker = None
    if spec.mode == "paper":
        venue = _backend.core().Venue(
            tick_size=instrument.tick_size,
            point_value=instrument.point_value,
            lot=instrument.lot,
            latency_ns=spec.paper.latency_ns,
            queue=spec.paper.queue,
            fee=instrument.fee,
            adverse_ticks=spec.paper.adverse_ticks * instrument.ticks_per_exchange_tick,
        )
        broker = PaperBroker(venue, instrument, clock, spec.account)
        gateway = broker.connect()
    elif gateway is None:
        raise ConfigError("a real session needs the gateway of a broker")
    manager = OrderExecutionManagerV4(
        gateway, journal, instrument, RiskManager(spec.limits, instrument), spec.manager, clock
    )
    context = MarketContext()
    return LiveLoop(
        instrument,
        make_strategy(spec.strategy, **spec.parameters),
        LiveDesk(manager, spec.desk, context),
        context,
        clock,
        spec.loop,
        broker=broker,
        on_sample=on_sample,
    )
