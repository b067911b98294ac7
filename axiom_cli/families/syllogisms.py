"""Syllogisms with several premises: which conclusions follow?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.families.family import Family

_NOUNS = (
    "blips dorns fends gorks hulps jaffs kerns lomps mivs nards ponts quabs rilks snars tovs urps veks wazs "
    "yims zogs brens clofs drabs flums glins prags skets trums vomps wilts"
)
NOUNS = tuple(_NOUNS.split())
WORDINGS = {
    "all": "all {} are {}",
    "no": "no {} are {}",
    "some": "some {} are {}",
    "some not": "some {} are not {}",
}
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


def _bits(mask: int) -> list[int]:
    out = []
    while mask:
        low = mask & -mask
        out.append(low.bit_length() - 1)
        mask ^= low
    return out


def consequences(premises: Sequence[Sentence], nouns: int) -> dict[str, list[int]]:
    """For each form and subject, the bit set of the predicates with which the sentence follows.

    Sound and complete where every noun has members and the premises can all be true: a universal sentence follows by
    chains of `all` around at most one `no`, a particular one by a member that a noun or a particular premise gives.
    """
    above = [1 << noun for noun in range(nouns)]
    for form, a, b in premises:
        if form == "all":
            above = [up | above[b] if up >> a & 1 else up for up in above]
    below = [sum([1 << noun for noun in range(nouns) if above[noun] >> top & 1]) for top in range(nouns)]
    apart = [0] * nouns
    members = [(up, 0) for up in above]
    for form, a, b in premises:
        if form == "no":
            for one, other in ((a, b), (b, a)):
                for noun in _bits(below[one]):
                    apart[noun] |= below[other]
        elif form == "some":
            members.append((above[a] | above[b], 0))
        elif form == "some not":
            members.append((above[a], below[b]))
    some, some_not = [0] * nouns, [0] * nouns
    for inside, outside in members:
        kinds = _bits(inside)
        for noun in kinds:
            outside |= apart[noun]
        for noun in kinds:
            some[noun] |= inside
            some_not[noun] |= outside
    return {"all": above, "no": apart, "some": some, "some not": some_not}


def _premises(random: Random, count: int) -> list[Sentence]:
    """Premises that each tie a new noun to one that was met, mostly the last: they form a tree, so all can be true."""
    out = []
    for new in range(1, count + 1):
        old = new - 1 if random.random() < 0.7 else int(random.random() * new)
        form = PREMISES[int(random.random() * len(PREMISES))]
        out.append((form, old, new) if random.random() < 0.6 else (form, new, old))
    return out


def _conclusions(random: Random, premises: list[Sentence]) -> dict[Sentence, bool]:
    """Conclusions, and whether each follows: about as many do as do not, and none is a premise."""
    nouns = len(premises) + 1
    follows = consequences(premises, nouns)
    out: dict[Sentence, bool] = {}
    while len(out) < CONCLUSIONS:
        form = FORMS[int(random.random() * 4)]
        a = int(random.random() * nouns)
        others = _bits(follows[form][a] & ~(1 << a))
        if not others:
            continue
        b = others[int(random.random() * len(others))]
        right = random.random() < 0.55
        if not right:
            a, b = (b, a) if random.random() < 0.7 else (a, b)
            wrong = [form for form in FORMS if not follows[form][a] >> b & 1]
            form = wrong[int(random.random() * len(wrong))]
        if (form, a, b) not in premises and (form, a, b) not in out:
            out[form, a, b] = right
    return out


class Syllogisms(Family):
    """Premises and possible conclusions about all, no or some members of made-up kinds."""

    name: ClassVar[str] = "syllogisms"
    about: ClassVar[str] = "which of four conclusions follow from premises about all, no or some of made-up kinds"
    levels: ClassVar[str] = "level n: n + 1 premises about n + 2 kinds"

    def draw(self, random: Random, level: int) -> Syllogism:
        premises = _premises(random, level + 1)
        conclusions = _conclusions(random, premises)
        random.shuffle(premises)
        nouns = tuple(random.sample(NOUNS, level + 2))
        return Syllogism(nouns, tuple(premises), tuple(conclusions), tuple(conclusions.values()))

    def statement(self, task: Syllogism) -> str:
        premises = ", ".join([self._words(sentence, task) for sentence in task.premises])
        conclusions = ", ".join([self._words(sentence, task) for sentence in task.conclusions])
        return (
            f"Every kind named has at least one member. Premises: {premises}. For each of these conclusions, in order, "
            f"write yes if it follows necessarily, else no, separated by spaces: {conclusions}"
        )

    @staticmethod
    def _words(sentence: Sentence, task: Syllogism) -> str:
        form, a, b = sentence
        return WORDINGS[form].format(task.nouns[a], task.nouns[b])

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
        """The line that says whether the sentence follows, and for a particular one by which member."""
        form, a, b = sentence
        said = self._words(sentence, task)
        if not follows[form][a] >> b & 1:
            return f"{said}: no"
        if not form.startswith("some"):
            return f"{said}: yes"
        return f"{said}: yes, by {self._member(sentence, task, follows)}"

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
