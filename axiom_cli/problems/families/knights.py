"""Knights, who tell the truth, and knaves, who lie: who is which?"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

NAMES = ("Ann", "Bob", "Cal", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida", "Jim", "Kay", "Lou", "Meg", "Ned", "Oto", "Pam")
KINDS = {False: "knave", True: "knight"}
# How many people there are at each level, and how many claims, besides one that always is, are about two of them.
ISLANDS = ((4, 0), (4, 1), (4, 3), (5, 1), (5, 2), (5, 4), (6, 3), (6, 5), (7, 4), (7, 6))


@dataclass(frozen=True)
class Claim:
    """What `speaker` says about people, by their numbers.

    `form` is "is" (the first is a `kinds[0]`), "alike" or "unlike" (the two are of the same kind or not), "and" or
    "or" (the first is a `kinds[0]` and/or the second is a `kinds[1]`).
    """

    speaker: int
    form: str
    people: tuple[int, ...]
    kinds: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Island:
    """People, who of them is a knight, each one's claim, and the order in which the claims settle who is what.

    A step is (the claims' speaker, the people settled by it).
    """

    names: tuple[str, ...]
    knights: tuple[bool, ...]
    claims: tuple[Claim, ...]
    steps: tuple[tuple[int, tuple[int, ...]], ...]


def words(claim: Claim, names: tuple[str, ...]) -> str:
    """The claim as it is said."""
    who = ["I" if person == claim.speaker else names[person] for person in claim.people]
    if claim.form == "is":
        return f"{who[0]} is a {KINDS[claim.kinds[0]]}"
    if claim.form in ("alike", "unlike"):
        return f"{who[0]} and {who[1]} are {claim.form}"
    verbs = ["am" if name == "I" else "is" for name in who]
    one, other = (f"{name} {verb} a {KINDS[kind]}" for name, verb, kind in zip(who, verbs, claim.kinds, strict=True))
    return f"{one} {claim.form} {other}"


class _Settling:
    """Makes claims that settle one person after another, so that exactly one assignment of kinds fits them all.

    Each claim settles its target by what is known before: a settled speaker states (or denies) the kind of the target,
    or what the target says about settled people is true or false.
    """

    def __init__(self, random: Random, people: int, compound: int) -> None:
        self.random = random
        self.order = list(range(people))
        random.shuffle(self.order)
        self.knights = [random.random() < 0.5 for _ in range(people)]
        rich = [True] * compound + [False] * (people - 1 - compound)
        random.shuffle(rich)
        self.rich = iter(rich)
        self.claims: dict[int, Claim] = {}
        self.steps: list[tuple[int, tuple[int, ...]]] = []

    def run(self) -> None:
        """Draws all claims."""
        order, random = self.order, self.random
        free: int | None
        mute = int(random.random() * len(order))
        if mute == 0:
            first = 2
            self._compound(order[0], order[0], order[1])
            self.steps.append((order[0], (order[0], order[1])))
            free = order[1]
        else:
            first = 1
            speaker, target = order[mute], order[0]
            self.claims[speaker] = Claim(speaker, "alike" if self.knights[target] else "unlike", (target, speaker))
            self.steps.append((speaker, (target,)))
            free = order[0]
        for place in range(first, len(order)):
            person = order[place]
            if person not in self.claims and (free is None or random.random() < 0.5):
                self._claim(person, order[int(random.random() * place)], order[:place])
                self.steps.append((person, (person,)))
                continue
            assert free is not None  # else the branch above was taken, or a person without a claim is left over
            self._claim(free, person, order[:place])
            self.steps.append((free, (person,)))
            free = None if person in self.claims else person
        if free is not None:
            others = [person for person in order if person != free]
            self._claim(free, others[int(random.random() * len(others))], others)

    def _claim(self, speaker: int, target: int, known: list[int]) -> None:
        """A claim by the speaker about the target, and about a known person if it is a compound."""
        others = [person for person in known if person not in (speaker, target)]
        if not next(self.rich):
            kind = self.knights[target] == self.knights[speaker]
            self.claims[speaker] = Claim(speaker, "is", (target,), (kind,))
        elif self.random.random() < 0.4 and others:
            other = others[int(self.random.random() * len(others))]
            alike = self.knights[other] == self.knights[target]
            form = "alike" if alike == self.knights[speaker] else "unlike"
            self.claims[speaker] = Claim(speaker, form, (other, target))
        else:
            pool = others or [person for person in known if person != target] or [speaker]
            self._compound(speaker, pool[int(self.random.random() * len(pool))], target)

    def _compound(self, speaker: int, other: int, target: int) -> None:
        """An `or` whose first part is false, or an `and` whose first part is true: the second part decides."""
        if other == speaker:
            form, stated = ("or" if self.knights[speaker] else "and"), False
        else:
            form = "and" if self.random.random() < 0.5 else "or"
            stated = self.knights[other] == (form == "and")
        kind = self.knights[target] == self.knights[speaker]
        self.claims[speaker] = Claim(speaker, form, (other, target), (stated, kind))


class Knights(Family):
    """Knights and knaves, each of whom makes one claim."""

    name: ClassVar[str] = "knights"
    about: ClassVar[str] = "who is a knight (tells the truth) and who a knave (lies), from what each of 4 to 7 says"
    levels: ClassVar[str] = "level n: 4 people, from level 4 on 5, from 7 on 6, from 9 on 7; ever more claims about two"

    def draw(self, random: Random, level: int) -> Island:
        people, compound = ISLANDS[level - 1]
        settling = _Settling(random, people, compound)
        settling.run()
        claims = tuple([settling.claims[person] for person in range(people)])
        return Island(tuple(random.sample(NAMES, people)), tuple(settling.knights), claims, tuple(settling.steps))

    def statement(self, task: Island) -> str:
        names = task.names
        stated = " ".join([f"{names[claim.speaker]}: {words(claim, names)}." for claim in task.claims])
        return (
            "Knights tell the truth, knaves lie. Alike means of one kind, unlike of two; or means one or both. "
            f"{stated} Write knight or knave for each of them, in this order, separated by spaces."
        )

    def answer(self, task: Island) -> str:
        return " ".join([KINDS[knight] for knight in task.knights])

    def trace(self, task: Island) -> list[str]:
        return [_settled(task, speaker, people) for speaker, people in task.steps]


def _settled(task: Island, speaker: int, people: tuple[int, ...]) -> str:
    """The line that settles the kind of `people` by what `speaker` says."""
    knight = task.knights[speaker]
    claim = task.claims[speaker]
    who = task.names[speaker]
    stated = words(claim, task.names)
    conclusions = ", ".join(f"{task.names[person]} {KINDS[task.knights[person]]}" for person in people)
    truth = "true" if knight else "false"
    if len(people) == 2 or (people == (speaker,) and speaker in claim.people):
        return f"{who} says {stated}: as a {KINDS[not knight]} impossible: {conclusions}"
    if people == (speaker,):
        return f"{who} says {stated}: {truth}: {conclusions}"
    if speaker == claim.people[-1]:
        return f"{who} says {stated}: whatever {who} is: {conclusions}"
    return f"{who} {KINDS[knight]}, {truth} that {stated.replace('I am', who + ' is')}: {conclusions}"
