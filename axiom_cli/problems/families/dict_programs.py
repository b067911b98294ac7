"""Programs over dicts and lists of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar

from axiom_cli.problems.families.composed import COMPARED, Composed, Part

WORDS = [
    *("ant", "ape", "asp", "bat", "bear", "bee", "boar"),
    *("deer", "dog", "dove", "duck", "eagle", "eel", "elk", "emu"),
]
MERGED = ("the sum|sum", "the largest|max", "the smallest|min")
REKEYED = ("first letter|key[0]", "last letter|key[-1]", "first two letters|key[:2]", "second letter|key[1]")
GATHER = """groups = {}
for key, value in %s:
    groups.setdefault(%s, []).append(value)
d = {key: $%d(values) for key, values in groups.items()}"""
SORTS = (
    "smallest value first, equal values by key in alphabetical order|(p[1], p[0])",
    "largest value first, equal values by key in alphabetical order|(-p[1], p[0])",
    "shortest key first, keys of equal length in alphabetical order|(len(p[0]), p[0])",
)


def _dict(words: str, expression: str, *choices: Sequence[Any], weight: int = 1) -> Part:
    return Part("dict", "dict", weight, words, f"d = {expression}", choices)


PARTS = (
    Part("pairs", "dict", 1, "make a dict of key to value, where a key that comes several times gets $0 of its values",
         GATHER % ("d", "key", 0), (MERGED,)),
    Part("pairs", "dict", 1, "make a dict of key to value, where a key that comes several times keeps its last value",
         "d = {key: value for key, value in d}"),
    Part("pairs", "dict", 1, "make a dict of key to value, where a key that comes several times keeps its first value",
         "found = {}\nfor key, value in d:\n    found.setdefault(key, value)\nd = found"),
    Part("pairs", "dict", 1, "make a dict of each key to the number of pairs that have it and a value $0 $1 (keys with "
         "none are left out)", "counts = {}\nfor key, value in d:\n    if value $0 $1:\n        counts[key] = "
         "counts.get(key, 0) + 1\nd = counts", (COMPARED, range(-4, 5))),
    _dict("keep only the entries whose value is $0 $1", "{key: value for key, value in d.items() if value $0 $1}",
          COMPARED, range(-4, 8)),
    _dict("keep only the entries whose value is $0", "{key: value for key, value in d.items() if value % 2 == $0}",
          ("even|0", "odd|1")),
    _dict("drop the entries whose key $0", "{key: value for key, value in d.items() if not key.$0}",
          ("begins with a|startswith('a')", "begins with b|startswith('b')", "begins with d|startswith('d')",
           "begins with e|startswith('e')", "ends with t|endswith('t')", "ends with e|endswith('e')")),
    _dict("keep only the entries whose key has $0 $1 letters", "{key: value for key, value in d.items() if len(key) "
          "$0 $1}", ("exactly|==", "at least|>=", "at most|<="), (3, 4)),
    _dict("add $0 to every value", "{key: value + $0 for key, value in d.items()}", range(1, 10)),
    _dict("multiply every value by $0", "{key: value * $0 for key, value in d.items()}", (2, 3, -1, -2)),
    _dict("replace every negative value by $0", "{key: $0 if value < 0 else value for key, value in d.items()}",
          ("0", "its absolute value|-value")),
    _dict("add to every value the number of letters of its key", "{key: value + len(key) for key, value in d.items()}"),
    Part("dict", "dict", 2, "replace every key by its $0, where keys that become equal get $1 of their values",
         GATHER % ("d.items()", "$0", 1), (REKEYED, MERGED)),
    _dict("subtract the smallest value of the dict from every value (an empty dict stays)",
          "{key: value - min(d.values()) for key, value in d.items()}", weight=2),
    _dict("keep only the entries whose value occurs $0 in the dict",
          "{key: value for key, value in d.items() if list(d.values()).count(value) $0}",
          ("only once|== 1", "more than once|> 1"), weight=2),
    _dict("replace every value by the number of entries whose value is $0", "{key: sum(other $0 value for other in "
          "d.values()) for key, value in d.items()}", ("smaller than it|<", "larger than it|>",
          "equal to it, its own included|=="),
          weight=2),
    Part("dict", "dict", 2, "keep only the $0 entries that come first when sorted $1 (all where there are fewer)",
         "first = dict(sorted(d.items(), key=lambda p: $1)[:$0])\nd = {key: d[key] for key in d if key in first}",
         ((2, 3, 4), SORTS)),
    Part("dict", "groups", 2, "turn it around: each value, as a string, becomes a key whose value is the list of the "
         "keys that had it, in alphabetical order", "groups = {}\nfor key in sorted(d):\n    "
         "groups.setdefault(str(d[key]), []).append(key)\nd = groups"),
    Part("groups", "tally", 1, "replace every list by its length", "d = {key: len(names) for key, names in d.items()}"),
    Part("groups", "groups", 1, "keep only the entries whose list has $0 $1 elements",
         "d = {key: names for key, names in d.items() if len(names) $0 $1}", (("at least|>=", "at most|<="), (1, 2))),
    Part("groups", "picked", 1, "keep only the $0 element of every list, as a list",
         "d = {key: names$0 for key, names in d.items()}", (("first|[:1]", "last|[-1:]"),)),
    Part("dict", "sorted", 2, "make a list of [key, value] pairs, $0", "d = sorted(([key, value] for key, value in "
         "d.items()), key=lambda p: $0)", (SORTS,)),
    Part("dict", "keys", 2, "make a list of the keys, $0",
         "d = [key for key, value in sorted(d.items(), key=lambda p: $0)]", (SORTS,)),
    Part("dict", "values", 1, "make a list of the values in alphabetical order of their keys",
         "d = [d[key] for key in sorted(d)]"),
)  # fmt: skip


class DictPrograms(Composed):
    """Filters, merges, counts, inverts and sorts the entries of a dict, several steps in sequence."""

    name: ClassVar[str] = "dict_programs"
    about: ClassVar[str] = "write a function of a dict or a list of pairs: filter, merge, count, invert, sort"
    variable = "d"
    inputs: ClassVar[dict[str, tuple[str, str, str]]] = {
        "dict": ("d", "d: dict[str, int]", "a dict d of words to integers"),
        "pairs": ("d", "d: list", "a list d of [key, value] pairs, a word and an integer each,"),
    }
    results: ClassVar[dict[str, str]] = {
        "dict": "dict[str, int]",
        "groups": "dict[str, list[str]]",
        "picked": "dict[str, list[str]]",
        "tally": "dict[str, int]",
        "sorted": "list",
        "keys": "list[str]",
        "values": "list[int]",
    }
    parts = PARTS

    def arguments(self, kind: str, random: Random) -> list[Any]:
        """Up to 12 entries; pairs share keys."""
        low, high = random.choice(((-5, 9), (-5, 9), (0, 6), (-9, 3)))
        count = random.randint(4, 12)
        if kind == "pairs":
            words = random.sample(WORDS, count // 2 + 1)
            return [[[random.choice(words), random.randint(low, high)] for _ in range(count)]]
        return [{word: random.randint(low, high) for word in random.sample(WORDS, count)}]

    def edges(self, kind: str, numbers: list[int]) -> list[list[Any]]:
        """No entry, one, equal values, values around the parameters, all words."""
        around = [number + shift for number in numbers[:3] for shift in (-1, 0, 1)] or [3, 2, 2, 1]
        rows = [
            list(zip(WORDS, values, strict=False))
            for values in ([], [4], [2, 2, 2, 2, 2, 2, 2, 2], around, range(-7, 8), [5, 5, -3, -3, 1, 1, 5, -3, 0])
        ]
        rows.append([(word, 3 - 2 * place) for place, word in enumerate(reversed(WORDS))])
        if kind == "dict":
            return [[dict(row)] for row in rows]
        rows.append([("bee", 1), ("ant", 5), ("bee", -2), ("elk", 5), ("ant", 5), ("bee", 4)])
        return [[[list(row) for row in entries]] for entries in rows]
