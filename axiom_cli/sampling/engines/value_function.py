"""The value function: how likely a completion is to be right after each of its tokens, by LoRA on the policy.

`ValueHead` is P(correct), by a linear head on the last hidden state (token-level verifiers, 2110.14168; Let's Verify
Step by Step, 2305.20050). `Likelihood` was trained by preference on pairs of a right and a wrong sample (V-STaR,
2402.06457): its score is how likely it finds the completion, which ranks the samples of one problem and promises
nothing about the share of them that passes.

A folder holds a peft adapter, the head if it has one, the name of its model, and the ids of the problems that it was
fitted on. It cannot be sampled from and is not merged. docs/decisions/0012 gives the reasons.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Sequence
from copy import deepcopy
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from axiom_cli.errors import GateFailedError
from axiom_cli.models import Resolved, micro_batches, value_head, worker_pool
from axiom_cli.models.adapters import compose
from axiom_cli.models.loading import device, load_model, load_tokenizer
from axiom_cli.models.memory import is_out_of_memory
from axiom_cli.records import Sample
from axiom_cli.sampling import prompts
from axiom_cli.sampling.engines import slot_check
from axiom_cli.sampling.token_ids import end_ids, scored_ids
from axiom_cli.settings.configs import TrainConfig

MOST_LOGITS = 1 << 28
"""Logits that are held at once, of all tokens of a forward pass."""


def load(
    base: Resolved | Path, folder: Path, dtype: torch.dtype = torch.float32, *, has_head: bool = True
) -> ValueFunction:
    """The value function in `folder`, of the model `base`: P(correct) by its head, or without one the likelihood."""
    return (ValueHead if has_head else Likelihood)(base, folder, dtype)


class ValueFunction(ABC):
    """A fitted value function in memory. `alone` says that the model's rows are computed one by one, since they would
    change beside others."""

    def __init__(self, base: Resolved | Path, model: Any, dtype: torch.dtype) -> None:
        self.tokenizer, self.model = load_tokenizer(base.path if isinstance(base, Resolved) else base), model
        for parameter in model.parameters():
            parameter.data = parameter.data.to(dtype)
        self.device = device()
        self.ends = end_ids(self.tokenizer, model.generation_config)

    @property
    @abstractmethod
    def budget(self) -> int:
        """Padded tokens of a forward pass."""

    @abstractmethod
    def _run(self, **inputs: Any) -> tuple[torch.Tensor, Any]:
        """What the model says of each token, (B, T, ...), and its cache."""

    @abstractmethod
    def _score(self, prompt: list[int], completions: Sequence[list[int]]) -> list[list[float]]:
        """The value after each token of completions of the same prompt, from 0 to 1."""

    def values(self, samples: Sequence[Sample]) -> list[float]:
        """The value of each sample, read after its last token."""
        return [prefix[-1] for prefix in self.prefixes(samples)]

    @torch.inference_mode()
    def prefixes(self, samples: Sequence[Sample]) -> list[list[float]]:
        """The value of each sample after each of its tokens. A prompt is read once for all of its samples.
        GateFailedError where one is not finite."""
        known: dict[str, list[int]] = {}
        opening = prompts.opening(self.tokenizer)
        values: list[list[float]] = [[] for _ in samples]
        by_prompt: dict[tuple[int, ...], list[tuple[int, list[int]]]] = defaultdict(list)
        for place, sample in enumerate(samples):
            prompt, completion, _ = scored_ids(self.tokenizer, sample, self.ends, opening, known)
            by_prompt[tuple(prompt)].append((place, completion))
        for ids, rows in by_prompt.items():
            scored = self._score(list(ids), [completion for _, completion in rows])
            if not all(map(math.isfinite, chain.from_iterable(scored))):
                raise GateFailedError(
                    "the value function gives values that are not finite", "try --dtype float32, or fit it again"
                )
            for (place, _), row_values in zip(rows, scored, strict=True):
                values[place] = row_values
        return values

    def _reads_side_by_side(self) -> bool:
        """Whether completions of one prompt, after which it is not read again, have what each has alone, even beside
        one at the far end of the context."""
        ids = self.tokenizer(prompts.PROBE, add_special_tokens=False)["input_ids"] * 2
        prompt_1T, ids_BT = (torch.tensor(part, device=self.device) for part in ([ids[:5]], [ids[:4], ids[1:5]]))
        far = (getattr(self.model.config.get_text_config(), "max_position_embeddings", None) or 9) - 9
        places_BT = torch.arange(5, 9, device=self.device) + torch.tensor([[0], [far]], device=self.device)
        with slot_check.spared(self.model):
            alone = self._forward(prompt_1T, None, ids_BT[:1])
            try:
                beside = self._forward(prompt_1T, self._read(prompt_1T), ids_BT, position_ids=places_BT)[:1]
            except Exception as error:  # noqa: BLE001 - an architecture's own code may raise anything
                if is_out_of_memory(error):
                    raise
                return False
        return slot_check.equal_but_for_rounding(alone.float(), beside.float(), self.model.dtype)

    def _by_token(self, prompt: list[int], completions: Sequence[list[int]], *, alone: bool) -> list[torch.Tensor]:
        """What the model says of each token of completions of the same prompt, (T, ...) each."""
        prompt_1T = torch.tensor([prompt], dtype=torch.long, device=self.device)
        read = None if alone else self._read(prompt_1T)
        outputs: list[torch.Tensor] = [torch.empty(0)] * len(completions)
        lengths = [len(prompt) + len(completion) for completion in completions]
        budget = 1 if alone else self.budget
        for rows in chain.from_iterable(micro_batches.split(range(len(completions)), lengths, budget, 1)):
            ids_BT = pad_sequence([torch.tensor(completions[row]) for row in rows], batch_first=True).to(self.device)
            outputs_BTX = self._reduce(self._forward(prompt_1T, read, ids_BT), ids_BT)
            for row, row_outputs in zip(rows, outputs_BTX, strict=True):
                outputs[row] = row_outputs[: len(completions[row])]
        return outputs

    @abstractmethod
    def _reduce(self, outputs_BTX: torch.Tensor, ids_BT: torch.Tensor) -> torch.Tensor:
        """A number a token from what the model says, (B, T), in float32."""

    def _read(self, prompt_1T: torch.Tensor) -> Any:
        """The prompt's keys and values; None for a model with a state, which cannot be copied for several rows."""
        if self.model._is_stateful:  # noqa: SLF001 - no public name
            return None
        return self._run(input_ids=prompt_1T, use_cache=True)[1]

    def _forward(self, prompt_1T: torch.Tensor, read: Any, ids_BT: torch.Tensor, **more: Any) -> torch.Tensor:
        """What the model says of completions of the prompt, padded on the right, (B, T, ...)."""
        if read is None:
            whole_BT = torch.cat([prompt_1T.expand(len(ids_BT), -1), ids_BT], dim=1)
            return self._run(input_ids=whole_BT, use_cache=False)[0][:, prompt_1T.shape[1] :]
        read = deepcopy(read)
        read.batch_repeat_interleave(len(ids_BT))
        return self._run(input_ids=ids_BT, past_key_values=read, use_cache=True, **more)[0]


