"""The data sets of the package reasoning-gym as families `gym:NAME`, with the extra `pip install 'axiom-rl[gym]'`.

`table.json`, written by `survey.py`, lists the data sets, how many levels each has and how its answers are graded, and
those left out with the reason. It holds for one version of the package, since that decides what the nth problem is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from random import Random
from typing import Any

from axiom_cli import installation
from axiom_cli.errors import InputError, MissingError, did_you_mean
from axiom_cli.problems.families.family import Family
from axiom_cli.records import Problem

PREFIX = "gym:"
PACKAGE = "reasoning-gym"
PATIENCE = 2000
NO_ENTRY = (ValueError, LookupError, RuntimeError, AssertionError)  # what generators raise that give up on a seed
TRIES = 50
ON_ONE_LINE = "Write the lines of the answer one after another, on a single line."


@dataclass(frozen=True)
class Task:
    """Entry `number` of a data set: its question, and its answer as the data set writes it."""

    number: int
    question: str
    answer: str


class Gym(Family):
    """A data set. Its answers are judged by exact match and, if `open_ended`, by its own scorer."""

    patience = PATIENCE
    slow = True

    def __init__(self, name: str, row: Mapping[str, Any]) -> None:
        self.data_set, self.name = name, f"{PREFIX}{name}"  # type: ignore[misc]
        self.about, self.open_ended = f"{row['category']}, from {PACKAGE}", row["scorer"]  # type: ignore[misc]
        self.has = levels_of(row["levels"])
        self.levels = "by its curriculum" if row["levels"] > 1 else "one level"  # type: ignore[misc]
        self._levels, self._fresh = row["levels"], row["fresh"]

    def draw(self, random: Random, level: int) -> Task:
        """The entry whose number `random` gives; if the data set cannot make it, the next number's."""
        for left in range(TRIES, 0, -1):
            number = random.getrandbits(31)
            try:
                entry = self._entry(level, number)
            except NO_ENTRY:
                if left == 1:
                    raise
            else:
                break
        return Task(number, entry["question"], entry["answer"])

    def _entry(self, level: int, number: int) -> dict[str, Any]:
        from axiom_cli.problems.families.gym import scorer

        return scorer.entry(self.data_set, level, self._levels, number, fresh=self._fresh)

    def statement(self, task: Task) -> str:
        """The data set's question and, if the answer has several lines, how to write it on one."""
        return f"{task.question.rstrip()}\n{ON_ONE_LINE}" if "\n" in task.answer.strip() else task.question

    def answer(self, task: Task) -> str:
        """The data set's own answer, runs of white space as one space."""
        return " ".join(task.answer.split())

    def trace(self, task: Task) -> list[str]:
        """Empty: the package gives no reasoning."""
        return []

    def shared(self, task: Task, level: int, form: str) -> Sequence[int]:
        """All levels: curricula widen ranges, so harder levels draw easy questions too."""
        return self.has

    def noted(self, task: Task) -> dict[str, Any]:
        """The number of the entry, from which the scorer's metadata is made again."""
        return {"entry": task.number}

    def judge(self, problem: Problem, answer: str) -> bool | None:
        """Whether the answer equals the recorded one, or the data set's scorer gives it full marks. Raises InputError
        where the problem is not the one that its origin names."""
        if answer == problem.answer:
            return True
        from axiom_cli.problems.families.gym import judging

        entry = self.origin_entry(problem)
        return judging.accepts(self.data_set, problem.level, self._levels, as_lines(answer, entry["answer"]), entry)

    def origin_entry(self, problem: Problem) -> dict[str, Any]:
        origin = problem.extra.get("origin")
        number = origin.get("entry") if isinstance(origin, Mapping) else None
        if type(number) is int and 0 <= number < 2**31 and problem.level in self.has:
            entry = self._entry(problem.level, number)
            if self.statement(Task(number, entry["question"], entry["answer"])) == problem.prompt:
                return entry
        raise InputError(f"{self.name} does not draw problem {problem.id} from its origin", "was it edited?")


def as_lines(answer: str, model: str) -> str:
    """A one-line `answer`, broken into lines with as many words as those of `model`."""
    words, lines = answer.split(), []
    if "\n" not in model.strip():
        return answer
    for length in (len(line.split()) for line in model.split("\n")):
        lines.append(" ".join(words[:length]))
        words = words[length:]
    return "\n".join([*lines, *words])


def levels_of(count: int) -> range:
    """The levels of a data set: 1 to `count`, or 5 if it has only one."""
    from axiom_cli.problems.families.gym.scorer import ALONE

    return range(1, count + 1) if count > 1 else range(ALONE, ALONE + 1)


@cache
def table() -> dict[str, Any]:
    """What the survey found: the package's `version`, the data sets `listed`, and those `left_out` with reasons."""
    return json.loads(Path(__file__).with_name("table.json").read_text("utf-8"))


def missing() -> str:
    """Why the data sets are not available; empty if they are."""
    wanted = table()["version"]
    try:
        installed = metadata.version(PACKAGE)
    except metadata.PackageNotFoundError:
        return f"families called {PREFIX}NAME need {PACKAGE} {wanted}, which is not installed"
    if installed == wanted:
        return ""
    return f"families called {PREFIX}NAME need {PACKAGE} {wanted}, and {installed} is installed"


def names() -> list[str]:
    """The families `gym:NAME`, whether or not the package is installed."""
    return [f"{PREFIX}{name}" for name in table()["listed"]]


@cache
def get(name: str) -> Gym:
    """The family `gym:NAME`. Raises MissingError without the package, or for a data set that is not listed."""
    known, left_out = table()["listed"], table()["left_out"]
    if why := missing():
        raise MissingError(why, installation.extra("gym"))
    data_set = name.removeprefix(PREFIX)
    if data_set in known:
        return Gym(data_set, known[data_set])
    if data_set in left_out:
        raise MissingError(f"{name} is left out: {left_out[data_set]}", "axiom problems list shows the others")
    hint = did_you_mean(name, names(), "axiom problems list shows them")
    raise MissingError(f"there is no family called {name!r}", hint)
