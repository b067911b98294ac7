"""A file of accepted solutions that grows: whole lines only, whatever kills its writer."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from axiom_cli import console, jsonl
from axiom_cli.commands.streams import rows
from axiom_cli.errors import InputError


class Saved:
    """The solutions in `DIR/solutions.jsonl` or `DIR/solutions_NAME.jsonl`. One process writes at a time."""

    def __init__(self, folder: Path, experiment: str) -> None:
        self.path = folder / (f"solutions_{experiment}.jsonl" if experiment else "solutions.jsonl")
        self._known = {_key(row) for row in self._rows()}

    def _rows(self) -> list[Mapping[str, Any]]:
        from axiom_cli.stages.versus import solutions

        if not self.path.is_file():
            return []
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

    @property
    def solved(self) -> set[str]:
        """The ids of the problems that have a solution here."""
        return {identity for identity, _ in self._known}

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


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row.get("problem_id")), str(row.get("solution_code"))
