"""What a merge did to the weights and to the model's answers, against what base + adapter would have done."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from axiom_cli.sampling.prompts import conversation_ids

PROBE_PROMPT, PROBE_ANSWER = "Evaluate: 3 + 4 * (9 - 7)", "<think>\n9 - 7 = 2\n</think>\nAnswer: 11"
"""The fixed prompt: a user's words, and the first words of an answer to them."""
POSITIONS = 32
"""The last tokens of it are what the model is shown: to run it three times is a large part of the cost of a merge."""
ROWS = 16
"""Positions whose logits are compared together."""
LOST_EFFECT = 0.5
"""Share of the adapter's effect on the logits that rounding to 16 bits may lose before the merge is refused."""


@dataclass(frozen=True)
class Certificate:
    """The figures of one merge. All but `max_logit_difference` (in logits) are shares or ratios.

    moved: weights among those to be changed that differ from the base's; cosine and relative_error: applied change
    against the intended one; greedy_agreement: positions of the probe where the most likely token is that of base +
    adapter; effect_error: how far the logits are from base + adapter's, in units of how far the adapter had moved them.
    """

    dtype: str
    moved: float
    cosine: float
    relative_error: float
    max_logit_difference: float
    greedy_agreement: float
    effect_error: float

    def failures(self, max_relative_error: float) -> list[str]:
        """Why this merge is not what was trained; empty if it is. Some weight must have moved. In float32 the
        change must arrive as it was meant (`max_relative_error`); in 16 bits, where many weights cannot move, the
        model's words must have."""
        out = []
        if not self.moved and self.relative_error:
            out.append(f"no weight moved: the change is too small for {self.dtype}")
        if not math.isfinite(self.effect_error + self.max_logit_difference):
            out.append("its logits are NaN or inf")
        if self.dtype == "float32" and not self.relative_error <= max_relative_error:
            out.append(f"relative error {self.relative_error:.3g} of the weight change (at most {max_relative_error})")
        allowed = max_relative_error if self.dtype == "float32" else LOST_EFFECT
        if not self.effect_error <= allowed:
            out.append(f"{self.effect_error:.0%} of the adapter's effect on the logits is lost (at most {allowed:.0%})")
        return out


@dataclass(frozen=True)
class ProbeResult:
    """The logits_TV of base + adapter on the probe, and how far they are from those of the base (square root of the sum
    of squares)."""

    ids_T: torch.Tensor
    logits_TV: torch.Tensor
    effect: float


class WeightChange:
    """The change that was applied to the weights against the one that was intended, summed up tensor by tensor."""

    def __init__(self) -> None:
        self.moved = self.count = 0
        self.dot = self.applied = self.intended = self.error = 0.0
        self.dtype = torch.float32

    def add(self, original: torch.Tensor, merged: torch.Tensor, wanted: torch.Tensor) -> None:
        """One tensor: the base's in float32, the merged one as it was read back, the change asked for in float32."""
        if merged.dtype.itemsize < self.dtype.itemsize:
            self.dtype = merged.dtype
        self.moved += int(torch.count_nonzero(merged != original.to(merged.dtype)))
        self.count += wanted.numel()
        wanted = wanted.reshape(-1)
        applied = (merged.float() - original).view(-1)
        self.dot += float(applied.dot(wanted))
        self.applied += float(applied.dot(applied))
        self.intended += float(wanted.dot(wanted))
        applied -= wanted
        self.error += float(applied.dot(applied))

    def shares(self) -> tuple[float, float, float]:
        """(share moved, cosine, relative error) over all tensors."""
        if not self.intended:
            return 0.0, 1.0, 0.0
        cosine = self.dot / max((self.applied * self.intended) ** 0.5, 1e-30)
        return self.moved / self.count, min(cosine, 1.0), (self.error / self.intended) ** 0.5


def probe_ids(tokenizer: Any, longest: int) -> torch.Tensor:
    """The end of the fixed prompt as this model is shown it, (T,); at most `longest` tokens."""
    ids = conversation_ids(tokenizer, [{"role": "user", "content": PROBE_PROMPT}])
    ids += tokenizer(PROBE_ANSWER, add_special_tokens=False)["input_ids"]
    return torch.tensor(ids[-min(longest, POSITIONS) :])


def certify(change: WeightChange, reference: ProbeResult, logits_TV: torch.Tensor) -> Certificate:
    """The certificate from the change of the weights and the merged model's `logits_TV` on the probe."""
    moved, cosine, relative_error = change.shares()
    agree = torch.count_nonzero(logits_TV.argmax(-1) == reference.logits_TV.argmax(-1))
    error = distance(logits_TV, reference.logits_TV)
    return Certificate(
        dtype=str(change.dtype).removeprefix("torch."),
        moved=moved,
        cosine=cosine,
        relative_error=relative_error,
        max_logit_difference=max(float((a - b).abs().max()) for a, b in _rows(logits_TV, reference.logits_TV)),
        greedy_agreement=int(agree) / len(reference.ids_T),
        effect_error=error / reference.effect if reference.effect else 0.0,
    )


def _rows(a_TV: torch.Tensor, b_TV: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    return zip(a_TV.split(ROWS), b_TV.split(ROWS), strict=True)


def distance(a_TV: torch.Tensor, b_TV: torch.Tensor) -> float:
    """The square root of the sum of the squared differences."""
    return sum(float((a - b).square().sum()) for a, b in _rows(a_TV, b_TV)) ** 0.5