class ValueHead(ValueFunction):
    """P(correct) by a head. LoRA is added to the weights, which are rounded to `dtype`; the head stays in float32."""

    def __init__(self, base: Resolved | Path, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        model = load_model(base)
        compose(model, [folder])
        super().__init__(base, model, dtype)
        value_head.load(model, folder)
        self.head: Any = model.value_head
        self.decoder = value_head.decoder(model)
        self.alone = not self._reads_side_by_side()

    @property
    def budget(self) -> int:
        """Padded tokens of a forward pass."""
        return micro_batches.token_budget(self.device, TrainConfig())

    def _run(self, **inputs: Any) -> tuple[torch.Tensor, Any]:
        out = self.decoder(**inputs)
        return out.last_hidden_state, getattr(out, "past_key_values", None)

    def _reduce(self, outputs_BTX: torch.Tensor, _ids_BT: torch.Tensor) -> torch.Tensor:
        return self.head(outputs_BTX.float()).squeeze(-1).sigmoid()

    def _score(self, prompt: list[int], completions: Sequence[list[int]]) -> list[list[float]]:
        return [value_T.tolist() for value_T in self._by_token(prompt, completions, alone=self.alone)]


class Likelihood(ValueFunction):
    """P(y) of the whole completion under a model that was trained by preference, which is what V-STaR ranks by. LoRA is
    added to the weights, which are rounded to `dtype`. What is less likely than exp(-745) has the value 0."""

    def __init__(self, base: Resolved | Path, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        model = load_model(base)
        compose(model, [folder])
        super().__init__(base, model, dtype)
        self.alone = not self._reads_side_by_side()

    @property
    def budget(self) -> int:
        """Padded tokens of a forward pass."""
        vocabulary = self.model.config.get_text_config().vocab_size
        return min(micro_batches.token_budget(self.device, TrainConfig()), max(1, MOST_LOGITS // vocabulary))

    def _run(self, **inputs: Any) -> tuple[torch.Tensor, Any]:
        out = self.model(**inputs)
        return out.logits, getattr(out, "past_key_values", None)

    def _reduce(self, outputs_BTX: torch.Tensor, ids_BT: torch.Tensor) -> torch.Tensor:
        """The log-probability of each token but the first, whose place has a zero."""
        logprobs_BT = -functional.cross_entropy(outputs_BTX[:, :-1].mT.float(), ids_BT[:, 1:], reduction="none")
        return functional.pad(logprobs_BT, (1, 0))

    def _score(self, prompt: list[int], completions: Sequence[list[int]]) -> list[list[float]]:
        *before, last = prompt  # whose logits say how likely the first token is
        rows = [[last, *completion] for completion in completions]
        with worker_pool.few_threads(self.model):
            logprobs = self._by_token(before, rows, alone=self.alone or not before)
        return [[math.exp(logprob) for logprob in accumulate(logprobs_T[1:].tolist())] for logprobs_T in logprobs]
