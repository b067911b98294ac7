"""Where a run stands, from the files in its folder: rounds and rates, whether it still runs, and how long it will."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axiom_cli import jsonl
from axiom_cli.errors import AxiomError, InputError
from axiom_cli.evaluation.comparison import Comparison, compare_metrics
from axiom_cli.evaluation.experiment_folder import (
    EXPERIMENTS,
    Experiment,
    ExperimentFolder,
    arm_name,
    experiment_names,
    find_experiment,
    read_config,
    row_key,
    split_arm,
)
from axiom_cli.evaluation.metrics import temperature
from axiom_cli.experiment.control_arms import parse
from axiom_cli.experiment.forecast import Clock, schedule
from axiom_cli.experiment.observer import Phase
from axiom_cli.files import read_regular
from axiom_cli.learning.replay import parse_shares
from axiom_cli.records import Metrics
from axiom_cli.report.outcome.rounds import Round, rounds_of

OVERALL = (b'"family":"all"', b'"level":0,')
"""What stands in every line about all families and levels: the others, twenty times as many, are not parsed."""
SOLVED = re.compile(rb'^\{"problem_id":"((?:[^"\\]|\\.)*)"', re.MULTILINE)
SAMPLES_AT_TEST = 4


@dataclass(frozen=True)
class ModelState:
    """A model of the run: its greedy rows on validation and test, and the round that made it."""

    number: int
    val: Metrics | None
    test: Metrics | None
    made: Round | None

    @property
    def shown(self) -> Metrics | None:
        """Validation, which every model has, or else test."""
        return self.val or self.test


@dataclass(frozen=True)
class RunState:
    """A run as its files have it now. `process` is `PID on HOST` of the loop that runs it, else empty; `seconds_left`
    is None where that is not known; `change` compares the newest model with the start model, as independent rates;
    `zero_signal` is the share of the newest round's problems of which no sample was accepted."""

    name: str
    folder: ExperimentFolder
    arms: list[str]
    rounds: int
    models: list[ModelState]
    selected: int | None
    process: str
    phase: str
    seconds_left: float | None
    change: Comparison | None
    zero_signal: float | None

    @property
    def newest(self) -> ModelState | None:
        """The model that was evaluated last."""
        return self.models[-1] if self.models else None


def run_names(root: Path = EXPERIMENTS) -> list[str]:
    """The experiments under `root` that measured something, the one that changed last first."""
    folders = {name: ExperimentFolder(root / name) for name in experiment_names(root)}
    return sorted(folders, key=lambda name: -version_of(folders[name])[0])


def version_of(folder: ExperimentFolder) -> tuple[int, int, str]:
    """Something that changes when the run does."""
    try:
        status = folder.metrics.stat()
    except OSError:
        return 0, 0, process_of(folder)
    return status.st_mtime_ns, status.st_size, process_of(folder)


def process_of(folder: ExperimentFolder) -> str:
    """`PID on HOST` of the loop that runs the experiment, by its lock file, which is read and never taken; empty where
    there is none, it holds something else, or that process ended without removing it."""
    with suppress(OSError, AxiomError):
        holder = read_regular(folder.lock)[:300].decode("utf-8", "replace")
        number, _, host = holder.partition(" on ")
        here = host == platform.node()
        return holder if number.isdigit() and host and not (here and not _is_alive(int(number))) else ""
    return ""


def _is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # another user's
    return True


def read_run(name: str, root: Path = EXPERIMENTS) -> RunState:
    """The state of the experiment called `name`, or in the folder `name`. MissingError where there is none, InputError
    where a file of it is damaged."""
    folder = find_experiment(name, root)
    rows = list({row_key(row): row for row in _overall_rows(folder)}.values())
    called = split_arm(rows[0].experiment)[0] if rows else folder.path.name
    run = Experiment(called, folder, read_config(folder.config), rows)
    return _state(run)


def _overall_rows(folder: ExperimentFolder) -> Iterator[Metrics]:
    """The rows about all families and levels. An unfinished last line, of a copy of the folder, is left out; InputError
    names another one that is damaged."""
    lines = read_regular(folder.metrics, most=None).splitlines()
    for number, line in enumerate(lines, 1):
        if all(part in line for part in OVERALL):
            try:
                yield jsonl.parse(line, number, Metrics)
            except InputError as error:
                if number < len(lines):
                    raise InputError(f"{folder.metrics}: {error}") from None


