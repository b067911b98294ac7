"""What the two arguments of `axiom report --compare A B` name, their comparison, and how it is written out.

Each is a file of solutions, verdicts or metrics, or an experiment: NAME, NAME+ARM, with @N, @best (default) or @last.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from axiom_cli import json_codec, jsonl
from axiom_cli.errors import InputError, UsageError
from axiom_cli.evaluation.comparison import (
    Comparison,
    compare,
    compare_metrics,
    compare_solutions,
    compare_tallies,
    p_value,
    points,
    solved_sets,
)
from axiom_cli.evaluation.experiment import (
    EXPERIMENTS,
    HELD_OUT,
    Experiment,
    read_experiment,
    refuse_missing_file,
    temperature,
)
from axiom_cli.evaluation.metrics import ALL, Tally
from axiom_cli.records import Metrics, Verdict

FORMATS = ("table", "json", "csv", "md")
COLUMNS = (
    *("before", "after", "finding", "difference", "95 % interval", "p", "detectable"),
    *("problems", "gained", "lost", "split", "measure"),
)


def compare_named(before: str, after: str, root: Path = EXPERIMENTS) -> list[Comparison]:
    """The comparisons of two files or two experiments, the headline first. Raises InputError where they differ in
    kind, MissingError where there is no such experiment, NothingToDoError where they share no problem."""
    kinds = kind_of(before), kind_of(after)
    if kinds[0] != kinds[1]:
        raise InputError(f"{before} is {_article(kinds[0])}, {after} {_article(kinds[1])}", "compare two of one kind")
    names = _names(before, after)
    if kinds[0] == "solutions":
        return [compare_solutions(solutions(before), solutions(after), names)]
    if kinds[0] == "verdict":
        return compare(_records(before, Verdict), _records(after, Verdict), names)
    if kinds[0] == "metrics":
        return [compare_metrics(_overall(before), _overall(after), names)]
    return _runs(before, after, root)


def named_sets(before: str, after: str) -> dict[str, list[str]] | None:
    """Who solved what, where both are solutions files; else None."""
    if not kind_of(before) == kind_of(after) == "solutions":
        return None
    return solved_sets(solutions(before), solutions(after))


def kind_of(name: str) -> str:
    """`solutions`, `verdict`, `metrics` or `experiment`, by the first line of the file if there is one.

    Raises InputError for what looks like a file and is not there.
    """
    if not Path(name).is_file():
        refuse_missing_file(name)
        return "experiment"
    with open(name, "rb") as stream:
        first = next((line for line in stream if line.strip()), b"{}")
    try:
        row = json_codec.loads(first)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{name}: line 1 is not JSON: {error}") from None
    kind = row.get("kind") if isinstance(row, dict) else None
    if kind in ("verdict", "metrics"):
        return str(kind)
    if isinstance(row, dict) and (not row or "solution_code" in row):
        return "solutions"
    raise InputError(f"{name} holds neither solutions, verdicts nor metrics", "axiom verify writes the first two")


def _article(kind: str) -> str:
    return {"solutions": "a solutions file", "experiment": "an experiment"}.get(kind, f"a file of {kind} records")


def solutions(name: str) -> list[Mapping[str, Any]]:
    """The rows of a solutions file."""
    rows = []
    with open(name, "rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                rows.append(json_codec.loads(line))
            except orjson.JSONDecodeError as error:
                raise InputError(f"{name}: line {number} is not JSON: {error}") from None
    return rows


def _records(name: str, kind: type[Verdict]) -> Iterator[Verdict]:
    with open(name, "rb") as stream:
        yield from jsonl.read(stream, kind)


def _overall(name: str) -> Metrics:
    """The latest overall row of a metrics file, greedy if there is one."""
    rows = [row for row in jsonl.load(Path(name), Metrics) if (row.family, row.level) == (ALL, 0)]
    rows = [row for row in rows if row.extra.get("phase", "evaluate") == "evaluate"]
    if not rows:
        raise InputError(f"{name} holds no overall pass rate", "a metrics row with family all and level 0")
    return max(rows, key=lambda row: (row.iteration, row.split == "test", -temperature(row)))


def _names(before: str, after: str) -> tuple[str, str]:
    """The shortest names that tell the two apart."""
    short = Path(before).stem, Path(after).stem
    return short if short[0] != short[1] else (before, after)


def _runs(before: str, after: str, root: Path) -> list[Comparison]:
    (left, arm_a, which_a), (right, arm_b, which_b) = _run(before, root), _run(after, root)
    first = Point(left, left.iteration(which_a, arm_a), arm_a)
    second = Point(right, right.iteration(which_b, arm_b), arm_b)
    names = f"{left.full_name(arm_a)}@{first.iteration}", f"{right.full_name(arm_b)}@{second.iteration}"
    found = compare_points(first, second, names)
    if not found:
        raise InputError(f"{names[0]} and {names[1]} were not evaluated on a common split")
    return found


@dataclass(frozen=True)
class Point:
    """One model of one experiment: the iteration of an arm."""

    experiment: Experiment
    iteration: int
    arm: str = ""

    def tallies(self, split: str) -> Mapping[float, list[Tally]]:
        """The problems' counts, where verdicts were kept."""
        return self.experiment.tallies(split, self.iteration, self.arm) or {}

    def overall(self, split: str) -> dict[float, Metrics]:
        """The overall rows by temperature."""
        rows = self.experiment.evaluations(self.arm, split)
        return {temperature(row): row for row in rows if row.iteration == self.iteration}


