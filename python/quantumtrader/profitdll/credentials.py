"""Where the secrets of the vendor's session come from: keyring, environment, or a file that only its owner
can read.

Nothing else is accepted: not the settings file, not a command-line flag, both of which end up in histories
and backups. A secret never appears in a ``repr``, a log or an error.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import platformdirs

from quantumtrader.exceptions import ConfigError, MissingExtraError

__all__ = ["Credentials", "credentials_file", "load_credentials", "store_credential", "where"]

_SERVICE = "quantumtrader"
_ENV = "QT_PROFIT__"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the vendor's login asks for; empty where it was not given.

    Parameters
    ----------
    username : str
        Login of Profit; not a secret, but personal.
    activation_key : str
        Key of the DLL licence.
    password : str
        Login password.
    signature : str
        Trading password (assinatura eletrônica), asked for by orders only.
    """

    username: str = ""
    activation_key: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    signature: str = field(default="", repr=False)

    def require(self, *names: str) -> None:
        """Check that these were given.

        Raises
        ------
        ConfigError
            Names every one that is missing and the three places where it can be put.
        """
        missing = [name for name in names if not getattr(self, name)]
        if missing:
            raise ConfigError(
                f"ProfitDLL needs {', '.join(missing)}. Store each with `quantumtrader credentials set NAME` (keyring), "
                f"or set {', '.join(_ENV + name.upper() for name in missing)}, or write it into {credentials_file()} "
                "(readable by you alone)"
            )

    def redact(self, text: str) -> str:
        """Return a text without any secret in it: for messages that come from elsewhere."""
        for name in ("activation_key", "password", "signature"):
            secret = getattr(self, name)
            if len(secret) >= 4:
                text = text.replace(secret, "**********")
        return text


_NAMES = tuple(f.name for f in fields(Credentials))


def credentials_file() -> Path:
    """Where the file is looked for: ``credentials.toml`` in the user's configuration folder."""
    return Path(platformdirs.user_config_dir("quantumtrader", appauthor=False)) / "credentials.toml"


def load_credentials(
    given: Mapping[str, str] | None = None,
    *,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Credentials:
    """Collect the credentials; for each one the first place that has it wins.

    Parameters
    ----------
    given : mapping of str to str, optional
        Passed by a program; empty values count as absent.
    file : Path, optional
        In place of :func:`credentials_file`.
    environ : mapping, optional
        In place of the environment.

    Raises
    ------
    ConfigError
        The file can be read by others, is not TOML, or has keys that are none.
    """
    return Credentials(**{name: text for name, (_, text) in _find(given, file, environ).items()})


def where(*, file: Path | None = None, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Tell where each credential comes from, not what it is; empty for one that is missing.

    Parameters and errors are those of :func:`load_credentials`.
    """
    return {name: place for name, (place, _) in _find(None, file, environ).items()}


def _find(
    given: Mapping[str, str] | None, file: Path | None, environ: Mapping[str, str] | None
) -> dict[str, tuple[str, str]]:
    environ = os.environ if environ is None else environ
    file = file or credentials_file()
    in_file = _read(file)
    found = {}
    for name in _NAMES:
        variable = _ENV + name.upper()
        places = {
            "the program": (given or {}).get(name),
            "keyring": _from_keyring(name),
            variable: environ.get(variable),
            str(file): in_file.get(name),
        }
        found[name] = next(((place, text) for place, text in places.items() if text), ("", ""))
    return found


def store_credential(name: str, secret: str) -> None:
    """Put one credential into the system's keyring.

    Raises
    ------
    MissingExtraError
        The keyring package is not installed.
    ConfigError
        The name is none of a credential, or this system has no keyring that can be written.
    """
    if name not in _NAMES:
        raise ConfigError(f"no credential {name!r}; there are {', '.join(_NAMES)}")
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError as error:
        raise MissingExtraError(
            "keyring", "keyring", "storing credentials in the system's keyring"
        ) from error
    try:
        keyring.set_password(_SERVICE, name, secret)
    except KeyringError as error:
        raise ConfigError(
            f"this system has no keyring that can be written ({type(error).__name__}); set {_ENV}{name.upper()} or use "
            f"{credentials_file()}"
        ) from error


def _from_keyring(name: str) -> str | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        found = keyring.get_password(_SERVICE, name)
    except KeyringError:  # a headless system has none; the other places remain
        return None
    return found if isinstance(found, str) else None


def _read(file: Path) -> dict[str, str]:
    try:
        with file.open("rb") as handle:
            if os.name == "posix":
                mode = stat.S_IMODE(os.fstat(handle.fileno()).st_mode)
                if mode & 0o077:
                    raise ConfigError(
                        f"{file} can be read by others (mode {mode:04o}); run `chmod 600 {file}`, and change the passwords "
                        "if others use this machine"
                    )
            found = tomllib.load(handle)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # No cause: the decoder's message could quote the line, which holds a secret.
        raise ConfigError(f'{file} is not valid TOML; expected lines such as password = "…"') from None
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}") from error
    for key, value in found.items():
        if key not in _NAMES:
            raise ConfigError(f"{file}: unknown key {key!r}; there are {', '.join(_NAMES)}")
        if not isinstance(value, str):
            raise ConfigError(f"{file}: {key} must be text in quotes")
    return {key: str(value) for key, value in found.items()}
