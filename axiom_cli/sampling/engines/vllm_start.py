"""How vLLM is started: settings that follow from where it runs, and processes that keep to stderr.

On an accelerator weights have the checkpoint's type (a float32 checkpoint is halved, as vLLM does) unless `dtype` says
another. Where vLLM was
built for the processor they are float32, and nothing is compiled: that takes longer than a small model's samples do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from types import MappingProxyType
from typing import Any

from axiom_cli.errors import InputError, MissingError
from axiom_cli.sampling.engines import vllm_worker
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.terminal import stdout_guard

SHARE = 0.75
"""Of the accelerator's memory that is free at the start, this share is vLLM's: the rest is for the trainer's weights,
which stay while vLLM speaks."""
CACHE_BYTES = 1 << 32
"""On the processor keys and values take at most this much, whatever `batch_tokens` says."""
BLOCK = 32
"""Tokens of a block of the cache on the processor: prompts share whole blocks, and vLLM's own choice there is 128."""
LEAST = 64 * BLOCK
"""Tokens for which there is always room on the processor."""
QUIET = MappingProxyType(
    {"VLLM_LOGGING_LEVEL": "ERROR", "VLLM_LOGGING_STREAM": "ext://sys.stderr", "VLLM_NO_USAGE_STATS": "1"}
)
"""What vLLM is told in variables that the user has not set: to be quiet, and to send nothing home."""
PROCESSES = MappingProxyType(
    {
        "VLLM_WORKER_SHUTDOWN_TIMEOUT_SECONDS": "1",
        "TORCH_CPP_LOG_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore::FutureWarning",
    }
)
"""The same, of its processes: a worker often misses its first sign to end, so that what it waits is lost."""
PROCESSOR = MappingProxyType({**PROCESSES, "TORCHDYNAMO_DISABLE": "1", "VLLM_CPU_NUM_OF_RESERVED_CPU": "0"})
"""The same on the processor: to compile nothing, and to leave no core idle."""
PATIENCE = 30.0
"""Seconds after which processes that do not end are killed."""

EVERY = 1.0
"""Seconds between two looks at whether the processes are alive."""


def library() -> Any:
    """The package. MissingError where it is not installed."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import vllm
    except ImportError as error:
        hint = "pip install 'axiom-rl[vllm]', or choose --engine transformers"
        raise MissingError(f"the vllm engine needs vLLM: {error}", hint) from None
    return vllm


def start(vllm: Any, path: Path, config: SolveConfig) -> Any:
    """vLLM's engine, its processes started. InputError for a model that it does not read."""
    on_processor = _platform().is_cpu()
    settings = _processor_settings(path, config) if on_processor else _accelerator_settings(config)
    try:
        with _variables(PROCESSOR if on_processor else PROCESSES), _prints_on_stderr():
            return vllm.LLM(
                model=str(path),
                skip_tokenizer_init=True,
                enable_prefix_caching=True,
                use_tqdm_on_load=False,
                worker_extension_cls=f"{vllm_worker.__name__}.{vllm_worker.Reload.__name__}",
                max_model_len=-1,
                seed=0,
                **settings,
            )
    except (ValueError, RuntimeError, OSError) as error:
        line = str(error).strip().split("\n")[0]
        hint = "--engine transformers reads more models; VLLM_LOGGING_LEVEL=INFO shows what vLLM does"
        raise InputError(f"vLLM does not start with {path}: {line}", hint) from error


@contextmanager
def watched(llm: Any) -> Iterator[None]:
    """Whoever waits meanwhile for an engine whose process is killed gets vLLM's EngineDeadError: by itself vLLM (0.32)
    notices, and lets him wait for ever."""
    from vllm.v1.engine.exceptions import EngineDeadError

    core, done = llm.llm_engine.engine_core, Event()

    def watch() -> None:
        while not done.wait(EVERY):
            if core.resources.engine_dead:
                core.outputs_queue.put_nowait(EngineDeadError())
                return

    if hasattr(core, "resources"):
        Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        done.set()


def _platform() -> Any:
    from vllm.platforms import current_platform

    return current_platform


def sleeps() -> bool:
    """Whether vLLM can give its memory back and live on."""
    return bool(_platform().is_sleep_mode_available())


def _processor_settings(path: Path, config: SolveConfig) -> dict[str, Any]:
    """VLLM_CPU_KVCACHE_SPACE, where it is set, overrules the room for keys and values."""
    import torch
    from transformers import AutoConfig

    from axiom_cli.models.memory import free_memory

    shape = AutoConfig.from_pretrained(path).get_text_config()
    heads = getattr(shape, "num_key_value_heads", None) or shape.num_attention_heads
    size = getattr(shape, "head_dim", None) or shape.hidden_size // shape.num_attention_heads
    token = 2 * shape.num_hidden_layers * heads * size * 4
    wanted = config.batch_tokens * token or free_memory(torch.device("cpu")) // 4
    room = min(max(wanted, LEAST * token), CACHE_BYTES)
    dtype = "float32" if config.dtype == "auto" else config.dtype
    return {"dtype": dtype, "enforce_eager": True, "block_size": BLOCK, "kv_cache_memory_bytes": room}


def _accelerator_settings(config: SolveConfig) -> dict[str, Any]:
    import torch

    empty_cache()
    free, total = torch.cuda.mem_get_info()
    return {"dtype": config.dtype, "gpu_memory_utilization": SHARE * free / total, "enable_sleep_mode": sleeps()}


def empty_cache() -> None:
    """Hands back what training in this process no longer uses."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """These environment variables, where they are not set, for processes that are started meanwhile."""
    new = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


@contextmanager
def _prints_on_stderr() -> Iterator[None]:
    """Whatever processes that are started meanwhile print goes to stderr: stdout is for records."""
    if (stream := stdout_guard.stdout()) is not None:
        stream.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
