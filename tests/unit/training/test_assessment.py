"""The assessment as a whole: what it refuses, what it says, how it is kept; traps for luck and for planted edges."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from quantumtrader.exceptions import ConfigError, DataAccessError, DataError, DataFormatError
from quantumtrader.models.manifest import Evidence
from quantumtrader.training.assessment import Assessment
from quantumtrader.training.assessment.folder import ARRAYS, DOCUMENT
from quantumtrader.training.assessment.scores import score
from quantumtrader.training.assessment.verdict import verdict_text
from quantumtrader.training.cross_validate import evaluate
from quantumtrader.training.policy import Policy
from quantumtrader.training.splits import CombinatorialPurged
from quantumtrader.training.trials import TrialLedger
from reference.assessed import (
    BOOK,
    POLICY,
    Noise,
    Training,
    assessed,
    planted_data,
    thinned,
    train,
    trained,
    without_costs,
)
from reference.planted import X

pytest.importorskip("scipy", reason="intervals need the extra ml")


# -- traps ---------------------------------------------------------------------------------------------------------


def test_a_planted_edge_is_found_priced_and_passes() -> None:
    a = assessed(0.9)
    assert a.verdict_code == "passes", a.verdict
    assert [c.name for c in a.conditions if not c.met] == []
    assert a.edge is not None
    assert a.edge.low > 0
    assert a.net is not None
    assert a.net.low > 0
    assert a.money is not None
    # A spread of one tick, and half a tick of fees: what is left after 1.5 times that is still above 0.
    assert a.money.cost_ticks == pytest.approx(1.5)
    assert a.money.gross_ticks - a.money.net_ticks[0] == pytest.approx(1.5 * a.money.trades)
    assert a.money.gross_ticks - a.money.net_ticks[2] == pytest.approx(3.0 * a.money.trades)
    assert a.money.net_ticks[1] > 0
    assert a.money.means is not None
    assert a.money.means.hit_rate > a.money.means.break_even_hit_rate
    assert a.money.means.break_even_ticks > 1.5 * a.money.cost_ticks
    assert a.random_side is not None
    assert a.random_side.percentile == 100
    assert a.paths_beaten == 5
    assert a.selection is not None
    assert a.selection.reality_check is not None
    assert a.selection.reality_check < 0.01
    assert a.importance["liquidity"] is not None  # where the edge was planted
    assert a.importance["liquidity"].low > 0
    assert a.verdict.endswith("The data is synthetic: this proves the code, not money.")


def test_the_deflated_ratio_is_of_the_net_at_the_cost_as_assumed() -> None:
    # 3.1 ticks before a cost of 2.5: something is left at 1×, nothing at 1.5×.
    a = train(planted_data(0.9), Policy(margin=0.2, cost_ticks=1.5), noise=1).assess()
    assert a.money is not None
    assert a.selection is not None
    net = a.money.net[0]
    assert net.sum() > 0 > a.money.net[1].sum()
    ratio = net.mean() / net.std(ddof=1)
    z = (net - net.mean()) / net.std()
    spread = 1 - (z**3).mean() * ratio + ((z**4).mean() - 1) / 4 * ratio**2
    excess = (ratio - a.selection.expected_best) * np.sqrt(len(net) - 1) / np.sqrt(spread)
    assert a.selection.dsr == pytest.approx(NormalDist().cdf(excess), rel=1e-6)
    assert a.selection.psr == pytest.approx(NormalDist().cdf(ratio * np.sqrt(len(net) - 1) / np.sqrt(spread)))
    assert a.selection.psr > 0.95
    assert "net_at_1_5_cost" in {c.name for c in a.conditions if not c.met}


def test_with_the_edge_taken_out_it_fails() -> None:
    a = assessed(0.0)
    assert a.verdict_code == "no_skill", a.verdict
    assert a.verdict.startswith("There is nothing here: ridge gains ")
    failed = {c.name for c in a.conditions if not c.met}
    assert failed >= {"beats_baselines", "net_at_1_5_cost"}


def test_fifty_strategies_without_skill_never_pass() -> None:
    data = without_costs(thinned(planted_data(0.0), 12))
    free, splitter = Policy(margin=0.1, cost_ticks=0.0), CombinatorialPurged(4, 1)
    deflated, naive, overfit = [], [], []
    for run in range(6):
        ledger = TrialLedger(Path(trained(0.0).ledger.path).with_name(f"fifty-{run}.jsonl"))
        tried = {
            f"noise {k}": evaluate(data, Noise(50 * run + k), splitter, ledger, "s", policy=free)
            for k in range(50)
        }
        best = max(tried, key=lambda name: sum(tried[name].trial.results))
        training = Training(data, tried, {}, {}, ledger, free)
        a = training.assess(best, splitter=splitter, regimes=None, contracts=None, liquidity=None)
        assert a.selection is not None
        assert a.selection.dsr is not None
        assert a.selection.psr is not None
        assert a.selection.pbo is not None
        assert a.selection.independent > 40
        assert a.verdict_code == "no_skill"
        deflated.append(a.selection.dsr)
        naive.append(a.selection.psr)
        overfit.append(a.selection.pbo)
    assert max(deflated) < 0.95
    assert (
        np.mean(np.array(naive) > 0.95) >= 0.5
    )  # the best of fifty passes for skill when it is looked at alone
    assert np.mean(overfit) == pytest.approx(0.5, abs=0.12)


def test_placebos_are_clean_and_a_leak_is_not() -> None:
    found = trained(0.9)
    assert found.assess().evidence().placebos_clean is True
    # The real data, passed off as a placebo: it predicts and earns.
    dirty = found.assess(placebos={"days permuted": found.candidates["ridge"]})
    assert dirty.evidence().placebos_clean is False
    assert "placebos" in {c.name for c in dirty.conditions if not c.met}
    assert found.assess(placebos={}).evidence().placebos_clean is None


# -- what it says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "pt"])
def test_a_model_passes_no_gate_on_unknown_fees(lang: str) -> None:
    known = trained(0.9).assess()
    assert known.verdict_code == "passes"
    unsaid = replace(X, free=False)
    unknown, few = trained(0.9).assess(instrument=unsaid), trained(0.9, 12).assess(instrument=unsaid)
    assert unknown.fees_known is few.fees_known is False
    assert trained(0.9).assess(instrument=replace(unsaid, fee=1.2)).fees_known is True
    assert [(c.name, c.found) for c in unknown.conditions if not c.met] == [
        ("net_at_1_5_cost", "fees unknown: give --fee")
    ]
    text = verdict_text(unknown, lang)
    assert unknown.verdict_code == "gate"
    says = {"en": "Fees unknown: they count as zero", "pt": "Taxas desconhecidas: contam como zero"}[lang]
    assert says in text
    assert says not in verdict_text(known, lang)
    assert says in verdict_text(few, lang)  # also where there is no number yet
    # An assessment from before it was recorded claims neither.
    before = replace(unknown, fees_known=None)
    assert before.verdict_code == "passes"
    assert says not in verdict_text(before, lang)


def test_too_few_sessions_have_no_numbers() -> None:
    a = assessed(0.9, 12)
    assert a.verdict_code == "insufficient"
    assert a.verdict.startswith("Insufficient: 12 sessions, at least 20 are needed.")
    assert not a.sufficiency.sufficient
    assert (a.skill, a.edge, a.net, a.quality, a.money, a.size, a.selection) == (None,) * 7
    assert a.paths == a.slices == a.references == ()
    assert set(a.importance.values()) == {None}
    assert a.evidence() == Evidence("dsr", parity_clean=True, fees_known=True)
    assert a.data.sessions == 12  # what it was given is still told


def test_numbers_are_those_of_the_evaluation() -> None:
    found, a = trained(0.9), assessed(0.9)
    own = found.candidates["ridge"]
    assert a.skill == own.skill.mean()
    assert a.edge == own.edge
    assert a.net == own.net
    assert a.money is not None
    assert a.money.net[0] == pytest.approx(np.array(own.trial.results))
    assert [p.skill for p in a.paths] == own.skill.tolist()
    assert sum(p.trades for p in a.paths) / len(a.paths) == own.trades == a.money.trades
    assert np.mean([p.net_ticks for p in a.paths]) == pytest.approx(a.money.net_ticks[0])
    assert score(found.data, own).gained.shape == (5, len(found.data))
    assert {s.axis for s in a.slices} == {"regime", "hour", "contract"}  # all moves are alike: no volatility
    rows = [s for s in a.slices if s.axis == "regime"]
    assert sum(s.rows for s in rows) == len(found.data)
    assert sum(s.trades for s in rows) == pytest.approx(a.money.trades)
    short = next(s for s in a.slices if s.name == "XF25")
    assert short.sessions == 8
    assert short.edge is short.net is None


def test_evidence_is_what_was_found() -> None:
    a = assessed(0.9)
    e = a.evidence()
    assert a.money is not None
    assert a.selection is not None
    assert a.net is not None
    assert (e.paths, e.paths_beaten) == (5, 5)
    assert e.net_at_1_5_cost == a.money.per_trade[1].mean  # type: ignore[union-attr]
    assert (e.dsr, e.pbo, e.markout_low) == (a.selection.dsr, a.selection.pbo, a.net.low)
    assert e.expected_low is not None
    assert e.expected_high is not None
    inside = (a.money.net[0] >= e.expected_low) & (a.money.net[0] <= e.expected_high)
    assert inside.mean() > 0.9
    book = trained(0.9).assess(judged_by="markout")
    assert "markout_low" in {c.name for c in book.conditions}


def test_each_verdict_has_its_sentence() -> None:
    a = assessed(0.9)
    assert a.money is not None
    assert a.net is not None
    idle = replace(a, money=replace(a.money, trades=0.0))
    assert idle.verdict_code == "no_trades"
    assert replace(a, money=None, net=None).verdict_code == "no_results"
    poor = replace(a, money=replace(a.money, net_ticks=(-1.0, -2.0, -3.0)))
    assert poor.verdict.startswith(
        "There is nothing to earn here: ridge predicts, but its trades net -1.0 ticks"
    )
    assert replace(a, net=None).verdict_code == "few_trades"
    assert replace(a, net=replace(a.net, low=-0.1)).verdict_code == "not_shown"
    failed = replace(a, parity=None)
    assert failed.verdict_code == "gate"
    assert "does not meet: parity with a replay." in failed.verdict
    assert "synthetic" not in replace(a, synthetic=False).verdict


def test_a_verdict_on_an_adjusted_series_is_in_ticks_of_the_exchange() -> None:
    a = assessed(0.9)
    assert a.net is not None
    assert a.money is not None
    net = replace(a.net, mean=120.0, low=-40.0, high=300.0)
    fine = replace(a, net=net, data=replace(a.data, exchange_ticks=50))
    assert "nets 2.40 (-0.80 to 6.00) exchange ticks per trade" in fine.verdict
    assert "rende 2,40 (-0,80 a 6,00) ticks da bolsa por operação" in verdict_text(fine, "pt")
    poor = replace(fine, money=replace(a.money, net_ticks=(-500.0, -600.0, -700.0)))
    assert "its trades net -10.0 exchange ticks in all after costs" in poor.verdict


def test_data_without_results_of_trades() -> None:
    found = trained(0.9)
    data = replace(found.data, trips=None)
    ledger = TrialLedger(found.ledger.path.with_name("no-trips.jsonl"))
    tried = {"noise": evaluate(data, Noise(1), BOOK, ledger, "s")}
    a = Training(data, tried, {}, {}, ledger, POLICY).assess("noise")
    assert (a.money, a.selection, a.size, a.random_side, a.net) == (None,) * 5
    assert a.edge is not None
    assert a.volatility == ""


# -- what it refuses -----------------------------------------------------------------------------------------------


def test_refusals(tmp_path: Path) -> None:
    found = trained(0.9)
    with pytest.raises(ConfigError, match="'trees' is none of the candidates ridge, noise 0"):
        found.assess("trees")
    with pytest.raises(ConfigError, match="judged_by is 'luck'"):
        found.assess(judged_by="luck")
    with pytest.raises(DataError, match="no line, no number"):
        found.assess(ledger=TrialLedger(tmp_path / "empty.jsonl"))
    with pytest.raises(DataError, match="no line in study 'other'"):
        found.assess(study="other")
    with pytest.raises(ConfigError, match=r"evaluated with policy .*0\.2.* asked for .*0\.9"):
        found.assess(policy=Policy(0.9, 0.5))
    with pytest.raises(ConfigError, match="regimes has shape"):
        found.assess(regimes=np.array(["range"]))
    other = trained(0.9, 12)
    with pytest.raises(ConfigError, match="baseline base_rate has predictions of shape"):
        replace(found, baselines=other.baselines).assess()
    with pytest.raises(ConfigError, match="are not of this data set"):
        replace(found, data=other.data, baselines={}).assess()


# -- how it is kept ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("response", "count"), [(0.9, 24), (0.0, 24), (0.9, 12)])
def test_saved_and_read_it_is_the_same(response: float, count: int, tmp_path: Path) -> None:
    a = assessed(response, count)
    a.save(tmp_path / "a")
    b = Assessment.load(tmp_path / "a")
    b.save(tmp_path / "b")
    for name in (DOCUMENT, ARRAYS):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert b.verdict == a.verdict
    assert b.evidence() == a.evidence()
    assert b.to_document() == a.to_document()
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == [ARRAYS, DOCUMENT]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        trained(0.9).assess().save(tmp_path / name)
    assert (tmp_path / "a" / DOCUMENT).read_bytes() == (tmp_path / "b" / DOCUMENT).read_bytes()


def test_every_changed_byte_is_noticed(tmp_path: Path) -> None:
    assessed(0.9).save(tmp_path)
    for name in (DOCUMENT, ARRAYS):
        good = (tmp_path / name).read_bytes()
        for at in range(0, len(good), len(good) // 40):
            bad = bytearray(good)
            bad[at] ^= 0x01
            (tmp_path / name).write_bytes(bytes(bad))
            with pytest.raises(DataFormatError, match=name.replace(".", r"\.")):
                Assessment.load(tmp_path)
        (tmp_path / name).write_bytes(good[:-20])
        with pytest.raises(DataFormatError):
            Assessment.load(tmp_path)
        (tmp_path / name).write_bytes(good)
    Assessment.load(tmp_path)


def test_missing_files_and_other_layouts(tmp_path: Path) -> None:
    with pytest.raises(DataAccessError, match="Is it the folder of a training"):
        Assessment.load(tmp_path)
    assessed(0.9).save(tmp_path)
    (tmp_path / ARRAYS).unlink()
    with pytest.raises(DataAccessError, match=r"arrays\.npz"):
        Assessment.load(tmp_path)


def _forged(folder: Path, change: object) -> None:
    """Write a document whose hash fits what was changed."""
    import hashlib

    from quantumtrader.features.catalogue import canonical_json

    document = json.loads((folder / DOCUMENT).read_bytes())
    document.pop("sha256")
    change(document)  # type: ignore[operator]
    document["sha256"] = hashlib.sha256(canonical_json(document)).hexdigest()
    (folder / DOCUMENT).write_bytes(canonical_json(document) + b"\n")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(schema=99), "layout 99 is not known"),
        (lambda d: d["assessment"].pop("money"), "missing or unknown: money"),
        (lambda d: d["assessment"].update(luck=1), "missing or unknown: luck"),
        (lambda d: d["assessment"]["money"].update(trades="many"), "money.trades: 'many'"),
        (
            lambda d: d["assessment"]["money"].update(net={"array": "money.gross"}),
            "money.net: its array is missing",
        ),
        (lambda d: d["assessment"].update(synthetic=0), "synthetic: 0 is not"),
        (lambda d: d.update(assessment=[]), "missing or unknown"),
        (lambda d: d.pop("arrays_sha256"), "arrays_sha256"),
    ],
)
def test_a_document_of_another_shape(change: object, message: str, tmp_path: Path) -> None:
    assessed(0.9).save(tmp_path)
    _forged(tmp_path, change)
    with pytest.raises(DataFormatError, match=message):
        Assessment.load(tmp_path)
