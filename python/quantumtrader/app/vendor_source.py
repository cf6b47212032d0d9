"""A session with ProfitDLL, or with its simulator, as a source of events: for the recorder and for live trading."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from quantumtrader.exceptions import ConfigError, DataAccessError
from quantumtrader.profitdll.credentials import load_credentials
from quantumtrader.profitdll.library import load_library
from quantumtrader.profitdll.session import ConnectionManagerV4, SessionOptions
from quantumtrader.profitdll.subscriptions import Books

if TYPE_CHECKING:
    from quantumtrader.config import Settings
    from quantumtrader.types import Events, Instrument

__all__ = ["VendorSource", "open_session", "session_options"]

_MESSAGES = 65_536


def session_options(settings: Settings, scenario: str | None = None, **others: Any) -> SessionOptions:
    """Options of a session from the settings section ``[profit]``.

    Parameters
    ----------
    settings : Settings
        Of the user.
    scenario : str, optional
        TOML for the simulator; stronger than the file that the settings name.
    **others
        Options that the settings do not have.

    Raises
    ------
    DataAccessError
        The scenario's file cannot be read.
    """
    profit = settings.profit
    folder = None
    if scenario is None and profit.scenario is not None:
        folder = profit.scenario.absolute().parent
        try:
            scenario = profit.scenario.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or error
            raise DataAccessError(f"the scenario cannot be read: {why}", path=profit.scenario) from error
    return SessionOptions(
        exchange=profit.exchange,
        version=profit.version,
        login_timeout_s=profit.login_timeout_s,
        history_timeout_s=profit.history_timeout_s,
        quiet_s=profit.quiet_s,
        scenario=scenario or "",
        scenario_folder=folder,
        **others,
    )


def open_session(
    settings: Settings,
    *,
    simulator: bool,
    routing: bool = False,
    scenario: str | None = None,
    native: bool | None = None,
) -> ConnectionManagerV4:
    """Log in as the settings say.

    Parameters
    ----------
    settings : Settings
        Section ``[profit]``.
    simulator : bool
        The simulator that ships with the package, whatever library is set.
    routing : bool
        Whether orders will be sent.
    scenario : str, optional
        TOML for the simulator.
    native : bool, optional
        As in :class:`ConnectionManagerV4`.

    Raises
    ------
    ProfitLibraryError
        The library is not there, or cannot be loaded.
    ConfigError
        No library is set, or credentials are missing; the message names them.
    SessionError
        The login fails.
    """
    profit = settings.profit
    if not simulator and profit.dll_path is None:
        raise ConfigError(
            "no library is set: give ProfitDLL64.dll with --dll or QT_PROFIT__DLL_PATH, or use the simulator"
        )
    if not simulator and profit.dll_path is not None:
        load_library(profit.dll_path)  # a wrong path is what to say first, before credentials are asked for
    secrets = load_credentials(environ={**os.environ, **profit.as_environment()})
    if not simulator:
        secrets.require("username", "activation_key", "password")
    session = ConnectionManagerV4(
        None if simulator else profit.dll_path, session_options(settings, scenario), native=native
    )
    try:
        session.initialize(secrets.activation_key, secrets.username, secrets.password, routing=routing)
    except BaseException:
        session.disconnect()
        raise
    return session


class VendorSource:
    """The feed of a session, with the session polled on its own thread.

    Parameters
    ----------
    session : ConnectionManagerV4
        Initialised.
    instruments : sequence of Instrument
        Subscribed in this order: their place is the ``instrument`` field of their events.
    books : Books
        Which books.
    keep : bool
        Leave the session open when this source is closed: the vendor's library opens once per process.
    """

    def __init__(
        self,
        session: ConnectionManagerV4,
        instruments: Sequence[Instrument],
        books: Books | str = Books.BOTH,
        *,
        keep: bool = False,
    ) -> None:
        self.session = session
        self._reader = session.reader()
        self._messages: deque[tuple[Any, ...]] = deque(maxlen=_MESSAGES)
        self.lost = 0
        """Events that were overtaken in the ring before they were read."""
        session.on("message", self._messages.append)
        self._keep = keep
        self._reader.skip_to_end()
        for instrument in instruments:
            if instrument.symbol in session.subscriptions:
                session.renew(instrument.symbol)  # a recording begins with a full image
            else:
                session.subscribe_ticker(instrument.symbol, books=books, tick_size=instrument.tick_size)
        session.start()

    def read(self, max: int) -> Events:
        """Hand over up to ``max`` events; what was lost shows as a hole in ``sequence``."""
        events, lost = self._reader.read(max)
        self.lost += lost
        return events

    def take_messages(self) -> list[tuple[Any, ...]]:
        """Hand over the control messages since the last call, and the session's news as ``("news", ts, kind, text)``."""
        taken: list[tuple[Any, ...]] = [
            ("news", news.ts, news.kind, news.text) for news in self.session.take_news()
        ]
        while self._messages:
            taken.append(self._messages.popleft())
        return taken

    def counters(self) -> dict[str, int]:
        """What the feed counted."""
        return self.session.feed.counters()

    def close(self) -> None:
        """Stop reading, and end the session unless it is kept."""
        self.session.off("message", self._messages.append)
        self.session.stop()
        if not self._keep:
            self.session.disconnect()
