"""What an experiment came to: pass rates per iteration with intervals, steps from N to N+1, and the final sentence.

The round is selected on validation; the final comparison is start against selected on the test split, made once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from axiom_cli.errors import UsageError
from axiom_cli.evaluation.comparison import Comparison, percent, points, spoken
from axiom_cli.evaluation.comparison_sources import FORMATS, Point, compare_points, csv_text, markdown_table
from axiom_cli.evaluation.experiment import Experiment, temperature
from axiom_cli.evaluation.metrics import ALL
from axiom_cli.records import Metrics

SPLITS = ("val", "test")
HABIT = 0.02
"""Change of the share of answers with reasoning from which on the sentence tells it."""


@dataclass(frozen=True)
class Report:
    """All that is printed or drawn. `steps` hold N against N+1; `final` start against selected, greedy first."""

    experiment: Experiment
    selected: int
    rows: list[Metrics]
    steps: list[Comparison]
    final: list[Comparison]
    controls: dict[str, Comparison]

    @property
    def verdict(self) -> str:
        """`better`, `worse` or `inconclusive`, of the headline comparison."""
        return self.final[0].verdict if self.final else "inconclusive"

    @property
    def sentence(self) -> str:
        """The one honest sentence, with what the control arms add to it."""
        if not self.final:
            return self._no_change()
        chosen_here = " The same problems chose the round, so this is optimistic." * (self.final[0].split == "val")
        against = "".join(map(_against, self.controls.items()))
        return self.final[0].sentence + chosen_here + against + self._habit()

    def _no_change(self) -> str:
        evaluated = self.experiment.iterations()
        if len(evaluated) < 2:
            return "Inconclusive: only one model was evaluated, so there is nothing to compare."
        if self.selected == evaluated[0]:
            return "Inconclusive: no round passed more validation problems than the start model, which stays selected."
        return "Inconclusive: the start and the selected model were not evaluated on a common split."

    def reasoned(self) -> tuple[float, float] | None:
        """The shares of answers with reasoning, of the start and of the selected model, where the headline was
        measured; None where they are not known."""
        ends = [self._greediest(iteration) for iteration in (self.experiment.iterations()[0], self.selected)]
        shares = [row.extra["reasoned"] for row in ends if row and "reasoned" in row.extra]
        return (shares[0], shares[1]) if len(shares) == 2 else None

    def _greediest(self, iteration: int) -> Metrics | None:
        rows = self.experiment.evaluations(split=self.final[0].split) if self.final else []
        return next((row for row in rows if row.iteration == iteration), None)

    def _habit(self) -> str:
        shares = self.reasoned()
        if shares is None or abs(shares[1] - shares[0]) < HABIT:
            return ""
        return f" It reasons in {percent(shares[1])} of its answers, the start model in {percent(shares[0])}."

    def families(self) -> list[str]:
        """The families that were evaluated."""
        return sorted({row.family for row in self.experiment.rows if row.family != ALL})


def _against(control: tuple[str, Comparison]) -> str:
    arm, comparison = control
    low, high = comparison.interval
    difference = f"{points(comparison.difference)} points ({points(low)} to {points(high)})"
    where = "" if comparison.split == "test" else f" on {spoken(comparison.split)} problems"
    return f" Against the control {arm}{where}: {difference}, {comparison.verdict}."


def report(experiment: Experiment) -> Report:
    """Reads an experiment's rows, and its verdicts where they were kept."""
    selected = experiment.best()
    arms = experiment.arms()
    rows = [row for arm in arms for split in SPLITS for row in _by_heat(experiment.evaluations(arm, split))]
    start = experiment.iterations()[0]
    chosen = Point(experiment, selected)
    final: list[Comparison] = []
    if selected != start:
        final = compare_points(Point(experiment, start), chosen, (name(start, start), name(selected, start)))
    return Report(experiment, selected, rows, steps(experiment), final, _controls(experiment, chosen, arms[1:]))


def name(iteration: int, start: int = 0) -> str:
    """How an iteration is called in a sentence."""
    return "the start model" if iteration == start else f"iteration {iteration}"


def steps(experiment: Experiment) -> list[Comparison]:
    """Each evaluated iteration against the one before it, at the lowest temperature; on test where both met it."""
    numbers = experiment.iterations()
    found = []
    for a, b in zip(numbers, numbers[1:]):  # noqa: B905
        names = f"iteration {a}", f"iteration {b}"
        found += compare_points(Point(experiment, a), Point(experiment, b), names)[:1]
    return found


def _controls(experiment: Experiment, chosen: Point, arms: Sequence[str]) -> dict[str, Comparison]:
    """The selected model against each control's own best, on the first split that both met."""
    found = {}
    for arm in arms:
        if not experiment.iterations(arm):
            continue
        rival = Point(experiment, experiment.best(arm), arm)
        comparisons = compare_points(rival, chosen, (f"the control {arm}", name(chosen.iteration)))
        if comparisons:
            found[arm] = comparisons[0]
    return found


def _by_heat(rows: Sequence[Metrics]) -> list[Metrics]:
    return sorted(rows, key=lambda row: (temperature(row), row.iteration))


