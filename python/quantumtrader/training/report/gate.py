"""Conditions of the promotion gate in words, without a page around them."""

from __future__ import annotations

from quantumtrader.models.gate import BEATEN, MAX_PBO, MIN_DSR
from quantumtrader.pages.numbers import number
from quantumtrader.training.assessment import Assessment
from quantumtrader.training.report.words import words_of

__all__ = ["gate_head", "gate_rows"]


def gate_head(lang: str) -> tuple[str, tuple[str, str, str, str]]:
    """Return the title, and the heads of the columns of :func:`gate_rows`."""
    w = words_of(lang)
    return w["gate"], (w["met"], w["condition"], w["found"], w["wanted"])


def gate_rows(assessment: Assessment, lang: str) -> list[tuple[str, str, str, str]]:
    """Return of each condition whether it is met, its name, what was found, and what is wanted.

    Raises
    ------
    ConfigError
        If the language is not known.
    """
    w = words_of(lang)
    return [
        (
            w["yes" if c.met else "no"],
            w.get(f"{c.name}_condition", w.get(c.name, c.name)),
            *_condition(assessment, c.name, lang),
        )
        for c in assessment.conditions
    ]


def _condition(a: Assessment, name: str, lang: str) -> tuple[str, str]:
    w, e = words_of(lang), a.evidence()
    if name == "net_at_1_5_cost" and e.fees_known is False:
        return w["fees_unknown_found"], w["above"].format(value=0)
    if name == "beats_baselines":
        wanted = w["want_paths"].format(share=f"{number(100 * BEATEN, lang, 0)} %")
        if e.paths is None or e.paths_beaten is None:
            return w["not_measured"], wanted
        return w["on_paths"].format(beaten=e.paths_beaten, paths=e.paths), wanted
    if name in ("placebos", "parity"):
        clean = e.placebos_clean if name == "placebos" else e.parity_clean
        return w["not_measured" if clean is None else "clean" if clean else "not_clean"], w["clean"]
    value, decimals, wanted = {
        "net_at_1_5_cost": (e.net_at_1_5_cost, 2, w["above"].format(value=0)),
        "markout_low": (e.markout_low, 2, w["above"].format(value=0)),
        "dsr": (e.dsr, 3, w["at_least"].format(value=number(MIN_DSR, lang, 2))),
        "pbo": (e.pbo, 3, w["at_most"].format(value=number(MAX_PBO, lang, 2))),
    }[name]
    return w["not_measured"] if value is None else number(value, lang, decimals), wanted
