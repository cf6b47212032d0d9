"""What a training hands back, and leaves in its folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from quantumtrader.data.source_notes import in_language
from quantumtrader.models.folder import write_whole
from quantumtrader.training.dataset import LEAST_EFFECTIVE, LEAST_SESSIONS
from quantumtrader.training.evaluation import Interval
from quantumtrader.training.notes import Note
from quantumtrader.training.pipelines.candidates import skipped
from quantumtrader.training.pipelines.judge import Judged, Plan, interval_document
from quantumtrader.training.pipelines.prepared import Prepared
from quantumtrader.training.pipelines.recording import Recording, Survey
from quantumtrader.training.report import write_report
from quantumtrader.training.run_folder import RunFolder
from quantumtrader.training.vault import Vault

__all__ = ["TrainingResult", "finish"]

SUMMARY = "summary.json"


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A finished training: ``result["best_model"]``, ``result["metrics"]``, and by name whatever its summary holds.

    Parameters
    ----------
    folder : Path
        The training's folder.
    model : Path
        The model's folder in the registry: a candidate.
    judged : Judged
        Everything that was evaluated.
    prepared : Prepared
        The rows.
    summary : dict
        What ``summary.json`` holds.
    """

    folder: Path
    model: Path
    judged: Judged
    prepared: Prepared
    summary: dict[str, Any]

    @property
    def verdict(self) -> str:
        """One sentence."""
        return self.judged.assessment.verdict

    @property
    def best_model(self) -> str:
        """Name of the chosen candidate."""
        return self.judged.chosen

    @property
    def metrics(self) -> dict[str, Any]:
        """Skill, edge and net result of every baseline and candidate."""
        found: dict[str, Any] = self.summary["table"]
        return found

    def __getitem__(self, name: str) -> Any:
        """Return ``best_model``, ``metrics``, or an entry of the summary; a ``KeyError`` for another name."""
        own = {"best_model": self.best_model, "metrics": self.metrics}
        return own[name] if name in own else self.summary[name]

    def __contains__(self, name: object) -> bool:
        return name in ("best_model", "metrics") or name in self.summary

    def write(self, **more: Any) -> None:
        """Write ``summary.json``, with more in it."""
        self.summary.update(more)
        text = json.dumps(self.summary, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
        write_whole(self.folder / SUMMARY, text.encode())


def finish(
    folder: RunFolder,
    recording: Recording,
    survey: Survey,
    vault: Vault,
    prepared: Prepared,
    plan: Plan,
    judged: Judged,
    model: Path,
    notes: tuple[Note, ...] = (),
) -> TrainingResult:
    """Write assessment, page and summary; ``notes`` of the pipeline join those of what it read and planned."""
    told = (
        *(Note(text, in_language(text, "pt")) for text in recording.notes),
        *folder.notes,
        *notes,
        *plan.notes,
        *(
            Note(
                f"{name} was not tried, it is not installed: {how}",
                f"{name} não foi tentado, não está instalado: {how}",
            )
            for name, how in skipped(plan.candidates).items()
        ),
    )
    judged = replace(judged, assessment=replace(judged.assessment, notes=told))
    data, assessment = prepared.data, judged.assessment
    assessment.save(folder.path / "assessment")
    write_report(assessment, folder.path / "report.html")
    table = {
        name: {
            "skill": _number(found.skill.mean()),
            "skill_worst_path": _number(found.skill.min()),
            "edge": interval_document(found.edge),
            "net_ticks": interval_document(_priced(found.net)),
            "trades": _number(found.trades),
        }
        for name, found in {**judged.baselines, **judged.candidates}.items()
    }
    enough = assessment.sufficiency.sufficient
    summary: dict[str, Any] = {
        "kind": plan.kind,
        "study": plan.name,
        "verdict": assessment.verdict,
        "verdict_code": assessment.verdict_code,
        "sufficient": enough,
        "synthetic": survey.synthetic,
        "source": recording.origin,
        "symbol": recording.instrument.symbol,
        "events": survey.events,
        "sessions": {
            "development": [str(np.datetime64(int(d), "D")) for d in vault.development[[0, -1]]],
            "development_count": len(vault.development),
            "vault": [str(np.datetime64(int(d), "D")) for d in vault.locked[[0, -1]]],
            "vault_count": len(vault.locked),
        },
        "trials": {
            "here": folder.ledger.count(plan.name),
            "earlier": assessment.earlier.configurations,
            "seen_in_vault": len(assessment.earlier.seen),
        },
        "rows": len(data),
        "n_eff": _number(data.n_eff),
        "label": {"name": data.label, **dict(data.measured_from)},
        "classes": {str(c): int((data.y == c).sum()) for c in data.classes},
        "dropped": dict(data.dropped),
        "features": len(data.names),
        "left_out": dict(prepared.left_out),
        "may_be_missing": list(prepared.may_be_missing),
        "regimes": {str(r): int((prepared.regimes == r).sum()) for r in np.unique(prepared.regimes)},
        "chosen": judged.chosen,
        "cost_ticks": plan.policy.cost_ticks,
        "fees_known": recording.instrument.fee_known,
        "fee_per_contract_side": recording.instrument.fee if recording.instrument.fee_known else None,
        # Above 1 for an adjusted series on a finer grid: ticks above and below are of that grid.
        "ticks_per_exchange_tick": recording.instrument.ticks_per_exchange_tick,
        "margin": plan.policy.margin,
        "half_life_sessions": plan.half_life_sessions,
        # Too little data: no number that could be mistaken for one.
        "table": table if enough else {},
        "networks": {name: found.text() for name, found in judged.networks.items()} if enough else {},
        "nested": None if judged.choice is None else _of(judged.choice.evaluation),
        "rehearsal": None if judged.rehearsal is None else _of(judged.rehearsal),
        "placebos": {name: _of(found) for name, found in judged.placebos.items()},
        "shifted_labels": None if assessment.shifted is None else asdict(assessment.shifted),
        "conditions": [
            {"name": c.name, "met": c.met, "found": str(c.found), "wanted": str(c.wanted)}
            for c in assessment.conditions
        ],
        "model": str(model),
        "notes": [note.text for note in told],
    }
    before = folder.path / SUMMARY
    if before.exists() and (opened := json.loads(before.read_bytes()).get("vault_result")):
        summary["vault_result"] = opened
    result = TrainingResult(folder.path, model, judged, prepared, summary)
    result.write()
    return result


def _of(found: Any) -> dict[str, Any]:
    return {
        "skill": _number(found.skill.mean()),
        "edge": interval_document(found.edge),
        "net_ticks": interval_document(_priced(found.net)),
        "trades": _number(found.trades),
    }


def _priced(net: Interval | None) -> Interval | None:
    """Return net per trade where there are enough trades to say it, as on the page."""
    return net if net is not None and net.sufficient(LEAST_SESSIONS, LEAST_EFFECTIVE) else None


def _number(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None
