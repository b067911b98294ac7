"""The next token of each row: by inversion of the distribution function, at a number in [0, 1) that is the row's own.

Rows are taken so many at a time that their logits stay in the processor's cache, and the distribution is summed in two
steps, first by runs of tokens and then within one of them: a vocabulary of 50,000 costs a few passes, no sort.
"""

from __future__ import annotations

import torch
from torch.nn import functional

CACHED = 1 << 17
"""Logits that are worked on at once: half a mebibyte in float32."""
RUN = 128
"""Tokens of a run."""


def choose(
    logits_NV: torch.Tensor, uniforms_N: torch.Tensor, temperature: float, top_p: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """One token a row, and its log-probability under the model at temperature 1. Greedy at temperature 0."""
    if logits_NV.device.type != "cpu":
        return _choose(logits_NV, uniforms_N, temperature, top_p)
    size = max(1, CACHED // logits_NV.shape[1])
    parts = zip(logits_NV.split(size), uniforms_N.split(size), strict=True)
    tokens, logprobs = zip(*(_choose(*part, temperature, top_p) for part in parts), strict=True)
    return torch.cat(tokens), torch.cat(logprobs)


def _choose(
    logits_NV: torch.Tensor, uniforms_N: torch.Tensor, temperature: float, top_p: float
) -> tuple[torch.Tensor, torch.Tensor]:
    logits_NV = logits_NV.float()
    below_NV = logits_NV - logits_NV.amax(-1, keepdim=True)
    weights_NV = below_NV.exp()
    total_N = weights_NV.sum(-1)
    if temperature == 0:
        tokens_N = logits_NV.argmax(-1)
    else:
        if temperature != 1:
            weights_NV = (below_NV / temperature).exp_()
        if top_p < 1:
            weights_NV = _nucleus(weights_NV, top_p)
        tokens_N = invert(weights_NV, uniforms_N)
    return tokens_N, below_NV.gather(-1, tokens_N[:, None]).squeeze(-1) - total_N.log()


def _nucleus(weights_NV: torch.Tensor, top_p: float) -> torch.Tensor:
    """The weights of the fewest likeliest tokens that have this share (1904.09751), the others zero."""
    ranked_NV, order_NV = weights_NV.sort(dim=-1, descending=True)
    before_NV = ranked_NV.cumsum(-1) - ranked_NV
    ranked_NV[before_NV >= top_p * ranked_NV.sum(-1, keepdim=True)] = 0
    return torch.zeros_like(weights_NV).scatter_(-1, order_NV, ranked_NV)


def invert(weights_NV: torch.Tensor, uniforms_N: torch.Tensor) -> torch.Tensor:
    """The token at which the summed weights first exceed the share `uniforms_N` of them all."""
    if weights_NV.shape[1] <= RUN**2 // 8:
        return _at(weights_NV.cumsum(-1, dtype=torch.float64), uniforms_N[:, None])
    missing = -weights_NV.shape[1] % RUN
    runs_NRT = functional.pad(weights_NV, (0, missing)).unflatten(-1, (-1, RUN))
    ends_NR = runs_NRT.sum(-1).double().cumsum(-1)
    run_N1 = _at(ends_NR, uniforms_N[:, None])[:, None]
    within_NT = runs_NRT.gather(1, run_N1[..., None].expand(-1, -1, RUN)).squeeze(1).double().cumsum(-1)
    before_N1 = functional.pad(ends_NR, (1, 0)).gather(-1, run_N1)
    share_N1 = (uniforms_N[:, None] * ends_NR[:, -1:] - before_N1) / within_NT[:, -1:]
    return run_N1.squeeze(-1) * RUN + _at(within_NT, share_N1)


def _at(sums_NT: torch.Tensor, shares_N1: torch.Tensor) -> torch.Tensor:
    """Where rising sums first exceed this share of the last of them; the last that rises, should rounding ask for
    more."""
    target_N1 = shares_N1.double().clamp_(max=1 - 1e-12) * sums_NT[:, -1:]
    return torch.searchsorted(sums_NT, target_N1, right=True).squeeze(-1).clamp_(max=sums_NT.shape[1] - 1)
