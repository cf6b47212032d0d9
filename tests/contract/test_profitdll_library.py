"""Loading a library: what is missing or wrong is said in words, with the way out."""

from __future__ import annotations

import ctypes
import logging
import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from quantumtrader.exceptions import ProfitDllError, ProfitLibraryError, QuantumTraderError
from quantumtrader.profitdll.abi import abi
from quantumtrader.profitdll.binary import Binary, file_version, identify, this_system
from quantumtrader.profitdll.library import ProfitLibrary, find_library, load_library


def another_library() -> Path:
    """Return a library of this system that is not ProfitDLL: one of numpy's."""
    folder = Path(np.__file__).parent
    return next(path for pattern in ("*.so", "*.pyd") for path in folder.rglob(pattern))


def windows_library(machine: int) -> bytes:
    return b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + struct.pack("<H", machine) + bytes(64)


def test_a_missing_file_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(ProfitLibraryError, match=r"there is no such file; give the path of ProfitDLL64\.dll"):
        load_library(tmp_path / "ProfitDLL64.dll")


def test_an_empty_folder_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ProfitLibraryError, match=r"no ProfitDLL64\.dll or .* in this folder"):
        load_library(tmp_path)


def test_either_name_is_found_and_the_64_bit_one_first(tmp_path: Path) -> None:
    (tmp_path / "ProfitDLL.dll").touch()
    assert find_library(tmp_path).name == "ProfitDLL.dll"
    (tmp_path / "Win64").mkdir()
    (tmp_path / "Win64" / "ProfitDLL.dll").touch()
    assert find_library(tmp_path) == tmp_path.resolve() / "Win64" / "ProfitDLL.dll"
    (tmp_path / "ProfitDLL64.dll").touch()
    assert find_library(tmp_path).name == "ProfitDLL64.dll"
    assert find_library(tmp_path / "ProfitDLL.dll").name == "ProfitDLL.dll"


@pytest.mark.parametrize(
    "content", [b"", b"MZ", b"not a library", b"MZ" + bytes(62), windows_library(0x8664)[:66]]
)
def test_a_file_that_is_no_library(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "ProfitDLL64.dll"
    file.write_bytes(content)
    with pytest.raises(ProfitLibraryError, match=r"this file is not a library"):
        load_library(file)


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows this is the right system")
def test_the_vendors_library_elsewhere_points_to_the_simulator(tmp_path: Path) -> None:
    file = tmp_path / "ProfitDLL64.dll"
    file.write_bytes(windows_library(0x8664))
    with pytest.raises(
        ProfitLibraryError, match=r"a library for Windows, not for .*; .*use the simulator here"
    ):
        load_library(file)


def test_the_32_bit_library_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quantumtrader.profitdll.library.this_system", lambda: "Windows")
    file = tmp_path / "ProfitDLL.dll"
    file.write_bytes(windows_library(0x014C))
    with pytest.raises(ProfitLibraryError, match=r"this is the 32-bit library; use ProfitDLL64\.dll"):
        load_library(file)


def test_a_32_bit_python_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    with pytest.raises(ProfitLibraryError, match=r"this Python has 32 bits.*install a 64-bit Python"):
        load_library(tmp_path)


def test_a_library_that_was_cut_off_is_not_loaded(tmp_path: Path) -> None:
    if this_system() != "Linux":
        pytest.skip("other systems check it themselves")
    file = tmp_path / "cut.so"
    file.write_bytes(another_library().read_bytes()[:4096])
    with pytest.raises(ProfitLibraryError, match=r"not a library, or was cut off"):
        load_library(file)


def test_a_broken_library_keeps_the_systems_reason(tmp_path: Path) -> None:
    heads = {"Windows": windows_library(0x8664), "macOS": b"\xcf\xfa\xed\xfe", "Linux": b"\x7fELF\x02"}
    file = tmp_path / "broken"
    file.write_bytes(heads[this_system()].ljust(200, b"\0"))
    with pytest.raises(ProfitLibraryError, match=r"the system cannot load it") as caught:
        load_library(file)
    assert isinstance(caught.value.__cause__, OSError)


def test_an_unreadable_file_says_so(tmp_path: Path) -> None:
    if sys.platform == "win32" or os.geteuid() == 0:
        pytest.skip("permissions do not hold here")
    file = tmp_path / "ProfitDLL64.dll"
    file.write_bytes(b"MZ")
    file.chmod(0)
    with pytest.raises(ProfitLibraryError, match=r"cannot be read .*check its permissions"):
        load_library(file)


def test_another_library_is_not_taken_for_it() -> None:
    before = Path.cwd()
    with pytest.raises(
        ProfitLibraryError, match=r"is not ProfitDLL, it lacks DLLInitializeMarketLogin, DLLFinalize"
    ):
        load_library(another_library())
    assert Path.cwd() == before


def test_missing_functions_say_from_which_version_on_they_exist() -> None:
    file = another_library()
    library = ProfitLibrary(file, ctypes.CDLL(str(file)))
    assert not library.is_simulator
    assert library.abi is abi(2)
    assert len(library.missing()) == 106
    with pytest.raises(ProfitLibraryError, match=r"no SetHealthCallback; it exists from 4\.0\.0\.41 on"):
        library.function("SetHealthCallback")
    with pytest.raises(ProfitLibraryError, match=r"no SendBuyOrder$"):
        library.call("SendBuyOrder")
    with pytest.raises(KeyError):
        library.function("GetDLLVersion")


def test_files_are_known_by_their_first_bytes(tmp_path: Path) -> None:
    assert identify(another_library()) == Binary(this_system(), 64)
    for content, expected in [
        (windows_library(0x8664), Binary("Windows", 64)),
        (windows_library(0x014C), Binary("Windows", 32)),
        (b"\x7fELF\x01" + bytes(60), Binary("Linux", 32)),
        (b"\xcf\xfa\xed\xfe" + bytes(60), Binary("macOS", 64)),
    ]:
        (tmp_path / "file").write_bytes(content)
        assert identify(tmp_path / "file") == expected


def test_the_version_is_read_from_the_resources(tmp_path: Path) -> None:
    file = tmp_path / "ProfitDLL64.dll"
    fixed = struct.pack("<6I", 0xFEEF04BD, 0x00010000, 4 << 16, 41, 0, 0)
    file.write_bytes(windows_library(0x8664) + fixed)
    assert file_version(file) == "4.0.0.41"
    file.write_bytes(windows_library(0x8664))
    assert file_version(file) is None
    file.write_bytes(windows_library(0x8664) + fixed[:12])
    assert file_version(file) is None


def test_what_a_handler_raises_is_logged_and_goes_no_further(caplog: pytest.LogCaptureFixture) -> None:
    file = another_library()
    library = ProfitLibrary(file, ctypes.CDLL(str(file)))
    state = library.callback("State", lambda *_: 1 // 0)
    with caplog.at_level(logging.ERROR):
        assert state(0, 0) is None
    assert "callback State failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    enumerator = library.callback("EnumerateOrdersProc", lambda *_: 1 // 0)
    assert enumerator(None, 0) == 0, "an enumeration ends"


def test_errors_carry_code_function_and_plain_words() -> None:
    error = ProfitDllError(-2147483638 & 0xFFFFFFFF, "SendOrder")
    assert isinstance(error, QuantumTraderError)
    assert error.code == -2147483638
    assert str(error).startswith("SendOrder: NL_MARKET_ONLY (0x8000000A): This session")
