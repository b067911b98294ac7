"""What an engine is, and what helps to write one. docs/new_engine.md is the guide."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Any, Literal, Protocol, runtime_checkable

from axiom_cli.errors import GateFailedError
from axiom_cli.models import Resolved, same_weights
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.settings.configs import SolveConfig

BATCH_SIZE_HINT = 2048
NOT_FINITE = "the model's logits are not finite: its weights are damaged, or overflow in this --dtype"

Setting = Literal["dtype", "max_think_tokens"]
"""The settings of SolveConfig that only some engines can apply."""
SETTINGS: Mapping[Setting, str] = MappingProxyType({"dtype": "dtype", "max_think_tokens": "think_tokens"})
"""Each with its key in a sample's `params`."""

Messages = Sequence[Mapping[str, str]]
"""A conversation: role and content of each message."""


@dataclass(frozen=True)
class Request:
    """What samples are asked of: a problem, the index of the first one, so that more can be asked for later, and a
    conversation to continue instead of the problem's own."""

    problem: Problem
    start: int = 0
    messages: Messages | None = None


def requests(problems: Iterable[Problem]) -> list[Request]:
    """A request for the first samples of each problem."""
    return [Request(problem) for problem in problems]


@runtime_checkable
class Engine(Protocol):
    """Something that samples completions of problems from one model. Close it when done.

    Subclass it and write `generate`, `name` and `model`; every other member has a default and declares a capability.
    """

    name: str
    model: ModelRef
    batch_dependent: bool = False
    """Whether a sample depends on those that it is computed with, if only by rounding. Its samples are then cached and
    computed again one whole request at a time, so that a resumed run gives what an uninterrupted one would."""
    streams: bool = False
    """Whether each sample takes long enough, or costs enough, to be cached as soon as it is there."""
    supports: frozenset[Setting] = frozenset()
    """The optional settings that the engine applies. It does not open with others: none is silently ignored."""
    reloads: bool = False
    """Whether `load_weights` works. Other engines are closed and opened again for another model."""

    @abstractmethod
    def generate(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> Iterator[list[Sample]]:
        """`samples` samples for each request: one list per request, in order, each as soon as it is complete.

        A sample depends on `params.seed`, the problem, the conversation and its index: see `sample_seed`. A completion
        that failed is a sample with finish `error` and the reason in `extra["error"]`.
        """
        ...

    def stream(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> Generator[tuple[int, Sample]]:
        """What `generate` gives, sample by sample in any order, each with its place among all of them."""
        groups = self.generate(requests, params, samples)
        try:
            for number, group in enumerate(groups):
                yield from enumerate(group, number * samples)
        finally:
            if isinstance(groups, Generator):
                groups.close()

    def stream_text(self, request: Request, params: SolveConfig, on_text: Callable[[str], None]) -> Sample:
        """One sample, whose text goes to `on_text` piece by piece, in whole characters, as it is sampled: all at once,
        unless the engine knows better."""
        ((sample,),) = self.generate([request], params, 1)
        on_text(sample.text)
        return sample

    def sample(self, problem: Problem, params: SolveConfig, index: int, **fields: Any) -> Sample:
        """A first attempt, with `fields` for what came of it: `text`, `finish`, `tokens` and others of Sample."""
        applied = sampling_params(params)
        return Sample(problem, self.model, engine=self.name, params=applied, index=index, attempt=1, **fields)

    def batch_size_hint(self, params: SolveConfig) -> int:  # noqa: ARG002 - others depend on them
        """How many samples the engine is best asked for at once."""
        return BATCH_SIZE_HINT

    def load_weights(self, model: Resolved) -> None:
        """Replaces the weights by those of another model. Only called if `reloads`. GateFailedError if the outputs do
        not change though the digest does."""
        reason = f"the {self.name} engine cannot load {model.name}: it does not declare `reloads`"
        raise NotImplementedError(reason)

    def sleep(self) -> None:
        """Frees the accelerator's memory until the next sample is asked for: training needs it."""
        return

    @abstractmethod
    def close(self) -> None:
        """Frees what the engine holds. Closing twice is not an error."""
        ...


class UnorderedEngine(Engine):
    """An engine whose samples are ready one by one, in any order. Write `stream` instead of `generate`."""

    @abstractmethod
    def stream(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> Generator[tuple[int, Sample]]:
        """As `Engine.stream`."""
        ...

    def generate(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> Generator[list[Sample]]:
        """As `Engine.generate`. Samples that come early wait."""
        early: dict[int, Sample] = {}
        with closing(self.stream(requests, params, samples)) as stream:
            for first in range(len(requests)):
                group = range(first * samples, (first + 1) * samples)
                for place in group:
                    while place not in early:
                        early.update([next(stream)])
                yield [early.pop(place) for place in group]


class ProbedEngine:
    """The part of an engine that exchanges weights in place, and proves by a probe that it did. Write `_load`, which
    sets `model`, `_resolved` and `_probe_logprobs`, the log-probabilities that a fixed text has under the weights."""

    reloads = True
    model: ModelRef
    _resolved: Resolved
    _probe_logprobs: tuple[float, ...]

    @abstractmethod
    def _load(self, model: Resolved) -> None: ...

    def load_weights(self, model: Resolved) -> None:
        """As `Engine.load_weights`, and raises what `_load` raises."""
        if model.digest == self.model.digest:
            return
        before, former = self._probe_logprobs, self._resolved
        self._load(model)
        if self._probe_logprobs == before:
            check_weights_are_equal(former, model)


class EngineInFront(Engine):
    """An engine that changes or caches the samples of another, which its opener still closes. Write `generate`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name, self.model = engine.name, engine.model

    def batch_size_hint(self, params: SolveConfig) -> int:
        """As `Engine.batch_size_hint`."""
        return self._engine.batch_size_hint(params)

    def close(self) -> None:
        """Nothing to free."""


def unusual_settings(params: SolveConfig) -> list[Setting]:
    """The optional settings that differ from their defaults."""
    return [name for name in SETTINGS if getattr(params, name) != getattr(SolveConfig, name)]


def sampling_params(params: SolveConfig) -> dict[str, Any]:
    """What a sample's `params` record holds: the usual settings, and optional ones that were set. All were applied,
    since no engine opens with settings that it does not support."""
    usual = {name: getattr(params, name) for name in ("temperature", "top_p", "max_tokens", "seed")}
    return usual | {SETTINGS[name]: getattr(params, name) for name in unusual_settings(params)}


def sample_random(seed: int, problem: Problem, index: int) -> Random:
    """The source of randomness of one sample. It is named, so that it does not depend on the rest of the batch."""
    return Random(f"{seed}/{problem.id}/{index}")


def sample_seed(seed: int, problem: Problem, index: int) -> int:
    """The same as a number from 0 to 2^31 - 1, for engines that take a seed with each request."""
    return sample_random(seed, problem, index).getrandbits(31)


def check_weights_are_equal(former: Resolved, model: Resolved) -> None:
    """What `load_weights` calls where a prompt's logits are still those of the former model. GateFailedError unless the
    two have the same weights under different digests, since two trainings may come to the same."""
    if not same_weights(former, model):
        raise GateFailedError(
            f"{model.name} gives the same logits as the previous model: were its weights loaded?",
            "its digest differs: either its weights were not loaded, or training changed nothing",
        )
