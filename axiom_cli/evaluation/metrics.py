"""Verdicts of a split -> Metrics records: overall, per family, per level, and per family and level.

Greedy samples (temperature 0) and each other temperature give rows of their own, told apart by `temperature` in the
row. Infra verdicts are the machine's failures: never counted as wrong, always counted. docs/metrics.md lists the
fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from axiom_cli.errors import NothingToDoError
from axiom_cli.ids import content_id
from axiom_cli.problems.reasoning import has_reasoning
from axiom_cli.problems.written_programs import parses
from axiom_cli.records import Metrics, Verdict
from axiom_cli.statistics import cluster_bootstrap, pass_curve, wilson

ALL = "all"
HARD = 0.6
"""The greedy rate of the start model up to which a family at a level is a hard cell: unfiltered samples are judged
there, and wrong verdicts planted."""


@dataclass
class Tally:
    """What is known of one problem at one temperature: counts of samples."""

    problem: str
    family: str
    level: int
    judged: int = 0
    passed: int = 0
    infra: int = 0
    parsed: int = 0
    reasoned: int = 0
    reasoned_passed: int = 0
    formed_reasoned: int = 0
    truncated: int = 0
    tokens: int = 0

    def add(self, verdict: Verdict) -> None:
        """Counts one verdict."""
        self.tokens += verdict.sample.tokens
        if verdict.status == "infra":
            self.infra += 1
            return
        self.judged += 1
        self.passed += verdict.passed
        parsed, reasoned = parses(verdict.sample), has_reasoning(verdict.sample.text)
        self.parsed += parsed
        self.formed_reasoned += parsed and reasoned
        self.reasoned += reasoned
        self.reasoned_passed += reasoned and verdict.passed
        self.truncated += verdict.sample.finish == "length"


def tally(verdicts: Iterable[Verdict]) -> dict[float, list[Tally]]:
    """The problems' tallies by temperature, lowest first. Holds a few numbers a problem, not the verdicts."""
    by_heat: dict[float, dict[str, Tally]] = {}
    for verdict in verdicts:
        problem = verdict.sample.problem
        tallies = by_heat.setdefault(temperature_of(verdict), {})
        tallies.setdefault(problem.id, Tally(problem.id, problem.family, problem.level)).add(verdict)
    return {heat: list(by_heat[heat].values()) for heat in sorted(by_heat)}


def temperature_of(verdict: Verdict) -> float:
    """The temperature that a verdict's sample was drawn at; 0 is greedy."""
    return float(verdict.sample.params.get("temperature", 0.0))


def evaluate(  # noqa: PLR0913 - each is a field of the record
    verdicts: Iterable[Verdict],
    experiment: str,
    iteration: int = 0,
    split: str = "test",
    seconds: float = 0.0,
    extra: Mapping[str, Any] | None = None,
) -> list[Metrics]:
    """The metrics of one model on one split. Reads `verdicts` once; the first row is the overall greedy one if any.

    `seconds` is the wall time of sampling and verifying, written in the first row. `extra` goes into every row, such as
    `arm`, `model` or `digest`. Raises NothingToDoError where there is no verdict at all.
    """
    rows: list[Metrics] = []
    for heat, tallies in tally(verdicts).items():
        for family, level, group in groups(tallies):
            measured, counts = _measure(group)
            rows.append(
                Metrics(
                    experiment=experiment,
                    iteration=iteration,
                    split=split,
                    family=family,
                    level=level,
                    seconds=0.0 if rows else round(seconds, 3),
                    extra={"phase": "evaluate", "temperature": heat, **(extra or {}), **counts},
                    **measured,
                )
            )
    if not rows:
        raise NothingToDoError("there are no verdicts to evaluate", "axiom verify writes verdict records")
    return rows


def groups(tallies: Sequence[Tally]) -> Iterator[tuple[str, int, list[Tally]]]:
    """(family, level, its tallies): everything, then each family, each level, each family at each level."""
    yield ALL, 0, list(tallies)
    families = sorted({t.family for t in tallies})
    levels = sorted({t.level for t in tallies})
    for family in families:
        yield family, 0, [t for t in tallies if t.family == family]
    for level in levels:
        yield ALL, level, [t for t in tallies if t.level == level]
    for family in families:
        for level in levels:
            group = [t for t in tallies if t.family == family and t.level == level]
            if group:
                yield family, level, group


def _measure(group: Sequence[Tally]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a group of problems gives for a Metrics record: its own fields, and those in `extra`."""
    judged = [t for t in group if t.judged]
    passes, samples = [t.passed for t in judged], [t.judged for t in judged]
    n, passed = sum(samples), sum(passes)
    reasoned, reasoned_passed = sum(t.reasoned for t in group), sum(t.reasoned_passed for t in group)
    interval = wilson(passed, n) if n == len(judged) else cluster_bootstrap(passes, samples)
    measured = {
        "n": n,
        "passed": passed,
        "rate": passed / n if n else 0.0,
        "interval": [round(bound, 6) for bound in interval],
        "pass_at": {str(k): round(value, 6) for k, value in enumerate(pass_curve(passes, samples), 1)},
        "tokens": sum(t.tokens for t in group),
    }
    counts = {
        "problems": len(judged),
        "infra": sum(t.infra for t in group),
        "parsed": _share(sum(t.parsed for t in group), n) or 0.0,
        "reasoned": _share(reasoned, n) or 0.0,
        "rate_reasoned": _share(reasoned_passed, reasoned),
        "rate_bare": _share(passed - reasoned_passed, n - reasoned),
        "truncated": sum(t.truncated for t in group),
        "set": content_id(sorted(t.problem for t in judged), 16),
    }
    return measured, counts


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def phase_row(  # noqa: PLR0913 - each is a field of the record
    experiment: str,
    iteration: int,
    phase: str,
    seconds: float,
    tokens: int = 0,
    n: int = 0,
    passed: int = 0,
    extra: Mapping[str, Any] | None = None,
) -> Metrics:
    """One phase of a round as a metrics record: `collect` (n samples, passed accepted), `train` (n rows; extra
    `replay` = realised shares of loss tokens by `new`, `history`, `cold`, `selection` = what became of the round's
    samples), `merge` (extra `digest`, `certificate`).

    `iteration` is the round, from 0, as in solutions/iter_0.jsonl: round i turns model i into model i + 1.
    """
    return Metrics(
        experiment=experiment,
        iteration=iteration,
        split="train",
        family=ALL,
        level=0,
        n=n,
        passed=passed,
        rate=passed / n if n else 0.0,
        interval=[round(bound, 6) for bound in wilson(passed, n)],
        seconds=round(seconds, 3),
        tokens=tokens,
        extra={"phase": phase, **(extra or {})},
    )


def temperature(row: Metrics) -> float:
    """The temperature of an evaluation row; 0 is greedy."""
    return float(row.extra.get("temperature", 0.0))


def best_iteration(rows: Iterable[Metrics], experiment: str) -> int | None:
    """The iteration with the highest overall greedy rate on validation (else at the lowest temperature); ties go to the
    earliest. None where validation was never evaluated. The test split plays no part in it."""
    overall = [
        row
        for row in rows
        if row.experiment == experiment
        and row.split == "val"
        and (row.family, row.level) == (ALL, 0)
        and row.extra.get("phase") == "evaluate"
    ]
    best = min(overall, key=lambda row: (temperature(row), -row.rate, row.iteration), default=None)
    return best.iteration if best else None
