"""Words of the report in English and Portuguese."""

from __future__ import annotations

from quantumtrader.pages.numbers import language

__all__ = ["DROPS", "WORDS", "words_of"]

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Training report", "Relatório de treinamento"),
    "synthetic": (
        "SYNTHETIC DATA: made by a generator, never seen on a market. Every number on this page is synthetic: it tests "
        "the software, not a model.",
        "DADOS SINTÉTICOS (SYNTHETIC): feitos por um gerador, nunca vistos em mercado. Todo número desta página é "
        "sintético: testa o software, não um modelo.",
    ),
    "verdict": ("Verdict", "Veredito"),
    "insufficient": ("insufficient", "insuficiente"),
    "not_measured": ("not measured", "não medido"),
    "undefined": ("not defined", "não definido"),
    "thin": ("books too thin to know", "livros rasos demais para saber"),
    "few_sessions": ("too few sessions", "poucos pregões"),
    "one_trial": ("needs two trials that trade", "precisa de duas tentativas que operem"),
    "no_variation": ("results do not vary", "os resultados não variam"),
    "to": ("to", "a"),
    "yes": ("yes", "sim"),
    "no": ("no", "não"),
    "value": ("Value", "Valor"),
    "sessions_word": ("sessions", "pregões"),
    # tiles
    "skill": ("Log-loss skill", "Ganho em log-loss"),
    "skill_hint": ("share of the base rate's loss removed", "parte da perda da taxa base eliminada"),
    "edge": ("Edge", "Vantagem"),
    "edge_unit": ("nats per row over the base rate", "nats por linha sobre a taxa base"),
    "net_trade": ("Net per trade", "Líquido por operação"),
    "net_unit": ("ticks, after spread, fees and slippage", "ticks, após spread, taxas e slippage"),
    "net_unit_free": (
        "ticks, after spread and slippage; fees unknown, counted as zero",
        "ticks, após spread e slippage; taxas desconhecidas, contadas como zero",
    ),
    "fees_unknown": (
        "Fees unknown: every result here is before fees. Give --fee, money per contract and side (exchange and broker "
        "together); --fee 0 where there really is none.",
        "Taxas desconhecidas: todo resultado aqui é antes das taxas. Informe --fee, dinheiro por contrato e lado (bolsa e "
        "corretora juntas); --fee 0 onde realmente não há.",
    ),
    "fees_unknown_found": ("fees unknown: give --fee", "taxas desconhecidas: informe --fee"),
    "net_15": ("Net at 1.5× cost", "Líquido com custo 1,5×"),
    "ticks_trade": ("ticks per trade", "ticks por operação"),
    "dsr": ("Deflated Sharpe", "Sharpe deflacionado"),
    "of_trials": ("independent trials", "tentativas independentes"),
    "pbo": ("PBO", "PBO"),
    "pbo_hint": ("probability of backtest overfitting", "probabilidade de sobreajuste do backtest"),
    "hit": ("Hit rate", "Taxa de acerto"),
    "p_star": ("p*, where nothing is earned", "p*, onde nada se ganha"),
    "size": ("Capacity", "Capacidade"),
    "contracts_word": ("contracts", "contratos"),
    # gate
    "gate": ("Promotion gate", "Portão de promoção"),
    "gate_hint": (
        "What the registry asks before a model may predict beside the market. What was not measured does not pass.",
        "O que o registro exige antes que um modelo possa prever ao lado do mercado. O que não foi medido não passa.",
    ),
    "condition": ("Condition", "Condição"),
    "met": ("Met", "Cumprida"),
    "found": ("Found", "Encontrado"),
    "wanted": ("Wanted", "Exigido"),
    "beats_baselines": ("Beats every baseline", "Supera todas as referências"),
    "net_at_1_5_cost": ("Net at 1.5 times the cost", "Líquido a 1,5 vez o custo"),
    "dsr_condition": (
        "Deflated Sharpe ratio at 1× the cost",
        "Índice de Sharpe deflacionado a 1 vez o custo",
    ),
    "markout_low": (
        "Net per trade at 1× the cost, lower bound",
        "Líquido por operação a 1 vez o custo, limite inferior",
    ),
    "pbo_condition": ("Probability of backtest overfitting", "Probabilidade de sobreajuste do backtest"),
    "placebos_condition": ("Placebos", "Placebos"),
    "parity": ("Replay gives the same rows and predictions", "O replay dá as mesmas linhas e previsões"),
    "on_paths": ("on {beaten} of {paths} paths", "em {beaten} de {paths} caminhos"),
    "want_paths": ("on {share} of the paths", "em {share} dos caminhos"),
    "above": ("above {value}", "acima de {value}"),
    "at_least": ("at least {value}", "ao menos {value}"),
    "at_most": ("at most {value}", "no máximo {value}"),
    "clean": ("clean", "limpo"),
    "not_clean": ("not clean", "não limpo"),
    # data
    "data": ("Data", "Dados"),
    "symbol": ("Instrument", "Instrumento"),
    "dates": ("Sessions", "Pregões"),
    "vault": ("Sessions in the vault", "Pregões no cofre"),
    "seen_before": ("{n} of them seen before", "{n} deles já vistos antes"),
    "rows": ("Rows", "Linhas"),
    "n_eff": ("Effective rows (n_eff)", "Linhas efetivas (n_eff)"),
    "n_eff_short": ("n_eff", "n_eff"),
    "tested": ("Tested out of sample", "Testadas fora da amostra"),
    "classes": ("Classes", "Classes"),
    "label": ("Label", "Rótulo"),
    "features": ("Features", "Features"),
    "clock": ("Sampling clock", "Relógio de amostragem"),
    "contracts": ("Contracts", "Contratos"),
    "dropped": ("Rows without a label", "Linhas sem rótulo"),
    "none_dropped": ("none", "nenhuma"),
    "manifest": ("Feature manifest", "Manifesto das features"),
    "sha256": ("Data hash", "Hash dos dados"),
    "tick": ("Tick", "Tick"),
    "tick_points": ("{size} points", "{size} pontos"),
    "tick_finer": (
        "Adjusted series: {n} of these ticks are one tick of the exchange",
        "Série ajustada: {n} destes ticks são um tick da bolsa",
    ),
    "engine": ("Engine", "Motor"),
    "policy": ("Policy", "Política"),
    "policy_text": (
        "trade the likelier side when it leads by {margin}; fees and slippage {cost} ticks a round trip",
        "opera o lado mais provável quando lidera por {margin}; taxas e slippage de {cost} ticks por operação",
    ),
    "policy_text_free": (
        "trade the likelier side when it leads by {margin}; slippage {cost} ticks a round trip, fees unknown",
        "opera o lado mais provável quando lidera por {margin}; slippage de {cost} ticks por operação, taxas desconhecidas",
    ),
    "half_life": (
        "Sessions in which the weight of training rows halves",
        "Pregões em que o peso das linhas de treino cai pela metade",
    ),
    "seed": ("Seed", "Semente"),
    "study": ("Study", "Estudo"),
    "model": ("Model", "Modelo"),
    # splits
    "splits": ("Splits", "Divisões"),
    "splits_hint": (
        "Every row is one split, time runs to the right. A training row never overlaps what is tested: such rows are "
        "purged, and those that follow a test within the embargo are left out.",
        "Cada linha é uma divisão, o tempo corre para a direita. Uma linha de treino nunca se sobrepõe ao que é testado: "
        "essas são expurgadas, e as que seguem um teste dentro do embargo ficam de fora.",
    ),
    "split": ("split", "divisão"),
    "train": ("train", "treino"),
    "purged": ("purged", "expurgadas"),
    "embargoed": ("embargoed", "em embargo"),
    "test": ("test", "teste"),
    # paths, slices
    "paths": ("Out-of-sample paths", "Caminhos fora da amostra"),
    "paths_hint": (
        "Each path predicts every tested session once, with models that did not see it. Intervals are 95 %, with each "
        "session as one observation.",
        "Cada caminho prevê cada pregão testado uma vez, com modelos que não o viram. Os intervalos são de 95 %, com cada "
        "pregão como uma observação.",
    ),
    "path": ("Path", "Caminho"),
    "trades": ("Trades", "Operações"),
    "total": ("Total ticks", "Total em ticks"),
    "skill_by_path": ("Skill by path", "Ganho por caminho"),
    "net_by_path": ("Net ticks by path", "Ticks líquidos por caminho"),
    "slices": ("Where it is", "Onde está"),
    "slices_hint": (
        "A part with fewer than 20 sessions or 500 effective decisions has no number: among many small parts one always "
        "wins.",
        "Uma parte com menos de 20 pregões ou 500 decisões efetivas não tem número: entre muitas partes pequenas uma "
        "sempre vence.",
    ),
    "regime": ("Regime", "Regime"),
    "hour": ("Hour", "Hora"),
    "volatility": ("Volatility", "Volatilidade"),
    "contract": ("Contract", "Contrato"),
    "roll": ("Roll week", "Semana de rolagem"),
    "roll_week": (
        "last session of a contract, two before it, two after it",
        "último pregão de um contrato, dois antes e dois depois dele",
    ),
    "other_weeks": ("all other sessions", "todos os demais pregões"),
    "cut_by": ("thirds of {name}", "terços de {name}"),
    "move": (
        "the session's mean move (known after it)",
        "o movimento médio do pregão (conhecido depois dele)",
    ),
    "given": ("the given measure", "a medida dada"),
    "low": ("low", "baixa"),
    "middle": ("middle", "média"),
    "high": ("high", "alta"),
    # calibration
    "calibration": ("Calibration", "Calibração"),
    "calibration_hint": (
        "Of the rows given a probability, this share came true. On the diagonal a probability means what it says.",
        "Das linhas com uma dada probabilidade, esta parte se cumpriu. Na diagonal a probabilidade diz o que significa.",
    ),
    "brier": ("Brier score", "Escore de Brier"),
    "log_loss": ("Log loss (nats)", "Log-loss (nats)"),
    "base_rate": ("base rate", "taxa base"),
    "pooled_skill": ("Skill over all paths", "Ganho sobre todos os caminhos"),
    "ece": ("ECE, class {name}", "ECE, classe {name}"),
    "predicted": ("predicted probability", "probabilidade prevista"),
    "observed": ("observed share", "parte observada"),
    "class_of": ("Class {name}", "Classe {name}"),
    "bin": ("From", "De"),
    # importance
    "importance": ("Importance", "Importância"),
    "importance_hint": (
        "Rise of the log loss on unseen rows, in nats per row, when all features of a family are scrambled.",
        "Aumento da log-loss em linhas não vistas, em nats por linha, quando todas as features de uma família são "
        "embaralhadas.",
    ),
    "family": ("Family", "Família"),
    "rise": ("Rise", "Aumento"),
    # money
    "money": ("After costs", "Depois dos custos"),
    "money_hint": (
        "One contract, mean over the paths. The cost of a round trip: {parts}.",
        "Um contrato, média dos caminhos. O custo de uma operação: {parts}.",
    ),
    "cost_parts": (
        "{spread} ticks of spread and {fees} of fees and slippage",
        "{spread} ticks de spread e {fees} de taxas e slippage",
    ),
    "cost_fees": (
        "{fees} ticks of fees and slippage; the spread is paid in every line, also in gross, and is not multiplied",
        "{fees} ticks de taxas e slippage; o spread está pago em toda linha, também no bruto, e não é multiplicado",
    ),
    "cost_parts_free": (
        "{spread} ticks of spread and {fees} of slippage; fees unknown, counted as zero",
        "{spread} ticks de spread e {fees} de slippage; taxas desconhecidas, contadas como zero",
    ),
    "cost_fees_free": (
        "{fees} ticks of slippage; fees unknown, counted as zero; the spread is paid in every line, also in gross, and is "
        "not multiplied",
        "{fees} ticks de slippage; taxas desconhecidas, contadas como zero; o spread está pago em toda linha, também no "
        "bruto, e não é multiplicado",
    ),
    "at_cost": ("Cost", "Custo"),
    "gross": ("gross", "bruto"),
    "per_trade": ("Ticks per trade", "Ticks por operação"),
    "per_session": ("per session", "por pregão"),
    "break_even_cost": ("Cost at which nothing is left", "Custo em que nada sobra"),
    "round_trip_cost": ("Cost of a round trip", "Custo de uma operação"),
    "ticks": ("ticks", "ticks"),
    "turnover": ("Trades, and per session", "Operações, e por pregão"),
    "holding": ("Mean holding time", "Tempo médio em posição"),
    "seconds": ("s", "s"),
    "hit_rate": ("Hit rate, and p*", "Taxa de acerto, e p*"),
    "win_loss": ("Mean win, mean loss (ticks)", "Ganho médio, perda média (ticks)"),
    "p_t": (
        "p_T: predicted moves that net more than zero",
        "p_T: movimentos previstos que rendem mais que zero",
    ),
    "equity": ("Ticks over the sessions, {lines}", "Ticks ao longo dos pregões, {lines}"),
    "session_range": (
        "95 % of the sessions lay between (ticks)",
        "95 % dos pregões ficaram entre (ticks)",
    ),
    "never_trades": (
        "It never leads by the policy's margin, so it never trades.",
        "Nunca supera a margem da política, portanto nunca opera.",
    ),
    # capacity
    "capacity": ("Capacity", "Capacidade"),
    "capacity_hint": (
        "Net ticks per contract when each trade is larger: walk of the displayed books plus a square-root law of impact.",
        "Ticks líquidos por contrato quando cada operação é maior: percurso dos livros exibidos mais a lei da raiz "
        "quadrada do impacto.",
    ),
    "no_books": (
        "No book is known at the entries: only the square-root law makes more contracts dearer, so these are upper bounds.",
        "Nenhum livro é conhecido nas entradas: só a lei da raiz quadrada encarece mais contratos, então estes são limites "
        "superiores.",
    ),
    "contracts_per_trade": ("Contracts per trade", "Contratos por operação"),
    "net_contract": ("Net ticks per contract", "Ticks líquidos por contrato"),
    "crosses": ("Net reaches zero at", "O líquido chega a zero em"),
    "participation": ("Allowed share of a minute's volume", "Parte permitida do volume de um minuto"),
    "books": ("Books that were walked", "Livros percorridos"),
    "both_allow": ("Contracts that both allow", "Contratos que ambos permitem"),
    # baselines
    "baselines": ("Baselines", "Referências"),
    "baselines_hint": (
        "What a line of code, or doing nothing, achieves on the same rows. Random side keeps the model's trades and draws "
        "their sides.",
        "O que uma linha de código, ou não fazer nada, consegue nas mesmas linhas. Lado aleatório mantém as operações do "
        "modelo e sorteia os lados.",
    ),
    "baseline": ("Baseline", "Referência"),
    "flat": ("flat: do nothing", "fora do mercado: não fazer nada"),
    "flat_short": ("doing nothing", "não fazer nada"),
    "buy_and_hold": ("buy and hold through each session", "comprar e segurar durante cada pregão"),
    "always_long": ("always long, trade after trade", "sempre comprado, operação após operação"),
    "random_side": ("random side, mean of {draws} draws", "lado aleatório, média de {draws} sorteios"),
    "random_band": ("5 % to 95 % of the draws", "5 % a 95 % dos sorteios"),
    "percentile": ("Draws that the model beats", "Sorteios que o modelo supera"),
    # choice
    "choice": ("How it was chosen", "Como foi escolhido"),
    "choice_hint": (
        "The model above was chosen by its own results. Chosen inside the training parts: each split's choice was made "
        "without its test. Rehearsal: walked forward, every test with a model of earlier sessions only, as it would have "
        "been used.",
        "O modelo acima foi escolhido pelos próprios resultados. Escolhido dentro das partes de treino: a escolha de cada "
        "divisão foi feita sem o seu teste. Ensaio: walk-forward, cada teste com um modelo só de pregões anteriores, como "
        "teria sido usado.",
    ),
    "nested_line": ("chosen inside the training parts", "escolhido dentro das partes de treino"),
    "rehearsal_line": ("rehearsal", "ensaio"),
    "networks": ("Networks", "Redes"),
    "networks_hint": (
        "A network takes the place of the best LightGBM only where a paired test on the same rows says that it loses less.",
        "Uma rede só toma o lugar do melhor LightGBM onde um teste pareado nas mesmas linhas diz que ela perde menos.",
    ),
    "network": ("Network", "Rede"),
    "against": ("Against", "Contra"),
    "less_loss": ("nats per row less lost", "nats por linha a menos de perda"),
    "ahead": ("Ahead", "À frente"),
    "level": ("p below (0.05 over the number tried)", "p abaixo de (0,05 pelo número de tentadas)"),
    "ships": ("May be chosen", "Pode ser escolhida"),
    # selection
    "selection": ("Luck of choosing", "Sorte da escolha"),
    "selection_hint": (
        "The more was tried, the better the best looks. The ledger counts everything that was evaluated. Ratios are of the "
        "net ticks per session at the cost as it is assumed (1×), a session without a trade being 0: they say whether that "
        "result is luck, not whether it would outlive a higher cost. That is the condition at 1.5×.",
        "Quanto mais se tenta, melhor parece o melhor. O registro conta tudo o que foi avaliado. Os índices são dos ticks "
        "líquidos por pregão ao custo suposto (1×), um pregão sem operação valendo 0: dizem se esse resultado é sorte, não "
        "se resistiria a um custo maior. Isso é a condição a 1,5×.",
    ),
    "lines": (
        "Lines in the ledger, inner splits included",
        "Linhas no registro, incluindo divisões internas",
    ),
    "configurations": ("Configurations, and independent ones (N)", "Configurações, e as independentes (N)"),
    "earlier_trials": (
        "Configurations of earlier trainings on these sessions, and what they add to N",
        "Configurações de treinamentos anteriores nestes pregões, e o que somam a N",
    ),
    "sharpe": (
        "Sharpe ratio per session at 1× the cost, annualised",
        "Índice de Sharpe por pregão a 1 vez o custo, anualizado",
    ),
    "sessions_behind": ("Sessions", "Pregões"),
    "moments": ("Skewness and kurtosis of the sessions", "Assimetria e curtose dos pregões"),
    "expected_best": (
        "Ratio per session that the best of N shows without skill",
        "Índice por pregão que o melhor de N mostra sem habilidade",
    ),
    "psr": ("PSR: true ratio above 0", "PSR: índice verdadeiro acima de 0"),
    "dsr_long": ("DSR: the same, after N trials", "DSR: o mesmo, depois de N tentativas"),
    "sessions_needed": ("Sessions until 95 % confidence", "Pregões até 95 % de confiança"),
    "pbo_long": ("PBO, over {n} trials that trade", "PBO, sobre {n} tentativas que operam"),
    "reality": (
        "White's reality check against {name}, p",
        "Reality check de White contra {name}, p",
    ),
    "spa": ("Hansen's SPA, p (lower to upper)", "SPA de Hansen, p (inferior a superior)"),
    "ranks": (
        "Future rank of past winners: 252 ways to cut time in halves",
        "Posição futura dos vencedores passados: 252 formas de dividir o tempo ao meio",
    ),
    # placebos
    "placebos": ("Placebos", "Placebos"),
    "placebos_hint": (
        "The same procedure on data in which there is nothing to find. It must find nothing, and lose money.",
        "O mesmo procedimento em dados em que não há nada a encontrar. Não deve encontrar nada, e deve perder dinheiro.",
    ),
    "placebo": ("Placebo", "Placebo"),
    "days_permuted": ("days permuted", "dias permutados"),
    "no_placebos": ("No placebo was run.", "Nenhum placebo foi feito."),
    "shifted": ("Labels shifted within sessions", "Rótulos deslocados dentro do pregão"),
    "shifted_hint": (
        "The same predictions with labels of later moments of the same session, less what each class gains on average in "
        "other sessions. Knowing only which session it is, or how often each class comes, brings nothing here; knowing the "
        "moment does.",
        "As mesmas previsões com rótulos de momentos posteriores do mesmo pregão, menos o que cada classe rende em média "
        "nos outros pregões. Saber só qual é o pregão, ou com que frequência vem cada classe, não rende nada aqui; conhecer "
        "o momento, sim.",
    ),
    "shifted_sessions": (
        "Sessions with labels to shift, draws of offsets",
        "Pregões com rótulos a deslocar, sorteios de deslocamentos",
    ),
    "shifted_edge": (
        "Edge over the shifted labels, nats per row",
        "Vantagem sobre os rótulos deslocados, nats por linha",
    ),
    "shifted_p": ("p, where the moment is not predicted", "p, se o momento não é previsto"),
    "no_later_label": (
        "labels reach over half of a session: none can be shifted",
        "os rótulos vão além de meio pregão: nenhum pode ser deslocado",
    ),
    "same_label": (
        "labels do not change within a session: shifting changes nothing",
        "os rótulos não mudam dentro do pregão: deslocar não muda nada",
    ),
    "no_trading": (
        "What trading would have brought is not known for these rows.",
        "O que operar teria rendido não é conhecido para estas linhas.",
    ),
    # end
    "notes": ("Notes", "Observações"),
    "reading": ("How to read this", "Como ler isto"),
    "reading_text": (
        "The null hypothesis is that there is no edge after costs. A number appears only where there are 20 sessions and "
        "500 effective observations behind it. Skill says whether the model knows anything, net per trade whether knowing "
        "it pays, DSR and PBO whether choosing among trials explains it, placebos whether the procedure itself invents it. "
        "A probability of profit is none of them.",
        "A hipótese nula é que não há vantagem depois dos custos. Um número só aparece quando há 20 pregões e 500 "
        "observações efetivas por trás dele. O ganho diz se o modelo sabe algo, o líquido por operação se saber isso "
        "compensa, DSR e PBO se a escolha entre tentativas o explica, os placebos se o próprio procedimento o inventa. "
        "Nenhum deles é uma probabilidade de lucro.",
    ),
    "version": ("Made by quantumtrader {version}", "Feito por quantumtrader {version}"),
    "risk_notice": (
        "Trading futures can lose more than was paid in. Nothing here is advice or a promise.",
        "Operar futuros pode perder mais do que foi depositado. Nada aqui é conselho ou promessa.",
    ),
}
"""Key to its words in both languages."""

DROPS = {
    "outside a session": "fora de um pregão",
    "beyond the session's end": "além do fim do pregão",
    "beyond the roll": "além da rolagem",
    "beyond the gap": "além da lacuna",
    "beyond the recording's end": "além do fim da gravação",
    "no side": "sem lado",
    "no volatility": "sem volatilidade",
    "no price": "sem preço",
    "no price to leave at": "sem preço para sair",
    "open at a gap": "aberta numa lacuna",
    "open at the recording's end": "aberta no fim da gravação",
    "session with a gap": "pregão com lacuna",
    "between decisions": "entre decisões",
    "features warming up": "features em aquecimento",
    "no mid": "sem preço médio",
    "no move": "sem movimento",
    "no value": "sem valor",
    "other side finds no price": "o outro lado não encontra preço",
}
"""Reason for which a row has no label, in Portuguese."""


def words_of(lang: str) -> dict[str, str]:
    """Return all words of one language.

    Raises
    ------
    ConfigError
        If the language is not known.
    """
    at = language(lang)
    return {key: words[at] for key, words in WORDS.items()}
