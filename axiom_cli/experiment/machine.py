"""The machines that an experiment ran on, beside its metrics: processor, memory, accelerator, versions, and when."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import axiom_cli
from axiom_cli import files, jsonl
from axiom_cli.evaluation.experiment_folder import ExperimentFolder
from axiom_cli.models.loading import device

PACKAGES = ("torch", "transformers", "peft", "numpy", "scipy")
WHEN = ("began", "ended")


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def note_machine(folder: ExperimentFolder, began: str) -> None:
    """Adds this machine to the experiment's machines.jsonl, with the time at which this process began to run it and the
    time now. A machine that is in there already stays as it is, so that a finished run can be asked for again."""
    known = list(jsonl.objects(folder.machines)) if files.is_regular(folder.machines) else []
    here = {"kind": "machine", **this_machine()}
    if here not in [{key: value for key, value in row.items() if key not in WHEN} for row in known]:
        jsonl.save(folder.machines, [*known, {**here, "began": began, "ended": now()}], follow=False)


def this_machine() -> dict[str, Any]:
    """What may matter for how a run went; neither the machine's name nor its user's."""
    accelerator = device()
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "accelerator": _card() if accelerator.type == "cuda" else accelerator.type,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {"axiom": axiom_cli.__version__, **{name: metadata.version(name) for name in PACKAGES}},
    }


def _card() -> str:
    import torch

    return torch.cuda.get_device_name()


def _processor() -> str:
    """The processor's name, as Linux tells it; else what Python knows of it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
