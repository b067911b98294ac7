"""Overlap: how much of one file of problems another one has seen, by equal problems and by shared runs of 8 words.

The words that a family's every statement holds say nothing about content: what stands in many problems of one family is
boilerplate, and a run does not reach across it. Copies of a leaked text make none of it, however many they are: only
problems of the first file, and problems of the second that stand as their family drew them, say what it is.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from axiom_cli.errors import GateFailedError
from axiom_cli.ids import content_id
from axiom_cli.problems.content import Contents, plain
from axiom_cli.records import Problem, Sample

WORDS = 8
BOILERPLATE_WORDS = 4
BOILERPLATE_SHARE = 0.05
BOILERPLATE_LEAST = 3
Tokens = list[str]
Runs = set[tuple[str, ...]]
_TOKEN = re.compile(r"\w+|[^\w\s]+")


@dataclass(frozen=True)
class Overlap:
    """Of the `left` problems of the first file: how many have an equal in the second, and how many share a run; the
    prompts of the first `examples`."""

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
    """Compares two files: which problems are equal (`Contents` says when), and whose prompts share runs of words. Reads
    both to the end.

    Where fewer than 8 words stand between boilerplate, a prompt has no runs there and can only be equal.
    """
    held, others = list(left), list(right)
    lefts, boilerplate, rights = _read(held, others)
    whole = Contents(others)
    runs = {run for tokens in rights for part in _content(tokens, boilerplate) for run in _runs(part, WORDS)}
    equal = [problem in whole for problem in held]
    shared = [
        any(run in runs for part in _content(tokens, boilerplate) for run in _runs(part, WORDS)) for tokens in lefts
    ]
    touched = [problem.prompt for problem, same, run in zip(held, equal, shared, strict=True) if same or run]
    return Overlap(len(lefts), len(rights), sum(equal), sum(shared), len(boilerplate), touched[:5])


def touching(samples: Sequence[Sample], problems: Sequence[Problem]) -> set[int]:
    """The places of the samples that would train on one of `problems`: whose problem is equal to it, or that share a
    run of 8 words with it, in their prompt or in the completion."""
    asked_of = {sample.problem.id: sample.problem for sample in samples}.values()
    held, boilerplate, _ = _read(problems, list(asked_of))
    whole = Contents(problems)
    runs = {run for tokens in held for part in _content(tokens, boilerplate) for run in _runs(part, WORDS)}

    @cache
    def touches(text: str) -> bool:
        tokens = _tokens(text)
        return any(run in runs for part in _content(tokens, boilerplate) for run in _runs(part, WORDS))

    def asked(problem: Problem) -> bool:
        return problem in whole or touches(problem.prompt)

    return {place for place, sample in enumerate(samples) if asked(sample.problem) or touches(sample.text)}


class Screen:
    """What stands between a run's training problems and those held out from it.

    An equal problem is a leak; `Contents` says what is equal. A shared run of words is none by itself, so that its rate
    is reported and nothing is refused for it: where statements are put together from few parts, every second held-out
    problem has a run in thousands of others, and yet another answer.
    What is trained on has none all the same: the rows that share one are left out, and counted.
    """

    def __init__(self, val: Sequence[Problem], test: Sequence[Problem]) -> None:
        self._held = [*val, *test]
        self._contents = Contents(test)
        self._refuse(val, "validation", "in the test")
        self._contents.update(val)

    def examine(self, problems: Sequence[Problem]) -> float:
        """The share of held-out problems with a run of 8 words in `problems`. Raises GateFailedError where one is
        equal."""
        self._refuse(problems, "training", "held out")
        return round(overlap(self._held, problems).ngram / max(1, len(self._held)), 4)

    def touching(self, samples: Sequence[Sample]) -> set[int]:
        """As `touching`, against all held-out problems."""
        return touching(samples, self._held)

    def through(self, samples: Iterable[Sample]) -> list[Sample]:
        """The cold start's samples but for those that share a run of 8 words with what is held out. Raises
        GateFailedError where the problem of one is held out itself."""
        found = list(samples)
        self._refuse([sample.problem for sample in found], "cold-start", "held out")
        seen = self.touching(found)
        return [sample for place, sample in enumerate(found) if place not in seen]

    def _refuse(self, problems: Sequence[Problem], what: str, where: str) -> None:
        leaked = [problem for problem in problems if problem in self._contents]
        if leaked:
            raise GateFailedError(
                f"{len(leaked):,} of {len(problems):,} {what} problems are {where}, too: {leaked[0].prompt[:80]!r}",
                f"axiom problems audit {leaked[0].family} says whether the family repeats itself",
            )


def _read(held: Sequence[Problem], others: Sequence[Problem]) -> tuple[list[Tokens], Runs, list[Tokens]]:
    """The words of each prompt that is held, what is boilerplate in them, and the words of each other prompt."""
    words = {id(problem): _tokens(problem.prompt) for problem in (*held, *others)}
    ours, drawn, theirs = (_by_family(some, words) for some in (held, filter(_as_drawn, others), others))
    boilerplate: Runs = set()
    for family, some in ours.items():
        known, every = drawn.get(family, []), theirs.get(family, [])
        boilerplate |= _frequent(some) | _frequent(known) | _frequent(some + known)
        # Where few are held, what most of them share may be told by any others to be no chance.
        boilerplate |= _frequent(some, least=max(1, len(some) // 2)) & _frequent(some + every)
    return [words[id(problem)] for problem in held], boilerplate, [words[id(problem)] for problem in others]


def _by_family(problems: Iterable[Problem], words: Mapping[int, Tokens]) -> dict[str, list[Tokens]]:
    found = defaultdict(list)
    for problem in problems:
        found[problem.family].append(words[id(problem)])
    return found


def _as_drawn(problem: Problem) -> bool:
    """Whether this problem says that a family drew it, and its id that nobody edited it since."""
    return "origin" in problem.extra and problem.id == content_id([problem.family, problem.form, problem.prompt], 16)


def _tokens(prompt: str) -> Tokens:
    return _TOKEN.findall(plain(prompt).lower())


def _runs(tokens: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    return (tuple(tokens[at : at + length]) for at in range(len(tokens) - length + 1))


def _frequent(prompts: list[Tokens], least: int = BOILERPLATE_LEAST) -> Runs:
    """The runs of 4 words that stand in more than a twentieth of the distinct prompts, and in more than `least`."""
    distinct = set(map(tuple, prompts))
    counts = Counter(run for tokens in distinct for run in set(_runs(tokens, BOILERPLATE_WORDS)))
    most = max(least, BOILERPLATE_SHARE * len(distinct))
    return {run for run, times in counts.items() if times > most}


def _content(tokens: Tokens, boilerplate: Runs) -> Iterator[Tokens]:
    """The parts of a prompt between its boilerplate."""
    part: Tokens = []
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
