"""Detections: what the detectors found, and the thresholds they go by; see ``docs/concepts/detectors.md``.

>>> from quantumtrader.features import DetectorSettings
>>> DetectorSettings(sweep_min_levels=4).changed()
{'sweep_min_levels': 4.0}
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from quantumtrader.exceptions import ConfigError, DataAccessError


@cache
def _declared() -> dict[str, Any]:
    text = (resources.files("quantumtrader._generated") / "detectors.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def detector_kinds() -> tuple[str, ...]:
    """Return the names of all kinds of detections."""
    return tuple(kind["name"] for kind in _declared()["kinds"])


def evidence_fields(kind: str) -> tuple[str, ...]:
    """Return the names of the numbers that detections of a kind rest on.

    Raises
    ------
    ConfigError
        If there is no such kind.
    """
    for entry in _declared()["kinds"]:
        if entry["name"] == kind:
            return tuple(entry["fields"])
    raise ConfigError(f'detector "{kind}" is not known; use {", ".join(detector_kinds())}')


@dataclass(frozen=True, slots=True)
class Detection:
    """Something detected.

    Parameters
    ----------
    ts : int
        When it became certain, ns UTC: nothing after it was needed.
    kind : str
        One of :func:`detector_kinds`.
    side : int
        1 upward pressure, -1 downward, 0 none.
    score : float
        Strength, 0 to 1.
    confidence : float
        How good the evidence of this feed is, 0 to 1.
    px : int
        Where, ticks; ``PX_NONE`` where it has no price.
    evidence : dict of str to float
        Numbers that it rests on, named by :func:`evidence_fields`.
    """

    ts: int
    kind: str
    side: int
    score: float
    confidence: float
    px: int
    evidence: dict[str, float]


_PARENTS = ("sweep_gap_ns",)
_SWEEPS = (*_PARENTS, "sweep_min_levels", "sweep_min_qty")
_TAPE = ("tape_window_ns", "tape_min_prints", "tape_max_mean", "tape_max_cv")
_ICEBERGS = (
    *_TAPE,
    "native_window_ns",
    "refill_window_ns",
    "refill_tolerance",
    "refill_min",
    "refill_abandon_ns",
    "iceberg_hold_ns",
)
_SPOOFING = (
    "spoof_factor",
    "spoof_tau_s",
    "spoof_max_distance",
    "spoof_lifetime_ns",
    "spoof_withdrawn",
    "spoof_after_ns",
    "spoof_match_ns",
    "spoof_hold_ns",
    "layer_factor",
)
_IMBALANCES = ("imbalance_min", "imbalance_times")
_READ: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        (
            "hidden_volume_ratio_5m",
            "parent_size_mean_1m",
            "sweep_levels_1m",
            "sign_acf_1",
            "sign_acf_10",
            "hawkes_buy",
            "hawkes_sell",
        ),
        _PARENTS,
    ),
    "sweep_detected": (*_SWEEPS, "sweep_hold_ns"),
    "sweep_volume_ratio_5m": _SWEEPS,
    "sweep_run_detected": ("run_min_length", "run_min_speed"),
    "iceberg_tape_signal": _TAPE,
    "iceberg_detected": _ICEBERGS,
    "iceberg_hidden_est": _ICEBERGS,
    "fp_absorption_live": (
        "absorption_window_s",
        "absorption_tau_s",
        "absorption_factor",
        "absorption_max_move",
    ),
    **dict.fromkeys(("fp_exhaustion_high", "fp_exhaustion_low"), ("exhaustion_factor",)),
    **dict.fromkeys(
        ("fp_buy_imb_count", "fp_sell_imb_count", "fp_stacked_buy", "fp_stacked_sell"), _IMBALANCES
    ),
    "fp_reversal_signal": ("absorption_bar_min", "exhaustion_factor"),
    "fp_continuation_signal": (*_IMBALANCES, "imbalance_stacked"),
    "spoof_score": (*_SPOOFING, "spoof_full_factor"),
    "layering_score": (*_SPOOFING, "layer_min_rows", "layer_full_rows", "layer_within_ns"),
    "momentum_ignition": (
        "ignition_history_s",
        "ignition_deviations",
        "ignition_min_move",
        "ignition_confirm_ns",
        "ignition_give_back",
        "ignition_hold_ns",
    ),
    "quote_stuffing": (
        "stuffing_history_s",
        "stuffing_deviations",
        "stuffing_undone_ns",
        "stuffing_max_trades",
    ),
}
"""The thresholds that features read; the others bear on detections alone."""


def thresholds_read(features: Iterable[str]) -> frozenset[str]:
    """Return the thresholds that change any of these features.

    Parameters
    ----------
    features : iterable of str
        Names of the catalogue.
    """
    return frozenset(name for feature in features for name in _READ.get(feature, ()))


def detections(arrays: Sequence[Any]) -> list[Detection]:
    """Name what an engine's ``take_detections`` returned."""
    kinds = {kind["code"]: (kind["name"], kind["fields"]) for kind in _declared()["kinds"]}
    out = []
    for ts, code, side, score, confidence, px, evidence in zip(*(a.tolist() for a in arrays), strict=True):
        name, names = kinds[code]
        facts = dict(zip(names, evidence, strict=False))
        out.append(Detection(ts, name, side, score, confidence, px, facts))
    return out


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """Thresholds of the detectors; ranges are inclusive.

    Parameters
    ----------
    sweep_gap_ns : int, ns, 0 to 1_000_000_000
        Longest pause between two prints of one parent order; it holds for every feature that reads
        parents.
    sweep_min_levels : int, rows, 2 to 1_000
        Distinct rows that a sweep prints on.
    sweep_min_qty : int, contracts, 0 to 1_000_000_000
        Volume of a sweep.
    sweep_full_levels : int, rows, 1 to 1_000
        Rows at which the score of a sweep is 1.
    sweep_hold_ns : int, ns, 1 to 3_600_000_000_000
        How long sweep_detected shows a sweep.
    run_min_length : int, prints, 2 to 100_000
        Prints of a sweeping run.
    run_min_speed : float, trades/s, 0.0 to 1000000.0
        Speed that a sweeping run exceeds.
    native_window_ns : int, ns, 0 to 1_000_000_000
        How long after a trade an order record may be its consequence, and a new order id the same
        iceberg.
    refill_window_ns : int, ns, 1 to 60_000_000_000
        How long after a trade a row may be refilled.
    refill_tolerance : float, 0.0 to 1.0
        Difference between the refilled size and that before the trade, as a share of the latter.
    refill_min : int, refills, 1 to 1_000
        Refills of one row that make an iceberg.
    refill_abandon_ns : int, ns, 1 to 3_600_000_000_000
        How long the touch may be elsewhere before a row is forgotten.
    tape_window_ns : int, ns, 1 to 3_600_000_000_000
        Time in which the equal prints fall.
    tape_min_prints : int, prints, 2 to 10_000
        Prints at one price with one side.
    tape_max_mean : float, contracts, 1.0 to 1000000.0
        Greatest mean size of these prints.
    tape_max_cv : float, 0.0 to 10.0
        Greatest coefficient of variation of their sizes.
    iceberg_hold_ns : int, ns, 1 to 3_600_000_000_000
        How long an iceberg is live after the last sign of it.
    absorption_window_s : int, s, 1 to 600
        Time over which delta and the move of the mid are taken.
    absorption_tau_s : float, s, 1.0 to 86400.0
        Time constant of the usual delta.
    absorption_factor : float, 0.0 to 1000.0
        Delta that is absorbed, in usual deltas.
    absorption_max_move : float, ticks, 0.0 to 1000.0
        Greatest move of the mid in the direction of delta.
    absorption_bar_min : float, mean rows, 0.1 to 1000.0
        Aggression at an extreme of a footprint that counts as absorbed.
    exhaustion_factor : float, 1.0 to 1000.0
        How many times as much was taken two rows before the extreme of a footprint.
    imbalance_min : int, contracts, 1 to 1_000_000_000
        Least volume of a footprint row with an imbalance.
    imbalance_times : float, 1.0 to 1000.0
        How many times the volume diagonally opposite a row with an imbalance has.
    imbalance_stacked : int, rows, 1 to 1_000
        Adjacent rows with an imbalance that price is said to follow.
    spoof_factor : float, 1.0 to 1000.0
        Least size of a candidate, in usual sizes of its row.
    spoof_full_factor : float, 1.0 to 1000.0
        Size at which the score no longer grows, in usual sizes.
    spoof_tau_s : float, s, 1.0 to 86400.0
        Time constant of a row's usual size.
    spoof_max_distance : int, levels, 0 to 100
        Greatest distance of a candidate from the touch, in occupied levels.
    spoof_lifetime_ns : int, ns, 1 to 600_000_000_000
        Time within which a candidate is withdrawn.
    spoof_withdrawn : float, 0.01 to 1.0
        Least share of a candidate that is withdrawn unexecuted.
    spoof_after_ns : int, ns, 0 to 60_000_000_000
        How long after the withdrawal prints still count.
    spoof_match_ns : int, ns, 0 to 1_000_000_000
        Distance in time within which a print explains a decrease of its row.
    spoof_hold_ns : int, ns, 1 to 3_600_000_000_000
        How long spoof_score and layering_score show a score.
    layer_factor : float, 1.0 to 1000.0
        Least size of a layer, in usual sizes of its row.
    layer_min_rows : int, rows, 2 to 64
        Rows of a layering.
    layer_full_rows : int, rows, 1 to 64
        Rows at which the score no longer grows.
    layer_within_ns : int, ns, 1 to 60_000_000_000
        Time within which layers are added, and withdrawn.
    ignition_history_s : int, s, 2 to 3_600
        Seconds before the onset that are usual.
    ignition_deviations : float, 0.0 to 100.0
        Standard deviations above the mean that volume and trade count of the onset exceed.
    ignition_min_move : float, ticks, 0.5 to 10000.0
        Least move of the mid in the second of the onset.
    ignition_confirm_ns : int, ns, 1 to 600_000_000_000
        Time within which the move is given back.
    ignition_give_back : float, 0.01 to 1.0
        Share of the move that is given back.
    ignition_hold_ns : int, ns, 1 to 3_600_000_000_000
        How long momentum_ignition shows a reversal.
    stuffing_history_s : int, s, 2 to 3_600
        Seconds that are usual.
    stuffing_deviations : float, 0.0 to 100.0
        Standard deviations above the mean that make a burst of updates.
    stuffing_undone_ns : int, ns, 1 to 10_000_000_000
        Time within which an update is undone.
    stuffing_max_trades : float, 0.0 to 1.0
        Trades per update below which a burst is stuffing.

    Raises
    ------
    ConfigError
        If a value is out of its range, or not whole where only whole numbers make sense.
    """

    sweep_gap_ns: int = 1_000_000
    sweep_min_levels: int = 3
    sweep_min_qty: int = 0
    sweep_full_levels: int = 5
    sweep_hold_ns: int = 5_000_000_000
    run_min_length: int = 5
    run_min_speed: float = 5.0
    native_window_ns: int = 5_000_000
    refill_window_ns: int = 300_000_000
    refill_tolerance: float = 0.2
    refill_min: int = 3
    refill_abandon_ns: int = 5_000_000_000
    tape_window_ns: int = 30_000_000_000
    tape_min_prints: int = 5
    tape_max_mean: float = 20.0
    tape_max_cv: float = 0.2
    iceberg_hold_ns: int = 60_000_000_000
    absorption_window_s: int = 10
    absorption_tau_s: float = 900.0
    absorption_factor: float = 3.0
    absorption_max_move: float = 1.0
    absorption_bar_min: float = 2.0
    exhaustion_factor: float = 3.0
    imbalance_min: int = 10
    imbalance_times: float = 3.0
    imbalance_stacked: int = 3
    spoof_factor: float = 5.0
    spoof_full_factor: float = 10.0
    spoof_tau_s: float = 300.0
    spoof_max_distance: int = 5
    spoof_lifetime_ns: int = 2_000_000_000
    spoof_withdrawn: float = 0.9
    spoof_after_ns: int = 500_000_000
    spoof_match_ns: int = 50_000_000
    spoof_hold_ns: int = 10_000_000_000
    layer_factor: float = 2.0
    layer_min_rows: int = 3
    layer_full_rows: int = 5
    layer_within_ns: int = 1_000_000_000
    ignition_history_s: int = 300
    ignition_deviations: float = 4.0
    ignition_min_move: float = 3.0
    ignition_confirm_ns: int = 10_000_000_000
    ignition_give_back: float = 0.5
    ignition_hold_ns: int = 30_000_000_000
    stuffing_history_s: int = 300
    stuffing_deviations: float = 5.0
    stuffing_undone_ns: int = 100_000_000
    stuffing_max_trades: float = 0.01

    def __post_init__(self) -> None:
        for p in _declared()["parameters"]:
            value = getattr(self, p["name"])
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if number and p["low"] <= value <= p["high"] and not (p["whole"] and value % 1):
                continue
            expected = "a whole number" if p["whole"] else "a number"
            unit = f" {p['unit']}" if p["unit"] else ""
            raise ConfigError(
                f"{p['name']} is {value!r}; expected {expected} from {p['low']} to {p['high']}{unit}"
            )

    @classmethod
    def of(cls, changed: Mapping[str, Any]) -> DetectorSettings:
        """Return the settings that differ from the defaults in these values; the inverse of :meth:`changed`."""
        kinds: dict[str, Any] = {f.name: type(f.default) for f in fields(cls)}
        for name in changed:
            if name not in kinds:
                raise ConfigError(f'detector setting "{name}" is not known')
        return cls(**{name: kinds[name](value) for name, value in changed.items()})

    @classmethod
    def given(cls, values: Mapping[str, Any], where: str) -> DetectorSettings:
        """Return the settings with thresholds that somebody wrote down.

        Parameters
        ----------
        values : mapping of str to number
            Thresholds by name; the others are the defaults.
        where : str
            Where they stand, for messages.

        Raises
        ------
        ConfigError
            There is no such threshold, or a value is out of its range; the message names the place.
        """
        known = {f.name: type(f.default) for f in fields(cls)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ConfigError(
                f"{where}: no such threshold: {', '.join(unknown)}; there are {', '.join(known)}"
            )
        try:
            return cls(
                **{
                    name: int(value)
                    if known[name] is int and isinstance(value, float) and value.is_integer()
                    else value
                    for name, value in values.items()
                }
            )
        except ConfigError as error:
            raise ConfigError(f"{where}: {error}") from error

    @classmethod
    def read(cls, file: Path) -> DetectorSettings:
        """Read thresholds at the top of a TOML file, or under ``[detectors]``.

        Raises
        ------
        DataAccessError
            It cannot be read.
        ConfigError
            It is no TOML, or as of :meth:`given`.
        """
        try:
            table = tomllib.loads(file.read_text("utf-8"))
        except OSError as error:
            raise DataAccessError(
                f"cannot be read ({error.strerror or error})", path=file, remedy="Check the path"
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{file} is not valid TOML: {error}") from error
        found = table.get("detectors", table)
        if not isinstance(found, dict):
            raise ConfigError(f"{file}: detectors is {found!r}; expected thresholds under [detectors]")
        return cls.given(found, str(file))

    def changed(self) -> dict[str, float]:
        """Return the values that differ from the defaults."""
        return {
            f.name: float(getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) != f.default
        }
