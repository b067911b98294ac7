"""Which of several processes this one is, as torchrun and `accelerate launch` say it. One alone is the first of one."""

from __future__ import annotations

import os

NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR")


def size() -> int:
    """How many processes train together."""
    return int(os.environ["WORLD_SIZE"]) if all(name in os.environ for name in NEEDED) else 1


def rank() -> int:
    """The number of this one."""
    return int(os.environ["RANK"]) if size() > 1 else 0


def local_rank() -> int:
    """Its number among those of this machine: that of its accelerator."""
    return int(os.environ.get("LOCAL_RANK", 0)) if size() > 1 else 0


def are_sharded() -> bool:
    """Whether `accelerate launch --use_fsdp` started them, so that they hold one model in parts."""
    return size() > 1 and os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"


def is_first() -> bool:
    """Whether this is the one that talks and writes."""
    return rank() == 0
