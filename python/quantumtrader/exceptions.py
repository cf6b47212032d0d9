"""Every error that quantumtrader raises on purpose.

::

    QuantumTraderError
    ├── ConfigError              a setting is missing, unknown or out of range
    │   └── UnknownInstrumentError
    ├── MissingExtraError        an optional package is needed; the message names the extra
    ├── EngineError              the engine in force cannot do what was asked
    ├── DataError                input data cannot be used; carries file, line and remedy
    │   ├── DataFormatError      wrong columns, encodings or numbers
    │   ├── EmptyDataError       nothing to read
    │   ├── DataAccessError      a file is missing, may not be read or replaced, or cannot be written
    │   ├── JournalError         the order journal cannot be read, or cannot be written any more
    │   ├── ModelError           a model folder is damaged, expired, or of another kind than what is running
    │   └── UnsortedEventsError  receive time or sequence runs backwards
    ├── UnknownFeatureError      a name that the catalogue does not have
    ├── ManifestError            feature rows are not those that a model expects
    ├── PromotionError           a model does not meet the conditions of the state it is to enter
    ├── ProfitLibraryError       ProfitDLL cannot be loaded, or lacks a function
    ├── ProfitDllError           ProfitDLL answered an error
    ├── SessionError             the session cannot be opened, or cannot do what was asked
    │   └── GatewayLinkError     the gateway's process cannot be reached, or broke the rules of the link
    ├── OrderError               an order is malformed, or the venue refused it
    │   └── OrderRefusedError    the gateway refused it: certainly nothing was sent
    ├── GatewayError             the gateway failed: whether something was sent is not known
    └── TradingHaltedError       the kill switch is on
"""

from __future__ import annotations

from pathlib import Path


class QuantumTraderError(Exception):
    """Base of every error that quantumtrader raises on purpose."""


class ConfigError(QuantumTraderError, ValueError):
    """A setting is missing, unknown or out of range."""


class UnknownInstrumentError(ConfigError):
    """No instrument of this name is known; user-defined ones go into ``[instruments.NAME]``."""


class MissingExtraError(QuantumTraderError, ImportError):
    """An optional package is needed.

    Parameters
    ----------
    package : str
        The package that could not be imported.
    extra : str
        The extra that installs it.
    purpose : str
        What it is needed for.
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}: pip install 'quantumtrader[{extra}]'")
        self.package = package
        self.extra = extra
        self.purpose = purpose

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str, str]]:
        return type(self), (self.package, self.extra, self.purpose)


class EngineError(QuantumTraderError, RuntimeError):
    """The engine in force cannot do what was asked."""


class DataError(QuantumTraderError, ValueError):
    """Input data cannot be used.

    Parameters
    ----------
    message : str
        What is wrong, with the offending value.
    path : Path, optional
        The file.
    line : int, optional
        1-based line, or row for binary files.
    remedy : str, optional
        What to do next.
    """

    def __init__(
        self,
        message: str,
        *,
        path: Path | str | None = None,
        line: int | None = None,
        remedy: str | None = None,
    ) -> None:
        where = "" if path is None else f"{path}" + ("" if line is None else f":{line}") + ": "
        super().__init__(where + message + ("" if remedy is None else f". {remedy}"))
        self.path = None if path is None else Path(path)
        self.line = line
        self.remedy = remedy


class DataFormatError(DataError):
    """Columns, encoding or numbers are not those of the format."""


class EmptyDataError(DataError):
    """There is nothing to read."""


class DataAccessError(DataError):
    """A file is missing, may not be read or replaced, or cannot be written; says nothing about its content."""


class JournalError(DataError):
    """The order journal cannot be read, or cannot be written any more."""


class UnsortedEventsError(DataError):
    """Receive time or sequence runs backwards; the message gives the index."""


class ModelError(DataError):
    """A model folder is damaged, expired, or of another kind than what is running.

    Parameters
    ----------
    message : str
        What is wrong.
    path : Path, optional
        The folder or the file in it.
    remedy : str, optional
        What to do next.
    differences : tuple of str
        Everything that differs, one by one.
    """

    def __init__(
        self,
        message: str,
        *,
        path: Path | str | None = None,
        remedy: str | None = None,
        differences: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, path=path, remedy=remedy)
        self.differences = differences or (message,)


class UnknownFeatureError(QuantumTraderError, KeyError):
    """A feature name that the catalogue does not have."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class ManifestError(QuantumTraderError, ValueError):
    """Feature rows are not those that were expected.

    Parameters
    ----------
    message : str
        Everything that differs.
    differences : tuple of str
        The same, one by one.
    """

    def __init__(self, message: str, differences: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.differences = differences


class PromotionError(QuantumTraderError):
    """A model does not meet the conditions of the state it is to enter.

    Parameters
    ----------
    message : str
        Every condition that failed.
    failed : tuple of str
        The same, one by one.
    """

    def __init__(self, message: str, failed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.failed = failed


class ProfitLibraryError(QuantumTraderError, OSError):
    """ProfitDLL cannot be loaded, or lacks a function; the message says what to do."""


def explain_result(code: int) -> str:
    """Say what a result of ProfitDLL means.

    Parameters
    ----------
    code : int
        The vendor's ``NResult``, of 32 or 64 bits, signed or not.

    Returns
    -------
    str
        Such as ``NL_MARKET_ONLY (0x8000000A): This session or licence has market data only, no order routing.``
    """
    # Errors are defined before anything else is imported, and the codes are many.
    from quantumtrader._generated.profitdll_codes import NResult

    unsigned = code & 0xFFFFFFFF
    try:
        known = NResult(unsigned - (1 << 32) if unsigned >> 31 else unsigned)  # type: ignore[call-arg]
    except ValueError:
        return f"unknown result 0x{unsigned:08X}"
    return f"{known.name} (0x{unsigned:08X}): {known.meaning}"


class ProfitDllError(QuantumTraderError, RuntimeError):
    """ProfitDLL answered an error.

    Parameters
    ----------
    code : int
        The vendor's ``NResult``, of 32 or 64 bits.
    function : str
        The function that answered it.
    """

    def __init__(self, code: int, function: str) -> None:
        super().__init__(f"{function}: {explain_result(code)}")
        unsigned = code & 0xFFFFFFFF
        self.code = unsigned - (1 << 32) if unsigned >> 31 else unsigned
        self.function = function

    def __reduce__(self) -> tuple[type[ProfitDllError], tuple[int, str]]:
        return (type(self), (self.code, self.function))


class SessionError(QuantumTraderError, RuntimeError):
    """The session with the vendor's library cannot be opened, or cannot do what was asked."""


class GatewayLinkError(SessionError):
    """The gateway's process cannot be reached, or one side of the link broke its rules."""


class OrderError(QuantumTraderError, ValueError):
    """An order is malformed, or the venue refused it."""


class OrderRefusedError(OrderError):
    """The gateway refused the order: certainly nothing was sent."""


class GatewayError(QuantumTraderError):
    """The gateway failed: whether something was sent is not known until the vendor's list was read."""


class TradingHaltedError(QuantumTraderError):
    """The kill switch is on: no order leaves until a person clears it."""
