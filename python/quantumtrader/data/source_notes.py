"""What a source says of itself, in the language of the report.

Lakes keep these notes in English beside the data, so they are translated when they are shown.
"""

from __future__ import annotations

import re

__all__ = ["in_language"]

_PORTUGUESE = {
    "adjusted series: prices are off the exchange's tick grid and are kept in steps of {}, flagged ADJUSTED": (
        "série ajustada: os preços estão fora da grade de ticks da bolsa e ficam em passos de {}, marcados ADJUSTED"
    ),
    "bars of {} s": "barras de {} s",
    "times taken as {}; --timezone says otherwise": "horários lidos como {}; --timezone informa outro fuso",
    "columns that are not known are left out: {}": "colunas desconhecidas ficaram de fora: {}",
    "{} rows changed place when sorted by time": "{} linhas mudaram de lugar ao ordenar pelo tempo",
    "{} events changed place when sorted by time": "{} eventos mudaram de lugar ao ordenar pelo tempo",
    "{} trades later cancelled were left out: at the time the market had seen them": (
        "{} negócios cancelados depois ficaram de fora: na hora, o mercado os tinha visto"
    ),
    "no aggressor in the file: inferred by the tick rule, flagged SIDE_INFERRED": (
        "sem agressor no arquivo: inferido pela regra do tick, marcado SIDE_INFERRED"
    ),
    "no aggressor in the file: inferred by the quote rule, flagged SIDE_INFERRED": (
        "sem agressor no arquivo: inferido pela regra da cotação, marcado SIDE_INFERRED"
    ),
    "no aggressor in the file: inferred from the orders that lost the amount for {} of {} trades, flagged SIDE_INFERRED": (
        "sem agressor no arquivo: inferido pelas ofertas que perderam a quantidade em {} de {} negócios, marcado "
        "SIDE_INFERRED"
    ),
    "no volume in the file: stored as 0": "sem volume no arquivo: gravado como 0",
    "the format does not say whether prices are bid or mid": (
        "o formato não diz se os preços são de compra ou médios"
    ),
    "the log begins without a book: what rested before is not known": (
        "o registro começa sem livro: o que já estava nele não se conhece"
    ),
    "no file of trades beside it: orders alone": "sem arquivo de negócios ao lado: só ofertas",
    "{} amounts are rounded down to whole steps of {}": (
        "{} quantidades foram arredondadas para baixo a passos inteiros de {}"
    ),
    "{} records are about orders that were deleted before: left out": (
        "{} registros são de ofertas já apagadas: ficaram de fora"
    ),
    "{} deletes are about orders that were never seen: left out": (
        "{} exclusões são de ofertas nunca vistas: ficaram de fora"
    ),
    "{} depth rows from before the snapshot are part of it and left out": (
        "{} linhas de profundidade anteriores à imagem do livro já estão nela e ficaram de fora"
    ),
    "no {}: the stream has no {}": "sem {}: o fluxo não tem {}",
    "{} breaks in the chain of update ids: the book is invalid from the first on": (
        "{} quebras na sequência de ids de atualização: o livro é inválido a partir da primeira"
    ),
    "the book file has one level: stream of trades and quotes": (
        "o arquivo do livro tem um nível: fluxo de negócios e cotações"
    ),
    "no order book file: orders that rested before the first message are not known": (
        "sem arquivo do livro: as ofertas anteriores à primeira mensagem não se conhecem"
    ),
    "{} messages are about orders outside the initial book": "{} mensagens são de ofertas fora do livro inicial",
    "{} rows give neither a trade nor a quote (no last price with a volume, or no deal in FLAGS): line {}": (
        "{} linhas não dão negócio nem cotação (sem último preço com volume, ou sem negócio em FLAGS): linha {}"
    ),
    "the last {} bytes were not written to the end": "os últimos {} bytes não foram gravados até o fim",
    "{} rows of the source were rejected": "{} linhas da origem foram rejeitadas",
    "{} is named after {}, and was read as {}: is --symbol the right one?": (
        "{} tem o nome de {}, e foi lido como {}: o --symbol está certo?"
    ),
    "{}: the last {} bytes were not written to the end": "{}: os últimos {} bytes não foram gravados até o fim",
    "each row's volume is one trade at its last price: several may hide in it": (
        "o volume de cada linha é um negócio ao último preço: pode esconder vários"
    ),
    "times have whole seconds; trades of one second keep the order of the file": (
        "os horários têm segundos inteiros; negócios do mesmo segundo ficam na ordem do arquivo"
    ),
    "{} trades have an aggressor that is not known: side 0": "{} negócios têm agressor desconhecido: lado 0",
    "{} fill records (F) repeat their trades and are left out": (
        "{} registros de execução (F) repetem seus negócios e ficaram de fora"
    ),
    "{}: {} events are missing and {} out of order without a gap marker, first at sequence {}": (
        "{}: faltam {} eventos e {} estão fora de ordem sem marca de lacuna, o primeiro na sequência {}"
    ),
    "taken until the damage: {}": "lido até o dano: {}",
    "recorded in {} parts, with a gap marker between them": "gravado em {} partes, com marca de lacuna entre elas",
    "{} goes from {} to {} and is not marked as adjusted: unless its source adjusted it, prices jump at each roll, and "
    "results of positions held over one are not real": (
        "{} passa de {} a {} e não está marcada como ajustada: se a origem não a ajustou, os preços saltam a cada rolagem, "
        "e resultados de posições mantidas através de uma não são reais"
    ),
}
_PATTERNS = [
    (re.compile("(.+?)".join(re.escape(part) for part in english.split("{}"))), portuguese)
    for english, portuguese in _PORTUGUESE.items()
]


def in_language(note: str, lang: str) -> str:
    """Return a note of a source in the language of a report.

    Parameters
    ----------
    note : str
        In English.
    lang : str
        ``en`` or ``pt``.

    Returns
    -------
    str
        A note that is not known, such as one from a lake of another version, stays as it is.

    Examples
    --------
    >>> in_language("bars of 60 s", "pt")
    'barras de 60 s'
    """
    if lang != "pt":
        return note
    for pattern, portuguese in _PATTERNS:
        if found := pattern.fullmatch(note):
            return portuguese.format(*found.groups())
    return note
