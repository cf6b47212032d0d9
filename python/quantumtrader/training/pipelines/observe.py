"""A model in the shadow: what its predictions would have earned, session by session, for the promotion gate."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date
from typing import Any

import numpy as np

from quantumtrader.data.calendar import Calendar
from quantumtrader.exceptions import ConfigError, EmptyDataError
from quantumtrader.features.fit.artifact import Fits
from quantumtrader.models.manifest import ModelManifest
from quantumtrader.models.observation import (
    OBSERVED,
    Observed,
    ObservedSession,
    due_sessions,
    require_comparable,
    require_state,
    trained_until,
)
from quantumtrader.models.registry import ModelRegistry
from quantumtrader.models.states import ModelState
from quantumtrader.training.pipelines.costs import cost_ticks
from quantumtrader.training.pipelines.recording import Recording
from quantumtrader.training.pipelines.unseen import trade_rows, unseen_rows, write_look
from quantumtrader.training.policy import Policy

__all__ = ["observe_shadow", "trained_policy"]


def observe_shadow(
    registry: ModelRegistry,
    name: str,
    version: str,
    recording: Recording,
    *,
    who: str,
    why: str = "",
    absent: Collection[date] = (),
    calendar: Calendar | None = None,
    advance: Callable[[float], None] | None = None,
    given: Fits | None = None,
) -> Observed:
    """Replay sessions after a model's training, let it predict beside the market, and record what each would have brought.

    Rows, labels, round trips, margin, slippage and latency are those of the training, so that a result has the unit of the
    interval that the training predicted: net ticks of one contract per session, 0 without a trade. Fees are those of the
    recording's instrument, and must be known: what is recorded stays. Nothing is sent. Sessions that were recorded when the
    model was trained, and those that it was judged on since, do not count; they warm the features up. Sessions with a gap
    are left out. The look is written down before a row is scored, and names them.

    Parameters
    ----------
    registry : ModelRegistry
    name, version : str
        A model in the shadow.
    recording : Recording
        Beginning early enough for the features to be warm.
    who : str
        For the record.
    why : str
        Reason for ``absent``.
    absent : collection of date
        Sessions that nobody has; see ``due_sessions``.
    calendar : Calendar, optional
    advance : callable, optional
        Told of each session that was read.
    given : Fits, optional
        See ``LoadedModel.fits_with``.

    Raises
    ------
    PromotionError
        The model is not in the shadow.
    DataError
        No session is left, one is missing or not over, or none of its rows can be scored.
    ConfigError
        The manifest does not say how the training traded; the recording's fees are not known; ``absent`` without ``why``.
    """
    if absent and not why:
        raise ConfigError("sessions that are absent need a reason (why)")
    loaded = registry.load(name, version, validity=False)
    manifest, survey = loaded.manifest, recording.survey()
    state = require_state(registry, manifest, ModelState.SHADOW)
    require_comparable(
        manifest, recording.instrument.product, synthetic=survey.synthetic, where=recording.origin
    )
    policy = trained_policy(manifest, recording)
    there = [day.item() for day in survey.days.astype("datetime64[D]")]
    due, left_out = due_sessions(
        registry,
        manifest,
        there,
        recording.instrument,
        since=trained_until(manifest),
        absent=absent,
        calendar=calendar,
    )
    broken = {day.item() for day in recording.gap_sessions().astype("datetime64[D]")}
    lost = sorted(broken & set(due))
    left_out |= dict.fromkeys(lost, "events were lost")
    due = tuple(day for day in due if day not in left_out)
    if not due:
        raise EmptyDataError(f"{manifest.id}: events were lost in every session that is left to observe")
    days = np.array(due, "datetime64[D]").astype(np.int64)
    data, _ = unseen_rows(loaded, recording, days, advance, given)
    silent = sorted(set(days.tolist()) - set(data.spans.sessions.tolist()))
    if silent:
        raise EmptyDataError(
            f"{manifest.id}: no row of {np.datetime64(silent[0], 'D')} can be scored",
            remedy="Begin the recording earlier, so that features are warm",
        )
    write_look(
        registry, manifest, data, recording, who, how=OBSERVED, absent=absent, why=why, events_lost=lost
    )
    _, trades = trade_rows(loaded, data, policy)
    of_trade = data.spans.session[trades.rows]
    log = registry.performance(name)
    sessions = []
    for number, day in zip(days.tolist(), due, strict=True):
        own = of_trade == number
        found = ObservedSession(
            day, float(trades.net_ticks[own].sum()), float(trades.gross_ticks[own].sum()), int(own.sum())
        )
        log.record(
            version,
            state,
            {
                "session": str(day),
                "result": found.result,
                "gross": found.gross,
                "trades": found.trades,
                "synthetic": int(survey.synthetic),
            },
        )
        sessions.append(found)
    synthetic = survey.synthetic or bool(manifest.data["synthetic"])
    return Observed(manifest.id, state, synthetic, tuple(sessions), left_out)


def trained_policy(manifest: ModelManifest, recording: Recording) -> Policy:
    """Return the policy by which the training traded: its margin and slippage, with the fees of a recording's instrument.

    Raises
    ------
    ConfigError
        The manifest does not say it, or the fees are not known.
    """
    config: Any = manifest.code.get("config")
    try:
        margin, slippage = float(config["margin"]), float(config["slippage_ticks"])
    except (KeyError, TypeError) as error:
        raise ConfigError(
            f"{manifest.id} does not say with which margin and slippage its training traded, so its results cannot be "
            "compared with what was predicted; train it with this version"
        ) from error
    instrument = recording.instrument
    if not instrument.fee_known:
        raise ConfigError(
            f"the fees of {instrument.symbol} are not known, and a session of {manifest.id} that was recorded without them "
            "could not be taken back: give --fee (money per contract and side, 0 where there are none) or the section "
            f"[fees.{instrument.product}] of the settings"
        )
    return Policy(margin, cost_ticks(recording, slippage))
