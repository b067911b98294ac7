"""Guesses that need no thought: always the same answer, or a part of the prompt copied from the same place.

The worst level counts. A family in which one word is always right at level 1 hides it in the average of ten levels, yet
a model is paid for that word as often as level 1 is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Any

from axiom_cli.problems.families.family import Family
from axiom_cli.records import Problem

LEAST_DRAWS, LEAST_SLOWLY = 200, 60
"""Draws of a level below which one answer may be frequent by luck; of a slow family. On so many an answer is judged."""
MOST_TRIED = 10
"""Frequent answers that are tried on every problem of a family with several right ones."""
_MARKS = ".,;:?!()[]\"'"
Tasks = Mapping[int, Sequence[Any]]
NONE: Tasks = MappingProxyType({})
Watch = Callable[[str], None]


def unwatched(text: str) -> None:
    """Nobody wants to know how far it is."""


@dataclass(frozen=True)
class Guess:
    """The guess that pays most: the share of problems of its level for which it is right."""

    rate: float
    level: int
    what: str

    def __str__(self) -> str:
        return f"{self.what} is right {self.rate:.0%} of the time at level {self.level}"


def worst_guess_rate(family: Family, seed: int, draws: int, tasks: Tasks = NONE, watch: Watch = unwatched) -> Guess:
    """The guess that pays most at any level, among `draws` problems of each, and not fewer than LEAST_DRAWS (or
    LEAST_SLOWLY): those that were drawn as `tasks`, then fresh ones. `watch` is told how far it is.

    Of a slow family one answer is judged, at one level: the one that is most frequent there.
    """
    draws, found, problems = max(draws, _least(family)), Guess(-1.0, 0, ""), list[Problem]()
    for level in family.has:
        watch(f"guesses at level {level}")
        drawn = _drawn(family, level, seed, draws, tasks.get(level, ()))
        guess = _at(family, level, drawn, 0 if family.slow else MOST_TRIED)
        if guess.rate > found.rate:
            found, problems = guess, drawn
    if family.slow and family.open_ended:
        judged = _at(family, found.level, problems, 1, watch)
        return judged if judged.rate > found.rate else found
    return found


def _least(family: Family) -> int:
    return LEAST_SLOWLY if family.slow else LEAST_DRAWS


def _at(family: Family, level: int, drawn: list[Problem], tried: int, watch: Watch = unwatched) -> Guess:
    right = Counter(guess for one in drawn for guess in _guesses(one))
    if family.open_ended:
        right |= _accepted(family, drawn, tried, watch)
    what, times = right.most_common(1)[0]
    return Guess(round(times / len(drawn), 4), level, what)


def _guesses(problem: Problem) -> Iterable[str]:
    """What would have been right, each once, in an order that depends on nothing else."""
    return dict.fromkeys([f"always {problem.answer}", *_copies(problem.prompt, problem.answer or "")])


def _copies(prompt: str, answer: str) -> Iterator[str]:
    """The places in the prompt, from its start and from its end, whose words are the answer."""
    if answer not in prompt:
        return
    words, wanted = [word.strip(_MARKS) for word in prompt.split()], answer.split()
    last = len(words) - len(wanted)
    for at in range(last + 1):
        if words[at : at + len(wanted)] == wanted:
            yield f"what begins with word {at + 1}"
            yield f"what ends {last - at} words before the end"


def _accepted(family: Family, drawn: list[Problem], tried: int, watch: Watch) -> Counter[str]:
    """For how many problems each of the `tried` most frequent answers is right where several may be."""
    some = drawn[: _least(family)]
    found: Counter[str] = Counter()
    for one, _times in Counter(problem.answer or "" for problem in some).most_common(tried):
        right = 0
        for number, problem in enumerate(some):
            watch(f"guesses judged: {number} of {len(some)}")
            right += family.judge(problem, one) is True
        found[f"always {one}"] = round(len(drawn) / len(some) * right)
    return found


def _drawn(family: Family, level: int, seed: int, draws: int, tasks: Sequence[Any]) -> list[Problem]:
    fresh = (Random(f"{seed}/guess/{family.name}/{level}/{n}") for n in range(len(tasks), draws))
    every = [*tasks[:draws], *(family.draw(random, level) for random in fresh)]
    return [as_problem(family, task, level) for task in every]


def as_problem(family: Family, task: Any, level: int) -> Problem:
    """A task in answer form as the record by which its family judges answers."""
    checker, noted = (family.name, family.noted(task)) if family.open_ended else (None, {})
    prompt, answer = family.statement(task), family.answer(task)
    return Problem("audited", family.name, "", prompt, level, "train", answer, checker, extra={"origin": noted})
