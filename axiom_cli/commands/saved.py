"""A file of accepted solutions that grows by whole lines, even if its writer is killed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from axiom_cli import jsonl
from axiom_cli.errors import InputError
from axiom_cli.files import explained_write_errors, named, open_regular, read_regular
from axiom_cli.ids import content_id
from axiom_cli.records import Problem
from axiom_cli.terminal import console


class Saved:
    """The solutions in `DIR/solutions.jsonl` or `DIR/solutions_NAME.jsonl`. One process writes at a time."""

    def __init__(self, folder: Path, experiment: str) -> None:
        self.path = folder / (f"solutions_{experiment}.jsonl" if experiment else "solutions.jsonl")
        self._known = {_key(row) for row in self._rows()}
        self._solved = {problem for problem, _ in self._known}

    def _rows(self) -> list[Mapping[str, Any]]:
        try:
            lines, newline, unfinished = read_regular(self.path, most=None).rpartition(b"\n")
        except FileNotFoundError:
            return []
        if unfinished:
            console.warn(f"{self.path}: the last line is incomplete and is removed")
            with jsonl.atomic(self.path, follow=False) as stream:
                stream.write(lines + newline)
        try:
            return list(jsonl.objects(self.path))
        except InputError as error:
            raise InputError(str(error), "correct or remove that line, or choose another --output-dir") from None

    def holds(self, problem: Problem) -> bool:
        """Whether the file has a solution of this problem, compared by content and not by id. A row that does not hold
        its problem is compared by id."""
        return not self._solved.isdisjoint((_identity(problem), f"id {problem.id}"))

    def append(self, solutions: Iterable[Mapping[str, Any]]) -> int:
        """Adds the solutions that the file does not have yet, in one write; returns how many. The file is made if need
        be."""
        new = {key: row for row in solutions if (key := _key(row)) not in self._known}
        with explained_write_errors(self.path, ""):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with named(open_regular(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT), self.path) as stream:
                stream.write(b"".join(jsonl.dump(dict(row)) for row in new.values()))
                stream.flush()
                os.fsync(stream.fileno())
        self._known |= new.keys()
        return len(new)


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    """A saved row's problem and its code. The problem is the row's own, or the hand-written one with its id; where
    there is neither, the id stands for it."""
    from axiom_cli.problems.families import handwritten

    code, name = str(row.get("solution_code")), str(row.get("problem_id"))
    if isinstance(row.get("problem"), Mapping):
        with suppress(InputError):
            return _identity(Problem.from_dict(row["problem"])), code
    known = handwritten.get(name)
    return _identity(known) if known else f"id {name}", code


def _identity(problem: Problem) -> str:
    """Equal for problems with the same content: two sets may give the same id to different problems."""
    return content_id(replace(problem, id="", extra={}).to_dict())
