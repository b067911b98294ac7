"""Syllogisms with several premises: which conclusions follow?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

_NOUNS = (
    "bips dors feds goks huls jafs kers loms mivs nars pons qubs rils snas tovs urps veks wazs yims zogs bres clos "
    "dras flus glis pras skes trus voms wils"
)
NOUNS = tuple(_NOUNS.split())
WORDINGS = {"all": ("all", "are"), "no": ("no", "are"), "some": ("some", "are"), "some not": ("some", "are not")}
FORMS = tuple(WORDINGS)
PREMISES = ("all",) * 9 + ("no", "no", "some", "some not")
CONCLUSIONS = 4

# A sentence: its form, subject and predicate, the last two as indices of nouns.
Sentence = tuple[str, int, int]


@dataclass(frozen=True)
class Syllogism:
    """Plural nouns, premises and conclusions about them, and which of the conclusions follow."""

    nouns: tuple[str, ...]
    premises: tuple[Sentence, ...]
    conclusions: tuple[Sentence, ...]
    follow: tuple[bool, ...]


@cache
def _bits(mask: int) -> tuple[int, ...]:
    return tuple([n for n in range(mask.bit_length()) if mask >> n & 1])


def _below(above: list[int], top: int) -> int:
    """The bit set of everything below `top`."""
    return sum([1 << noun for noun, up in enumerate(above) if up >> top & 1])


def consequences(premises: Sequence[Sentence], nouns: int) -> dict[str, list[int]]:
    """For each form and subject, the bit set of the predicates with which the sentence follows.

    Sound and complete where every noun has members and the premises can all be true: a universal sentence follows by
    chains of `all` around at most one `no`, a particular one by a member that a noun or a particular premise gives.
    """
    above = [1 << noun for noun in range(nouns)]
    for form, a, b in premises:
        if form == "all":
            up, under = above[b], 1 << a
            above = [mask | up if mask & under else mask for mask in above]
    apart = [0] * nouns
    members = [(up, 0) for up in above]
    for form, a, b in premises:
        if form == "no":
            one, other = _below(above, a), _below(above, b)
            for noun in _bits(one):
                apart[noun] |= other
            for noun in _bits(other):
                apart[noun] |= one
        elif form == "some":
            members.append((above[a] | above[b], 0))
        elif form == "some not":
            members.append((above[a], _below(above, b)))
    some, some_not = [0] * nouns, [0] * nouns
    for inside, excluded in members:
        outside, kinds = excluded, _bits(inside)
        for noun in kinds:
            outside |= apart[noun]
            some[noun] |= inside
        if outside:
            for noun in kinds:
                some_not[noun] |= outside
    return {"all": above, "no": apart, "some": some, "some not": some_not}


def _premises(random: Callable[[], float], count: int) -> list[Sentence]:
    """Premises that each tie a new noun to an earlier one, mostly the last: they form a tree, so all can be true."""
    out = []
    for new in range(1, count + 1):
        old = new - 1 if random() < 0.7 else int(random() * new)
        form = PREMISES[int(random() * len(PREMISES))]
        out.append((form, old, new) if random() < 0.6 else (form, new, old))
    return out


def _conclusions(random: Callable[[], float], premises: list[Sentence]) -> dict[Sentence, bool]:
    """Conclusions, and whether each follows: about as many do as do not, and none is a premise."""
    nouns = len(premises) + 1
    follows = consequences(premises, nouns)
    out: dict[Sentence, bool] = {}
    while len(out) < CONCLUSIONS:
        form = FORMS[int(random() * 4)]
        a = int(random() * nouns)
        others = _bits(follows[form][a] & ~(1 << a))
        if not others:
            continue
        b = others[int(random() * len(others))]
        right = random() < 0.55
        if not right:
            a, b = (b, a) if random() < 0.7 else (a, b)
            wrong = [form for form in FORMS if not follows[form][a] >> b & 1]
            form = wrong[int(random() * len(wrong))]
        sentence = (form, a, b)
        if sentence not in premises and sentence not in out:
            out[sentence] = right
    return out


class Syllogisms(Family):
    """Premises and possible conclusions about all, no or some members of made-up kinds."""

    name: ClassVar[str] = "syllogisms"
    about: ClassVar[str] = "which of four conclusions follow from premises about all, no or some of made-up kinds"
    levels: ClassVar[str] = "level n: n + 1 premises about n + 2 kinds"

    def draw(self, random: Random, level: int) -> Syllogism:
        premises = _premises(random.random, level + 1)
        conclusions = _conclusions(random.random, premises)
        premises.sort(key=lambda _: random.random())
        nouns = tuple(random.sample(NOUNS, level + 2))
        return Syllogism(nouns, tuple(premises), tuple(conclusions), tuple(conclusions.values()))

    def statement(self, task: Syllogism) -> str:
        return (
            f"Every kind has a member. Premises: {self._said(task.premises, task)}. For each conclusion, in order, "
            f"write yes if it must be true, else no, separated by spaces: {self._said(task.conclusions, task)}"
        )

    @staticmethod
    def _said(sentences: tuple[Sentence, ...], task: Syllogism) -> str:
        nouns, out = task.nouns, []
        for form, a, b in sentences:
            which, verb = WORDINGS[form]
            out.append(f"{which} {nouns[a]} {verb} {nouns[b]}")
        return ", ".join(out)

    def _words(self, sentence: Sentence, task: Syllogism) -> str:
        return self._said((sentence,), task)

    def answer(self, task: Syllogism) -> str:
        return " ".join(["yes" if follows else "no" for follows in task.follow])

    def trace(self, task: Syllogism) -> list[str]:
        follows = consequences(task.premises, len(task.nouns))
        lines = [f"all {task.nouns[n]} are: {_listed(up, task)}" for n, up in enumerate(follows["all"])]
        lines += [f"no {task.nouns[n]} are: {_listed(apart, task)}" for n, apart in enumerate(follows["no"]) if apart]
        for form, a, b in task.conclusions:
            lines.append(self._judged((form, a, b), task, follows))
        return lines

    def _judged(self, sentence: Sentence, task: Syllogism, follows: dict[str, list[int]]) -> str:
        """The line that says whether the sentence follows and, for a particular one, by which member."""
        form, a, b = sentence
        sentence_text = self._words(sentence, task)
        if not follows[form][a] >> b & 1:
            return f"{sentence_text}: no"
        if not form.startswith("some"):
            return f"{sentence_text}: yes"
        return f"{sentence_text}: yes, by {self._member(sentence, task, follows)}"

    def _member(self, sentence: Sentence, task: Syllogism, follows: dict[str, list[int]]) -> str:
        """The noun or the premise that gives a member for which a particular sentence is true."""
        form, a, b = sentence
        for noun in range(len(task.nouns)):
            if follows["all"][noun] >> a & 1 and follows["all" if form == "some" else "no"][noun] >> b & 1:
                return task.nouns[noun]
        universal = [premise for premise in task.premises if not premise[0].startswith("some")]
        for premise in task.premises:
            if consequences([*universal, premise], len(task.nouns))[form][a] >> b & 1:
                return self._words(premise, task)
        raise ValueError(f"no member makes it true: {self._words(sentence, task)}")


def _listed(mask: int, task: Syllogism) -> str:
    return " ".join(task.nouns[noun] for noun in _bits(mask))
