"""`axiom eval`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from axiom_cli.commands import completion
from axiom_cli.commands.pages import argument, page
from axiom_cli.commands.report import Format, show_findings
from axiom_cli.errors import GateFailedError, UsageError
from axiom_cli.settings.configs import EvalConfig
from axiom_cli.settings.options import configured, named
from axiom_cli.terminal import console
from axiom_cli.wording import plural

if TYPE_CHECKING:
    from axiom_cli.records import Verdict

app = typer.Typer(add_completion=False, rich_markup_mode=None)
CUT_OFF = 0.05
"""The share of completions that may reach --max-tokens before it is worth a warning."""
Models = Annotated[
    list[str],
    argument("MODEL...", "Models, each as for --model of axiom solve; several are compared.", completion.models),
]
FailUnder = Annotated[
    float | None, typer.Option(metavar="RATE", help="Exit with code 6 if a model solves fewer, greedily.")
]


@app.command(
    **page(
        "axiom eval nano --problems robot_walk:3-5 --count 200",
        "axiom eval nano self_improve_v1@best --problems mine.csv --samples 8",
        "axiom eval http://127.0.0.1:8000/v1#qwen --problems handwritten",
    )
)
@configured("problems", "column", "allow", "allow_checkers", complete=completion.FIELDS)
def eval(
    ctx: typer.Context,
    config: EvalConfig,
    model: Models,
    format: Format = "table",
    fail_under: FailUnder = None,
) -> None:
    """Measure how many problems a model solves, with intervals; several models are compared on the same problems.

    Each problem is solved greedily once, and with --samples several times more. What was sampled is remembered: the
    same command shows the same evaluation at once, and resumes an interrupted one.
    """
    from axiom_cli.experiment import evaluation
    from axiom_cli.report.tables.evaluation import evaluation_findings
    from axiom_cli.workspace.store import Workspace

    if fail_under is not None and not 0 <= fail_under <= 1:
        raise UsageError(f"--fail-under {fail_under} is not a rate", "a rate is between 0 and 1")
    names = named(model, "name a model: nano is always there")
    workspace = Workspace.open_or_create(ctx.obj.config.workspace or None)
    problems = evaluation.read_problems(config, workspace, console.note, console.warn)
    total = len(problems) * len(names) * len(evaluation.plan(config))
    with console.progress("problems", total) as progress:
        evaluations = evaluation.evaluate_models(
            names, problems, config, workspace, lambda label, done: progress(done, label)
        )
    for evaluated in evaluations:
        for sentence in losses(evaluated.verdicts):
            console.warn(f"{evaluated.model.name}: {sentence}")
    rows = [row for evaluated in evaluations for row in evaluated.rows]
    show_findings(evaluation_findings(rows, evaluation.compare_all(evaluations)), format)
    for row in evaluation.below(evaluations, fail_under or 0.0):
        raise GateFailedError(f"{row.experiment} solves {row.rate:.3f} of the problems, under {fail_under}")


def losses(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """What stands in the way of a fair figure: samples that failed, that were cut off, or that could not be judged."""
    failed = [verdict.sample for verdict in verdicts if verdict.sample.finish == "error"]
    if failed:
        yield f"{plural(len(failed), 'sample')} failed: {failed[0].extra.get('error')}"
    infra = [verdict for verdict in verdicts if verdict.status == "infra"]
    if infra:
        yield f"{plural(len(infra), 'sample')} could not be judged, and {'are' if infra[1:] else 'is'} left out: " + (
            infra[0].reason
        )
    cut = sum(verdict.sample.finish == "length" for verdict in verdicts)
    if cut > CUT_OFF * len(verdicts):
        yield f"{cut:,} of {plural(len(verdicts), 'sample')} were cut off: a larger --max-tokens may solve more"
