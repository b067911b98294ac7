"""`axiom verify`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import chain
from typing import Annotated

import typer

from axiom_cli.commands import distributed
from axiom_cli.commands.auditor import Auditor
from axiom_cli.commands.pages import own_option, page
from axiom_cli.commands.streams import AsJson, Output, SkipBad, Source, records, suggest, summed_up, write
from axiom_cli.errors import GateFailedError, UsageError
from axiom_cli.records import Sample, Verdict
from axiom_cli.settings.configs import DistributeConfig, VerifyConfig
from axiom_cli.settings.options import choice, configured
from axiom_cli.terminal import console
from axiom_cli.wording import plural

app = typer.Typer(add_completion=False, rich_markup_mode=None)
Format = Annotated[
    str, choice("--format", ("verdicts", "solutions"), "All verdicts, or accepted solutions as plain rows.")
]
FailUnder = Annotated[
    float | None, typer.Option(metavar="RATE", help="Exit with code 6 if fewer than this share pass.")
]
AUDIT = (
    "Also audit the verifier: attacks, speed, wrong programs that pass, determinism. Reads problems too, or nothing. "
    "Exit with code 6 if an attack succeeds or the reference of a problem fails."
)
Audit = Annotated[bool, own_option("--audit", None, AUDIT)]


@app.command(
    **page(
        "axiom verify samples.jsonl -o verdicts.jsonl",
        "axiom verify samples.jsonl --fail-under 0.8",
        "axiom verify --audit",
    )
)
@configured("allow", "allow_checkers")
def verify(
    ctx: typer.Context,
    config: VerifyConfig,
    cluster: DistributeConfig,
    file: Source = None,
    output: Output = None,
    skip_bad: SkipBad = False,
    format: Format = "verdicts",
    fail_under: FailUnder = None,
    audit: Audit = False,
    json: AsJson = False,
) -> None:
    """Check samples: answers by their value, programs by hidden tests in the sandbox. Each sample gets a verdict."""
    from axiom_cli.verification.solution_rows import solution_rows
    from axiom_cli.verification.verify import record_check

    if fail_under is not None and not 0 <= fail_under <= 1:
        raise UsageError(f"--fail-under {fail_under} is not a rate", "a rate is between 0 and 1")
    if audit and cluster.distribute:
        raise UsageError("--audit and --distribute do not go together", "an audit checks the machine that it runs on")
    counts: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    auditor = Auditor(config) if audit else None
    check = record_check(config)
    samples = (
        auditor.samples(file, skip_bad, check) if auditor else records(file, Sample, skip_bad=skip_bad, check=check)
    )
    # In a pipe, the command before this one shows how far it is.
    watched = console.progress("verdicts") if file else nullcontext(lambda *_: None)
    with distributed.verifier(config, cluster) as verify_samples, watched as progress:
        verdicts = _counted(verify_samples(samples), counts, reasons, progress)
        verdicts = auditor.watched(verdicts) if auditor else verdicts
        first = next(verdicts, None)
        if first is not None:
            rows = chain([first], verdicts)
            by_family = summed_up(output, json)
            write(solution_rows(rows) if format == "solutions" and not by_family else rows, output, as_json=json)
    judged = counts["pass"] + counts["fail"]
    rate = counts["pass"] / judged if judged else 0.0
    if counts:
        console.note(f"{counts['pass']:,} of {plural(judged, 'sample')} passed ({rate:.1%})")
        suggest("axiom train", output, json)
    for blamed, reason in reasons.items():
        number = plural(counts[blamed], "sample")
        console.warn(f"{number} could not be judged: {blamed} failed, not the sample; first: {reason}")
    if auditor:
        auditor.report(ctx.obj.config.workspace, None if first else output, alone=first is None)
    if fail_under is not None and rate < fail_under:
        raise GateFailedError(f"{rate:.3f} of the samples passed, under {fail_under}")


def _counted(
    verdicts: Iterator[Verdict], counts: Counter[str], reasons: dict[str, str], progress: Callable[[], object]
) -> Iterator[Verdict]:
    """The same verdicts, counted by status; infra ones also by what failed, each with the first reason."""
    from axiom_cli.verification.verify import party_at_fault

    for verdict in verdicts:
        progress()
        counts[verdict.status] += 1
        if verdict.status == "infra":
            blamed = party_at_fault(verdict.reason)
            counts[blamed] += 1
            reasons.setdefault(blamed, verdict.reason)
        yield verdict
