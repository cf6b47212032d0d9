"""Write the skeleton of a feature: ``python scripts/new_feature.py flow trade_imbalance [number]``.

A feature is one file and one line in its family's list. This writes both; the catalogue, the reference page, the
stubs and the tests find it there. Compilation fails until the entry and the formula are filled in.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

FAMILIES = Path(__file__).resolve().parent.parent / "crates" / "qt-features" / "src" / "families"

DEFAULTS = {
    "flow": "ORDER_FLOW",
    "technical": "TECHNICAL",
    "liquidity": "BOOK",
    "microstructure": "BOOK",
}

SKELETON = """\
//! What the feature says, in one line.

use crate::prelude::*;

/// Catalogue entries.
pub const SPECS: &[Spec] = &[Spec {{
    number: {number},
    name: "{name}",
    definition: "the formula in the catalogue's symbols",
    window: Window::Time(MINUTE),
    warmup: Warmup::Time(MINUTE),
    ..Spec::{defaults}
}}];

struct {struct}(WindowId);

impl Feature for {struct} {{
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {{
        let sums = flow.tape.sums(self.0);
        compile_error!("write the formula: exact sums, one division at the end")
    }}
}}

/// Makes one of [`SPECS`].
pub fn build(spec: &'static Spec, setup: &mut Setup<'_>) -> Box<dyn Feature> {{
    Box::new({struct}(setup.flow.tape.window(spec.window_ns())))
}}

#[cfg(test)]
mod tests {{
    #[test]
    fn by_hand() {{
        compile_error!("check a case computed by hand");
    }}
}}
"""


def used_numbers() -> set[int]:
    """Catalogue numbers that some entry has."""
    texts = (path.read_text(encoding="utf-8") for path in FAMILIES.glob("*/*.rs"))
    return {int(n) for text in texts for n in re.findall(r"(?:number: |spec\()(\d+),", text)}


def register(listing: str, name: str) -> str:
    """Return the family's list with one more line."""
    body = re.search(r"crate::register!\[(.*?)\];", listing, re.DOTALL)
    if body is None:
        raise SystemExit("the family's mod.rs has no register![ … ] list")
    names = [n.strip() for n in body.group(1).split(",") if n.strip()]
    if name in names:
        raise SystemExit(f"{name} is already in the list")
    lines = "".join(f"    {n},\n" for n in [*names, name])
    return listing[: body.start()] + f"crate::register![\n{lines}];" + listing[body.end() :]


def main(argv: list[str]) -> None:
    """Write the file and the line."""
    usage = f"usage: new_feature.py {{{'|'.join(DEFAULTS)}}} name_in_snake_case [catalogue number]"
    if len(argv) not in (2, 3) or argv[0] not in DEFAULTS or not re.fullmatch(r"[a-z][a-z0-9_]*", argv[1]):
        raise SystemExit(usage)
    family, name = argv[:2]
    used = used_numbers()
    number = int(argv[2]) if len(argv) == 3 else next(n for n in range(1, 10_000) if n not in used)
    if number in used:
        raise SystemExit(f"catalogue number {number} is taken")
    target = FAMILIES / family / f"{name}.rs"
    if target.exists():
        raise SystemExit(f"{target} is already there")
    listing = FAMILIES / family / "mod.rs"
    changed = register(listing.read_text(encoding="utf-8"), name)
    struct = "".join(part.capitalize() for part in name.split("_"))
    text = SKELETON.format(number=number, name=name, defaults=DEFAULTS[family], struct=struct)
    target.write_text(text, encoding="utf-8")
    listing.write_text(changed, encoding="utf-8")
    sys.stdout.write(f"wrote {target} and its line in {listing.name}; next: the Python twin and `make gen`\n")


if __name__ == "__main__":
    main(sys.argv[1:])
