"""An experiment's folder: where its files lie, how its control arms are spelled, and reading it back.

    experiments/NAME/
        config.json  metrics.jsonl  machines.jsonl  train.jsonl  val.jsonl  test.jsonl  report.html
        solutions/iter_ROUND.jsonl
        evaluations/SPLIT_ITERATION.jsonl  evaluations/SPLIT_ITERATION+ARM.jsonl

In its records a control arm is called `NAME+ARM`.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import orjson

from axiom_cli import json_codec, jsonl
from axiom_cli.errors import InputError, MissingError, UsageError, did_you_mean
from axiom_cli.evaluation.metrics import ALL, Tally, best_iteration, tally, temperature
from axiom_cli.files import is_regular, open_regular, read_regular
from axiom_cli.records import Metrics, Record, Verdict

EXPERIMENTS = Path("experiments")
HELD_OUT = ("test", "val")
UNFILTERED, FORMAT_ONLY = "unfiltered", "format-only"
UNJUDGED = (UNFILTERED, FORMAT_ONLY)
"""The control arms that learn from samples whatever the verifier says of them."""
RERUN_RECOVERS = "run the same axiom loop again: it sets the file aside and continues"
KEPT = "axiom loop writes them to evaluations/ in the experiment's folder; run it again to write them anew"
RERUN_REWRITES = "run axiom loop again to write it anew; without it, rates are compared instead of problems"
R = TypeVar("R", bound=Record)


def arm_name(experiment: str, arm: str = "") -> str:
    """What `experiment` says in the records of an arm: `NAME+ARM`, or `NAME` for the run itself."""
    return f"{experiment}+{arm}" if arm else experiment


def split_arm(name: str) -> tuple[str, str]:
    """`NAME+ARM` as experiment and arm; the arm of the run itself is ""."""
    experiment, _, arm = name.partition("+")
    return experiment, arm


def model_ref(experiment: str, arm: str, iteration: int | str) -> str:
    """The workspace's name of an arm's model: `run@3`, `run-shuffled@3`, `run@best`."""
    return f"{arm_name(experiment, arm).replace('+', '-')}@{iteration}"


def experiment_names(root: Path = EXPERIMENTS) -> list[str]:
    """The experiments under `root` that have measured something."""
    return sorted(path.parent.name for path in root.glob("*/metrics.jsonl") if path.is_file())


class ExperimentFolder:
    """The paths in an experiment's folder; none of the files needs to exist. The process that runs the loop holds
    `lock`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.metrics = path / "metrics.jsonl"
        self.machines = path / "machines.jsonl"
        self.page = path / "report.html"
        self.lock = path / ".lock"

    def problems(self, split: str) -> Path:
        """The problems of `train`, `val` or `test`."""
        return self.path / f"{split}.jsonl"

    def solutions(self, iteration: int) -> Path:
        """The solutions accepted in a round; rounds count from 0."""
        return self.path / "solutions" / f"iter_{iteration}.jsonl"

    def verdicts(self, split: str, iteration: int, arm: str = "") -> Path:
        """The verdicts of one evaluation."""
        return self.path / "evaluations" / f"{arm_name(f'{split}_{iteration}', arm)}.jsonl"