def sampling(row: Metrics) -> str:
    """`greedy`, or `T = 0.7 x 4`: temperature and samples a problem."""
    heat, samples = temperature(row), round(row.n / max(1, row.extra.get("problems", row.n)))
    return "greedy" if heat == 0 and samples <= 1 else f"T = {heat:g} x {samples}"


def table(found: Report) -> tuple[str, list[str], list[list[str]]]:
    """Title, columns and rows for console.table."""
    columns = ["iteration", "split", *rate_columns(found.families())]
    if len(found.experiment.arms()) > 1:
        columns.insert(0, "arm")
    return f"{found.experiment.name}: pass rates per iteration", columns, [_cells(found, row) for row in found.rows]


def key_columns(found: Report) -> int:
    """How many of the table's first columns tell one row from another."""
    return 3 + (len(found.experiment.arms()) > 1)


def _cells(found: Report, row: Metrics) -> list[str]:
    arm = row.experiment.partition("+")[2]
    mark = " *" if row.iteration == found.selected and not arm else ""
    cells = [f"{row.iteration}{mark}", row.split, *rate_cells(row, _family_rates(found, row).values())]
    return [arm or "run", *cells] if len(found.experiment.arms()) > 1 else cells


def rate_columns(families: Sequence[str]) -> list[str]:
    """What stands over `rate_cells`."""
    return [
        *("sampling", "problems", "pass rate", "95 % interval", *families),
        *("pass@k", "parsed", "reasoned", "infra"),
    ]


def rate_cells(row: Metrics, rates: Iterable[float | None]) -> list[str]:
    """One row of metrics for a table; `rates` are those of each family, None where it was not asked."""
    low, high = row.interval
    return [
        sampling(row),
        f"{row.extra.get('problems', row.n):,}",
        percent(row.rate),
        f"{100 * low:.1f} to {100 * high:.1f}",
        *(percent(rate) if rate is not None else "" for rate in rates),
        _last_pass(row),
        _percent_of(row, "parsed"),
        _percent_of(row, "reasoned"),
        str(row.extra.get("infra", "")),
    ]


def _percent_of(row: Metrics, share: str) -> str:
    return percent(row.extra[share]) if share in row.extra else ""


def _last_pass(row: Metrics) -> str:
    if len(row.pass_at) < 2:
        return ""
    k = max(map(int, row.pass_at))
    return f"@{k} {percent(row.pass_at[str(k)])}"


def _family_rates(found: Report, row: Metrics) -> dict[str, float | None]:
    arm = row.experiment.partition("+")[2]
    rates: dict[str, float | None] = dict.fromkeys(found.families())
    for family in rates:
        for other in found.experiment.evaluations(arm, row.split, family):
            if other.iteration == row.iteration and temperature(other) == temperature(row):
                rates[family] = other.rate
    return rates


def flat(found: Report, row: Metrics) -> dict[str, Any]:
    """One row as plain numbers, for JSON and CSV."""
    return {
        "experiment": row.experiment,
        "iteration": row.iteration,
        "selected": row.experiment == found.experiment.name and row.iteration == found.selected,
        "split": row.split,
        "temperature": temperature(row),
        "problems": row.extra.get("problems", row.n),
        "n": row.n,
        "passed": row.passed,
        "rate": row.rate,
        "low": row.interval[0],
        "high": row.interval[1],
        **{name: row.extra.get(name) for name in ("parsed", "reasoned", "rate_reasoned", "rate_bare")},
        "infra": row.extra.get("infra"),
        "seconds": row.seconds,
        "tokens": row.tokens,
        **_family_rates(found, row),
    }


def to_dict(found: Report) -> dict[str, Any]:
    """The whole report as one object."""
    return {
        "experiment": found.experiment.name,
        "selected": found.selected,
        "verdict": found.verdict,
        "sentence": found.sentence,
        "rows": [{**flat(found, row), "pass_at": dict(row.pass_at)} for row in found.rows],
        "steps": [step.to_dict() for step in found.steps],
        "final": [comparison.to_dict() for comparison in found.final],
        "controls": {arm: comparison.to_dict() for arm, comparison in found.controls.items()},
        "config": dict(found.experiment.config),
    }


def render(reports: Sequence[Report], form: str) -> str:
    """The reports as `json`, `csv` or `md` text, ending in a newline. `table` is the console's: see `table`."""
    if form == "json":
        value = to_dict(reports[0]) if len(reports) == 1 else [to_dict(found) for found in reports]
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    if form == "csv":
        return _csv(reports)
    if form == "md":
        return "\n".join(map(_markdown, reports))
    raise UsageError(f"unknown format {form!r}", f"one of {', '.join(FORMATS)}")


def _csv(reports: Sequence[Report]) -> str:
    return csv_text([flat(found, row) for found in reports for row in found.rows])


def _markdown(found: Report) -> str:
    title, columns, rows = table(found)
    body = markdown_table(columns, rows)
    return f"## {title}\n\n{body}\n\n\\* selected on validation.\n\n{found.sentence}\n"
