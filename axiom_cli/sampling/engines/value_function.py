"""The value function: P(correct) of a completion after each of its tokens, by LoRA on the policy and a linear head on
its last hidden state (V-STaR, 2402.06457; token-level verifiers, 2110.14168; Let's Verify Step by Step, 2305.20050).

A folder holds a peft adapter, the head, the name of its model, and the ids of the problems that it was fitted on. It
cannot be sampled from and is not merged. docs/decisions/0012 gives the reasons.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from copy import deepcopy
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from axiom_cli.models import Resolved, micro_batches, value_head
from axiom_cli.models.adapters import compose
from axiom_cli.models.loading import device, load_model, load_tokenizer
from axiom_cli.records import Sample
from axiom_cli.sampling import prompts
from axiom_cli.sampling.token_ids import end_ids, scored_ids
from axiom_cli.settings.configs import TrainConfig


class ValueFunction:
    """A fitted value function in memory: LoRA is added to the weights, which are rounded to `dtype`; the head stays in
    float32."""

    def __init__(self, base: Resolved | Path, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        self.tokenizer, self.model = load_tokenizer(base.path if isinstance(base, Resolved) else base), load_model(base)
        compose(self.model, [folder])
        for parameter in self.model.parameters():
            parameter.data = parameter.data.to(dtype)
        value_head.load(self.model, folder)
        self.head: Any = self.model.value_head
        self.decoder, self.device = self.model.get_decoder(), device()
        self.ends = end_ids(self.tokenizer, self.model.generation_config)

    def values(self, samples: Sequence[Sample]) -> list[float]:
        """P(correct) of each sample, read after its last token."""
        return [prefix[-1] for prefix in self.prefixes(samples)]

    @torch.inference_mode()
    def prefixes(self, samples: Sequence[Sample]) -> list[list[float]]:
        """P(correct) of each sample after each of its tokens. A prompt is read once for all of its samples."""
        known: dict[str, list[int]] = {}
        opening = prompts.opening(self.tokenizer)
        values: list[list[float]] = [[] for _ in samples]
        by_prompt: dict[tuple[int, ...], list[tuple[int, list[int]]]] = defaultdict(list)
        for place, sample in enumerate(samples):
            prompt, completion, _ = scored_ids(self.tokenizer, sample, self.ends, opening, known)
            by_prompt[tuple(prompt)].append((place, completion))
        for ids, rows in by_prompt.items():
            scored = self._values(list(ids), [completion for _, completion in rows])
            for (place, _), row_values in zip(rows, scored, strict=True):
                values[place] = row_values
        return values

    def _values(self, prompt: list[int], completions: Sequence[list[int]]) -> list[list[float]]:
        """The values after each token of completions of the same prompt."""
        prompt_1T, read = torch.tensor([prompt], device=self.device), None
        if not self.model._is_stateful:  # noqa: SLF001 - no public name; a state cannot be copied for several rows
            read = self.decoder(input_ids=prompt_1T, use_cache=True).past_key_values
        values = [list[float]() for _ in completions]
        lengths = [len(prompt) + len(completion) for completion in completions]
        budget = micro_batches.token_budget(self.device, TrainConfig())
        for rows in chain.from_iterable(micro_batches.split(range(len(completions)), lengths, budget, 1)):
            ids_BT = pad_sequence([torch.tensor(completions[row]) for row in rows], batch_first=True).to(self.device)
            hidden_BTH = self._hidden(prompt_1T, read, ids_BT)
            values_BT = self.head(hidden_BTH.float()).squeeze(-1).sigmoid()
            for row, value_T in zip(rows, values_BT.tolist(), strict=True):
                values[row] = value_T[: len(completions[row])]
        return values

    def _hidden(self, prompt_1T: torch.Tensor, read: Any, ids_BT: torch.Tensor) -> torch.Tensor:
        """The last hidden states of completions of the prompt, padded on the right, (B, T, H)."""
        if read is None:
            whole_BT = torch.cat([prompt_1T.expand(len(ids_BT), -1), ids_BT], dim=1)
            return self.decoder(input_ids=whole_BT, use_cache=False).last_hidden_state[:, prompt_1T.shape[1] :]
        read = deepcopy(read)
        read.batch_repeat_interleave(len(ids_BT))
        return self.decoder(input_ids=ids_BT, past_key_values=read, use_cache=True).last_hidden_state
