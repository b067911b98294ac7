"""How vLLM is started: settings for the machine, and processes that print to stderr only.

On an accelerator weights have the checkpoint's type (vLLM halves a float32 checkpoint) unless `dtype` names another. A
vLLM built for the processor uses float32 and compiles nothing: compiling takes longer than a small model's samples.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from types import MappingProxyType
from typing import Any

from axiom_cli import installation
from axiom_cli.errors import InputError, MissingError
from axiom_cli.sampling.engines import vllm_worker
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.terminal import stdout_guard

SHARE = 0.75
"""vLLM's share of the accelerator memory that is free at the start. The rest is for the trainer's weights, which stay
there while vLLM samples."""
MAX_CACHE_BYTES = 1 << 32
"""On the processor keys and values take at most this much, whatever `batch_tokens` is."""
CACHE_BLOCK = 32
"""Tokens per cache block on the processor: prompts share whole blocks, and vLLM's default there is 128."""
MIN_CACHE_TOKENS = 64 * CACHE_BLOCK
"""On the processor the cache holds at least this many tokens."""
QUIET = MappingProxyType(
    {"VLLM_LOGGING_LEVEL": "ERROR", "VLLM_LOGGING_STREAM": "ext://sys.stderr", "VLLM_NO_USAGE_STATS": "1"}
)
"""Environment variables, unless the user has set them: vLLM is quiet and sends no usage statistics."""
WORKER_VARIABLES = MappingProxyType(
    {
        "VLLM_WORKER_SHUTDOWN_TIMEOUT_SECONDS": "1",
        "TORCH_CPP_LOG_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore::FutureWarning",
    }
)
"""The same for its processes. A worker often misses its first signal to end, so that waiting longer is lost time."""
PROCESSOR_VARIABLES = MappingProxyType(
    {**WORKER_VARIABLES, "TORCHDYNAMO_DISABLE": "1", "VLLM_CPU_NUM_OF_RESERVED_CPU": "0"}
)
"""The same on the processor: compile nothing, use every core."""
PATIENCE = 30.0
"""Seconds after which processes that do not end are killed."""
WATCH_INTERVAL = 1.0
"""Seconds between checks that the processes are alive."""


def library() -> Any:
    """The package. MissingError where it is not installed."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import vllm
    except ImportError as error:
        hint = f"{installation.extra('vllm')}, or use --engine transformers"
        raise MissingError(f"the vllm engine needs vLLM: {error}", hint) from None
    return vllm


def start(vllm: Any, path: Path, config: SolveConfig) -> Any:
    """vLLM's engine, with its processes started. Raises InputError for a model that vLLM does not read."""
    on_processor = _platform().is_cpu()
    settings = _processor_settings(path, config) if on_processor else _accelerator_settings(config)
    try:
        with _environment(PROCESSOR_VARIABLES if on_processor else WORKER_VARIABLES), _stdout_to_stderr():
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
        hint = "--engine transformers reads more models; with VLLM_LOGGING_LEVEL=INFO, vLLM says what it does"
        raise InputError(f"vLLM does not start with {path}: {line}", hint) from error


@contextmanager
def watched(llm: Any) -> Iterator[None]:
    """Within it, waiting for an engine whose process was killed raises vLLM's EngineDeadError. By itself vLLM (0.32)
    notices the death but leaves the caller waiting for ever."""
    from vllm.v1.engine.exceptions import EngineDeadError

    core, done = llm.llm_engine.engine_core, Event()

    def watch() -> None:
        while not done.wait(WATCH_INTERVAL):
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
    """Whether vLLM can free its memory without ending."""
    return bool(_platform().is_sleep_mode_available())


def _processor_settings(path: Path, config: SolveConfig) -> dict[str, Any]:
    """VLLM_CPU_KVCACHE_SPACE overrides the size of the cache."""
    import torch

    from axiom_cli.models.loading import load_config
    from axiom_cli.models.memory import cache_bytes, free_memory

    token = cache_bytes(load_config(path).get_text_config(), torch.float32)
    wanted = config.batch_tokens * token or free_memory(torch.device("cpu")) // 4
    room = min(max(wanted, MIN_CACHE_TOKENS * token), MAX_CACHE_BYTES)
    dtype = "float32" if config.dtype == "auto" else config.dtype
    return {"dtype": dtype, "enforce_eager": True, "block_size": CACHE_BLOCK, "kv_cache_memory_bytes": room}


def _accelerator_settings(config: SolveConfig) -> dict[str, Any]:
    import torch

    empty_cache()
    free, total = torch.cuda.mem_get_info()
    return {"dtype": config.dtype, "gpu_memory_utilization": SHARE * free / total, "enable_sleep_mode": sleeps()}


def empty_cache() -> None:
    """Returns the memory that training in this process no longer uses."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Sets these environment variables, unless they are set already, for processes that are started meanwhile."""
    new = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(new)
    try:
        yield
    finally:
        for name in new:
            os.environ.pop(name, None)


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Sends what newly started processes print to stderr: stdout is for records."""
    if (stream := stdout_guard.stdout()) is not None:
        stream.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
