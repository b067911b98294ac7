"""The value function: P(correct) of a completion after each of its tokens, by LoRA on the policy and a linear head on
its last hidden state (V-STaR, 2402.06457; token-level verifiers, 2110.14168; Let's Verify Step by Step, 2305.20050).

A folder holds a peft adapter, the head, what it belongs to, and the ids of the problems that it was fitted on. It is no
model to sample from, and is not merged. Why it looks like this: docs/decisions/0012.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from axiom_cli import prompts
from axiom_cli.configs import TrainConfig
from axiom_cli.records import Sample
from axiom_cli.training import base as bases
from axiom_cli.training import rows, value_head
from axiom_cli.training.adapters import compose
from axiom_cli.training.batches import collate, cut, pass_budget
from axiom_cli.training.rows import Encoded, Row

FACTS = "value.json"


def encode(
    judged: Iterable[tuple[Sample, float, float | None]], tokenizer: Any, ends: Sequence[int], max_length: int = 1 << 60
) -> Encoded:
    """Rows of at most `max_length` tokens from (sample, weight, share of passes), in order, each as it was sampled:
    without an end where it was cut off."""
    out, known, opening = Encoded(), {}, prompts.opening(tokenizer)
    for number, (sample, weight, label) in enumerate(judged):
        prompt = rows.prompt_ids(tokenizer, sample, known)
        ids, here = rows.completion_ids(tokenizer, sample, ends, opening) if sample.text else ([ends[0]], False)
        kept = ids if sample.finish == "stop" or not sample.text else ids[:-1]
        row = Row(prompt, kept, weight, sample.problem.id, label=label)
        if row.length > max_length:
            out.too_long += 1
            continue
        out.add(number, row)
        rows.count(out, sample, prompt, here, "")
    return out


def write_facts(folder: Path, name: str, digest: str, fitted: Iterable[Row]) -> None:
    """Says in `folder` which model's samples are judged, and which problems the function was fitted on."""
    problems = sorted({row.problem for row in fitted})
    facts = {"kind": "value", "base": {"name": name, "digest": digest}, "problems": problems}
    (folder / FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


class ValueFunction:
    """A fitted value function in memory, its LoRA added to the weights."""

    def __init__(self, base: Path | str, folder: Path) -> None:
        self.tokenizer, self.model = bases.load_tokenizer(base), bases.load_model(base)
        compose(self.model, [folder])
        value_head.load(self.model, folder)
        self.ends = rows.end_ids(self.tokenizer, self.model)

    def values(self, samples: Sequence[Sample]) -> list[float]:
        """P(correct) of each sample, read after its last token."""
        return [prefix[-1] for prefix in self.prefixes(samples)]

    @torch.inference_mode()
    def prefixes(self, samples: Sequence[Sample]) -> list[list[float]]:
        """P(correct) of each sample after each of its tokens."""
        found = encode(((sample, 1.0, None) for sample in samples), self.tokenizer, self.ends).rows
        lengths, device = [row.length for row in found], next(self.model.parameters()).device
        logits, values = value_head.scorer(self.model), [[] for _ in found]
        for passes in cut(range(len(found)), lengths, pass_budget(device, TrainConfig()), 1):
            for places in passes:
                batch = collate([found[place] for place in places], device)
                parts = torch.sigmoid(logits(batch)).split(batch.counts)
                for place, part in zip(places, parts, strict=True):
                    values[place] = part.tolist()
        return values
