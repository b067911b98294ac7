"""Guesses that need no thought: always the same answer, or a part of the prompt copied from the same place.

The worst level counts. A family in which one word is always right at level 1 hides it in the average of ten levels, yet
a model is paid for that word as often as level 1 is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from axiom_cli.families.family import Family
from axiom_cli.records import Problem

LEAST_DRAWS = 200
"""Draws of a level below which one answer may be frequent by luck."""
MOST_TRIED = 10
"""Frequent answers that are tried on every problem of a family with several right ones."""
_MARKS = ".,;:?!()[]\"'"


@dataclass(frozen=True)
class Guess:
    """The guess that pays most: the share of problems of its level for which it is right."""

    rate: float
    level: int
    what: str

    def __str__(self) -> str:
        return f"{self.what} is right {self.rate:.0%} of the time at level {self.level}"


def best(family: Family, seed: int, draws: int) -> Guess:
    """The guess that pays most at any level, among `draws` fresh problems of each, and not fewer than LEAST_DRAWS.

    Of a slow family one answer is judged, at one level: the one that is most frequent there.
    """
    draws = max(draws, LEAST_DRAWS)
    tried = 0 if family.slow else MOST_TRIED
    found = max((_at(family, level, seed, draws, tried) for level in family.has), key=_rate)
    if tried or not family.open_ended:
        return found
    return max(found, _at(family, found.level, seed, draws, tried=1), key=_rate)


def _rate(guess: Guess) -> float:
    return guess.rate


def _at(family: Family, level: int, seed: int, draws: int, tried: int) -> Guess:
    drawn = [_drawn(family, level, Random(f"{seed}/guess/{family.name}/{level}/{n}")) for n in range(draws)]
    right = Counter(guess for one in drawn for guess in _guesses(one))
    if family.open_ended:
        right |= _accepted(family, drawn, tried)
    what, times = right.most_common(1)[0]
    return Guess(round(times / draws, 4), level, what)


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


def _accepted(family: Family, drawn: list[Problem], tried: int) -> Counter[str]:
    """For how many problems each of the `tried` most frequent answers is right where several may be; LEAST_DRAWS
    problems are looked at."""
    some = drawn[:LEAST_DRAWS]
    frequent = Counter(problem.answer or "" for problem in some).most_common(tried)
    scale = len(drawn) / len(some)
    right = {one: sum(family.judge(problem, one) is True for problem in some) for one, _times in frequent}
    return Counter({f"always {one}": round(scale * times) for one, times in right.items()})


def _drawn(family: Family, level: int, random: Random) -> Problem:
    return as_problem(family, family.draw(random, level), level)


def as_problem(family: Family, task: Any, level: int) -> Problem:
    """A task in answer form as the record by which its family judges answers."""
    checker, noted = (family.name, family.noted(task)) if family.open_ended else (None, {})
    prompt, answer = family.statement(task), family.answer(task)
    return Problem("audited", family.name, "", prompt, level, "train", answer, checker, extra={"origin": noted})
