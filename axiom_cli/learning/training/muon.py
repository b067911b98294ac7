"""Muon for matrices, Adam for everything else, in one optimizer.

Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon) replaces a matrix's momentum by the nearest orthogonal
matrix, found by five Newton-Schulz steps. On the embedded model its loss fell faster than Adam's
(docs/decisions/0004). Everything is in float32: half precision has no speed on most processors.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
STEPS = 5
ADAM_SHARE = 0.15
"""Adam's learning rate as a share of Muon's."""


def orthogonal(matrices_NRC: torch.Tensor) -> torch.Tensor:
    """Matrices of the same shape (N, R, C) with all singular values moved close to 1."""
    tall = matrices_NRC.shape[-2] > matrices_NRC.shape[-1]
    x = matrices_NRC.mT if tall else matrices_NRC
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Groups with `orthogonal` true hold hidden matrices and take Muon's step, the others Adam's."""

    def __init__(
        self,
        groups: Iterable[dict],
        lr: float,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.95),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(groups, {"lr": lr, "momentum": momentum, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: object = None) -> None:  # type: ignore[override]  # noqa: ARG002 - as torch calls it
        """One step from the gradients in place."""
        for group in self.param_groups:
            (self._muon if group["orthogonal"] else self._adam)(group)

    def _muon(self, group: dict) -> None:
        by_shape: dict[torch.Size, list[torch.nn.Parameter]] = {}
        for parameter in group["params"]:
            if parameter.grad is not None:
                by_shape.setdefault(parameter.shape, []).append(parameter)
        for shape, parameters in by_shape.items():
            updates = orthogonal(torch.stack([self._momentum(p, group["momentum"]) for p in parameters]))
            scale = max(1.0, shape[0] / shape[1]) ** 0.5
            for parameter, update in zip(parameters, updates, strict=True):
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(update, alpha=-group["lr"] * scale)

    def _momentum(self, parameter: torch.nn.Parameter, share: float) -> torch.Tensor:
        assert parameter.grad is not None
        state = self.state[parameter]
        if not state:
            state["mean"] = torch.zeros_like(parameter)
        state["mean"].lerp_(parameter.grad, 1 - share)
        return parameter.grad.lerp(state["mean"], share)

    def _adam(self, group: dict) -> None:
        low, high = group["betas"]
        for parameter in group["params"]:
            if parameter.grad is None:
                continue
            state = self.state[parameter]
            if not state:
                state.update(mean=torch.zeros_like(parameter), square=torch.zeros_like(parameter), count=0)
            state["count"] += 1
            state["mean"].lerp_(parameter.grad, 1 - low)
            state["square"].lerp_(parameter.grad.square(), 1 - high)
            mean = state["mean"] / (1 - low ** state["count"])
            square = state["square"] / (1 - high ** state["count"])
            parameter.addcdiv_(mean, square.sqrt() + 1e-8, value=-ADAM_SHARE * group["lr"])