def _state(run: Experiment) -> RunState:
    made = {of.number: of for of in rounds_of(run)}
    val, test = ({row.iteration: row for row in _greedy(run, split)} for split in ("val", "test"))
    models = [ModelState(i, val.get(i), test.get(i), made.get(i)) for i in sorted({*val, *test})]
    process = process_of(run.folder)
    phase, seconds_left = _progress(run) if process else ("", None)
    shown = models[-1].shown if models else None
    first = models[0].shown if models else None
    change, rounds = None, run.config.get("iterations")
    if shown and first and shown is not first and shown.split == first.split:
        change = compare_metrics(first, shown, ("start", f"model {models[-1].number}"), shown.split)
    return RunState(
        name=run.name,
        folder=run.folder,
        arms=run.arms(),
        rounds=rounds if isinstance(rounds, int) and rounds >= 0 else max([0, *made]),
        models=models,
        selected=run.best() if models else None,
        process=process,
        phase=phase,
        seconds_left=seconds_left,
        change=change,
        zero_signal=_zero_signal(run, list(made.values())),
    )


def _greedy(run: Experiment, split: str) -> list[Metrics]:
    rows = run.evaluations(split=split)
    coolest = min(map(temperature, rows), default=0.0)
    return [row for row in rows if temperature(row) == coolest]


def _zero_signal(run: Experiment, rounds: Sequence[Round]) -> float | None:
    """Of the newest round; None where it is not known."""
    collected = [of for of in rounds if of.drawn]
    solve = run.config.get("solve")
    samples = solve.get("samples") if isinstance(solve, Mapping) else None
    if not collected or not isinstance(samples, int) or samples < 1:
        return None
    path = run.folder.solutions(collected[-1].number - 1)
    if not path.is_file():
        return None
    solved = len(set(SOLVED.findall(read_regular(path, most=None))))
    problems = (collected[-1].drawn or 0) / samples
    return max(0.0, 1 - solved / problems)


def _progress(run: Experiment) -> tuple[str, float | None]:
    """What the loop does now, and the seconds that are left by what its parts took so far."""
    try:
        phases, shares = _phases(run.config), parse_shares(str(run.config.get("replay")))
    except (AxiomError, KeyError, TypeError, ValueError):
        return "", None
    clock, done = Clock(phases, shares), 0
    for phase, seconds in _finished(run):
        clock.begin(phase)
        clock.end(phase, seconds)
        places = [i for i, of in enumerate(phases) if _key(of) == _key(phase)]
        done = max([done, *(i + 1 for i in places)])
    if done >= len(phases):
        return "finishing", None
    left = clock.waiting()
    since = max(0.0, time.time() - run.folder.metrics.stat().st_mtime)
    return _spoken(phases[done]), None if left is None else max(1.0, left - since)


def _key(phase: Phase) -> tuple[str, int, str]:
    return phase.name, phase.number, phase.arm


def _spoken(phase: Phase) -> str:
    arm = f" ({phase.arm})" * bool(phase.arm)
    if phase.name in ("val", "test"):
        return f"{'validation' if phase.name == 'val' else 'test'} of model {phase.number}{arm}"
    return f"round {phase.number}, {phase.name}{arm}"


def _phases(config: Any) -> list[Phase]:
    """The run's parts, as the loop plans them."""
    arms = ("", *parse(str(config["control"])))
    collect = int(config["train_size"]) * int(config["solve"]["samples"])
    sizes = int(config["val_size"]), int(config["test_size"])
    evidence = 2 * int(config.get("evidence_size") or 0)
    return schedule(arms, int(config["iterations"]), collect, *sizes, SAMPLES_AT_TEST, evidence)


def _finished(run: Experiment) -> Iterator[tuple[Phase, float]]:
    """The parts that are done, in the order of their records. An evaluation has a row for each temperature, and its
    seconds in the first one."""
    evaluated: dict[tuple[str, str, int], list[Metrics]] = {}
    for row in run.rows:
        if row.extra.get("phase") == "evaluate":
            evaluated.setdefault((row.experiment, row.split, row.iteration), []).append(row)
    for row in run.rows:
        _, arm = split_arm(row.experiment)
        if row.experiment != arm_name(run.name, arm):
            continue
        phase = str(row.extra.get("phase"))
        if rows := evaluated.pop((row.experiment, row.split, row.iteration), []) if phase == "evaluate" else []:
            done = Phase(row.split, row.iteration, sum(of.n for of in rows), arm)
            yield done, sum(of.seconds for of in rows)
        elif phase in ("collect", "train", "evidence"):
            yield Phase(phase, row.iteration + 1, row.n * (1 + (phase == "evidence")), arm), row.seconds
