"""Whether two answers are the same, by the type of the problem's answer. docs/answers.md lists what counts as the same.

A problem that does not say its type has the one that its own answer looks like, and is compared more strictly: letters
keep their case and lists their kind of brackets.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

from axiom_cli.errors import InputError
from axiom_cli.problems.numbers import read_number, same_number
from axiom_cli.problems.plain_text import LONGEST, plain
from axiom_cli.records import AnswerType, Problem

INTEGER = re.compile(r"[-+]?[$€£]?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:,\d{3})+)%?")
DECIMAL = re.compile(r"[-+]?[$€£]?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:,\d{3})+)\.\d+%?")
NUMBERS = re.compile(r"-?\d+(?:\.\d+)?(?:(?:, ?| )-?\d+(?:\.\d+)?)+")
BRACKETED = re.compile(r"\[.*\w.*\]|\(.*\w.*,.*\)", re.DOTALL)
CHOICE = re.compile(r"\(?[A-J]\)?")
OPENING, CLOSING = "[({", "])}"
DEEPEST = 50
LABEL = re.compile(
    r"(?:(?:option|choice|answer|letter)\s+)?[\[(*_`]*(?P<label>[A-Za-z]|\d)[*_`]*"
    r"(?:[\])*_`]*$|[\])][*_`]*[.:]?(?:\s+(?P<inside>.*))?|[.:][*_`]*\s+(?P<after>.*)|\s+[-(]\s*(?P<dash>.*))",
    re.IGNORECASE | re.DOTALL,
)
ANOTHER = re.compile(
    r"(?:^|\b(?:or|and)\s+)\(?[A-Ja-j1-9][).](?:\s|$)|\b(?:or|and)\s+\(?[A-J]\b\)?|\bnot\b", re.IGNORECASE
)
WORDS = re.compile(r"\\(?:text|math|operatorname)[a-z]{0,4}\s*\{([^{}]*)\}")
SPACE = re.compile(r"\\[ ,;:]|\\q?quad\b|~")
BRACKETS = re.compile(r"[\s,()\[\]{}]+")
FRACTION = re.compile(r"\\[dt]?frac\s*\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}")


def type_of(problem: Problem) -> AnswerType:
    """The problem's `answer_type`, or what its answer looks like."""
    return problem.answer_type or _look(problem.answer or "")


def _look(answer: str) -> AnswerType:
    looks = _looks(answer)
    return looks if is_readable(answer, looks) else "text"


def _looks(answer: str) -> AnswerType:
    if INTEGER.fullmatch(answer):
        return "integer"
    if DECIMAL.fullmatch(answer):
        return "number"
    if NUMBERS.fullmatch(answer) or BRACKETED.fullmatch(answer):
        return "list"
    return "choice" if CHOICE.fullmatch(answer) else "text"


def is_readable(answer: str, answer_type: AnswerType) -> bool:
    """Whether an answer of a problem can be of this type at all."""
    return answer_type in ("text", "math") or _key(answer, answer_type, strict=False) is not None


def is_right(problem: Problem, answer: str) -> bool | None:
    """Whether `answer` is the problem's own. None for one of type `math` where that takes algebra.

    Raises InputError where the problem's own answer is not of the type that the problem says.
    """
    expected, strict, kind = problem.answer or "", problem.answer_type is None, type_of(problem)
    if answer == expected or len(answer) > LONGEST:
        return answer == expected
    if not is_readable(expected, kind):
        raise InputError(f"the answer {expected!r:.60} of problem {problem.id} is not of its answer_type, {kind}")
    if kind in ("integer", "number", "math"):
        ours, theirs = read_number(expected), read_number(answer)
        if ours and theirs:
            return same_number(ours, theirs) and not (kind == "integer" and theirs.divided)
        return None if kind == "math" else False
    ours_key, theirs_key = _key(expected, kind, strict=strict), _key(answer, kind, strict=strict)
    if kind == "list":
        return ours_key is not None and theirs_key is not None and _same_items(ours_key, theirs_key)
    if kind == "choice" and theirs_key is None:
        text = _choice(expected)[1]
        return bool(text) and _text(answer, strict=False) == text
    return ours_key is not None and ours_key == theirs_key


