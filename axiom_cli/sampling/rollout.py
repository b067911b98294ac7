"""Problems in, verdicts out: samples go to the verifier through a queue, and are verified while the next ones come."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from axiom_cli.models import Resolved
from axiom_cli.records import Metrics, Problem, Verdict
from axiom_cli.sampling import value_scorer
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.sampling.engines.protocol import Engine, sampling_params
from axiom_cli.sampling.sample_cache import Usage
from axiom_cli.sampling.solve import cached_engine, sample_groups
from axiom_cli.sampling.strategies import registry
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.verification.caching_verifier import CachingVerifier
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import Workspace

VERSION = 1
USUAL_ENGINE = "transformers"
MAX_WAITING = 4096
"""Samples that may wait for their verdicts before sampling waits too: memory stays flat."""


def rollout(  # noqa: PLR0913 - as `solve`
    problems: Iterable[Problem],
    engine: Engine,
    config: SolveConfig,
    verifying: VerifyConfig | None = None,
    workspace: Workspace | None = None,
    usage: Usage | None = None,
) -> Generator[list[Verdict]]:
    """The verdicts on all samples of each problem, a list per problem, in order. Cost and result are added to `usage`.
    Raises at the call what `solve` raises.

    Verification runs in a thread of its own. Samples that the strategy verified are not verified again.
    """
    usage = usage or Usage()
    registry.check_strategy(config)
    value_scorer.check_value_function(config, engine.model, workspace)

    def verdicts() -> Generator[list[Verdict]]:
        cached = cached_engine(engine, config, workspace, usage)
        with (
            CachingVerifier(verifying or VerifyConfig()) as verifier,
            closing(sample_groups(problems, cached, config, verifier)) as groups,
        ):
            for samples in groups:
                verifier.submit(samples)
                yield from counted(verifier.finished(MAX_WAITING))
            yield from counted(verifier.finished())

    def counted(groups: Iterable[list[Verdict]]) -> Generator[list[Verdict]]:
        for group in groups:
            usage.problems += 1
            usage.solved += any(verdict.passed for verdict in group)
            yield group

    return verdicts()


def remember_rollout(  # noqa: PLR0913 - one step of a loop
    model: Resolved,
    problems: Sequence[Problem],
    config: SolveConfig,
    engine: EngineHandle,
    workspace: Workspace,
    on_problem: Callable[[int], None],
    verifying: VerifyConfig | None = None,
    usage: Usage | None = None,
) -> tuple[list[Verdict], Receipt]:
    """The verdicts on `model`'s samples of `problems`, made once, and their receipt: `receipt["verdicts"]` is where
    they are stored, `receipt.seconds` how long they took. `on_problem` is called with the number of finished problems,
    and `usage` counts if they are made now.
    """
    # Each engine draws in its own way. The usual one is not named: recipes of earlier versions stay what they are.
    other = {} if engine.config.engine == USUAL_ENGINE else {"engine": engine.config.engine}
    recipe = {
        "stage": "attempt",
        "version": VERSION,
        "config": {"samples": config.samples, **sampling_params(config), **_unusual(config, verifying), **other},
        "inputs": {"model": model.digest, "problems": workspace.put_records(problems)},
    }

    def make() -> dict[str, Any]:
        verdicts: list[Verdict] = []
        with closing(rollout(problems, engine.load_weights(model), config, verifying, workspace, usage)) as groups:
            for number, group in enumerate(groups, 1):
                verdicts += (replace(verdict, seconds=0.0) for verdict in group)
                on_problem(number)
        return {"verdicts": workspace.put_records(verdicts)}

    on_problem(0)
    receipt = workspace.remember(recipe, make)
    return list(workspace.get_records(receipt["verdicts"], Verdict)), receipt


SEARCH = ("strategy", "max_attempts", "early_stop", "target_passes", "stop_on")
JUDGEMENT = ("timeout", "test_timeout", "memory", "allow", "allow_checkers", "checker_timeout")


def _unusual(sampling: SolveConfig, verifying: VerifyConfig | None) -> dict[str, Any]:
    """The settings beside the samples' own ones that decide the verdicts, where they are not the default ones."""
    pairs = ((sampling, SolveConfig(), SEARCH), (verifying or VerifyConfig(), VerifyConfig(), JUDGEMENT))
    return {
        name: getattr(config, name)
        for config, default, names in pairs
        for name in names
        if getattr(config, name) != getattr(default, name)
    }


def keep_metrics(rows: Sequence[Metrics], rollouts: Sequence[Receipt], workspace: Workspace) -> str:
    """Stores an evaluation's metrics as an object made from the verdicts of `rollouts`; returns its digest. Seconds are
    left out, so that equal evaluations are equal bytes."""
    recipe = {
        "stage": "evaluate",
        "version": VERSION,
        "config": {name: getattr(rows[0], name) for name in ("experiment", "iteration", "split")},
        "inputs": {"verdicts": [receipt["verdicts"] for receipt in rollouts]},
    }
    kept = [replace(row, seconds=0.0) for row in rows]
    return workspace.remember(recipe, lambda: {"metrics": workspace.put_records(kept)})["metrics"]
