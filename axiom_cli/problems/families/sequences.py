"""Terms of sequences defined by a recurrence."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

# How much of the last term and of the one before: none grows faster than doubling.
PAIRS = ((1, 1), (2, -1), (1, 2), (3, -2), (1, -2), (-1, 2), (-1, 1), (1, -1))
POSITIVE = tuple((p, q) for p in range(1, 6) for q in range(1, 6))
SINGLE = ((1, 0), (2, 0), (-1, 0), (-2, 0))
PARITY = (((1, 0), (2, 0)), ((2, 0), (1, 0)), ((-1, 0), (2, 0)), ((1, 1), (1, -1)), ((1, 0), (1, 1)), ((1, -1), (2, 0)))


@dataclass(frozen=True)
class Rule:
    """a(n) = last * a(n-1) + before * a(n-2) + slope * n + constant."""

    last: int
    before: int
    slope: int
    constant: int


@dataclass(frozen=True)
class Sequence:
    """The first terms, the rule of odd and that of even n, the modulus or 0, and the index that is asked for."""

    first: tuple[int, ...]
    odd: Rule
    even: Rule
    modulus: int
    index: int


def _size(coefficient: int, name: str) -> str:
    """A term without its sign."""
    if not name:
        return str(abs(coefficient))
    return name if abs(coefficient) == 1 else f"{abs(coefficient)}*{name}"


def _signed(parts: list[tuple[int, str]]) -> str:
    """Terms as (coefficient, name) with their signs between them; the name of a constant is empty."""
    out = ""
    for coefficient, name in parts:
        if coefficient:
            sign = (" - " if out else "-") if coefficient < 0 else " + " if out else ""
            out += sign + _size(coefficient, name)
    return out


def words(rule: Rule) -> str:
    """The right side of a rule."""
    return _signed([(rule.last, "a(n-1)"), (rule.before, "a(n-2)"), (rule.slope, "n"), (rule.constant, "")])


def terms(task: Sequence) -> list[int]:
    """The terms up to the requested one."""
    out = list(task.first)
    for n in range(len(out) + 1, task.index + 1):
        rule = task.odd if n % 2 else task.even
        term = rule.last * out[-1] + (rule.before and rule.before * out[-2]) + rule.slope * n + rule.constant
        out.append(term % task.modulus if task.modulus else term)
    return out


def _line(task: Sequence, known: list[int], n: int) -> str:
    """How the nth term comes from those before it, which `known` begins with."""
    rule = task.odd if n % 2 else task.even
    factors = [(rule.last, known[n - 2]), (rule.before, known[n - 3]), (rule.slope, n)]
    used = [(factor, number) for factor, number in factors if factor]
    products = _sum([factor * number for factor, number in used] + [rule.constant] * bool(rule.constant))
    value = sum(factor * number for factor, number in used) + rule.constant
    shown = f"a({n}) = {' + '.join(f'{factor}*{number}' for factor, number in used)}"
    shown += _sum([0, rule.constant])[1:] if rule.constant else ""
    line = f"{shown} = {products} = {value}"
    return f"{line} = {value // task.modulus}*{task.modulus} + {known[n - 1]}" if task.modulus else line


def _sum(numbers: list[int]) -> str:
    return str(numbers[0]) + "".join([f" {'-' if number < 0 else '+'} {abs(number)}" for number in numbers[1:]])


class Sequences(Family):
    """Recurrences of one or two terms, with the index in them, modulo a number, or a rule each for odd and even n."""

    name: ClassVar[str] = "sequences"
    about: ClassVar[str] = "a term of a sequence given by a recurrence and its first terms"
    levels: ClassVar[str] = "level n: the term a(n + 3) from one or two given terms; terms and constants up to 2n + 10"

    def draw(self, random: Random, level: int) -> Sequence:
        kind = int(random.random() * 4)
        most = 10 + 2 * level
        first: tuple[int, ...] = (1 + int(random.random() * most), 1 + int(random.random() * most))
        if kind == 0:
            odd = even = self._rule(random, PAIRS, most)
        elif kind == 1:
            first, odd = first[:1], self._rule(random, SINGLE, most, 1 + int(random.random() * 5))
            even = odd
        elif kind == 2:
            last, before = POSITIVE[int(random.random() * len(POSITIVE))]
            odd = even = Rule(last, before, 0, int(random.random() * most))
            return Sequence(first, odd, even, 13 + int(random.random() * 87), level + 3)
        else:
            pairs = PARITY[int(random.random() * len(PARITY))]
            odd, even = self._rule(random, pairs[:1], most), self._rule(random, pairs[1:], most)
        return Sequence(first, odd, even, 0, level + 3)

    @staticmethod
    def _rule(random: Random, pairs: tuple[tuple[int, int], ...], most: int, slope: int = 0) -> Rule:
        last, before = pairs[int(random.random() * len(pairs))]
        return Rule(last, before, slope, (1 + int(random.random() * most)) * (1 if random.random() < 0.5 else -1))

    def statement(self, task: Sequence) -> str:
        known = ", ".join([f"a({n}) = {term}" for n, term in enumerate(task.first, 1)])
        if task.odd != task.even:
            rule = f"a(n) = {words(task.odd)} for odd n and a(n) = {words(task.even)} for even n"
        elif task.modulus:
            rule = f"a(n) be the remainder of {words(task.odd)} divided by {task.modulus}"
        else:
            rule = f"a(n) = {words(task.odd)}"
        return f"Let {known}, and for n > {len(task.first)} let {rule}. What is a({task.index})?"

    def answer(self, task: Sequence) -> str:
        return str(terms(task)[-1])

    def trace(self, task: Sequence) -> list[str]:
        known = terms(task)
        return [_line(task, known, n) for n in range(len(task.first) + 1, task.index + 1)]
