"""vLLM, in processes of its own: the fast engine where an accelerator is (`pip install 'axiom-rl[vllm]'`).

The prompt goes in as token ids, rendered as for training, and the sampled ids come back, so nothing is tokenised twice.
Each sample is a request of its own with its own seed; vLLM's prefix cache computes their common prompt once. Its
batching changes the order of additions, so equal seeds usually give equal samples on one machine, but not always.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from axiom_cli import models
from axiom_cli.errors import GateFailedError, InputError, MissingError
from axiom_cli.models import Resolved
from axiom_cli.problems.answers import messages as own_messages
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.sampling import prompts
from axiom_cli.sampling.engines import Messages, grouped, sample_seed, sampling_params, vllm_start
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace

PROBE = "The quick brown fox: 1 2 3 4 5 6 7 8 9"
DIED = "if memory ran out: lower --batch-tokens; else --engine transformers reads more models"
NAMES = ("_name_or_path", "transformers_version", "dtype", "torch_dtype")
"""Entries of config.json that say nothing of the architecture."""


class VllmEngine:
    """One model in vLLM's offline engine. `swap` puts other weights in its place without starting it again; `rest`
    gives its memory back until it is asked for the next sample."""

    name = "vllm"
    applies = ("dtype",)
    together = True
    singly = True

    def __init__(self, model_name: str, config: SolveConfig | None = None, workspace: Workspace | None = None) -> None:
        self._vllm = vllm_start.library()
        self._config = config or SolveConfig()
        self._llm: Any = None
        self._resting = False
        self._numbers, self._ended = count(), {}
        self._take(models.resolve(model_name, workspace))

    def swap(self, found: Resolved) -> None:
        """Goes on with other weights, and proves by a probe that it does. GateFailedError where nothing has changed."""
        if found.digest == self.model.digest:
            return
        before = self._voice
        self._take(found)
        if self._voice == before:
            raise GateFailedError(
                f"{found.name} speaks exactly as the model before it, though its digest differs",
                "its weights were not loaded, or training changed nothing",
            )

    def _take(self, found: Resolved) -> None:
        """Weights of another architecture need an engine of their own."""
        tokenizer, ends, architecture = _read(found.path)
        if self._llm is not None and architecture == self._architecture:
            self._reload(found.path)
        else:
            self.close()
            self._llm = vllm_start.start(self._vllm, found.path, self._config)
        self.model: ModelRef = found.ref
        self._found, self._architecture = found, architecture
        self._tokenizer, self._ends = tokenizer, ends
        self._resting = False
        self._voice = self._probe()

    def _reload(self, path: Path) -> None:
        """Reads the weights in `path` in place. The cached keys and values were the former weights'."""
        if self._resting:
            vllm_start.empty_cache()
            self._llm.wake_up(tags=["weights"])
        self._llm.collective_rpc("reload_whole", args=(str(path),))
        if self._resting:
            self._llm.wake_up(tags=["kv_cache"])
        self._llm.reset_prefix_cache()

    def _probe(self) -> tuple[float, ...]:
        """The log-probability of each token of a fixed text."""
        settings = self._vllm.SamplingParams(temperature=0, max_tokens=1, prompt_logprobs=0, detokenize=False)
        ids = self._tokenizer(PROBE, add_special_tokens=False)["input_ids"]
        [result] = self._write([{"prompt_token_ids": ids}], [settings])
        return tuple(told[token].logprob for token, told in zip(ids[1:], result.prompt_logprobs[1:], strict=True))

    def rest(self) -> None:
        """Gives the memory back until the next sample is asked for: on an accelerator vLLM sleeps, weights and cache
        dropped; elsewhere, where it cannot, its processes end."""
        if self._llm is None or self._resting:
            return
        if vllm_start.sleeps():
            self._llm.sleep(level=2)
            self._resting = True
        else:
            self.close()

    def generate(
        self,
        problems: Sequence[Problem],
        params: SolveConfig,
        samples: int,
        starts: Sequence[int] = (),
        messages: Sequence[Messages | None] = (),
    ) -> Iterator[list[Sample]]:
        """As `Engine.generate`. A prompt that the context has no room for is a sample that finished with `error`; a
        completion that filled the context before `max_tokens` says so in `extra["context"]`."""
        return grouped(self.arriving(problems, params, samples, starts, messages), len(problems), samples)

    def arriving(
        self,
        problems: Sequence[Problem],
        params: SolveConfig,
        samples: int,
        starts: Sequence[int] = (),
        messages: Sequence[Messages | None] = (),
    ) -> Iterator[tuple[int, Sample]]:
        """As `generate`, each sample as soon as it is there, with its place among all of them. All are asked for at
        once, so that vLLM can fill its batches."""
        if problems and (self._llm is None or self._resting):
            self._take(self._found)
        asked: list[tuple[Problem, int, list[int], str]] = []
        inputs: dict[int, tuple[Any, Any]] = {}
        for problem, start, own in zip(
            problems, starts or [0] * len(problems), messages or [None] * len(problems), strict=True
        ):
            ids = prompts.conversation_ids(self._tokenizer, own or own_messages(problem))
            error = self._error(ids)
            for index in range(start, start + samples):
                if not error:
                    seed = sample_seed(params.seed, problem, index)
                    inputs[len(asked)] = ({"prompt_token_ids": ids}, self._settings(params, seed))
                asked.append((problem, index, ids, error))
        for place, one in enumerate(asked):
            if one[3]:
                yield place, self._sample(*one, params, None)
        with closing(self._stepped(inputs)) as results:
            for place, result in results:
                yield place, self._sample(*asked[place], params, result.outputs[0])

    def _stepped(self, inputs: Mapping[int, tuple[Any, Any]]) -> Iterator[tuple[int, Any]]:
        """What vLLM makes of each (prompt, settings), with its place, as it ends. Several of these may be read in turn:
        a step gives the results of all."""
        if not inputs:
            return
        from vllm.v1.engine.exceptions import EngineDeadError

        engine, waiting = self._llm.llm_engine, {}
        try:
            with vllm_start.watched(self._llm):
                for place, (prompt, settings) in inputs.items():
                    name = f"axiom-{next(self._numbers)}"
                    engine.add_request(name, prompt, settings)
                    waiting[name] = place
                while waiting:
                    ready = [name for name in waiting if name in self._ended]
                    if not ready:
                        self._ended |= {one.request_id: one for one in engine.step() if one.finished}
                    for name in ready:
                        yield waiting.pop(name), self._ended.pop(name)
        except EngineDeadError:
            waiting.clear()
            self.close()
            raise MissingError("vLLM's processes have died", DIED) from None
        finally:
            with suppress(EngineDeadError):
                if waiting:
                    engine.abort_request(list(waiting))
            for name in waiting:
                self._ended.pop(name, None)

    def _error(self, ids: Sequence[int]) -> str:
        """Why vLLM would not take the prompt; one that it does not take breaks off the whole call."""
        if not ids:
            return "the prompt is empty"
        room = self._context()
        return f"the prompt's {len(ids):,} tokens leave no room in a context of {room:,}" if len(ids) >= room else ""

    def _context(self) -> int:
        """Tokens of prompt and completion together: the model's, or fewer where the cache has no room for them."""
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

    def _write(self, inputs: list[Any], settings: list[Any]) -> list[Any]:
        from vllm.v1.engine.exceptions import EngineDeadError

        if not inputs:
            return []
        try:
            with vllm_start.watched(self._llm):
                return self._llm.generate(inputs, settings, use_tqdm=False)
        except EngineDeadError:
            self.close()
            raise MissingError("vLLM's processes have died", DIED) from None

    def _sample(
        self, problem: Problem, index: int, prompt: list[int], error: str, params: SolveConfig, output: Any
    ) -> Sample:
        ids = list(output.token_ids) if output else []
        finish = output.finish_reason if output else "error"
        if finish not in ("stop", "length"):
            error, finish = error or f"finished with {finish!r}", "error"
        full = finish == "length" and len(ids) < params.max_tokens
        seen = {prompts.PROMPT_DIGEST: prompts.digest(prompt)}
        return Sample(
            problem=problem,
            model=self.model,
            engine=self.name,
            params=sampling_params(params),
            index=index,
            attempt=1,
            text=self._tokenizer.decode(ids[:-1] if finish == "stop" else ids, skip_special_tokens=False),
            token_ids=ids,
            finish=finish,
            tokens=len(ids),
            logprob=round(output.cumulative_logprob, 4) if output else None,
            extra={"error": error} if error else {**seen, "context": self._context()} if full else seen,
        )

    def close(self) -> None:
        """Ends vLLM's processes; their memory is free when this returns."""
        llm, self._llm, self._resting = self._llm, None, False
        if llm is not None:
            llm.llm_engine.engine_core.shutdown(timeout=vllm_start.PATIENCE)


def _read(path: Path) -> tuple[Any, list[int], dict[str, Any]]:
    """The tokenizer, the ids that end a completion, and what stands for the architecture, of a model's folder."""
    from transformers import AutoConfig, GenerationConfig

    from axiom_cli.models.loading import eos_ids
    from axiom_cli.models.weights import load_tokenizer

    if not path.is_dir():
        raise InputError(f"the vllm engine reads model folders, {path} is none", "choose --engine transformers")
    try:
        config = AutoConfig.from_pretrained(path)
        own = (path / "generation_config.json").is_file()
        said = GenerationConfig.from_pretrained(path) if own else GenerationConfig.from_model_config(config)
        tokenizer = load_tokenizer(path)
    except (OSError, ValueError, KeyError) as error:
        line = str(error).strip().split("\n")[0]
        raise InputError(f"{path} could not be loaded: {line}", "is it a causal language model, and whole?") from error
    ends = eos_ids(SimpleNamespace(generation_config=said), tokenizer)
    return tokenizer, ends, {name: value for name, value in config.to_dict().items() if name not in NAMES}
