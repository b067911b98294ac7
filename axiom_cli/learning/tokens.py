"""A base's tokens as training sees them: its tokenizer, what ends a completion, and how many it has positions for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from axiom_cli import models
from axiom_cli.models import Resolved
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import TrainConfig
from axiom_cli.workspace.store import Workspace


def tokenizer_of(base: Resolved) -> tuple[Any, tuple[int, ...]]:
    """The tokenizer of `base` and the ids that end a completion, as a trainer has them; the weights are not loaded."""
    from axiom_cli.models.loading import load_generation_config, load_tokenizer
    from axiom_cli.sampling.token_ids import end_ids

    tokenizer = load_tokenizer(base.path)
    return tokenizer, end_ids(tokenizer, load_generation_config(base.path))


def with_token_ids(
    verdicts: Iterable[Verdict], model: str | Resolved, workspace: Workspace | None = None
) -> Iterator[Verdict]:
    """The same verdicts, those without ids (a teacher's) with the ids that `model` is trained on: a round's slices are
    measured in them."""
    from axiom_cli.sampling import prompts
    from axiom_cli.sampling.token_ids import completion_ids

    base = models.resolve(model, workspace) if isinstance(model, str) else model
    tokenizer, ends = tokenizer_of(base)
    opening = prompts.opening(tokenizer)
    for verdict in verdicts:
        ids = completion_ids(tokenizer, verdict.sample, ends, opening)[0]
        yield replace(verdict, sample=replace(verdict.sample, token_ids=ids, tokens=len(ids)))


def within_context(config: TrainConfig, model_config: Any) -> tuple[TrainConfig, str]:
    """The same with a `max_length` that the model has positions for, and what sets it: the option or the model."""
    from axiom_cli.models.loading import context_length

    context = context_length(model_config) or config.max_length
    if context >= config.max_length:
        return config, "--max-length"
    return replace(config, max_length=context), "the model's context"


def longer(limit: str) -> str:
    """The hint where every row is too long for what `within_context` says sets the limit."""
    return (
        f"raise {limit}" if limit.startswith("--") else "take shorter problems, or choose a model with a longer context"
    )
