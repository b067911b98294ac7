"""What TRL makes of a batch: writes tests/golden/trl.json. By hand, in an environment that has TRL (1.16.0):

    PYTHONPATH=. python tests/golden_trl.py

A tiny Llama with random weights is the policy, the same with a little noise the reference. TRL's trainers are given six
rows, and their own code computes the log-probabilities and the losses. The file holds both, with the ids of the rows,
so that tests need neither TRL nor the models.
"""

from __future__ import annotations

import copy
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import (
    DPOConfig,
    DPOTrainer,
    GRPOConfig,
    GRPOTrainer,
    KTOConfig,
    KTOTrainer,
    SFTConfig,
    SFTTrainer,
)  # fmt: skip

sys.path.insert(0, str(Path(__file__).parent))
import tiny  # noqa: E402

GOLDEN = Path(__file__).parent / "golden" / "trl.json"
PROMPTS = [[7, 8, 9], [7, 8, 9], [20, 21], [20, 21], [30, 31, 32, 33], [30, 31, 32, 33]]
COMPLETIONS = [[40, 41, 42, 1], [43, 44, 1], [50, 51, 52, 53, 54, 1], [55, 1], [60, 61, 1], [62, 63, 64, 65, 1]]
"""Passing and failing attempts by turns, at three problems."""
ADVANTAGES = [0.5, -0.5, 0.75, -0.25, 1 / 3, -2 / 3]
BETA, CLIP, NOISE = 0.3, 0.2, 0.06


def models() -> tuple[Any, Any, Any]:
    """The policy, the reference and their tokenizer."""
    with tempfile.TemporaryDirectory() as folder:
        tiny.write_model(Path(folder))
        policy, reference = (AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32) for _ in range(2))
        tokenizer = AutoTokenizer.from_pretrained(folder)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter.add_(NOISE * torch.randn(parameter.shape, generator=generator))
    return policy.eval(), reference.eval(), tokenizer


def padded(rows: list[list[int]], value: int = 0) -> torch.Tensor:
    """Rows filled up on the right."""
    width = max(map(len, rows))
    return torch.tensor([row + [value] * (width - len(row)) for row in rows])


def batch(order: list[int], completions: list[list[int]]) -> dict[str, torch.Tensor]:
    """The rows in this order as TRL's trainers take them."""
    whole = [PROMPTS[i] + completions[i] for i in order]
    of_completion = [[0] * len(PROMPTS[i]) + [1] * len(completions[i]) for i in order]
    return {
        "input_ids": padded(whole),
        "attention_mask": padded([[1] * len(row) for row in whole]),
        "completion_mask": padded(of_completion),
    }


def words(*names: str) -> Dataset:
    """A data set that trainers can be made with; its rows are not used."""
    row = {"prompt": "a", "completion": "b", "chosen": "b", "rejected": "c", "label": True}
    return Dataset.from_list([{name: row[name] for name in names}] * 4)


def options(folder: str) -> dict[str, Any]:
    return {
        "output_dir": folder, "report_to": [], "use_cpu": True, "bf16": False, "per_device_train_batch_size": 2,
        "gradient_checkpointing": False,
    }  # fmt: skip


def token_logprobs(model: Any, rows: dict[str, torch.Tensor]) -> list[list[float]]:
    """Each completion's, through the head that TRL gave the model."""
    labels = rows["input_ids"].masked_fill(rows["completion_mask"] == 0, -100)
    out = model(input_ids=rows["input_ids"], attention_mask=rows["attention_mask"], labels=labels, fused_lm_head=True)
    masks = rows["completion_mask"][:, 1:].bool()
    return [row[mask].tolist() for row, mask in zip(out.log_probs, masks, strict=True)]


def trainers(folder: str) -> dict[str, Any]:
    """A trainer of each objective, with models of its own."""
    (policy, reference, tokenizer), shared = models(), options(folder)

    def own(model: Any = policy) -> Any:
        return copy.deepcopy(model)

    made = {
        "dpo": DPOTrainer(
            own(), own(reference), DPOConfig(**shared, beta=BETA),
            train_dataset=words("prompt", "chosen", "rejected"), processing_class=tokenizer,
        ),
        "kto": KTOTrainer(
            own(), own(reference), KTOConfig(**shared, beta=BETA, desirable_weight=1.5, undesirable_weight=0.5),
            train_dataset=words("prompt", "completion", "label"), processing_class=tokenizer,
        ),
        "grpo": GRPOTrainer(
            own(), lambda completions, **_: [0.0] * len(completions),
            GRPOConfig(**shared, num_generations=2, epsilon=CLIP, beta=0.0, loss_type="bnpo", max_completion_length=8),
            train_dataset=words("prompt"), processing_class=tokenizer,
        ),
        "sft": SFTTrainer(
            own(), SFTConfig(**shared), train_dataset=words("prompt", "completion"), processing_class=tokenizer
        ),
    }  # fmt: skip
    for trainer in made.values():
        trainer.model.eval()
    return made


@torch.no_grad()
def measure(folder: str) -> dict[str, Any]:
    """The batch, its log-probabilities and TRL's losses."""
    made = trainers(folder)
    policy, reference = made["kto"].model, made["kto"].ref_model
    everything = batch(list(range(6)), COMPLETIONS)
    foreign = batch(list(range(6)), COMPLETIONS[2:] + COMPLETIONS[:2])
    recorded = token_logprobs(reference, everything)
    by_side = batch([0, 2, 4, 1, 3, 5], COMPLETIONS)
    kto = {**everything, "label": torch.tensor([True, False] * 3)}
    kto |= {f"KL_{name}": value for name, value in foreign.items()}
    width = max(map(len, PROMPTS))
    left_BT = torch.tensor([[0] * (width - len(row)) + row for row in PROMPTS])
    grpo = {
        "prompt_ids": left_BT, "prompt_mask": (left_BT > 0).long(),
        "completion_ids": padded(COMPLETIONS), "completion_mask": padded([[1] * len(row) for row in COMPLETIONS]),
        "advantages": torch.tensor(ADVANTAGES),
        "old_per_token_logps": torch.tensor([row + [0.0] * (6 - len(row)) for row in recorded]),
    }  # fmt: skip
    sft = {name: everything[name] for name in ("input_ids", "attention_mask")}
    sft["labels"] = everything["input_ids"].masked_fill(everything["completion_mask"] == 0, -100)
    drifts = zip(token_logprobs(policy, foreign), token_logprobs(reference, foreign), strict=True)
    return {
        "prompts": PROMPTS, "completions": COMPLETIONS, "advantages": ADVANTAGES, "beta": BETA, "clip": CLIP,
        "policy": token_logprobs(policy, everything), "recorded": recorded,
        "foreign": [sum(ours) - sum(theirs) for ours, theirs in drifts],
        "kto_weights": [1.5, -0.5],
        "losses": {
            "sft": float(made["sft"].compute_loss(made["sft"].model, sft)),
            "dpo": float(made["dpo"]._compute_loss(made["dpo"].model, by_side, return_outputs=False)),
            "grpo": float(made["grpo"]._compute_loss(made["grpo"].model, grpo)),
            "kto": float(made["kto"]._compute_loss(made["kto"].model, kto, return_outputs=False)),
        },
    }  # fmt: skip


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        GOLDEN.write_text(json.dumps(measure(scratch), indent=1) + "\n", encoding="utf-8")
