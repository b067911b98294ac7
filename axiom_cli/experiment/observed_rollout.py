"""Sampling and verification that tell the loop's observer how far they are."""

from __future__ import annotations

from collections.abc import Sequence

from axiom_cli.experiment.observer import LoopObserver
from axiom_cli.models import Resolved
from axiom_cli.records import Problem, Verdict
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.sampling.rollout import remember_rollout
from axiom_cli.sampling.sample_cache import Usage
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import Workspace


def observed_rollout(  # noqa: PLR0913 - as `remember_rollout`
    model: Resolved,
    problems: Sequence[Problem],
    sampling: SolveConfig,
    engine: EngineHandle,
    workspace: Workspace,
    verifying: VerifyConfig,
    observer: LoopObserver,
) -> tuple[list[Verdict], Receipt]:
    """The verdicts on a model's samples, and their receipt. What was sampled or judged before is read back, and the
    observer hears of each verdict as it comes."""
    usage = Usage(
        on_samples=lambda new: observer.sampled(len(new), sum(sample.tokens for sample in new)),
        on_recalled=observer.recalled,
    )
    return remember_rollout(model, problems, sampling, engine, workspace, observer.judged, verifying, usage)
