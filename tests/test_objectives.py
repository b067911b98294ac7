"""What is minimised: against numbers worked out by hand, against TRL on the same batch, and by its properties."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from axiom_cli.learning.training.batches import collate
from axiom_cli.learning.training.losses import LOSSES, dpo, grpo, kto, sft, value
from axiom_cli.learning.training.rows import Row
from axiom_cli.settings.configs import TrainConfig

TRL = json.loads((Path(__file__).parent / "golden" / "trl.json").read_text(encoding="utf-8"))
LOGS = st.floats(-50, 0)
NUMBERS = st.floats(-5, 5)


def t(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


# By hand


def test_sft_is_the_weighted_surprise() -> None:
    assert sft(t(math.log(0.5), math.log(0.25)), t(1, 2)).tolist() == pytest.approx([0.693147, 2.772589], rel=1e-6)


def test_dpo_by_hand() -> None:
    """The chosen one gained 1 nat, the rejected one lost 2: a margin of 3, a tenth of it counts."""
    losses = dpo(t(-4, -1), t(-9, -1), t(-5, -1), t(-7, -1), 0.1)
    assert losses.tolist() == pytest.approx([0.554355, math.log(2)], rel=1e-5)


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss"),
    [
        (1.0, 0.5, -0.5),
        (1.5, 0.5, -0.6),  # it has risen enough: clipped at 1.2
        (0.5, 0.5, -0.25),  # it should rise, and has fallen: not clipped
        (0.5, -0.5, 0.4),  # it has fallen enough: clipped at 0.8
        (1.5, -0.5, 0.75),  # it should fall, and has risen: not clipped
    ],
)
def test_grpo_by_hand(ratio: float, advantage: float, loss: float) -> None:
    assert grpo(t(-2 + math.log(ratio)), t(-2), t(advantage), 0.2).item() == pytest.approx(loss)


def test_kto_by_hand() -> None:
    """Rewards 2 nats above and 1 nat below the reference point, at beta 0.5; the failing one counts twice."""
    losses = kto(t(-4, -8), t(-7, -8), t(1, -2), 1.0, 0.5)
    assert losses.tolist() == pytest.approx([1 - 0.731059, 2 * (1 - 0.622459)], rel=1e-5)


# On TRL's batch


def test_value_by_hand() -> None:
    """Odds of 3 for a pass; against both verdicts, and against one of four that passed."""
    logits_K, labels_K = t(*[math.log(3)] * 3), t(1, 0, 0.25)
    wanted = [-math.log(0.75), -2 * math.log(0.25), -(0.25 * math.log(0.75) + 0.75 * math.log(0.25))]
    assert value(logits_K, labels_K, t(1, 2, 1)).tolist() == pytest.approx(wanted)


def test_half_of_a_value_functions_loss_is_on_the_last_token_and_a_row_counts_by_its_weight_not_its_length() -> None:
    rows = [Row([1], [2] * size, weight, label=label) for size, weight, label in ((3, 1.0, 1.0), (1, 2.0, 0.0))]
    logits_K = t(0, 0, math.log(3), 0).requires_grad_()
    loss = LOSSES["value"](logits_K, collate(rows), 0.0, TrainConfig())
    last = 1 / 2 + 1 / 6
    assert loss.item() == pytest.approx((1 - last) * math.log(2) - last * math.log(0.75) + 2 * math.log(2))
    loss.backward()
    assert logits_K.grad.tolist() == pytest.approx([-1 / 12, -1 / 12, -last / 4, 1.0])


def test_a_verifier_by_pairs_learns_by_dpos_loss_and_wants_the_right_sample_up_and_the_wrong_one_down() -> None:
    """One pair: log p - log q is 0.3 nats for the right sample and -0.1 for the wrong one, at beta 0.5."""
    pair = [
        Row([1], [2, 3], 1.0, ref_logprobs=[-1.0, -1.5]),
        Row([1], [4], -1.0, ref_logprobs=[-0.4]),
    ]
    logprobs_K = t(-0.9, -1.3, -0.5).requires_grad_()
    loss = LOSSES["value-dpo"](logprobs_K, collate(pair), 0.0, TrainConfig(objective="value-dpo", beta=0.5))
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-0.5 * 0.4)), rel=1e-5)
    loss.backward()
    pull = 0.5 / (1 + math.exp(0.5 * 0.4))
    assert logprobs_K.grad.tolist() == pytest.approx([-pull, -pull, pull], rel=1e-5)


def rows(weights: list[float]) -> list[Row]:
    made = zip(TRL["prompts"], TRL["completions"], weights, TRL["recorded"], strict=True)
    return [Row(prompt, ids, weight, ref_logprobs=recorded) for prompt, ids, weight, recorded in made]


@pytest.mark.parametrize(
    ("name", "weights", "divisor"),
    [
        ("sft", [1.0] * 6, 23),
        ("dpo", [1.0, -1.0] * 3, 3),
        ("grpo", TRL["advantages"], 23),
        ("kto", TRL["kto_weights"] * 3, 6),
    ],
)
def test_the_loss_is_that_of_trl_on_the_same_batch(name: str, weights: list[float], divisor: int) -> None:
    config = TrainConfig(objective=name, beta=TRL["beta"], clip=TRL["clip"])
    logprobs_K = torch.tensor(sum(TRL["policy"], []))
    anchor = max(0.0, sum(TRL["foreign"]) / len(TRL["foreign"]))
    loss = LOSSES[name](logprobs_K, collate(rows(weights)), anchor, config) / divisor
    assert loss.item() == pytest.approx(TRL["losses"][name], rel=1e-5)


def test_trl_was_asked_about_a_batch_on_which_every_part_matters() -> None:
    """Some ratios are clipped, some are not, and the reference point is above zero."""
    logprobs, recorded = (torch.tensor(sum(TRL[name], [])) for name in ("policy", "recorded"))
    ratios = (logprobs - recorded).exp()
    assert (ratios > 1.2).any() and (ratios < 0.8).any() and ((ratios > 0.8) & (ratios < 1.2)).any()
    assert sum(TRL["foreign"]) > 0


# Gradients and properties


CASES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "sft": lambda x: sft(x, t(1, 2, 0.5, 0)),
    "dpo": lambda x: dpo(x[:2], x[2:], t(-3, -2), t(-4, -1), 0.7),
    "grpo": lambda x: grpo(x, t(-2.5, -2.5, -2.5, -2.5), t(0.5, -0.5, 0.5, -0.5), 0.3),
    "kto": lambda x: kto(x, t(-3, -1, -2, -2), t(1, 1, -1.5, -1.5), 0.4, 0.7),
}


@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    x = t(-2.4, -2.7, -1.9, -3.2).requires_grad_()
    assert torch.autograd.gradcheck(CASES[name], (x,), eps=1e-6, atol=1e-6)


@given(LOGS, LOGS, LOGS, LOGS, NUMBERS, st.floats(0.01, 2))
def test_dpo_sees_the_difference_alone(a: float, b: float, c: float, d: float, more: float, beta: float) -> None:
    plain = dpo(t(a), t(b), t(c), t(d), beta)
    assert torch.allclose(plain, dpo(t(a + more), t(b + more), t(c), t(d), beta))
    assert torch.allclose(plain, dpo(t(a), t(b), t(c + more), t(d + more), beta))
    assert dpo(t(a + 0.1), t(b), t(c), t(d), beta) < plain


@given(LOGS, NUMBERS, st.floats(-1, 1), st.floats(0.05, 1))
def test_grpo_has_no_gradient_beyond_the_clip_in_the_wanted_direction_alone(
    recorded: float, moved: float, advantage: float, clip: float
) -> None:
    logprob = t(recorded + moved).requires_grad_()
    grpo(logprob, t(recorded), t(advantage), clip).backward()
    ratio = math.exp(moved)
    risen, fallen = advantage > 0 and ratio > 1 + clip + 1e-6, advantage < 0 and ratio < 1 - clip - 1e-6
    near = min(abs(ratio - 1 - clip), abs(ratio - 1 + clip)) <= 1e-6
    wanted = 0.0 if risen or fallen else -advantage * ratio
    assert near or logprob.grad.item() == pytest.approx(wanted, abs=1e-9)


@given(LOGS, LOGS, st.floats(0.1, 3), st.floats(0, 5), st.floats(0.01, 2))
def test_kto_wants_passing_ones_up_and_failing_ones_down_within_bounds(
    logprob: float, reference: float, weight: float, anchor: float, beta: float
) -> None:
    for sign in (1, -1):
        loss = kto(t(logprob), t(reference), t(sign * weight), anchor, beta)
        assert 0 <= loss <= weight
        assert kto(t(logprob + sign), t(reference), t(sign * weight), anchor, beta) <= loss


def test_each_token_of_a_batch_keeps_its_rows_weight_and_record() -> None:
    given_ = rows([1.0, -2.0, 3.0, -4.0, 5.0, -6.0])
    batch = collate(given_)
    assert batch.weights_K.tolist() == [row.weight for row in given_ for _ in row.completion_ids]
    assert batch.by_row(batch.ref_logprobs_K).tolist() == pytest.approx([sum(row.ref_logprobs) for row in given_])
    assert collate([replace(given_[0], ref_logprobs=())]).ref_logprobs_K.tolist() == [0.0] * 4
