"""The solver-teacher: worked solutions without a network, since what makes a problem can solve it.

What it writes is verified like any other sample.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from axiom_cli.problems import families
from axiom_cli.problems.families import draw, handwritten, plug_ins
from axiom_cli.problems.families.family import Exercise, Family
from axiom_cli.records import Problem


def _think(lines: Iterable[str]) -> str:
    if isinstance(lines, str):
        raise TypeError(f"the trace {lines!r:.40} is a string, expected a list of lines")
    return "<think>\n" + "\n".join(lines) + "\n</think>\n"


def solution(family: Family | str, task: Any, *, worked: bool = True) -> str:
    """The completion that answers a task: the trace (empty unless `worked`), then the answer on its own line."""
    family = families.get(family) if isinstance(family, str) else family
    return f"{_think(family.trace(task) if worked else ())}Answer: {family.answer(task)}"


def program_solution(exercise: Exercise) -> str:
    """The completion that writes an exercise's function: the plan, then the reference in a block."""
    return f"{_think(exercise.plan)}```python\n{exercise.reference.strip()}\n```"


def teach(problem: Problem, *, worked: bool = True) -> str | None:
    """The solver's completion for a problem of a family, or a hand-written one; None for any other. Unless `worked`, an
    answer problem gets its answer with nothing between `<think>` and `</think>`. Raises InputError where a plug-in
    fails."""
    with plug_ins.attribute_errors(f"the family {problem.family!r} failed on problem {problem.id}:"):
        drawn = draw.redraw(problem)
        if drawn is not None and drawn.exercise:
            return program_solution(drawn.exercise)
        if drawn is not None:
            return solution(problem.family, drawn.task, worked=worked)
    if handwritten.get(problem.id) == problem:
        return program_solution(handwritten.exercise(problem.id))
    return None
