"""How likely a model finds completions: proved against its own plain forward pass before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import torch
from peft import PeftModel
from torch.nn import functional

from axiom_cli.errors import GateFailedError, InputError
from axiom_cli.learning.training.batches import Batch, collate
from axiom_cli.learning.training.rows import Row
from axiom_cli.models import memory
from axiom_cli.models.loading import without_peft

Scorer = Callable[[Batch], torch.Tensor]
"""A batch -> the log-probabilities of its completion tokens, in nats, shape (K,)."""
EXACT, ROUNDED = 1e-3, 0.1
"""Nats a token by which the training pass may differ from the plain one, in float32 and in fewer bits."""
_SLOWER = "{name} does not give a row of a padded batch what it gives the row alone: rows are trained one by one"


def one_by_one(score: Scorer) -> Scorer:
    """The same, with each row of a batch run by itself."""
    return lambda batch: torch.cat([score(row) for row in batch.rows()])


def proved_scorer(
    model: torch.nn.Module, rows: Sequence[Row], warn: Callable[[str], None], *, fresh: bool = True
) -> tuple[Scorer, bool]:
    """A function from a batch to the log-probabilities of its completion tokens, shape (K,), which gives the shortest
    of `rows`, beside the longest, what the plain forward pass gives it alone (without the adapter, if that is `fresh`
    and must not change anything yet); and whether it can run rows side by side.

    The head is shown those K positions alone. Where an architecture does something to its logits that depends on the
    others, all of them are computed; and where it does something to a row that depends on the others or on the padding,
    each row is run by itself, and `warn` gets a sentence. InputError if even that differs from the plain pass;
    GateFailedError if the plain pass gives NaN or inf.
    """
    inner, place = without_peft(model), next(model.parameters()).device
    head = inner.get_output_embeddings()
    shortest, longest = (choose(rows, key=lambda row: row.length) for choose in (min, max))
    alone, beside = collate([shortest], place), collate([shortest, longest], place)

    def logprobs(logits_KV: torch.Tensor, batch: Batch) -> torch.Tensor:
        return -functional.cross_entropy(logits_KV.float(), batch.targets_K, reduction="none")

    def selected(batch: Batch) -> torch.Tensor:
        def narrow(_head: torch.nn.Module, args: tuple) -> tuple:
            """The head is given those positions of what it is called with, as a batch of one row."""
            return (args[0].flatten(0, 1)[batch.positions_K][None], *args[1:])

        with head.register_forward_pre_hook(narrow):
            logits = inner(input_ids=batch.input_ids_BT, use_cache=False).logits.flatten(0, 1)
        return logprobs(logits, batch)

    def whole(batch: Batch) -> torch.Tensor:
        logits = inner(input_ids=batch.input_ids_BT, use_cache=False).logits.flatten(0, 1)
        return logprobs(logits[batch.positions_K], batch)

    with torch.no_grad():
        with model.disable_adapter() if fresh and isinstance(model, PeftModel) else nullcontext():
            expected_K = whole(alone)
        if not torch.isfinite(expected_K).all():
            raise GateFailedError("the model's logits are NaN or inf", "is the checkpoint damaged? try another one")
        allowed = EXACT if inner.dtype is torch.float32 and not getattr(inner, "is_quantized", False) else ROUNDED
        gap = math.inf
        for score, batched in ((selected, True), (whole, True), (one_by_one(whole), False)):
            try:
                found_K = score(beside)[: len(expected_K)]
            except (IndexError, RuntimeError, ValueError) as error:
                if memory.is_out_of_memory(error) or not batched:
                    raise
                continue
            gap = float((found_K - expected_K).abs().mean())
            if gap <= allowed:
                if not batched:
                    warn(_SLOWER.format(name=type(inner).__name__))
                return score, batched
    raise InputError(
        f"{type(inner).__name__} cannot be trained here: as training runs it, its log-probabilities are {gap:.2g} nats "
        "a token away from its own",
        "choose a model of another architecture",
    )
