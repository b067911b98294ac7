"""A value function against majority vote on held-out problems, from sampling to the sentence. By hand:

    PYTHONPATH=. python tests/benchmarks/value.py [--model nano] [--train 400] [--each 16] [--held-out 300]

The function is fitted on `--train` problems of the families that nano knows, `--each` samples of each, and measured on
`--held-out` problems of the split `test`. All settings were chosen on the split `val` (`--split val`).
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axiom_cli.evaluation.value_ranking import rank
from axiom_cli.learning.train import train
from axiom_cli.problems.families import draw
from axiom_cli.report.formats import render
from axiom_cli.report.tables.ranking import facts, ranking_findings
from axiom_cli.sampling import nano_cold_start
from axiom_cli.sampling.solve import open_engine, solve
from axiom_cli.settings.configs import SolveConfig, TrainConfig, VerifyConfig
from axiom_cli.verification.verify import verify
from axiom_cli.workspace.store import Workspace


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Prints the time that something took, and the processor time of it and its processes."""
    wall, spent = time.perf_counter(), _processor()
    yield
    print(f"{what}: {time.perf_counter() - wall:.0f} s, {_processor() - spent:.0f} s of processor time", flush=True)


def _processor() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    for name, default in (("train", 400), ("each", 16), ("held-out", 300), ("samples", 16), ("seed", 11)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--levels", type=int, nargs=2, default=(3, 7))
    parser.add_argument("--split", default="test")
    parser.add_argument("--max-tokens", type=int, default=192)
    parser.add_argument("--epochs", type=float, default=3)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--lora-r", type=int, default=64)
    options = parser.parse_args()
    levels = range(options.levels[0], options.levels[1] + 1)
    config = SolveConfig(samples=options.each, temperature=0.8, max_tokens=options.max_tokens, engine="transformers")
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.create(Path(folder) / ".axiom")
        engine = open_engine(options.model, config, workspace)
        problems = list(draw.problems(nano_cold_start.FAMILIES, options.train, levels, "train", options.seed))
        with timed(f"{options.train} problems x {options.each} samples"):
            verdicts = list(verify(solve(problems, engine, config, workspace), VerifyConfig()))
        fitting = TrainConfig(
            objective="value", epochs=options.epochs, lr=options.lr, batch_size=32, grad_accum=1,
            lora_r=options.lora_r, lora_alpha=2 * options.lora_r,
        )  # fmt: skip
        with timed("fitting"):
            adapter = train(verdicts, options.model, fitting, workspace)
        print(f"{adapter.rows} rows, {adapter.metrics}")
        workspace.set_ref("value", adapter.digest)
        held = list(draw.problems(nano_cold_start.FAMILIES, options.held_out, levels, options.split, options.seed))
        scoring = SolveConfig(**{**vars(config), "samples": options.samples, "value_function": "value"})
        with timed(f"{options.held_out} problems x {options.samples} samples, scored"):
            ranking = rank(verify(solve(held, engine, scoring, workspace), VerifyConfig()))
        print(render(ranking_findings(ranking), "md"))
        print(*facts(ranking), sep="\n")


if __name__ == "__main__":
    main()
