"""The Python in README and guides runs as it stands.

A block that needs a file of the reader's is marked ```` ```python no-run ````.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCKS = [
    pytest.param(block, id=f"{page.relative_to(ROOT)}:{k}")
    for page in PAGES
    for k, block in enumerate(
        re.findall(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    )
]


def test_there_are_blocks_to_run() -> None:
    assert len(BLOCKS) >= 4


@pytest.mark.parametrize("block", BLOCKS)
def test_block_runs(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"2025-08-14 09:{i:02},5400,5401,5399,5400.5,7\n" for i in range(30))
    Path("export.csv").write_text(f"timestamp,open,high,low,close,volume\n{rows}", "utf-8")
    exec(compile(block, "block", "exec"), {})
