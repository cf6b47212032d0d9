"""A training that kills its own process: ``python -m reference.killed_training FOLDER WRITES``.

After so many writes (0: never) the process gets SIGKILL, in the middle of the write that follows: the temporary file is
there, the file is not.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from quantumtrader.clock import ReplayClock
from quantumtrader.models.folder import write_whole
from quantumtrader.training import run_folder
from quantumtrader.training.pipelines import Recording, TickTrainingPipeline
from quantumtrader.training.pipelines import prepared as prepared_module
from reference.planted_bars import SMALL, Y, bar_sessions


def main(folder: str, writes: int) -> None:
    count = 0

    def counted(path: Path, data: bytes) -> None:
        nonlocal count
        count += 1
        if writes and count > writes:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_name(f".{path.name}.half").write_bytes(data[: len(data) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        write_whole(path, data)

    for module in (run_folder, prepared_module):
        vars(module)["write_whole"] = counted
    pipeline = TickTrainingPipeline(SMALL, clock=ReplayClock(1_700_000_000 * 10**9 + os.getpid()))
    pipeline.train(Recording.of(bar_sessions(40, 3, 0.9), Y), folder)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
