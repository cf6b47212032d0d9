"""The vault is opened: one model, one look at sessions that nothing was chosen by, on record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from quantumtrader.exceptions import ConfigError
from quantumtrader.models.registry import LoadedModel
from quantumtrader.training.assessment.scores import said
from quantumtrader.training.dataset import Dataset
from quantumtrader.training.evaluation import clustered_mean
from quantumtrader.training.pipelines.judge import interval_document
from quantumtrader.training.policy import Policy
from quantumtrader.training.study import Study
from quantumtrader.training.vault import Vault, require_reason
from quantumtrader.training.weights import average_uniqueness

__all__ = ["judge_in_vault"]

_LEAST = 1e-12


def judge_in_vault(
    vault: Vault,
    data: Dataset,
    development: Dataset,
    loaded: LoadedModel,
    policy: Policy,
    *,
    study: Study,
    training: int,
    who: str,
    why: str,
    known: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Judge a saved model on those of the locked sessions that nobody has seen.

    What another training opened, judged a model on or was trained on tests nothing any more and is left out.

    Parameters
    ----------
    vault : Vault
    data : Dataset
        Rows that include those of the locked sessions.
    development : Dataset
        What the model was fitted on: its class shares are the base rate.
    loaded : LoadedModel
        From the registry, so that what is judged is what would trade.
    policy : Policy
    study : Study
        Where it is written down for other trainings too.
    training : int
        ``created_ns`` of this one: its own openings are of other targets.
    who, why : str
        Written down before anything is looked at.
    known : mapping, optional
        What an earlier opening by this training found.

    Raises
    ------
    DataError
        The rows were changed after their replay.
    ConfigError
        This model was judged before, no session is left that was not seen, or who and why are missing.
    """
    data.require_sealed()
    model = loaded.manifest.hash
    if known is not None and known.get("model") == model:
        return dict(known)
    # A training that was killed between the line and the result may finish its look: it is the same one.
    mine = [t for t in vault.ledger.trials("vault") if t.parameters.get("model") == model]
    if mine and {(t.parameters["who"], t.parameters["why"]) for t in mine} != {(who, why)}:
        raise ConfigError(
            f"the vault was opened for this model before, by {mine[0].parameters['who']}: {mine[0].parameters['why']}"
        )
    require_reason(who, why)
    fresh, seen = study.open_unseen(vault.locked, training=training, model=model, who=who, why=why)
    rows = (
        np.flatnonzero(np.isin(data.spans.session, vault.locked))
        if mine
        else vault.open(data.spans, model=model, who=who, why=why)
    )
    rows = rows[np.isin(data.spans.session[rows], fresh)]
    needed = [k for k, name in enumerate(data.names) if name not in loaded.manifest.may_be_missing]
    rows = rows[~np.isnan(data.X[rows][:, needed]).any(axis=1)]
    part = data.take(rows)
    classes = np.array(loaded.manifest.classes)
    part = part.take(np.isin(part.y, classes))
    enough = part.sufficiency()
    found: dict[str, Any] = {
        "model": model,
        "who": who,
        "why": why,
        "locked": len(vault.locked),
        "seen": len(seen),
        "sessions": len(part.spans.sessions),
        "rows": len(part),
        "sufficient": enough.sufficient,
        "reasons": list(enough.reasons),
    }
    if not enough.sufficient:
        return {**found, "skill": None, "edge": None, "net_ticks": None, "trades": None}
    p = loaded.batch(part.X)
    weights = average_uniqueness(part.spans)
    place = np.searchsorted(classes, part.y)
    share = np.array([average_uniqueness(development.spans)[development.y == c].sum() for c in classes])
    share /= share.sum()
    loss = -np.log(np.maximum(p[np.arange(len(part)), place], _LEAST))
    base = -np.log(share[place])
    net, count = None, 0
    if part.trips is not None:
        trades = policy.trade(policy.sides(p, classes), part.trips, part.spans)
        count = len(trades.rows)
        net = said(trades.net_ticks, part.spans.session[trades.rows])
    return {
        **found,
        "skill": float(1 - (loss * weights).sum() / (base * weights).sum()),
        "edge": interval_document(clustered_mean(base - loss, part.spans.session, weights)),
        "net_ticks": interval_document(net),
        "trades": count,
    }
