"""What an assessment says, in one sentence, and no more than that.

The null hypothesis is that there is nothing: of those who day-traded B3's index futures for 300 days or more, 97 %
lost money (Chague, De-Losso and Giovannetti, "Day trading for a living?").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantumtrader.pages.numbers import language, number
from quantumtrader.training.dataset import LEAST_EFFECTIVE, LEAST_SESSIONS
from quantumtrader.training.evaluation import Interval

if TYPE_CHECKING:
    from quantumtrader.training.assessment.assessment import Assessment

__all__ = ["CODES", "verdict_code", "verdict_text"]

CODES = {
    "insufficient": ("Insufficient: {reasons}.", "Insuficiente: {reasons}."),
    "no_skill": (
        "There is nothing here: {model} gains {edge} nats per row over the base rate, which cannot be told from zero.",
        "Não há nada aqui: {model} ganha {edge} nats por linha sobre a taxa base, o que não se distingue de zero.",
    ),
    "no_results": (
        "{model} gains {edge} nats per row over the base rate, but what trading on it would bring was not measured.",
        "{model} ganha {edge} nats por linha sobre a taxa base, mas o que operar com isso renderia não foi medido.",
    ),
    "no_trades": (
        "There is nothing to trade here: {model} gains {edge} nats per row, but never leads by the policy's margin.",
        "Não há o que operar aqui: {model} ganha {edge} nats por linha, mas nunca supera a margem da política.",
    ),
    "loses": (
        "There is nothing to earn here: {model} predicts, but its trades net {total} {ticks} in all after costs.",
        "Não há o que ganhar aqui: {model} prevê, mas suas operações rendem {total} {ticks} no total, depois dos custos.",
    ),
    "few_trades": (
        "Insufficient: {trades} trades on a path in {sessions} sessions; at least 500 in 20 are needed to price an edge.",
        "Insuficiente: {trades} operações por caminho em {sessions} pregões; são precisas ao menos 500 em 20 para dar "
        "preço a uma vantagem.",
    ),
    "not_shown": (
        "Nothing is shown here: {model} nets {net} {ticks} per trade, which cannot be told from zero.",
        "Nada fica demonstrado aqui: {model} rende {net} {ticks} por operação, o que não se distingue de zero.",
    ),
    "gate": (
        "Something is here, but not enough to believe it: {model} nets {net} {ticks} per trade after costs, but it does "
        "not meet: {failed}.",
        "Há algo aqui, mas não o bastante para acreditar: {model} rende {net} {ticks} por operação depois dos custos, e "
        "não cumpre: {failed}.",
    ),
    "passes": (
        "An edge is seen out of sample: {model} nets {net} {ticks} per trade after costs and meets every condition; whether "
        "it lasts is for shadow sessions to say.",
        "Vê-se uma vantagem fora da amostra: {model} rende {net} {ticks} por operação depois dos custos e cumpre todas as "
        "condições; se ela dura, dirão os pregões em sombra (shadow).",
    ),
}
"""Code to its sentence in English and in Portuguese."""
CONDITIONS = {
    "beats_baselines": ("beating every baseline", "superar todas as referências"),
    "net_at_1_5_cost": ("net at 1.5 times the cost", "líquido a 1,5 vez o custo"),
    "dsr": ("the deflated Sharpe ratio", "índice de Sharpe deflacionado"),
    "markout_low": ("the lower bound of net per trade", "limite inferior do líquido por operação"),
    "pbo": ("the probability of overfitting", "probabilidade de sobreajuste"),
    "placebos": ("the placebos", "placebos"),
    "parity": ("parity with a replay", "paridade com o replay"),
}
"""Condition of the gate, as it is named in a sentence."""
REASONS = (
    ("{found} sessions, at least {least} are needed", "{found} pregões, são precisos ao menos {least}"),
    (
        "{found} effective rows, at least {least} are needed",
        "{found} linhas efetivas, são precisas ao menos {least}",
    ),
    ("too few of the rows were tested", "poucas das linhas foram testadas"),
)
TICKS = (("ticks", "exchange ticks"), ("ticks", "ticks da bolsa"))
"""Of the data, and of the exchange where those of the data are finer."""
SEEN = (
    " Of the {locked} sessions in the vault {seen} were seen before: they test nothing any more.",
    " Dos {locked} pregões no cofre, {seen} já foram vistos antes: não testam mais nada.",
)
FREE = (
    " Fees unknown: they count as zero, so the gate cannot be passed; give --fee, money per contract and side.",
    " Taxas desconhecidas: contam como zero, e o portão não pode ser cumprido; informe --fee, dinheiro por contrato e lado.",
)
SYNTHETIC = (
    " The data is synthetic: this proves the code, not money.",
    " Os dados são sintéticos (synthetic): isto prova o código, não dinheiro.",
)


def verdict_code(a: Assessment) -> str:
    """Return which sentence holds; the first that does."""
    if a.edge is None:
        return "insufficient"
    if not a.edge.low > 0:
        return "no_skill"
    if a.money is None:
        return "no_results"
    if not a.money.trades > 0:
        return "no_trades"
    if not a.money.net_ticks[0] > 0:
        return "loses"
    if a.net is None:
        return "few_trades"
    if not a.net.low > 0:
        return "not_shown"
    return "passes" if all(c.met for c in a.conditions) else "gate"


def verdict_text(a: Assessment, lang: str = "en") -> str:
    """Say it, in ticks of the exchange: those of an adjusted series may be a thousandth of them.

    Parameters
    ----------
    a : Assessment
    lang : str
        ``en`` or ``pt``.
    """
    at, finer = language(lang), a.data.exchange_ticks
    text = CODES[verdict_code(a)][at].format(
        reasons="; ".join(_reasons(a.data.sessions, a.data.n_eff, lang)),
        model=a.chosen,
        edge="" if a.edge is None else interval(a.edge, 5, lang),
        net="" if a.net is None else interval(a.net, 2, lang, finer),
        total="" if a.money is None else number(a.money.net_ticks[0] / finer, lang, 1),
        ticks=TICKS[at][finer > 1],
        trades="" if a.money is None else number(a.money.trades, lang, 0),
        sessions=a.data.sessions,
        failed=", ".join(CONDITIONS[c.name][at] for c in a.conditions if not c.met),
    )
    if a.earlier.seen:
        text += SEEN[at].format(locked=a.earlier.locked, seen=len(a.earlier.seen))
    if a.fees_known is False:
        text += FREE[at]
    return text + (SYNTHETIC[at] if a.synthetic else "")


def interval(found: Interval, decimals: int, lang: str = "en", over: int = 1) -> str:
    """Write a mean and its interval, divided by ``over``: ``0.31 (0.12 to 0.50)``."""
    mean, low, high = (number(x / over, lang, decimals) for x in (found.mean, found.low, found.high))
    return f"{mean} ({low} {'a' if lang == 'pt' else 'to'} {high})"


def _reasons(sessions: int, n_eff: float, lang: str) -> list[str]:
    out = []
    if sessions < LEAST_SESSIONS:
        out.append(REASONS[0][language(lang)].format(found=sessions, least=LEAST_SESSIONS))
    if n_eff < LEAST_EFFECTIVE:
        found, least = (number(n, lang, 0) for n in (n_eff, LEAST_EFFECTIVE))
        out.append(REASONS[1][language(lang)].format(found=found, least=least))
    return out or [REASONS[2][language(lang)]]
