"""Every note that a source can carry is told in the language of the report."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import quantumtrader.data
from quantumtrader.data.source_notes import in_language

DATA = Path(quantumtrader.data.__file__).parent
FILES = sorted((*(DATA / "importers").glob("*.py"), DATA / "source.py", DATA / "roll.py"))


def texts(node: ast.AST) -> Iterator[str]:
    """The strings at the surface of an expression, with a word for what is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(p.value) if isinstance(p, ast.Constant) else "7" for p in node.values)
    elif isinstance(node, ast.List):
        for element in node.elts:
            yield from texts(element)
    elif isinstance(node, ast.IfExp):
        yield from (*texts(node.body), *texts(node.orelse))


def is_notes(node: ast.AST) -> bool:
    return getattr(node, "id", getattr(node, "attr", "")) == "notes"


def notes_of(file: Path) -> Iterator[str]:
    """What a module appends to, assigns to or passes as ``notes``, and what functions about notes return."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            if (
                isinstance(node.func, ast.Attribute)
                and node.func.attr == "append"
                and is_notes(node.func.value)
            ):
                yield from texts(node.args[0])
            for keyword in node.keywords:
                if keyword.arg == "notes":
                    yield from texts(keyword.value)
        elif isinstance(node, (ast.Assign, ast.AugAssign)):
            target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
            yield from texts(node.value) if is_notes(target) else ()
        elif isinstance(node, ast.FunctionDef) and node.name.endswith(("_note", "server_zone")):
            for part in ast.walk(node):
                if isinstance(part, ast.Return) and part.value is not None:
                    values = part.value.elts if isinstance(part.value, ast.Tuple) else [part.value]
                    for value in values:
                        yield from (text for text in texts(value) if text)


NOTES = sorted({note for file in FILES for note in notes_of(file)})


def test_the_notes_are_found() -> None:
    assert len(NOTES) > 30
    assert any("neither a trade nor a quote" in note for note in NOTES)
    assert any("prices jump at each roll" in note for note in NOTES)


@pytest.mark.parametrize("note", NOTES)
def test_every_note_has_its_portuguese(note: str) -> None:
    if note.startswith("no aggressor in the file: inferred by the 7"):
        note = note.replace("7", "quote rule")
    told = in_language(note, "pt")
    assert told != note
    assert told.count("7") == note.count("7")
    assert in_language(note, "en") == note


def test_what_is_filled_in_stays() -> None:
    note = (
        "WDOFUT goes from WDOQ25 to WDOU25 and is not marked as adjusted: unless its source adjusted it, prices jump at "
        "each roll, and results of positions held over one are not real"
    )
    assert in_language(note, "pt").startswith("WDOFUT passa de WDOQ25 a WDOU25 e")
    assert in_language("a note of another version", "pt") == "a note of another version"
