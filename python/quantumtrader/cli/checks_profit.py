"""What ``quantumtrader doctor`` says about ProfitDLL: the library, its layout, its folder, the credentials, the login."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from quantumtrader.cli.check import BROKEN, MISSING, OK, Check
from quantumtrader.exceptions import ProfitLibraryError, QuantumTraderError, SessionError

if TYPE_CHECKING:
    from quantumtrader.config import ProfitSettings

SECTION = "ProfitDLL"


def check_profit() -> list[Check]:
    """The vendor's library where one is set, the simulator, and the credentials; logs nobody in."""
    from quantumtrader.config import load_settings

    try:
        profit = load_settings().profit
    except QuantumTraderError:
        return []  # the section on folders says it
    checks = [_library(profit), _simulator()]
    checks += _credentials(profit)
    return checks


def check_login(timeout_s: float | None = None) -> list[Check]:
    """Log in with the library and the credentials that are set, and log out again: every state in plain words."""
    from quantumtrader.config import load_settings
    from quantumtrader.profitdll.connection import explain_state
    from quantumtrader.profitdll.credentials import load_credentials
    from quantumtrader.profitdll.session import ConnectionManagerV4, SessionOptions

    try:
        profit = load_settings().profit
        routing = bool(profit.account)
        options = SessionOptions(
            exchange=profit.exchange,
            version=profit.version,
            login_timeout_s=timeout_s or profit.login_timeout_s,
            scenario=profit.scenario.read_text("utf-8") if profit.scenario else "",
        )
        secrets = load_credentials(environ={**os.environ, **profit.as_environment()})
        if profit.dll_path is not None:
            secrets.require("username", "activation_key", "password")
    except (QuantumTraderError, OSError) as error:
        return [Check(SECTION, "login", BROKEN, str(error), "correct what the message names")]
    session = ConnectionManagerV4(profit.dll_path, options)
    states: list[str] = []
    session.on("state", lambda t: states.append(explain_state(t.kind, t.result)))
    try:
        session.initialize(secrets.activation_key, secrets.username, secrets.password, routing=routing)
        phase = session.connection.phase
        found = f"{phase}; {'; '.join(states)}"
        return [Check(SECTION, "login", OK if phase.usable else MISSING, found, data={"states": states})]
    except (SessionError, ProfitLibraryError) as error:
        remedy = "see the states above; Profit itself must be able to log in with the same user"
        return [Check(SECTION, "login", BROKEN, str(error), remedy, {"states": states})]
    finally:
        session.disconnect()


def _library(profit: ProfitSettings) -> Check:
    from quantumtrader.profitdll.library import load_library

    if profit.dll_path is None:
        text = "no library is set: the simulator is used"
        return Check(SECTION, "library", MISSING, text, "set QT_PROFIT__DLL_PATH to ProfitDLL64.dll")
    try:
        library = load_library(profit.dll_path)
    except ProfitLibraryError as error:
        return Check(
            SECTION, "library", BROKEN, str(error), "give the path of the 64-bit library as Nelogica ships it"
        )
    wrong = library.abi.layout_errors()
    if wrong:
        return Check(
            SECTION, "library", BROKEN, "layouts differ: " + "; ".join(wrong), "report it with this page"
        )
    absent = [f.name for f in library.missing()]
    version = profit.version or library.version
    data = {
        "path": str(library.path),
        "version": version,
        "missing": absent,
        "simulator": library.is_simulator,
    }
    text = f"{library.path}, version {version or 'unknown'}, layouts agree"
    if absent:
        text += (
            f", lacks {len(absent)} newer functions: {', '.join(absent[:4])}{' …' if len(absent) > 4 else ''}"
        )
    folder = Path(library.folder)
    if not os.access(folder, os.W_OK):
        remedy = f"the library writes beside itself: make {folder} writable, or copy the pack elsewhere"
        return Check(SECTION, "library", MISSING, text + "; its folder is not writable", remedy, data)
    return Check(SECTION, "library", OK, text, data=data)


def _simulator() -> Check:
    from quantumtrader.profitdll.simulator import library_path

    try:
        files = [library_path(2), library_path(4)]
    except SessionError as error:
        return Check(
            SECTION, "simulator", MISSING, str(error), "install Rust, then `make build` or `pip install .`"
        )
    return Check(
        SECTION,
        "simulator",
        OK,
        ", ".join(file.name for file in files),
        data={"folder": str(files[0].parent)},
    )


def _credentials(profit: ProfitSettings) -> list[Check]:
    from quantumtrader.profitdll.credentials import where

    try:
        found = where(environ={**os.environ, **profit.as_environment()})
    except QuantumTraderError as error:
        return [Check(SECTION, "credentials", BROKEN, str(error), "correct the file that the message names")]
    absent = [name for name, place in found.items() if not place]
    text = "; ".join(f"{name} from {place}" for name, place in found.items() if place) or "none is stored"
    if absent:
        remedy = f"`quantumtrader credentials set {absent[0]}`; the simulator needs none"
        return [
            Check(
                SECTION,
                "credentials",
                MISSING,
                f"{text}; missing: {', '.join(absent)}",
                remedy,
                {"from": found},
            )
        ]
    return [Check(SECTION, "credentials", OK, text, data={"from": found})]
