"""Families from outside the package: their code may raise or return anything, and errors name the plug-in at fault."""

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
from axiom_cli.problems.families.family import EVERY_LEVEL, FORMS, Family
from axiom_cli.records import Problem

GROUP = "axiom.families"
_OURS = (__file__, metadata.__file__, import_module.__code__.co_filename, "<frozen importlib._bootstrap>")


@cache
def entries() -> dict[str, metadata.EntryPoint]:
    """The entry points of the group `axiom.families`, by name."""
    return {entry.name: entry for entry in metadata.entry_points(group=GROUP)}


def load(name: str) -> Family:
    """The plug-in family called `name`. Raises MissingError, with the line at fault, where it does not load."""
    value = entries()[name].value
    with attribute_errors(f"the plug-in family {name!r} ({value}) does not load:", MissingError):
        family = entries()[name].load()()
        if not isinstance(family, Family):
            raise TypeError(f"{value} is not a Family")
        if family.name != name:
            raise TypeError(f"its name is {family.name!r}, its entry point's {name!r}")
        for attribute in ("about", "levels"):
            getattr(family, attribute)  # missing is an error here, not later
        _check_declarations(family)
    return family


def _check_declarations(family: Family) -> None:
    """Raises TypeError where the forms or levels that a family declares are invalid."""
    if not isinstance(family.forms, (tuple, list)) or not family.forms or set(family.forms) - set(FORMS):
        raise TypeError(f"its forms are {family.forms!r:.60}, expected a tuple of {' and '.join(map(repr, FORMS))}")
    if not family.has or set(family.has) - set(EVERY_LEVEL):
        raise TypeError(
            f"its levels (has) are {family.has!r:.60}, expected some of {EVERY_LEVEL[0]} to {EVERY_LEVEL[-1]}"
        )
    if "program" in family.forms and type(family).exercise is Family.exercise:
        raise TypeError("it has the form 'program' but no `exercise`")


@contextmanager
def attribute_errors(context: str, kind: type[AxiomError] = InputError) -> Iterator[None]:
    """Turns whatever a plug-in raises, SystemExit included, into an error of `kind`: `context`, the error's type and
    text, and the line that raised it. An AxiomError passes through."""
    try:
        yield
    except AxiomError:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plug-in may raise anything
        raise kind(f"{context} {describe_error(error)}", "AXIOM_DEBUG=1 shows the traceback") from error


def describe_error(error: BaseException) -> str:
    """`ValueError: no such rule (rules.py:12)`, without the line if the plug-in has no part in it."""
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({os.path.basename(error.filename or '?')}:{error.lineno})"
    frames = [frame for frame in extract_tb(error.__traceback__) if frame.filename not in _OURS]
    line = f" ({os.path.basename(frames[-1].filename)}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {_message(error)}{line}"


def _message(error: BaseException) -> str:
    """The error's text as one printable line; empty where its own `__str__` fails."""
    with suppress(Exception):
        text = str(error).encode("utf-8", "replace").decode()
        return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return ""


def checked(family: Family) -> Family:
    """The family with checks on what it returns: a statement is text, an answer one line of text."""
    return cast(Family, _Checked(family))


class _Checked:
    """Everything but statement and answer is the family's own."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def __getattr__(self, name: str) -> Any:
        return getattr(self._family, name)

    def statement(self, task: Any) -> str:
        """The family's. Raises TypeError where it is not text, and ValueError where it is blank."""
        return _text("statement", self._family.statement(task))

    def answer(self, task: Any) -> str:
        """The family's. Raises TypeError where it is not text, and ValueError where it is not one line."""
        answer = _text("answer", self._family.answer(task))
        if len(answer.splitlines()) > 1:
            raise ValueError(f"its answer {answer!r:.60} has several lines")
        return answer


def check_record(problem: Problem) -> None:
    """Raises ValueError where the record would not come back from a file unchanged."""
    if not json_codec.round_trips(problem.to_dict()):
        raise ValueError("its record does not survive JSON: use lists, finite numbers, and strings as keys")


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"its {what} {value!r:.60} is not text")
    if not value.strip():
        raise ValueError(f"its {what} {value!r:.60} is empty")
    return value
