"""Understands programs that read a text format from their words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from axiom_cli.problems.families.oracles import numbers
from axiom_cli.problems.families.oracles.dict_programs import compared, steps_of
from axiom_cli.problems.families.oracles.parser_texts import (
    DIGITS,
    HIDDEN,
    EndedError,
    deep,
    entries,
    escaped,
    joined,
    kind,
    lines,
    listed,
    marks,
    number,
    quoted,
    reduced,
    stop_if,
    tokens,
    tree,
    uncommented,
    widths,
)


def _continued(words: str, rows: list[str]) -> list[str]:
    """Lines that begin with a plus are glued to what is before them."""
    text = HIDDEN.join(rows)
    return re.sub(rf"(?<=.){HIDDEN}\+", "", text, flags=re.DOTALL).split(HIDDEN) if rows else []


def _headed(words: str, rows: list[str]) -> list[str]:
    heads = [place for place, row in enumerate(rows) if re.fullmatch(r"\[.*\]", row, re.DOTALL)]
    out = []
    for place, row in enumerate(rows):
        before = [rows[head][1:-1] + "." for head in heads if head < place]
        out += [] if place in heads else ["".join(before[-1:]) + row]
    return out


def _copied(words: str, rows: list[str]) -> list[str]:
    out: list[str] = []
    for row in rows:
        matching = re.match(r"([0-9])\*", row)
        out.extend([row] if not matching else (row[2:] for _ in range(int(matching.group(1)))))
    return out


def _pairs(words: str, rows: list[str]) -> list[list[str]]:
    mark, out = marks(words)[0], []
    for given in rows:
        row = given
        if not row.count(mark):
            stop_if(words)
            if "leave it out" in words:
                continue
            row += f"{mark}on"
        cut = row.index(mark) if "first" in words.partition(" into ")[0] else row.rindex(mark)
        out.append([re.sub("^ +| +$", "", side) for side in (row[:cut], row[cut + 1 :])])
    return out


def _referred(words: str, rows: list[list[str]]) -> list[list[str]]:
    out: list[list[str]] = []
    for key, given in rows:
        value = given
        if value.startswith("@"):
            matching = [other for name, other in out if name == value[1:]]
            if not matching:
                stop_if(words)
                continue
            value = matching[-1]
        out.append([key, value])
    return out


def _ditto(words: str, rows: list[str]) -> list[str]:
    return [next(filter(None, rows[place::-1]), "-") for place in range(len(rows))]


def _grouped(words: str, rows: list[str]) -> list[list[str]]:
    size = int(DIGITS.search(words).group())  # type: ignore[union-attr]
    rest = rows[:]
    out = []
    while len(rest) >= size:
        out.append([rest.pop(0) for _ in range(size)])
    if rest:
        stop_if(words)
    return out


def _numbered(words: str, rows: list[str]) -> list[int]:
    other = words.split()[-1]
    return [int(x) if DIGITS.fullmatch(x) else len(x) if other == "length" else int(other) for x in rows]


def _by_key(words: str, rows: list[list[str]]) -> dict[str, Any]:
    keys = [row[0] for row in rows if row]
    table = {key: [row[1:] for row in rows if row[0] == key] for key in dict.fromkeys(keys)}
    if "the list of its values" in words:
        return {key: [value for (value,) in matching] for key, matching in table.items()}
    if "the sum of" in words:
        return {key: sum(int(v) for (v,) in matching if DIGITS.fullmatch(v)) for key, matching in table.items()}
    if "join" in words:
        return {key: sum(matching, []) for key, matching in table.items()}
    chosen = {key: matching[0 if "first" in words.rpartition(", ")[2] else -1] for key, matching in table.items()}
    return chosen if "other fields" in words else {key: value for key, (value,) in chosen.items()}


def _by_length(words: str, rows: list[list[str]]) -> list[list[str]]:
    place = 0 if "their first" in words else -1
    return [row for size in sorted({len(row[place]) for row in rows}) for row in rows if len(row[place]) == size]


def _dropped(words: str, rows: list[Any]) -> list[Any]:
    if "the pairs whose depth" in words or "the pairs whose integer" in words:
        test, place = compared(words), int("integer" in words)
        return [row for row in rows if not test(row[place])]
    if "is empty" in words:
        place = -1 if "value" in words or "last" in words else 0
        return [row for row in rows if len(row[place])]
    if "consists of digits" in words:
        return [row for row in rows if bool(DIGITS.fullmatch(row[-1])) == words.startswith("keep")]
    if "that of an earlier list" in words:
        firsts = [row[0] for row in rows]
        return [row for place, row in enumerate(rows) if firsts.index(row[0]) == place]
    return [row for row in rows if not _unwanted(words, row)]


def _unwanted(words: str, token: str) -> bool:
    """Whether a string is one of those that a step drops."""
    if "entries that begin with" in words:
        return token.startswith(marks(words)[0])
    if "empty fields" in words:
        return token == ""
    if "that is just" in words:
        return token == marks(words)[0]
    if "does not begin" in words:
        return not re.match("[A-Za-z0-9]" if "digit" in words else "[A-Za-z]", token)
    return len(token) > number(words) if "more than" in words else len(token) <= number(words)


def _unique(words: str, rows: list[list[str]]) -> list[list[str]]:
    ordered = rows if "first" in words else rows[::-1]
    kept = [row for place, row in enumerate(ordered) if row[0] not in [other[0] for other in ordered[:place]]]
    return kept if "first" in words else kept[::-1]


def _typed(words: str, table: dict[str, str]) -> dict[str, Any]:
    empty = None if words.endswith("None") else 0
    return {key: int(x) if DIGITS.fullmatch(x) else x if len(x) else empty for key, x in table.items()}


def _counted(words: str, tokens: list[str]) -> dict[str, int]:
    kinds = [kind(token) for token in tokens]
    return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


STEPS: dict[str, Callable[[str, Any], Any]] = {
    "split data at every": entries,
    r"split data into fields at every .*quotes": quoted,
    r"split data into fields at every .*escaped": escaped,
    "cut data from left to right into fields": widths,
    "cut data from left to right into tokens": lambda words, data: re.findall(
        "[A-Za-z][A-Za-z0-9]*|[0-9]+|[^ ]" if "a letter with all" in words else "[A-Za-z]+|[0-9]+|[^ ]", data
    ),
    "make the nested list": listed,
    r"make the list of \[depth": deep,
    "make the list of the tokens of data": tokens,
    "cut off from every entry": lambda words, rows: [
        row.partition(marks(words)[0])[0].rstrip(" ") for row in rows
    ],
    "make every letter of the keys": lambda words, rows: [[key.upper(), value] for key, value in rows],
    "make every letter": lambda words, rows: [row.lower() if "lower" in words else row.upper() for row in rows],
    "append every entry": _continued,
    "drop every entry that begins": _headed,
    "replace every entry that begins with a digit": _copied,
    "cut every entry at its": _pairs,
    "from the first pair to the last": _referred,
    r"make the list of the (keys|values)": lambda words, rows: [row["values" in words] for row in rows],
    "make a dict of the kinds": _counted,
    "make a dict of": _by_key,
    "replace every value that": _typed,
    "cut the spaces off": lambda words, rows: [re.sub("^ +| +$", "", row) for row in rows],
    "cut every field off": lambda words, rows: [row[: number(words)] for row in rows],
    "replace, from the first": _ditto,
    "group the fields": _grouped,
    "replace every field": _numbered,
    "sort the (records|lists) by the length": _by_length,
    "make the list of the number of characters": lambda words, rows: [sum(map(len, row)) for row in rows],
    "reverse the order of the elements|replace every integer, at|drop every integer|replace all at once|write|"
    "make the list of all integers": tree,
    "sort the pairs by depth": lambda words, rows: [
        row for depth in sorted({row[0] for row in rows}) for row in rows if row[0] == depth
    ],
    "make the list of depth times": lambda words, rows: [depth * x for depth, x in rows],
    "make the list of depth plus": lambda words, rows: [depth + x for depth, x in rows],
    "as long as": reduced,
    "replace every integer greater": lambda words, tokens: [
        str(min(int(x), number(words))) if re.fullmatch("-?[0-9]+", x) else x for x in tokens
    ],
    "add .* to every integer": lambda words, tokens: [
        str(int(x) + number(words)) if re.fullmatch("-?[0-9]+", x) else x for x in tokens
    ],
    "drop the first operator": lambda words, tokens: tokens[2:] if len(tokens) > 1 else tokens,
    r"replace every `.` by": lambda words, tokens: [
        marks(words)[1] if token == marks(words)[0] else token for token in tokens
    ],
    "reverse the order of the tokens": lambda words, tokens: list(reversed(tokens)),
    "take the first token": lambda words, tokens: int(tokens[0]),
    r"drop every `.` with": uncommented,
    "join every token": joined,
    "join every `-`": lambda words, tokens: re.sub(
        f"(^|{HIDDEN})-{HIDDEN}>(?={HIDDEN}|$)", r"\1->", HIDDEN.join(tokens)
    ).split(HIDDEN) if tokens else [],
    "cut the tokens into lines": lines,
    r"make the list of \[kind": lambda words, tokens: [[kind(token), token] for token in tokens],
    "make the list of the lengths": lambda words, tokens: list(map(len, tokens)),
    "make the list of the last element": lambda words, rows: [row[-1] for row in rows],
    "of pairs with equal keys": _unique,
    "keep only the (numbers|even|odd)|sort the list|reverse the list|add|multiply every|remove every number|"
    "take the sum": numbers.step,
    "drop|keep only the pairs": _dropped,
}  # fmt: skip


def function(prompt: str) -> Callable[..., Any]:
    """The steps as a function of any text."""
    steps = [
        (next(do for pattern, do in STEPS.items() if re.match(pattern, words)), words) for words in steps_of(prompt)
    ]
    expression = steps[0][0] is tokens

    def solve(data: str) -> Any:
        value: Any = data
        try:
            for do, words in steps:
                value = do(words, value)
        except EndedError:
            return None
        if expression and isinstance(value, list):
            return [int(x) if re.fullmatch("-?[0-9]+", x) else x for x in value]
        return value

    return solve
