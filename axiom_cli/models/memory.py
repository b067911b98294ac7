"""How much memory is free, and how much of it a training pass takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from weakref import WeakSet

import torch
from transformers import PreTrainedModel

from axiom_cli.errors import MissingError

ASSUMED_FREE = 1 << 31
"""Bytes that are assumed to be free where the system does not say."""
ACTIVATION_SHARE = 0.5
"""Of the free memory that one pass is meant to take, by an estimate that does not know what the backward pass adds."""
TRAINED_BYTES = 12
"""Bytes that a trained parameter takes beside itself: its gradient and Adam's two means."""
LESS_MEMORY = "try --gradient-checkpointing, --quantize 4bit, or a smaller --max-length"
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
"""What torch's errors say; some of them have no type of their own."""
CGROUP = Path("/sys/fs/cgroup")


def free_memory(device: torch.device) -> int:
    """Free bytes: the accelerator's, or the machine's, or what the container may take of them."""
    if device.type == "cuda":
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + held
    return min(_available(), _container())


@dataclass(eq=False)
class _Saved:
    """A tensor for as long as the backward pass needs it."""

    tensor: torch.Tensor


def saved_bytes(forward: Callable[[], torch.Tensor]) -> int:
    """Bytes that `forward` leaves behind for its backward pass, the weights among them."""
    saved: WeakSet[_Saved] = WeakSet()

    def keep(tensor: torch.Tensor) -> _Saved:
        saved_tensor = _Saved(tensor)
        saved.add(saved_tensor)
        return saved_tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda saved_tensor: saved_tensor.tensor):
        alive = forward()  # and with it what its backward pass needs; the rest is gone, and its storage used again
    storages = [saved_tensor.tensor.untyped_storage() for saved_tensor in saved]
    del alive
    # By the address of the storage: that of its bytes is not one, since empty storages share it.
    return sum({storage._cdata: storage.nbytes() for storage in storages}.values())  # noqa: SLF001


def token_bytes(forward: Callable[[int], torch.Tensor], length: int) -> int:
    """What a pass keeps for each token, where `forward` is a pass over so many copies of a row of `length` tokens."""
    few, more = (saved_bytes(lambda: forward(times)) for times in (1, 3))  # noqa: B023 - called at once
    return max(1, (more - few) // (2 * length))


def checkpointed_token_bytes(token: int, model: torch.nn.Module) -> int:
    """The same with gradient checkpointing: all that one layer keeps, and of the others their input in float32."""
    config = cast(PreTrainedModel, model).config
    layers, hidden = config.num_hidden_layers, config.hidden_size
    return token // layers + 4 * layers * hidden


def activation_budget(device: torch.device, trained: int) -> float:
    """Bytes that forward passes may keep, beside the gradients and the optimizer of `trained` parameters."""
    return ACTIVATION_SHARE * (free_memory(device) - TRAINED_BYTES * trained)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether this is how Python or torch says that no memory is left."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)
    )


@contextmanager
def explained_shortage(when: str) -> Iterator[None]:
    """Within it, running out of memory is a MissingError that says `when` it did."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise MissingError(f"out of memory {when}", LESS_MEMORY) from None


def _available() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError):
        return ASSUMED_FREE


def _container() -> int:
    """What control groups (version 2) leave, without end where they say nothing."""
    try:
        most, used = ((CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return max(0, int(most) - int(used)) if most != "max" else 1 << 60
    except (OSError, ValueError):
        return 1 << 60


def cache_bytes(config: Any, dtype: torch.dtype) -> int:
    """The bytes that the keys and values of a token take in a language model with this config. A model with a state
    instead is taken for one whose heads fill its hidden size, which is more than enough."""
    layers = config.per_layer_config if getattr(config, "is_heterogeneous", False) else [config]
    widths = [_cache_width(layer) for layer in layers]
    return round(2 * config.num_hidden_layers * sum(widths) / len(widths) * dtype.itemsize)


def _cache_width(config: Any) -> int:
    all_heads = getattr(config, "num_attention_heads", None)
    heads = getattr(config, "num_key_value_heads", None) or all_heads
    if not isinstance(heads, int) or not isinstance(all_heads, int):
        return config.hidden_size
    return heads * (getattr(config, "head_dim", None) or config.hidden_size // all_heads)