@dataclass(frozen=True)
class Experiment:
    """A run and its control arms. `rows` holds each metrics record once, the last one written."""

    name: str
    folder: ExperimentFolder
    config: Mapping[str, Any]
    rows: list[Metrics]
    _tallies: dict[Path, dict[float, list[Tally]]] = field(default_factory=dict, compare=False, repr=False)
    _counts: dict[Path, dict[float, list[Tally]]] = field(default_factory=dict, compare=False, repr=False)

    def arms(self) -> list[str]:
        """The run itself as "", then its control arms in the order of their first record."""
        return list(dict.fromkeys(["", *(split_arm(row.experiment)[1] for row in self.rows)]))

    def evaluations(self, arm: str = "", split: str = "", family: str = ALL, level: int = 0) -> list[Metrics]:
        """The evaluation rows of an arm at one family and level, by iteration and temperature."""
        rows = [
            row
            for row in self._of(arm)
            if row.extra.get("phase") == "evaluate"
            and (row.family, row.level) == (family, level)
            and split in ("", row.split)
        ]
        return sorted(rows, key=lambda row: (row.iteration, temperature(row)))

    def phases(self, arm: str = "") -> list[Metrics]:
        """The rows of collect, train and merge, by round."""
        rows = [row for row in self._of(arm) if row.extra.get("phase") not in (None, "evaluate")]
        return sorted(rows, key=lambda row: row.iteration)

    def _of(self, arm: str) -> Iterator[Metrics]:
        name = arm_name(self.name, arm)
        return (row for row in self.rows if row.experiment == name)

    def iterations(self, arm: str = "", split: str = "") -> list[int]:
        """The iterations that were evaluated."""
        return sorted({row.iteration for row in self.evaluations(arm, split)})

    def best(self, arm: str = "") -> int:
        """The iteration selected on validation; without validation the last one, never the best on test.

        InputError where nothing was evaluated yet."""
        name = arm_name(self.name, arm)
        best = best_iteration(self.rows, name)
        if best is not None:
            return best
        evaluated = self.iterations(arm)
        if not evaluated:
            raise InputError(f"experiment {name} has no evaluation yet", "let axiom loop finish a round")
        return evaluated[-1]

    def iteration(self, which: str, arm: str = "") -> int:
        """The iteration that `which` names: a number, `best` (also the empty string) or `last`."""
        if which in ("", "best"):
            return self.best(arm)
        evaluated = self.iterations(arm)
        if which == "last" and evaluated:
            return evaluated[-1]
        if which.isdigit() and int(which) in evaluated:
            return int(which)
        raise UsageError(
            f"experiment {arm_name(self.name, arm)} has no model {which!r}",
            f"it has {', '.join(map(str, evaluated)) or 'none yet'}, best and last",
        )

    def tallies(self, split: str, iteration: int, arm: str = "") -> Mapping[float, list[Tally]]:
        """The problems' counts by temperature in one evaluation; empty where its verdicts were not kept."""
        path = self.folder.verdicts(split, iteration, arm)
        if path not in self._tallies:
            if not path.is_file():
                return {}
            self._tallies[path] = tally(self.verdicts(split, iteration, arm))
        return self._tallies[path]

    def machines(self) -> list[dict[str, Any]]:
        """The machines that the experiment ran on, oldest first; empty where that was not kept. InputError names a
        damaged file."""
        path = self.folder.machines
        return list(jsonl.objects(path)) if is_regular(path) else []

    def counts(self, split: str, iteration: int, arm: str = "") -> Mapping[float, list[Tally]]:
        """As `tallies`, but of each problem only how many samples were judged, passed and lost: a third of the work."""
        path = self.folder.verdicts(split, iteration, arm)
        if path in self._tallies or not path.is_file():
            return self._tallies.get(path, {})
        if path not in self._counts:
            self._counts[path] = _counted(path)
        return self._counts[path]

    def verdicts(self, split: str, iteration: int, arm: str = "") -> Iterator[Verdict]:
        """The verdicts of one evaluation, read from its file. InputError names a damaged one."""
        return _records(self.folder.verdicts(split, iteration, arm), Verdict, RERUN_REWRITES)


