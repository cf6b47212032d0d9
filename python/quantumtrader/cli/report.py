"""``quantumtrader report``: the page of a training, written again from what its assessment holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantumtrader.cli import output
from quantumtrader.cli.source_options import AsJson

if TYPE_CHECKING:
    from quantumtrader.training.assessment import Assessment

FOLDER, PAGE = "assessment", "report.html"


def command(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder of a training, or of an assessment in it.")
    ],
    lang: Annotated[str, typer.Option("--lang", help="Language of the page.")] = "en",
    open_page: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the offline page of a training: report.html in its folder, replaced where it is there.

    Nothing is computed again: every number is one that was recorded when the training ended. A dual training has a page of
    its own besides, on which both models are compared.
    """
    from quantumtrader.training.assessment import Assessment
    from quantumtrader.training.pipelines.decision import SUMMARY, read_summary
    from quantumtrader.training.report import write_join, write_report

    found = [(place, page, Assessment.load(place)) for place, page in places(folder)]
    for _, page, assessment in found:
        write_report(assessment, page, lang)
    if (folder / SUMMARY).is_file():
        write_join(read_summary(folder / SUMMARY), folder / PAGE, lang)
    if open_page:
        import webbrowser

        for _, page, _ in found:
            webbrowser.open(page.resolve().as_uri())
    if as_json:
        documents = [{"report": str(page), "assessment": str(place), **_brief(a)} for place, page, a in found]
        output.print_json(documents[0] if len(documents) == 1 else documents)
        return
    for _, page, assessment in found:
        show(assessment, page, lang)


def places(folder: Path) -> list[tuple[Path, Path]]:
    """Return the assessments of a folder, each with the path of its page.

    The page lies beside the folder ``assessment`` of a training; an assessment in a folder of its own name has it inside.
    """
    from quantumtrader.training.assessment.folder import DOCUMENT

    for inside in (folder, folder / FOLDER):
        if (inside / DOCUMENT).is_file():
            whole = inside.name == FOLDER
            return [(inside, (inside.parent if whole else inside) / PAGE)]
    # An assessment for each target of a book training, which may be one half of a dual one.
    several = sorted(
        {p.parent for depth in ("*", "*/*", "*/*/*") for p in folder.glob(f"{depth}/{DOCUMENT}")}
    )
    # A folder without any: reading it says what is missing.
    return [place for part in several for place in places(part)] or [(folder / FOLDER, folder / PAGE)]


def show(assessment: Assessment, page: Path | None, lang: str) -> None:
    """Print verdict and conditions of the gate, in the language of the page."""
    from quantumtrader.training.assessment.verdict import verdict_text
    from quantumtrader.training.report.gate import gate_head, gate_rows

    output.line(verdict_text(assessment, lang))
    title, columns = gate_head(lang)
    output.table(title, columns, gate_rows(assessment, lang), wrap=columns[2:])
    if page is not None:
        output.line(str(page))


def _brief(assessment: Assessment) -> dict[str, Any]:
    """Return the document without what only pictures need."""
    document = assessment.to_document()
    document["picture"] = {"scheme": document["picture"]["scheme"], "splits": len(assessment.picture.rows)}
    return document