def compare_points(
    before: Point, after: Point, names: tuple[str, str], splits: Sequence[str] = HELD_OUT
) -> list[Comparison]:
    """Paired on the first of `splits` whose verdicts were kept for both, else unpaired from their metrics rows.

    One comparison a temperature, greedy first; none where they share no split.
    """
    for split in splits:
        first, second = before.tallies(split), after.tallies(split)
        if _share(first, second):
            return compare_tallies(first, second, names, split)
    for split in splits:
        rates_a, rates_b = before.overall(split), after.overall(split)
        shared = sorted(rates_a.keys() & rates_b.keys())
        if shared:
            return [compare_metrics(rates_a[heat], rates_b[heat], names, split) for heat in shared]
    return []


def _share(first: Mapping[float, Any], second: Mapping[float, Any]) -> bool:
    """Whether some temperature has a problem in common."""
    return any(
        {t.problem for t in first[heat]} & {t.problem for t in second[heat]} for heat in first.keys() & second.keys()
    )


def _run(name: str, root: Path) -> tuple[Experiment, str, str]:
    path, _, which = name.partition("@")
    plain, _, arm = path.partition("+")
    return read_experiment(plain, root), arm, which


def render_comparisons(found: Sequence[Comparison], form: str) -> str:
    """The comparisons as `json` (a list), `csv` or `md` text, ending in a newline; differences in md are points."""
    if form == "json":
        value = [one.to_dict() for one in found]
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()
    if form == "csv":
        return csv_text([flat_comparison(one) for one in found])
    if form == "md":
        body = markdown_table(COLUMNS, [comparison_cells(one) for one in found])
        title = f"## {found[0].before} against {found[0].after}"
        return "\n\n".join([title, body, *(one.sentence for one in found)]) + "\n"
    raise UsageError(f"unknown format {form!r}", f"one of {', '.join(FORMATS)}")


def flat_comparison(one: Comparison) -> dict[str, Any]:
    """One comparison as plain values, its interval in two columns."""
    row = one.to_dict()
    low, high = row.pop("interval")
    return {**row, "low": low, "high": high}


def comparison_cells(one: Comparison) -> list[str]:
    """One comparison's cells under COLUMNS, differences in points."""
    return [
        one.before,
        one.after,
        one.verdict,
        points(one.difference),
        f"{points(one.interval[0])} to {points(one.interval[1])}",
        "" if one.p is None else p_value(one.p).removeprefix("= "),
        f"{100 * one.minimum_detectable:.1f}",
        f"{one.problems:,}",
        str(one.gained),
        str(one.lost),
        one.split,
        one.measure,
    ]


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV with a heading; a column is empty where a row lacks it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(column for row in rows for column in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, without a newline at its end."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
