"""`axiom report`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from axiom_cli import jsonl
from axiom_cli.commands import completion
from axiom_cli.commands.pages import argument, own_option, page
from axiom_cli.commands.streams import draw, records, say, write
from axiom_cli.errors import UsageError
from axiom_cli.records import Verdict
from axiom_cli.report.formats import Findings, render
from axiom_cli.settings.options import choice, names
from axiom_cli.terminal import console

if TYPE_CHECKING:
    from axiom_cli.evaluation.ledger import Change
    from axiom_cli.report.outcome.summary import ExperimentSummary

app = typer.Typer(add_completion=False, rich_markup_mode=None)
COMPARED = "Two experiments (NAME or NAME@2), or two files of solutions, verdicts or metrics."
SCORED = "Verdicts scored by a value function (`solve --value-function`), to measure how well it ranks."
Experiments = Annotated[
    list[str] | None,
    argument("EXPERIMENT...", "Names under experiments/ [all], or files of verdicts.", completion.experiments),
]
Compare = Annotated[tuple[str, str] | None, own_option("--compare", "A B", COMPARED, complete=completion.experiments)]
Scored = Annotated[Path | None, own_option("--verdicts", "FILE", SCORED)]
TWO_FILES = "axiom report --compare A B compares two files of verdicts"
NEWLY_SOLVED = "The held-out problems that the start model failed and the selected one solves, as records."
LOST = "The held-out problems that the start model solved and the selected one fails, as records."
NewlySolved = Annotated[bool, own_option("--newly-solved", None, NEWLY_SOLVED)]
Lost = Annotated[bool, own_option("--lost", None, LOST)]
SOLVE_RATES = "The solve rate of each held-out problem after each round, as records."
SolveRates = Annotated[bool, own_option("--solve-rates", None, SOLVE_RATES)]
Html = Annotated[Path | None, own_option("--html", "FILE", "Also write a self-contained page.")]
Format = Annotated[str, choice("--format", ("table", "json", "csv", "md"), "How to write the report.")]
Open = Annotated[bool, own_option("--open", None, "Open the page in a browser.")]


@app.command(
    **page(
        "axiom report",
        "axiom report first --html report.html --open",
        "axiom report first second third --html runs.html",
        "axiom report first --lost > lost.jsonl",
        "axiom report --compare before.jsonl after.jsonl --format md",
    )
)
def report(
    experiment: Experiments = None,
    compare: Compare = None,
    verdicts: Scored = None,
    newly_solved: NewlySolved = False,
    lost: Lost = False,
    solve_rates: SolveRates = False,
    html: Html = None,
    format: Format = "table",
    open: Open = False,
) -> None:
    """Show the pass rates of experiments with intervals, and whether each round is better than the one before.

    Several that you name are also taken together, as runs of one recipe: mean and spread of their gains, and one paired
    test over all their problems. Files of verdicts get one row each.

    --verdicts measures a value function: AUROC, calibration, and best of N against the majority vote. --newly-solved
    and --lost write verdicts of the selected model, each with the start model's as the field `start`. --solve-rates
    writes what each model's samples say of each problem, with an interval.
    """
    from axiom_cli.evaluation.experiment_folder import experiment_names, read_experiment
    from axiom_cli.report.outcome.summary import summarize
    from axiom_cli.report.tables.experiment import experiment_findings
    from axiom_cli.report.tables.pooled import several_findings
    from axiom_cli.report.tables.transfer import transfer_file, transfer_findings

    lists = {"newly-solved": newly_solved, "lost": lost, "solve-rates": solve_rates}
    if wanted_lists := [name for name, wanted in lists.items() if wanted]:
        if compare or verdicts or html or open or len(wanted_lists) > 1:
            raise UsageError(
                f"--{wanted_lists[0]} lists problems and nothing else",
                "leave out --compare, --verdicts, --html and --open, and ask for one of the lists",
            )
        name = _experiment_to_list(names(experiment), wanted_lists[0])
        if solve_rates:
            _solve_rates(name, format)
        else:
            _changed(name, "newly solved" if newly_solved else "lost", format)
        return
    if verdicts:
        if experiment or compare:
            raise UsageError("--verdicts reports a value function and nothing else", "leave out the other names")
        _rank(verdicts, format, html, open)
        return
    if compare:
        if experiment:
            raise UsageError("--compare reports the two that it names and nothing else", "leave out the other names")
        if html or open:
            raise UsageError("a page shows an experiment, not a comparison", "--format md, json or csv writes one out")
        from axiom_cli.evaluation.comparison_sources import compare_named
        from axiom_cli.report.tables.comparison import comparison_findings

        show_findings(comparison_findings(compare_named(*compare)), format)
        return
    files = [name for name in names(experiment) if Path(name).is_file()]
    if files:
        _rates(files, names(experiment), format, bool(html or open))
        return
    wanted = names(experiment) or experiment_names() or ["self_improve_v1"]
    if len(wanted) == 1 and (path := transfer_file(wanted[0])):
        if html or open:
            raise UsageError(f"{wanted[0]} is a transfer run", "name one of its runs, whose page has the matrix, too")
        show_findings(transfer_findings(wanted[0], path), format)
        return
    for name in wanted:
        _refuse_part(name)
    summaries = [summarize(read_experiment(name)) for name in wanted]
    together = len(names(experiment)) > 1
    show_findings(several_findings(summaries) if together else experiment_findings(summaries), format)
    if html or open:
        if together:
            _write_pooled(summaries, html, launch=open)
            return
        if len(summaries) > 1:
            raise UsageError("a page shows the experiments that you name", "axiom report EXPERIMENT... --html FILE")
        write_page(summaries[0], html, launch=open)


def _refuse_part(name: str) -> None:
    """UsageError for one model or one control of an experiment: a report has them all."""
    from axiom_cli.evaluation.experiment_folder import experiment_names, split_arm

    experiment = split_arm(name.partition("@")[0])[0]
    if name != experiment and experiment in (known := experiment_names()) and name not in known:
        part, compared = ("controls", f"{experiment} {name}") if "+" in name else ("models", f"{experiment}@0 {name}")
        raise UsageError(
            f"a report of {experiment} has all of its {part}",
            f"axiom report {experiment} shows them, axiom report --compare {compared} two of them",
        )


def show_findings(findings: Findings, format: str = "table") -> None:
    """The findings in `format` on stdout; with `table` as tables and sentences on stderr, and as records on stdout if
    it is piped or with `--quiet`."""
    if format != "table":
        say(render(findings, format))
        return
    draw(findings.terminal)
    if console.data_wanted():
        write(findings.records, None)


def _experiment_to_list(named: list[str], option: str) -> str:
    """The one experiment whose problems are listed. UsageError for a file, and for several."""
    from axiom_cli.evaluation.experiment_folder import experiment_names

    wanted = named or experiment_names() or ["self_improve_v1"]
    if any(Path(name).is_file() for name in wanted):
        raise UsageError(f"--{option} lists the problems of an experiment, not of a file", TWO_FILES)
    if len(wanted) > 1:
        raise UsageError("one experiment at a time has its problems listed", f"name one of {', '.join(wanted)}")
    return wanted[0]


def _changed(name: str, change: Change, format: str) -> None:
    from axiom_cli.evaluation.experiment_folder import read_experiment
    from axiom_cli.evaluation.ledger import ledger
    from axiom_cli.report.tables.ledger import ledger_findings, ledger_sentence

    changes = ledger(read_experiment(name), change)
    if format == "table" and console.data_wanted():
        console.note(ledger_sentence(changes))
        write(changes.verdicts, None)
        return
    show_findings(ledger_findings(changes), format)
    if format == "table" and changes.verdicts:
        console.hint("pipe the command, or add > FILE, to get whole records with prompts and completions")


def _solve_rates(name: str, format: str) -> None:
    from axiom_cli.evaluation.experiment_folder import read_experiment
    from axiom_cli.evaluation.solve_rates import problem_rates
    from axiom_cli.report.tables.solve_rates import solve_rate_findings, solve_rate_sentence

    experiment = read_experiment(name)
    rates = problem_rates(experiment)
    findings = solve_rate_findings(experiment.name, rates)
    if format == "table" and console.data_wanted():
        console.note(solve_rate_sentence(experiment.name, rates))
        write(findings.records, None)
        return
    show_findings(findings, format)
    if format == "table":
        console.hint("pipe the command, or add > FILE, to get a record of each problem")


def _rates(files: list[str], named: list[str], format: str, page: bool) -> None:
    from axiom_cli.evaluation.experiment_folder import refuse_missing_file
    from axiom_cli.report.tables.rates import file_rates, rate_findings

    for name in named:
        refuse_missing_file(name)
    if files != named:
        raise UsageError("files of verdicts and experiments have separate tables", "name either, not both")
    if page:
        raise UsageError("a page shows an experiment, not a file", "--format md, json or csv writes one out")
    show_findings(rate_findings(file_rates(files)), format)


def _rank(file: Path, format: str, html: Path | None, open: bool) -> None:
    from axiom_cli.evaluation.value_ranking import rank
    from axiom_cli.report.pages.ranking import ranking_page
    from axiom_cli.report.tables.ranking import ranking_findings

    ranking = rank(records(file, Verdict))
    show_findings(ranking_findings(ranking), format)
    if html or open:
        _write(ranking_page(ranking), html or Path("ranking.html"), launch=open)


def write_page(summary: ExperimentSummary, html: Path | None = None, *, launch: bool = False) -> None:
    """Writes the report as a page, in the experiment's folder unless `html` names another file; `launch` opens it."""
    from axiom_cli.report.pages.experiment import page

    _write(page(summary), html or summary.experiment.folder.page, launch=launch, follow=bool(html))


def _write_pooled(summaries: list[ExperimentSummary], html: Path | None, *, launch: bool) -> None:
    from axiom_cli.report.pages.pooled import pooled_page
    from axiom_cli.report.tables.pooled import pool

    pooled = pool(summaries)
    if pooled is None:
        raise UsageError(
            "these experiments were not evaluated on a common split, so no page shows them together",
            "name one: axiom report EXPERIMENT --html FILE",
        )
    _write(pooled_page(summaries, pooled), html or Path("report.html"), launch=launch)


def _write(page: str, path: Path, *, launch: bool, follow: bool = True) -> None:
    with jsonl.atomic(path, follow=follow) as stream:
        stream.write(page.encode())
    console.note(f"page written to {path}")
    if launch:
        typer.launch(path.absolute().as_uri())
