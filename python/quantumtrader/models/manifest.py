"""What a model is: its manifest, which never changes once written."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from quantumtrader.exceptions import DataFormatError, ManifestError, ModelError
from quantumtrader.features.catalogue import canonical_json
from quantumtrader.features.detectors import thresholds_read
from quantumtrader.features.lags import split_lag
from quantumtrader.features.manifest import FITTED, THRESHOLD, FeatureManifest
from quantumtrader.models.folder import check_name, check_version, sha256
from quantumtrader.types import Instrument, SessionHours

if TYPE_CHECKING:
    from quantumtrader.features.fit.artifact import Fits

__all__ = ["Evidence", "ModelManifest", "any_series", "columns_of", "fit_file"]

SCHEMA = 1
"""Version of the manifest's own layout."""
_SESSION = "session_seconds"
SERIES = f"{FITTED}pin"
"""Option that tells which PIN series rows read."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers that the promotion gate reads; None where one was not measured, which never passes.

    Parameters
    ----------
    judged_by : str
        ``dsr`` for tick models, ``markout`` for book models.
    paths : int
        Out-of-sample paths.
    paths_beaten : int
        Those on which the log-loss skill exceeds that of every baseline.
    net_at_1_5_cost : float
        Net result at one and a half times the cost, out of sample.
    dsr : float
        Deflated Sharpe ratio.
    markout_low : float
        Lower bound of the day-clustered 95 % interval of markout minus cost, in ticks.
    pbo : float
        Probability of backtest overfitting.
    placebos_clean : bool
        Whether every placebo lost money and failed the gate.
    parity_clean : bool
        Whether a replay gave the same rows and predictions.
    expected_low, expected_high : float
        Interval in which a session's result is predicted to lie, for the shadow sessions.
    fees_known : bool
        Whether the cost has the fees in it; where it has not, no net result passes the gate. None in older models.
    """

    judged_by: str
    paths: int | None = None
    paths_beaten: int | None = None
    net_at_1_5_cost: float | None = None
    dsr: float | None = None
    markout_low: float | None = None
    pbo: float | None = None
    placebos_clean: bool | None = None
    parity_clean: bool | None = None
    expected_low: float | None = None
    expected_high: float | None = None
    fees_known: bool | None = None

    def __post_init__(self) -> None:
        if self.judged_by not in ("dsr", "markout"):
            raise ModelError(f"evidence: judged_by is {self.judged_by!r}, expected dsr or markout")
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, float) and not math.isfinite(value):
                raise ModelError(f"evidence: {name} is {value}; what was not measured is None")


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """What a model is.

    Parameters
    ----------
    name, version : str
        Which model; the folder has the same.
    kind : str
        Which estimator reads the files.
    created_ns : int
        When it was trained, ns UTC.
    features : FeatureManifest
        What a row is: names in order, definitions, sampling clock, engine version.
    may_be_missing : tuple of str
        Columns that were NaN in training rows on normal days; any other NaN blocks a prediction.
    classes : tuple of int
        What each class says of the direction: ``(-1, 1)`` or ``(-1, 0, 1)`` for trading models.
    regime : str
        The only regime that it was trained for; empty for all.
    instrument : dict
        ``symbol, product, tick_size, point_value`` that rows were computed for.
    data : dict
        At least ``from_ns, to_ns, rows, sha256, synthetic``; ``contracts, sessions, n_eff`` too.
    label : dict
        At least ``id``; ``move`` is the mean absolute move over the horizon as a share of the price, ``barrier_ticks``
        the distance of its barriers.
    cv, trials, metrics, code : dict
        How it was validated, what else was tried, what came out, which code.
    evidence : Evidence
        What the promotion gate reads.
    limits : dict
        At least ``valid_until_ns``; None for no end.
    calibration : str
        Kind of the calibration.
    files : dict of str to str
        SHA-256 of every other file in the folder.
    """

    name: str
    version: str
    kind: str
    created_ns: int
    features: FeatureManifest
    classes: tuple[int, ...]
    instrument: Mapping[str, Any]
    data: Mapping[str, Any]
    label: Mapping[str, Any]
    evidence: Evidence
    limits: Mapping[str, Any]
    cv: Mapping[str, Any] = field(default_factory=dict)
    trials: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    code: Mapping[str, Any] = field(default_factory=dict)
    may_be_missing: tuple[str, ...] = ()
    regime: str = ""
    calibration: str = "none"
    files: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_name(self.name)
        check_version(self.version)
        for section, wanted in (
            ("instrument", ("symbol", "product", "tick_size", "point_value")),
            ("data", ("from_ns", "to_ns", "rows", "sha256", "synthetic")),
            ("label", ("id",)),
            ("limits", ("valid_until_ns",)),
        ):
            absent = [key for key in wanted if key not in getattr(self, section)]
            if absent:
                raise ModelError(f"manifest of {self.name}: {section} has no {', '.join(absent)}")
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
            raise ModelError(
                f"manifest of {self.name}: classes are {self.classes}, expected two or more, all different"
            )
        odd = [name for name in self.may_be_missing if name not in self.features.names]
        if odd:
            raise ModelError(f"manifest of {self.name}: may_be_missing names {odd[0]}, which is no column")

    @property
    def id(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"

    @property
    def hash(self) -> str:
        """SHA-256 of the manifest: it covers the hashes of the files, so it stands for the whole model."""
        return sha256(self._canonical())

    def to_document(self) -> dict[str, Any]:
        """Return JSON values, the hash included."""
        return {**self._document(), "hash": self.hash}

    def to_bytes(self) -> bytes:
        """Return canonical JSON, the hash included, and a newline."""
        return self._canonical(hash=self.hash) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` wrote.

        Raises
        ------
        ModelError
            If it is no manifest, of another layout, or not the bytes that were written.
        """
        try:
            document = json.loads(data)
            schema = document.pop("schema")
            if schema != SCHEMA:
                raise ModelError(f"manifest: layout {schema!r} is not known; this version reads {SCHEMA}")
            document.pop("hash")
            document["features"] = FeatureManifest.from_json(canonical_json(document["features"]))
            document["evidence"] = Evidence(**document["evidence"])
            document["classes"] = tuple(document["classes"])
            document["may_be_missing"] = tuple(document["may_be_missing"])
            found = cls(**document)
            same = found.to_bytes() == data
        except (DataFormatError, ManifestError, ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(f"manifest: it was changed after it was written ({error})") from error
        if not same:
            raise ModelError("manifest: it was changed after it was written: the hash does not fit")
        return found

    def differences(self, running: FeatureManifest) -> tuple[str, ...]:
        """Say in which ways rows of a running engine are not those that the model was trained on.

        The engine may compute further columns; those of the model must come in their order. How long a session lasts is
        the calendar's to say, of the day that is traded, and not the model's. So is a PIN series: there must be one.
        """
        found = columns_of(running, self.features.names)
        return _any_session(any_series(self.features)).differences(_any_session(any_series(found)))

    def remedy(self, running: FeatureManifest, folder: Path | None = None) -> str:
        """Say which fits and thresholds to give where they are what differs; empty where they are not.

        Parameters
        ----------
        running : FeatureManifest
            Of the engine that was refused.
        folder : Path, optional
            Of the model: its copies of the fits are named there.
        """
        expected = dict(any_series(self.features).options)
        found = dict(any_series(columns_of(running, self.features.names)).options)
        odd = [name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)]
        home = Path(f"models/{self.name}/{self.version}") if folder is None else folder
        files, without, values, unset = [], [], [], []
        for name in odd:
            kind = name.removeprefix(FITTED)
            threshold = name.removeprefix(THRESHOLD)
            if name == SERIES and name in expected:
                files.append("--fitted FILE with a PIN series of the sessions (quantumtrader fit pin)")
            elif name.startswith(FITTED) and name in expected:
                files.append(f"--fitted {home / fit_file(kind)}")
            elif name.startswith(FITTED):
                without.append(kind)
            elif name.startswith(THRESHOLD) and name in expected:
                value = expected[name]
                shown = f"{value:.12g}" if isinstance(value, float) else str(value)
                values.append(f"{threshold} = {shown}")
            elif name.startswith(THRESHOLD):
                unset.append(threshold)
        said = []
        if files:
            said.append(f"Give {' '.join(files)} (in the settings: [fitted])")
        if without:
            said.append(f"Leave the {' and '.join(without)} fit out: it was trained without")
        if values:
            said.append(
                f"Give --detector-settings FILE with {', '.join(values)} (in the settings: [detectors])"
            )
        if unset:
            said.append(
                f"Leave out the detector thresholds {', '.join(unset)}: it was trained with the defaults"
            )
        return ". ".join(said)

    def running_features(self, fits: Fits | None = None) -> tuple[Instrument, Any]:
        """Return the instrument that rows were computed for, and an engine of here that computes them.

        Parameters
        ----------
        fits : Fits, optional
            That it was trained with.
        """
        from quantumtrader.features.engine import FeatureEngine

        seconds = dict(self.features.options).get(_SESSION)
        hours: tuple[SessionHours, ...] = ()
        if isinstance(seconds, (int, float)):
            whole = int(seconds) % 86_400
            end = time(whole // 3_600, whole // 60 % 60, whole % 60)
            hours = (SessionHours(date(1970, 1, 1), time(0), end),)
        about = self.instrument
        instrument = Instrument(
            str(about["symbol"]),
            str(about["product"]),
            float(about["tick_size"]),
            float(about["point_value"]),
            hours=hours,
        )
        given = fits.given if fits else None
        return instrument, FeatureEngine.for_manifest(self.features, instrument, fitted=given)

    def with_files(self, files: Mapping[str, bytes]) -> Self:
        """Return the manifest of a folder with these files."""
        return replace(self, files={name: sha256(files[name]) for name in sorted(files)})

    def _canonical(self, **more: str) -> bytes:
        try:
            return canonical_json({**self._document(), **more})
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"manifest of {self.id}: a value is not JSON ({error}); missing is null"
            ) from error

    def _document(self) -> dict[str, Any]:
        document = {name: getattr(self, name) for name in self.__dataclass_fields__}
        document["features"] = json.loads(self.features.to_json())
        document["evidence"] = {
            name: getattr(self.evidence, name) for name in self.evidence.__dataclass_fields__
        }
        if self.evidence.fees_known is None:  # manifests from before it was recorded keep their hash
            del document["evidence"]["fees_known"]
        return {"schema": SCHEMA, **document}


def _any_session(manifest: FeatureManifest) -> FeatureManifest:
    return replace(manifest, options=tuple((k, v) for k, v in manifest.options if k != _SESSION))


def any_series(manifest: FeatureManifest) -> FeatureManifest:
    """Return the manifest without saying which PIN series its rows read: only whether they read one.

    A series is of the days that it covers, as trades are: one that was fitted to later days is the same feature.
    """
    return replace(
        manifest, options=tuple((k, "a series" if k == SERIES else v) for k, v in manifest.options)
    )


def fit_file(kind: str) -> str:
    """Return the name of the file of a fit in a model's folder."""
    return f"{FITTED}{kind}.json"


def columns_of(manifest: FeatureManifest, names: tuple[str, ...]) -> FeatureManifest:
    """Return the manifest of some columns of a row, in the order in which the row has them.

    Options that only other columns read are left out: the length of the session, fits, thresholds of detectors.
    """
    places = [k for k, name in enumerate(manifest.names) if name in names]
    features = tuple(manifest.features[k] for k in places)
    computed = {split_lag(name)[0] for name in features}
    options = dict(manifest.options)
    if "session_frac" not in computed:
        options.pop(_SESSION, None)
    fits = [name for name in options if name.startswith(FITTED)]
    if fits:
        from quantumtrader.features.fit.artifact import FEATURES

        for name in fits:
            if not any(feature in computed for feature in FEATURES[name.removeprefix(FITTED)]):
                del options[name]
    read = {f"{THRESHOLD}{name}" for name in thresholds_read(computed)}
    options = {k: v for k, v in options.items() if not k.startswith(THRESHOLD) or k in read}
    return replace(
        manifest,
        names=tuple(manifest.names[k] for k in places),
        features=features,
        definitions=tuple(manifest.definitions[k] for k in places),
        warmups=tuple(manifest.warmups[k] for k in places),
        options=tuple(sorted(options.items())),
    )
