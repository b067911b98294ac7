"""Running Python as an ordinary user, where the tests run as root."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import orjson
import pytest

NOBODY = 65534
ROOT = Path(__file__).parent.parent
PATH = os.pathsep.join([str(ROOT), str(Path(orjson.__file__).parent.parent)])


def run(python: str, code: str) -> subprocess.CompletedProcess[str]:
    """`python -c code` as user 65534 with the package in reach, and nothing of the caller's environment."""
    environment = {"PYTHONPATH": PATH, "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [python, "-c", code], user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", env=environment,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip


@cache
def python() -> str:
    """An interpreter of this version that an ordinary user may start; skips the test where there is none."""
    if not sys.platform.startswith("linux") or os.getuid() != 0:
        pytest.skip("needs to change the user")
    name = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for candidate in (sys.executable, f"/usr/bin/{name}", f"/usr/local/bin/{name}"):
        try:
            if run(candidate, "import axiom_cli.sandbox").returncode == 0:
                return candidate
        except OSError:
            continue
    pytest.skip("no interpreter of this version, or not this checkout, can be read by an ordinary user")
