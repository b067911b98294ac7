"""A file of accepted solutions that grows: whole lines only, whatever kills its writer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from axiom_cli import jsonl
from axiom_cli.commands.streams import rows
from axiom_cli.errors import InputError
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
        if not self.path.is_file():
            return []
        from axiom_cli.evaluation.comparison_sources import solutions

        whole = self.path.read_bytes().rpartition(b"\n")
        if whole[2]:
            console.warn(f"{self.path}: its last line was cut off and is left out")
            with jsonl.atomic(self.path) as stream:
                stream.write(whole[0] + whole[1])
        try:
            for _ in rows(self.path):
                pass
        except InputError as error:
            hint = "mend or remove that line, or choose another --output-dir"
            raise InputError(f"{self.path}: {error}", hint) from None
        return solutions(str(self.path))

    def holds(self, problem: Problem) -> bool:
        """Whether a solution of this very problem is here, whatever id it goes by. Of a row that others wrote, without
        its problem, the id has to do."""
        return not self._solved.isdisjoint((_identity(problem), _named(problem.id)))

    def append(self, found: Iterable[Mapping[str, Any]]) -> int:
        """Adds the solutions that are not here yet, in one write; returns how many."""
        new = {_key(row): row for row in found if _key(row) not in self._known}
        if not new:
            return 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(handle, b"".join(jsonl.dump(dict(row)) for row in new.values()))
            os.fsync(handle)
        finally:
            os.close(handle)
        self._known |= new.keys()
        return len(new)


def _problem(row: Mapping[str, Any]) -> str:
    """What a saved row is a solution of: the content of its problem, or of the hand-written one with its id, or the id
    where there is neither."""
    from axiom_cli.problems.families import handwritten

    found, name = row.get("problem"), str(row.get("problem_id"))
    if isinstance(found, Mapping):
        with suppress(InputError):
            return _identity(Problem.from_dict(found))
    written = handwritten.get(name)
    return _identity(written) if written else _named(name)


def _named(name: str) -> str:
    return f"id {name}"


def _identity(problem: Problem) -> str:
    """Names the content alone: two sets may give the same id to different problems."""
    return content_id(replace(problem, id="", extra={}).to_dict())


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return _problem(row), str(row.get("solution_code"))
