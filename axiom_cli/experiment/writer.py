"""The experiment's folder as the loop writes it; `experiment.py` reads it back.

Nothing in it is needed to go on: it is written anew from the workspace, file by file, each whole or not at all. What
an earlier run measured stays in it until it is measured again; a damaged file is set aside as NAME.damaged.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

import axiom_cli
from axiom_cli import jsonl
from axiom_cli.errors import InputError, UsageError, WorkspaceLockedError
from axiom_cli.evaluation.experiment_folder import EXPERIMENTS, read_config, row_key
from axiom_cli.experiment import curriculum
from axiom_cli.experiment.curriculum import Cell
from axiom_cli.models import Resolved
from axiom_cli.records import Metrics, Problem, Verdict
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.verification.solution_rows import solution_rows

MAY_CHANGE = ("iterations", "control", "plan", "preset")
"""What the same experiment may be run again with: more rounds, more controls."""
Warn = Callable[[str], object]
"""Is told what somebody should know although the work goes on."""


class Folder:
    """`experiments/NAME/`: config.json, metrics.jsonl, the problems, the solutions, the evaluations."""

    def __init__(self, config: LoopConfig, base: Resolved, warn: Warn, root: Path = EXPERIMENTS) -> None:
        self.config, self.path, self._warn = config, root / config.experiment, warn
        self._base = base
        self._rows: dict[tuple[Any, ...], Metrics] = {}
        self._train: dict[int, list[Problem]] = {}

    @property
    def rows(self) -> list[Metrics]:
        """Every metrics record so far, in the order in which it was first written."""
        return list(self._rows.values())

    def name(self, arm: str = "") -> str:
        """What `experiment` says in an arm's records."""
        return f"{self.config.experiment}+{arm}" if arm else self.config.experiment

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time, which begins with the rows of earlier ones. Raises WorkspaceLockedError, or UsageError
        where the folder is of another experiment."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                hint = "wait for it, or choose another --experiment"
                raise WorkspaceLockedError(
                    f"experiment {self.config.experiment} is being run by another process", hint
                ) from None
            self._settle()
            self._take_over()
            yield

    def _settle(self) -> None:
        settings = self._settings()
        path = self.path / "config.json"
        before = self._config(path)
        for name, value in settings.items():
            if name not in (*MAY_CHANGE, "axiom") and name in before and before[name] != value:
                raise UsageError(
                    f"experiment {self.config.experiment} was run with {name} {before[name]!r}, not {value!r}",
                    "choose another --experiment, or the same settings to go on",
                )
        with jsonl.atomic(path) as stream:
            stream.write(orjson.dumps(settings, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

    def _settings(self) -> dict[str, Any]:
        settings = {name: value for name, value in asdict(self.config).items() if name != "plan"}
        settings["model"] = {"name": self._base.name, "digest": self._base.digest}
        settings["selection"] = "the best greedy rate on validation; ties to the earliest; the test is met at the end"
        settings["axiom"] = axiom_cli.__version__
        return settings

    def _config(self, path: Path) -> dict[str, Any]:
        try:
            return read_config(path)
        except InputError as error:
            self._set_aside(path, str(error))
            return {}

    def _take_over(self) -> None:
        """Begins with the rows that earlier runs measured; of a damaged file, with its whole lines."""
        path = self.path / "metrics.jsonl"
        if not path.is_file():
            return
        bad: list[InputError] = []
        with path.open("rb") as stream:
            self._rows = {row_key(row): row for row in jsonl.read(stream, Metrics, skip=bad.append)}
        if bad:
            self._set_aside(path, f"{path}: {bad[0]}")
            self.add([])

    def _set_aside(self, path: Path, why: str) -> None:
        aside = path.with_name(f"{path.name}.damaged")
        path.replace(aside)
        self._warn(f"{why}; it is set aside as {aside.name}, and the run goes on")

    def held_out(self, cells: Sequence[Cell]) -> tuple[list[Problem], list[Problem]]:
        """The validation and the test problems, and their files."""
        sets = []
        for split in ("val", "test"):
            problems = curriculum.held_out(cells, self.config, split)
            jsonl.save(self.path / f"{split}.jsonl", problems)
            sets.append(problems)
        return sets[0], sets[1]

    def collected(self, iteration: int, problems: Sequence[Problem], verdicts: Sequence[Verdict]) -> None:
        """A round's problems and accepted solutions. Files that hold them already, the problems of later rounds behind
        them or the solutions of an earlier time, are left as they are."""
        self._train[iteration] = list(problems)
        drawn = [problem for i in sorted(self._train) for problem in self._train[i]]
        path = self.path / "train.jsonl"
        if not _bytes(path).startswith(b"".join(map(jsonl.dump, drawn))):
            jsonl.save(path, drawn)
        path = self.path / "solutions" / f"iter_{iteration}.jsonl"
        accepted = list(solution_rows(verdicts))
        if not path.is_file() or _untimed(_bytes(path)) != _untimed(b"".join(map(jsonl.dump, accepted))):
            jsonl.save(path, accepted)

    def evaluated(self, split: str, iteration: int, arm: str, verdicts: Sequence[Verdict]) -> None:
        """The verdicts of one evaluation."""
        suffix = f"+{arm}" if arm else ""
        jsonl.save(self.path / "evaluations" / f"{split}_{iteration}{suffix}.jsonl", verdicts)

    def add(self, rows: Iterable[Metrics]) -> None:
        """Puts records into metrics.jsonl, in the place of those that say the same thing of another time."""
        for row in rows:
            self._rows[row_key(row)] = row
        jsonl.save(self.path / "metrics.jsonl", self.rows)


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _untimed(lines: bytes) -> list[bytes] | None:
    """Plain rows without their timestamps and what follows them. None where the last line has no end."""
    if lines and not lines.endswith(b"}\n"):
        return None
    return [line.rpartition(b',"timestamp":')[0] for line in lines.splitlines()]
