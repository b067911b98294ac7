"""The mean margin of a model: how far the logit of a right token is above the largest other one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tiny
from axiom_cli.learning.training.margin import mean_margin
from axiom_cli.learning.training.rows import encode
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.models.loading import load_model, load_tokenizer


def test_it_is_the_right_tokens_logit_minus_the_largest_other_one(tmp_path: Path) -> None:
    folder = tiny.write_model(tmp_path)
    model, tokenizer = load_model(folder), load_tokenizer(folder)
    samples = [tiny.sample(tiny.problem(n), f"Answer: {n}") for n in range(3)]
    margins = []
    for row in encode(((one, 1.0) for one in samples), tokenizer, [tokenizer.eos_token_id], 512).rows:
        ids = [*row.prompt_ids, *row.completion_ids]
        with torch.inference_mode():
            logits_TV = model(torch.tensor([ids])).logits[0]
        for place in range(len(row.prompt_ids), len(ids)):
            logits = logits_TV[place - 1].tolist()
            right = logits.pop(ids[place])
            margins.append(right - max(logits))
    learnt = [TrainingExample(tiny.verdict(one)) for one in samples]
    assert mean_margin(folder, learnt, 512) == pytest.approx(sum(margins) / len(margins), abs=1e-5)
    against = TrainingExample(tiny.verdict(samples[0], "fail"), sign=-1)
    assert mean_margin(folder, [*learnt, against], 512) == mean_margin(folder, learnt, 512), "not what it was to avoid"
    assert mean_margin(folder, [against], 512) is None
