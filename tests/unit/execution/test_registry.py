"""Strategies of the user's own, by file or module."""

from __future__ import annotations

from pathlib import Path

import pytest

from quantumtrader.exceptions import ConfigError
from quantumtrader.execution import make_strategy

SOURCE = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Mine:
    size: int = 1
    name = "mine"; rule = "None."; features = (); clock = "1s"

    def evaluate(self, row, market): ...

class Plain:
    pass
"""


def test_a_strategy_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(SOURCE)
    strategy = make_strategy(f"{path}:Mine", size="3")
    assert (strategy.name, strategy.size) == ("mine", 3)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("{0}/mine.py:Yours", "no class 'Yours'; it has Mine"),
        ("{0}/mine.py:Plain", "lacks name"),
        ("{0}/none.py:Mine", "there is no file"),
        ("no_such_module_xyz:Mine", "cannot be imported"),
    ],
)
def test_what_is_wrong_with_it_is_said(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / "mine.py").write_text(SOURCE)
    with pytest.raises(ConfigError, match=words):
        make_strategy(name.format(tmp_path))