def ballot(problem: Problem, answer: str) -> str:
    """What `answer` votes for: the same text for answers that are the same, whatever their units and brackets."""
    if problem.checker or len(answer) > LONGEST:
        return plain(answer)
    kind, strict = type_of(problem), problem.answer_type is None
    key = _key(answer, "number" if kind == "math" else kind, strict=strict)
    key = key[1:] if kind == "list" and key is not None else key
    return repr(key) if key is not None else _text(answer, strict=strict)


def _key(answer: str, kind: AnswerType, *, strict: bool) -> Any:
    """A value that two answers of one type share if they are the same; None if `answer` is not of that type. The key
    of a number leaves its unit out."""
    if kind in ("integer", "number"):
        number = read_number(answer)
        return None if number is None or (kind == "integer" and number.divided) else number.value
    if kind == "list":
        return _items(answer, strict=strict)
    if kind == "choice":
        label = _choice(answer)[0]
        return label if strict or label is None else label.upper()
    return _text(answer, strict=strict)


def _text(answer: str, *, strict: bool) -> str:
    """A text without the marks around it; unless `strict`, in one case. One of brackets alone has nothing between
    them."""
    text = FRACTION.sub(r"\1/\2", plain(answer))
    if BRACKETS.fullmatch(text):
        text = re.sub(r"[\s,]", "", text)
    return text if strict else text.casefold()


def _choice(answer: str) -> tuple[str | None, str]:
    """The label of a choice, and the text behind it."""
    bare = plain(SPACE.sub(" ", WORDS.sub(r"\1 ", plain(answer))))
    match = LABEL.fullmatch(bare)
    if match is None:
        return None, ""
    rest = match["inside"] or match["after"] or match["dash"] or ""
    return (None, "") if ANOTHER.search(rest) else (match["label"], _text(rest.rstrip(")"), strict=False))


def _same_items(ours: Any, theirs: Any) -> bool:
    """Whether two lists have the same items; an outer bracket may be missing."""
    if isinstance(ours, tuple) and isinstance(theirs, tuple):
        kinds = {ours[0], theirs[0]} - {""}
        return len(kinds) <= 1 and len(ours) == len(theirs) and all(map(_same_items, ours[1:], theirs[1:]))
    return bool(ours == theirs)


def _items(answer: str, *, strict: bool) -> tuple[Hashable, ...] | None:
    """The items of a list, in order: numbers, texts, and lists. The first entry is its kind of bracket, empty if it has
    none or that is not to count. None if its brackets do not match."""
    text = plain(answer).replace("\\{", "{").replace("\\}", "}").replace("\\left", "").replace("\\right", "")
    try:
        parts = _split(text)
        item = _item(parts[0] if len(parts) == 1 else f"({text})", strict=strict)
    except ValueError:
        return None
    return (
        item
        if isinstance(item, tuple) and len(parts) == 1
        else ("", *(item[1:] if isinstance(item, tuple) else (item,)))
    )


def _item(text: str, *, strict: bool, depth: int = 0) -> Hashable:
    """One item: a list if it is in brackets, else a number, else a text. Raises ValueError for one that is too deep."""
    if depth > DEEPEST:
        raise ValueError
    if text[:1] in OPENING and text[-1:] in CLOSING and text and len(_split(text, between=" ")) == 1:
        items = (_item(part, strict=strict, depth=depth + 1) for part in _split(text[1:-1]))
        return (text[0] if strict else "", *items)
    number = read_number(text)
    return number.value if number and not number.unit else _text(text, strict=strict)


def _split(text: str, between: str = ",;") -> list[str]:
    """The parts of a text between commas and semicolons, and before a last `and`; without those, between spaces. Marks
    in brackets and quotes do not count. Raises ValueError where brackets do not match."""
    parts, opened, quoted, begin = [], "", "", 0
    for place, character in enumerate(text):
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "\"'" and not text[begin:place].strip() and character in text[place + 1 :]:
            quoted = character
        elif character in OPENING:
            opened += character
        elif character in CLOSING:
            if opened[-1:] != OPENING[CLOSING.index(character)]:
                raise ValueError
            opened = opened[:-1]
        elif character in between and not opened:
            parts.append(text[begin:place])
            begin = place + 1
    if opened:
        raise ValueError
    parts.append(text[begin:])
    if between == " " or len(parts) > 1:
        parts = [*parts[:-1], *re.split(r"(?:^|\s+)and\s+", parts[-1])] if between != " " else parts
        return [part.strip() for part in parts if part.strip()]
    either = re.split(r"\s+and\s+", text)
    return [part.strip() for part in either] if len(either) == 2 else _split(text, between=" ")
