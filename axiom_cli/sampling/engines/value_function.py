"""The value function: P(correct) of a completion after each of its tokens, by LoRA on the policy and a linear head on
its last hidden state (V-STaR, 2402.06457; token-level verifiers, 2110.14168; Let's Verify Step by Step, 2305.20050).

A folder holds a peft adapter, the head, the name of its model, and the ids of the problems that it was fitted on. It
cannot be sampled from and is not merged. docs/decisions/0012 gives the reasons.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from copy import deepcopy
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from axiom_cli.errors import GateFailedError
from axiom_cli.models import Resolved, micro_batches, value_head
from axiom_cli.models.adapters import compose
from axiom_cli.models.loading import device, load_model, load_tokenizer
from axiom_cli.models.memory import is_out_of_memory
from axiom_cli.records import Sample
from axiom_cli.sampling import prompts
from axiom_cli.sampling.engines import slot_check
from axiom_cli.sampling.token_ids import end_ids, scored_ids
from axiom_cli.settings.configs import TrainConfig


class ValueFunction:
    """A fitted value function in memory: LoRA is added to the weights, which are rounded to `dtype`; the head stays in
    float32. `alone` says that the model's rows are computed one by one, since they would change beside others."""

    def __init__(self, base: Resolved | Path, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        self.tokenizer, self.model = load_tokenizer(base.path if isinstance(base, Resolved) else base), load_model(base)
        compose(self.model, [folder])
        for parameter in self.model.parameters():
            parameter.data = parameter.data.to(dtype)
        value_head.load(self.model, folder)
        self.head: Any = self.model.value_head
        self.decoder, self.device = value_head.decoder(self.model), device()
        self.ends = end_ids(self.tokenizer, self.model.generation_config)
        self.alone = not self._reads_side_by_side()

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

    def _reads_side_by_side(self) -> bool:
        """Whether completions of one prompt, after which it is not read again, have the hidden states that each has
        alone, even beside one at the far end of the context."""
        ids = self.tokenizer(prompts.PROBE, add_special_tokens=False)["input_ids"] * 2
        prompt_1T, ids_BT = (torch.tensor(part, device=self.device) for part in ([ids[:5]], [ids[:4], ids[1:5]]))
        far = (getattr(self.model.config.get_text_config(), "max_position_embeddings", None) or 9) - 9
        places_BT = torch.arange(5, 9, device=self.device) + torch.tensor([[0], [far]], device=self.device)
        with slot_check.spared(self.model):
            alone = self._hidden(prompt_1T, None, ids_BT[:1])
            try:
                beside = self._hidden(prompt_1T, self._read(prompt_1T), ids_BT, position_ids=places_BT)[:1]
            except Exception as error:  # noqa: BLE001 - an architecture's own code may raise anything
                if is_out_of_memory(error):
                    raise
                return False
        return slot_check.equal_but_for_rounding(alone.float(), beside.float(), self.model.dtype)

    def _values(self, prompt: list[int], completions: Sequence[list[int]]) -> list[list[float]]:
        """The values after each token of completions of the same prompt. GateFailedError where one is not finite."""
        prompt_1T = torch.tensor([prompt], device=self.device)
        read = None if self.alone else self._read(prompt_1T)
        values = [list[float]() for _ in completions]
        lengths = [len(prompt) + len(completion) for completion in completions]
        budget = 1 if self.alone else micro_batches.token_budget(self.device, TrainConfig())
        for rows in chain.from_iterable(micro_batches.split(range(len(completions)), lengths, budget, 1)):
            ids_BT = pad_sequence([torch.tensor(completions[row]) for row in rows], batch_first=True).to(self.device)
            hidden_BTH = self._hidden(prompt_1T, read, ids_BT)
            values_BT = self.head(hidden_BTH.float()).squeeze(-1).sigmoid()
            for row, value_T in zip(rows, values_BT.tolist(), strict=True):
                values[row] = value_T[: len(completions[row])]
        if not all(map(math.isfinite, chain.from_iterable(values))):
            raise GateFailedError(
                "the value function gives values that are not finite", "try --dtype float32, or fit it again"
            )
        return values

    def _read(self, prompt_1T: torch.Tensor) -> Any:
        """The prompt's keys and values; None for a model with a state, which cannot be copied for several rows."""
        if self.model._is_stateful:  # noqa: SLF001 - no public name
            return None
        return self.decoder(input_ids=prompt_1T, use_cache=True).past_key_values

    def _hidden(self, prompt_1T: torch.Tensor, read: Any, ids_BT: torch.Tensor, **more) -> torch.Tensor:
        """The last hidden states of completions of the prompt, padded on the right, (B, T, H)."""
        if read is None:
            whole_BT = torch.cat([prompt_1T.expand(len(ids_BT), -1), ids_BT], dim=1)
            return self.decoder(input_ids=whole_BT, use_cache=False).last_hidden_state[:, prompt_1T.shape[1] :]
        read = deepcopy(read)
        read.batch_repeat_interleave(len(ids_BT))
        return self.decoder(input_ids=ids_BT, past_key_values=read, use_cache=True, **more).last_hidden_state
