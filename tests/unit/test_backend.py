"""Which engine is chosen, and what is said about it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType

import pytest

import quantumtrader
from conftest import engine_module
from quantumtrader import _backend
from quantumtrader.exceptions import ConfigError, EngineError


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    _backend._resolve.cache_clear()
    yield
    _backend._resolve.cache_clear()


def hide_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "quantumtrader._core", None)


def fake_core(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    module = ModuleType("quantumtrader._core")
    module.__version__ = version  # type: ignore[attr-defined]
    module.ENGINE = "rust"  # type: ignore[attr-defined]
    module.__file__ = "/somewhere/_core.abi3.so"
    monkeypatch.setitem(sys.modules, "quantumtrader._core", module)


def test_python_is_chosen_by_the_variable(monkeypatch):
    monkeypatch.setenv("QUANTUMTRADER_ENGINE", "python")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        info = _backend.engine()
    assert (info.name, info.version) == ("python", quantumtrader.__version__)
    assert "QUANTUMTRADER_ENGINE=python" in info.reason
    assert info.path.endswith("__init__.py")
    assert _backend.core().ENGINE == "python"


def test_an_invalid_variable_is_an_error(monkeypatch):
    monkeypatch.setenv("QUANTUMTRADER_ENGINE", "fortran")
    with pytest.raises(
        ConfigError, match='QUANTUMTRADER_ENGINE is "fortran"; expected one of auto, rust, python'
    ):
        _backend.engine()


def test_auto_takes_a_matching_compiled_module(monkeypatch):
    monkeypatch.setenv("QUANTUMTRADER_ENGINE", "auto")
    fake_core(monkeypatch, quantumtrader.__version__)
    info = _backend.engine()
    assert (info.name, info.path) == ("rust", "/somewhere/_core.abi3.so")


def test_falling_back_warns_once_and_says_how_to_get_the_other(monkeypatch):
    monkeypatch.delenv("QUANTUMTRADER_ENGINE", raising=False)
    hide_core(monkeypatch)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert _backend.engine().name == "python"
        _backend.core()
        _backend.engine()
    assert len(caught) == 1
    assert re.search(r"Python engine.*cargo", str(caught[0].message))
    assert caught[0].category is _backend.EngineFallbackWarning
    assert issubclass(_backend.EngineFallbackWarning, RuntimeWarning)
    assert "_core is not installed" in _backend.reason() or "does not load" in _backend.reason()


def test_another_version_is_skipped_with_both_named(monkeypatch):
    monkeypatch.setenv("QUANTUMTRADER_ENGINE", "auto")
    fake_core(monkeypatch, "0.0.7")
    with pytest.warns(_backend.EngineFallbackWarning, match=rf"0\.0\.7.*{quantumtrader.__version__}"):
        assert _backend.engine().name == "python"


def test_rust_on_demand_refuses_another_version(monkeypatch):
    monkeypatch.setenv("QUANTUMTRADER_ENGINE", "rust")
    fake_core(monkeypatch, "0.0.7")
    with pytest.raises(
        EngineError, match=rf"has version 0\.0\.7 and the package has {quantumtrader.__version__}"
    ):
        _backend.core()


def test_rust_on_demand_refuses_when_there_is_none(monkeypatch):
    monkeypatch.setenv("QUANTUMTRADER_ENGINE", "rust")
    hide_core(monkeypatch)
    with pytest.raises(EngineError, match=r"QUANTUMTRADER_ENGINE=rust, but .*maturin develop"):
        _backend.engine()


def test_the_compiled_engine_has_the_version_of_the_package():
    module = engine_module("rust")
    if module is None:
        pytest.skip("the Rust engine is not built")
    assert module.__version__ == quantumtrader.__version__


def test_every_public_name_is_there():
    for name in quantumtrader.__all__:
        assert getattr(quantumtrader, name) is not None
    assert set(quantumtrader.__all__) <= set(dir(quantumtrader))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = quantumtrader.nothing


def test_all_is_complete():
    homes = {name for names in quantumtrader._HOME.values() for name in names}
    assert sorted(quantumtrader.__all__) == sorted({*homes, *quantumtrader._MODULES, "__version__"})
    public = {name for name in vars(quantumtrader) if not name.startswith("_")}
    rooms = {"annotations", "importlib", "TYPE_CHECKING"}
    modules = {name for name in public if isinstance(getattr(quantumtrader, name), ModuleType)}
    assert public - rooms - modules <= set(quantumtrader.__all__)


def test_the_python_engine_has_every_name_it_promises():
    from quantumtrader import _fallback

    assert set(_fallback._HOME) | {"ENGINE", "__version__"} == set(_fallback.__all__)
    for name in _fallback.__all__:
        assert getattr(_fallback, name) is not None


@pytest.mark.parametrize(
    "name", ["quantumtrader", "quantumtrader.features", "quantumtrader._fallback.features.engine"]
)
def test_import_is_light(name):
    code = f"import sys, {name}; print(*sorted(sys.modules))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "QUANTUMTRADER_ENGINE": "python"}
    loaded = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"pandas", "pyarrow", "typer", "rich", "pydantic", "pydantic_settings", "matplotlib"}
    assert not heavy & set(loaded)


def test_the_names_of_models_load_at_first_use() -> None:
    code = (
        "import sys; from quantumtrader import models\n"
        "early = {m for m in sys.modules if m.startswith('quantumtrader.models.')} | {'numpy'} & set(sys.modules)\n"
        "assert not early, early\n"
        "from quantumtrader.models import MLCoordinator, ModelManager, PredictionEngine, RegimeAnalyzer\n"
        "assert all(getattr(models, name) for name in models.__all__)\n"
        "assert set(models.__all__) == set(models._HOME_OF) <= set(dir(models))\n"
        "assert not {'lightgbm', 'sklearn', 'jax'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
