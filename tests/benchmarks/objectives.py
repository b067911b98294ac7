"""What each objective makes of the same attempts: nano's held-out pass rate after one training, by hand:

    PYTHONPATH=. python tests/benchmarks/objectives.py FOLDER --split val sft dpo grpo:clip=0.2 grpo:clip=1 kto
    PYTHONPATH=. python tests/benchmarks/objectives.py FOLDER --split test sft dpo grpo kto

Settings are chosen on the validation draw and reported on the test draw. The attempts are `--samples` of nano's at each
of `--problems` training problems; `NAME:FIELD=VALUE,...` is an objective with fields of TrainConfig that differ from
SETTINGS and TUNED. Every held-out problem is answered greedily by each model and by nano itself, so that the
differences are paired by problem (bootstrap, 95 %). FOLDER is a workspace: what is in it is not made again.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

from axiom_cli import models
from axiom_cli.learning.merge import merge
from axiom_cli.learning.train import select_examples, train_on
from axiom_cli.learning.training.trainer import Trainer
from axiom_cli.models import Resolved
from axiom_cli.problems.families import draw
from axiom_cli.records import Problem, Verdict
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.sampling.nano_cold_start import LISTINGS
from axiom_cli.sampling.rollout import remember_rollout
from axiom_cli.settings.configs import MergeConfig, SolveConfig, TrainConfig
from axiom_cli.statistics import paired_bootstrap, wilson
from axiom_cli.workspace.store import Workspace

SEED = 41_000
SETTINGS = TrainConfig(lr=1e-3, lora_r=64, lora_alpha=128, batch_size=32, grad_accum=1, epochs=2)
"""LoRA and AdamW, as `axiom loop --objective NAME` has them for nano ..."""
TUNED = {"sft": {"lr": 1e-3}, "dpo": {"lr": 1e-4}, "grpo": {"lr": 2e-4}, "kto": {"lr": 5e-5}}
"""... and what the validation draw chose for each objective."""


def problems(split: str, count: int, seed: int, levels: Sequence[int]) -> list[Problem]:
    """As many of each family and level, `count` in all."""
    streams = [draw.stream(family, level, split, seed, "answer") for level in levels for family in LISTINGS]
    return [next(streams[number % len(streams)]) for number in range(count)]


def configured(text: str, seed: int) -> TrainConfig:
    """`dpo:lr=1e-4,beta=0.3` as a config."""
    name, _, rest = text.partition(":")
    kinds = {field.name: type(field.default) for field in fields(TrainConfig)}
    pairs = (pair.split("=") for pair in rest.split(",") if pair)
    settings = {key: kinds[key](value) for key, value in pairs}
    return replace(SETTINGS, objective=name, seed=seed, **TUNED.get(name, {}) | settings)


class Bench:
    """One workspace, one nano, one set of attempts."""

    def __init__(self, folder: Path, split: str, arguments: argparse.Namespace) -> None:
        self.workspace, self.seed = Workspace.open_or_create(folder), arguments.seed
        self.nano = models.resolve("nano", self.workspace)
        self.engine = EngineHandle(self.nano, self.workspace, SolveConfig())
        self.held_out = problems(split, arguments.held_out, SEED + 1, arguments.levels)
        sampling = SolveConfig(samples=arguments.samples, temperature=0.8, max_tokens=320, seed=arguments.seed)
        training = problems("train", arguments.problems, SEED + arguments.seed, arguments.levels)
        self.attempts = self._attempt(self.nano, training, sampling)
        self.before = self.passed(self.nano)

    @functools.cached_property
    def trainer(self) -> Trainer:
        """Nano, loaded once."""
        return Trainer(self.nano.path, name="nano")

    def passed(self, model: Resolved) -> list[bool]:
        """Which held-out problems `model` solves greedily."""
        config = SolveConfig(samples=1, temperature=0, max_tokens=320, seed=0)
        return [verdict.passed for verdict in self._attempt(model, self.held_out, config)]

    def after(self, config: TrainConfig) -> tuple[list[bool], dict[str, int]]:
        """Which held-out problems are solved after training with `config`, and what it was trained on."""
        examples = select_examples(self.attempts, config).examples
        adapter = train_on(examples, self.nano, config, self.workspace, trainer=lambda: self.trainer)
        merged = merge(adapter, MergeConfig(), self.workspace, base=self.nano)
        model = Resolved(merged.digest, merged.digest, self.workspace.tree_path(merged.digest))
        return self.passed(model), {"rows": adapter.rows, "steps": adapter.metrics["steps"]}

    def _attempt(self, model: Resolved, of: Sequence[Problem], config: SolveConfig) -> list[Verdict]:
        return remember_rollout(model, of, config, self.engine, self.workspace, lambda done: None)[0]


def line(name: str, before: Sequence[bool], after: Sequence[bool], learned_from: str) -> str:
    """A row of the table."""
    low, high = wilson(sum(after), len(after))
    gain = paired_bootstrap(before, after)
    rates = f"{100 * sum(after) / len(after):.1f} ({100 * low:.1f} to {100 * high:.1f})"
    return (
        f"| {name} | {learned_from} | {rates} | {100 * gain[0]:+.1f} ({100 * gain[1]:+.1f} to {100 * gain[2]:+.1f}) |"
    )


def main(arguments: Sequence[str]) -> None:
    """Prints the table, a line as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("objectives", nargs="+")
    parser.add_argument("--split", choices=("val", "test"), default="val")
    parser.add_argument("--levels", type=int, nargs="+", default=range(3, 7))
    parser.add_argument("--problems", type=int, default=1500)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--held-out", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    bench = Bench(options.folder, options.split, options)
    print("| objective | rows, steps | pass rate, % | gain, points |\n|---|---|---|---|")
    print(line("nano", bench.before, bench.before, ""), flush=True)
    for name in options.objectives:
        passed, known = bench.after(configured(name, options.seed))
        print(line(name, bench.before, passed, "{rows}, {steps}".format(**known)), flush=True)
    bench.engine.close()


if __name__ == "__main__":
    main(sys.argv[1:])
