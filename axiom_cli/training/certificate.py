"""What a merge did to the weights and to the model's words, against what base + adapter would have done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from axiom_cli.prompts import conversation_ids

PROBES: tuple[str, ...] = (
    "Evaluate: 3 + 4 * (9 - 7)",
    "Evaluate the postfix expression: 8 2 - 3 *",
    "Is the bracket string ( [ ] ) balanced?",
    "Sort the list 5 1 4 2, then take the sum of the first two items.",
    "Write a Python function that reverses a string.",
    "The capital of France is",
)
CONTINUE = 8
"""Greedy tokens that base + adapter writes after each probe; they are compared, too."""
LOST_EFFECT = 0.5
"""Share of the adapter's effect on the logits that rounding to 16 bits may lose before the merge is refused."""


@dataclass(frozen=True)
class Certificate:
    """The figures of one merge. All but `max_logit_difference` (in logits) are shares or ratios.

    moved: weights among those to be changed that differ from the base's; cosine and relative_error: applied change
    against the intended one; greedy_agreement: probe positions where the most likely token is that of base + adapter;
    effect_error: how far the logits are from base + adapter's, in units of how far the adapter had moved them.
    """

    dtype: str
    moved: float
    cosine: float
    relative_error: float
    max_logit_difference: float
    greedy_agreement: float
    effect_error: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a record."""
        return asdict(self)

    def failures(self, max_relative_error: float) -> list[str]:
        """Why this merge is not what was trained; empty if it is. In float32 the change must arrive as it was meant
        (`max_relative_error`); in 16 bits, where many weights cannot move, the model's words must have."""
        out = []
        if self.dtype == "float32" and self.relative_error > max_relative_error:
            out.append(f"relative error {self.relative_error:.3g} of the weight change (at most {max_relative_error})")
        allowed = max_relative_error if self.dtype == "float32" else LOST_EFFECT
        if self.effect_error > allowed:
            out.append(f"{self.effect_error:.0%} of the adapter's effect on the logits is lost (at most {allowed:.0%})")
        return out


@dataclass(frozen=True)
class Probed:
    """Fixed prompts (continued greedily by base + adapter), the base's logits on the bare prompts, base + adapter's on
    all positions."""

    ids: list[list[int]]
    before: list[torch.Tensor]
    reference: list[torch.Tensor]


def probe_ids(tokenizer: Any) -> list[list[int]]:
    """The fixed prompts as this model is shown them."""
    return [conversation_ids(tokenizer, [{"role": "user", "content": text}]) for text in PROBES]


@torch.no_grad()
def logits(model: torch.nn.Module, ids: Sequence[Sequence[int]]) -> list[torch.Tensor]:
    """Per prompt the logits at all positions, (T, V), float32, on the processor."""
    where = next(model.parameters()).device
    return [model(torch.tensor([row], device=where)).logits[0].float().cpu() for row in ids]


def continued(model: torch.nn.Module, ids: Sequence[Sequence[int]]) -> list[list[int]]:
    """Each prompt with the `CONTINUE` tokens that the model finds most likely."""
    rows = [list(row) for row in ids]
    for _ in range(CONTINUE):
        for row, logits_TV in zip(rows, logits(model, rows), strict=True):
            row.append(int(logits_TV[-1].argmax()))
    return rows


@torch.no_grad()
def compare_weights(
    original: Mapping[str, torch.Tensor],
    merged: Mapping[str, torch.Tensor],
    intended: Mapping[str, torch.Tensor],
    dtype: torch.dtype,
) -> tuple[float, float, float]:
    """(share moved, cosine, relative error) of the applied change over all parameters to be changed."""
    moved = count = 0
    dot = applied_square = intended_square = error_square = 0.0
    for name, delta in intended.items():
        applied = (merged[name] - original[name]).double()
        wanted = delta.double()
        moved += int((merged[name] != original[name].to(dtype).float()).sum())
        count += wanted.numel()
        dot += float((applied * wanted).sum())
        applied_square += float(applied.square().sum())
        intended_square += float(wanted.square().sum())
        error_square += float((applied - wanted).square().sum())
    if not intended_square:
        return 0.0, 1.0, 0.0
    cosine = dot / max((applied_square * intended_square) ** 0.5, 1e-30)
    return moved / count, cosine, (error_square / intended_square) ** 0.5


def certify(
    dtype: str, weights: tuple[float, float, float], probed: Probed, merged: Sequence[torch.Tensor]
) -> Certificate:
    """The certificate from the weights' figures and the merged model's logits on the probes."""
    pairs = list(zip(merged, probed.reference, strict=True))
    agree = sum(int((a.argmax(-1) == b.argmax(-1)).sum()) for a, b in pairs)
    error = effect = 0.0
    for (a, b), before in zip(pairs, probed.before, strict=True):
        error += float((a - b)[: len(before)].double().square().sum())
        effect += float((before - b[: len(before)]).double().square().sum())
    return Certificate(
        dtype=dtype,
        moved=weights[0],
        cosine=weights[1],
        relative_error=weights[2],
        max_logit_difference=max(float((a - b).abs().max()) for a, b in pairs),
        greedy_agreement=agree / sum(len(b) for _, b in pairs),
        effect_error=(error / effect) ** 0.5 if effect else 0.0,
    )
