"""Records at a glance: what a person at a terminal sees in place of JSON lines."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from axiom_cli.records import Problem, Record, Sample, Verdict
from axiom_cli.terminal import console

FIRST = 5
LONGEST = 40
"""Characters of a sample's answer."""
Row = Record | dict[str, Any]


def show(rows: Iterable[Row]) -> int:
    """Shows the first few problems or samples in a line each, or the pass rates of verdicts; returns how many rows
    there are. Memory stays flat."""
    count, shown, last = 0, 0, ""
    rates = _Rates()
    for row in rows:
        count += 1
        if isinstance(row, Verdict):
            rates.add(row)
            continue
        problem = row.problem if isinstance(row, Sample) else row
        if shown > FIRST or not isinstance(problem, Problem) or problem.id == last:
            continue
        shown, last = shown + 1, problem.id
        if shown > FIRST:
            console.note("...")
        else:
            console.one_line(f"{_label(problem)}: ", _flat(problem.prompt), _answer(row))
    rates.show()
    return count


def read(problem: Problem) -> None:
    """Shows a whole problem, to be read."""
    console.note(f"{problem.id or problem.title}: {problem.family}, level {problem.level}")
    console.note(console.visible(problem.prompt).replace("⏎", "") + "\n")


def _answer(row: Row) -> str:
    """What follows a problem: its answer, or the last line of the sample that answers it."""
    if isinstance(row, Problem):
        return f" = {row.answer}" if row.answer is not None else ""
    if isinstance(row, Sample) and row.problem.answer is not None:
        last = row.text.strip().rpartition("\n")[2]
        return f" -> {_flat(last)[:LONGEST]}"
    return ""


def _label(problem: Problem) -> str:
    name = problem.title if problem.family == "handwritten" else problem.family
    return f"{name} {problem.level}"


def _flat(text: str) -> str:
    return " ".join(text.split())


class _Rates:
    """Counts of verdicts: by family, and by level for the case that there is only one family."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)

    def add(self, verdict: Verdict) -> None:
        problem = verdict.sample.problem
        self._counts[problem.family, problem.level][verdict.status] += 1

    def show(self) -> None:
        """The table, if it says more than one rate does."""
        several = len({family for family, _ in self._counts}) > 1
        groups: dict[str, Counter[str]] = defaultdict(Counter)
        for (family, level), counts in sorted(self._counts.items()):
            groups[family if several else str(level)] += counts
        if len(groups) > 1:
            columns = ["family" if several else "level", "samples", "passed", "pass rate"]
            console.table("pass rates", columns, list(_rows(groups)), keys=1)


def _rows(groups: dict[str, Counter[str]]) -> Iterator[list[str]]:
    for name, counts in groups.items():
        judged = counts["pass"] + counts["fail"]
        rate = f"{counts['pass'] / judged:.1%}" if judged else ""
        yield [name, f"{judged:,}", f"{counts['pass']:,}", rate]
