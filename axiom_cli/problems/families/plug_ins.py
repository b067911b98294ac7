"""The border to families of others: their code may raise anything and return anything, and is named for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib import import_module, metadata
from traceback import extract_tb
from typing import Any, cast

from axiom_cli import json_codec
from axiom_cli.errors import AxiomError, InputError, MissingError
from axiom_cli.problems.families.family import FORMS, LEVELS, Family
from axiom_cli.records import Problem

GROUP = "axiom.families"
_OURS = (__file__, metadata.__file__, import_module.__code__.co_filename, "<frozen importlib._bootstrap>")


@cache
def entries() -> dict[str, metadata.EntryPoint]:
    """The entry points of the group `axiom.families`, by name."""
    return {entry.name: entry for entry in metadata.entry_points(group=GROUP)}


def load(name: str) -> Family:
    """The plug-in family called `name`. Raises MissingError with the place where it does not load."""
    value = entries()[name].value
    with attribute_errors(f"the plug-in family {name!r} ({value}) does not load:", MissingError):
        family = entries()[name].load()()
        if not isinstance(family, Family):
            raise TypeError(f"{value} is no Family")
        told = {wanted: getattr(family, wanted) for wanted in ("name", "about", "levels")}
        if told["name"] != name:
            raise TypeError(f"its name is {told['name']!r}, and its entry point's {name!r}")
        _check_offer(family)
    return family


def _check_offer(family: Family) -> None:
    """Raises TypeError where the forms or the levels that a family has are none."""
    if not isinstance(family.forms, (tuple, list)) or not family.forms or set(family.forms) - set(FORMS):
        raise TypeError(f"its forms are {family.forms!r:.60}, expected a tuple of {' and '.join(map(repr, FORMS))}")
    if not family.has or set(family.has) - set(LEVELS):
        raise TypeError(f"its levels (has) are {family.has!r:.60}, expected some of {LEVELS[0]} to {LEVELS[-1]}")
    if "program" in family.forms and type(family).exercise is Family.exercise:
        raise TypeError("it has the form 'program', and no `exercise`")


@contextmanager
def attribute_errors(what: str, kind: type[AxiomError] = InputError) -> Iterator[None]:
    """Turns whatever a plug-in raises, the end of the process included, into an error of `kind`: `what`, the error's
    type and text, and the line that raised it. An AxiomError passes."""
    try:
        yield
    except AxiomError:
        raise
    except (Exception, SystemExit) as error:
        raise kind(f"{what} {described(error)}", "AXIOM_DEBUG=1 shows the way there") from error


def described(error: BaseException) -> str:
    """`ValueError: no such rule (rules.py:12)`; without a place where no line of the plug-in's raised it."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({_base(error.filename)}:{error.lineno})"
    frames = [one for one in extract_tb(error.__traceback__) if one.filename not in _OURS]
    place = f" ({_base(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {_said(error)}{place}"


def _said(error: BaseException) -> str:
    """Its text as one line, such as can be written; nothing where it has none to give."""
    with suppress(Exception):
        shown = (one if one.isprintable() else " " for one in str(error).encode("utf-8", "replace").decode())
        return " ".join("".join(shown).split())
    return ""


def _base(file: str | None) -> str:
    return os.path.basename(file or "?")


def checked(family: Family) -> Family:
    """`family`, but its statements and answers are looked at: a problem is a text, its answer a line of text."""
    return cast(Family, _Checked(family))


class _Checked:
    """Everything else is the family's own."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def __getattr__(self, name: str) -> Any:
        return getattr(self._family, name)

    def statement(self, task: Any) -> str:
        """The family's. Raises TypeError or ValueError where it is no text, or blank."""
        return _text("statement", self._family.statement(task))

    def answer(self, task: Any) -> str:
        """The family's. Raises TypeError or ValueError where it is no text, or not one line."""
        answer = _text("answer", self._family.answer(task))
        if len(answer.splitlines()) > 1:
            raise ValueError(f"its answer {answer!r:.60} has several lines")
        return answer


def check_record(problem: Problem) -> None:
    """Raises TypeError or ValueError where the record would not come back from a file as it is."""
    if not json_codec.round_trips(problem.to_dict()):
        raise ValueError("its record is not what JSON gives back: use lists, finite numbers, keys that are texts")


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"its {what} {value!r:.60} is no text")
    if not value.strip():
        raise ValueError(f"its {what} {value!r:.60} is empty")
    return value
