"""Secrets: where they come from, and where they never appear."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from quantumtrader.config import ProfitSettings, load_settings
from quantumtrader.exceptions import ConfigError
from quantumtrader.profitdll.credentials import Credentials, load_credentials


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quantumtrader.profitdll.credentials._from_keyring", lambda _: None)


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_each_one_from_the_first_place_that_has_it(tmp_path: Path) -> None:
    file = write(tmp_path / "c.toml", 'username = "f"\npassword = "filepass"\nsignature = "filesig"\n')
    got = load_credentials(
        {"username": "g"}, file=file, environ={"QT_PROFIT__USERNAME": "e", "QT_PROFIT__PASSWORD": "envpass"}
    )
    assert (got.username, got.password, got.signature, got.activation_key) == ("g", "envpass", "filesig", "")


def test_missing_ones_are_named_with_their_variables() -> None:
    with pytest.raises(ConfigError, match=r"activation_key, password\..*QT_PROFIT__ACTIVATION_KEY"):
        Credentials(username="u").require("username", "activation_key", "password")


def test_nothing_secret_in_repr_or_redacted_text() -> None:
    secret = Credentials("u", "key-12345", "pass-12345", "sig-12345")
    assert "12345" not in repr(secret)
    assert "12345" not in secret.redact("login u/pass-12345 with key-12345 and sig-12345 failed")


@pytest.mark.skipif(os.name != "posix", reason="file modes are of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = write(tmp_path / "c.toml", 'password = "secret-text"\n', mode)
    with pytest.raises(ConfigError, match="chmod 600") as caught:
        load_credentials(file=file, environ={})
    assert "secret-text" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ['password = "secret-text', 'passwort = "secret-text"', "password = 31415926"]
)
def test_a_file_that_is_wrong_says_so_without_its_content(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_credentials(file=write(tmp_path / "c.toml", text), environ={})
    error: BaseException | None = caught.value
    while error is not None:
        assert "secret-text" not in str(error)
        assert "31415926" not in str(error)
        error = error.__cause__ or error.__context__ if not error.__suppress_context__ else error.__cause__


def test_settings_carry_secrets_from_the_environment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QT_PROFIT__PASSWORD", "secret-text")
    profit = load_settings(env_file=None).profit
    assert "secret-text" not in repr(profit)
    assert profit.as_environment() == {"QT_PROFIT__PASSWORD": "secret-text"}
    (tmp_path / "quantumtrader.toml").write_text('[profit]\npassword = "other-secret"\n', "utf-8")
    with pytest.raises(ConfigError, match="do not belong in a settings file") as caught:
        load_settings(env_file=None)
    assert "other-secret" not in str(caught.value)


def test_version_is_four_numbers() -> None:
    assert ProfitSettings(version="4.0.0.41").version == "4.0.0.41"
    with pytest.raises(ValueError, match="version"):
        ProfitSettings(version="4.0")
