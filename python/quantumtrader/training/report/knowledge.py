"""What the model knows: by path, by part, by probability, by family of features."""

from __future__ import annotations

from quantumtrader.pages.html import escape, table
from quantumtrader.training.report import plots
from quantumtrader.training.report.frame import Frame, listed

__all__ = ["paths", "slices", "calibration", "importance"]


def paths(page: Frame) -> str:
    """Return the out-of-sample paths."""
    a, w, f = page.a, page.words, page.f
    if not a.paths:
        return page.section("paths", f.none())
    rows = [
        (
            str(k + 1),
            f.share(f"paths/{k}/skill", 2),
            f.interval(f"paths/{k}/edge", 5),
            f.plain(f"paths/{k}/trades"),
            f.interval(f"paths/{k}/net", 2),
            f.signed(f"paths/{k}/net_ticks"),
        )
        for k in range(len(a.paths))
    ]
    head = (w["path"], w["skill"], w["edge_unit"], w["trades"], w["ticks_trade"], w["total"])
    pictures = [(w["skill_by_path"], [100 * p.skill for p in a.paths], 2)]
    if a.money is not None and a.money.trades > 0:
        pictures.append((w["net_by_path"], [p.net_ticks for p in a.paths], 1))
    drawn = "".join(
        f"<div><h3>{title}{' (%)' if k == 0 else ''}</h3>{plots.paths_plot(values, page.lang, title, decimals)}</div>"
        for k, (title, values, decimals) in enumerate(pictures)
    )
    return page.section("paths", f'{page.wide(table(head, rows))}<div class="two">{drawn}</div>')


def slices(page: Frame) -> str:
    """Return the slices."""
    a, w, f = page.a, page.words, page.f
    if not a.slices:
        return page.section("slices", f.none())
    rows: list[tuple[str, ...]] = []
    for axis in dict.fromkeys(s.axis for s in a.slices):
        name = w[axis]
        if axis == "volatility":
            name += f" ({w['cut_by'].format(name=w.get(a.volatility, a.volatility))})"
        rows.append((f'<span class="axis">{escape(name)}</span>', *[""] * 7))
        rows += [
            (
                escape(w[s.name] if axis in ("volatility", "roll") else s.name),
                f.plain(f"slices/{k}/sessions"),
                f.plain(f"slices/{k}/n_eff"),
                f.share(f"slices/{k}/skill", 2),
                f.interval(f"slices/{k}/edge", 5),
                f.plain(f"slices/{k}/ece", 4),
                f.plain(f"slices/{k}/trades"),
                f.interval(f"slices/{k}/net", 2),
            )
            for k, s in enumerate(a.slices)
            if s.axis == axis
        ]
    head = (
        "",
        w["sessions_word"],
        w["n_eff_short"],
        w["skill"],
        w["edge_unit"],
        "ECE",
        w["trades"],
        w["ticks_trade"],
    )
    return page.section("slices", page.wide(table(head, rows)))


def calibration(page: Frame) -> str:
    """Return whether probabilities mean what they say."""
    a, w, f = page.a, page.words, page.f
    if a.quality is None:
        return page.section("calibration", f.none())
    facts = [
        (
            w["brier"],
            f"{f.plain('quality/brier', 5)} · {w['base_rate']} {f.plain('quality/base_brier', 5)}",
        ),
        (
            w["log_loss"],
            f"{f.plain('quality/log_loss', 5)} · {w['base_rate']} {f.plain('quality/base_log_loss', 5)}",
        ),
        (w["pooled_skill"], f.share("quality/skill", 2)),
    ]
    facts += [
        (w["ece"].format(name=escape(c.name)), f.plain(f"quality/classes/{k}/ece", 4))
        for k, c in enumerate(a.quality.classes)
    ]
    cells = []
    for k, c in enumerate(a.quality.classes):
        picture = plots.calibration_plot(c, page.lang, w["calibration"], w["predicted"], w["observed"])
        at = f"quality/classes/{k}/bins"
        rows = [
            (
                f.plain(f"{at}/edges/{b}", 1),
                f.plain(f"{at}/predicted/{b}", 3),
                f.plain(f"{at}/observed/{b}", 3),
                f.plain(f"{at}/weight/{b}", 0 if c.bins.weight[b] >= 10 else 1),
            )
            for b in range(len(c.bins.weight))
            if c.bins.weight[b] > 0
        ]
        head = (w["bin"], w["predicted"], w["observed"], w["n_eff_short"])
        cells.append(
            f"<div><h3>{w['class_of'].format(name=escape(c.name))}</h3>{picture}{page.wide(table(head, rows))}</div>"
        )
    return page.section("calibration", f'{listed(facts)}<div class="two">{"".join(cells)}</div>')


def importance(page: Frame) -> str:
    """Return the importance of the families."""
    a, w, f = page.a, page.words, page.f
    if not a.importance:
        return page.section("importance", f.none("not_measured"))
    known = [n for n, i in a.importance.items() if i is not None]
    order = sorted(known, key=lambda n: -a.importance[n].mean)  # type: ignore[union-attr]
    rows = [
        (escape(name), f.interval(f"importance/{name}", 5))
        for name in (*order, *(n for n in a.importance if n not in known))
    ]
    picture = plots.importance_plot(a.importance, page.lang, w["importance"]) if known else ""
    shown = page.wide(table((w["family"], w["rise"]), rows))
    return page.section("importance", f'<div class="two"><div>{picture}</div><div>{shown}</div></div>')
