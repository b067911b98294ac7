"""The value function: P(correct) of a completion after each of its tokens, by LoRA on the policy and a linear head on
its last hidden state (V-STaR, 2402.06457; token-level verifiers, 2110.14168; Let's Verify Step by Step, 2305.20050).

A folder holds a peft adapter, the head, what it belongs to, and the ids of the problems that it was fitted on. It is no
model to sample from, and is not merged. Why it looks like this: docs/decisions/0012.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import deepcopy
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from axiom_cli import prompts
from axiom_cli.configs import TrainConfig
from axiom_cli.records import Sample
from axiom_cli.training import base as bases
from axiom_cli.training import rows, value_head
from axiom_cli.training.adapters import compose
from axiom_cli.training.batches import cut, pass_budget
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
    """A fitted value function in memory, its LoRA added to the weights and these rounded to `dtype`; the head stays in
    float32."""

    def __init__(self, base: Path | str, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        self.tokenizer, self.model = bases.load_tokenizer(base), bases.load_model(base)
        compose(self.model, [folder])
        for parameter in self.model.parameters():
            parameter.data = parameter.data.to(dtype)
        value_head.load(self.model, folder)
        self.decoder, self.device = self.model.get_decoder(), bases.device()
        self.ends = rows.end_ids(self.tokenizer, self.model)

    def values(self, samples: Sequence[Sample]) -> list[float]:
        """P(correct) of each sample, read after its last token."""
        return [prefix[-1] for prefix in self.prefixes(samples)]

    @torch.inference_mode()
    def prefixes(self, samples: Sequence[Sample]) -> list[list[float]]:
        """P(correct) of each sample after each of its tokens. A prompt is read once for all of its samples."""
        found = encode(((sample, 1.0, None) for sample in samples), self.tokenizer, self.ends).rows
        values: list[list[float]] = [[] for _ in found]
        asked: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for place, row in enumerate(found):
            asked[tuple(row.prompt_ids)].append(place)
        for places in asked.values():
            for place, read in zip(places, self._values([found[place] for place in places]), strict=True):
                values[place] = read
        return values

    def _values(self, same: Sequence[Row]) -> list[list[float]]:
        """The values after each completion token of rows that have the same prompt."""
        prompt_1T = torch.tensor([same[0].prompt_ids], device=self.device)
        read, values = self._read(prompt_1T), [list[float]() for _ in same]
        lengths, budget = [row.length for row in same], pass_budget(self.device, TrainConfig())
        for together in chain.from_iterable(cut(range(len(same)), lengths, budget, 1)):
            completions = [torch.tensor(same[place].completion_ids) for place in together]
            ids_BT = pad_sequence(completions, batch_first=True).to(self.device)
            hidden_BTH = self._hidden(prompt_1T, read, ids_BT)
            values_BT = self.model.value_head(hidden_BTH.float()).squeeze(-1).sigmoid()
            for place, ids, value_T in zip(together, completions, values_BT.tolist(), strict=True):
                values[place] = value_T[: len(ids)]
        return values

    def _read(self, prompt_1T: torch.Tensor) -> Any:
        """What attention remembers of a prompt; nothing for a model whose memory is a state, which cannot be copied to
        several rows."""
        if self.model._is_stateful:
            return None
        return self.decoder(input_ids=prompt_1T, use_cache=True).past_key_values

    def _hidden(self, prompt_1T: torch.Tensor, read: Any, ids_BT: torch.Tensor) -> torch.Tensor:
        """The last hidden states of completions of the prompt, padded on the right, (B, T, H)."""
        if read is None:
            whole_BT = torch.cat([prompt_1T.expand(len(ids_BT), -1), ids_BT], dim=1)
            return self.decoder(input_ids=whole_BT, use_cache=False).last_hidden_state[:, prompt_1T.shape[1] :]
        read = deepcopy(read)
        read.batch_repeat_interleave(len(ids_BT))
        return self.decoder(input_ids=ids_BT, past_key_values=read, use_cache=True).last_hidden_state
