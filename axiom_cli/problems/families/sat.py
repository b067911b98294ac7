"""Clauses with exactly one satisfying assignment."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

VARIABLES = "abcdefghjkmnp"

# A clause: its literals, each (variable, the value that makes it true).
Clause = tuple[tuple[int, bool], ...]


@dataclass(frozen=True)
class Formula:
    """Clauses, the one assignment that satisfies them, and how it is found: (clauses used, variable settled)."""

    values: tuple[bool, ...]
    clauses: tuple[Clause, ...]
    steps: tuple[tuple[tuple[Clause, ...], int], ...]


LITERALS = {(n, value): name if value else f"!{name}" for n, name in enumerate(VARIABLES) for value in (False, True)}


def words(clause: Clause) -> str:
    """The clause as it is written."""
    return "|".join([LITERALS[literal] for literal in clause])


def _with(random: Random, literal: tuple[int, bool], others: list[tuple[int, bool]]) -> Clause:
    """A clause of `others` in their order, with the literal inserted at a random place."""
    others.insert(int(random.random() * (len(others) + 1)), literal)
    return tuple(others)


def _first(random: Random, order: list[int], values: list[bool], level: int) -> tuple[Clause, ...]:
    """Clauses that together leave the first variable one value: a lone literal; from level 4 two cases of a second
    variable; from level 8 three cases of a second and a third."""
    literal = (order[0], values[order[0]])
    if level < 4:
        return ((literal,),)
    second = order[1 + int(random.random() * (len(order) - 1))]
    if level < 8:
        return tuple([_with(random, literal, [(second, case)]) for case in (False, True)])
    third = random.choice([n for n in order[1:] if n != second])
    cases = ([(second, True)], [(third, True)], [(second, False), (third, False)])
    return tuple([_with(random, literal, case) for case in cases])


def _next(random: Random, known: list[int], variable: int, values: list[bool]) -> Clause:
    """A clause whose other literals, on one or two of the known variables, are false: it settles `variable`."""
    first = int(random.random() * len(known))
    others = [(known[first], not values[known[first]])]
    if len(known) > 2 and random.random() < 0.4:
        second = known[first - 1 - int(random.random() * (len(known) - 1))]
        others.append((second, not values[second]))
    return _with(random, (variable, values[variable]), others)


def _spare(random: Random, order: list[int], values: list[bool]) -> Clause:
    """A clause that the assignment satisfies anyway."""
    first = int(random.random() * len(order))
    true, other = order[first], order[first - 1 - int(random.random() * (len(order) - 1))]
    return _with(random, (true, values[true]), [(other, random.random() < 0.5)])


class Sat(Family):
    """Satisfiability with one solution, found by unit propagation from a first variable."""

    name: ClassVar[str] = "sat"
    about: ClassVar[str] = "the one assignment of 4 to 13 variables that satisfies every clause"
    levels: ClassVar[str] = "level n: n + 3 variables, about as many clauses of 1 to 3 literals, 1 + n // 3 spare"

    def draw(self, random: Random, level: int) -> Formula:
        count = level + 3
        order = list(range(count))
        random.shuffle(order)
        values = [random.random() < 0.5 for _ in order]
        steps = [(_first(random, order, values, level), order[0])]
        for place in range(1, count):
            steps.append(((_next(random, order[:place], order[place], values),), order[place]))
        clauses = [clause for used, _ in steps for clause in used]
        clauses += [_spare(random, order, values) for _ in range(1 + level // 3)]
        clauses.sort(key=lambda _: random.random())
        return Formula(tuple(values), tuple(clauses), tuple(steps))

    def statement(self, task: Formula) -> str:
        clauses = ", ".join([words(clause) for clause in task.clauses])
        return (
            "Exactly one way to give each variable the value 0 (false) or 1 (true) makes all of these true (! is not, "
            f"| is or): {clauses}. Write these values in alphabetical order of the variables, separated by spaces."
        )

    def answer(self, task: Formula) -> str:
        return " ".join(["1" if value else "0" for value in task.values])

    def trace(self, task: Formula) -> list[str]:
        return [self._settled(clauses, variable, task.values) for clauses, variable in task.steps]

    @staticmethod
    def _settled(clauses: tuple[Clause, ...], variable: int, values: tuple[bool, ...]) -> str:
        assignment = f"{VARIABLES[variable]} = {int(values[variable])}"
        clauses_text = ", ".join(map(words, clauses))
        if len(clauses) > 1:
            return f"{clauses_text}: {assignment}"
        given = ", ".join(f"{VARIABLES[n]} = {int(values[n])}" for n, _ in clauses[0] if n != variable)
        return f"{clauses_text}, {given}: {assignment}" if given else f"{clauses_text}: {assignment}"
