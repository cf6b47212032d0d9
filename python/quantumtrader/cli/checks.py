"""What ``quantumtrader doctor`` looks at: one function per section, each returns its findings."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import time
import warnings
from datetime import UTC, datetime, timedelta
from importlib import import_module, metadata
from pathlib import Path

from quantumtrader import __version__
from quantumtrader.cli.check import BROKEN, MISSING, OK, Check
from quantumtrader.cli.checks_profit import check_profit
from quantumtrader.exceptions import QuantumTraderError


def check_engine() -> list[Check]:
    """Which engine computes, and why."""
    try:
        from quantumtrader import _backend

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", _backend.EngineFallbackWarning)  # this page says the same
            info = _backend.engine()
    except (ImportError, QuantumTraderError) as error:
        remedy = "reinstall with `pip install --force-reinstall quantumtrader`"
        return [Check("engine", "engine", BROKEN, f"cannot be loaded: {error}", remedy)]
    data = {"engine": info.name, "reason": info.reason, "version": info.version, "path": info.path}
    if info.name == "rust":
        return [Check("engine", "engine: rust", OK, f"{info.reason} ({info.path})", data=data)]
    remedy = "install Rust with rustup, then `make build` in a checkout or `pip install .` again"
    return [Check("engine", "engine: python", OK, info.reason, remedy, data)]


def _requirements(extra: str | None) -> list[str]:
    """Return the distributions that an extra (or the base install, with None) asks for."""
    names = []
    for requirement in metadata.requires("quantumtrader") or []:
        spec, _, marker = requirement.partition(";")
        found = re.search(r"extra\s*==\s*['\"]([^'\"]+)", marker)
        if (found[1] if found else None) == extra and (name := re.match(r"[A-Za-z0-9._-]+", spec.strip())):
            names.append(name[0])
    return names


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def check_versions() -> list[Check]:
    """Versions of the package, of Python, and of what the package needs."""
    python = platform.python_version()
    checks = [Check("versions", "quantumtrader", OK, __version__)]
    checks.append(Check("versions", "python", OK, f"{python} ({sys.executable})"))
    try:
        needed = _requirements(None)
    except metadata.PackageNotFoundError:
        text = "the package is not installed: this runs from a source tree"
        checks.append(
            Check("versions", "installation", MISSING, text, "run `pip install -e .` in the checkout")
        )
        needed = ["numpy", "pandas", "pyarrow"]
    for name in needed:
        found = _version(name)
        if found is None:
            checks.append(Check("versions", name, BROKEN, "not installed", f"pip install {name}"))
            continue
        module = name.replace("-", "_")
        try:
            import_module(module)
        except ImportError as error:
            remedy = f"pip install --force-reinstall {name}"
            checks.append(Check("versions", name, BROKEN, f"{found} cannot be imported: {error}", remedy))
        else:
            checks.append(Check("versions", name, OK, found))
    return checks


def check_extras() -> list[Check]:
    """Optional extras: what each would install, and what of it is there."""
    try:
        extras = metadata.metadata("quantumtrader").get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        return []
    checks = []
    for extra in sorted(extras):
        names = _requirements(extra)
        absent = [name for name in names if _version(name) is None]
        data = {"packages": names, "missing": absent}
        if absent:
            remedy = f"pip install 'quantumtrader[{extra}]'"
            checks.append(Check("extras", extra, MISSING, "missing: " + ", ".join(absent), remedy, data))
        else:
            checks.append(Check("extras", extra, OK, ", ".join(names), data=data))
    return checks


def check_folders() -> list[Check]:
    """Data folders: there, writable, with room."""
    try:
        from quantumtrader.config import load_settings

        settings = load_settings()
    except QuantumTraderError as error:
        return [
            Check("folders", "settings", BROKEN, str(error), "correct the setting that the message names")
        ]
    return [
        _folder("lake", settings.data.lake, "QT_DATA__LAKE"),
        _folder("journal", settings.data.journal, "QT_DATA__JOURNAL"),
    ]


def _folder(name: str, path: Path, setting: str) -> Check:
    path = path.absolute()
    there = next(p for p in (path, *path.parents) if p.exists())
    free = shutil.disk_usage(there).free
    data = {"path": str(path), "exists": there == path, "free_bytes": free}
    if not there.is_dir():
        return Check(
            "folders", name, BROKEN, f"{there} is not a folder", f"set {setting} to another path", data
        )
    if not os.access(there, os.W_OK | os.X_OK):
        remedy = f"set {setting} to a folder that you may write to"
        return Check("folders", name, BROKEN, f"{there} is not writable", remedy, data)
    room = f"{free / 2**30:.1f} GiB free"
    if free < 2**30:
        return Check(
            "folders", name, MISSING, f"{path}: {room}", "a recorded session needs up to 1 GiB", data
        )
    return Check(
        "folders", name, OK, f"{path}: {room}" + ("" if there == path else ", made on first use"), data=data
    )


def check_clock() -> list[Check]:
    """Clocks and time zones: resolution, agreement, São Paulo's offset."""
    steps = []
    for _ in range(200):
        start = time.perf_counter_ns()
        while (step := time.perf_counter_ns() - start) == 0:
            pass
        steps.append(step)
    step_ns = min(steps)
    wall, mono = time.time_ns(), time.monotonic_ns()
    time.sleep(0.05)
    drift_us = abs((time.time_ns() - wall) - (time.monotonic_ns() - mono)) / 1e3
    now = datetime.now(UTC)
    resolution = time.get_clock_info("monotonic").resolution * 1e9
    data = {
        "perf_counter_step_ns": step_ns,
        "monotonic_resolution_ns": resolution,
        "drift_us_in_50ms": drift_us,
    }
    monotonic = Check(
        "clock", "monotonic", OK, f"resolution {resolution:.0f} ns, smallest step {step_ns} ns", data=data
    )
    # A clock that was never set starts at 1970 or at the build of the system.
    if now < datetime(2026, 1, 1, tzinfo=UTC):
        wall_check = Check("clock", "wall", BROKEN, f"it shows {now:%Y-%m-%d}", "set the system clock (NTP)")
    elif drift_us > 5_000:
        text = f"it moved by {drift_us:.0f} µs against the monotonic clock in 50 ms"
        wall_check = Check("clock", "wall", MISSING, text, "check the time service (NTP, w32time)")
    else:
        text = f"{now:%Y-%m-%d %H:%M:%S} UTC, within {drift_us:.0f} µs of the monotonic clock over 50 ms"
        wall_check = Check("clock", "wall", OK, text)
    return [monotonic, wall_check, _zone()]


