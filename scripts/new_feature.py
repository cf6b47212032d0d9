"""Writes the skeleton of a feature in both engines: ``make new-feature FAMILY=flow NAME=trade_count_1m``.

A feature is one file and one line per engine. The skeleton compiles and gives NaN until its formula is written;
fill in the definition, the specification and ``value``, add the Portuguese definition to
``crates/qt-features/portuguese.tsv``, then run ``make gen`` and ``make test``: the checks, the parity tests and the
reference pages find the feature in the catalogue.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAMILIES = {
    # Rust folder: (Python package, defaults of the specification)
    "flow": ("order_flow", "ORDER_FLOW"),
    "tape": ("tape_reading", "TAPE"),
    "footprint": ("footprint", "FOOTPRINT"),
    "liquidity": ("liquidity", "BOOK"),
    "microstructure": ("microstructure", "MICROSTRUCTURE"),
    "technical": ("technical", "TECHNICAL"),
}

RUST = """\
//! TODO: what it measures, in one sentence; positive means …

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {{
    number: {number},
    name: "{name}",{family}
    definition: "TODO: the formula in the catalogue's symbols",
    source: "TODO: author, year",
    ..Spec::{defaults}
}}];

struct {type_name};

impl Feature for {type_name} {{
    fn value(&mut self, _flow: &Flow, _t: i64) -> f64 {{
        f64::NAN // TODO: read `flow`; integer sums, one division at the end
    }}
}}

/// Makes one of [`SPECS`].
pub fn build(_spec: &'static Spec, _setup: &mut Setup<'_>) -> Box<dyn Feature> {{
    Box::new({type_name})
}}
"""

PYTHON = '''\
"""TODO: what it measures, in one sentence."""

from __future__ import annotations

import math

from quantumtrader._fallback.features.registry import Feature, feature


@feature("{name}")
class {type_name}(Feature):
    """TODO: the formula."""

    def value(self, t: int) -> float:
        """Return the value at ``t``."""
        return math.nan  # TODO: the same sums as the Rust file, in the same order
'''


def type_name(name: str) -> str:
    """Return the class name: ``trade_count_1m`` gives ``TradeCount1m``."""
    return "".join(part.capitalize() for part in name.split("_"))


def write(root: Path, family: str, name: str, number: int | None = None) -> list[Path]:
    """Write the skeleton below ``root``.

    Parameters
    ----------
    root : Path
        Root of the checkout.
    family : str
        Folder below ``crates/qt-features/src/families``.
    name : str
        Catalogue name, lower case with underscores.
    number : int, optional
        Catalogue number; the first free one above all others without it.

    Returns
    -------
    list of Path
        Files that were written or changed.

    Raises
    ------
    ValueError
        If the family is unknown, the name is malformed, or name or number are taken; nothing is written then.
    """
    if family not in FAMILIES:
        raise ValueError(f"no feature family {family!r}; there are {', '.join(FAMILIES)}")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise ValueError(f"feature name {name!r}: write lower case words and digits, joined by underscores")
    package, defaults = FAMILIES[family]
    rust = root / "crates/qt-features/src/families" / family / f"{name}.rs"
    python = root / "python/quantumtrader/_fallback/features" / package / f"{name}.py"
    catalog = json.loads((root / "python/quantumtrader/_generated/catalog.json").read_text("utf-8"))[
        "features"
    ]
    taken = {entry["number"]: entry["name"] for entry in catalog}
    if name in taken.values() or rust.exists() or python.exists():
        raise ValueError(f"there is a feature {name!r} already")
    if number in taken:
        raise ValueError(f"number {number} is taken by {taken[number]}")
    listing = rust.with_name("mod.rs")
    text = listing.read_text("utf-8")
    before = re.search(r"crate::register!\[\s*([\w,\s]*?),?\s*\];", text)
    if before is None:
        raise ValueError(f"{listing} has no register![…] list")
    files = [*re.split(r"\s*,\s*", before[1].strip()), name]
    list_text = "crate::register![\n" + "".join(f"    {file},\n" for file in files) + "];"
    own_family = {"liquidity": "Family::Liquidity"}.get(family)  # BOOK belongs to no family
    rust.write_text(
        RUST.format(
            number=number or max(taken) + 1,
            name=name,
            family=f"\n    family: {own_family}," if own_family else "",
            defaults=defaults,
            type_name=type_name(name),
        ),
        "utf-8",
    )
    listing.write_text(text[: before.start()] + list_text + text[before.end() :], "utf-8")
    python.write_text(PYTHON.format(name=name, type_name=type_name(name)), "utf-8")
    return [rust, listing, python]


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("name")
    parser.add_argument("number", type=int, nargs="?")
    options = parser.parse_args()
    try:
        written = write(ROOT, options.family, options.name, options.number)
    except ValueError as error:
        parser.error(str(error))
    for path in written:
        print(path.relative_to(ROOT))
    print(
        "next: fill in what says TODO in both files, add the line NAME, 0 and the definition in Portuguese, parted by "
        "tabs, to crates/qt-features/portuguese.tsv, run `cargo run -p qt-features --bin qt-gen -- --translated`, "
        "then `make gen` and `make test`"
    )


if __name__ == "__main__":
    main()
