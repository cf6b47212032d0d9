"""Words of the report in English and Portuguese, and money as people write it."""

from __future__ import annotations

import re

from quantumtrader.execution import Refused, Strategy, strategy_parameters
from quantumtrader.pages.numbers import LANGUAGES, count, language, money, number

__all__ = [
    "LABELS",
    "LANGUAGES",
    "count",
    "explain",
    "labels",
    "money",
    "number",
    "plural",
    "refusal",
    "rule_text",
    "signed_contracts",
]

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
    "equity": ("Equity and drawdown", "Patrimônio e drawdown"),
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
    "flat": ("Flat: do nothing", "Fora do mercado: não fazer nada"),
    "random_side": (
        "Random side, same entries and exits (mean)",
        "Lado aleatório, mesmas entradas e saídas (média)",
    ),
    "random_band": ("Random side, 5 %–95 %", "Lado aleatório, 5 %–95 %"),
    "buy_and_hold": ("Buy and hold, {size}", "Comprar e segurar, {size}"),
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
    "refusals": ("Risk refusals", "Recusas do gerenciador de risco"),
    "refusals_none": (
        "The risk manager refused no order.",
        "O gerenciador de risco não recusou nenhuma ordem.",
    ),
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
        "A position of {n} contract(s) could not be closed before the recording ended; it is settled at the last touch "
        "or price (exit reason recording_ended), or stays open where there is no price.",
        "Uma posição de {n} contrato(s) não pôde ser zerada antes do fim da gravação; foi encerrada na última melhor "
        "oferta ou preço (motivo de saída recording_ended), ou segue aberta onde não há preço.",
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
    "events": ("events", "eventos"),
    "events_samples": ("events / samples", "eventos / amostras"),
    "report": ("report", "relatório"),
    "engine_of": ("{engine} engine", "motor {engine}"),
    "left_open": ("Left at the end", "Posição ao final"),
    "left_open_none": ("flat", "fora do mercado"),
    "loss_halt": (
        "Stopped for the day at {time}: daily loss {result} reached the limit {limit}.",
        "Parado no dia às {time}: a perda diária de {result} atingiu o limite de {limit}.",
    ),
    "more_halts": ("The same on {n} further day(s).", "O mesmo em mais {n} dia(s)."),
    "daily_loss": ("Daily loss", "Perda diária"),
    "refused_all": (
        "the risk manager refused all {n} entries, most often by {rule}: {message}",
        "o gerenciador de risco recusou todas as {n} entradas, na maioria por {rule}: {message}",
    ),
    "trade_one": ("trade", "operação"),
    "trade_many": ("trades", "operações"),
    "session_one": ("session", "pregão"),
    "session_many": ("sessions", "pregões"),
    "contract_one": ("contract", "contrato"),
    "contract_many": ("contracts", "contratos"),
    "fee_value": ("{fee} {currency} per contract and side", "{fee} {currency} por contrato e lado"),
    "unknown": ("unknown", "desconhecida"),
    "flatten_value": (
        "{seconds} s before the end of continuous trading",
        "{seconds} s antes do fim do pregão contínuo",
    ),
    "adjusted": (
        "Adjusted series: one tick of the exchange is {n} ticks of the prices; slippage and price collar are scaled, "
        "excursions are shown in ticks of the exchange.",
        "Série ajustada: um tick da bolsa são {n} ticks dos preços; o custo de execução e o limite de preço são "
        "convertidos, as excursões estão em ticks da bolsa.",
    ),
    "rejected_rows": (
        "{n} row(s) of the source were rejected; `quantumtrader validate` lists them",
        "{n} linha(s) da fonte foram rejeitadas; `quantumtrader validate` as lista",
    ),
    "sides_inferred": (
        "The source has no aggressor flag: sides of trades were inferred, signed flow is an estimate.",
        "A fonte não informa o agressor: o lado dos negócios foi inferido, o fluxo com sinal é uma estimativa.",
    ),
    "strategy_chosen": (
        "Strategy {name} was chosen to suit the data.",
        "A estratégia {name} foi escolhida por servir aos dados.",
    ),
    "no_book": (
        "The source knows no sizes at the touch: the rule goes without the book (book_min=0).",
        "A fonte não tem quantidades na melhor oferta: a regra dispensa o livro (book_min=0).",
    ),
    "or": (" or ", " ou "),
    "fit_unused": (
        "The {kind} fit is not used: no column is {features}.",
        "O ajuste {kind} não é usado: nenhuma coluna é {features}.",
    ),
    "fit_later": (
        "The {kind} fit counts for sessions that start at or after {when} UTC: none of these does.",
        "O ajuste {kind} vale para pregões que começam em {when} UTC ou depois: nenhum destes começa.",
    ),
    "fit_from": (
        "The {kind} fit counts for sessions that start at or after {when} UTC.",
        "O ajuste {kind} vale para pregões que começam em {when} UTC ou depois.",
    ),
    "pin_until": (
        "The PIN series ends at {when} UTC; from then on pin_60 stays at {value}.",
        "A série de PIN termina em {when} UTC; daí em diante pin_60 fica em {value}.",
    ),
    "pin_stale": (
        "WARNING: the PIN series ended at {when} UTC, before the session before this one: pin_60 is an old value, {value}, "
        "throughout. Fit it again: quantumtrader fit pin --every session.",
        "ATENÇÃO: a série de PIN terminou em {when} UTC, antes do pregão anterior a este: pin_60 é um valor velho, {value}, "
        "o tempo todo. Ajuste-a de novo: quantumtrader fit pin --every session.",
    ),
    "implausible": (
        "WARNING: most prices are around {middle}, which {product} never traded at (plausible: {low} to {high} points). "
        "Is this the file of {symbol}? Results in money are worthless if it is not.",
        "ATENÇÃO: a maioria dos preços está em torno de {middle}, onde {product} nunca negociou (plausível: {low} a {high} "
        "pontos). Este é o arquivo de {symbol}? Se não for, os resultados em dinheiro nada valem.",
    ),
    "demo_description": (
        "synthetic WDO session, seed {seed}, {minutes} minutes, {events} events",
        "pregão sintético (synthetic) de WDO, semente {seed}, {minutes} minutos, {events} eventos",
    ),
    "demo_fee": (
        "synthetic data; fee of {fee} per contract and side for illustration",
        "dados sintéticos (synthetic); taxa de {fee} por contrato e lado, como ilustração",
    ),
}


