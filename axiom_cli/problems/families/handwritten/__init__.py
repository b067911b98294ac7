"""Classic problems, each with one right result for every call that it allows. Their ids are their names.

A group is two modules: the problems, and their efficient solutions. Simple solutions are in `oracles`.
"""

from __future__ import annotations

import inspect
from functools import cache
from types import ModuleType

from axiom_cli.problems.families import programs
from axiom_cli.problems.families.family import Exercise
from axiom_cli.problems.families.handwritten import (
    basics,
    basics_solved,
    counting,
    counting_solved,
    lists,
    lists_solved,
    strings,
    strings_solved,
    structures,
    structures_solved,
)
from axiom_cli.problems.families.handwritten.entry import Handwritten
from axiom_cli.records import Problem

FAMILY = "handwritten"
SPLIT = "train"
GROUPS: tuple[tuple[ModuleType, ModuleType], ...] = (
    (basics, basics_solved),
    (lists, lists_solved),
    (strings, strings_solved),
    (counting, counting_solved),
    (structures, structures_solved),
)
PROBLEMS: dict[str, Handwritten] = {name: entry for group, _solved in GROUPS for name, entry in group.PROBLEMS.items()}


def names() -> list[str]:
    """The ids of all problems."""
    return list(PROBLEMS)


def exercise(name: str) -> Exercise:
    """The problem as an exercise. Raises KeyError if there is none called `name`."""
    entry = PROBLEMS[name]
    solved = next(solved for group, solved in GROUPS if name in group.PROBLEMS)
    source = inspect.getsource(getattr(solved, name)).strip() + "\n"
    signature = source.partition("\n")[0].removeprefix("def ").removesuffix(":")
    return Exercise(name, signature, entry.returns, source, entry.arguments, entry.edges, entry.plan)


@cache
def get(name: str) -> Problem | None:
    """The problem with this id, or None."""
    if name not in PROBLEMS:
        return None
    prompt, program = programs.build(exercise(name))
    entry = PROBLEMS[name]
    return Problem(name, FAMILY, entry.title, prompt, entry.level, SPLIT, program=program)


def problems() -> list[Problem]:
    """All of them."""
    return [problem for name in names() if (problem := get(name))]
