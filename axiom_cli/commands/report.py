"""`axiom report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from axiom_cli import jsonl
from axiom_cli.commands.streams import records, stdout, write
from axiom_cli.errors import UsageError
from axiom_cli.records import Verdict
from axiom_cli.settings.options import GLOBAL_OPTIONS, names
from axiom_cli.terminal import console

app = typer.Typer(add_completion=False, rich_markup_mode=None)
Experiments = Annotated[
    list[str] | None,
    typer.Argument(metavar="EXPERIMENT...", help="Names under experiments/ [all], or files of verdicts."),
]
Compare = Annotated[
    tuple[str, str] | None,
    typer.Option("--compare", metavar="A B", help="Two experiments (NAME@2), solutions, verdicts or metrics files."),
]
Scored = Annotated[
    Path | None,
    typer.Option("--verdicts", metavar="FILE", help="Verdicts of `solve --value NAME`: how well it ranks; - is stdin."),
]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write one self-contained page.")]
Format = Annotated[str, typer.Option("--format", metavar="NAME", help="table, json, csv or md.")]
Open = Annotated[bool, typer.Option("--open", help="Show the page in a browser.")]


@app.command(epilog=GLOBAL_OPTIONS)
def report(
    experiment: Experiments = None,
    compare: Compare = None,
    verdicts: Scored = None,
    html: Html = None,
    format: Format = "table",
    open: Open = False,
) -> None:
    """Pass rates per iteration with intervals, each round against the one before, and one honest sentence.

    A row each of files of verdicts. With --verdicts: AUROC, calibration and best of N of a value function, against
    majority vote.
    """
    from axiom_cli.evaluation.experiment import EXPERIMENTS, read_experiment
    from axiom_cli.report import summary as reports

    if format not in reports.FORMATS:
        raise UsageError(f"no format called {format!r}", f"there are {', '.join(reports.FORMATS)}")
    if verdicts:
        if experiment or compare:
            raise UsageError("--verdicts reports a value function and nothing beside it", "leave the other names out")
        _rank(verdicts, format, html, open)
        return
    if compare:
        if html or open:
            raise UsageError("a page shows an experiment, not a comparison", "--format md, json or csv writes one out")
        _compare(*compare, format)
        return
    files = [name for name in names(experiment) if Path(name).is_file()]
    if files:
        _rates(files, names(experiment), format, bool(html or open))
        return
    wanted = names(experiment) or sorted(path.parent.name for path in EXPERIMENTS.glob("*/metrics.jsonl"))
    found = [reports.report(read_experiment(name)) for name in wanted or ["self_improve_v1"]]
    if format == "table":
        show_tables(found)
    else:
        stdout().write(reports.render(found, format))
    if html or open:
        if len(found) > 1:
            raise UsageError("a page shows one experiment", "name one: axiom report EXPERIMENT --html FILE")
        path = write_page(found[0], html)
        if open:
            typer.launch(path.absolute().as_uri())


def _rates(files: list[str], asked: list[str], format: str, page: bool) -> None:
    from axiom_cli.evaluation.experiment import refuse_missing_file
    from axiom_cli.report import file_rates

    for name in asked:
        refuse_missing_file(name)
    if files != asked:
        raise UsageError("files of verdicts and experiments have tables of their own", "name either, not both")
    if page:
        raise UsageError("a page shows an experiment, not a file", "--format md, json or csv writes one out")
    found = file_rates.rates(files)
    if format != "table":
        stdout().write(file_rates.render(found, format))
        return
    if not console.is_quiet():
        console.table(*file_rates.table(found), keys=2)
    if console.data_wanted():
        write(found, None)


def _rank(file: Path, format: str, html: Path | None, open: bool) -> None:
    from axiom_cli.evaluation import value_ranking
    from axiom_cli.report.page_ranking import page as ranking_page

    found = value_ranking.rank(records(file, Verdict))
    if format != "table":
        stdout().write(value_ranking.render(found, format))
    else:
        if not console.is_quiet():
            console.table(*value_ranking.table(found))
        for line in (*value_ranking.facts(found), found.sentence):
            console.note(line)
        if console.data_wanted():
            write([found.to_dict()], None)
    if html or open:
        path = _write(ranking_page(found), html or Path("ranking.html"))
        if open:
            typer.launch(path.absolute().as_uri())


def show_tables(found: list[Any]) -> None:
    """Each report's table, each round against the one before, and the sentence; its metrics where data is wanted."""
    from axiom_cli.report import summary as reports

    for one in found:
        if not console.is_quiet():
            console.table(*reports.table(one), keys=reports.key_columns(one))
        for step in one.steps:
            console.note(step.sentence)
        console.note(one.sentence)
        if console.data_wanted():
            write(one.rows, None)


def _compare(before: str, after: str, format: str) -> None:
    from axiom_cli.evaluation.comparison_sources import compare_named, render_comparisons

    found = compare_named(before, after)
    if format != "table":
        stdout().write(render_comparisons(found, format))
        return
    for one in found:
        console.note(one.sentence)
    if console.data_wanted():
        write((one.to_dict() for one in found), None)


def write_page(found: Any, html: Path | None = None) -> Path:
    """The report as a page, in the experiment's folder unless `html` names another file."""
    from axiom_cli.report.page import page

    return _write(page(found), html or found.experiment.folder / "report.html")


def _write(page: str, path: Path) -> Path:
    with jsonl.atomic(path) as stream:
        stream.write(page.encode())
    console.note(f"page written to {path}")
    return path
