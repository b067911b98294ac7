"""The next token of each row: the distribution function inverted at the row's own number in [0, 1).

Rows are handled in parts whose logits fit in the processor's cache, and each distribution is summed in two steps, first
over runs of tokens and then within one run: a vocabulary of 50,000 costs a few passes and no sort.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional

CACHED_LOGITS = 1 << 17
"""Logits per part: half a mebibyte in float32."""
RUN = 128
"""Tokens in a run."""


@dataclass(frozen=True)
class Decoding:
    """How tokens are sampled, and which ones end a completion. `unknown` ids, of a vocabulary that is padded beyond the
    tokens of the tokenizer, are never drawn. Greedy decoding takes the known id with the largest logit, where the
    library's `generate` may take an unknown one.
    """

    eos_ids: Sequence[int]
    temperature: float
    top_p: float = 1.0
    unknown: slice | Sequence[int] = ()


def sample_tokens(
    logits_NV: torch.Tensor, uniforms_N: torch.Tensor, decoding: Decoding
) -> tuple[torch.Tensor, torch.Tensor]:
    """One token per row (N,) and its log-probability at temperature 1 (N,), as the model gives it and training computes
    it: among all ids. Greedy at temperature 0. Where a row's logits are not finite, its log-probability is NaN."""
    if logits_NV.device.type != "cpu":
        return _sample_part(logits_NV, uniforms_N, decoding)
    size = max(1, CACHED_LOGITS // logits_NV.shape[1])
    parts = zip(logits_NV.split(size), uniforms_N.split(size), strict=True)
    tokens, logprobs = zip(*(_sample_part(*part, decoding) for part in parts), strict=True)
    return torch.cat(tokens), torch.cat(logprobs)


def _sample_part(
    logits_NV: torch.Tensor, uniforms_N: torch.Tensor, decoding: Decoding
) -> tuple[torch.Tensor, torch.Tensor]:
    temperature = decoding.temperature
    logits_NV = logits_NV.float()
    below_NV = logits_NV - logits_NV.amax(-1, keepdim=True)
    weights_NV = below_NV.exp()
    total_N = weights_NV.sum(-1)
    if temperature == 0:
        tokens_N = _masked(logits_NV, decoding.unknown).argmax(-1)
    else:
        if temperature != 1:
            weights_NV = (below_NV / temperature).exp_()
        if decoding.unknown:
            weights_NV[:, decoding.unknown] = 0
        if decoding.top_p < 1:
            weights_NV = _nucleus(weights_NV, decoding.top_p)
        tokens_N = invert(weights_NV, uniforms_N)
    return tokens_N, below_NV.gather(-1, tokens_N[:, None]).squeeze(-1) - total_N.log()


def _masked(logits_NV: torch.Tensor, unknown: slice | Sequence[int]) -> torch.Tensor:
    """The logits without those of unknown ids, in which none is the largest."""
    if isinstance(unknown, slice):
        return logits_NV[:, : unknown.start]
    if not unknown:
        return logits_NV
    return logits_NV.index_fill(-1, torch.tensor(unknown, device=logits_NV.device), -torch.inf)


def _nucleus(weights_NV: torch.Tensor, top_p: float) -> torch.Tensor:
    """The weights with all but the nucleus set to zero: the fewest likeliest tokens that hold the share `top_p`
    (1904.09751)."""
    ranked_NV, order_NV = weights_NV.sort(dim=-1, descending=True)
    before_NV = ranked_NV.cumsum(-1) - ranked_NV
    ranked_NV[before_NV >= top_p * ranked_NV.sum(-1, keepdim=True)] = 0
    return torch.zeros_like(weights_NV).scatter_(-1, order_NV, ranked_NV)


def invert(weights_NV: torch.Tensor, uniforms_N: torch.Tensor) -> torch.Tensor:
    """The token (N,) at which the running sum of the weights first exceeds the share `uniforms_N` of their total."""
    if weights_NV.shape[1] <= RUN**2 // 8:
        return _first_above(weights_NV.cumsum(-1, dtype=torch.float64), uniforms_N[:, None])
    missing = -weights_NV.shape[1] % RUN
    runs_NRT = functional.pad(weights_NV, (0, missing)).unflatten(-1, (-1, RUN))
    ends_NR = runs_NRT.sum(-1).double().cumsum(-1)
    run_N1 = _first_above(ends_NR, uniforms_N[:, None])[:, None]
    within_NT = runs_NRT.gather(1, run_N1[..., None].expand(-1, -1, RUN)).squeeze(1).double().cumsum(-1)
    before_N1 = functional.pad(ends_NR, (1, 0)).gather(-1, run_N1)
    share_N1 = (uniforms_N[:, None] * ends_NR[:, -1:] - before_N1) / within_NT[:, -1:]
    return run_N1.squeeze(-1) * RUN + _first_above(within_NT, share_N1)


def _first_above(sums_NT: torch.Tensor, shares_N1: torch.Tensor) -> torch.Tensor:
    """Where rising sums first exceed this share of the last sum. Rounding never leads past the last sum that rises."""
    target_N1 = shares_N1.double().clamp_(max=1 - 1e-12) * sums_NT[:, -1:]
    return torch.searchsorted(sums_NT, target_N1, right=True).squeeze(-1).clamp_(max=sums_NT.shape[1] - 1)