def _zone() -> Check:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        offset = datetime(2026, 1, 15, 12, tzinfo=ZoneInfo("America/Sao_Paulo")).utcoffset()
    except ZoneInfoNotFoundError:
        return Check("clock", "time zones", BROKEN, "America/Sao_Paulo is not known", "pip install tzdata")
    if offset != timedelta(hours=-3):
        return Check(
            "clock", "time zones", BROKEN, f"São Paulo is at {offset}", "pip install --upgrade tzdata"
        )
    return Check("clock", "time zones", OK, "America/Sao_Paulo is UTC-3")


def check_tools() -> list[Check]:
    """The Rust tools, needed only to build the Rust engine from source."""
    checks = []
    for tool in ("cargo", "rustc"):
        path = shutil.which(tool)
        found = None
        if path is not None:
            run = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
            found = run.stdout.strip() if run.returncode == 0 else None
        if found:
            checks.append(Check("build tools", tool, OK, found))
        else:
            text = "not on the path" if path is None else f"{path} does not run"
            checks.append(
                Check("build tools", tool, MISSING, text, "only to build from source: install rustup")
            )
    return checks


def check_machine() -> list[Check]:
    """Processor, memory and system."""
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists() and (found := re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE)):
        model = found[1]
    cores = os.cpu_count() or 0
    checks = [
        Check("machine", "system", OK, platform.platform()),
        Check(
            "machine", "processor", OK, f"{model or platform.machine()}, {cores} cores", data={"cores": cores}
        ),
    ]
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        checks.append(Check("machine", "memory", OK, f"{total / 2**30:.1f} GiB", data={"bytes": total}))
    return checks


SECTIONS = (
    check_engine,
    check_versions,
    check_extras,
    check_folders,
    check_profit,
    check_clock,
    check_tools,
    check_machine,
)


def examine() -> list[Check]:
    """Run every check."""
    return [check for section in SECTIONS for check in section()]
