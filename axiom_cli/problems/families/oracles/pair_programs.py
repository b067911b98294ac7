"""Understands steps over two lists, or a list and a number, from their words."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from typing import Any

from axiom_cli.problems.families.oracles import numbers
from axiom_cli.problems.families.oracles.dict_programs import steps_of
from axiom_cli.problems.families.oracles.list_ops import merge_sorted

ZIPPED: dict[str, Callable[[int, int], int]] = {
    "sum": operator.add,
    "difference": operator.sub,
    "product": operator.mul,
    "larger": lambda x, y: merge_sorted([x, y])[1],
    "smaller": lambda x, y: merge_sorted([x, y])[0],
}


def _turns(xs: list[int], ys: list[int]) -> list[int]:
    places = [(place, turn, value) for turn, values in enumerate((xs, ys)) for place, value in enumerate(values)]
    return [value for _, _, value in sorted(places)]


def _removed(xs: list[int], ys: list[int]) -> list[int]:
    owed, out = Counter(ys), []
    for x in xs:
        if owed[x] > 0:
            owed[x] -= 1
        else:
            out.append(x)
    return out


def _two(words: str, xs: list[int], ys: list[int]) -> list[int]:
    """The step's result for two lists."""
    if "at equal places" in words:
        return list(map(ZIPPED[words.split()[5]], xs, ys))
    if "in turns" in words:
        return _turns(xs, ys) if "first" in words else _turns(ys, xs)
    if words.startswith("put the second"):
        return [*xs, *reversed(ys)]
    if words.startswith("put the first"):
        return [*ys, *(reversed(xs) if "reversed" in words else xs)]
    if words.startswith("keep of the first"):
        return [x for x in xs if bool(ys.count(x)) != ("do not" in words)]
    if words.startswith("merge"):
        merged = merge_sorted([*ys, *xs])
        return merged if "ascending" in words else merged[::-1]
    if words.startswith("remove from"):
        return _removed(xs, ys)
    tests = {"greater": operator.gt, "less": operator.lt, "equal": operator.eq}
    test = next(test for word, test in tests.items() if word in words)
    return [len([y for y in ys if test(y, x)]) for x in xs]


def _number(words: str, xs: list[int], n: int) -> list[int]:
    """The step's result for a list and a number."""
    if words.startswith("rotate"):
        out = list(xs)
        for _ in range(n if out else 0):
            out = [*out[1:], out[0]] if "left" in words else [out[-1], *out[:-1]]
        return out
    if "every nth" in words:
        return [x for place, x in enumerate(xs, 1) if place % n == 0]
    if "differences" in words:
        return [later - earlier for earlier, later in zip(xs, xs[n:], strict=False)]
    pieces = [xs[at : at + n] for at in range(len(xs))]
    pieces = pieces[::n] if "pieces" in words else [piece for piece in pieces if len(piece) == n]
    if "sum" in words:
        return [sum(piece) for piece in pieces]
    return [merge_sorted(piece)[-1 if "largest" in words else 0] for piece in pieces]


def _one(words: str, xs: list[int]) -> Any:
    """The step's result for a list alone."""
    if words.startswith("keep of every run"):
        return [x for x, before in zip(xs, [None, *xs], strict=False) if x != before]
    if words.startswith("drop"):
        return xs[:-1] if "last" in words else xs[2:] if "two" in words else xs[1:]
    if words.startswith("replace every number by the sum"):
        out: list[int] = []
        for x in xs:
            out.append(x + (out[-1] if out else 0))
        return out
    if "most often" in words:
        ordered = merge_sorted(xs) if "smallest" in words else merge_sorted(xs)[::-1]
        return Counter(ordered).most_common(1)[0][0] if xs else None
    if "largest" in words or "smallest" in words:
        return merge_sorted(xs)[-1 if "largest" in words else 0] if xs else None
    if not words.startswith("take the number of pairs"):
        return numbers.step(words, xs)
    total = int(words.split()[-1])
    return sum(xs[i] + xs[j] == total for j in range(len(xs)) for i in range(j))


def function(prompt: str) -> Callable[..., Any]:
    """The steps as a function of any two arguments."""
    first, *steps = steps_of(prompt)

    def solve(xs: list[int], other: Any) -> Any:
        value: Any = _number(first, xs, other) if isinstance(other, int) else _two(first, xs, other)
        for words in steps:
            value = _one(words, value)
        return value

    return solve
