"""One sentence that says what a replay showed, and no more than that.

The null hypothesis of every report is that there is no edge after costs. Of those who day-traded B3's index
futures for 300 days or more, 97 % lost money (Chague, De-Losso and Giovannetti, "Day trading for a living?").
"""

from __future__ import annotations

import math

from quantumtrader.backtest.statistics import Summary

__all__ = ["MIN_SESSIONS", "MIN_TRADES", "verdict", "verdict_code"]

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
    "unknown": {
        "en": "No result: {n} trades ended, and the position left at the end has no price.",
        "pt": "Sem resultado: {n} operações terminaram, e a posição que restou não tem preço.",
    },
    "fees_unknown": {
        "en": "Nothing can be said about an edge: {n} trades made {gross} before costs, and the fees are unknown.",
        "pt": "Nada se pode dizer sobre vantagem: {n} operações fizeram {gross} antes dos custos, e as taxas são "
        "desconhecidas.",
    },
    "loses_before_fees": {
        "en": "No edge: {n} trades made {gross} even before costs; the fees are unknown. {percentile:.0f} % of random "
        "sides with the same entries and exits did worse.",
        "pt": "Sem vantagem: {n} operações fizeram {gross} mesmo antes dos custos; as taxas são desconhecidas. "
        "{percentile:.0f} % dos lados aleatórios com as mesmas entradas e saídas foram piores.",
    },
    "loses": {
        "en": "No edge: {n} trades made {net} after costs ({gross} before). "
        "{percentile:.0f} % of random sides with the same entries and exits did worse.",
        "pt": "Sem vantagem: {n} operações fizeram {net} depois dos custos ({gross} antes). "
        "{percentile:.0f} % dos lados aleatórios com as mesmas entradas e saídas foram piores.",
    },
    "random": {
        "en": "No edge shown: {n} trades made {net} after costs, but that is within what random sides give "
        "(percentile {percentile:.0f} of {draws} draws; 95 is needed).",
        "pt": "Vantagem não demonstrada: {n} operações fizeram {net} depois dos custos, mas isso está dentro do que "
        "lados aleatórios dão (percentil {percentile:.0f} de {draws} sorteios; é preciso 95).",
    },
    "insufficient": {
        "en": "Positive in this sample ({net} after costs, percentile {percentile:.0f} of random sides), but {n} trades "
        "in {sessions} session(s) are insufficient to claim an edge.",
        "pt": "Positivo nesta amostra ({net} depois dos custos, percentil {percentile:.0f} dos lados aleatórios), mas "
        "{n} operações em {sessions} pregão(ões) são insuficientes para afirmar vantagem.",
    },
    "positive": {
        "en": "Positive in this sample: {net} after costs over {n} trades in {sessions} sessions, percentile "
        "{percentile:.0f} of random sides. It remains to be shown on data that did not help to choose the rule.",
        "pt": "Positivo nesta amostra: {net} depois dos custos em {n} operações e {sessions} pregões, percentil "
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
    from quantumtrader.backtest.report.labels import money

    code = verdict_code(summary)
    if code == "loses" and not summary.fees_known:
        code = "loses_before_fees"
    text = _TEXT[code][lang].format(
        n=summary.trades,
        net=money(summary.net, currency, lang),
        gross=money(summary.gross, currency, lang),
        percentile=summary.random_percentile,
        draws=summary.draws,
        sessions=summary.sessions,
        why=next(iter(summary.holds), "-"),
    )
    if synthetic:
        text += _SYNTHETIC[lang]
    if summary.entries and not summary.fees_known:
        text += _FREE[lang]
    return text
