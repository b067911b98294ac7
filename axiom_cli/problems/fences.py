"""The fenced blocks of a text in Markdown, as CommonMark says, and as models write them nevertheless."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from axiom_cli import syntax

FENCE = re.compile(
    r"(?P<container>[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])(?=[ \t])[ \t>]*)*)(?P<ticks>`{3,}|~{3,})(?P<info>.*)"
)
LANGUAGE = re.compile(r"[\s{.]*(?:language-)?([\w+#-]*(?:\.\w+)*)")
PYTHON = re.compile(r"(?:i?python|py)(?:\d(?:\.\d+)*)?|[\w-]+\.py")
TRIPLE_QUOTES = '"""', "'''"
MOST_TRIES = 8
"""Ends of one block that are tried until its code parses."""
LONGEST_STRING = 1000
"""Lines after the first closing fence in which another one is looked for."""
MOST_UNSURE = 32
"""Blocks of one text whose end is looked for in that way."""


class Fence(NamedTuple):
    """A line that opens or closes a block. `language` is what it names, in lower case; `quotes` is how many `>` stand
    before it."""

    ticks: str
    language: str
    quotes: int

    @property
    def names_python(self) -> bool:
        """Whether it says Python: `python`, `py`, `python3.11`, `python:file.py`, `{.python}`, `file.py`."""
        return PYTHON.fullmatch(self.language) is not None

    def closes(self, opening: Fence) -> bool:
        """Whether it can end the block that `opening` began."""
        return not self.language and self.ticks.startswith(opening.ticks)


@dataclass(frozen=True)
class Block:
    """The code between two fences, without the indentation and the quote marks of the list or quote that it stands in.

    `named` if the first fence says Python, `closed` if there is a second one; the text's characters from `start` to
    `stop` are the lines between them.
    """

    code: str
    named: bool
    closed: bool
    start: int
    stop: int


@lru_cache(maxsize=1024)
def fence(line: str) -> Fence | None:
    """The fence that `line` is; None for any other line."""
    if "```" not in line and "~~~" not in line:
        return None
    match = FENCE.match(line)
    if match is None or match["ticks"][0] in match["info"]:
        return None
    language = LANGUAGE.match(match["info"])
    return Fence(match["ticks"], language[1].lower() if language else "", match["container"].count(">"))


def blocks(text: str) -> Iterator[Block]:
    """The blocks of Python, or of no language, in order. A fence that names Python ends a block that does not."""
    lines = text.split("\n")
    number = position = unsure = 0
    while number < len(lines):
        opening = fence(lines[number])
        position += len(lines[number]) + 1
        number += 1
        if opening is None:
            continue
        readable = opening.names_python or not opening.language
        ends = list(_ends(lines, number, opening))
        end = ends[0]
        if readable and unsure < MOST_UNSURE and (len(ends) > 1 or _inside_a_string(lines[number : end.line])):
            unsure += 1
            end = _best_end(lines, number, opening, ends)
        code = [*lines[number : end.line], *end.last_line]
        stop = position + sum(map(len, lines[number : end.line])) + end.line - number
        if readable:
            yield Block(_bare(code, opening.quotes), opening.names_python, end.closed, position, stop)
        position = stop + sum(len(line) + 1 for line in lines[end.line : end.next_line])
        number = end.next_line


class _End(NamedTuple):
    """Where a block may end: before `line`, after the code in `last_line` if that line has some; reading continues at
    `next_line`."""

    line: int
    next_line: int
    closed: bool = True
    last_line: tuple[str, ...] = ()


def _ends(lines: list[str], first: int, opening: Fence) -> Iterator[_End]:
    """The end by the first closing fence, or by the end of the text. Then ends before that one: fences behind code, and
    fences that name Python where the closing one is missing. Of many such, the first few alone."""
    others: list[_End] = []
    for number in range(first, len(lines)):
        line = lines[number]
        if opening.ticks not in line and "```" not in line and "~~~" not in line:
            continue
        marker, end = fence(line), _end_at(line, number, opening)
        if end and not end.last_line:
            yield end
            break
        if end:
            others.append(end)
        elif marker is None:
            continue
        elif marker.names_python and not opening.names_python:
            yield _End(number, number)
            break
        elif marker.names_python:
            others.append(_End(number, number))
        if len(others) == MOST_TRIES // 2:
            break
    else:
        yield _End(len(lines), len(lines), closed=False)
    yield from others


def _end_at(line: str, number: int, opening: Fence) -> _End | None:
    """The end by a closing fence on this line, or at its end."""
    if marker := fence(line):
        return _End(number, number + 1) if marker.closes(opening) else None
    bare = line.rstrip()
    if not bare.endswith(opening.ticks):
        return None
    return _End(number, number + 1, last_line=(bare.rstrip(opening.ticks[0]),))


def _best_end(lines: list[str], first: int, opening: Fence, ends: list[_End]) -> _End:
    """The first end before which the code parses; a closing fence in a string of the program is none. Without one, the
    fence that names Python and follows, else the first end."""
    begin = ends[0].next_line
    places = range(begin, min(begin + LONGEST_STRING, len(lines)))
    later = (end for number in places if (end := _end_at(lines[number], number, opening)))
    tried = [*ends, *(end for _, end in zip(range(MOST_TRIES - len(ends)), later, strict=False))]
    for end in tried:
        code = _bare([*lines[first : end.line], *end.last_line], opening.quotes)
        if syntax.parse(code) is not None:
            return end
    return next((end for end in ends[1:] if end.line == end.next_line), ends[0])


def _inside_a_string(lines: list[str]) -> bool:
    """Whether the lines may end inside a string."""
    code = "\n".join(lines)
    return any(code.count(quotes) % 2 for quotes in TRIPLE_QUOTES)


def _bare(lines: list[str], quotes: int) -> str:
    """The lines as code: without `quotes` quote marks, and without as many spaces as stand before the first that is
    neither empty nor a comment."""
    if quotes:
        mark = re.compile(rf"(?:[ \t]*>){{1,{quotes}}} ?")
        lines = [mark.sub("", line, count=1) if mark.match(line) else line for line in lines]
    first = next((line for line in lines if line.strip() and not line.lstrip().startswith("#")), "")
    indent = first[: len(first) - len(first.lstrip(" \t"))]
    if indent:
        lines = [line[_common_indent(line, indent) :] for line in lines]
    return "\n".join(lines)


def _common_indent(line: str, indent: str) -> int:
    """How many characters of `indent` the line begins with; all its spaces if those are fewer or others."""
    if line.startswith(indent):
        return len(indent)
    spaces = len(line) - len(line.lstrip(" \t"))
    return min(spaces, len(indent))
