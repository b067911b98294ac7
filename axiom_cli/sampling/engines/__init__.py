"""What writes completions. To add an engine: a file here and a line in BUILT_IN; from outside: an entry point in
`axiom.engines`. Either names a class that is called as `Class(model_name, config, workspace)`.

Nothing heavy is imported before an engine is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache
from importlib import import_module, metadata
from importlib.util import find_spec
from random import Random
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from axiom_cli.errors import MissingError, UsageError, did_you_mean
from axiom_cli.models import NVIDIA
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace

GROUP = "axiom.engines"
BUILT_IN = MappingProxyType(
    {
        "transformers": "axiom_cli.sampling.engines.transformers:TransformersEngine",
        "vllm": "axiom_cli.sampling.engines.vllm:VllmEngine",
        "remote": "axiom_cli.sampling.engines.remote:RemoteEngine",
        "scripted": "axiom_cli.sampling.engines.scripted:ScriptedEngine",
    }
)

AT_ONCE = 2048
"""Samples that an engine is asked for at once, if it does not say."""

NOT_EVERYWHERE: Mapping[str, str] = MappingProxyType({"dtype": "dtype", "max_think_tokens": "think_tokens"})
"""Settings of SolveConfig that only some engines can apply, those that name them in `applies`: each with its key in a
sample's `params`."""

Messages = Sequence[Mapping[str, str]]


@runtime_checkable
class Engine(Protocol):
    """Something that writes completions of problems with one model. Close it when done."""

    name: str
    model: ModelRef

    def generate(
        self,
        problems: Sequence[Problem],
        params: SolveConfig,
        samples: int,
        starts: Sequence[int] = (),
        messages: Sequence[Messages | None] = (),
    ) -> Iterator[list[Sample]]:
        """`samples` samples of each problem, a list a problem, in order, as soon as they are there.

        `starts` holds the index of each problem's first sample (else 0), so that more can be asked for later;
        `messages` a conversation to go on from instead of the problem's own, or None. A sample depends on
        `params.seed`, the problem, the conversation and its index: see `sample_seed`. A completion that could not be
        had is a sample that finished with `error` and says why in `extra["error"]`.
        """
        ...

    def close(self) -> None:
        """Frees what the engine holds. Closing twice is no error."""
        ...


def at_once(engine: Engine, config: SolveConfig) -> int:
    """How many samples `engine` is best asked for at once: it may say so by a method of this name."""
    return engine.at_once(config) if hasattr(engine, "at_once") else AT_ONCE


def keeps_singly(engine: Engine) -> bool:
    """Whether each of its samples takes long enough, or costs enough, to be kept as soon as it is there. An engine says
    so by `singly`, and then has a method `arriving`: as `generate`, but it gives (place among all samples, sample), in
    whatever order they end."""
    return bool(getattr(engine, "singly", False))


def grouped(arriving: Iterator[tuple[int, Sample]], problems: int, samples: int) -> Iterator[list[Sample]]:
    """What `arriving` gives as `generate` gives it: a list a problem, in order. Those that come early wait."""
    early: dict[int, Sample] = {}
    with closing(arriving):  # type: ignore[type-var]
        for first in range(problems):
            group = range(first * samples, (first + 1) * samples)
            for place in group:
                while place not in early:
                    early.update([next(arriving)])
            yield [early.pop(place) for place in group]


def sampling_params(config: SolveConfig) -> dict[str, Any]:
    """What a sample's `params` hold: what is always said, and what was said for once. All of it was applied: no engine
    opens with what it cannot do."""
    always = {name: getattr(config, name) for name in ("temperature", "top_p", "max_tokens", "seed")}
    return always | {NOT_EVERYWHERE[name]: getattr(config, name) for name in _unusual(config)}


def _unusual(config: SolveConfig) -> list[str]:
    return [name for name in NOT_EVERYWHERE if getattr(config, name) != getattr(SolveConfig, name)]


def sample_random(seed: int, problem: Problem, index: int) -> Random:
    """The source of chance of one sample: named, so that it does not depend on what else is in the batch."""
    return Random(f"{seed}/{problem.id}/{index}")


def sample_seed(seed: int, problem: Problem, index: int) -> int:
    """The same as a number from 0 to 2^31 - 1, for engines that take a seed with each request."""
    return sample_random(seed, problem, index).getrandbits(31)


@cache
def _plug_ins() -> dict[str, metadata.EntryPoint]:
    return {entry.name: entry for entry in metadata.entry_points(group=GROUP) if entry.name not in BUILT_IN}


def names() -> list[str]:
    """Every engine there is: the built-in ones in the order of the table, then plug-ins by name."""
    return [*BUILT_IN, *sorted(_plug_ins())]


def is_endpoint(model_name: str) -> bool:
    """Whether a model's name is the address of a server."""
    return model_name.startswith(("http://", "https://"))


def choose(model_name: str) -> str:
    """The engine that `auto` stands for: remote for an address, vllm where it and an NVIDIA device are, and the model
    is no `nano` and no GGUF file; else transformers."""
    if is_endpoint(model_name):
        return "remote"
    small = model_name == "nano" or model_name.endswith(".gguf")
    return "vllm" if not small and NVIDIA.exists() and find_spec("vllm") else "transformers"


def get(name: str) -> Any:
    """The class of the engine called `name`. Raises MissingError, with the closest name there is as its hint."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return getattr(import_module(module), attribute)
    if name in _plug_ins():
        entry = _plug_ins()[name]
        try:
            return entry.load()
        except (ImportError, AttributeError) as error:
            raise MissingError(f"the plug-in engine {name!r} ({entry.value}) does not load: {error}") from error
    hint = did_you_mean(name, names(), f"there are {', '.join(names())}")
    raise MissingError(f"no engine called {name!r}", hint)


def open_engine(model_name: str, config: SolveConfig, workspace: Workspace | None = None) -> Engine:
    """The engine that `config.engine` names (or the one that suits, for `auto`), ready to write with the model.

    Raises MissingError where the engine, what it needs, or the model is not there, UsageError where it cannot do what
    `config` asks for.
    """
    name = choose(model_name) if config.engine == "auto" else config.engine
    engine = get(name)
    _check(name, engine, config)
    return engine(model_name, config, workspace)


def _check(name: str, engine: Any, config: SolveConfig) -> None:
    """Raises UsageError where the engine would leave out what `config` asks for."""
    for setting in _unusual(config):
        if setting not in getattr(engine, "applies", ()):
            flag = f"--{setting.replace('_', '-')}"
            hint = "the server has settings of its own" if name == "remote" else "--engine transformers can"
            raise UsageError(f"the {name} engine cannot do {flag}", hint)
