"""The experiment's folder as the loop writes it; `experiment.py` reads it back.

Nothing in it is needed to go on: it is written anew from the workspace, file by file, each whole or not at all.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

import axiom_cli
from axiom_cli import jsonl
from axiom_cli.configs import LoopConfig
from axiom_cli.errors import UsageError, WorkspaceLocked
from axiom_cli.families import draw
from axiom_cli.models import Resolved
from axiom_cli.records import Metrics, Problem, Verdict
from axiom_cli.stages.experiment import EXPERIMENTS, row_key
from axiom_cli.stages.frontier import Cell
from axiom_cli.stages.solutions import solutions

MAY_CHANGE = ("iterations", "control", "plan", "preset")
"""What the same experiment may be run again with: more rounds, more controls."""


class Folder:
    """`experiments/NAME/`: config.json, metrics.jsonl, the problems, the solutions, the evaluations."""

    def __init__(self, config: LoopConfig, base: Resolved, root: Path = EXPERIMENTS) -> None:
        self.config, self.path = config, root / config.experiment
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
        """One process at a time. Raises WorkspaceLocked, or UsageError where the folder is of another experiment."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                hint = "wait for it, or choose another --experiment"
                raise WorkspaceLocked(
                    f"experiment {self.config.experiment} is being run by another process", hint
                ) from None
            self._settle()
            yield

    def _settle(self) -> None:
        settings = self._settings()
        path = self.path / "config.json"
        if path.is_file():
            before = orjson.loads(path.read_bytes())
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

    def keep_other_arms(self, arms: Iterable[str]) -> None:
        """Takes over what an earlier run measured of control arms that are not run now."""
        running = {self.name(arm) for arm in arms}
        path = self.path / "metrics.jsonl"
        rows = jsonl.load(path, Metrics) if path.is_file() else []
        self._rows |= {row_key(row): row for row in rows if row.experiment not in running}

    def held_out(self, cells: Sequence[Cell]) -> tuple[list[Problem], list[Problem]]:
        """The validation and the test problems, equally many of every cell, as nearly as their number allows."""
        sets = []
        for split, size in (("val", self.config.val_size), ("test", self.config.test_size)):
            families = list(dict.fromkeys(family for family, _ in cells))
            levels = range(min(level for _, level in cells), max(level for _, level in cells) + 1)
            problems = list(draw.problems(families, size, levels, split, self.config.seed))
            jsonl.save(self.path / f"{split}.jsonl", problems)
            sets.append(problems)
        return sets[0], sets[1]

    def collected(self, iteration: int, problems: Sequence[Problem], verdicts: Sequence[Verdict]) -> None:
        """A round's problems and accepted solutions."""
        self._train[iteration] = list(problems)
        jsonl.save(self.path / "train.jsonl", (p for i in sorted(self._train) for p in self._train[i]))
        jsonl.save(self.path / "solutions" / f"iter_{iteration}.jsonl", solutions(verdicts))

    def evaluated(self, split: str, iteration: int, arm: str, verdicts: Sequence[Verdict]) -> None:
        """The verdicts of one evaluation."""
        suffix = f"+{arm}" if arm else ""
        jsonl.save(self.path / "evaluations" / f"{split}_{iteration}{suffix}.jsonl", verdicts)

    def add(self, rows: Iterable[Metrics]) -> None:
        """Puts records into metrics.jsonl, in the place of those that say the same thing of another time."""
        for row in rows:
            self._rows[row_key(row)] = row
        jsonl.save(self.path / "metrics.jsonl", self.rows)
