"""Understands steps over entries from their words; the entries are kept as a list of (key, value) throughout."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Rows = list[tuple[str, Any]]
COMPARE: dict[str, Callable[[int, int], bool]] = {
    "greater than": lambda a, b: not a <= b,
    "less than": lambda a, b: not a >= b,
    "at least": lambda a, b: not a < b,
    "at most": lambda a, b: not a > b,
    "exactly": lambda a, b: a == b,
    "smaller": lambda a, b: b > a,
    "larger": lambda a, b: b < a,
}
PLACES = {"first letter": (0, 1), "second letter": (1, 2), "first two letters": (0, 2)}


def steps_of(prompt: str) -> list[str]:
    """The steps that a prompt names, in order."""
    return re.search(r"does in order: (.+); return the result\.(?:\n|$)", prompt).group(1).split("; ")  # type: ignore[union-attr]


def compared(words: str) -> Callable[[int], bool]:
    """The condition that `at least 3` and the like put on a number."""
    word, number = re.search(r"(greater than|less than|at least|at most|exactly) (-?\d+)", words).groups()  # type: ignore[union-attr]
    return lambda value: COMPARE[word](value, int(number))


def _merged(rows: Rows, words: str) -> Rows:
    out: list[list[Any]] = []
    for key, value in rows:
        same = next((row for row in out if row[0] == key), None)
        if same is None:
            out.append([key, value])
        elif "sum" in words:
            same[1] += value
        elif "first value" not in words:
            worse = value < same[1] if "largest" in words else value > same[1]
            same[1] = value if "last value" in words or not worse else same[1]
    return [(key, value) for key, value in out]


def _counted(rows: Rows, words: str) -> Rows:
    test = compared(words)
    return _merged([(key, 1) for key, value in rows if test(value)], "sum")


def _rekeyed(rows: Rows, words: str) -> Rows:
    name = re.search(r"by its (.+), where", words).group(1)  # type: ignore[union-attr]
    low, high = PLACES.get(name, (-1, None))
    return _merged([(key[low:high], value) for key, value in rows], words.split("where")[1])


def _ordered(rows: Rows, words: str) -> Rows:
    """The rows in the stated order, by inserting one after the other."""

    def rank(row: tuple[str, int]) -> Any:
        if "shortest key" in words:
            return len(row[0])
        return row[1] if "smallest value" in words else -row[1]

    out: Rows = []
    for row in rows:
        at = sum((rank(other), other[0]) < (rank(row), row[0]) for other in out)
        out.insert(at, row)
    return out


def _inverted(rows: Rows) -> Rows:
    out: list[tuple[str, list[str]]] = []
    for key, value in sorted(rows):
        for known, names in out:
            if known == str(value):
                names.append(key)
                break
        else:
            out.append((str(value), [key]))
    return out


def _kept(rows: Rows, words: str) -> Rows:
    if "first when sorted" in words:
        count = int(re.search(r"\d+", words).group())  # type: ignore[union-attr]
        first = _ordered(rows, words)[:count]
        return [row for row in rows if row in first]
    if "occurs" in words:
        return [row for row in rows if (sum(other[1] == row[1] for other in rows) == 1) == ("only once" in words)]
    if "of every list" in words:
        return [(key, [names[0 if "first" in words else -1]]) for key, names in rows]
    if words.endswith(("even", "odd")):
        return [row for row in rows if bool(row[1] & 1) == words.endswith("odd")]
    test = compared(words)
    if "whose list" in words:
        return [row for row in rows if test(len(row[1]))]
    return [row for row in rows if test(len(row[0]) if "letters" in words else row[1])]


def _dropped(rows: Rows, words: str) -> Rows:
    place = 0 if "begins" in words else -1
    return [row for row in rows if row[0][place] != words[-1]]


def _value(key: str, value: Any, rows: Rows, words: str) -> Any:
    """A value after a step that changes values alone."""
    match = re.search(r"-?\d+", words)
    number = int(match.group()) if match else 0
    if "number of letters" in words:
        return value + len(key)
    if words.startswith("add"):
        return value + number
    if words.startswith("multiply"):
        return value * number
    if "negative" in words:
        return value if value >= 0 else 0 - value if "absolute" in words else 0
    if words.startswith("subtract"):
        return value - sorted(other for _, other in rows)[0]
    if "its length" in words:
        return len(value)
    if "equal to it" in words:
        return len([other for _, other in rows if other == value])
    return len([other for _, other in rows if COMPARE[words.split()[-3]](other, value)])


def _step(words: str, rows: Any) -> Any:
    if words.startswith("make a dict of each key"):
        return _counted(rows, words)
    if words.startswith("make a dict"):
        return _merged(rows, words)
    if "every key" in words:
        return _rekeyed(rows, words)
    if words.startswith("keep"):
        return _kept(rows, words)
    if words.startswith("drop"):
        return _dropped(rows, words)
    if words.startswith("turn"):
        return _inverted(rows)
    if "list of [key" in words:
        return [list(row) for row in _ordered(rows, words)]
    if "list of the keys" in words:
        return [key for key, _ in _ordered(rows, words)]
    if "list of the values" in words:
        return [value for _, value in sorted(rows)]
    return [(key, _value(key, value, rows, words)) for key, value in rows]


def function(prompt: str) -> Callable[..., Any]:
    """The steps as a function of any entries."""
    steps = steps_of(prompt)

    def solve(d: Any) -> Any:
        rows = list(d.items()) if isinstance(d, dict) else [tuple(row) for row in d]
        for words in steps:
            rows = _step(words, rows)
        return rows if steps[-1].startswith("make a list") else dict(rows)

    return solve
