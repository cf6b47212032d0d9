"""PEP 517/660 build backend: the Rust engine where it can be built, the Python engine otherwise.

``QUANTUMTRADER_NATIVE`` decides:

``auto`` (default)
    Build with maturin when a new enough Rust is on the path. When there is none, or the build fails, say so
    and build the pure-Python wheel with hatchling.
``1``
    Build with maturin, or fail. Releases and CI use this.
``0``
    Build the pure-Python wheel.

pip hides the output of a successful build, so ``quantumtrader doctor`` names the engine in force and why.
Run as a script it prints ``yes``, or why the Rust engine cannot be built here; the Makefile asks that way. With the
argument ``simulator`` it builds the simulated ProfitDLL, in both widths of its text, next to the Python sources.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MATURIN = ["maturin>=1.9.4,<2"]
SIMULATOR = ROOT / "python" / "quantumtrader" / "profitdll" / "simulator"
HATCHLING = ["hatchling>=1.27", "editables>=0.5"]

Settings = dict[str, Any] | None

# maturin's own backend would download a Rust toolchain when cargo is missing.
os.environ.setdefault("MATURIN_NO_INSTALL_RUST", "1")


def mode() -> str:
    """Return ``QUANTUMTRADER_NATIVE``: ``auto``, ``1`` or ``0``."""
    value = os.environ.get("QUANTUMTRADER_NATIVE", "auto").strip().lower() or "auto"
    if value not in ("auto", "1", "0"):
        raise SystemExit(f"QUANTUMTRADER_NATIVE is {value!r}, expected auto, 1 or 0")
    return value


def why_not_native() -> str | None:
    """Return why the Rust engine is not going to be built, or None when it can be."""
    if mode() == "0":
        return "QUANTUMTRADER_NATIVE=0"
    for tool in ("cargo", "rustc"):
        if shutil.which(tool) is None:
            return f"{tool} is not on the path; install Rust with rustup"
        try:
            shown = subprocess.run([tool, "--version"], cwd=ROOT, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            detail = getattr(error, "stderr", None) or str(error)
            return f"`{tool} --version` fails: {detail.strip().splitlines()[0]}"
    found = re.search(r"(\d+)\.(\d+)", shown.stdout)
    needed = re.search(
        r'^rust-version = "(\d+)\.(\d+)', (ROOT / "Cargo.toml").read_text("utf-8"), re.MULTILINE
    )
    if found and needed and tuple(map(int, found.groups())) < tuple(map(int, needed.groups())):
        return f"rustc {found[0]} is older than {'.'.join(needed.groups())}; update it with `rustup update`"
    return None


def build_simulator() -> list[Path]:
    """Build the simulated ProfitDLL in both flavours and copy them into the package.

    Returns
    -------
    list of Path
        ``libprofitdll_sim16`` (the vendor's UTF-16) and ``libprofitdll_sim32`` (4-byte ``wchar_t``), with the suffix of
        this system.

    Raises
    ------
    subprocess.CalledProcessError
        If cargo fails; its output is above.
    """
    suffix = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
    prefix = "" if sys.platform == "win32" else "lib"
    built = (
        ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release" / f"{prefix}qt_profitdll_sim{suffix}"
    )
    SIMULATOR.mkdir(parents=True, exist_ok=True)
    copies = []
    for width, features in (("16", []), ("32", ["--features", "wchar32"])):
        command = ["cargo", "build", "--quiet", "--release", "--lib", "-p", "qt-profitdll-sim", *features]
        command += ["--config", "profile.release.strip=true"]
        subprocess.run(command, cwd=ROOT, check=True)
        copy = SIMULATOR / f"libprofitdll_sim{width}{suffix}"
        # A running process may have the old file mapped: replace it, never write into it.
        fresh = copy.with_suffix(".new")
        shutil.copyfile(built, fresh)
        fresh.replace(copy)
        copies.append(copy)
    return copies


def _requires() -> list[str]:
    if mode() == "1":
        return MATURIN
    return HATCHLING if why_not_native() else HATCHLING + MATURIN


def _build(hook: str, directory: str, settings: Settings) -> str:
    reason = why_not_native()
    if mode() == "1" or reason is None:
        import maturin

        try:
            build_simulator()
        except (OSError, subprocess.CalledProcessError) as error:
            if mode() == "1":
                raise
            print(
                f"warning: building quantumtrader without the simulated ProfitDLL: {error}", file=sys.stderr
            )
        try:
            return str(getattr(maturin, hook)(directory, settings))
        # maturin leaves through SystemExit when cargo fails.
        except (Exception, SystemExit) as error:
            if mode() == "1":
                raise
            reason = f"the Rust build failed ({type(error).__name__}: {error}); its output is above"
    print(f"warning: building quantumtrader with the Python engine only: {reason}", file=sys.stderr)
    import hatchling.build

    # hatchling reads settings that are not its own as errors; maturin's do not concern it.
    return str(getattr(hatchling.build, hook)(directory, None))


def get_requires_for_build_wheel(config_settings: Settings = None) -> list[str]:
    """Requirements of :func:`build_wheel`."""
    return _requires()


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    """Requirements of :func:`build_editable`."""
    return _requires()


def get_requires_for_build_sdist(config_settings: Settings = None) -> list[str]:
    """Requirements of :func:`build_sdist`."""
    return MATURIN


# There is no prepare_metadata hook on purpose: which of the two wheels it is shows only after building it,
# and front ends then take the metadata from the wheel.


def build_wheel(
    directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Build a wheel into ``directory`` and return its file name."""
    return _build("build_wheel", directory, config_settings)


def build_editable(
    directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """Build an editable wheel into ``directory`` and return its file name."""
    return _build("build_editable", directory, config_settings)


def build_sdist(directory: str, config_settings: Settings = None) -> str:
    """Build the source archive into ``directory`` and return its file name; needs cargo."""
    import maturin

    return str(maturin.build_sdist(directory, config_settings))


if __name__ == "__main__":
    if sys.argv[1:] == ["simulator"]:
        build_simulator()
    else:
        print(why_not_native() or "yes")