# Reason codes, exit reasons and risk rules are the same in every file; Portuguese explains them.
_CODES_PT = {
    "in_position": "já posicionado",
    "cooldown": "pausa entre operações",
    "settling": "acomodação após a abertura",
    "no_touch": "sem melhor oferta válida",
    "no_price": "sem preço de referência",
    "wide_spread": "spread largo",
    "flow_neutral": "fluxo neutro",
    "book_disagrees": "livro discorda",
    "price_stretched": "preço esticado",
    "flow_and_book_agree": "fluxo e livro concordam",
    "no_trend": "sem tendência",
    "momentum_disagrees": "momento discorda",
    "move_exhausted": "movimento esgotado",
    "range_below_one_tick": "amplitude menor que um tick",
    "trend_with_momentum": "tendência com momento",
    "not_continuous": "fora do pregão contínuo",
    "session_ending": "pregão terminando",
    "session_end": "fim do pregão",
    "daily_loss_halt": "parado pela perda diária",
    "daily_loss": "perda diária",
    "kill_switch": "trava de segurança",
    "contract_roll": "rolagem de contrato",
    "recording_ended": "fim da gravação",
    "time_stop": "tempo esgotado",
    "book_turned": "livro virou contra a operação",
    "stop": "stop",
    "target": "alvo",
    "max_order_size": "tamanho máximo da ordem",
    "position_limit": "limite de posição",
    "price_collar": "limite de preço",
    "exit_price": "stop ou alvo sem preço possível",
    "order_rate": "ritmo de ordens",
    "auction": "leilão ou reabertura recente",
    "stale_data": "dados velhos",
    "invalid_book": "livro inválido",
    "max_notional": "valor máximo da ordem",
    "open_positions": "operações simultâneas",
    "correlation": "exposição correlacionada",
    "trade_risk": "risco da operação",
    "risk_reward": "relação retorno/risco",
    "volatility": "volatilidade fora da faixa",
    "trading_hours": "fora do horário",
    "lot_multiple": "múltiplo do lote",
    "reduce_only": "saída que não reduz",
    "unknown_state": "estado desconhecido",
    "broker": "rejeitada pela corretora",
}
_REFUSED_PT = {
    "lot_multiple": "{size:.0f} contratos, não é múltiplo de {lot:.0f}",
    "max_order_size": "{size:.0f} contratos, no máximo {limit:.0f}",
    "reduce_only": "uma saída de {size:+.0f} não reduz a posição de {position:+.0f}",
    "price_collar": "preço a {away:.0f} ticks da referência, no máximo {limit:.0f}",
    "position_limit": "{position:+.0f} em carteira, {working:.0f} em ordens e mais {size:+.0f}; no máximo {limit:.0f}",
    "order_rate": "{orders:.0f} entradas no último minuto, no máximo {limit:.0f}",
    "daily_loss": "o limite de perda da sessão foi atingido",
}
_RULES_PT = {
    "order_flow_baseline": "Compra quando flow_ofi_1m >= {flow_min:g}, book_ofi_norm_1m >= {book_min:g} (0: não exige) e "
    "vwap_z <= {z_max:g}, com spread de até {max_spread_ticks} tick(s); venda no caso espelhado. Stop de {stop_ticks} e "
    "alvo de {target_ticks} ticks, saída por tempo em {hold_s:g} s, {cooldown_s:g} s entre operações, nenhuma nos "
    "primeiros {settle_s:g} s após cada abertura.",
    "bar_trend_baseline": "Compra quando ema_cross_9_20 >= {cross_min:g} ATR e rsi_14 está em (50, {rsi_max:g}]; venda no "
    "caso espelhado. Stop de {stop_atr:g} ATR, alvo de {target_atr:g} ATR, saída por tempo em {hold_s:g} s, "
    "{cooldown_s:g} s entre operações.",
}


