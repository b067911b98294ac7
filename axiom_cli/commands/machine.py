"""What this machine can do, and why not more."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from axiom_cli import __version__
from axiom_cli.sandbox import isolation_level

PACKAGES = ("torch", "transformers", "peft", "typer", "pydantic-settings", "orjson", "scipy")
EXTRAS = {"vllm": "vllm", "bitsandbytes": "qlora", "ray": "ray", "datasets": "datasets", "reasoning_gym": "gym"}
LEAST_DISK = 5 * 2**30
Check = dict[str, Any]


def examine(place: Path) -> Iterator[Check]:
    """One row a check: `check`, `found`, `ok`, and `advice` where there is more to be had. `place` is the workspace."""
    yield _check("axiom", __version__)
    yield _check("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield _check("processors", f"{os.cpu_count()} cores, {_memory():.1f} GiB memory")
    yield from _accelerator()
    yield from map(_package, PACKAGES)
    yield from (_extra(package, extra) for package, extra in EXTRAS.items())
    yield from _isolation()
    yield _disk(place)


def _check(check: str, found: str, ok: bool = True, advice: str = "") -> Check:
    return {"kind": "check", "check": check, "found": found, "ok": ok, "advice": advice}


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _accelerator() -> Iterator[Check]:
    from axiom_cli.models.weights import device

    found = str(device())
    advice = "" if found != "cpu" else "none found: nano learns on the processor; models of 1 B and more want a GPU"
    yield _check("accelerator", found, True, advice)


def _package(name: str) -> Check:
    try:
        return _check(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return _check(name, "missing", False, f"pip install {name}")


def _extra(package: str, extra: str) -> Check:
    if find_spec(package):
        return _check(package, metadata.version(package))
    return _check(package, "not installed", True, f"pip install 'axiom-rl[{extra}]'")


def _isolation() -> Iterator[Check]:
    level, missing = isolation_level()
    yield _check("isolation", level, level not in ("none", "limited"), "; ".join(missing))


def _disk(place: Path) -> Check:
    there = next(path for path in (place.absolute(), *place.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    ok = free >= LEAST_DISK and os.access(there, os.W_OK)
    advice = "" if ok else f"{there} wants {LEAST_DISK // 2**30} GiB free, and to be writable"
    return _check("disk", f"{free / 2**30:.1f} GiB free at {there}", ok, advice)
