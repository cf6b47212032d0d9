"""The skeleton writer puts a feature where both engines look for it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def script(root: Path) -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("new_feature", root / "scripts" / "new_feature.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with one feature."""
    families = tmp_path / "crates/qt-features/src/families/flow"
    families.mkdir(parents=True)
    (families / "mod.rs").write_text("//! Order flow.\n\ncrate::register![delta, cvd];\n", "utf-8")
    (tmp_path / "python/quantumtrader/_fallback/features/order_flow").mkdir(parents=True)
    generated = tmp_path / "python/quantumtrader/_generated"
    generated.mkdir()
    catalog = {"features": [{"number": 17, "name": "delta_1m"}]}
    (generated / "catalog.json").write_text(json.dumps(catalog), "utf-8")
    return tmp_path


def test_writes_two_files_and_one_line(script: ModuleType, tree: Path) -> None:
    rust, listing, python = script.write(tree, "flow", "trade_count_1m")
    assert listing.read_text("utf-8") == (
        "//! Order flow.\n\ncrate::register![\n    delta,\n    cvd,\n    trade_count_1m,\n];\n"
    )
    assert "number: 18," in rust.read_text("utf-8")
    assert "struct TradeCount1m;" in rust.read_text("utf-8")
    code = python.read_text("utf-8")
    compile(code, str(python), "exec")
    assert '@feature("trade_count_1m")\nclass TradeCount1m(Feature):' in code


@pytest.mark.parametrize(
    ("family", "name", "number", "message"),
    [
        ("flows", "a", None, "no feature family 'flows'; there are flow, tape, footprint, liquidity"),
        ("flow", "Trade-Count", None, "write lower case words"),
        ("flow", "delta_1m", None, "there is a feature 'delta_1m' already"),
        ("flow", "other", 17, "number 17 is taken by delta_1m"),
    ],
)
def test_refuses_and_writes_nothing(
    script: ModuleType, tree: Path, family: str, name: str, number: int | None, message: str
) -> None:
    before = sorted(tree.rglob("*"))
    with pytest.raises(ValueError, match=message):
        script.write(tree, family, name, number)
    assert sorted(tree.rglob("*")) == before


@pytest.mark.parametrize("family", ["flow", "tape", "footprint", "liquidity", "microstructure", "technical"])
def test_every_family_of_the_checkout_is_known(script: ModuleType, root: Path, family: str) -> None:
    assert set(script.FAMILIES) == {
        path.parent.name for path in root.glob("crates/qt-features/src/families/*/mod.rs")
    }
    package, _ = script.FAMILIES[family]
    assert (root / "python/quantumtrader/_fallback/features" / package / "__init__.py").exists()
