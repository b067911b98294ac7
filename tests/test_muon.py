"""Muon: updates are orthogonal, small models learn with it, and a run can be gone on with."""

from __future__ import annotations

import torch

from axiom_cli.learning.training.muon import Muon, orthogonal


def test_singular_values_are_moved_close_to_one() -> None:
    torch.manual_seed(0)
    for shape in ((3, 16, 16), (2, 8, 24), (2, 24, 8)):
        values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
        assert values.min() > 0.6 and values.max() < 1.3


def _trained(steps: int, state: dict | None = None, start: torch.nn.Module | None = None):
    torch.manual_seed(1)
    model = start or torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 4))
    chance = torch.Generator().manual_seed(2)
    data, target = torch.randn(64, 8, generator=chance), torch.randn(64, 4, generator=chance)
    hidden = [p for p in model.parameters() if p.dim() == 2]
    rest = [p for p in model.parameters() if p.dim() < 2]
    optimizer = Muon([{"params": hidden, "orthogonal": True}, {"params": rest, "orthogonal": False}], lr=0.02)
    if state:
        optimizer.load_state_dict(state)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(data) - target).square().mean()
        loss.backward()
        optimizer.step()
    return model, optimizer, float(loss.detach())


def test_it_learns() -> None:
    assert _trained(200)[2] < 0.7 * _trained(1)[2]


def test_its_state_goes_on_where_it_was() -> None:
    whole, _, _ = _trained(10)
    half, optimizer, _ = _trained(5)
    resumed, _, _ = _trained(5, optimizer.state_dict(), half)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), resumed.parameters(), strict=True))
