"""The solve rate of each held-out problem after each round, in every format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from axiom_cli.evaluation.comparison import spoken
from axiom_cli.evaluation.solve_rates import PRIOR, ProblemRates, RoundCounts, by_evaluation, round_counts
from axiom_cli.report.formats import Findings, Table
from axiom_cli.wording import plural


def solve_rate_findings(experiment: str, rates: Sequence[ProblemRates]) -> Findings:
    """The problems as records; as a table, how many each model solves, round by round."""
    counted = {evaluation: (of, round_counts(of)) for evaluation, of in by_evaluation(rates).items()}
    tables = [_table(experiment, of, counts) for of, counts in counted.values()]
    rounds = [
        {"split": split, "temperature": heat, **count._asdict()}
        for (split, heat), (_, counts) in counted.items()
        for count in counts
    ]
    problems = [of.to_dict() for of in rates]
    value = {"experiment": experiment, "prior": list(PRIOR), "rounds": rounds, "problems": problems}
    return Findings(value, list(_csv_rows(rates)), tables, tables, problems)


def solve_rate_sentence(experiment: str, rates: Sequence[ProblemRates]) -> str:
    """How many problems the records are of, and how many models."""
    problems = len({(of.split, of.problem) for of in rates})
    models = len({count.iteration for of in rates for count in of.rounds})
    return f"{experiment}: solve rates of {plural(problems, 'held-out problem')} under {plural(models, 'model')}"


def _table(experiment: str, rates: Sequence[ProblemRates], counts: Sequence[RoundCounts]) -> Table:
    of, most = rates[0], max(count.n for rate in rates for count in rate.rounds)
    drawn = f"T = {of.temperature:g} x {most}" if of.temperature else "greedy"
    rows = [[str(count.iteration), *("" if value is None else f"{value:,}" for value in count[1:])] for count in counts]
    columns = ["model", "problems", "solved", "newly solved", "lost", "ever solved"]
    return Table(f"{experiment}: problems solved, {spoken(of.split)}, {drawn}", columns, rows, keys=1)


def _csv_rows(rates: Sequence[ProblemRates]) -> Iterator[dict[str, Any]]:
    for of in rates:
        about = {name: getattr(of, name) for name in ("problem", "family", "level", "split", "temperature")}
        for count in of.rounds:
            values = count.to_dict()
            low, high = values.pop("interval")
            yield {**about, **values, "low": low, "high": high}
