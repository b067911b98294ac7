"""Any causal language model that transformers reads, in this process: batched, the prompt computed once a problem.

Prompts of similar lengths share a batch, rows that have ended leave it (see sampling.py). The token ids that were
sampled are kept as they are. On the processor weights are float32, on an accelerator the checkpoint's own type.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from axiom_cli import models, prompts
from axiom_cli.answers import messages as own_messages
from axiom_cli.configs import SolveConfig
from axiom_cli.engines import Messages, sample_random, sampling_params
from axiom_cli.engines.loading import eos_ids, load
from axiom_cli.engines.sampling import Completion, complete
from axiom_cli.errors import GateFailed
from axiom_cli.models import Resolved
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.workspace import Workspace

CACHE_BYTES = 1 << 29
"""Keys and values of one batch take at most this much, whatever `batch_tokens` says."""
PROBE = "The quick brown fox: 1 2 3 4 5 6 7 8 9"


class TransformersEngine:
    """One model in memory. `swap` puts other weights of the same architecture in its place."""

    name = "transformers"
    together = True

    def __init__(self, model_name: str, config: SolveConfig | None = None, workspace: Workspace | None = None) -> None:
        self._take(models.resolve(model_name, workspace))

    def _take(self, found: Resolved) -> None:
        self.model: ModelRef = found.ref
        self._model, self._tokenizer = load(found.path)
        self._eos = eos_ids(self._model, self._tokenizer)

    def swap(self, found: Resolved) -> None:
        """Goes on with other weights, and proves by a probe that it does. GateFailed where nothing has changed."""
        if found.digest == self.model.digest:
            return
        before = self._probe()
        self._take(found)
        if torch.equal(before, self._probe()):
            raise GateFailed(
                f"{found.name} speaks exactly as the model before it, though its digest differs",
                "its weights were not loaded, or training changed nothing",
            )

    @torch.inference_mode()
    def _probe(self) -> torch.Tensor:
        ids = self._tokenizer(PROBE, return_tensors="pt")["input_ids"].to(self._model.device)
        return self._model(input_ids=ids).logits[0, -1].float().cpu()

    def generate(
        self,
        problems: Sequence[Problem],
        params: SolveConfig,
        samples: int,
        starts: Sequence[int] = (),
        messages: Sequence[Messages | None] = (),
    ) -> Iterator[list[Sample]]:
        """As `Engine.generate`. All problems' prompts are sorted by length first, so hand in many at once."""
        told = messages or [None] * len(problems)
        prompt_ids = [
            prompts.conversation_ids(self._tokenizer, own or own_messages(problem))
            for problem, own in zip(problems, told, strict=True)
        ]
        first = list(starts) or [0] * len(problems)
        done: dict[int, list[Sample]] = {}
        for places in self._batches(prompt_ids, samples, params):
            for place, group in self._complete(places, problems, prompt_ids, first, samples, params):
                done[place] = group
        for place in range(len(problems)):
            yield done.pop(place)

    def _batches(self, prompt_ids: list[list[int]], samples: int, params: SolveConfig) -> Iterator[list[int]]:
        """Places of problems whose keys and values fit in memory together, shortest prompts first."""
        order = sorted(range(len(prompt_ids)), key=lambda place: len(prompt_ids[place]))
        room = min(params.batch_tokens, CACHE_BYTES // self._bytes_per_token())
        batch: list[int] = []
        for place in order:
            if batch and (len(batch) + 1) * samples * (len(prompt_ids[place]) + params.max_tokens) > room:
                yield batch
                batch = []
            batch.append(place)
        if batch:
            yield batch

    def _bytes_per_token(self) -> int:
        config = self._model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        return 2 * config.num_hidden_layers * heads * size * self._model.dtype.itemsize

    def _complete(
        self,
        places: list[int],
        problems: Sequence[Problem],
        prompt_ids: list[list[int]],
        first: list[int],
        samples: int,
        params: SolveConfig,
    ) -> Iterator[tuple[int, list[Sample]]]:
        rows = [(place, first[place] + copy) for place in places for copy in range(samples)]
        completions = complete(
            self._model,
            [prompt_ids[place] for place in places],
            samples,
            _uniforms([(problems[place], index) for place, index in rows], params),
            self._eos,
            params.max_tokens,
            params.temperature,
            params.top_p,
        )
        made = [self._sample(problems[p], i, params, c) for (p, i), c in zip(rows, completions, strict=True)]
        for number, place in enumerate(places):
            yield place, made[number * samples : (number + 1) * samples]

    def _sample(self, problem: Problem, index: int, params: SolveConfig, completion: Completion) -> Sample:
        ids = completion.token_ids
        spoken = ids[:-1] if completion.finish == "stop" else ids
        return Sample(
            problem=problem,
            model=self.model,
            engine=self.name,
            params=sampling_params(params),
            index=index,
            attempt=1,
            text=self._tokenizer.decode(spoken, skip_special_tokens=False),
            token_ids=ids,
            finish=completion.finish,
            tokens=len(ids),
            logprob=round(completion.logprob, 4),
        )

    def close(self) -> None:
        """Lets go of the weights."""
        self._model = None


def _uniforms(rows: Sequence[tuple[Problem, int]], params: SolveConfig) -> torch.Tensor:
    """A stream of numbers in [0, 1) for each (problem, index): shape (rows, max_tokens)."""
    if params.temperature == 0:
        return torch.zeros(len(rows), params.max_tokens)
    streams = [sample_random(params.seed, problem, index) for problem, index in rows]
    return torch.tensor([[s.random() for _ in range(params.max_tokens)] for s in streams], dtype=torch.float64)
