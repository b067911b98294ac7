"""An experiment's folder, read back: config.json, metrics.jsonl and, where kept, evaluations/SPLIT_ITERATION.jsonl.

The name of a control arm is `NAME+ARM`; its verdicts are in evaluations/SPLIT_ITERATION+ARM.jsonl.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import orjson

from axiom_cli import json_codec, jsonl
from axiom_cli.errors import InputError, MissingError, UsageError, did_you_mean
from axiom_cli.evaluation.metrics import ALL, Tally, best_iteration, tally
from axiom_cli.records import Metrics, Record, Verdict

EXPERIMENTS = Path("experiments")
HELD_OUT = ("test", "val")
GO_ON = "the same axiom loop again sets it aside and goes on"
GONE = "axiom loop writes it anew; without it rates are compared instead of problems"
R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Experiment:
    """A run and its control arms. `rows` holds each metrics record once, the last one written."""

    name: str
    folder: Path
    config: Mapping[str, Any]
    rows: list[Metrics]
    _tallies: dict[Path, dict[float, list[Tally]]] = field(default_factory=dict, compare=False, repr=False)

    def arms(self) -> list[str]:
        """The run itself as "", then its control arms in the order of their first record."""
        names = dict.fromkeys(row.experiment.partition("+")[2] for row in self.rows)
        return ["", *(name for name in names if name)]

    def full_name(self, arm: str = "") -> str:
        """What `experiment` says in the arm's metrics records."""
        return f"{self.name}+{arm}" if arm else self.name

    def evaluations(self, arm: str = "", split: str = "", family: str = ALL, level: int = 0) -> list[Metrics]:
        """The evaluation rows of an arm at one family and level, by iteration and temperature."""
        wanted = self.full_name(arm)
        rows = [
            row
            for row in self.rows
            if row.experiment == wanted
            and row.extra.get("phase") == "evaluate"
            and (row.family, row.level) == (family, level)
            and split in ("", row.split)
        ]
        return sorted(rows, key=lambda row: (row.iteration, temperature(row)))

    def phases(self, arm: str = "") -> list[Metrics]:
        """The rows of collect, train and merge, by round."""
        wanted = self.full_name(arm)
        rows = [
            row for row in self.rows if row.experiment == wanted and row.extra.get("phase") not in (None, "evaluate")
        ]
        return sorted(rows, key=lambda row: row.iteration)

    def iterations(self, arm: str = "", split: str = "") -> list[int]:
        """The iterations that were evaluated."""
        return sorted({row.iteration for row in self.evaluations(arm, split)})

    def best(self, arm: str = "") -> int:
        """The iteration selected on validation; without validation the last one, never the best on test."""
        chosen = best_iteration(self.rows, self.full_name(arm))
        if chosen is not None:
            return chosen
        seen = self.iterations(arm)
        if not seen:
            raise InputError(f"experiment {self.full_name(arm)} has no evaluation yet", "let axiom loop finish a round")
        return seen[-1]

    def verdict_file(self, split: str, iteration: int, arm: str = "") -> Path:
        """Where the verdicts of one evaluation lie, if they were kept."""
        suffix = f"+{arm}" if arm else ""
        return self.folder / "evaluations" / f"{split}_{iteration}{suffix}.jsonl"

    def tallies(self, split: str, iteration: int, arm: str = "") -> dict[float, list[Tally]] | None:
        """The problems' counts by temperature in one evaluation. None where its verdicts were not kept."""
        path = self.verdict_file(split, iteration, arm)
        if path not in self._tallies:
            if not path.is_file():
                return None
            self._tallies[path] = tally(_read(path, Verdict, GONE))
        return self._tallies[path]

    def iteration(self, which: str, arm: str = "") -> int:
        """The iteration that `which` names: a number, `best` or `last`."""
        if which in ("", "best"):
            return self.best(arm)
        seen = self.iterations(arm)
        if which == "last" and seen:
            return seen[-1]
        if which.isdigit() and int(which) in seen:
            return int(which)
        raise UsageError(
            f"experiment {self.full_name(arm)} has no iteration {which!r}",
            f"it has {', '.join(map(str, seen)) or 'none yet'}, best and last",
        )


def temperature(row: Metrics) -> float:
    """The temperature of an evaluation row; 0 is greedy."""
    return float(row.extra.get("temperature", 0.0))


def _read(path: Path, wanted: type[R], hint: str) -> Iterator[R]:
    """The records of a file of the folder. InputError names the file."""
    try:
        with path.open("rb") as stream:
            yield from jsonl.read(stream, wanted)
    except InputError as error:
        raise InputError(f"{path}: {error}", hint) from None


def read_experiment(name: str, root: Path = EXPERIMENTS) -> Experiment:
    """The experiment called `name` under `root`, or the folder `name` itself. Raises MissingError with near names, and
    InputError for a file that is not there."""
    folder = next((path for path in (root / name, Path(name)) if (path / "metrics.jsonl").is_file()), None)
    if folder is None:
        refuse_missing_file(name, root)
        raise MissingError(f"no experiment {name!r} with a metrics.jsonl under {root}/", _near(name, root))
    latest = {row_key(row): row for row in _read(folder / "metrics.jsonl", Metrics, GO_ON)}
    rows = list(latest.values())
    named = rows[0].experiment.partition("+")[0] if rows else folder.resolve().name
    return Experiment(named, folder, read_config(folder / "config.json"), rows)


def refuse_missing_file(name: str, root: Path = EXPERIMENTS) -> None:
    """Raises InputError where `name` looks like a path rather than an experiment, and there is nothing of that name."""
    plain = name.partition("@")[0].partition("+")[0]
    path = "/" in name or name.endswith((".jsonl", ".json"))
    if path and not any(one.exists() for one in (Path(name), Path(plain), root / plain)):
        raise InputError(
            f"cannot read {name}: {os.strerror(errno.ENOENT)}",
            "axiom verify -o FILE writes verdicts, axiom loop --experiment NAME an experiment",
        )


def _near(name: str, root: Path) -> str:
    there = sorted(path.parent.name for path in root.glob("*/metrics.jsonl"))
    return did_you_mean(
        name, there, f"there are {', '.join(there)}" if there else "axiom loop --experiment NAME makes one"
    )


def row_key(row: Metrics) -> tuple[Any, ...]:
    """What a row is about: two rows with one key say the same thing of two times, and the later one counts."""
    phase = row.extra.get("phase")
    return row.experiment, row.iteration, row.split, row.family, row.level, phase, row.extra.get("temperature")


def read_config(path: Path) -> dict[str, Any]:
    """The settings in config.json, none where there is no such file. InputError names the file."""
    if not path.is_file():
        return {}
    try:
        config = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON: {error}", GO_ON) from None
    if not isinstance(config, dict):
        raise InputError(f"{path} holds {json_codec.type_name(config)}, expected an object", GO_ON)
    return config
