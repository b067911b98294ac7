"""The engines: what samples completions. To add one: a file here and a line in BUILT_IN, or from outside the package an
entry point in the group `axiom.engines`. docs/new_engine.md shows how.

Nothing heavy is imported before an engine is opened.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module, metadata
from importlib.util import find_spec
from types import MappingProxyType

from axiom_cli import models
from axiom_cli.errors import InputError, MissingError, UsageError, did_you_mean
from axiom_cli.models import NVIDIA
from axiom_cli.sampling.engines.protocol import Engine, unusual_settings
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace

GROUP = "axiom.engines"
BUILT_IN = MappingProxyType(
    {
        "transformers": "TransformersEngine",
        "vllm": "VllmEngine",
        "remote": "RemoteEngine",
        "server": "ServerEngine",
        "scripted": "ScriptedEngine",
    }
)
"""The class of each, in the file of that name."""


@cache
def _plug_ins() -> dict[str, metadata.EntryPoint]:
    return {entry.name: entry for entry in metadata.entry_points(group=GROUP) if entry.name not in BUILT_IN}


def names() -> list[str]:
    """Every engine there is: the built-in ones in the order of the table, then plug-ins by name."""
    return [*BUILT_IN, *sorted(_plug_ins())]


def is_endpoint(model_name: str) -> bool:
    """Whether a model's name is the address of a server."""
    return model_name.startswith(("http://", "https://"))


def choose(model_name: str, config: SolveConfig = SolveConfig()) -> str:
    """The engine that samples from the model. What `auto` stands for: remote for an address; vllm if it and an NVIDIA
    device are there and the model is neither `nano` nor a GGUF file; else transformers. With `config.server`, the
    server engine. UsageError where the two do not go together."""
    if config.server:
        if is_endpoint(model_name):
            raise UsageError(f"--server and the model {model_name} are two servers", "leave out --server")
        if config.engine not in ("auto", "remote", "server"):
            raise UsageError(f"--engine {config.engine} does not use a server", "leave out --engine, or --server")
        return "server"
    if config.engine != "auto":
        return config.engine
    if is_endpoint(model_name):
        return "remote"
    small = model_name == "nano" or model_name.endswith(".gguf")
    return "vllm" if not small and NVIDIA.exists() and find_spec("vllm") else "transformers"


def get(name: str) -> type[Engine]:
    """The class of the engine called `name`. Raises MissingError with the closest name as its hint, InputError for a
    plug-in that is not an engine."""
    if name in BUILT_IN:
        engine: type[Engine] = getattr(import_module(f"{__name__}.{name}"), BUILT_IN[name])
        return engine
    if name in _plug_ins():
        return _load(_plug_ins()[name])
    hint = did_you_mean(name, names(), f"the engines are {', '.join(names())}")
    raise MissingError(f"there is no engine called {name!r}", hint)


def _load(entry: metadata.EntryPoint) -> type[Engine]:
    try:
        engine = entry.load()
    except (ImportError, AttributeError) as error:
        message = f"the plug-in engine {entry.name!r} ({entry.value}) does not load: {error}"
        raise MissingError(message, "install its package again, or choose another --engine") from error
    if not isinstance(engine, type) or Engine not in engine.__mro__:
        raise InputError(
            f"the plug-in engine {entry.name!r} ({entry.value}) is not a subclass of Engine",
            "see docs/new_engine.md: from axiom_cli.sampling.engines.protocol import Engine",
        )
    return engine


def open_engine(model_name: str, config: SolveConfig, workspace: Workspace | None = None) -> Engine:
    """The engine that `config.engine` names (or the one that suits, for `auto`), ready to sample from the model.

    Raises MissingError where the engine, what it needs, or the model is not there, UsageError for settings that the
    engine does not support.
    """
    name = choose(model_name, config)
    check_supported(name, config)
    if name in ("transformers", "vllm"):
        models.resolve(model_name, workspace)  # a name that leads nowhere is refused before their libraries load
    return get(name)(model_name, config, workspace)  # type: ignore[call-arg]  # a protocol has no constructor


def check_supported(name: str, config: SolveConfig) -> None:
    """UsageError for settings that the engine called `name` does not apply, MissingError where there is none."""
    if name not in names():
        get(name)
    for setting in unusual_settings(config):
        if setting not in get(name).supports:
            flag = f"--{setting.replace('_', '-')}"
            hint = "the server has its own settings" if name in ("remote", "server") else "use --engine transformers"
            raise UsageError(f"the {name} engine does not support {flag}", hint)
