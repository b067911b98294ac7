"""Understands steps over nested lists from their words.

A nested list is kept as its marks from left to right: "[" and "]" and (integer, depth), without any recursion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from axiom_cli.problems.families.oracles import numbers
from axiom_cli.problems.families.oracles.dict_programs import compared, steps_of

Marks = list[Any]


def _marks(xs: list[Any]) -> Marks:
    """The marks of a list, read from its text."""
    return [mark if mark in "[]" else int(mark) for mark in re.findall(r"[\[\]]|-?\d+", repr(xs))]


def _nested(marks: Iterable[Any]) -> list[Any]:
    """The list of some marks."""
    open_lists: list[list[Any]] = [[]]
    for mark in marks:
        if mark == "[":
            open_lists.append([])
        else:
            value = open_lists.pop() if mark == "]" else mark
            open_lists[-1].append(value)
    return open_lists[0][0]


def _depths(marks: Marks) -> list[int]:
    """For each mark how many brackets are open around it; a bracket counts as one of what it encloses."""
    out, depth = [], 0
    for mark in marks:
        depth += mark == "["
        out.append(depth)
        depth -= mark == "]"
    return out


def _spans(marks: Marks) -> list[tuple[int, int]]:
    """Where each list begins and ends, in the order of the opening brackets."""
    out, waiting = {}, []
    for place, mark in enumerate(marks):
        if mark == "[":
            waiting.append(place)
        elif mark == "]":
            out[waiting.pop()] = place
    return sorted(out.items())


def _elements(marks: Marks, begin: int, end: int) -> list[tuple[int, int]]:
    """The first and last place of every direct element of the list between two brackets."""
    out, place, ends = [], begin + 1, dict(_spans(marks))
    while place < end:
        last = ends.get(place, place)
        out.append((place, last))
        place = last + 1
    return out


def _dropped(marks: Marks, *, first: bool) -> Marks:
    gone: set[int] = set()
    for begin, end in _spans(marks):
        for low, high in _elements(marks, begin, end)[slice(0, 1) if first else slice(-1, None)]:
            gone |= set(range(low, high + 1))
    return [mark for place, mark in enumerate(marks) if place not in gone]


def _pruned(marks: Marks) -> Marks:
    inner = marks[1:-1]
    while True:
        at = next((at for at in range(len(inner) - 1) if inner[at : at + 2] == ["[", "]"]), None)
        if at is None:
            return ["[", *inner, "]"]
        del inner[at : at + 2]


def _summed(marks: Marks, depth: int) -> Marks:
    out: list[Any] = []
    total = 0
    for mark, level in zip(marks, _depths(marks), strict=True):
        if level <= depth:
            out.append(mark)
        elif level == depth + 1 and mark == "[":
            total = 0
        elif level == depth + 1 and mark == "]":
            out.append(total)
        else:
            total += 0 if mark in ("[", "]") else mark
    return out


def _number(words: str, value: int, depth: int) -> list[Any]:
    """The marks in place of an integer, for steps that change integers alone."""
    if words.startswith("increase"):
        step = int(re.search(r"by (\d+)", words).group(1))  # type: ignore[union-attr]
        return [value + sum([step] * depth)]
    if words.startswith("multiply"):
        at, more, factor = re.search(r"depth (\d)( or more)? by (-?\d+)", words).groups()  # type: ignore[union-attr]
        return [value * int(factor)] if depth == int(at) or (more and depth > int(at)) else [value]
    if words.startswith("delete"):
        return [] if compared(words)(value) else [value]
    return ["[", value, "]"] if compared(words)(value) else [value]


def _step(words: str, marks: Marks) -> Marks:
    if words.startswith("put in"):
        return [mark for mark, depth in zip(marks, _depths(marks), strict=True) if depth != 2 or mark not in ("[", "]")]
    if words.startswith("reverse"):
        spans = _elements(marks, 0, len(marks) - 1)
        return ["[", *(mark for low, high in reversed(spans) for mark in marks[low : high + 1]), "]"]
    if words.startswith(("begin", "end")):
        number = [int(re.search(r"-?\d+", words).group())]  # type: ignore[union-attr]
        return [*marks[:1], *number, *marks[1:]] if words.startswith("begin") else [*marks[:-1], *number, *marks[-1:]]
    if words.startswith("flip"):
        return [{"[": "]", "]": "["}.get(mark, mark) for mark in reversed(marks)]
    if words.startswith("prune"):
        return _pruned(marks)
    if words.startswith("sum up"):
        return _summed(marks, int(re.search(r"depth (\d)", words).group(1)))  # type: ignore[union-attr]
    if words.startswith("drop"):
        return _dropped(marks, first="first" in words)
    out: Marks = []
    for mark, depth in zip(marks, _depths(marks), strict=True):
        out += [mark] if mark in ("[", "]") else _number(words, mark, depth)
    return out


def _listed(words: str, marks: Marks) -> Any:
    """The result of the steps that turn nested lists into something else."""
    numbers = [(mark, depth) for mark, depth in zip(marks, _depths(marks), strict=True) if mark not in ("[", "]")]
    if words.startswith("list all"):
        return [value for value, _ in numbers]
    if words.startswith("list the depths"):
        return [depth for _, depth in numbers]
    if words.startswith("list the number"):
        return [len(_elements(marks, begin, end)) for begin, end in _spans(marks)]
    if words.startswith("list for every"):
        return [mark for mark in _summed(marks, 1) if mark not in ("[", "]")]
    return sum(value * depth for value, depth in numbers)


def function(prompt: str) -> Callable[..., Any]:
    """The steps as a function of any nested list."""
    steps = steps_of(prompt)

    def solve(xs: list[Any]) -> Any:
        value, flat = _marks(xs), False
        for words in steps:
            if flat:
                value = numbers.step(words, value)
            elif words.startswith(("list", "take")):
                value, flat = _listed(words, value), True
            else:
                value = _step(words, value)
        return value if flat else _nested(value)

    return solve
