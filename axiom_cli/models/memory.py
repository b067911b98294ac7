"""How much memory there is to take, and how much a training pass takes of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import torch

UNKNOWN = 1 << 31
"""Bytes that are taken for free where the system does not say."""
SHARE = 0.5
"""Of the free memory that one pass is meant to take, by an estimate that does not know what the backward pass adds."""
LEARNT = 12
"""Bytes that a parameter that is learnt takes beside itself: its gradient and Adam's two means."""
LESS = "try --gradient-checkpointing, --quantize 4bit, or a smaller --max-length"
CGROUP = Path("/sys/fs/cgroup")


def free_memory(device: torch.device) -> int:
    """Bytes that can still be had: the accelerator's, or the machine's, or what the container may take of them."""
    if device.type == "cuda":
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + held
    return min(_available(), _container())


def kept_bytes(forward: Callable[[], torch.Tensor]) -> int:
    """Bytes that `forward` leaves behind for its backward pass, the weights among them."""
    storages: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        storages[storage._cdata] = storage.nbytes()
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda kept: kept):
        alive = forward()  # while it lives no storage is given twice
    del alive
    return sum(storages.values())


def token_bytes(forward: Callable[[int], torch.Tensor], length: int) -> int:
    """What a pass keeps for each token, where `forward` is a pass over so many copies of a row of `length` tokens."""
    few, more = (kept_bytes(lambda: forward(times)) for times in (1, 3))  # noqa: B023 - called at once
    return max(1, (more - few) // (2 * length))


def checkpointed(token: int, model: torch.nn.Module) -> int:
    """The same with gradient checkpointing: all that one layer keeps, and of the others their input in float32."""
    layers, hidden = model.config.num_hidden_layers, model.config.hidden_size
    return token // layers + 4 * layers * hidden


def for_passes(device: torch.device, learnt: int) -> float:
    """Bytes that forward passes may keep, beside the gradients and the optimizer of `learnt` parameters."""
    return SHARE * (free_memory(device) - LEARNT * learnt)


def is_shortage(error: BaseException) -> bool:
    """Whether this is how torch says that there is no memory left."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def _available() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError):
        return UNKNOWN


def _container() -> int:
    """What control groups (version 2) leave, without end where they say nothing."""
    try:
        most, used = ((CGROUP / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return max(0, int(most) - int(used)) if most != "max" else 1 << 60
    except (OSError, ValueError):
        return 1 << 60
