"""This process's place among those that train together, as torchrun and `accelerate launch` set it; 0 of 1 if alone."""

from __future__ import annotations

import os

LAUNCHER_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR")


def size() -> int:
    """How many processes train together."""
    return int(os.environ["WORLD_SIZE"]) if all(name in os.environ for name in LAUNCHER_VARIABLES) else 1


def rank() -> int:
    """This process's number, from 0."""
    return int(os.environ["RANK"]) if size() > 1 else 0


def local_rank() -> int:
    """Its number among the processes on this machine, which is also the index of its accelerator."""
    return int(os.environ.get("LOCAL_RANK", 0)) if size() > 1 else 0


def are_sharded() -> bool:
    """Whether `accelerate launch --use_fsdp` started them, so that the model is sharded across them."""
    return size() > 1 and os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"


def is_first() -> bool:
    """Whether this is the process that reports and writes."""
    return rank() == 0
