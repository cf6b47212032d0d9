"""Text of a simulator that runs meanwhile."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from quantumtrader.profitdll.simulator import _text


@pytest.mark.parametrize("lengths", [[10], [4096], [5_000, 15_000, 20_000], [5_000, 10]])
def test_a_text_that_changes_between_two_calls_is_whole(lengths: list[int]) -> None:
    texts = iter([b"x" * (n - 1) + b"!" for n in lengths])

    def function(buffer: Any, room: int) -> int:
        text = next(texts)
        ctypes.memmove(buffer, text, min(room, len(text)))
        return len(text)

    found = _text(function)
    assert (len(found), found[-1]) == (lengths[-1], "!")
