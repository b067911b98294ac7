"""Writes docs/families.md from the families themselves: `python -m axiom_cli.commands.gallery > docs/families.md`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from axiom_cli.problems import families
from axiom_cli.problems.families import draw
from axiom_cli.problems.families.family import LEVELS, Family

HEAD = """# Families

What `axiom problems gen FAMILY` draws: the first problem of the training split at each level (seed 0). This page is
written by `python -m axiom_cli.commands.gallery`, and a test compares the two.
"""
MEASURING = """
*Solved* shows how hard a level is for a reference model: the share of test problems that it solves greedily after
training on that family alone, with 200 verified solutions of each level, so that no level is harder for being rarer.
The reference is the nano before the present one, a Llama of 1.05 million parameters. Families whose problems are made
of letters, which it never saw one by one, start from one that had learnt to spell from 150 solutions a level of fifteen
such families. The line below a table says whether the levels get harder, within noise. A dash means that the level has
changed since. Families without this column have not been measured yet. tests/benchmarks/levels.py measures with the
present nano, which gives other rates.
"""
HEADS = {"answer": ["level", "problem", "answer"], "program": ["level", "program to write"]}
FLOOR = 0.05
"""The rate below which a fall cannot be detected."""
FINDINGS = {
    "falls": "Measured on {each} problems a level: harder from level to level, within noise.",
    "flat": "Measured on {each} problems a level: none is easier than a lower one, within noise, but no fall shows.",
    "floor": "Measured on {each} problems a level: hardly any is solved at any level, so their order does not show.",
    "few": "Measured on {each} problems a level: hardly any is solved, and those that are belong to the lower levels.",
    "undecided": "Measured on {each} problems a level, too few to decide.",
    "rises": "Measured on {each} problems a level, which are not in order: {rises}.",
}


def gallery(file: Path) -> str:
    """The whole page: the families that ship, in the order of their table, with the measured figures of `file`."""
    measured = json.loads(file.read_text("utf-8"))
    shown = [families.get(name) for name in families.BUILT_IN]
    contents = [f"- [{family.name}](#{family.name}): {family.about} ({', '.join(family.forms)})" for family in shown]
    head = HEAD + (MEASURING if measured else "")
    return "\n".join([head, *contents, *(line for family in shown for line in section(family, measured))]) + "\n"


def section(family: Family, measured: Mapping[str, Any]) -> Iterator[str]:
    """The lines on one family. `measured` are the rows of docs/levels.json, by family and form."""
    yield f"\n## {family.name}\n\n{sentence(family.about)} {sentence(family.levels)}"
    for form in family.forms:
        yield from table(family, form, measured.get(f"{family.name} {form}"))


def table(family: Family, form: str, measured: Mapping[str, Any] | None) -> Iterator[str]:
    """A line for each level, with its `measured` rate if there is one for the problems that are drawn today."""
    problems = [next(draw.draws(family, level, "train", 0, form)) for level in LEVELS]
    unchanged = [measured is not None and measured["first"][i] == problem.id for i, problem in enumerate(problems)]
    heads = [*HEADS[form], *(["solved"] if measured else [])]
    yield f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}"
    for level, problem, is_measured in zip(LEVELS, problems, unchanged, strict=True):
        rate = [f"{measured['rates'][level - 1]:.2f}" if is_measured else "-"] if measured else []
        yield f"| {' | '.join([str(level), *map(cell, stated(family, problem)), *rate])} |"
    if measured and all(unchanged):
        yield f"\n{conclusion(measured)}"


def stated(family: Family, drawn: draw.Drawn) -> list[str]:
    """The cells of a problem: prompt and answer, or the program to write."""
    if drawn.exercise:
        return [f"`{drawn.exercise.signature}` {drawn.exercise.returns}"]
    return [drawn.prompt, family.answer(drawn.task)]


def conclusion(measured: Mapping[str, Any]) -> str:
    """What a row's figures say about its levels."""
    rises = ", ".join(f"level {high} is easier than {low}" for low, high in measured["rises"])
    finding = measured["finding"]
    if max(measured["rates"]) < FLOOR:
        finding = {"flat": "floor", "falls": "few"}.get(finding, finding)
    return FINDINGS[finding].format(each=measured["each"], rises=rises)


def sentence(text: str) -> str:
    """Text with a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."


def cell(text: str) -> str:
    """Text for a cell of a Markdown table: markup is escaped, except between backquotes."""
    parts = text.replace("|", "\\|").split("`")
    parts[::2] = [re.sub(r"([*_<\[\]])", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts).replace("\n", "<br>")


if __name__ == "__main__":
    print(gallery(Path("docs", "levels.json")), end="")
