"""Any causal language model that transformers reads, each prompt read once, slots refilled as rows end.

Prompts of similar lengths stand side by side (see sampling.py). The token ids that were sampled are kept as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

import torch

from axiom_cli import models
from axiom_cli.errors import GateFailedError
from axiom_cli.models import Resolved, worker_pool
from axiom_cli.models.loading import eos_ids, load
from axiom_cli.models.memory import free_memory
from axiom_cli.problems import answers
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.sampling import prompts
from axiom_cli.sampling.engines import Messages, attention, grouped, sample_random, sampling_params
from axiom_cli.sampling.engines.sampling import Decoding, Row, complete, completed, steady
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace

SHARE = 0.25
"""Keys and values take at most this share of the free memory, where `batch_tokens` says nothing."""
SLOTS = 256
"""Rows side by side at most: more are no faster."""
BATCHES = 8
"""Samples are asked for by so many slotfuls at once, so that there are rows to go on with while others end."""
FEWEST = 64
"""Rows that are worth a process."""
PROBE = "The quick brown fox: 1 2 3 4 5 6 7 8 9"


class TransformersEngine:
    """One model in memory. `swap` puts other weights of the same architecture in its place."""

    name = "transformers"
    applies = ("dtype", "max_think_tokens")
    together = not steady()
    """Whether a sample depends on those it is drawn with, if only by rounding."""

    def __init__(self, model_name: str, config: SolveConfig | None = None, workspace: Workspace | None = None) -> None:
        self._dtype = (config or SolveConfig()).dtype
        self._take(models.resolve(model_name, workspace))

    @property
    def singly(self) -> bool:
        """Whether a batch of this model's takes minutes: its samples are kept one by one. A small one's is a matter of
        seconds, and a file a sample would cost as much as writing it."""
        return sum(p.numel() * p.element_size() for p in self._model.parameters()) > worker_pool.SMALL

    def _take(self, found: Resolved) -> None:
        self.model: ModelRef = found.ref
        self._model, self._tokenizer = load(found.path, self._dtype)
        attention.use(self._model)
        self._eos = eos_ids(self._model, self._tokenizer)
        self._opening = prompts.opening(self._tokenizer)

    def swap(self, found: Resolved) -> None:
        """Goes on with other weights, and proves by a probe that it does. GateFailedError where nothing has changed."""
        if found.digest == self.model.digest:
            return
        before = self._probe()
        self._take(found)
        if torch.equal(before, self._probe()):
            raise GateFailedError(
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
        return grouped(self.arriving(problems, params, samples, starts, messages), len(problems), samples)

    def arriving(
        self,
        problems: Sequence[Problem],
        params: SolveConfig,
        samples: int,
        starts: Sequence[int] = (),
        messages: Sequence[Messages | None] = (),
    ) -> Iterator[tuple[int, Sample]]:
        """As `generate`, each sample as soon as it is there, with its place among all of them. Where several processes
        write, all of them are there at the end."""
        asked: list[tuple[Problem, int]] = []
        rows: list[Row] = []
        firsts, told = starts or [0] * len(problems), messages or [None] * len(problems)
        for problem, first, own in zip(problems, firsts, told, strict=True):
            ids = prompts.conversation_ids(self._tokenizer, own or answers.messages(problem))
            for index in range(first, first + samples):
                asked.append((problem, index))
                rows.append(Row(ids, self._uniforms(problem, index, params)[: self._left(ids)]))
        places = {id(row): place for place, row in enumerate(rows)}
        hopeless, hopeful = ([row for row in rows if bool(len(row.uniforms)) is some] for some in (False, True))
        for row in chain(hopeless, self._write(hopeful, params)):
            place = places[id(row)]
            yield place, self._sample(*asked[place], params, row)

    def _uniforms(self, problem: Problem, index: int, params: SolveConfig) -> torch.Tensor:
        """The sample's own stream of numbers in [0, 1), one for each token that it may have."""
        if params.temperature == 0:
            return torch.zeros(params.max_tokens)
        stream = sample_random(params.seed, problem, index)
        return torch.tensor([stream.random() for _ in range(params.max_tokens)], dtype=torch.float64)

    def _left(self, prompt: Sequence[int]) -> int:
        """Tokens that may follow a prompt within the model's context."""
        context = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        return max(0, context - len(prompt)) if context else sys.maxsize

    def _write(self, rows: list[Row], params: SolveConfig) -> Iterator[Row]:
        """The rows, each as it ends, thinking no longer than it may."""
        if not params.max_think_tokens:
            yield from self._finish(rows, params)
            return
        thinking = [Row(row.prompt, row.uniforms[: params.max_think_tokens]) for row in rows]
        whose, going = {id(thought): row for thought, row in zip(thinking, rows, strict=True)}, []
        for thought in self._finish(thinking, params):
            row = whose[id(thought)]
            row.token_ids, row.logprob, row.finish = thought.token_ids, thought.logprob, thought.finish
            if then := self._go_on(row, thought):
                going.append(then)
                whose[id(then)] = row
            else:
                yield row
        for then in self._finish(going, params):
            row = whose[id(then)]
            before = then.prompt[len(row.prompt) :]
            row.given = (len(row.token_ids), len(before))
            row.token_ids = [*before, *then.token_ids]
            row.logprob, row.finish = row.logprob + then.logprob, then.finish
            yield row

    def _go_on(self, row: Row, thought: Row) -> Row | None:
        """What is left to write of a row, its thought closed by its own tag where it is not; None where there is
        nothing. The template may have opened it."""
        made = len(thought.token_ids)
        if thought.finish == "stop" or made == len(row.uniforms):
            return None
        text = self._tokenizer.decode(thought.token_ids, skip_special_tokens=False)
        closing = answers.missing_closing_tag(self._opening + text)
        close = self._tokenizer(f"\n{closing}\n", add_special_tokens=False)["input_ids"] if closing else []
        rest = row.uniforms[made + len(close) :]
        return Row([*row.prompt, *thought.token_ids, *close], rest) if len(rest) else None

    def _finish(self, rows: list[Row], params: SolveConfig) -> Iterator[Row]:
        """Writes rows until they stop or have no more numbers, and hands each on then; all of them at the end where the
        model is small and the rows are many, so that several processes write."""
        if not rows:
            return
        hands = worker_pool.hands(self._model, len(rows) // FEWEST)
        rows = sorted(rows, key=lambda row: len(row.prompt))
        decoding = Decoding(self._eos, params.temperature, params.top_p)
        slots = self._slots(params, max(len(row.prompt) + len(row.uniforms) for row in rows), hands)
        if hands == 1:
            yield from completed(self._model, rows, decoding, slots)
            return
        parts = [rows[hand::hands] for hand in range(hands)]

        def write(hand: int) -> list[tuple[list[int], float, str]]:
            complete(self._model, parts[hand], decoding, slots)
            return [(row.token_ids, row.logprob, row.finish) for row in parts[hand]]

        with worker_pool.crew(write, hands) as each:
            written = each(range(hands))
        for part, results in zip(parts, written, strict=True):
            for row, (ids, logprob, finish) in zip(part, results, strict=True):
                row.token_ids, row.logprob, row.finish = ids, logprob, finish
                yield row

    def _slots(self, params: SolveConfig, longest: int, hands: int = 1) -> int:
        """Rows of `longest` tokens that there is room for, in each of so many processes."""
        config = self._model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        token = 2 * config.num_hidden_layers * heads * size * self._model.dtype.itemsize
        room = params.batch_tokens or SHARE * free_memory(self._model.device) / token
        return max(1, min(SLOTS, int(room / longest / hands)))

    def at_once(self, params: SolveConfig) -> int:
        """As `engines.at_once`: several slotfuls in each process."""
        return BATCHES * self._slots(params, 2 * params.max_tokens) * worker_pool.hands(self._model, BATCHES)

    def _sample(self, problem: Problem, index: int, params: SolveConfig, row: Row) -> Sample:
        ids = row.token_ids
        spoken = ids[:-1] if row.finish == "stop" else ids
        written = Sample(
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
            extra={prompts.PROMPT_DIGEST: prompts.digest(row.prompt), **_cut(row)},
        )
        if row.finish:
            return written
        said = f"a prompt of {len(row.prompt):,} tokens leaves the model no room to answer"
        return replace(written, finish="error", logprob=None, extra={"error": said})

    def close(self) -> None:
        """Lets go of the weights."""
        self._model = None


def _cut(row: Row) -> dict[str, list[int]]:
    """What a sample says of a thought that was closed for the model."""
    start, end = row.given
    return {prompts.THOUGHT_CUT: [start, end]} if end > start else {}
