"""The library door: one object that connects, trades one contract, and stops.

``TradingSystem`` takes the flat configuration dictionary of the design documents or ``Settings``. It is the same session as
``quantumtrader run``, in a thread.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantumtrader.app.live import LiveReport, RunRequest, RunResult, RunStatus, plan_run, write_results
from quantumtrader.app.live.source import EventSource
from quantumtrader.exceptions import EngineError, QuantumTraderError

if TYPE_CHECKING:
    from quantumtrader.app.live.plan import Planned
    from quantumtrader.config import Settings

__all__ = ["TradingSystem"]

_log = logging.getLogger(__name__)


class TradingSystem:
    """Trades one contract live, on paper unless ``real`` is said.

    Parameters
    ----------
    config : mapping or Settings
        The flat dictionary (``Settings.from_legacy`` says which keys), or settings.
    real : bool
        Whether orders are real; then account, limits file and credentials are needed.
    limits : Path, optional
        File with every limit.
    day : date, optional
        Of the contract, where the ticker names a product: WDO in August 2025 is WDOU25. Today's by default.
    scenario : Path, optional
        TOML for the simulator.
    out : Path, optional
        Folder of sessions.
    source : EventSource, optional
        In place of the library.
    fitted : tuple of Path
        Files of ``quantumtrader fit``, in place of ``[fitted]`` of the settings.
    detector_settings : Path, optional
        TOML of detector thresholds, in place of ``[detectors]`` of the settings.

    Attributes
    ----------
    notices : list of str
        What its owner should know, in order: keys that are not used yet, rooms that are missing, news of the session.

    Examples
    --------
    >>> system = TradingSystem({"symbol": "WDO", "historical_days": 0})  # doctest: +SKIP
    >>> system.initialize() and system.start()  # doctest: +SKIP
    True
    >>> system.stop()  # doctest: +SKIP
    """

    def __init__(
        self,
        config: Mapping[str, Any] | Settings,
        *,
        real: bool = False,
        limits: Path | None = None,
        day: date | None = None,
        scenario: Path | None = None,
        out: Path | None = None,
        source: EventSource | None = None,
        fitted: tuple[Path, ...] = (),
        detector_settings: Path | None = None,
    ) -> None:
        self._config = config
        self._request = RunRequest(
            real=real,
            limits=limits,
            day=day,
            scenario=scenario,
            out=out,
            fitted=fitted,
            detector_settings=detector_settings,
        )
        self._source = source
        self._settings: Settings | None = None
        self._planned: Planned | None = None
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._trading = threading.Event()
        self._error: BaseException | None = None
        self.result: RunResult | None = None
        """How the session ended; None before."""
        self.report: LiveReport | None = None
        """What it left behind; None before its end."""
        self.notices: list[str] = []

    def initialize(self) -> bool:
        """Read the configuration and look at what there is; nothing is connected yet.

        Returns
        -------
        bool
            True; what fails raises.

        Raises
        ------
        ConfigError
            A key that nobody knows, or a value out of range.
        """
        from quantumtrader.config import Settings

        if isinstance(self._config, Settings):
            self._settings = self._config
        else:
            config = {"historical_days": 1, **self._config}
            self._settings, unused = Settings.from_legacy(config)
            for text in unused:
                self._notice(text)
        if find_spec("quantumtrader.hmarl") is None:
            self._notice("HMARL is not installed: signals come from the strategy alone")
        return True

    def start(self, ticker: str | None = None) -> bool:
        """Connect, load history, and trade in the background.

        Parameters
        ----------
        ticker : str, optional
            Contract, product or series; the configuration's by default.

        Returns
        -------
        bool
            True once the session is connected, its history loaded, and trading has begun.

        Raises
        ------
        ConfigError
            Something is missing; for real orders the message names all of it.
        QuantumTraderError
            The session cannot be started.
        """
        from dataclasses import replace

        if self._settings is None:
            raise EngineError("call initialize first")
        if self._thread is not None:
            raise EngineError("the system was started before; make a new one")
        planned = plan_run(self._settings, replace(self._request, ticker=ticker or ""), source=self._source)
        self._planned = planned
        for text in planned.notices:
            self._notice(text)
        self._thread = threading.Thread(target=self._run, args=(planned,), name="trading-system", daemon=True)
        self._thread.start()
        while not self._trading.wait(0.05):
            if not self._thread.is_alive():
                break
        self._raise()
        return True

    def stop(self) -> None:
        """End the session as the settings say: flat, or guarded by stop and target. Harmless when called again.

        Raises
        ------
        QuantumTraderError
            What ended the session before, if something did.
        """
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._raise()

    @property
    def running(self) -> bool:
        """Whether it trades."""
        return self._thread is not None and self._thread.is_alive() and self._trading.is_set()

    @property
    def status(self) -> RunStatus:
        """What it is doing now."""
        return RunStatus() if self._planned is None else self._planned.run.status

    @property
    def folder(self) -> Path | None:
        """Folder of the session; None before the start."""
        return None if self._planned is None else self._planned.folder

    @property
    def ticker(self) -> str:
        """Contract that is traded; empty before the start."""
        return "" if self._planned is None else self._planned.run.spec.instrument.symbol

    def _run(self, planned: Planned) -> None:
        try:
            self.result = planned.run.run(
                self._stop, on_notice=self._notice, on_started=self._trading.set, period_s=1.0
            )
            self.report = write_results(planned.run.loop, self.result, planned.notices)
        except QuantumTraderError as error:
            self._error = error
        except BaseException as error:
            _log.exception("the session ended by an error")
            self._error = error
            raise

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _notice(self, text: str) -> None:
        self.notices.append(text)
        del self.notices[:-1_000]
        _log.info("%s", text)
