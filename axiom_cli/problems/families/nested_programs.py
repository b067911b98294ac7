"""Programs over nested lists of integers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar

from axiom_cli.problems.families.composed import COMPARED, Composed, Part, numbers

RECURSIVE = "def $f(items, depth):\n    return [%s]\nxs = $f(xs, 1)"
EACH = RECURSIVE % "$f(x, depth + 1) if isinstance(x, list) else %s for x in items"


def _deep(words: str, code: str, *choices: Sequence[Any], weight: int = 2) -> Part:
    return Part("nested", "nested", weight, words, code.replace("$f", words.split()[0]), choices)


PARTS = (
    _deep("put in the place of every list at depth 1 its elements", "xs = [y for x in xs for y in (x if isinstance(x, "
          "list) else [x])]", weight=1),
    _deep("reverse the order of the elements of xs, not of the lists in it", "xs = xs[::-1]", weight=1),
    _deep("begin xs with $0, put in front of its elements", "xs = [$0] + xs", range(-9, 21), weight=1),
    _deep("end xs with $0, put behind its elements", "xs = xs + [$0]", range(-9, 21), weight=1),
    _deep("flip every list, xs too: reverse the order of its elements", "def $f(x):\n    return "
          "[$f(y) for y in x[::-1]] if isinstance(x, list) else x\nxs = $f(xs)"),
    _deep("increase every integer by $0 times its depth", EACH % "x + $0 * depth", range(1, 8)),
    _deep("multiply every integer at depth $0 by $1", EACH % "(x * $1 if depth $0 else x)",
          ("1|== 1", "2|== 2", "2 or more|>= 2", "3 or more|>= 3"), (2, 3, 4, 5, -1, -2, -3)),
    _deep("delete every integer that is $0 $1, at any depth", RECURSIVE.replace(", depth", "").replace(", 1", "")
          % "$f(x) if isinstance(x, list) else x for x in items if isinstance(x, list) or not x $0 $1", COMPARED,
          range(-5, 10)),
    _deep("wrap every integer that is $0 $1 in a list of its own, at any depth", EACH % "([x] if x $0 $1 else x)",
          COMPARED, range(-5, 10)),
    _deep("prune every list at any depth (xs itself stays) that is empty or holds nothing but lists that are pruned",
          "def $f(items):\n    left = [$f(x) if isinstance(x, list) else x for x in items]\n"
          "    return [x for x in left if x != []]\nxs = $f(xs)"),
    _deep("sum up: replace every list at depth $0 by the sum of all integers in it, at any depth (0 for none)",
          "def total(x):\n    return sum(map(total, x)) if isinstance(x, list) else x\ndef $f(items, depth):\n"
          "    return [(total(x) if depth == $0 else $f(x, depth + 1)) if isinstance(x, list) else x for x in items]\n"
          "xs = $f(xs, 1)".replace("$f", "collapse"), (1, 2)),
    _deep("drop the $0 element of every list at any depth, xs too",
          "def $f(x):\n    return [$f(y) for y in x[$0]] if isinstance(x, list) else x\nxs = $f(xs)",
          ("first|1:", "last|:-1")),
    Part("nested", "flat", 1, "list all integers in it, at any depth, from left to right",
         "def flat(x):\n    return [z for y in x for z in flat(y)] if isinstance(x, list) else [x]\nxs = flat(xs)"),
    Part("nested", "flat", 2, "list the depths of all integers in it, at any depth, from left to right", "def "
         "depths(x, depth):\n    return [z for y in x for z in depths(y, depth + 1)] "
         "if isinstance(x, list) else [depth]\nxs = depths(xs, 0)"),
    Part("nested", "flat", 2, "list for every element of xs the sum of all integers in it (of an integer, itself)",
         "def added(x):\n    return sum(map(added, x)) if isinstance(x, list) else x\nxs = [added(x) for x in xs]"),
    Part("nested", "flat", 2, "list the number of elements of xs and of each list in it, in the order of their opening "
         "brackets", "def sizes(x):\n    inner = [z for y in x if isinstance(y, list) for z in sizes(y)]\n    "
          "return [len(x)] + inner\nxs = sizes(xs)"),
    Part("nested", "int", 2, "take the sum of all products of an integer and its depth", "def weighed(x, depth):\n    "
         "return sum(weighed(y, depth + 1) for y in x) if isinstance(x, list) else x * depth\nxs = weighed(xs, 0)"),
    *numbers("flat", "xs", -6, 13),
)  # fmt: skip


class NestedPrograms(Composed):
    """Changes, prunes, flattens and sums nested lists, several steps in sequence."""

    name: ClassVar[str] = "nested_programs"
    about: ClassVar[str] = "write a function of nested lists of integers: map and sum by depth, prune, flatten"
    levels: ClassVar[str] = "level n: steps whose weights (1 or 2 each) add up to n + 2"
    more = 2
    variable = "xs"
    inputs: ClassVar[dict[str, tuple[str, str, str]]] = {
        "nested": ("xs", "xs: list", "a list xs of integers and of lists that are made likewise (an element of xs is "
                   "at depth 1, an element of a list at depth 1 is at depth 2, and so on)"),
    }  # fmt: skip
    results: ClassVar[dict[str, str]] = {"nested": "list", "flat": "list[int]", "int": "int"}
    parts = PARTS

    def arguments(self, kind: str, random: Random) -> list[Any]:
        return [[_element(random, 1) for _ in range(random.randint(3, 7))]]

    def edges(self, kind: str, numbers: list[int]) -> list[list[Any]]:
        """An empty list, only empty lists, no inner lists, deep lists, numbers around the parameters."""
        around = [number + shift for number in numbers[:4] for shift in (-1, 0, 1)] or [3, 2, 2, 1]
        lists = [[], [[], [[]]], [4], around, [[[[-1, 5], 2], 2], -3], [[around], 7, [], [6, [around[1:], 0]]],
                 [1, [2, [3, [4, [5]]]], 1], [[2, 9, [2]], [[8, -4]], [-2]]]  # fmt: skip
        return [[xs] for xs in lists]


def _element(random: Random, depth: int) -> Any:
    if random.random() < 0.55 or depth == 4:
        return random.randint(-5, 9)
    return [_element(random, depth + 1) for _ in range(random.choice((0, 1, 2, 2, 3, 3)))]
