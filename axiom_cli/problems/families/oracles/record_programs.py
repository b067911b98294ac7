"""Understands steps over records from their words; records are kept as lists of name, team, age and score."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from axiom_cli.problems.families.oracles.dict_programs import compared, steps_of

FIELDS = ("name", "team", "age", "score")
Record = list[Any]


def _sorted(words: str, rows: list[Record]) -> list[Record]:
    """One stable pass for each key that the words name, the last one first."""
    out = list(rows)
    for key in reversed(re.findall(r"by (\w+)(?: in|,) (alphabetical|youngest|oldest|largest|smallest)", words)):
        place, backwards = FIELDS.index(key[0]), key[1] in ("oldest", "largest")
        values = sorted({row[place] for row in out}, reverse=backwards)
        out = [row for value in values for row in out if row[place] == value]
    return out


def _best(words: str, rows: list[Record]) -> list[Record]:
    word, field = re.search(r"the (\w+) (age|score)", words).groups()  # type: ignore[union-attr]
    place, out, teams = FIELDS.index(field), [], set()
    for row in rows:
        others = [other[place] for other in rows if other[1] == row[1]]
        if row[1] not in teams and row[place] == (max if word == "largest" else min)(others):
            teams.add(row[1])
            out.append(row)
    return out


def _kept(words: str, rows: list[Record]) -> list[Record]:
    if "average" in words:
        mean, count = sum(row[3] for row in rows), len(rows)
        tests = {"greater": mean.__lt__, "less": mean.__gt__, "least": mean.__le__}
        test = next(test for word, test in tests.items() if word in words)
        return [row for row in rows if test(row[3] * count)]
    if "other record" in words:
        place = FIELDS.index(words.split()[6])
        values = [row[place] for row in rows]
        return [row for row in rows if (values.count(row[place]) < 2) == ("no other" in words)]
    if "whose" in words:
        test, place = compared(words), FIELDS.index(words.split()[5])
        return [row for row in rows if test(row[place])]
    count = int(words.split()[4])
    return rows[:count] if "first" in words else rows[max(0, len(rows) - count) :]


def _scored(words: str, row: Record) -> Record:
    number = int(re.search(r"-?\d+", words).group())  # type: ignore[union-attr]
    name, team, age, score = row
    if words.startswith("multiply"):
        return [name, team, age, score * number]
    applies = compared(words)(age) if "whose age" in words else words.endswith(team)
    return [name, team, age, score + number if applies else score]


def _table(words: str, rows: list[Record]) -> list[list[Any]]:
    place = FIELDS.index(words.split()[5])
    keys = [row[place] for at, row in enumerate(rows) if row[place] not in [other[place] for other in rows[:at]]]
    out = []
    for key in keys:
        mine = [row for row in rows if row[place] == key]
        scores = sorted(row[3] for row in mine)
        if "number of" in words:
            out.append([key, len(mine)])
        elif "list of the names" in words:
            out.append([key, [row[0] for row in mine]])
        else:
            out.append([key, sum(scores) if "sum" in words else scores[-1 if "largest" in words else 0]])
    return out


def _step(words: str, rows: Any) -> Any:
    if words.startswith("keep of each"):
        return _best(words, rows)
    if words.startswith("keep"):
        return _kept(words, rows)
    if words.startswith("drop"):
        return [row for row in rows if row[1] != words.split()[-1]]
    if words.startswith("sort"):
        return _sorted(words, rows)
    if words.startswith("make a dict"):
        return _table(words, rows)
    if "to every value" in words:
        return [[key, value + int(words.split()[1])] for key, value in rows]
    if "[key, value]" in words:
        ordered = sorted(rows)
        ordered.sort(key=lambda pair: pair[1], reverse="largest" in words)
        return ordered
    if "names" in words:
        return [row[0] for row in rows]
    if "[name" in words:
        return [[row[0], row[3 if "score" in words else 2]] for row in rows]
    if "plus" in words:
        return [row[2] + row[3] for row in rows]
    return sum(row[3] for row in rows) if words.startswith("take") else [_scored(words, row) for row in rows]


def function(prompt: str) -> Callable[..., Any]:
    """The steps as a function of any records."""
    steps = steps_of(prompt)
    table = any(words.startswith("make a dict") for words in steps) and "make the list" not in steps[-1]
    listed = steps[-1].startswith(("make the list", "take"))

    def solve(rows: list[dict[str, Any]]) -> Any:
        value: Any = [[row[field] for field in FIELDS] for row in rows]
        for words in steps:
            value = _step(words, value)
        if table:
            return dict(value)
        return value if listed else [dict(zip(FIELDS, row, strict=True)) for row in value]

    return solve
