"""The vendor's ABI as ctypes declarations, built from ``_generated/profitdll.json`` for one width of the string unit.

Text is encoded here, explicitly as UTF-16 or UTF-32: nothing depends on the platform's ``wchar_t``. Struct fields that hold
text are plain addresses; :meth:`Abi.new` fills them and keeps what they point to alive, :meth:`Abi.text_at` reads them.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

__all__ = ["Abi", "Function", "abi", "declarations"]

_SCALARS: dict[str, Any] = {
    "u8": ctypes.c_uint8,
    "u16": ctypes.c_uint16,
    "i32": ctypes.c_int32,
    "u32": ctypes.c_uint32,
    "i64": ctypes.c_int64,
    "f64": ctypes.c_double,
    "isize": ctypes.c_ssize_t,
}

_INLINE_TEXT = 100
"""Units of a text that is part of a struct."""

_TEXT_LIMIT = 4096
"""Units after which reading gives up on a terminator."""

# On 64-bit systems both are the platform's one convention.
_FUNCTION_TYPE: Any = getattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE)


@cache
def declarations() -> dict[str, list[dict[str, Any]]]:
    """Return the declarations: ``structs``, ``codes``, ``callbacks`` and ``functions``."""
    text = (resources.files("quantumtrader._generated") / "profitdll.json").read_text(encoding="utf-8")
    tables: dict[str, list[dict[str, Any]]] = json.loads(text)
    return tables


@dataclass(frozen=True, slots=True)
class Function:
    """Declaration of an exported function.

    Attributes
    ----------
    name : str
        The symbol.
    restype, argtypes
        What ctypes needs.
    arguments : tuple of str
        Names of the arguments.
    since : str
        First library version that has it; empty where no vendor text says.
    routing : bool
        Whether it needs a session with order routing.
    """

    name: str
    restype: Any
    argtypes: tuple[Any, ...]
    arguments: tuple[str, ...]
    since: str
    routing: bool


class Abi:
    """Structs, callback types and function prototypes for one width of the string unit.

    Parameters
    ----------
    char_width : int
        Bytes per unit of a wide string: 2 for the vendor's library, 2 or 4 for the simulator.
    """

    def __init__(self, char_width: int) -> None:
        if char_width not in (2, 4):
            raise ValueError(f"a wide character has 2 or 4 bytes, not {char_width}")
        self.char_width = char_width
        self.unit: Any = ctypes.c_uint16 if char_width == 2 else ctypes.c_uint32
        self._codec = "utf-16-le" if char_width == 2 else "utf-32-le"
        self._native = char_width == ctypes.sizeof(ctypes.c_wchar)

    def __repr__(self) -> str:
        return f"Abi(char_width={self.char_width})"

    @cached_property
    def structs(self) -> Mapping[str, type[ctypes.Structure]]:
        """Structs by the vendor's name."""
        structs: dict[str, type[ctypes.Structure]] = {}
        for table in declarations()["structs"]:
            fields = [(field["name"], self._field_type(field["type"], structs)) for field in table["fields"]]
            structs[table["name"]] = type(
                table["name"], (ctypes.Structure,), {"__doc__": table["doc"], "_fields_": fields}
            )
        return structs

    @cached_property
    def callbacks(self) -> Mapping[str, Any]:
        """Callback types by name; text and pointers arrive as addresses, ``None`` for NULL."""
        return {
            table["name"]: _FUNCTION_TYPE(
                self._value_type(table["returns"]), *(self._value_type(ty) for _, ty in table["args"])
            )
            for table in declarations()["callbacks"]
        }

    @cached_property
    def functions(self) -> Mapping[str, Function]:
        """Prototypes of the exported functions by name.

        Arguments that are text take a ``str``; callbacks take an object of their type, an address, or ``None``.
        """
        return {
            table["name"]: Function(
                name=table["name"],
                restype=self._value_type(table["returns"]),
                argtypes=tuple(self._argument_type(ty) for _, ty in table["args"]),
                arguments=tuple(name for name, _ in table["args"]),
                since=table["since"],
                routing=table["routing"],
            )
            for table in declarations()["functions"]
        }

    def sizes(self, struct: str) -> list[int]:
        """Bytes of a struct by the value of its ``Version``."""
        column = 0 if self.char_width == 2 else 1
        return [pair[column] for pair in _table("structs", struct)["sizes"]]

    def new(self, struct: str, /, **values: Any) -> Any:
        """Make a struct, all zero but for the given fields.

        Parameters
        ----------
        struct : str
            The vendor's name.
        **values
            A number, an instance of a struct or a dict of its fields, and for text a ``str`` or an array from
            :meth:`buffer`.

        Returns
        -------
        ctypes.Structure
            It keeps the text that it points to alive; a copy of it does not.
        """
        made: Any = self.structs[struct]()
        kept: list[Any] = []
        self._fill(made, values, kept)
        made._kept = kept
        return made

    def _fill(self, made: Any, values: Mapping[str, Any], kept: list[Any]) -> None:
        for name, value in values.items():
            if not hasattr(made, name):
                raise AttributeError(f"{type(made).__name__} has no field {name}")
            if isinstance(value, Mapping):
                self._fill(getattr(made, name), value, kept)
            elif isinstance(value, str) and isinstance(getattr(made, name), ctypes.Array):
                self._put_inline(getattr(made, name), value)
            elif isinstance(value, str | ctypes.Array):
                array = self.encode(value) if isinstance(value, str) else value
                kept.append(array)
                setattr(made, name, ctypes.addressof(array))
            else:
                kept.append(value)
                setattr(made, name, value)

    def _put_inline(self, array: Any, text: str) -> None:
        encoded = text.encode(self._codec)
        if len(encoded) > ctypes.sizeof(array) - self.char_width:
            raise ValueError(f"{text!r} has more than {len(array) - 1} characters")
        ctypes.memset(array, 0, ctypes.sizeof(array))
        ctypes.memmove(array, encoded, len(encoded))

    def encode(self, text: str) -> ctypes.Array[Any]:
        """Return ``text`` as an array of units that ends in NUL."""
        if "\0" in text:
            # The text may be a password: it stays out of the message.
            raise ValueError("the text contains NUL, at which the library would stop reading")
        encoded = text.encode(self._codec)
        array: ctypes.Array[Any] = (self.unit * (len(encoded) // self.char_width + 1))()
        ctypes.memmove(array, encoded, len(encoded))
        return array

    def buffer(self, characters: int) -> ctypes.Array[Any]:
        """Return an empty array with room for so many units and a NUL."""
        array: ctypes.Array[Any] = (self.unit * (max(characters, 0) + 1))()
        return array

    def decode(self, array: ctypes.Array[Any]) -> str:
        """Return the text of an array: up to its NUL, or all of it."""
        units = bytes(array)
        text = units.decode(self._codec, "replace")
        return text.partition("\0")[0]

    def text_at(self, address: int | None) -> str:
        """Return the text at an address that the library gave, at most 4096 units; NULL is empty."""
        if not address:
            return ""
        if self._native:
            return ctypes.wstring_at(address)
        units = ctypes.cast(address, ctypes.POINTER(self.unit))
        length = 0
        while length < _TEXT_LIMIT and units[length]:
            length += 1
        return ctypes.string_at(address, length * self.char_width).decode(self._codec, "replace")

    def layout_errors(self) -> list[str]:
        """Compare the structs, as ctypes lays them out here, with the published layouts; empty when all agree."""
        column = 0 if self.char_width == 2 else 1
        errors = []
        for table in declarations()["structs"]:
            struct = self.structs[table["name"]]
            expected = {field["name"]: field["offset"][column] for field in table["fields"]}
            expected["size"] = table["sizes"][-1][column]
            found = {name: getattr(struct, name).offset for name, *_ in struct._fields_}
            found["size"] = ctypes.sizeof(struct)
            errors += [
                f"{table['name']}.{name} is {found[name]}, expected {value}"
                for name, value in expected.items()
                if found[name] != value
            ]
        return errors

    def _field_type(self, ty: str, structs: Mapping[str, Any]) -> Any:
        if ty in ("text", "buffer", "pointer"):
            return ctypes.c_void_p
        if ty == "inline":
            return self.unit * _INLINE_TEXT
        return _SCALARS.get(ty) or structs[ty]

    def _value_type(self, ty: str) -> Any:
        """Type of a callback's argument, or of a result."""
        if ty == "void":
            return None
        if ty.startswith("*"):
            return ctypes.POINTER(self._value_type(ty[1:]))
        return self._field_type(ty, self.structs)

    def _argument_type(self, ty: str) -> Any:
        """Type of a function's argument."""
        if ty == "text":
            return _TextArgument(self.encode)
        if ty == "buffer":
            return ctypes.POINTER(self.unit)
        if ty.startswith("callback "):
            return _CallbackArgument(
                ty.removeprefix("callback "), self.callbacks[ty.removeprefix("callback ")]
            )
        return self._value_type(ty)


class _TextArgument:
    """Converts the ``str`` that a function is called with; ctypes keeps the result alive during the call."""

    def __init__(self, encode: Callable[[str], Any]) -> None:
        self._encode = encode

    def from_param(self, value: str | None) -> Any:
        if value is None:
            return ctypes.c_void_p(None)
        if not isinstance(value, str):
            raise TypeError(f"expected text, not {type(value).__name__}")
        return self._encode(value)


class _CallbackArgument:
    """Takes a callback of the right type, an address, or None: ctypes itself refuses the last two."""

    def __init__(self, name: str, callback_type: Any) -> None:
        self._name = name
        self._type = callback_type

    def from_param(self, value: Any) -> Any:
        if value is None or (isinstance(value, int) and value > 0):
            return ctypes.c_void_p(value)
        if not isinstance(value, self._type):
            raise TypeError(f"expected a callback of type {self._name}, not {type(value).__name__}")
        return value


def _table(section: str, name: str) -> dict[str, Any]:
    for table in declarations()[section]:
        if table["name"] == name:
            return table
    raise KeyError(name)


@cache
def abi(char_width: int) -> Abi:
    """Return the declarations for units of so many bytes; built once."""
    return Abi(char_width)
