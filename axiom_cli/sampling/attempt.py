"""Solve and verify in one go, made once: what the loop does to collect and to evaluate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from axiom_cli.models import Resolved
from axiom_cli.records import Metrics, Problem, Verdict
from axiom_cli.sampling.engine_handle import Speaker
from axiom_cli.sampling.engines import sampling_params
from axiom_cli.sampling.solve import solve
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.verification.verify import verify
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import Workspace

VERSION = 1


def attempt(
    model: Resolved,
    problems: Sequence[Problem],
    config: SolveConfig,
    speaker: Speaker,
    workspace: Workspace,
    on_problem: Callable[[int], None],
) -> tuple[list[Verdict], Receipt]:
    """The verdicts of `model`'s samples of `problems`, and the receipt of their making: `receipt["verdicts"]` is where
    they are kept, `receipt.seconds` what they took. `on_problem` is told how many problems are done.
    """
    recipe = {
        "stage": "attempt",
        "version": VERSION,
        "config": {"samples": config.samples, **sampling_params(config)},
        "inputs": {"model": model.digest, "problems": workspace.put_records(problems)},
    }

    def make() -> dict[str, Any]:
        speaker.become(model)
        verdicts = []
        judged = verify(solve(problems, speaker, config, workspace), VerifyConfig())
        for number, verdict in enumerate(judged, 1):
            verdicts.append(replace(verdict, seconds=0.0))
            if number % config.samples == 0:
                on_problem(number // config.samples)
        return {"verdicts": workspace.put_records(verdicts)}

    on_problem(0)
    receipt = workspace.remember(recipe, make)
    return list(workspace.get_records(receipt["verdicts"], Verdict)), receipt


def keep_metrics(rows: Sequence[Metrics], attempts: Sequence[Receipt], workspace: Workspace) -> str:
    """Keeps an evaluation's metrics as an object made from the verdicts of `attempts`, and returns its digest. Their
    seconds are left out, so that equal evaluations are equal bytes."""
    recipe = {
        "stage": "evaluate",
        "version": VERSION,
        "config": {name: getattr(rows[0], name) for name in ("experiment", "iteration", "split")},
        "inputs": {"verdicts": [made["verdicts"] for made in attempts]},
    }
    kept = [replace(row, seconds=0.0) for row in rows]
    return workspace.remember(recipe, lambda: {"metrics": workspace.put_records(kept)})["metrics"]
