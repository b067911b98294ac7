"""Where a model reasons in a completion, and where it speaks: the tags that models put around their reasoning."""

from __future__ import annotations

from collections import deque

from axiom_cli import syntax
from axiom_cli.problems.fences import Fence, blocks, fence

OPEN, CLOSE = "<think>", "</think>"
THINKING = {
    OPEN: CLOSE,
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<seed:think>": "</seed:think>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "[THINK]": "[/THINK]",
}
"""The tags around the reasoning of models. The first pair, which the instructions name, counts anywhere but in a block
that parses as Python. The others count only at the start of a line, or at its end if they close, and not inside a
fenced or indented block, where they are most likely part of a program."""
TAGS = [tag for pair in THINKING.items() for tag in pair]
OTHER_TAGS = TAGS[2:]
INDENT = " " * 4
MOST_TAGS = 8
"""Closing tags after which blocks are looked for anew, and blocks in which tags are: the last ones of a text."""


def without_reasoning(text: str) -> str:
    """The text outside the reasoning: after the last tag that closes it, and before a tag that opens it and is never
    closed. See THINKING for what counts as a tag."""
    return text[_spoken_part(text)]


def with_think_tags(text: str) -> str:
    """The text with `<think>` and `</think>` around a thought that it begins with, whichever tags it had there."""
    bare = text.lstrip()
    for opening, closing in THINKING.items():
        thought, closed, rest = bare.removeprefix(opening).partition(closing)
        if opening != OPEN and closed and bare.startswith(opening):
            return f"{OPEN}\n{thought.strip()}\n{CLOSE}\n{rest.lstrip()}"
    return text


def has_reasoning(text: str) -> bool:
    """Whether there is any reasoning in the text."""
    return bool(reasoning(text).strip())


def reasoning(text: str) -> str:
    """The text before a tag that closes the reasoning and after one that opens it and is never closed, without tags."""
    spoken = _spoken_part(text)
    thought = text[: spoken.start] + text[spoken.stop :]
    for tag in TAGS:
        thought = thought.replace(tag, "")
    return thought


def missing_closing_tag(text: str) -> str:
    """The tag that would close the reasoning in which `text` ends; empty if it does not end in reasoning."""
    if text.rfind(OPEN) > text.rfind(CLOSE):
        return CLOSE
    return _spoken_lines(text[text.rfind(CLOSE) + len(CLOSE) :] if CLOSE in text else text)[2]


def _spoken_part(text: str) -> slice:
    """Where in `text` the part outside the reasoning is."""
    start, stop = 0, len(text)
    if OPEN in text or CLOSE in text:
        programs = _programs_with_tags(text)
        end = _last(CLOSE, text, programs)
        start = end + len(CLOSE) if end >= 0 else 0
        stop = _first(OPEN, text, start, programs)
    if not any(tag in text for tag in OTHER_TAGS):
        return slice(start, stop)
    first, last, _ = _spoken_lines(text[start:stop])
    return slice(start + first, start + last)


def _last(tag: str, text: str, hidden: list[range]) -> int:
    """Where the last `tag` outside the `hidden` places is; -1 without one."""
    place = text.rfind(tag)
    while place >= 0 and (around := next((part for part in hidden if place in part), None)):
        place = text.rfind(tag, 0, around.start)
    return place


def _first(tag: str, text: str, start: int, hidden: list[range]) -> int:
    """Where the first `tag` after `start` and outside the `hidden` places is; the end of the text without one."""
    place = text.find(tag, start)
    while place >= 0 and (around := next((part for part in hidden if place in part), None)):
        place = text.find(tag, around.stop)
    return place if place >= 0 else len(text)


def _programs_with_tags(text: str) -> list[range]:
    """Where blocks are that parse as Python and have a tag, which can only be part of a string or a comment there. The
    reasoning may end in an open fence, so blocks are also looked for after each of the last closing tags."""
    if "```" not in text and "~~~" not in text:
        return []
    begins = [0]
    place = text.rfind(CLOSE)
    while place >= 0 and len(begins) < MOST_TAGS:
        begins.append(place + len(CLOSE))
        place = text.rfind(CLOSE, 0, place)
    fenced: dict[range, str] = {}
    for begin in begins:
        tagged = (block for block in blocks(text[begin:]) if OPEN in block.code or CLOSE in block.code)
        fenced |= {range(begin + block.start, begin + block.stop): block.code for block in deque(tagged, MOST_TAGS)}
    return [place for place, code in fenced.items() if syntax.parse(code) is not None]


def _spoken_lines(text: str) -> tuple[int, int, str]:
    """(start, end, missing closing tag) of the part outside the reasoning, by OTHER_TAGS. An opening tag is closed by
    its own closing tag, wherever that stands."""
    first, last, position, closing = 0, len(text), 0, ""
    opened: Fence | None = None
    for line in text.split("\n"):
        opened = None if closing else _open_fence(line, opened)
        if not closing and opened is None:
            opening, closes = _tags(line)
            if opening:
                closing, last = closes, position + line.index(opening)
            elif closes:
                first = position + line.rindex(closes) + len(closes)
        if closing and closing in line:
            first, last, closing = position + line.rindex(closing) + len(closing), len(text), ""
        position += len(line) + 1
    return first, last, closing


def _open_fence(line: str, opened: Fence | None) -> Fence | None:
    """The fence that is open after `line`, if `opened` was open before it. None if none is."""
    mark = fence(line)
    if opened is None or mark is None:
        return opened or mark
    return None if mark.closes(opened) else opened


def _tags(line: str) -> tuple[str, str]:
    """The pair of tags if the line starts with an opening one; ("", closing tag) if one stands at either end."""
    bare = line.strip()
    if line.startswith(INDENT):
        return "", ""
    for opening, closing in THINKING.items():
        if bare.startswith(opening):
            return opening, closing
        if bare.startswith(closing) or bare.endswith(closing):
            return "", closing
    return "", ""
