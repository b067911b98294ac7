"""Forked processes that share a piece of work: results in order, and no way to fail silently or to be left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from axiom_cli.engines import crew

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="work is spread on Linux only")


def test_results_come_in_the_order_of_the_parts_from_other_processes_of_one_thread() -> None:
    def work(part: int) -> tuple[int, int, int]:
        time.sleep(0.2 / part)
        return part, os.getpid(), torch.get_num_threads()

    threads = torch.get_num_threads()
    found = crew.each(work, [1, 2, 3])
    assert [part for part, _, _ in found] == [1, 2, 3]
    assert len({pid for _, pid, _ in found} | {os.getpid()}) == 4
    assert {number for _, _, number in found} == {1} and torch.get_num_threads() == threads


def test_a_single_part_is_worked_on_here() -> None:
    assert crew.each(lambda part: (part, os.getpid()), ["x"]) == [("x", os.getpid())]


def test_what_goes_wrong_there_is_raised_here() -> None:
    def work(part: int) -> int:
        if part == 1:
            raise ValueError("no such part")
        if part == 2:
            os._exit(9)
        return part

    with pytest.raises(ValueError, match="no such part"):
        crew.each(work, [0, 1])
    with pytest.raises(ChildProcessError, match="9"):
        crew.each(work, [0, 2])


def test_nothing_of_ours_stays_open_there(tmp_path: Path) -> None:
    """A lock that a killed run held must be free at once."""
    with (tmp_path / "lock").open("w") as held:
        number = held.fileno()

        def is_open(_: int) -> bool:
            try:
                os.fstat(number)
            except OSError:
                return False
            return True

        assert crew.each(is_open, [0, 1]) == [False, False]


ORPHANS = """
import os, sys, time
from axiom_cli.engines import crew
def work(part):
    os.write(2, f"{os.getpid()}\\n".encode())
    time.sleep(60)
crew.each(work, [0, 1])
"""


@pytest.mark.parametrize("deed", [signal.SIGKILL, signal.SIGINT])
def test_none_outlives_the_one_that_asked(deed: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", ORPHANS], stderr=subprocess.PIPE, start_new_session=True) as parent:
        assert parent.stderr
        members = [int(parent.stderr.readline()) for _ in range(2)]
        parent.send_signal(deed)
        parent.wait(10)
    deadline = time.monotonic() + 10
    while any(_running(pid) for pid in members):
        assert time.monotonic() < deadline, "left behind"
        time.sleep(0.05)


def _running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
