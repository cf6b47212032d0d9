"""The manifest: what a row of features is, exactly; a model carries it and refuses rows of another kind."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from quantumtrader.exceptions import ConfigError, DataFormatError, ManifestError
from quantumtrader.features.aliases import canonical
from quantumtrader.features.catalogue import canonical_json, catalogue_hash, definition_hash, info

if TYPE_CHECKING:
    from quantumtrader.features.engine import FeatureEngine
    from quantumtrader.types import FeatureFrame

SCHEMA = 1
"""Version of the manifest's own layout."""

Option = str | int | float | bool | None
"""Value of an engine option."""

FITTED = "fitted_"
"""Before the kind of a fit among the options."""
THRESHOLD = "detectors."
"""Before the name of a threshold of the detectors among the options."""
_ABSENT = "not given"
_SHOWN = 6
_OPTIONS = ("clock", "warmup", "rlp_sign", "tick_size", "point_value")


@dataclass(frozen=True, slots=True)
class FeatureManifest:
    """What a row of features is.

    Parameters
    ----------
    names : tuple of str
        Columns in their order, by the names that were asked for (an alias keeps its name).
    features : tuple of str
        Canonical name of each column.
    definitions : tuple of str
        Hash of each column's catalogue entry; see :func:`quantumtrader.features.definition_hash`.
    warmups : tuple of str
        Warm-up rule of each column in words: ``Wt 60 s``, ``Wn 30``, ``Ws``, ``0``.
    clock : str
        Sampling clock.
    warmup : str
        ``full`` or ``partial``.
    rlp_sign : str
        ``drop`` or ``quote``.
    tick_size, point_value : float
        The instrument's tick in points, and its money per point: features count in ticks.
    catalogue : str
        Hash of the whole catalogue. For information: it also changes when features are added.
    engine : str
        ``rust`` or ``python``. For information: both engines give the same numbers.
    version : str
        Version of the engine.
    options : tuple of (str, value)
        Whatever else the engine was told that changes numbers, by name: texts, numbers, booleans or None.
    """

    names: tuple[str, ...]
    features: tuple[str, ...]
    definitions: tuple[str, ...]
    warmups: tuple[str, ...]
    clock: str
    warmup: str
    rlp_sign: str
    tick_size: float
    point_value: float
    catalogue: str
    engine: str
    version: str
    options: tuple[tuple[str, Option], ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(self.names), len(self.features), len(self.definitions), len(self.warmups)}
        if len(lengths) != 1:
            raise ManifestError(
                f"manifest: {len(self.names)} names, {len(self.features)} features, {len(self.definitions)} "
                f"definitions, {len(self.warmups)} warm-ups: expected as many of each"
            )
        if len(set(self.names)) != len(self.names):
            twice = next(name for k, name in enumerate(self.names) if name in self.names[:k])
            raise ManifestError(f'manifest: the column "{twice}" is there twice')

    @classmethod
    def of(
        cls,
        names: tuple[str, ...],
        *,
        clock: str,
        warmup: str,
        rlp_sign: str,
        tick_size: float,
        point_value: float,
        engine: str,
        version: str,
        options: Mapping[str, Option] | None = None,
    ) -> Self:
        """Build the manifest of an engine from its names and options; the rest comes from the catalogue."""
        return cls(
            names=names,
            features=tuple(canonical(name) for name in names),
            definitions=tuple(definition_hash(name) for name in names),
            warmups=tuple(_warmup(name) for name in names),
            clock=clock,
            warmup=warmup,
            rlp_sign=rlp_sign,
            tick_size=float(tick_size),
            point_value=float(point_value),
            catalogue=catalogue_hash(),
            engine=engine,
            version=version,
            options=tuple(sorted((options or {}).items())),
        )

    @classmethod
    def of_frame(cls, frame: FeatureFrame) -> Self:
        """Return the manifest that a frame carries.

        Raises
        ------
        ManifestError
            If it carries none, or one of other columns.
        """
        text = frame.metadata.get("manifest")
        if text is None:
            raise ManifestError("the feature frame carries no manifest; compute it again with FeatureEngine")
        found = cls.from_json(text)
        if found.names != frame.names:
            raise ManifestError("the feature frame's columns are not those of its manifest")
        return found

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON of everything else, in hexadecimal."""
        return hashlib.sha256(canonical_json(self._document())).hexdigest()

    def to_json(self) -> str:
        """Return one line of JSON, the hash included; the same manifest gives the same text."""
        return canonical_json({**self._document(), "hash": self.hash}).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what :meth:`to_json` wrote.

        Raises
        ------
        DataFormatError
            If the text is no manifest, of a layout that is not known, or was changed after it was written.
        """
        try:
            document: Any = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise DataFormatError(f"manifest: not JSON ({error})") from error
        if not isinstance(document, dict):
            raise DataFormatError(f"manifest: expected a JSON object, got {type(document).__name__}")
        schema, written = document.pop("schema", None), document.pop("hash", None)
        if schema != SCHEMA:
            raise DataFormatError(f"manifest: layout {schema!r} is not known; this version reads {SCHEMA}")
        own = {f.name for f in fields(cls)}
        if document.keys() != own:
            odd = ", ".join(sorted(document.keys() ^ own))
            raise DataFormatError(f"manifest: fields are missing or not known: {odd}")
        try:
            found = cls(**{name: _frozen(value) for name, value in document.items()})
        except (TypeError, ManifestError) as error:
            raise DataFormatError(f"manifest: {error}".replace("manifest: manifest:", "manifest:")) from error
        try:
            unchanged = found.hash == written
        except ValueError:  # a number or a character that a manifest has no word for
            unchanged = False
        if not unchanged:
            raise DataFormatError("manifest: it was changed after it was written: the hash does not fit")
        return found

    def differences(self, other: FeatureManifest) -> tuple[str, ...]:
        """Say in which ways rows of ``other`` are not rows of this manifest; empty when they are.

        Columns and their order, definitions, clock, warm-up, signing, tick, point value and version count. The
        engine and the hash of the whole catalogue do not: see the class.
        """
        return tuple(self._differences(other))

    def check(self, other: FeatureManifest) -> None:
        """Refuse rows of another kind.

        Raises
        ------
        ManifestError
            Lists everything that differs.
        """
        if not isinstance(other, FeatureManifest):
            raise ConfigError(
                f"expected a FeatureManifest, got {type(other).__name__}: FeatureEngine.manifest is one"
            )
        found = self.differences(other)
        if found:
            raise ManifestError("the features are not those expected: " + "; ".join(found), found)

    def require(self, engine: FeatureEngine) -> None:
        """Refuse an engine whose rows are of another kind; errors as in :meth:`check`.

        Raises
        ------
        ConfigError
            If it is no engine.
        """
        self.check(_manifest_of(engine))

    def require_fits(self, engine: FeatureEngine) -> None:
        """Refuse an engine whose columns read other fits than those of this manifest, or none.

        Raises
        ------
        ManifestError
            Names each fit, with its hash.
        """
        expected, given = (
            {k.removeprefix(FITTED): str(v) for k, v in m.options if k.startswith(FITTED)}
            for m in (self, _manifest_of(engine))
        )
        wrong = [kind for kind in sorted({*expected, *given}) if expected.get(kind) != given.get(kind)]
        if not wrong:
            return
        found = [
            f"the {kind} fit is {given.get(kind, 'not given')}, expected {expected.get(kind, 'none')}"
            for kind in wrong
        ]
        raise ManifestError(
            f"{'; '.join(found)}. Give the fit files that the features were computed with, "
            "fitted=[...]: their values_hash is the one expected",
            tuple(found),
        )

    def _document(self) -> dict[str, Any]:
        return {"schema": SCHEMA, **asdict(self)}

    def _differences(self, other: FeatureManifest) -> Iterator[str]:
        absent = [name for name in self.names if name not in other.names]
        added = [name for name in other.names if name not in self.names]
        if absent:
            yield f"missing {_list(absent)}{_renamed(self, other, absent)}"
        if added:
            yield f"not expected {_list(added)}"
        if not absent and not added and self.names != other.names:
            k = next(
                k for k, pair in enumerate(zip(self.names, other.names, strict=True)) if pair[0] != pair[1]
            )
            yield f"another order: column {k} is {other.names[k]}, expected {self.names[k]}"
        mine = dict(zip(self.names, self.definitions, strict=True))
        theirs = dict(zip(other.names, other.definitions, strict=True))
        changed = [name for name in self.names if name in theirs and theirs[name] != mine[name]]
        if changed:
            shown = [f"{name} ({theirs[name]}, expected {mine[name]})" for name in changed]
            yield f"another definition of {_list(shown)}"
        expected, found = self._options(), other._options()
        for option in dict.fromkeys((*expected, *found)):
            wanted, given = expected.get(option, _ABSENT), found.get(option, _ABSENT)
            if wanted != given:
                yield f"{option} is {given}, expected {wanted}"

    def _options(self) -> dict[str, Option]:
        return {name: getattr(self, name) for name in (*_OPTIONS, "version")} | dict(self.options)


def _manifest_of(engine: object) -> FeatureManifest:
    found = getattr(engine, "manifest", None)
    if not isinstance(found, FeatureManifest):
        raise ConfigError(f"expected a FeatureEngine, got {type(engine).__name__}")
    return found


def _frozen(value: Any) -> Any:
    """Turn JSON's lists, also those in lists, into tuples."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value


def _list(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _renamed(mine: FeatureManifest, other: FeatureManifest, absent: list[str]) -> str:
    """Say which of the absent columns are there under another name."""
    names = {feature: name for name, feature in zip(other.names, other.features, strict=True)}
    features = dict(zip(mine.names, mine.features, strict=True))
    found = [f"{names[features[name]]} for {name}" for name in absent if features[name] in names]
    return f" (the same feature under another name: {_list(found)})" if found else ""


def _warmup(name: str) -> str:
    entry = info(name)
    if entry.warmup_ns is not None:
        return f"{entry.warmup} {entry.warmup_ns / 1e9:g} s"
    return entry.warmup if entry.warmup_items is None else f"{entry.warmup} {entry.warmup_items}"
