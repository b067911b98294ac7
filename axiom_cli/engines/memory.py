"""How much memory there is to take."""

from __future__ import annotations

import os
from pathlib import Path

import torch

UNKNOWN = 1 << 31
"""Bytes that are taken for free where the system does not say."""
CGROUP = Path("/sys/fs/cgroup")


def free_memory(device: torch.device) -> int:
    """Bytes that can still be had: the accelerator's, or the machine's, or what the container may take of them."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min(_available(), _container())


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
