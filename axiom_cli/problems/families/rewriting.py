"""Strings rewritten by rules, at the leftmost place first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

LETTERS = "abcd"
LEAST = 3
ENOUGH = 100
SHRINKING = 0.3
APPLICABLE = 0.6

Rule = tuple[str, str]


@dataclass(frozen=True)
class Derivation:
    """A string, rules with different left sides of two letters, the number of steps (0 for as many as there are), and
    the string after them."""

    text: str
    rules: tuple[Rule, ...]
    k: int
    result: str


@cache
def _pairs(letters: int) -> tuple[str, ...]:
    return tuple([a + b for a in LETTERS[:letters] for b in LETTERS[:letters]])


def _rule(random: Random, text: str, letters: int) -> Rule:
    """A rule whose right side is shorter, or as long and alphabetically earlier, so that rewriting always ends."""
    pairs = _pairs(letters)
    if random.random() < APPLICABLE:
        start = int(random.random() * (len(text) - 1))
        at = pairs.index(text[start : start + 2])
    else:
        at = int(random.random() * len(pairs))
    if not at or random.random() < SHRINKING:
        return pairs[at], LETTERS[int(random.random() * letters)]
    return pairs[at], pairs[int(random.random() * at)]


def _rules(random: Random, text: str, letters: int, count: int) -> dict[str, str]:
    rules: dict[str, str] = {}
    while len(rules) < count:
        left, right = _rule(random, text, letters)
        rules.setdefault(left, right)
    return rules


def _place(text: str, rules: dict[str, str], start: int = 0) -> int:
    """Where the first left side from `start` on begins; -1 if there is none."""
    for place in range(start, len(text) - 1):
        if text[place : place + 2] in rules:
            return place
    return -1


def states(text: str, rules: dict[str, str], most: int) -> list[str]:
    """The string after each step, at most so many."""
    out: list[str] = []
    place = _place(text, rules)
    while place >= 0 and len(out) < most:
        text = text[:place] + rules[text[place : place + 2]] + text[place + 2 :]
        out.append(text)
        place = _place(text, rules, max(place - 1, 0))
    return out


class Rewriting(Family):
    """Rules that always terminate, applied to the end or for some steps."""

    name: ClassVar[str] = "rewriting"
    about: ClassVar[str] = "rewrite a string by rules, the leftmost place first, to the end or for some steps"
    levels: ClassVar[str] = "level n: a string of n + 4 letters, 2 to 5 rules, n // 2 + 2 to 2n + 2 steps"

    def draw(self, random: Random, level: int) -> Derivation:
        letters, most = 3 + (level > 5), 2 * level + 2
        while True:
            text = "".join([LETTERS[int(random.random() * letters)] for _ in range(level + 4)])
            rules = _rules(random, text, letters, 2 + level // 3)
            # One step more shows whether the rules have come to their end.
            after = states(text, rules, most + 1)
            if len(after) > most:
                k = most - int(random.random() * (level // 2 + 1))
                return Derivation(text, tuple(rules.items()), k, after[k - 1])
            if len(after) >= level // 2 + 2 and len(after[-1]) >= LEAST and len(set(after[-1])) > 1:
                return Derivation(text, tuple(rules.items()), 0, after[-1])

    def statement(self, task: Derivation) -> str:
        rules = ", ".join([f"{left} -> {right}" for left, right in task.rules])
        question = (
            f"What is the string after {task.k} steps?" if task.k else "What is left when no rule applies any more?"
        )
        return (
            f"Rules: {rules}. A step replaces the leftmost pair of letters that is the left side of a rule by the "
            f"right side of that rule. Start with {task.text} and take step after step. {question}"
        )

    def answer(self, task: Derivation) -> str:
        return task.result

    def trace(self, task: Derivation) -> list[str]:
        lines, rules, before = [], dict(task.rules), task.text
        for number, text in enumerate(states(task.text, rules, task.k or ENOUGH), 1):
            left = before[(place := _place(before, rules)) : place + 2]
            lines.append(f"{number}. {before[:place]}[{left}]{before[place + 2 :]} -> {text}")
            before = text
        return lines
