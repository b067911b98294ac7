"""Programs over lists of records: dicts with the fields name, team, age and score."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, ClassVar

from axiom_cli.problems.families.composed import COMPARED, Composed, Part

NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ivy", "Jo")
TEAMS = ("red", "blue", "green")
ORDERS = (
    "by age, youngest first|r['age']",
    "by score, largest first|-r['score']",
    "by score, smallest first, records of equal score by age, oldest first|(r['score'], -r['age'])",
    "by name in alphabetical order, records of equal name by score, largest first|(r['name'], -r['score'])",
    "by team in alphabetical order, records of equal team by score, smallest first|(r['team'], r['score'])",
    "by team in alphabetical order, records of equal team by age, youngest first|(r['team'], r['age'])",
)
BEST = """best = {}
for r in rows:
    if r['team'] not in best or r['$1'] $0 best[r['team']]['$1']:
        best[r['team']] = r
rows = [r for r in rows if best[r['team']] is r]"""
GROUP = """groups = {}
for r in rows:
    groups.setdefault(r['$0'], []).append(r['%s'])
rows = {key: %s for key, values in groups.items()}"""


def _rows(words: str, expression: str, *choices: Sequence[Any], weight: int = 1, gives: str = "rows") -> Part:
    return Part("rows", gives, weight, words, f"rows = {expression}", choices)


PARTS = (
    _rows("keep only the records whose score is $0 $1", "[r for r in rows if r['score'] $0 $1]", COMPARED, range(2, 9)),
    _rows("keep only the records whose age is $0 $1", "[r for r in rows if r['age'] $0 $1]", COMPARED, range(21, 28)),
    _rows("drop the records of team $0", "[r for r in rows if r['team'] != '$0']", TEAMS),
    _rows("add $1 to the score of every record of team $0", "[{**r, 'score': r['score'] + $1 * (r['team'] == '$0')} "
          "for r in rows]", TEAMS, range(1, 8)),
    _rows("multiply the score of every record by $0", "[{**r, 'score': r['score'] * $0} for r in rows]", (2, 3, -1)),
    _rows("add $0 to the score of every record whose age is $1 $2",
          "[{**r, 'score': r['score'] + $0} if r['age'] $1 $2 else r for r in rows]", range(1, 8), COMPARED,
          range(22, 27)),
    _rows("sort $0, records that are still equal left in their order", "sorted(rows, key=lambda r: $0)", ORDERS,
          weight=2),
    _rows("keep only the $0 records (all where there are fewer)", "rows[$0]",
          ("first 2|:2", "first 3|:3", "first 5|:5", "last 3|-3:", "last 4|-4:")),
    Part("rows", "rows", 2, "keep of each team only the record with the $0 $1, the first of several", BEST,
         (("largest|>", "smallest|<"), ("age", "score"))),
    _rows("keep only the records whose score is $0 the average score of all records",
          "[r for r in rows if r['score'] * len(rows) $0 sum(s['score'] for s in rows)]",
          ("greater than|>", "less than|<", "at least|>="), weight=2),
    _rows("keep only the records with $0 that $1 record has", "[r for r in rows if sum(s['$0'] == r['$0'] for s in "
          "rows) $1]", ("a name|name", "an age|age", "a score|score"), ("no other|== 1", "some other|> 1"), weight=2),
    _rows("make the list of their names", "[r['name'] for r in rows]", gives="names"),
    _rows("make the list of [name, $0]", "[[r['name'], r['$0']] for r in rows]", ("score", "age"), gives="list"),
    _rows("make the list of age plus score", "[r['age'] + r['score'] for r in rows]", gives="numbers"),
    _rows("take the sum of their scores (0 for none)", "sum(r['score'] for r in rows)", gives="int"),
    Part("rows", "table", 2, "make a dict of each $0 to the $1 of the scores of its records", GROUP % ("score",
         "$1(values)"), (("team", "name"), ("sum|sum", "largest|max", "smallest|min"))),
    Part("rows", "table", 2, "make a dict of each $0 to the number of its records", GROUP % ("score", "len(values)"),
         (("team", "name"),)),
    Part("rows", "lists", 2, "make a dict of each $0 to the list of the names of its records", GROUP % ("name",
         "values"), (("team",),)),
    Part("table", "table", 1, "add $0 to every value", "rows = {key: value + $0 for key, value in rows.items()}",
         (range(1, 10),)),
    Part("table", "list", 1, "make the list of [key, value], $0, equal values by key in alphabetical order",
         "rows = sorted(([key, value] for key, value in rows.items()), key=lambda p: $0)",
         (("largest value first|(-p[1], p[0])", "smallest value first|(p[1], p[0])"),)),
)  # fmt: skip


class RecordPrograms(Composed):
    """Filters, sorts, changes and groups records, several steps in sequence."""

    name: ClassVar[str] = "record_programs"
    about: ClassVar[str] = "write a function of a list of records: filter, sort with tie rules, group, aggregate"
    variable = "rows"
    inputs: ClassVar[dict[str, tuple[str, str, str]]] = {
        "rows": ("rows", "rows: list[dict]", "a list of records, dicts with the keys name and team (strings), age and "
                 "score (integers),"),
    }  # fmt: skip
    results: ClassVar[dict[str, str]] = {
        "rows": "list[dict]",
        "names": "list[str]",
        "numbers": "list[int]",
        "list": "list",
        "int": "int",
        "table": "dict[str, int]",
        "lists": "dict[str, list[str]]",
    }
    parts = PARTS

    def arguments(self, kind: str, random: Random) -> list[Any]:
        names = random.sample(NAMES, random.randint(2, 6))
        low, high = random.choice(((0, 9), (1, 6), (4, 12)))
        return [[_record(random.choice(names), random.choice(TEAMS), random.randint(20, 28), random.randint(low, high))
                 for _ in range(random.randint(2, 7))]]  # fmt: skip

    def edges(self, kind: str, numbers: list[int]) -> list[list[Any]]:
        """No record, one, equal ones, and ages and scores around the parameters."""
        random = Random("edges")
        around = [number + shift for number in numbers[:4] for shift in (-1, 0, 1)] or [3, 24]
        long = [_record(random.choice(NAMES[:5]), random.choice(TEAMS), random.randint(21, 27), random.randint(1, 9))
                for _ in range(14)]  # fmt: skip
        near = [_record(random.choice(NAMES), random.choice(TEAMS), *((n, 5) if n > 18 else (24, n))) for n in around]
        twins = [_record(name, team, 24, 5) for name in NAMES[1::-1] for team in TEAMS]
        return [[[]], [[_record("Eve", "red", 24, 5)]], [twins], [near], [long], [[*near, *twins][::-1]], [long[::-1]]]


def _record(name: str, team: str, age: int, score: int) -> dict[str, Any]:
    return {"name": name, "team": team, "age": age, "score": score}
