"""Decontamination: which problems of one set another set already contains, by equality and by shared 8-grams of words.

Words that every statement of a family has in common say nothing about content. What stands in many problems of one
family is boilerplate, and no n-gram reaches across it. Copies of a leaked text do not become boilerplate, however many
there are: only the problems of the first set, and problems of the second set exactly as their family drew them, count.

Where a family's lines are few and short, eight words in a row are often those of another problem by chance. Two
problems that such families drew (`Family.words_repeat`) are compared by equality alone.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any
from unicodedata import category

from axiom_cli.errors import AxiomError, GateFailedError
from axiom_cli.ids import content_id
from axiom_cli.problems import families
from axiom_cli.records import Problem, Sample

NGRAM = 8
BOILERPLATE_NGRAM = 4
BOILERPLATE_SHARE = 0.05
BOILERPLATE_LEAST = 3
Tokens = list[str]
NGrams = set[tuple[str, ...]]
_TOKEN = re.compile(r"\w+|[^\w\s]+")


def normalize(prompt: str) -> str:
    """The prompt with every run of white space as one space, and without invisible characters."""
    if not prompt.isascii():
        prompt = "".join(character for character in prompt if category(character) != "Cf")
    return " ".join(prompt.split())


def normalize_case(prompt: str, answer: str | None) -> tuple[str, str]:
    """The prompt without case, and the answer: two problems that differ in case alone are equal if both parts are."""
    return normalize(prompt).casefold(), answer or ""


class PromptSet:
    """A set of prompts; `problem in prompts` says whether an equal problem is in it.

    Two problems are equal if their prompts differ in white space alone, whatever their answers; or in white space and
    case alone, if their answers are the same. Where case matters (how many a are in this text?) the answers differ.
    Ids, titles, families, levels and tests are not compared.
    """

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._known: set[str | tuple[str, str]] = set()
        self.update(problems)

    def update(self, problems: Iterable[Problem]) -> None:
        """Adds problems."""
        for problem in problems:
            self._known |= {normalize(problem.prompt), normalize_case(problem.prompt, problem.answer)}

    def __contains__(self, problem: Problem) -> bool:
        return normalize(problem.prompt) in self._known or normalize_case(problem.prompt, problem.answer) in self._known


@dataclass(frozen=True)
class Overlap:
    """Of the `left` problems of the first set: how many have an equal in the second, and how many share an n-gram.
    `examples` holds the first prompts that do either."""

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
    """Compares two sets of problems by equality (see `PromptSet`) and by shared n-grams. Reads both to the end.

    Where fewer than 8 words stand between boilerplate, a prompt has no n-grams and can only be equal.
    """
    left, right = list(left), list(right)
    left_tokens, boilerplate, right_tokens = _tokenize(left, right)
    right_prompts = PromptSet(right)
    ngrams = _NGramSet(right, right_tokens, boilerplate)
    equal = [problem in right_prompts for problem in left]
    shared = [ngrams.meets(problem, tokens) for problem, tokens in zip(left, left_tokens, strict=True)]
    overlapping = [problem.prompt for problem, same, common in zip(left, equal, shared, strict=True) if same or common]
    return Overlap(len(left), len(right), sum(equal), sum(shared), len(boilerplate), overlapping[:5])


def overlapping_problems(problems: Sequence[Problem], held_out: Sequence[Problem]) -> tuple[set[int], set[int]]:
    """The indices of the problems that have an equal in `held_out`, and of the others that share an 8-gram with it."""
    held_out_tokens, boilerplate, tokens = _tokenize(held_out, problems)
    prompts = PromptSet(held_out)
    ngrams = _NGramSet(held_out, held_out_tokens, boilerplate)
    equal = {index for index, problem in enumerate(problems) if problem in prompts}
    pairs = enumerate(zip(problems, tokens, strict=True))
    shared = {index for index, (problem, words) in pairs if ngrams.meets(problem, words)}
    return equal, shared - equal


def overlapping_samples(samples: Sequence[Sample], problems: Sequence[Problem]) -> set[int]:
    """The indices of the samples that would train on one of `problems`: the sample's problem is equal to it, or its
    prompt or completion shares an 8-gram with it."""
    sampled_problems = list({sample.problem.id: sample.problem for sample in samples}.values())
    held_out_tokens, boilerplate, _ = _tokenize(problems, sampled_problems)
    held_out = PromptSet(problems)
    ngrams = _NGramSet(problems, held_out_tokens, boilerplate)

    def leaks(sample: Sample) -> bool:
        problem, prompt = sample.problem, sample.problem.prompt
        return problem in held_out or any(ngrams.meets(problem, _tokens(text)) for text in (prompt, sample.text))

    return {index for index, sample in enumerate(samples) if leaks(sample)}


class _NGramSet:
    """The 8-grams of some problems."""

    def __init__(self, problems: Sequence[Problem], tokens: Sequence[Tokens], boilerplate: NGrams) -> None:
        self._boilerplate = boilerplate
        self._telling: NGrams = set()
        self._repeated: NGrams = set()
        for problem, words in zip(problems, tokens, strict=True):
            (self._repeated if _words_repeat(problem) else self._telling).update(_content_ngrams(words, boilerplate))

    def meets(self, problem: Problem, tokens: Tokens) -> bool:
        """Whether `tokens`, which are of this problem or of an answer to it, share an 8-gram with the set that tells
        something."""
        known = [self._telling] if _words_repeat(problem) else [self._telling, self._repeated]
        ngrams = _content_ngrams(tokens, self._boilerplate)
        return any(known) and any(ngram in some for ngram in ngrams for some in known)


def _words_repeat(problem: Problem) -> bool:
    """Whether a family drew it whose problems often share eight words in a row."""
    return _as_drawn(problem) and _family_repeats_words(problem.family)


@cache
def _family_repeats_words(name: str) -> bool:
    try:
        return families.get(name).words_repeat
    except AxiomError:  # no such family, or a plug-in that does not load
        return False


def _as_drawn(problem: Problem) -> bool:
    """Drawn by a family, as the origin says, and not edited since, as the id says."""
    return "origin" in problem.extra and problem.id == content_id([problem.family, problem.form, problem.prompt], 16)


class HeldOutScreen:
    """Keeps a run's held-out problems out of its training data.

    An equal problem (see `PromptSet`) is a leak and stops the run. A shared n-gram alone is not: where statements are
    assembled from few parts, every second held-out problem shares one with thousands of others and yet has another
    answer. So that rate is reported, and the training rows that share one are left out and counted.
    """

    def __init__(self, val: Sequence[Problem], test: Sequence[Problem]) -> None:
        self._held_out = [*val, *test]
        self._prompts = PromptSet(test)
        self._refuse(val, "validation", "in the test")
        self._prompts.update(val)

    def check_training(self, problems: Sequence[Problem]) -> float:
        """The share of held-out problems that have an 8-gram in common with `problems`. Raises GateFailedError where
        one is equal."""
        self._refuse(problems, "training", "held out")
        return round(overlap(self._held_out, problems).ngram / max(1, len(self._held_out)), 4)

    def overlapping(self, samples: Sequence[Sample]) -> set[int]:
        """As `overlapping_samples`, against all held-out problems."""
        return overlapping_samples(samples, self._held_out)

    def filter_cold_start(self, samples: Iterable[Sample]) -> list[Sample]:
        """The cold start's samples without those that share an 8-gram with a held-out problem. Raises GateFailedError
        where the problem of a sample is itself held out."""
        samples = list(samples)
        self._refuse([sample.problem for sample in samples], "cold-start", "held out")
        overlapping = self.overlapping(samples)
        return [sample for index, sample in enumerate(samples) if index not in overlapping]

    def _refuse(self, problems: Sequence[Problem], role: str, where: str) -> None:
        leaked = [problem for problem in problems if problem in self._prompts]
        if leaked:
            raise GateFailedError(
                f"{len(leaked):,} of {len(problems):,} {role} problems are also {where}: {leaked[0].prompt[:80]!r}",
                f"axiom problems audit {leaked[0].family} says whether the family repeats itself",
            )


def _tokenize(left: Sequence[Problem], right: Sequence[Problem]) -> tuple[list[Tokens], NGrams, list[Tokens]]:
    """The tokens of each prompt on the left, the boilerplate among them, and the tokens of each prompt on the right."""
    tokens = {id(problem): _tokens(problem.prompt) for problem in (*left, *right)}

    def by_family(problems: Iterable[Problem]) -> Mapping[str, list[Tokens]]:
        families = defaultdict(list)
        for problem in problems:
            families[problem.family].append(tokens[id(problem)])
        return families

    as_drawn, every = by_family(filter(_as_drawn, right)), by_family(right)
    boilerplate: NGrams = set()
    for family, prompts in by_family(left).items():
        known = as_drawn.get(family, [])
        boilerplate |= _frequent(prompts) | _frequent(known) | _frequent(prompts + known)
        # With few prompts on the left, what most of them share may be chance; any problem on the right can refute that.
        in_most = _frequent(prompts, least=max(1, len(prompts) // 2))
        boilerplate |= in_most & _frequent(prompts + every.get(family, []))
    return [tokens[id(problem)] for problem in left], boilerplate, [tokens[id(problem)] for problem in right]


def _tokens(prompt: str) -> Tokens:
    return _TOKEN.findall(normalize(prompt).lower())


def _ngrams(tokens: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    return (tuple(tokens[start : start + n]) for start in range(len(tokens) - n + 1))


def _frequent(prompts: list[Tokens], least: int = BOILERPLATE_LEAST) -> NGrams:
    """The 4-grams that stand in more than a twentieth of the distinct prompts, and in more than `least` of them."""
    distinct = set(map(tuple, prompts))
    counts = Counter(ngram for tokens in distinct for ngram in set(_ngrams(tokens, BOILERPLATE_NGRAM)))
    threshold = max(least, BOILERPLATE_SHARE * len(distinct))
    return {ngram for ngram, count in counts.items() if count > threshold}


def _content_ngrams(tokens: Tokens, boilerplate: NGrams) -> Iterator[tuple[str, ...]]:
    """The 8-grams of a prompt that do not touch its boilerplate."""
    part: Tokens = []
    covered_to = 0
    for position, token in enumerate(tokens):
        if tuple(tokens[position : position + BOILERPLATE_NGRAM]) in boilerplate:
            covered_to = position + BOILERPLATE_NGRAM
        if position >= covered_to:
            part.append(token)
        else:
            yield from _ngrams(part, NGRAM)
            part = []
    yield from _ngrams(part, NGRAM)
