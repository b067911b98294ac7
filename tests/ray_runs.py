"""Commands that run on a cluster: their input, what they wrote, and what happens to them meanwhile."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from axiom_cli import jsonl
from axiom_cli.records import Problem, Program, Sample
from command_line import AXIOM, environment, rows
from ray_cluster import Cluster
from tiny import sample

SLEEPY = "def f(x):\n    n = 0\n    while n < {0}: n += 1\n    return {1}\n"
WORK = 1_500_000
"""Rounds of a loop that take some tenths of a second."""


def slow_programs() -> bytes:
    """Samples of programs, right and wrong, that take a while, answers between them."""
    made: list[Sample] = []
    for n in range(120):
        program = Program("f", "def f(x)", tests=[{"args": [1], "expected": 1}, {"args": [2], "expected": 2}])
        asked = Problem(f"{n // 4:016x}", "made", "made", "", 3, "train", program=program)
        made.append(sample(asked, f"```python\n{SLEEPY.format(WORK + n, 'x' if n % 3 else '1')}```", index=n % 4))
        if not n % 10:
            asked = Problem(f"{n + 1000:016x}", "made", "made", "", 3, "train", "7")
            made += [sample(asked, "Answer: 7"), sample(asked, "I do not know", 1)]
    return b"".join(map(jsonl.dump, made))


def on(cluster: Cluster) -> tuple[str, ...]:
    return ("--distribute", "ray", "--ray-address", cluster.address)


def first(problems: bytes, count: int) -> bytes:
    return b"".join(problems.splitlines(keepends=True)[:count])


def judged(stdout: bytes) -> list[dict[str, Any]]:
    """The verdicts without what was merely observed."""
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows(stdout)]


def receipts(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / ".axiom" / "receipts").iterdir())


class Going:
    """A command that runs while the test does something to it."""

    def __init__(self, *words: str, cwd: Path, stdin: bytes) -> None:
        (cwd / "in").write_bytes(stdin)
        self.out, self.err = cwd / "out", cwd / "err"
        with (cwd / "in").open("rb") as source, self.out.open("wb") as out, self.err.open("wb") as err:
            self._process = subprocess.Popen(
                [*AXIOM, *words], cwd=cwd, stdin=source, stdout=out, stderr=err, env=environment()
            )

    def wait_for_output(self, more: Callable[[], bool] = lambda: True) -> None:
        """Until the first record is out, and `more` holds."""
        until = time.monotonic() + 150
        while not self.out.stat().st_size or not more():
            assert self._process.poll() is None and time.monotonic() < until, self.err.read_text()
            time.sleep(0.05)

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self) -> tuple[int, bytes, str]:
        code = self._process.wait(timeout=240)
        return code, self.out.read_bytes(), self.err.read_text()


def nobody_left(cluster: Cluster) -> bool:
    """Whether the run's workers end within a while."""
    until = time.monotonic() + 30
    while cluster.workers() and time.monotonic() < until:
        time.sleep(0.2)
    return not cluster.workers()
