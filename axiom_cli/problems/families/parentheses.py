"""Strings of brackets: which are balanced, how deep they nest, what completes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families import bracket_programs
from axiom_cli.problems.families.bracket_programs import CLOSING, completion
from axiom_cli.problems.families.family import LEVELS, Exercise, Family

PAIRS = tuple(a + b for a, b in CLOSING.items())
STRINGS = 4


@dataclass(frozen=True)
class Brackets:
    """A question of one `kind` about some strings."""

    kind: str
    strings: tuple[str, ...]


def strip_pairs(text: str) -> str:
    """`text` without its adjacent matching pairs, all removed in one pass from the left."""
    out = []
    position = 0
    while position < len(text):
        if text[position : position + 2] in PAIRS:
            position += 2
        else:
            out.append(text[position])
            position += 1
    return "".join(out)


def passes(text: str) -> list[str]:
    """What each pass leaves, until nothing changes. The last one is empty if everything was removed."""
    out = []
    while (shorter := strip_pairs(text)) != text:
        out.append(shorter)
        text = shorter
    return out


def is_balanced(text: str) -> bool:
    """Whether every bracket is closed by its own kind in the right order."""
    stack: list[str] = []
    for char in text:
        if char in CLOSING:
            stack.append(CLOSING[char])
        elif not stack or stack.pop() != char:
            return False
    return not stack


def depth(text: str) -> int:
    """The largest number of brackets open at once, in a balanced string."""
    deepest = level = 0
    for char in text:
        level += 1 if char in CLOSING else -1
        deepest = max(deepest, level)
    return deepest


def _balanced(random: Random, pairs: int) -> str:
    """A balanced string with that many pairs."""
    out, stack, unopened = list[str](), list[str](), pairs
    while unopened or stack:
        if unopened and (not stack or random.random() < 0.55):
            opening = random.choice("([{")
            out.append(opening)
            stack.append(CLOSING[opening])
            unopened -= 1
        else:
            out.append(stack.pop())
    return "".join(out)


def _unbalanced(random: Random, pairs: int) -> str:
    """A balanced string with one bracket replaced, so that it no longer is."""
    text = _balanced(random, pairs)
    while is_balanced(text):
        at = int(random.random() * len(text))
        text = text[:at] + random.choice("()[]{}") + text[at + 1 :]
    return text


def _prefix(random: Random, length: int, openings: str = "([{") -> str:
    """A prefix of a balanced string: `length` brackets, at least one still open."""
    out: list[str] = []
    stack: list[str] = []
    for left in range(length, 0, -1):
        if not stack or (left == 1 and len(stack) == 1) or random.random() < 0.55:
            opening = random.choice(openings)
            out.append(opening)
            stack.append(CLOSING[opening])
        else:
            out.append(stack.pop())
    return "".join(out)


class Parentheses(Family):
    """Balance, nesting depth and completion of strings of ( ) [ ] { }."""

    name: ClassVar[str] = "parentheses"
    about: ClassVar[str] = "which of four strings of ()[]{} are balanced, how deep they nest, what completes one"
    levels: ClassVar[str] = "level n: four strings of up to 2 + n // 2 pairs, or one string of 2n + 2 brackets"
    forms: ClassVar[tuple[str, ...]] = ("answer", "program")

    def draw(self, random: Random, level: int) -> Brackets:
        kind = random.choice(("balanced", "depth", "complete"))
        if kind == "complete":
            return Brackets(kind, (_prefix(random, 2 * level + 2),))
        longest = 2 + level // 2
        make = [_balanced] * STRINGS
        if kind == "balanced":
            make = [random.choice((_balanced, _unbalanced)) for _ in range(STRINGS)]
        # At least one string has the full length, so that no problem belongs to two levels of different length.
        pairs = [longest, *(random.randint(max(1, longest - 2), longest) for _ in range(STRINGS - 1))]
        random.shuffle(pairs)
        return Brackets(kind, tuple(draw(random, count) for draw, count in zip(make, pairs, strict=True)))

    def statement(self, task: Brackets) -> str:
        if task.kind == "balanced":
            return f"For each string say yes if its brackets are balanced, else no: {' '.join(task.strings)}"
        if task.kind == "depth":
            return f"Give the nesting depth of each string: {' '.join(task.strings)}"
        return f"Which closing brackets complete this string: {task.strings[0]}"

    def answer(self, task: Brackets) -> str:
        if task.kind == "balanced":
            return " ".join("yes" if is_balanced(text) else "no" for text in task.strings)
        if task.kind == "depth":
            return " ".join(str(depth(text)) for text in task.strings)
        return completion(task.strings[0])

    def shared(self, task: Brackets, level: int, form: str) -> Sequence[int]:
        if task.kind == "complete" or form == "program":
            return (level,)
        return [other for other in LEVELS if other // 2 == level // 2]

    def exercise(self, task: Brackets, level: int, random: Random) -> Exercise:
        """The function of a string that follows a fixed prefix of level + 2 brackets."""
        openings = "".join(sorted(random.sample("([{", random.choice((1, 2, 2, 3, 3, 3)))))
        prefix = _prefix(random, level + 2, openings)
        return bracket_programs.exercise(task.kind, openings, prefix, others=random.random() < 0.5)

    def trace(self, task: Brackets) -> list[str]:
        if task.kind == "complete":
            return [left for left in passes(task.strings[0])]
        lines = []
        for text in task.strings:
            steps = passes(text)
            balanced = "yes" if steps and not steps[-1] else "no"
            end = str(len(steps)) if task.kind == "depth" else balanced
            lines.append(" ".join([text, *filter(None, steps), end]))
        return lines
