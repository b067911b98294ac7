"""Guesses that need no reasoning: always the same answer, or words copied from a fixed place in the prompt.

The worst level counts. If one word is always right at level 1, the average over ten levels hides it, yet a model is
rewarded for that word as often as level 1 is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from random import Random
from typing import Any

from axiom_cli.audit.request import NO_TASKS, Progress, Tasks, silent
from axiom_cli.problems.families.family import Family
from axiom_cli.records import Problem

LEAST_DRAWS, LEAST_SLOWLY = 200, 60
"""Fewest draws of a level from which a frequent answer is evidence, and the same for a slow family. That many draws are
judged."""
MOST_TRIED = 10
"""Frequent answers that are tried on every problem of a family with several right ones."""
_PUNCTUATION = ".,;:?!()[]\"'"


@dataclass(frozen=True)
class Guess:
    """The guess that is right most often, and its rate among the problems of its level."""

    rate: float
    level: int
    what: str

    def __str__(self) -> str:
        return f"{self.what} is right {self.rate:.0%} of the time at level {self.level}"


def worst_guess_rate(
    family: Family, seed: int, draws: int, tasks: Tasks = NO_TASKS, progress: Progress = silent
) -> Guess:
    """The guess that is right most often at any level, among `draws` problems of each level, at least LEAST_DRAWS (or
    LEAST_SLOWLY): first those drawn already as `tasks`, then fresh ones.

    Of a slow family only one answer is judged, at one level: the one that is most frequent there.
    """
    least = LEAST_SLOWLY if family.slow else LEAST_DRAWS
    draws, worst, worst_problems = max(draws, least), Guess(-1.0, 0, ""), list[Problem]()
    for level in family.has:
        progress(f"guesses at level {level}")
        drawn = tasks.get(level, ())[:draws]
        randoms = (Random(f"{seed}/guess/{family.name}/{level}/{n}") for n in range(len(drawn), draws))
        every = chain(drawn, (family.draw(random, level) for random in randoms))
        problems = [as_problem(family, task, level) for task in every]
        right = _right_guesses(problems)
        if family.open_ended and not family.slow:
            right |= _judged_guesses(family, problems, least, MOST_TRIED)
        guess = _most_frequent(right, level, len(problems))
        if guess.rate > worst.rate:
            worst, worst_problems = guess, problems
    if family.slow and family.open_ended:
        right = _right_guesses(worst_problems) | _judged_guesses(family, worst_problems, least, 1, progress)
        judged = _most_frequent(right, worst.level, len(worst_problems))
        return judged if judged.rate > worst.rate else worst
    return worst


def _most_frequent(right: Counter[str], level: int, problems: int) -> Guess:
    what, times = right.most_common(1)[0]
    return Guess(round(times / problems, 4), level, what)


def _right_guesses(problems: Sequence[Problem]) -> Counter[str]:
    """How often each guess gives the recorded answer. The order depends on the problems alone."""
    right: Counter[str] = Counter()
    for problem in problems:
        guesses = [f"always {problem.answer}", *_copies(problem.prompt, problem.answer or "")]
        right.update(list(dict.fromkeys(guesses)))
    return right


def _copies(prompt: str, answer: str) -> Iterator[str]:
    """The places in the prompt, counted from its start and from its end, whose words are the answer."""
    if answer not in prompt:
        return
    words, wanted = [word.strip(_PUNCTUATION) for word in prompt.split()], answer.split()
    last = len(words) - len(wanted)
    for start in range(last + 1):
        if words[start : start + len(wanted)] == wanted:
            yield f"copying the prompt from word {start + 1}"
            yield f"copying the prompt up to {last - start} words before its end"


def _judged_guesses(
    family: Family, problems: list[Problem], least: int, tried: int, progress: Progress = silent
) -> Counter[str]:
    """For how many problems each of the `tried` most frequent answers is right, if several answers may be. Judges the
    first `least` problems and scales up."""
    judged = problems[:least]
    accepted: Counter[str] = Counter()
    for answer, _times in Counter(problem.answer or "" for problem in judged).most_common(tried):
        right = 0
        for number, problem in enumerate(judged):
            progress(f"guesses judged: {number} of {len(judged)}")
            right += family.judge(problem, answer) is True
        accepted[f"always {answer}"] = round(len(problems) / len(judged) * right)
    return accepted


def as_problem(family: Family, task: Any, level: int) -> Problem:
    """A task in answer form as the record by which its family judges answers."""
    checker, noted = (family.name, family.noted(task)) if family.open_ended else (None, {})
    prompt, answer = family.statement(task), family.answer(task)
    return Problem("audited", family.name, "", prompt, level, "train", answer, checker, extra={"origin": noted})
