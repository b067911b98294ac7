"""Overlap: how much of one file of problems another one has seen, by equal prompts and by shared runs of 8 words.

The words that a family's every statement holds say nothing about content: what stands in many problems of one family is
boilerplate, and a run does not reach across it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import chain
from typing import Any

from axiom_cli.errors import GateFailed
from axiom_cli.records import Problem, Sample

WORDS = 8
BOILERPLATE_WORDS = 4
BOILERPLATE_SHARE = 0.05
BOILERPLATE_LEAST = 3
_TOKEN = re.compile(r"\w+|[^\w\s]+")


@dataclass(frozen=True)
class Overlap:
    """Of the `left` problems of the first file: how many have an equal in the second, and how many share a run."""

    left: int
    right: int
    exact: int
    ngram: int
    boilerplate: int
    examples: list[str]

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary, rates included."""
        rates = {"exact_rate": self.exact / max(1, self.left), "ngram_rate": self.ngram / max(1, self.left)}
        return {"kind": "overlap", **asdict(self), **rates}


def overlap(left: Iterable[Problem], right: Iterable[Problem]) -> Overlap:
    """Compares the prompts of two files. Case and white space do not count. Reads both to the end.

    Where fewer than 8 words stand between boilerplate, a prompt has no runs there and can only be equal.
    """
    lefts, of_left = _read(left)
    rights, of_right = _read(right)
    boilerplate = set().union(*map(_frequent, [*of_left.values(), *of_right.values()]))
    whole = set(map(tuple, rights))
    runs = {run for tokens in rights for part in _content(tokens, boilerplate) for run in _runs(part, WORDS)}
    equal = [tuple(tokens) in whole for tokens in lefts]
    shared = [
        any(run in runs for part in _content(tokens, boilerplate) for run in _runs(part, WORDS)) for tokens in lefts
    ]
    touched = [" ".join(tokens) for tokens, same, run in zip(lefts, equal, shared, strict=True) if same or run]
    return Overlap(len(lefts), len(rights), sum(equal), sum(shared), len(boilerplate), touched[:5])


def touching(samples: Sequence[Sample], problems: Sequence[Problem]) -> set[int]:
    """The places of the samples that would train on one of `problems`: whose prompt is equal to its prompt, or that
    share a run of 8 words with it, in their prompt or in the completion. What is boilerplate, each side says, and both
    together where there are few of either."""
    asked_of = {sample.problem.id: sample.problem for sample in samples}.values()
    sides = [_read(given)[1].values() for given in (problems, asked_of, [*problems, *asked_of])]
    boilerplate = set().union(*map(_frequent, chain(*sides)))
    whole = {tuple(_tokens(problem.prompt)) for problem in problems}
    runs = {run for tokens in whole for part in _content(list(tokens), boilerplate) for run in _runs(part, WORDS)}

    @cache
    def touches(text: str) -> bool:
        tokens = _tokens(text)
        return any(run in runs for part in _content(tokens, boilerplate) for run in _runs(part, WORDS))

    @cache
    def asked(prompt: str) -> bool:
        return tuple(_tokens(prompt)) in whole or touches(prompt)

    return {place for place, sample in enumerate(samples) if asked(sample.problem.prompt) or touches(sample.text)}


class Screen:
    """What stands between a run's training problems and those held out from it.

    An equal problem is a leak: the same prompt, but for case and white space, with the same answer. A shared run of
    words is none by itself, so that its rate is reported and nothing is refused for it: where statements are put
    together from few parts, every second held-out problem has a run in thousands of others, and yet another answer.
    What is trained on has none all the same: the rows that share one are left out, and counted.
    """

    def __init__(self, val: Sequence[Problem], test: Sequence[Problem]) -> None:
        self._held = [*val, *test]
        self._keys = set(map(_key, test))
        self._refuse(val, "validation", "in the test")
        self._keys |= set(map(_key, val))

    def examine(self, problems: Sequence[Problem]) -> float:
        """The share of held-out problems with a run of 8 words in `problems`. Raises GateFailed where one is equal."""
        self._refuse(problems, "training", "held out")
        return round(overlap(self._held, problems).ngram / max(1, len(self._held)), 4)

    def touching(self, samples: Sequence[Sample]) -> set[int]:
        """As `touching`, against all held-out problems."""
        return touching(samples, self._held)

    def through(self, samples: Iterable[Sample]) -> list[Sample]:
        """The cold start's samples but for those that share a run of 8 words with what is held out. Raises GateFailed
        where the problem of one is held out itself."""
        found = list(samples)
        self._refuse([sample.problem for sample in found], "cold-start", "held out")
        seen = self.touching(found)
        return [sample for place, sample in enumerate(found) if place not in seen]

    def _refuse(self, problems: Sequence[Problem], what: str, where: str) -> None:
        leaked = [problem for problem in problems if _key(problem) in self._keys]
        if leaked:
            raise GateFailed(
                f"{len(leaked):,} of {len(problems):,} {what} problems are {where}, too: {leaked[0].prompt[:80]!r}",
                f"axiom problems audit {leaked[0].family} says whether the family repeats itself",
            )


def _key(problem: Problem) -> tuple[str, str]:
    return " ".join(problem.prompt.split()).casefold(), problem.answer or ""


def _read(problems: Iterable[Problem]) -> tuple[list[list[str]], dict[str, list[list[str]]]]:
    """The words of each prompt, and the same by family."""
    prompts, by_family = [], defaultdict(list)
    for problem in problems:
        prompts.append(_tokens(problem.prompt))
        by_family[problem.family].append(prompts[-1])
    return prompts, by_family


def _tokens(prompt: str) -> list[str]:
    return _TOKEN.findall(prompt.lower())


def _runs(tokens: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    return (tuple(tokens[at : at + length]) for at in range(len(tokens) - length + 1))


def _frequent(prompts: list[list[str]]) -> set[tuple[str, ...]]:
    """The runs of 4 words that stand in more than a twentieth of the distinct prompts, and in more than three."""
    distinct = set(map(tuple, prompts))
    counts = Counter(run for tokens in distinct for run in set(_runs(tokens, BOILERPLATE_WORDS)))
    most = max(BOILERPLATE_LEAST, BOILERPLATE_SHARE * len(distinct))
    return {run for run, times in counts.items() if times > most}


def _content(tokens: list[str], boilerplate: set[tuple[str, ...]]) -> Iterator[list[str]]:
    """The parts of a prompt between its boilerplate."""
    part: list[str] = []
    covered_to = 0
    for at, token in enumerate(tokens):
        if tuple(tokens[at : at + BOILERPLATE_WORDS]) in boilerplate:
            covered_to = at + BOILERPLATE_WORDS
        if at >= covered_to:
            part.append(token)
        elif part:
            yield part
            part = []
    yield part
