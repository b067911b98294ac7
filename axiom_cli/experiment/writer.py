"""Writes an experiment's folder; `evaluation/experiment_folder.py` knows its layout and reads it.

Nothing in it is needed to resume: it is written anew from the workspace, file by file, each whole or not at all. What
an earlier run measured stays until it is measured again; a damaged file is set aside as NAME.damaged.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

import axiom_cli
from axiom_cli import files, jsonl
from axiom_cli.errors import AxiomError, InputError, UsageError
from axiom_cli.evaluation import changepoint, evalue
from axiom_cli.evaluation.experiment_folder import EXPERIMENTS, ExperimentFolder, read_config, row_key
from axiom_cli.experiment import climb, dense_reward, patience
from axiom_cli.models import Resolved
from axiom_cli.records import Metrics, Problem, Verdict
from axiom_cli.settings.configs import LoopConfig, TrainConfig
from axiom_cli.settings.fields import spelled
from axiom_cli.verification.solution_rows import solution_rows
from axiom_cli.workspace.atomic import locked

MAY_CHANGE = {
    "iterations", "control", "preset", "axiom",
    "solve.batch_tokens", "solve.server", "verify.jobs", "verify.isolation", "verify.unsafe_no_sandbox",
    "solve.concurrency", "solve.requests_per_minute", "solve.request_timeout",
    "train.gradient_checkpointing", "train.checkpoint_seconds", "train.tracker",
    "teaching.delay", "teaching.budget", "teaching.price_in", "teaching.price_out",
    "distribute.distribute", "distribute.ray_address", "distribute.workers",
    "ignore_gates",
}  # fmt: skip
"""Settings with which the same experiment may be run again: more rounds, more controls, other machines."""
GROKKING = "grokking"
NOT_KEPT = {"plan", "model"}
SELECTION = "the best greedy rate on validation; ties to the earliest; the test is met at the end"


class ExperimentWriter:
    """The writer of `experiments/NAME/`: settings, metrics, problems, solutions and verdicts. `files` has the digests
    of the rows that its problems come from, by name; `warn` is called when a damaged file is set aside."""

    def __init__(
        self,
        config: LoopConfig,
        base: Resolved,
        warn: Callable[[str], object],
        root: Path = EXPERIMENTS,
        files: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.config, self.folder = config, ExperimentFolder(root / config.experiment)
        self._base, self._warn, self._files = base, warn, files
        self._rows: dict[tuple[Any, ...], Metrics] = {}
        self._problems: dict[int, list[Problem]] = {}
        self._registers = config.iterations >= changepoint.LEAST_ROUNDS

    @property
    def registers_grokking(self) -> bool:
        """Whether the rule for grokking stands in config.json since before the first round."""
        return self._registers

    @property
    def rows(self) -> list[Metrics]:
        """Every metrics record so far, in the order in which it was first written."""
        return list(self._rows.values())

    def check(self) -> None:
        """Raises what `locked` would raise now; nothing is written."""
        if files.is_regular(self.folder.lock):
            with self._held():
                pass
        with suppress(InputError):
            self._refuse_others(read_config(self.folder.config))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time, which starts with the rows of earlier runs.

        Raises WorkspaceLockedError where another process runs the experiment, and UsageError where the folder belongs
        to an experiment with other settings.
        """
        files.make_folder(self.folder.path)
        with self._held():
            self._write_config()
            self._read_metrics()
            yield

    def _held(self) -> AbstractContextManager[None]:
        what = f"the experiment {self.config.experiment}"
        return locked(self.folder.lock, what, patience=0.5, hint="wait for it, or choose another --experiment")

    def _settings(self) -> dict[str, Any]:
        settings = {name: value for name, value in kept_settings(self.config).items() if name not in NOT_KEPT}
        settings["model"] = {"name": self._base.name, "digest": self._base.digest}
        settings |= {"files": dict(self._files)} if self._files else {}
        settings |= {GROKKING: changepoint.RULE} if self._registers else {}
        settings |= {"climb": rule} if (rule := climb.rule(self.config)) else {}
        settings |= {"stopping": patience.RULE} if self.config.patience else {}
        settings |= {"dense": dense_reward.RULE} if self.config.dense_until else {}
        settings |= {"evidence": evalue.RULE} if self.config.evidence_size else {}
        return settings | {"selection": SELECTION, "axiom": axiom_cli.__version__}

    def _write_config(self) -> None:
        path, earlier = self.folder.config, {}
        try:
            earlier = read_config(path)
        except InputError as error:
            self._set_aside(path, str(error))
        self._refuse_others(earlier)
        self._registers = GROKKING in earlier or (self._registers and not earlier)
        with jsonl.atomic(path, follow=False) as stream:
            stream.write(orjson.dumps(self._settings(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

    def _refuse_others(self, earlier: Mapping[str, Any]) -> None:
        """UsageError where the folder's settings are others, or files have changed."""
        for name, digest in earlier.get("files", {}).items():
            if self._files.get(name, digest) != digest:
                raise UsageError(
                    f"{name} has changed since the experiment {self.config.experiment} was begun",
                    "choose another --experiment: what was held out stays held out; or put the file back to resume it",
                )
        before = dotted(upgraded(earlier))
        for name, value in dotted(self._settings()).items():
            if name not in MAY_CHANGE and name in before and before[name] != value:
                raise UsageError(
                    f"experiment {self.config.experiment} was run with {name} {before[name]!r}, not {value!r}",
                    "choose another --experiment, or the same settings to resume it",
                )

    def _read_metrics(self) -> None:
        """Starts with the rows that earlier runs measured; with the whole lines of a damaged file."""
        path = self.folder.metrics
        if not files.is_regular(path):
            return
        bad: list[AxiomError] = []
        with os.fdopen(files.open_regular(path), "rb") as stream:
            self._rows = {row_key(row): row for row in jsonl.read(stream, Metrics, skip=bad.append)}
        if bad:
            self._set_aside(path, f"{path}: {bad[0]}")
            self.write_metrics([])

    def _set_aside(self, path: Path, why: str) -> None:
        aside = path.with_name(f"{path.name}.damaged")
        files.replace(path, aside)
        self._warn(f"{why}; it is set aside as {aside.name}, and the run continues")

    def write_held_out(self, val: Sequence[Problem], test: Sequence[Problem]) -> None:
        """The validation and the test problems."""
        jsonl.save(self.folder.problems("val"), val, follow=False)
        jsonl.save(self.folder.problems("test"), test, follow=False)

    def write_round(self, iteration: int, problems: Sequence[Problem], verdicts: Sequence[Verdict]) -> None:
        """A round's problems and accepted solutions.

        Files that contain them already are left alone: the problems of later rounds may stand behind them, and
        solutions keep the time at which they were first accepted.
        """
        self._problems[iteration] = list(problems)
        drawn = [problem for i in sorted(self._problems) for problem in self._problems[i]]
        path = self.folder.problems("train")
        if not _bytes(path).startswith(b"".join(map(jsonl.dump, drawn))):
            jsonl.save(path, drawn, follow=False)
        path = self.folder.solutions(iteration)
        accepted = list(solution_rows(verdicts))
        if not files.is_regular(path) or _untimed(_bytes(path)) != _untimed(b"".join(map(jsonl.dump, accepted))):
            jsonl.save(path, accepted, follow=False)

    def write_evaluation(self, split: str, iteration: int, arm: str, verdicts: Sequence[Verdict]) -> None:
        """The verdicts of one evaluation."""
        jsonl.save(self.folder.verdicts(split, iteration, arm), verdicts, follow=False)

    def write_metrics(self, rows: Iterable[Metrics]) -> None:
        """Adds records to metrics.jsonl, replacing earlier ones of the same measurement."""
        self._rows |= {row_key(row): row for row in rows}
        jsonl.save(self.folder.metrics, self.rows, follow=False)


def kept_settings(config: LoopConfig) -> dict[str, Any]:
    """What config.json holds of the settings: the experiment's own, and in an object for each stage the options that
    the stage has in a loop."""
    settings: dict[str, Any] = {}
    for place, part in config.parts().items():
        held = getattr(config, place) if place else config
        values = {spelled(option.name): getattr(held, option.name) for option in part.options}
        settings |= {place: values} if place else values
    return settings


def upgraded(earlier: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in a config.json, whichever version wrote it. Before 0.2 the stages' options stood among the
    experiment's own; what was no option then had the stage's default, and one micro-batch was a step."""
    if not earlier or "solve" in earlier:
        return dict(earlier)
    defaults = kept_settings(LoopConfig(train=TrainConfig(grad_accum=1)))
    settings = {**defaults, **earlier}
    for place, part in LoopConfig.parts().items():
        names = {option.name for option in part.options}
        known = {name: value for name, value in earlier.items() if name in names}
        settings |= {place: {**defaults[place], **known}} if place else known
    settings["problems"] = earlier.get("problem_types", settings["problems"])
    settings["curriculum"] = "frontier" if earlier.get("curriculum", True) else "fixed"
    return settings


def dotted(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in one level: `solve.samples` for what `solve` holds."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= {f"{name}.{key}": inner for key, inner in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _bytes(path: Path) -> bytes:
    return files.read_regular(path, most=None) if files.is_regular(path) else b""


def _untimed(lines: bytes) -> list[bytes] | None:
    """Solution rows without their timestamps and what follows them. None where the last line is incomplete."""
    if lines and not lines.endswith(b"}\n"):
        return None
    return [line.rpartition(b',"timestamp":')[0] for line in lines.splitlines()]
