"""`axiom doctor`."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

from axiom_cli import __version__, installation
from axiom_cli.commands.pages import page
from axiom_cli.commands.streams import AsJson, show_rows
from axiom_cli.workspace.objects import nearest_existing

PACKAGES = ("torch", "transformers", "peft", "typer", "pydantic-settings", "orjson", "scipy")
EXTRAS = {
    "vllm": "vllm",
    "bitsandbytes": "qlora",
    "ray": "ray",
    "datasets": "datasets",
    "reasoning_gym": "gym",
    "textual": "view",
}
NO_CARD = "nano needs none; models of 1 B parameters and more need a GPU"
UNUSED_CARD = "there is an NVIDIA card that this build of PyTorch cannot use: see docs/your_model.md for the right one"
LEAST_DISK = 5 * 2**30

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(**page("axiom doctor", "axiom doctor --json | jq 'select(.ok | not)'"))
def doctor(ctx: typer.Context, json: AsJson = False) -> None:
    """Check this machine: accelerator, engines, sandbox, disk, versions."""
    show_rows("this machine", examine(Path(ctx.obj.config.workspace or ".axiom")), json)


def examine(workspace: Path) -> Iterator[dict[str, Any]]:
    """One row for each check: `check`, `found`, `ok`, and `advice` if something is missing."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield _row("axiom", __version__)
    yield _row("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield _row("processors", f"{os.cpu_count()} cores, {memory:.1f} GiB memory")
    # Only now is PyTorch loaded, which takes seconds: the first rows come at once.
    from axiom_cli import models
    from axiom_cli.experiment.memory_forecast import GIB, recommended, this_machine
    from axiom_cli.models.loading import device
    from axiom_cli.sandbox import isolation_level

    accelerator = str(device())
    without = UNUSED_CARD if models.NVIDIA.exists() else NO_CARD
    yield _row("accelerator", accelerator, advice=without if accelerator == "cpu" else "")
    machine = this_machine()
    where = f"{machine.free / GIB:.1f} GiB are free{' on the GPU' if machine.accelerator else ''}"
    yield _row("preset", f"{recommended(machine)}: {where}", advice="axiom config --preset NAME prints one")
    for package in PACKAGES:
        installed = find_spec(package.replace("-", "_")) is not None
        advice = "" if installed else installation.package(package)
        yield _row(package, metadata.version(package) if installed else "missing", ok=installed, advice=advice)
    for package, extra in EXTRAS.items():
        installed = find_spec(package) is not None
        advice = "" if installed else installation.extra(extra)
        yield _row(package, metadata.version(package) if installed else "not installed", advice=advice)
    level, missing = isolation_level()
    yield _row("isolation", level, ok=level not in ("none", "limited"), advice="; ".join(missing))
    folder = nearest_existing(workspace)
    free = shutil.disk_usage(folder).free
    roomy = free >= LEAST_DISK and os.access(folder, os.W_OK)
    advice = "" if roomy else f"{folder} must be writable, with {LEAST_DISK // 2**30} GiB of free space"
    yield _row("disk", f"{free / 2**30:.1f} GiB free at {folder}", ok=roomy, advice=advice)


def _row(check: str, finding: str, *, ok: bool = True, advice: str = "") -> dict[str, Any]:
    return {"kind": "check", "check": check, "found": finding, "ok": ok, "advice": advice}
