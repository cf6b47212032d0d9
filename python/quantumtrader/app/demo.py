"""``quantumtrader demo``: a seeded synthetic WDO session through exactly the path of a replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from quantumtrader import _backend
from quantumtrader.app.replay import ReplayConfig, ReplayResult, Stage, run_events
from quantumtrader.backtest.report.labels import count, labels, money
from quantumtrader.exceptions import ConfigError
from quantumtrader.execution import RiskLimits, Trade
from quantumtrader.features.detectors import DetectorSettings

__all__ = ["DEMO_FEE", "DemoConfig", "run_demo"]

DEMO_FEE = 0.50
"""R$ per contract and side, for illustration; real fees depend on broker and volume."""


@dataclass(frozen=True, slots=True)
class DemoConfig:
    """What the demonstration does.

    Parameters
    ----------
    out : Path
        Folder for the results.
    seed : int
        Seed of the generator and of the random baseline: the same seed gives the same bytes.
    minutes : float
        Length of the session.
    pace : str
        ``max``, ``1x``, ``10x``, …
    lang : str
        Language of the report: ``en`` or ``pt``.
    strategy : str
        As in ``make_strategy``.
    parameters : mapping of str to str
        Overrides of the strategy's parameters.
    risk : mapping
        What differs from the default ``RiskLimits``.
    fitted : tuple of Path
        Files of ``quantumtrader fit``, of WDO.
    detector_settings : Path, DetectorSettings or None
        TOML of detector thresholds, or what it says.
    """

    out: Path
    seed: int = 7
    minutes: float = 120.0
    pace: str = "max"
    lang: str = "en"
    strategy: str = "order_flow_baseline"
    parameters: Mapping[str, str] = field(default_factory=dict)
    risk: Mapping[str, Any] = field(default_factory=dict)
    fitted: tuple[Path, ...] = ()
    detector_settings: Path | DetectorSettings | None = None

    def __post_init__(self) -> None:
        if not 5 <= self.minutes <= 600:
            raise ConfigError(f"demo: {self.minutes:g} minutes, expected 5 to 600")


def run_demo(
    config: DemoConfig, *, stage: Stage | None = None, on_trade: Callable[[Trade], None] | None = None
) -> ReplayResult:
    """Generate a session and replay it; everything it makes carries the word synthetic."""
    from quantumtrader.data.contracts import front_contract, instrument

    words = labels(config.lang)
    core: Any = _backend.core()
    events = core.generate_session(seed=config.seed, duration_ns=round(config.minutes * 60e9))
    zone = ZoneInfo("America/Sao_Paulo")
    day = datetime.fromtimestamp(int(events["ts_event"][0]) // 10**9, UTC).astimezone(zone).date()
    symbol = front_contract("WDO", day)
    replay = ReplayConfig(
        input=Path("synthetic"),
        symbol=symbol,
        out=config.out,
        strategy=config.strategy,
        parameters=config.parameters,
        fee=DEMO_FEE,
        pace=config.pace,
        lang=config.lang,
        seed=config.seed,
        fitted=config.fitted,
        detector_settings=config.detector_settings,
    )
    return run_events(
        events,
        instrument(symbol),
        replay,
        limits=RiskLimits(**config.risk),
        description=words["demo_description"].format(
            seed=config.seed, minutes=f"{config.minutes:g}", events=count(len(events), config.lang)
        ),
        notes=[words["demo_fee"].format(fee=money(DEMO_FEE, "BRL", config.lang))],
        stage=stage,
        on_trade=on_trade,
    )
