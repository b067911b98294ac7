"""vLLM, in processes of its own: the fast engine on an accelerator (`pip install 'axiom-rl[vllm]'`).

Prompts go in as token ids, rendered as for training, and sampled ids come back: nothing is tokenised twice. Each sample
is a request with its own seed; vLLM's prefix cache computes a shared prompt once. Batching changes the order of
additions, so equal seeds usually give equal samples on one machine, but not always.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import Any

from axiom_cli import models
from axiom_cli.errors import InputError, MissingError
from axiom_cli.models import Resolved
from axiom_cli.problems.answers import messages as own_messages
from axiom_cli.records import Problem, Sample
from axiom_cli.sampling import prompts
from axiom_cli.sampling.engines import vllm_start
from axiom_cli.sampling.engines.protocol import (
    NOT_FINITE,
    ProbedEngine,
    Request,
    UnorderedEngine,
    sample_seed,
)
from axiom_cli.sampling.token_ids import end_ids
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace

PROBE = "The quick brown fox: 1 2 3 4 5 6 7 8 9"
DIED = "if memory ran out, lower --batch-tokens; --engine transformers reads more models"
NOT_ARCHITECTURE = ("_name_or_path", "transformers_version", "dtype", "torch_dtype")
"""Entries of config.json that do not describe the architecture."""


class VllmEngine(ProbedEngine, UnorderedEngine):
    """One model in vLLM's offline engine. `load_weights` does not restart it; `sleep` gives its memory back until the
    next sample is asked for."""

    name = "vllm"
    supports = frozenset({"dtype"})
    batch_dependent = True
    streams = True

    def __init__(self, model_name: str, config: SolveConfig | None = None, workspace: Workspace | None = None) -> None:
        self._vllm = vllm_start.library()
        self._config = config or SolveConfig()
        self._llm: Any = None
        self._asleep = False
        self._numbers = count()
        self._finished: dict[str, Any] = {}
        self._load(models.resolve(model_name, workspace))

    def _load(self, model: Resolved) -> None:
        """Weights of another architecture need a new vLLM engine."""
        if model.adapters or model.remote_code:
            what = "an adapter on its base" if model.adapters else "a model's own code"
            raise InputError(f"the vllm engine does not load {what}: {model.name}", "use --engine transformers")
        tokenizer, ends, architecture = _read_model(model.path)
        prompts.warn_of_template(tokenizer, ends)
        if self._llm is not None and architecture == self._architecture:
            self._reload(model.path)
        else:
            self.close()
            self._llm = vllm_start.start(self._vllm, model.path, self._config)
        self.model = model.ref
        self._resolved = model
        self._architecture: dict[str, Any] = architecture
        self._tokenizer, self._ends = tokenizer, ends
        self._known = frozenset([*tokenizer.get_vocab().values(), *ends])
        self._asleep = False
        self._probe_logprobs = self._probe()

    def _reload(self, path: Path) -> None:
        """Reads the weights in `path` in place. The cached keys and values belong to the previous weights."""
        if self._asleep:
            vllm_start.empty_cache()
            self._llm.wake_up(tags=["weights"])
        self._llm.collective_rpc("reload_whole", args=(str(path),))
        if self._asleep:
            self._llm.wake_up(tags=["kv_cache"])
        self._llm.reset_prefix_cache()

    def _probe(self) -> tuple[float, ...]:
        """The log-probability of each token of a fixed text."""
        from vllm.v1.engine.exceptions import EngineDeadError

        settings = self._vllm.SamplingParams(temperature=0, max_tokens=1, prompt_logprobs=0, detokenize=False)
        ids = self._tokenizer(PROBE, add_special_tokens=False)["input_ids"]
        try:
            with vllm_start.watched(self._llm):
                [result] = self._llm.generate([{"prompt_token_ids": ids}], [settings], use_tqdm=False)
        except EngineDeadError:
            self.close()
            raise MissingError("vLLM's processes died", DIED) from None
        return tuple(scores[token].logprob for token, scores in zip(ids[1:], result.prompt_logprobs[1:], strict=True))

    def sleep(self) -> None:
        """As `Engine.sleep`: on an accelerator vLLM drops weights and cache; elsewhere, where it cannot sleep, its
        processes end."""
        if self._llm is None or self._asleep:
            return
        if vllm_start.sleeps():
            self._llm.sleep(level=2)
            self._asleep = True
        else:
            self.close()

    def stream(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> Generator[tuple[int, Sample]]:
        """As `Engine.stream`. All samples are asked for at once, so that vLLM can fill its batches. A prompt that the
        context has no room for is a sample that finished with `error`; a completion that filled the context before
        `max_tokens` says so in `extra["context"]`."""
        if requests and (self._llm is None or self._asleep):
            self._load(self._resolved)
        prompts_given: list[tuple[Problem, int, list[int], str]] = []
        inputs: dict[int, tuple[Any, Any]] = {}
        for request in requests:
            problem = request.problem
            ids = prompts.conversation_ids(self._tokenizer, request.messages or own_messages(problem))
            # A prompt that vLLM refuses would end the whole call.
            error = "" if ids else "the prompt is empty"
            if len(ids) >= (room := self._context()):
                error = f"a prompt of {len(ids):,} tokens leaves no room in a context of {room:,}"
            for index in range(request.start, request.start + samples):
                if not error:
                    seed = sample_seed(params.seed, problem, index)
                    inputs[len(prompts_given)] = ({"prompt_token_ids": ids}, self._settings(params, seed))
                prompts_given.append((problem, index, ids, error))
        for place, prompt_given in enumerate(prompts_given):
            if prompt_given[3]:
                yield place, self._sample(*prompt_given, params, None)
        with closing(self._results(inputs)) as results:
            for place, result in results:
                yield place, self._sample(*prompts_given[place], params, result.outputs[0])

    def _results(self, inputs: Mapping[int, tuple[Any, Any]]) -> Generator[tuple[int, Any]]:
        """The place and the result of each (prompt, settings) as it ends. Several of these may be read in turn: a step
        gives the results of all."""
        if not inputs:
            return
        from vllm.v1.engine.exceptions import EngineDeadError

        engine = self._llm.llm_engine
        waiting: dict[str, int] = {}
        try:
            with vllm_start.watched(self._llm):
                for place, (prompt, settings) in inputs.items():
                    name = f"axiom-{next(self._numbers)}"
                    engine.add_request(name, prompt, settings)
                    waiting[name] = place
                while waiting:
                    ready = [name for name in waiting if name in self._finished]
                    if not ready:
                        self._finished |= {result.request_id: result for result in engine.step() if result.finished}
                    for name in ready:
                        yield waiting.pop(name), self._finished.pop(name)
        except EngineDeadError:
            waiting.clear()
            self.close()
            raise MissingError("vLLM's processes died", DIED) from None
        finally:
            with suppress(EngineDeadError):
                if waiting:
                    engine.abort_request(list(waiting))
            for name in waiting:
                self._finished.pop(name, None)

    def _context(self) -> int:
        """Tokens of prompt and completion together: the model's, or fewer if the cache is smaller."""
        return self._llm.llm_engine.model_config.max_model_len

    def _settings(self, params: SolveConfig, seed: int) -> Any:
        from vllm.sampling_params import RequestOutputKind

        return self._vllm.SamplingParams(
            temperature=params.temperature,
            top_p=params.top_p,
            max_tokens=params.max_tokens,
            seed=seed,
            stop_token_ids=self._ends,
            logprobs=0,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )

    def _sample(  # noqa: PLR0913 - what was asked, and what came of it
        self, problem: Problem, index: int, prompt: list[int], error: str, params: SolveConfig, output: Any
    ) -> Sample:
        ids = list(output.token_ids) if output else []
        finish = output.finish_reason if output else "error"
        if finish not in ("stop", "length"):
            error, finish = error or f"finished with {finish!r}", "error"
        logprob = output.cumulative_logprob if output else None
        if logprob is not None and not math.isfinite(logprob):
            error, finish, logprob = NOT_FINITE, "error", None
        if not self._known.issuperset(ids):
            error, finish = "an id was drawn that the tokenizer does not know", "error"
        context_full = finish == "length" and len(ids) < params.max_tokens
        extra: dict[str, Any] = {"error": error} if error else {prompts.PROMPT_DIGEST: prompts.digest(prompt)}
        if context_full:
            extra["context"] = self._context()
        return self.sample(
            problem,
            params,
            index,
            text=self._tokenizer.decode(ids[:-1] if finish == "stop" else ids, skip_special_tokens=False),
            token_ids=ids,
            finish=finish,
            tokens=len(ids),
            logprob=None if logprob is None else round(logprob, 4),
            extra=extra,
        )

    def close(self) -> None:
        """Ends vLLM's processes; their memory is free when this returns."""
        llm = self._llm
        self._llm, self._asleep = None, False
        if llm is not None:
            llm.llm_engine.engine_core.shutdown(timeout=vllm_start.PATIENCE)


def _read_model(path: Path) -> tuple[Any, list[int], dict[str, Any]]:
    """Of a model's folder: the tokenizer, the ids that end a completion, and the config entries of the architecture."""
    from axiom_cli.models.loading import load_config, load_generation_config, load_tokenizer

    if not path.is_dir():
        raise InputError(f"the vllm engine reads model folders; {path} is not one", "use --engine transformers")
    config, tokenizer = load_config(path), load_tokenizer(path)
    ends = list(end_ids(tokenizer, load_generation_config(path)))
    return tokenizer, ends, {name: value for name, value in config.to_dict().items() if name not in NOT_ARCHITECTURE}
