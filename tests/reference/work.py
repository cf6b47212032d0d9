"""Work for executors: in a module that worker processes can import."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader.exceptions import MissingExtraError


class Work:
    """Something that holds data, as folds do."""

    def __init__(self, data: np.ndarray[Any, Any]) -> None:
        self.data = data

    def __call__(self, item: int) -> tuple[int, float, int]:
        if item == 13:
            raise MissingExtraError("nothing", "none", "the thirteenth")
        if item == 99:
            os._exit(9)
        return item, float(np.random.default_rng(item).permutation(self.data)[:5].sum()), os.getpid()


class Waiting:
    """Says that a worker is at work, and stays there until a file lies in the folder."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def __call__(self, item: int) -> int:
        (self.folder / str(os.getpid())).touch()
        while not (self.folder / "go").exists():
            time.sleep(0.01)
        return item
