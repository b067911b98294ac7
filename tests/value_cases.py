"""What value functions are fitted on in tests: verdicts whose right samples can be told from their wrong ones."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import tiny
from axiom_cli.records import Sample, Verdict
from axiom_cli.sampling.solve import open_engine, solve
from axiom_cli.settings.configs import SolveConfig, TrainConfig
from axiom_cli.workspace.store import Workspace

CONFIG = TrainConfig(objective="value", lora_r=8, lora_alpha=16, epochs=6, batch_size=16, grad_accum=1, lr=2e-2)


def verdicts(first: int, count: int, cut: bool = False) -> Iterator[Verdict]:
    """Four samples a problem; those with a doubt in the middle are wrong."""
    for number in range(first, first + count):
        random = Random(number)
        for index in range(4):
            good = random.random() < 0.5
            text = f"so {random.randint(0, 99)}{'' if good else ' ??'}. Answer: 1"
            finish = "length" if cut and index == 3 else "stop"
            sample = tiny.sample(tiny.problem(number), text, index, finish=finish)
            yield tiny.verdict(sample, "pass" if good else "fail")


def solving(base: str, workspace: Workspace, **more) -> list[Sample]:
    config = SolveConfig(engine="transformers", samples=6, max_tokens=6, temperature=1.0, **more)
    engine = open_engine(base, config, workspace)
    return list(solve([tiny.problem(number) for number in (3, 2000)], engine, config, workspace))
