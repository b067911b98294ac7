"""Programs over two lists or a list and a number."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar

from axiom_cli.problems.families.composed import Composed, Part, numbers


def _list(words: str, expression: str, *choices: Sequence[Any], weight: int = 1, gives: str = "list") -> Part:
    return Part("list", gives, weight, words, f"xs = {expression}", choices)


PARTS = (
    Part("two", "list", 1, "make the list of the $0 of the elements at equal places, as long as the shorter list",
         "xs = [$0 for x, y in zip(xs, ys)]", (("sum|x + y", "difference (first minus second)|x - y", "product|x * y",
         "larger|max(x, y)", "smaller|min(x, y)"),)),
    Part("two", "list", 1, "take the elements in turns, beginning with the $0 list, and where one ends, the rest of "
         "the other", "mixed = []\nfor place in range(max(len(xs), len(ys))):\n    "
         "mixed += $0[place : place + 1] + $1[place : place + 1]\nxs = mixed", (("first|xs",), ("ys",))),
    Part("two", "list", 1, "put the $0", "xs = $0", (("second list reversed behind the first|xs + ys[::-1]",
         "first list behind the second|ys + xs", "first list reversed behind the second|ys + xs[::-1]"),)),
    Part("two", "list", 1, "keep of the first list only the numbers that $0 in the second",
         "xs = [x for x in xs if x $0 ys]", (("occur|in", "do not occur|not in"),)),
    Part("two", "list", 2, "merge both into one list sorted in $0", "xs = sorted(xs + ys, reverse=$0)",
         (("ascending order|False", "descending order|True"),)),
    Part("two", "list", 2, "replace every number of the first list by how many numbers of the second are $0 it",
         "xs = [sum(y $0 x for y in ys) for x in xs]", (("greater than|>", "less than|<", "equal to|=="),)),
    Part("two", "list", 2, "remove from the first list, for each number of the second, its first occurrence that is "
         "still there, if any", "left = list(xs)\nfor y in ys:\n    if y in left:\n        left.remove(y)\nxs = left"),
    Part("number", "list", 1, "rotate the list $0 by n places (an empty list stays)",
         "xs = xs[$0 % len(xs) :] + xs[: $0 % len(xs)] if xs else xs", (("to the left|n", "to the right|-n"),)),
    Part("number", "list", 1, "keep only every nth number (the nth, the 2nth, ...)", "xs = xs[n - 1 :: n]"),
    Part("number", "list", 2, "slide a window of n numbers over the list, one place at a time, and make the list of "
         "the $0 in the windows (empty where there are fewer than n numbers)",
         "xs = [$0(xs[i : i + n]) for i in range(len(xs) - n + 1)]", (("sums|sum", "largest numbers|max"),)),
    Part("number", "list", 2, "cut the list into pieces of n numbers (the last may be shorter) and make the list of "
         "their $0", "xs = [$0(xs[i : i + n]) for i in range(0, len(xs), n)]", (("sums|sum", "smallest numbers|min"),)),
    Part("number", "list", 2, "make the list of the differences of each number and the one n places before it (the "
         "number minus the earlier one)", "xs = [xs[i] - xs[i - n] for i in range(n, len(xs))]"),
    *numbers("list", "xs", -4),
    _list("drop the $0", "xs[$0]", ("first number|1:", "last number|:-1",
          "first two numbers (all where there are fewer)|2:")),
    _list("replace every number by the sum of it and all numbers that stood before it",
          "[sum(xs[: i + 1]) for i in range(len(xs))]", weight=2),
    _list("keep of every run of equal numbers, one directly after the other, only one",
          "[x for i, x in enumerate(xs) if xs[:i][-1:] != [x]]", weight=2),
    _list("take the $0 number, or None if there is none", "$0(xs, default=None)", ("largest|max", "smallest|min"),
          gives="maybe"),
    _list("take the number of pairs of places i < j whose numbers add up to $0", "sum(x + y $1 $0 for i, x in "
          "enumerate(xs) for y in xs[:i])", range(2, 9), ("==",), weight=2, gives="int"),
    _list("take the number that occurs most often (the $0 of several), or None if there is none",
          "max(xs, key=lambda x: (xs.count(x), $0), default=None)", ("largest|x", "smallest|-x"), weight=2,
          gives="maybe"),
)  # fmt: skip


class PairPrograms(Composed):
    """Combines two lists, or a list and a number, and continues with the resulting list."""

    name: ClassVar[str] = "pair_programs"
    about: ClassVar[str] = "write a function of two lists, or a list and a number: zip, merge, windows, duplicates"
    levels: ClassVar[str] = "level n: steps whose weights (1 or 2 each) add up to n + 2"
    more = 2
    variable = "xs"
    inputs: ClassVar[dict[str, tuple[str, str, str]]] = {
        "two": ("xs, ys", "xs: list[int], ys: list[int]", "two lists of integers, xs (the first) and ys (the second),"),
        "number": ("xs, n", "xs: list[int], n: int", "a list of integers xs and an integer n of at least 1"),
    }
    results: ClassVar[dict[str, str]] = {"list": "list[int]", "int": "int", "maybe": "int | None"}
    parts = PARTS

    def arguments(self, kind: str, random: Random) -> list[Any]:
        low, high = random.choice(((-5, 9), (0, 6), (-9, 3)))
        xs, ys = ([random.randint(low, high) for _ in range(random.randint(4, 12))] for _ in "xy")
        return [xs, ys if kind == "two" else random.randint(1, 4)]

    def edges(self, kind: str, numbers: list[int]) -> list[list[Any]]:
        around = [number + shift for number in numbers[:4] for shift in (-1, 0, 1)] or [3, 2, 2, 1]
        lists = [[], [4], [2, 2, 2, 2, 2], around, list(range(-6, 9)), [5, 5, -3, -3, 1, 1, 5, -3, 0], [8, 6, 4, 2]]
        if kind == "number":
            return [[xs, n] for n, xs in zip((2, 1, 2, 1, 3, 2, 5), lists, strict=True)] + [[lists[4], 1]]
        others = [[1, 2], [], [2, 3, 2], [0] * len(around), [4, -2, 7, 7, 0, 1, 5], [1, 5, 5, 5, -3], []]
        return [list(both) for both in zip(lists, others, strict=True)] + [[[], []], [[1], around]]
