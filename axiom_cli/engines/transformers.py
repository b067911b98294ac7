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
from axiom_cli.engines import Messages, attention, sample_random, sampling_params
from axiom_cli.engines.loading import eos_ids, load
from axiom_cli.engines.sampling import GROW, Decoding, Row, complete
from axiom_cli.errors import GateFailed
from axiom_cli.models import Resolved
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.training import crew
from axiom_cli.workspace import Workspace

CACHE_BYTES = 1 << 29
"""Keys and values of one batch take at most this much, whatever `batch_tokens` says."""
PROBE = "The quick brown fox: 1 2 3 4 5 6 7 8 9"


FEWEST = 64
"""Rows that are worth a process."""
BATCHES = 8
"""Of so many batches of short rows the samples are asked for at once."""


class TransformersEngine:
    """One model in memory. `swap` puts other weights of the same architecture in its place."""

    name = "transformers"
    together = True

    def __init__(self, model_name: str, config: SolveConfig | None = None, workspace: Workspace | None = None) -> None:
        self._take(models.resolve(model_name, workspace))

    def _take(self, found: Resolved) -> None:
        self.model: ModelRef = found.ref
        self._model, self._tokenizer = load(found.path)
        attention.use(self._model)
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
        """As `Engine.generate`. Rows of similar lengths go together, so hand in many at once."""
        told = messages or [None] * len(problems)
        prompt_ids = [
            prompts.conversation_ids(self._tokenizer, own or own_messages(problem))
            for problem, own in zip(problems, told, strict=True)
        ]
        first = list(starts) or [0] * len(problems)
        rows = [
            Row(prompt_ids[place], _uniforms(problem, first[place] + copy, params))
            for place, problem in enumerate(problems)
            for copy in range(samples)
        ]
        self._write(rows, params)
        for place, problem in enumerate(problems):
            group = rows[place * samples : (place + 1) * samples]
            yield [self._sample(problem, first[place] + copy, params, row) for copy, row in enumerate(group)]

    def _write(self, rows: list[Row], params: SolveConfig) -> None:
        """Writes the rows to their ends: in several processes where the model is small and the rows are many."""
        hands = crew.hands(self._model, len(rows) // FEWEST)
        rows = sorted(rows, key=lambda row: row.length)
        parts = [rows[hand::hands] for hand in range(hands)]

        def write(hand: int) -> list[tuple[list[int], float, str]]:
            decoding = Decoding(self._eos, params.temperature, params.top_p)
            complete(self._model, parts[hand], decoding, self._room(params))
            return [(row.token_ids, row.logprob, row.finish) for row in parts[hand]]

        with crew.crew(write, hands) as each:
            written = each(range(hands))
        for part, results in zip(parts, written, strict=True):
            for row, (ids, logprob, finish) in zip(part, results, strict=True):
                row.token_ids, row.logprob, row.finish = ids, logprob, finish

    def at_once(self, params: SolveConfig) -> int:
        """As `engines.at_once`: several batches, so that there are rows to go on with while others end, and no more,
        since all samples come together."""
        return max(1, BATCHES * self._room(params) // (2 * GROW))

    def _room(self, params: SolveConfig) -> int:
        """Tokens whose keys and values are held at once."""
        config = self._model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        token = 2 * config.num_hidden_layers * heads * size * self._model.dtype.itemsize
        return min(params.batch_tokens, CACHE_BYTES // token)

    def _sample(self, problem: Problem, index: int, params: SolveConfig, row: Row) -> Sample:
        ids = row.token_ids
        spoken = ids[:-1] if row.finish == "stop" else ids
        return Sample(
            problem=problem,
            model=self.model,
            engine=self.name,
            params=sampling_params(params),
            index=index,
            attempt=1,
            text=self._tokenizer.decode(spoken, skip_special_tokens=False),
            token_ids=ids,
            finish=row.finish,
            tokens=len(ids),
            logprob=round(row.logprob, 4),
        )

    def close(self) -> None:
        """Lets go of the weights."""
        self._model = None


def _uniforms(problem: Problem, index: int, params: SolveConfig) -> torch.Tensor:
    """The sample's own stream of numbers in [0, 1), one for each token that it may have."""
    if params.temperature == 0:
        return torch.zeros(params.max_tokens)
    stream = sample_random(params.seed, problem, index)
    return torch.tensor([stream.random() for _ in range(params.max_tokens)], dtype=torch.float64)
