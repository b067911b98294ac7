"""`axiom verify`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from axiom_cli import console
from axiom_cli.commands.streams import Output, SkipBad, Source, records, words, write
from axiom_cli.configs import VerifyConfig
from axiom_cli.errors import GateFailed, UsageError
from axiom_cli.options import GLOBAL_OPTIONS, configured
from axiom_cli.records import Problem, Sample, Verdict

app = typer.Typer(add_completion=False, rich_markup_mode=None)
Format = Annotated[str, typer.Option("--format", metavar="NAME", help="verdicts, or solutions: accepted plain rows.")]
FailUnder = Annotated[float | None, typer.Option(metavar="RATE", help="Exit 6 if fewer than this share pass.")]
Audit = Annotated[
    bool, typer.Option("--audit", help="Check each problem's tests by its own solution, too; exit 6 if they fail.")
]


@app.command(epilog=GLOBAL_OPTIONS)
@configured()
def verify(
    config: VerifyConfig,
    file: Source = None,
    output: Output = None,
    skip_bad: SkipBad = False,
    format: Format = "verdicts",
    fail_under: FailUnder = None,
    audit: Audit = False,
) -> None:
    """Check samples: exact match for answers, programs against hidden tests in the sandbox. One verdict a sample."""
    from axiom_cli.stages.solutions import solutions
    from axiom_cli.stages.verify import verify as check

    if format not in ("verdicts", "solutions"):
        raise UsageError(f"no format called {format!r}", "there are verdicts and solutions")
    if fail_under is not None and not 0 <= fail_under <= 1:
        raise UsageError(f"--fail-under {fail_under} is no rate", "a rate lies between 0 and 1")
    counts: Counter[str] = Counter()
    problems: dict[str, Problem] = {}
    verdicts = _counted(check(records(file, Sample, skip_bad=skip_bad), config), counts, problems if audit else None)
    rows: Iterator[Any] = solutions(verdicts) if format == "solutions" else verdicts
    write(rows, output)
    judged = counts["pass"] + counts["fail"]
    rate = counts["pass"] / judged if judged else 0.0
    console.note(f"{counts['pass']:,} of {words(judged, 'sample')} passed ({rate:.1%})")
    if counts["infra"]:
        console.warn(f"{words(counts['infra'], 'sample')} could not be judged: the machine failed, not the sample")
    if audit:
        _audit(list(problems.values()), config)
    if fail_under is not None and rate < fail_under:
        raise GateFailed(f"{rate:.3f} of the samples passed, under {fail_under}")


def _counted(
    verdicts: Iterator[Verdict], counts: Counter[str], problems: dict[str, Problem] | None
) -> Iterator[Verdict]:
    for verdict in verdicts:
        counts[verdict.status] += 1
        if problems is not None:
            problems.setdefault(verdict.sample.problem.id, verdict.sample.problem)
        yield verdict


def _audit(problems: list[Problem], config: VerifyConfig) -> None:
    from axiom_cli.stages.gold import unsound

    found = [f"{problem.id}: {why}" for problem, why in unsound(problems, config)]
    for line in found[:5]:
        console.warn(line)
    if found:
        raise GateFailed(f"the tests of {words(len(found), 'problem')} do not hold", "leave those problems out")
    console.note(f"the tests of {words(len(problems), 'problem')} hold")
