"""Newly solved and lost problems, in every format."""

from __future__ import annotations

from collections import Counter
from typing import Any

from axiom_cli.evaluation.comparison import spoken
from axiom_cli.evaluation.ledger import Ledger
from axiom_cli.problems import answers
from axiom_cli.records import Verdict
from axiom_cli.report.formats import Findings, Table
from axiom_cli.wording import listed, plural

LONGEST = 28
"""Characters of an answer in a table."""


def ledger_findings(ledger: Ledger) -> Findings:
    """The problems as records, and as a table with what the model that failed said."""
    failed = f"model {ledger.start if ledger.change == 'newly solved' else ledger.selected}"
    rows = [_row(verdict, ledger) for verdict in ledger.verdicts]
    table = Table(
        f"{ledger.experiment}: {ledger.change} on {spoken(ledger.split)}",
        ["problem", "family", "level", "right answer", f"{failed} said"],
        [[_short(str(cell)) for cell in row.values()] for row in rows],
        keys=1,
    )
    sentence = ledger_sentence(ledger)
    parts: list[Table | str] = [table, sentence] if rows else [sentence]
    value = {
        **{name: getattr(ledger, name) for name in ("experiment", "split", "start", "selected", "change", "paired")},
        "count": len(rows),
        "problems": [verdict.to_dict() for verdict in ledger.verdicts],
    }
    return Findings(value, rows, parts, parts, ledger.verdicts)


def ledger_sentence(ledger: Ledger) -> str:
    """How many problems were newly solved or lost, out of how many, and the count of each family."""
    if ledger.start == ledger.selected:
        return f"{ledger.experiment}: the start model stays selected, so no problem was newly solved or lost."
    before, now = ("failed", "solves") if ledger.change == "newly solved" else ("solved", "fails")
    families = Counter(verdict.sample.problem.family for verdict in ledger.verdicts)
    parts = listed([f"{family} {number:,}" for family, number in sorted(families.items())]) if families else ""
    problems = plural(ledger.paired, f"{spoken(ledger.split)} problem")
    change = f"{len(ledger.verdicts):,} that the start model {before} and model {ledger.selected} {now}"
    return f"{ledger.experiment}: {ledger.change}, of {problems}: {change}{f' ({parts})' * (len(families) > 1)}."


def _row(verdict: Verdict, ledger: Ledger) -> dict[str, Any]:
    """A problem as a line of CSV. What the model that failed `said` is its answer, or else why it failed."""
    problem = verdict.sample.problem
    wrong = Verdict.from_dict(verdict.extra["start"]) if ledger.change == "newly solved" else verdict
    answer = answers.read_answer(wrong.sample.text) if problem.answer is not None else None
    said = answer if answer is not None and wrong.sample.finish == "stop" else wrong.reason
    about = {"problem": problem.id, "family": problem.family, "level": problem.level}
    return {**about, "answer": problem.answer or "", "said": said}


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST else f"{flat[: LONGEST - 3]}..."