def explain(code: str, lang: str) -> str:
    """A reason code for a reader: as it is in English, with its meaning before it in Portuguese."""
    if lang != "pt":
        return code
    if code.startswith("not_ready_"):
        return f"indicador em aquecimento ({code})"
    words = _CODES_PT.get(code, code)
    return code if words == code else f"{words} ({code})"


def refusal(refused: Refused, lang: str) -> str:
    """What a refusal says; in Portuguese from its numbers, without the order's id."""
    if lang != "pt":
        return refused.message
    template = _REFUSED_PT.get(refused.rule)
    return explain(refused.rule, lang) if template is None else _commas(template.format(**refused.numbers))


def rule_text(strategy: Strategy, lang: str) -> str:
    """The rule in words; strategies that do not ship with the package have one language."""
    if lang != "pt" or strategy.name not in _RULES_PT:
        return strategy.rule
    parameters = strategy_parameters(strategy)
    return _commas(_RULES_PT[strategy.name].format(**parameters))


def _commas(text: str) -> str:
    return re.sub(r"(?<=\d)\.(?=\d)", ",", text)


def plural(n: int, what: str, lang: str) -> str:
    """``1 operação``, ``2 operações``; ``what`` is ``trade``, ``session`` or ``contract``."""
    return f"{count(n, lang)} {labels(lang)[what + ('_one' if n == 1 else '_many')]}"


def signed_contracts(n: int, lang: str) -> str:
    """``+2 contracts``, ``-1 contract``."""
    return f"{'+' if n > 0 else '-'}{plural(abs(n), 'contract', lang)}"


def labels(lang: str) -> dict[str, str]:
    """All words of one language.

    Raises
    ------
    ConfigError
        If the language is not one of ``LANGUAGES``.
    """
    at = language(lang)
    return {key: words[at] for key, words in LABELS.items()}