def find_experiment(name: str, root: Path = EXPERIMENTS) -> ExperimentFolder:
    """The folder of the experiment called `name` under `root`, or the folder `name` itself.

    Raises MissingError with similar names, and InputError for a path that does not exist."""
    places = (Path(os.path.realpath(path)) if path.is_symlink() else path for path in (root / name, Path(name)))
    folders = (ExperimentFolder(path) for path in places)
    folder = next((folder for folder in folders if folder.metrics.is_file()), None)
    if folder is None:
        refuse_missing_file(name, root)
        known = experiment_names(root)
        hint = did_you_mean(name, known, f"there are {', '.join(known)}")
        raise MissingError(
            f"there is no experiment called {name!r} with a metrics.jsonl under {root}/",
            hint if known else "axiom loop --experiment NAME makes one",
        )
    return folder


def read_experiment(name: str, root: Path = EXPERIMENTS) -> Experiment:
    """The experiment in the folder that `find_experiment` finds. Raises what that raises, and InputError for a damaged
    file."""
    folder = find_experiment(name, root)
    rows = list({row_key(row): row for row in _records(folder.metrics, Metrics, RERUN_RECOVERS)}.values())
    recorded_name = split_arm(rows[0].experiment)[0] if rows else folder.path.resolve().name
    return Experiment(recorded_name, folder, read_config(folder.config), rows)


def refuse_missing_file(name: str, root: Path = EXPERIMENTS) -> None:
    """Raises InputError where `name` looks like a path, not an experiment, and nothing of that name exists."""
    experiment, _ = split_arm(name.partition("@")[0])
    looks_like_path = "/" in name or name.endswith((".jsonl", ".json"))
    if looks_like_path and not any(path.exists() for path in (Path(name), Path(experiment), root / experiment)):
        raise InputError(
            f"cannot read {name}: {os.strerror(errno.ENOENT)}",
            "axiom verify -o FILE writes verdicts, axiom loop --experiment NAME an experiment",
        )


def row_key(row: Metrics) -> tuple[Any, ...]:
    """What a row is about. Of two rows with one key, the later one counts."""
    phase = row.extra.get("phase")
    return row.experiment, row.iteration, row.split, row.family, row.level, phase, row.extra.get("temperature")


def read_config(path: Path) -> dict[str, Any]:
    """The settings in config.json; empty where there is no such file. InputError names a damaged file."""
    try:
        config = orjson.loads(read_regular(path))
    except FileNotFoundError:
        return {}
    except orjson.JSONDecodeError as error:
        raise InputError(f"{path} is not JSON: {error}", RERUN_RECOVERS) from None
    if not isinstance(config, dict):
        raise InputError(f"{path} holds {json_codec.type_name(config)}, expected an object", RERUN_RECOVERS)
    return config


def _counted(path: Path) -> dict[float, list[Tally]]:
    """The problems' counts by temperature, lowest first, without making a record of each line. InputError names a
    damaged file."""
    by_heat: dict[float, dict[str, Tally]] = {}
    with os.fdopen(open_regular(path), "rb") as stream:
        for number, line in enumerate(jsonl.bounded(stream), 1):
            if not line.strip():
                continue
            try:
                verdict = json_codec.loads(line)
                sample, status = verdict["sample"], verdict["status"]
                problem, heat = sample["problem"], float(sample["params"].get("temperature", 0.0))
                tallies, name = by_heat.setdefault(heat, {}), sys.intern(problem["id"])
                if name not in tallies:
                    tallies[name] = Tally(name, sys.intern(problem["family"]), problem["level"])
            except (ValueError, KeyError, TypeError, AttributeError):
                raise InputError(f"{path}: line {number} is not a verdict", RERUN_REWRITES) from None
            tallies[name].judged += status != "infra"
            tallies[name].passed += status == "pass"
            tallies[name].infra += status == "infra"
    return {heat: list(by_heat[heat].values()) for heat in sorted(by_heat)}


def _records(path: Path, kind: type[R], hint: str) -> Iterator[R]:
    """The records of a file of the folder. InputError names the file."""
    try:
        with os.fdopen(open_regular(path), "rb") as stream:
            yield from jsonl.read(stream, kind)
    except InputError as error:
        raise InputError(f"{path}: {error}", hint) from None
