"""One sentence that says what a replay showed, and no more than that.

The null hypothesis of every report is that there is no edge after costs. Of those who day-traded B3's index
futures for 300 days or more, 97 % lost money (Chague, De-Losso and Giovannetti, "Day trading for a living?").
"""

from __future__ import annotations

import math

from quantumtrader.backtest.statistics import Summary

__all__ = ["MIN_SESSIONS", "MIN_TRADES", "loss_halts", "verdict", "verdict_code"]

MIN_SESSIONS = 20
"""Fewer sessions than this are called insufficient, whatever the result."""

MIN_TRADES = 500
"""Fewer trades than this are called insufficient, whatever the result."""

_LEVEL = 95.0

_TEXT = {
    "no_trades": {
        "en": "The rule never traded: nothing can be said about an edge. Most frequent reason to hold: {why}.",
        "pt": "A regra não operou: nada se pode dizer sobre vantagem. Motivo mais frequente para esperar: {why}.",
    },
    "no_samples": {
        "en": "The rule was never asked: none of the {events} events gave a sample. Check the trading hours and the "
        "clock.",
        "pt": "A regra nunca foi consultada: nenhum dos {events} eventos gerou amostra. Confira o horário do pregão e o "
        "clock.",
    },
    "no_trades_refused": {
        "en": "The rule never traded: {why}. Nothing can be said about an edge.",
        "pt": "A regra não operou: {why}. Nada se pode dizer sobre vantagem.",
    },
    "unknown": {
        "en": "No result: {n} ended, and the position left at the end has no price.",
        "pt": "Sem resultado: {n} terminaram, e a posição que restou não tem preço.",
    },
    "fees_unknown": {
        "en": "Nothing can be said about an edge: {n} made {gross} before costs, and the fees are unknown.",
        "pt": "Nada se pode dizer sobre vantagem: {n} fizeram {gross} antes dos custos, e as taxas são "
        "desconhecidas.",
    },
    "loses_before_fees": {
        "en": "No edge: {n} made {gross} even before costs; the fees are unknown. {percentile:.0f} % of random "
        "sides with the same entries and exits did worse.",
        "pt": "Sem vantagem: {n} fizeram {gross} mesmo antes dos custos; as taxas são desconhecidas. "
        "{percentile:.0f} % dos lados aleatórios com as mesmas entradas e saídas foram piores.",
    },
    "loses": {
        "en": "No edge: {n} made {net} after costs ({gross} before). "
        "{percentile:.0f} % of random sides with the same entries and exits did worse.",
        "pt": "Sem vantagem: {n} fizeram {net} depois dos custos ({gross} antes). "
        "{percentile:.0f} % dos lados aleatórios com as mesmas entradas e saídas foram piores.",
    },
    "random": {
        "en": "No edge shown: {n} made {net} after costs, but that is within what random sides give "
        "(percentile {percentile:.0f} of {draws} draws; 95 is needed).",
        "pt": "Vantagem não demonstrada: {n} fizeram {net} depois dos custos, mas isso está dentro do que "
        "lados aleatórios dão (percentil {percentile:.0f} de {draws} sorteios; é preciso 95).",
    },
    "insufficient": {
        "en": "Positive in this sample ({net} after costs, percentile {percentile:.0f} of random sides), but {n} "
        "in {sessions} are insufficient to claim an edge.",
        "pt": "Positivo nesta amostra ({net} depois dos custos, percentil {percentile:.0f} dos lados aleatórios), mas "
        "{n} em {sessions} são insuficientes para afirmar vantagem.",
    },
    "positive": {
        "en": "Positive in this sample: {net} after costs over {n} in {sessions}, percentile "
        "{percentile:.0f} of random sides. It remains to be shown on data that did not help to choose the rule.",
        "pt": "Positivo nesta amostra: {net} depois dos custos em {n} e {sessions}, percentil "
        "{percentile:.0f} dos lados aleatórios. Falta mostrar em dados que não ajudaram a escolher a regra.",
    },
}
_SYNTHETIC = {
    "en": " The data is synthetic: this tests the software, not the market.",
    "pt": " Os dados são sintéticos (synthetic): isto testa o software, não o mercado.",
}
_FREE = {
    "en": " Fees unknown: net = gross. Set them to see the real costs.",
    "pt": " Taxas desconhecidas: líquido = bruto. Informe as taxas para ver os custos reais.",
}


def verdict_code(summary: Summary) -> str:
    """Return ``no_trades``, ``unknown``, ``loses``, ``fees_unknown``, ``random``, ``insufficient`` or ``positive``."""
    if summary.entries == 0:
        return "no_trades"
    if math.isnan(summary.net):
        return "unknown"
    if summary.net > 0 and not summary.fees_known:
        return "fees_unknown"
    if summary.net <= 0:
        return "loses"
    if math.isnan(summary.random_percentile) or summary.random_percentile < _LEVEL:
        return "random"
    if summary.trades < MIN_TRADES or summary.sessions < MIN_SESSIONS:
        return "insufficient"
    return "positive"


def verdict(summary: Summary, currency: str, *, synthetic: bool, lang: str = "en") -> str:
    """Say in one or two sentences what the replay showed.

    Parameters
    ----------
    summary : Summary
        The figures.
    currency : str
        ISO code.
    synthetic : bool
        Whether any event was made by a generator.
    lang : str
        ``en`` or ``pt``.
    """
    from quantumtrader.backtest.report.labels import (
        count,
        explain,
        labels,
        money,
        plural,
        refusal,
        signed_contracts,
    )

    words = labels(lang)
    code = verdict_code(summary)
    if code == "loses" and not summary.fees_known:
        code = "loses_before_fees"
    why = explain(next((k for k in summary.holds), "-"), lang)
    refused = sum(summary.refusals.values())
    if code == "no_trades" and summary.samples == 0:
        code = "no_samples"
    if code == "no_trades" and refused:
        code = "no_trades_refused"
        rule = next(iter(summary.refusals))
        message = summary.refusal_examples.get(rule)
        why = words["refused_all"].format(
            n=count(refused, lang),
            rule=explain(rule, lang),
            message="-" if message is None else refusal(message, lang),
        )
    text = _TEXT[code][lang].format(
        n=plural(summary.trades, "trade", lang),
        net=money(summary.net, currency, lang),
        gross=money(summary.gross, currency, lang),
        percentile=summary.random_percentile,
        draws=count(summary.draws, lang),
        sessions=plural(summary.sessions, "session", lang),
        why=why,
        events=count(summary.events, lang),
    )
    if summary.open_position:
        text += f" {words['left_open']}: {signed_contracts(summary.open_position, lang)}."
    for text_of_halt in loss_halts(summary, currency, lang):
        text += f" {text_of_halt}"
    if synthetic:
        text += _SYNTHETIC[lang]
    if summary.entries and not summary.fees_known:
        text += _FREE[lang]
    return text


def loss_halts(summary: Summary, currency: str, lang: str = "en") -> list[str]:
    """Say when the daily loss stopped trading: the first time in full, further days as a count."""
    from quantumtrader.backtest.report.labels import labels, money

    words, halts = labels(lang), summary.loss_halts
    if not halts:
        return []
    first = halts[0]
    day, clock = first.local.split(" ")
    if lang == "pt":
        day = "/".join(reversed(day.split("-")))
    text = words["loss_halt"].format(
        time=clock if summary.sessions == 1 else f"{day} {clock}",
        result=money(-first.result, currency, lang),
        limit=money(first.limit, currency, lang),
    )
    further = [words["more_halts"].format(n=len(halts) - 1)] if len(halts) > 1 else []
    return [text, *further]
