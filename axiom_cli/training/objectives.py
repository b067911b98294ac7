"""What is minimised. An objective takes the log-probabilities of the completion tokens and gives a sum over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from axiom_cli.errors import MissingError
from axiom_cli.training.batches import Batch

Objective = Callable[[torch.Tensor, Batch], torch.Tensor]
"""(logprobs_K, batch) -> the loss summed over the batch's K completion tokens. `fit` divides by the step's tokens."""


def sft(logprobs_K: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Weighted negative log-likelihood of the accepted completions (STaR, 2203.14465; ReST-EM, 2312.06585)."""
    return -(logprobs_K * batch.weights_K).sum()


OBJECTIVES: Mapping[str, Objective] = {"sft": sft}


def get(name: str) -> Objective:
    """The objective called `name`. MissingError names those that there are."""
    if name not in OBJECTIVES:
        raise MissingError(f"no objective {name!r}", f"there are: {', '.join(OBJECTIVES)}")
    return OBJECTIVES[name]
