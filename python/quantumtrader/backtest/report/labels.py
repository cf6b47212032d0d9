"""Words of the report in English and Portuguese, and money as people write it."""

from __future__ import annotations

import math

from quantumtrader.exceptions import ConfigError

__all__ = ["LANGUAGES", "LABELS", "labels", "money"]

LANGUAGES = ("en", "pt")

_SIGNS = {"BRL": "R$", "USD": "US$", "EUR": "€"}

LABELS: dict[str, tuple[str, str]] = {
    "title": ("Replay report", "Relatório de replay"),
    "synthetic": (
        "SYNTHETIC DATA: made by a generator, never seen on a market. Results test the software, not a strategy.",
        "DADOS SINTÉTICOS (SYNTHETIC): feitos por um gerador, nunca vistos em mercado. Os resultados testam o "
        "software, não uma estratégia.",
    ),
    "verdict": ("Verdict", "Veredito"),
    "net": ("Net result", "Resultado líquido"),
    "net_short": ("Net", "Líquido"),
    "gross": ("Gross", "Bruto"),
    "costs": ("Costs", "Custos"),
    "trades": ("Trades", "Operações"),
    "hit_rate": ("Hit rate", "Taxa de acerto"),
    "break_even": ("break-even", "equilíbrio"),
    "max_drawdown": ("Max drawdown", "Drawdown máximo"),
    "per_trade": ("Net per trade", "Líquido por operação"),
    "standard_error": ("standard error", "erro-padrão"),
    "profit_factor": ("Profit factor", "Fator de lucro"),
    "random_percentile": ("Random-side percentile", "Percentil vs. lado aleatório"),
    "of_draws": ("of {draws} draws", "de {draws} sorteios"),
    "double_costs": ("Net at 2× costs", "Líquido com custos 2×"),
    "exposure": ("Time in market", "Tempo posicionado"),
    "mean_time": ("mean duration", "duração média"),
    "time": ("Time", "Hora"),
    "price": ("Price, entries and exits", "Preço, entradas e saídas"),
    "price_hint": (
        "Wheel or pinch to zoom, drag to move; click a trade below to go to it. Candles of {bar}.",
        "Roda ou pinça para ampliar, arraste para mover; clique numa operação abaixo para ir até ela. Candles de {bar}.",
    ),
    "equity": ("Equity and drawdown", "Resultado e drawdown"),
    "equity_gross": ("gross", "bruto"),
    "equity_net": ("net", "líquido"),
    "drawdown": ("drawdown", "drawdown"),
    "flow": ("Order flow and features", "Fluxo de ordens e indicadores"),
    "heatmap": ("Liquidity heatmap", "Mapa de liquidez"),
    "heatmap_hint": (
        "Displayed contracts per price (log scale), touch in white, our fills as triangles.",
        "Contratos exibidos por preço (escala log), melhor oferta em branco, nossas execuções em triângulos.",
    ),
    "heatmap_none": (
        "The source has no book behind the touch, so there is no liquidity to show.",
        "A fonte não tem livro além da melhor oferta; não há liquidez a mostrar.",
    ),
    "baselines": ("Baselines", "Referências"),
    "baseline": ("Baseline", "Referência"),
    "strategy": ("Strategy", "Estratégia"),
    "flat": ("Flat: do nothing", "Zerado: não fazer nada"),
    "random_side": (
        "Random side, same entries and exits (mean)",
        "Lado aleatório, mesmas entradas e saídas (média)",
    ),
    "random_band": ("Random side, 5 %–95 %", "Lado aleatório, 5 %–95 %"),
    "buy_and_hold": ("Buy and hold, {size} contract(s)", "Comprar e segurar, {size} contrato(s)"),
    "random_hist": (
        "Net result of {draws} random draws; the strategy is the vertical line",
        "Resultado líquido de {draws} sorteios; a estratégia é a linha vertical",
    ),
    "trade_list": ("Trades", "Operações"),
    "shown": (
        "{shown} of {all} shown; all are in trades.parquet",
        "{shown} de {all} mostradas; todas em trades.parquet",
    ),
    "entry": ("Entry", "Entrada"),
    "exit": ("Exit", "Saída"),
    "side": ("Side", "Lado"),
    "long": ("long", "compra"),
    "short": ("short", "venda"),
    "size": ("Size", "Qtd."),
    "entry_px": ("Entry price", "Preço entrada"),
    "exit_px": ("Exit price", "Preço saída"),
    "seconds": ("Seconds", "Segundos"),
    "mae": ("MAE ticks", "MAE ticks"),
    "mfe": ("MFE ticks", "MFE ticks"),
    "why_out": ("Exit reason", "Motivo saída"),
    "hours": ("By hour of entry", "Por hora de entrada"),
    "hour": ("Hour", "Hora"),
    "wins": ("Wins", "Ganhos"),
    "holds": ("Why it held", "Por que esperou"),
    "samples": ("samples", "amostras"),
    "refusals": ("Risk refusals", "Recusas do risco"),
    "refusals_none": ("The risk manager refused no order.", "O gerente de risco não recusou nenhuma ordem."),
    "exits": ("Exits", "Saídas"),
    "first_refusal": ("First", "Primeira"),
    "none": ("none", "nenhuma"),
    "how": ("How this was made", "Como foi feito"),
    "data": ("Data", "Dados"),
    "rule": ("Rule", "Regra"),
    "settings": ("Settings", "Configuração"),
    "engine": ("Engine", "Motor"),
    "fidelity": ("Fidelity of fills", "Fidelidade das execuções"),
    "notes": ("Notes", "Observações"),
    "open_position": (
        "{n} contract(s) could not be closed before the recording ended; they are marked at the last price.",
        "{n} contrato(s) não puderam ser zerados antes do fim da gravação; estão marcados ao último preço.",
    ),
    "halted": (
        "Trading was halted by the kill switch: {why}.",
        "As operações foram suspensas pela trava de segurança: {why}.",
    ),
    "fees_unknown": ("fees unknown: net = gross", "taxas desconhecidas: líquido = bruto"),
    "fees_unknown_note": (
        "Fees unknown: net = gross. No result after costs can be claimed; give --fee, money per contract and side "
        "(exchange and broker together).",
        "Taxas desconhecidas: líquido = bruto. Nada se pode afirmar depois dos custos; informe --fee, dinheiro por "
        "contrato e lado (bolsa e corretora juntas).",
    ),
    "rolls": (
        "{n} contract roll(s): what was held was closed before each at the old contract's price, orders were cancelled.",
        "{n} rolagem(ns) de contrato: a posição foi zerada antes ao preço do contrato antigo, as ordens canceladas.",
    ),
    "fidelity_orders": (
        "By-order book: market orders walk the displayed orders; limit orders wait behind the recorded queue "
        "({queue} queue model). The market does not react to our orders.",
        "Livro por ordem: ordens a mercado consomem as ofertas exibidas; limitadas esperam atrás da fila gravada "
        "(modelo de fila {queue}). O mercado não reage às nossas ordens.",
    ),
    "fidelity_book": (
        "Book by price level: market orders walk the displayed levels; the place of limit orders in the queue is "
        "modelled ({queue}). The market does not react to our orders.",
        "Livro por preço: ordens a mercado consomem os níveis exibidos; o lugar das limitadas na fila é modelado "
        "({queue}). O mercado não reage às nossas ordens.",
    ),
    "fidelity_touch": (
        "Quotes and trades only: market orders fill at the recorded touch; nothing is known behind it "
        "({queue} queue model for limit orders).",
        "Só cotações e negócios: ordens a mercado executam na melhor oferta gravada; nada se sabe além dela (modelo de "
        "fila {queue} para limitadas).",
    ),
    "fidelity_quote": (
        "Quotes without sizes, and trades: market orders fill at the recorded touch plus {adverse} tick(s), because "
        "nobody knows how much was there; limit orders fill only when a print or a quote goes through their price. "
        "Optimistic: any size fills at once. Pessimistic: the extra ticks, and targets that a print only touches.",
        "Cotações sem quantidade, e negócios: ordens a mercado executam na melhor oferta gravada mais {adverse} tick(s), "
        "pois não se sabe quanto havia; limitadas só executam quando um negócio ou uma cotação ultrapassa o preço. "
        "Otimista: qualquer quantidade executa na hora. Pessimista: os ticks a mais, e alvos que um negócio apenas toca.",
    ),
    "fidelity_trade": (
        "Trades only: there is no touch, market orders take the next print and its size and pay {adverse} tick(s) more; "
        "limit orders fill only when a print goes through their price. Optimistic where the spread is wider than those "
        "ticks. Pessimistic for limit orders.",
        "Só negócios: não há melhor oferta, ordens a mercado tomam o próximo negócio e sua quantidade e pagam {adverse} "
        "tick(s) a mais; limitadas só executam quando um negócio ultrapassa o preço. Otimista onde o spread é maior que "
        "esses ticks. Pessimista para limitadas.",
    ),
    "fidelity_bar": (
        "Bars only: the path inside a bar is unknown. Market orders pay {adverse} tick(s); stop and target work from "
        "the bar after the entry. Pessimistic: a bar that holds both stop and target is a loss, and a target must be "
        "traded through. Optimistic: any size fills, and the rest of the entry's bar cannot stop the trade out. Treat the "
        "result as coarse.",
        "Só barras: o caminho dentro da barra é desconhecido. Ordens a mercado pagam {adverse} tick(s); stop e alvo "
        "valem a partir da barra seguinte à entrada. Pessimista: uma barra com stop e alvo é perda, e o alvo precisa ser "
        "ultrapassado. Otimista: qualquer quantidade executa, e o resto da barra da entrada não aciona o stop. Resultado "
        "grosseiro.",
    ),
    "fidelity_none": ("No event was seen.", "Nenhum evento foi visto."),
    "risk_notice": (
        "Trading futures can lose more than the money deposited. A replay is not a forecast: it cannot show the "
        "market's reaction, outages or fills that were never offered. This is software, not investment advice.",
        "Operar futuros pode perder mais que o capital depositado. Um replay não é previsão: não mostra a reação do "
        "mercado, quedas de sistema nem execuções que nunca foram oferecidas. Isto é software, não recomendação de "
        "investimento.",
    ),
    "charts_by": ("Charts", "Gráficos"),
    "times_in": ("Times in {zone}", "Horários em {zone}"),
    "no_trades": ("No trades.", "Nenhuma operação."),
}


def labels(lang: str) -> dict[str, str]:
    """All words of one language.

    Raises
    ------
    ConfigError
        If the language is not one of ``LANGUAGES``.
    """
    if lang not in LANGUAGES:
        raise ConfigError(f"language {lang!r} is not known; there are {', '.join(LANGUAGES)}")
    at = LANGUAGES.index(lang)
    return {key: words[at] for key, words in LABELS.items()}


def money(amount: float, currency: str, lang: str) -> str:
    """Write an amount with two decimals, for example ``-R$ 1.234,50`` (pt) or ``-R$ 1,234.50`` (en)."""
    if math.isnan(amount):
        return "–"
    text = f"{abs(amount):,.2f}"
    if lang == "pt":
        text = text.translate(str.maketrans(",.", ".,"))
    return f"{'-' if round(amount, 2) < 0 else ''}{_SIGNS.get(currency, currency)} {text}"
