"""Any causal language model that transformers reads, sampled with continuous batching (see continuous_batching.py).

Prompts of similar lengths stand side by side. The sampled token ids are kept as they are. A model that computes
something else there than by itself, as slot_check.py finds out, is sampled by the library's `generate`.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

import torch
from transformers import GenerationConfig

from axiom_cli import models
from axiom_cli.errors import InputError
from axiom_cli.models import Resolved, worker_pool
from axiom_cli.models.loading import load_for_sampling
from axiom_cli.models.memory import cache_bytes, free_memory
from axiom_cli.problems import answers, reasoning
from axiom_cli.records import Problem, Sample
from axiom_cli.sampling import prompts
from axiom_cli.sampling.engines import continuous_batching, lean_decoder, plain_generation, slot_check
from axiom_cli.sampling.engines.continuous_batching import Completion, batch_invariant
from axiom_cli.sampling.engines.protocol import (
    NOT_FINITE,
    Request,
    UnorderedEngine,
    check_weights_are_equal,
    sample_random,
)
from axiom_cli.sampling.engines.text_stream import TextStream
from axiom_cli.sampling.engines.token_sampling import Decoding
from axiom_cli.sampling.token_ids import end_ids, line_breaks, unknown_ids
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.terminal import console
from axiom_cli.workspace.store import Workspace

SHARE = 0.25
"""Keys and values take at most this share of the free memory, unless `batch_tokens` is set."""
SLOTS = 256
"""Rows side by side at most: more are not faster."""
BATCHES = 8
"""Samples are asked for in this many slotfuls at once, so that other rows can start when rows end."""
ROWS_PER_PROCESS = 64
"""Rows that are worth a process of their own."""
PROBE = "The quick brown fox: 1 2 3 4 5 6 7 8 9"


class TransformersEngine(UnorderedEngine):
    """One model in memory."""

    name = "transformers"
    supports = frozenset({"dtype", "max_think_tokens"})
    batch_dependent = not batch_invariant()
    reloads = True

    def __init__(self, model_name: str, config: SolveConfig | None = None, workspace: Workspace | None = None) -> None:
        self._dtype = (config or SolveConfig()).dtype
        self._load(models.resolve(model_name, workspace))

    def _load(self, model: Resolved) -> None:
        self.model, self._resolved = model.ref, model
        self._model, self._tokenizer = load_for_sampling(model, self._dtype)
        # A batch of a large model takes minutes. A small one takes seconds, and a file for each sample would cost as
        # much as sampling it.
        self.streams = (
            sum(p.numel() * p.element_size() for p in self._model.parameters()) > worker_pool.SMALL_MODEL_BYTES
        )
        self._eos = end_ids(self._tokenizer, self._model.generation_config)
        self._vocabulary = self._model.config.get_text_config().vocab_size
        self._unknown = unknown_ids(self._tokenizer, self._vocabulary, self._eos)
        self._opening = prompts.opening(self._tokenizer)
        prompts.warn_of_template(self._tokenizer, self._eos)
        self._choose_path()

    def _choose_path(self) -> None:
        """Slots where the model computes there what it computes by itself, else `generate`, and a warning. InputError
        for a model that does not run in either."""
        ids = self._tokenizer(PROBE, add_special_tokens=False)["input_ids"]
        reason = slot_check.difference(self._model, ids)
        self._finished = plain_generation.finished if reason else self._in_slots(ids)
        if not reason:
            return
        self.batch_dependent = True
        architecture = type(self._model).__name__
        self._model.generation_config = GenerationConfig()  # its defaults would change what is sampled
        if fault := plain_generation.fault(self._model, ids, self._eos):
            raise InputError(
                f"{self.model.name} ({architecture}) cannot be sampled by the transformers engine: {fault}",
                "try --engine vllm, or serve the model and give its address as the model",
            )
        console.warn_once(
            f"{architecture} is sampled by the library's own generate, which is slower, and not in the slots of the "
            f"sampler: {reason}"
        )

    def _in_slots(self, ids: Sequence[int]) -> Callable[..., Iterator[Completion]]:
        """Sampling in slots, by the decoder made for the architecture where there is one and it computes the same."""
        with worker_pool.few_threads(self._model):
            decoder, reason = lean_decoder.proven(self._model, ids)
        if reason:
            architecture = type(self._model).__name__
            console.warn_once(f"{architecture} is sampled by the library's modules, which are slower: {reason}")
        # A larger model computes several tokens of a row no sooner than one after the other.
        breaks = frozenset[int]() if self.streams else line_breaks(self._tokenizer)
        return partial(continuous_batching.finished, decoder=decoder, breaks=breaks)

    def load_weights(self, model: Resolved) -> None:
        """As `Engine.load_weights`."""
        if model.digest == self.model.digest:
            return
        before, former = self._probe(), self._resolved
        self._load(model)
        if torch.equal(before, self._probe()):
            check_weights_are_equal(former, model)

    @torch.inference_mode()
    def _probe(self) -> torch.Tensor:
        ids = self._tokenizer(PROBE, return_tensors="pt")["input_ids"].to(self._model.device)
        return self._model(input_ids=ids).logits[0, -1].float().cpu()

    def stream(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> Generator[tuple[int, Sample]]:
        """As `Engine.stream`. Rows of similar lengths go together, so pass many requests at once."""
        yield from self._completed(self._rows(requests, params, samples), requests, params, samples)

    def stream_text(self, request: Request, params: SolveConfig, on_text: Callable[[str], None]) -> Sample:
        """As `Engine.stream_text`. A model whose thoughts have a limit is not overheard while it thinks."""
        text = TextStream(lambda ids: self._tokenizer.decode(ids, skip_special_tokens=False), self._eos)
        (row,) = self._rows([request], params, 1)
        row.on_token = lambda token: on_text(text.add(token))
        ((_, sample),) = self._completed([row], [request], params, 1)
        on_text(text.rest(sample.text))
        return sample

    def _rows(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> list[Completion]:
        """What is to be sampled, the samples of a request side by side."""
        rows: list[Completion] = []
        context = getattr(self._model.config.get_text_config(), "max_position_embeddings", None) or sys.maxsize
        for request in requests:
            messages = request.messages or answers.messages(request.problem)
            ids = prompts.conversation_ids(self._tokenizer, messages)
            if max(ids, default=0) >= self._vocabulary:
                raise InputError(
                    f"the tokenizer of {self.model.name} writes the id {max(ids)} in a prompt, and the model has only "
                    f"{self._vocabulary:,}: its tokens were added after it was trained",
                    "resize the model's embeddings with the tokenizer, or use the tokenizer that it was trained with",
                )
            room = max(0, context - len(ids))
            for index in range(request.start, request.start + samples):
                rows.append(Completion(ids, self._uniforms(request.problem, index, params)[:room]))
        return rows

    def _completed(
        self, rows: Sequence[Completion], requests: Sequence[Request], params: SolveConfig, samples: int
    ) -> Generator[tuple[int, Sample]]:
        """The samples of `_rows`, each with its place, as they end."""
        places = {id(row): place for place, row in enumerate(rows)}
        too_long, fitting = ([row for row in rows if bool(len(row.uniforms)) is fits] for fits in (False, True))
        sampled = self._with_thoughts(fitting, params) if params.max_think_tokens else self._finish(fitting, params)
        for row in chain(too_long, sampled):
            place = places[id(row)]
            request = requests[place // samples]
            yield place, self._sample(request.problem, request.start + place % samples, params, row)

    def _uniforms(self, problem: Problem, index: int, params: SolveConfig) -> torch.Tensor:
        """The sample's own stream of numbers in [0, 1), one for each token that it may have (max_tokens,)."""
        if params.temperature == 0:
            return torch.zeros(params.max_tokens)
        stream = sample_random(params.seed, problem, index)
        return torch.tensor([stream.random() for _ in range(params.max_tokens)], dtype=torch.float64)

    def _with_thoughts(self, rows: list[Completion], params: SolveConfig) -> Iterator[Completion]:
        """As `_finish`, but a thought has at most `max_think_tokens` tokens and is then closed for the model."""
        thoughts = [Completion(row.prompt, row.uniforms[: params.max_think_tokens]) for row in rows]
        owners = {id(thought): row for thought, row in zip(thoughts, rows, strict=True)}
        continuations = []
        for thought in self._finish(thoughts, params):
            row = owners[id(thought)]
            row.token_ids, row.logprob, row.finish = thought.token_ids, thought.logprob, thought.finish
            if continuation := self._after_thought(row, thought):
                continuations.append(continuation)
                owners[id(continuation)] = row
            else:
                yield row
        for continuation in self._finish(continuations, params):
            row = owners[id(continuation)]
            before = continuation.prompt[len(row.prompt) :]
            row.inserted = (len(row.token_ids), len(before))
            row.token_ids = [*before, *continuation.token_ids]
            row.logprob, row.finish = row.logprob + continuation.logprob, continuation.finish
            yield row

    def _after_thought(self, row: Completion, thought: Completion) -> Completion | None:
        """What is left to sample of a row, after an open thought was closed by its own tag; None if nothing is left.
        The template may have opened the thought."""
        length = len(thought.token_ids)
        if thought.finish in ("stop", "error") or length == len(row.uniforms):
            return None
        text = self._tokenizer.decode(thought.token_ids, skip_special_tokens=False)
        tag = reasoning.missing_closing_tag(self._opening + text)
        close = self._tokenizer(f"\n{tag}\n", add_special_tokens=False)["input_ids"] if tag else []
        rest = row.uniforms[length + len(close) :]
        return Completion([*row.prompt, *thought.token_ids, *close], rest) if len(rest) else None

    def _finish(self, rows: list[Completion], params: SolveConfig) -> Iterator[Completion]:
        """Samples rows until they stop or run out of numbers. Each comes as it ends, or soon after it if the model is
        small and the rows are many, since several processes sample then."""
        if not rows:
            return iter(())
        workers = worker_pool.num_workers(self._model, len(rows) // ROWS_PER_PROCESS)
        rows = sorted(rows, key=lambda row: len(row.prompt))
        decoding = Decoding(self._eos, params.temperature, params.top_p, self._unknown)
        slots = self._slots(params, max(len(row.prompt) + len(row.uniforms) for row in rows), workers)
        if workers == 1:
            return self._finish_here(rows, decoding, slots)
        return self._finish_in_processes([rows[worker::workers] for worker in range(workers)], decoding, slots)

    def _finish_here(self, rows: Sequence[Completion], decoding: Decoding, slots: int) -> Iterator[Completion]:
        with worker_pool.few_threads(self._model):
            yield from self._finished(self._model, rows, decoding, slots)

    def _finish_in_processes(
        self, parts: Sequence[Sequence[Completion]], decoding: Decoding, slots: int
    ) -> Iterator[Completion]:
        def sample(worker: int) -> Iterator[tuple[int, list[int], float, str]]:
            numbers = {id(row): number for number, row in enumerate(parts[worker])}
            for row in self._finished(self._model, parts[worker], decoding, slots):
                yield numbers[id(row)], row.token_ids, row.logprob, row.finish

        for worker, (number, ids, logprob, finish) in worker_pool.streamed(sample, len(parts)):
            row = parts[worker][number]
            row.token_ids, row.logprob, row.finish = ids, logprob, finish
            yield row

    def _slots(self, params: SolveConfig, longest: int, workers: int = 1) -> int:
        """How many rows of `longest` tokens each of `workers` processes has room for."""
        token = cache_bytes(self._model.config.get_text_config(), self._model.dtype)
        room = params.batch_tokens or SHARE * free_memory(self._model.device) / token
        return max(1, min(SLOTS, int(room / longest / workers)))

    def batch_size_hint(self, params: SolveConfig) -> int:
        """As `Engine.batch_size_hint`: several slotfuls for each process."""
        return BATCHES * self._slots(params, 2 * params.max_tokens) * worker_pool.num_workers(self._model, BATCHES)

    def _sample(self, problem: Problem, index: int, params: SolveConfig, row: Completion) -> Sample:
        ids = row.token_ids
        start, end = row.inserted
        sample = self.sample(
            problem,
            params,
            index,
            text=self._tokenizer.decode(ids[:-1] if row.finish == "stop" else ids, skip_special_tokens=False),
            token_ids=ids,
            finish=row.finish,
            tokens=len(ids),
            logprob=round(row.logprob, 4) if math.isfinite(row.logprob) else None,
            extra={
                prompts.PROMPT_DIGEST: prompts.digest(row.prompt),
                **({prompts.THOUGHT_CUT: [start, end]} if end > start else {}),
            },
        )
        if row.finish in ("stop", "length"):
            return sample
        reason = NOT_FINITE
        if not row.finish:
            reason = f"a prompt of {len(row.prompt):,} tokens leaves no room for an answer in the model's context"
        return replace(sample, finish="error", logprob=None, extra={"error": reason})

    def close(self) -> None:
        """Frees the weights."""
        self._model = None  # type: ignore[assignment]  # a closed engine is not used
