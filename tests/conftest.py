"""Fixtures shared by every test."""

from __future__ import annotations

import importlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

from exhaustive import EXHAUSTIVE

ROOT = Path(__file__).resolve().parent.parent

# Read when the libraries are first loaded. Tests run side by side, and on a busy machine threads that wait for each
# other take ten times as long as one.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

# CI must not fail on a slow machine or on luck: examples are derived from the test's source.
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what takes minutes, unless all of it is asked for."""
    if EXHAUSTIVE:
        return
    skip = pytest.mark.skip(reason="takes minutes: set QT_EXHAUSTIVE=1, as `make exhaustive` does")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skip)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that writes golden tables anew."""
    parser.addoption("--update-golden", action="store_true", help="write the golden tables anew")


def engine_module(name: str) -> ModuleType | None:
    """Return ``_core`` for ``rust``, ``_fallback`` for ``python``; None when the Rust engine is not built."""
    try:
        return importlib.import_module(
            {"rust": "quantumtrader._core", "python": "quantumtrader._fallback"}[name]
        )
    except ModuleNotFoundError as error:
        if error.name == "quantumtrader._core":
            return None
        raise


def _studies(base: Path) -> Iterator[None]:
    """Count trials apart: what one test trained must not deflate what another one finds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QUANTUMTRADER_STUDIES", str(base / f"studies-{uuid.uuid4().hex}"))
        yield


@pytest.fixture(scope="module", autouse=True)
def _studies_of_the_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    yield from _studies(tmp_path_factory.getbasetemp())


@pytest.fixture(autouse=True)
def _studies_of_the_test(
    tmp_path_factory: pytest.TempPathFactory, _studies_of_the_module: None
) -> Iterator[None]:
    yield from _studies(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="session")
def root() -> Path:
    """Root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Find a recorded data set by name, or skip the test.

    Recorded market data is never committed: it is looked for under ``$QT_TEST_DATA``, then ``../shared/data``.
    """
    folder = Path(os.environ.get("QT_TEST_DATA") or ROOT.parent / "shared" / "data")

    def find(name: str) -> Path:
        path = folder / name
        if not path.exists():
            pytest.skip(f"recorded data set {name!r} is not in {folder}; set QT_TEST_DATA to where it is")
        return path

    return find


@pytest.fixture(params=["rust", "python"])
def engine(request: pytest.FixtureRequest) -> ModuleType:
    """Each engine module in turn; the Rust one is skipped when it is not built."""
    module = engine_module(request.param)
    if module is None:
        pytest.skip("the Rust engine is not built: run `make build` with cargo on the path")
    return module


@pytest.fixture(scope="session")
def built() -> dict[str, ModuleType]:
    """Every engine that is built, by name: for tests where what they are compared with costs more than they do."""
    found = {name: engine_module(name) for name in ("rust", "python")}
    return {name: module for name, module in found.items() if module is not None}


@pytest.fixture(scope="session")
def engines() -> tuple[ModuleType, ModuleType]:
    """Both engine modules, ``(rust, python)``, for parity tests."""
    rust, python = engine_module("rust"), engine_module("python")
    if rust is None or python is None:
        pytest.skip("parity needs both engines; the Rust one is not built")
    return rust, python
