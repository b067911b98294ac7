"""The value function: P(correct) of a completion after each of its tokens, by LoRA on the policy and a linear head on
its last hidden state (V-STaR, 2402.06457; token-level verifiers, 2110.14168; Let's Verify Step by Step, 2305.20050).

A folder holds a peft adapter, the head, what it belongs to, and the ids of the problems that it was fitted on. It is no
model to sample from, and is not merged. Why it looks like this: docs/decisions/0012.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file

from axiom_cli.configs import TrainConfig
from axiom_cli.prompts import sample_prompt_ids
from axiom_cli.records import Sample
from axiom_cli.training import base as bases
from axiom_cli.training import lora
from axiom_cli.training.adapters import compose
from axiom_cli.training.batches import Batch, collate, cut, pass_budget
from axiom_cli.training.rows import Row, completion_ids, end_ids

HEAD = "value_head.safetensors"
FACTS = "value.json"


@dataclass(frozen=True)
class Judged(Row):
    """A row with the share of its verdicts that are passes."""

    label: float = 0.0


class Encoder:
    """Samples into rows. The prompt of a problem is encoded once."""

    def __init__(self, tokenizer: Any, ends: Sequence[int]) -> None:
        self.tokenizer, self.ends = tokenizer, ends
        self._prompts: dict[str, list[int]] = {}

    def row(self, sample: Sample, label: float = 0.0, weight: float = 1.0) -> Judged:
        """The row of one sample, as it was sampled: without an end where it was cut off."""
        return Judged(self._prompt(sample), self._completion(sample), weight, sample.problem.id, label=label)

    def _prompt(self, sample: Sample) -> list[int]:
        if sample.extra.get("messages"):
            return sample_prompt_ids(self.tokenizer, sample)
        if sample.problem.id not in self._prompts:
            self._prompts[sample.problem.id] = sample_prompt_ids(self.tokenizer, sample)
        return self._prompts[sample.problem.id]

    def _completion(self, sample: Sample) -> list[int]:
        if not sample.text:
            return [self.ends[0]]
        ids, _ = completion_ids(self.tokenizer, sample, self.ends)
        return ids if sample.finish == "stop" else ids[:-1]


def new_head(model: torch.nn.Module, rate: float) -> torch.nn.Linear:
    """A head for `model` that predicts `rate`, strictly between 0 and 1, whatever it sees."""
    head = torch.nn.Linear(model.config.get_text_config().hidden_size, 1)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.constant_(head.bias, torch.logit(torch.tensor(rate)).item())
    return head.to(bases.device())


def logits(model: torch.nn.Module, head: torch.nn.Linear, batch: Batch) -> torch.Tensor:
    """The log-odds of a pass after each completion token of the batch, shape (K,), in float32."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    hidden_BTH = inner.get_decoder()(input_ids=batch.input_ids_BT, use_cache=False).last_hidden_state
    return head(hidden_BTH.flatten(0, 1)[batch.at_K + 1].float()).squeeze(-1)


def save(
    wrapped: PeftModel, head: torch.nn.Linear, folder: Path, base: tuple[str, str], problems: Iterable[str]
) -> None:
    """Writes the folder. `base` is the name and the digest of the model whose samples it judges."""
    lora.save(wrapped, folder, base[0])
    state = {name: value.detach().cpu().contiguous() for name, value in head.state_dict().items()}
    save_file(state, folder / HEAD, metadata={"format": "pt"})
    facts = {"kind": "value", "base": {"name": base[0], "digest": base[1]}, "problems": sorted(set(problems))}
    (folder / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


class ValueFunction:
    """A fitted value function in memory, its LoRA added to the weights."""

    def __init__(self, base: Path | str, folder: Path) -> None:
        tokenizer = bases.load_tokenizer(base)
        self.model = bases.load_model(base)
        compose(self.model, [folder])
        self.head = new_head(self.model, 0.5)
        self.head.load_state_dict(load_file(folder / HEAD))
        self._encoder = Encoder(tokenizer, end_ids(tokenizer, self.model))

    def values(self, samples: Sequence[Sample]) -> list[float]:
        """P(correct) of each sample, read after its last token."""
        return [prefix[-1] for prefix in self.prefixes(samples)]

    @torch.inference_mode()
    def prefixes(self, samples: Sequence[Sample]) -> list[list[float]]:
        """P(correct) of each sample after each of its tokens."""
        rows = [self._encoder.row(sample) for sample in samples]
        lengths = [row.length for row in rows]
        device = next(self.model.parameters()).device
        found: list[list[float]] = [[] for _ in rows]
        budget = pass_budget(device, TrainConfig())
        for passes in cut(range(len(rows)), lengths, budget, 1):
            for places in passes:
                batch = collate([rows[place] for place in places], device)
                values = iter(torch.sigmoid(logits(self.model, self.head, batch)).tolist())
                for place in places:
                    found[place] = [next(values) for _ in rows[place].completion_ids]
        return found
