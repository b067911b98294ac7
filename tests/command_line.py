"""Running the command line as a user does: a process of its own, with its own folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

import fork_server
from axiom_cli import installation

AXIOM = [sys.executable, "-m", "axiom_cli"]
ROOT = Path(__file__).parent.parent


def environment(**more: str) -> dict[str, str]:
    """The process's environment without settings of its own, and without the user's configuration."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AXIOM_") and name != "NO_COLOR"}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**kept, "XDG_CONFIG_HOME": "/nonexistent", "PYTHONPATH": path, "OMP_NUM_THREADS": "1", **more}


READ_LATE = (
    "PATH", "PYTHONPATH", "NO_COLOR", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "HF_HUB_OFFLINE", "RANK", "WORLD_SIZE",
    "MASTER_ADDR", "MASTER_PORT", "ACCELERATE_USE_FSDP", "COMP_WORDS", "COMP_CWORD", "_AXIOM_COMPLETE",
)  # fmt: skip
"""What may be set for a process that has loaded its libraries: Hugging Face's are offline there from the start."""


def axiom(
    *words: str, cwd: Path, stdin: bytes | None = b"", env: dict[str, str] | None = None, **how: Any
) -> subprocess.CompletedProcess[bytes]:
    """`axiom WORDS` in `cwd`, with `stdin` piped in. A process that was started already takes the command, unless
    something is set that Python or a library reads as it starts."""
    if not how and all(name.startswith("AXIOM_") or name in READ_LATE for name in env or ()):
        return fork_server.run(words, cwd, environment(**(env or {})), stdin, timeout=600)
    return subprocess.run(
        [*AXIOM, *words], cwd=cwd, input=stdin, env=environment(**(env or {})), capture_output=True, timeout=600, **how
    )


def rows(data: bytes) -> list[dict[str, Any]]:
    """The records on a stdout: every line whole."""
    assert not data or data.endswith(b"\n")
    return [orjson.loads(line) for line in data.splitlines()]


def extra(name: str, cwd: Path) -> str:
    """The command that axiom, run in `cwd`, says installs an extra."""
    return replace(installation.this_copy(), folder=cwd).extra(name)


def talk(done: subprocess.CompletedProcess[bytes]) -> list[str]:
    """The lines on stderr."""
    return done.stderr.decode().splitlines()


def failed(done: subprocess.CompletedProcess[bytes], code: int, *said: str) -> None:
    """Asserts a failure that a user can read: the code, one `error:` line, no traceback, and what must be said."""
    lines = talk(done)
    assert done.returncode == code, lines
    assert "Traceback" not in done.stderr.decode()
    assert sum(line.startswith("error: ") for line in lines) == 1, lines
    for part in said:
        assert part in done.stderr.decode(), lines


SCRIPTED: Sequence[str] = ("--engine", "scripted")
