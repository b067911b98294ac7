"""vLLM in this process: the fast engine where its wheel and an accelerator are (`pip install 'axiom-rl[vllm]'`).

The prompt goes in as token ids, rendered as for training, and the sampled ids come back, so nothing is tokenised twice.
Each sample is a request of its own with its own seed; vLLM's prefix cache computes their common prompt once. Its
batching changes the order of additions, so equal seeds usually give equal samples on one machine, but not always.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from axiom_cli import models, prompts
from axiom_cli.answers import messages as own_messages
from axiom_cli.configs import SolveConfig
from axiom_cli.engines import Messages, sample_seed, sampling_params
from axiom_cli.errors import MissingError
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.workspace import Workspace


def _library() -> Any:
    try:
        import vllm
    except ImportError as error:
        hint = "pip install 'axiom-rl[vllm]', or choose --engine transformers"
        raise MissingError(f"the vllm engine needs vLLM: {error}", hint) from None
    return vllm


class VllmEngine:
    """One model in vLLM's offline engine."""

    name = "vllm"

    def __init__(self, model_name: str, config: SolveConfig | None = None, workspace: Workspace | None = None) -> None:
        self._vllm = _library()
        found = models.resolve(model_name, workspace)
        self.model: ModelRef = found.ref
        self._llm = self._vllm.LLM(model=str(found.path), enable_prefix_caching=True, seed=0)
        self._tokenizer = self._llm.get_tokenizer()

    def generate(
        self,
        problems: Sequence[Problem],
        params: SolveConfig,
        samples: int,
        starts: Sequence[int] = (),
        messages: Sequence[Messages | None] = (),
    ) -> Iterator[list[Sample]]:
        """As `Engine.generate`: all problems are one call, so that vLLM can fill its batches."""
        asked: list[tuple[Problem, int]] = []
        inputs, settings = [], []
        for place, problem in enumerate(problems):
            told = (messages[place] if messages else None) or own_messages(problem)
            ids = prompts.conversation_ids(self._tokenizer, told)
            start = starts[place] if starts else 0
            for index in range(start, start + samples):
                asked.append((problem, index))
                inputs.append({"prompt_token_ids": ids})
                settings.append(self._settings(params, sample_seed(params.seed, problem, index)))
        results = self._llm.generate(inputs, settings, use_tqdm=False) if inputs else []
        done = [self._sample(*one, params, result.outputs[0]) for one, result in zip(asked, results, strict=True)]
        for place in range(len(problems)):
            yield done[place * samples : (place + 1) * samples]

    def _settings(self, params: SolveConfig, seed: int) -> Any:
        return self._vllm.SamplingParams(
            temperature=params.temperature,
            top_p=params.top_p,
            max_tokens=params.max_tokens,
            seed=seed,
            logprobs=0,
        )

    def _sample(self, problem: Problem, index: int, params: SolveConfig, output: Any) -> Sample:
        ended = output.finish_reason in ("stop", "length")
        ids = list(output.token_ids)
        stopped = ids[-1:] and ids[-1] in self._tokenizer.all_special_ids
        return Sample(
            problem=problem,
            model=self.model,
            engine=self.name,
            params=sampling_params(params),
            index=index,
            attempt=1,
            text=self._tokenizer.decode(ids[:-1] if stopped else ids, skip_special_tokens=False),
            token_ids=ids,
            finish=output.finish_reason if ended else "error",
            tokens=len(ids),
            logprob=output.cumulative_logprob,
            extra={} if ended else {"error": f"finished with {output.finish_reason!r}"},
        )

    def close(self) -> None:
        """Lets go of the engine; the memory comes back when Python collects it."""
        self._llm = None
