"""Forked processes that share a piece of work: results in order, and no way to fail silently or to be left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import torch

from axiom_cli.models import worker_pool
from cases import slow_but

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="work is spread on Linux only")


def test_results_come_in_the_order_of_the_parts_from_other_processes_of_one_thread() -> None:
    def work(part: int) -> tuple[int, int, int]:
        time.sleep(0.2 / part)
        return part, os.getpid(), torch.get_num_threads()

    threads = torch.get_num_threads()
    with worker_pool.forked(work, 3) as each:
        found, again = each([1, 2, 3]), each([4, 5])
        assert torch.get_num_threads() == 1
    assert [part for part, _, _ in found + again] == [1, 2, 3, 4, 5]
    assert len({pid for _, pid, _ in found} | {os.getpid()}) == 4
    assert [pid for _, pid, _ in again] == [pid for _, pid, _ in found[:2]]
    assert {number for _, _, number in found} == {1} and torch.get_num_threads() == threads


def test_a_single_one_works_here() -> None:
    with worker_pool.forked(lambda part: (part, os.getpid()), 1) as each:
        assert each(["x"]) == [("x", os.getpid())]


def test_what_goes_wrong_there_is_raised_here() -> None:
    def work(part: int) -> int:
        if part == 1:
            raise ValueError("no such part")
        if part == 2:
            os._exit(9)
        return part

    with worker_pool.forked(work, 2) as each:
        with pytest.raises(ValueError, match="no such part"):
            each([0, 1])
        for _ in range(2):
            with pytest.raises(ChildProcessError, match="9"):
                each([0, 2])


@pytest.mark.slow
def test_what_is_yielded_there_comes_here_while_more_is_made() -> None:
    """Somebody who watches sees each item soon, and one who leaves early leaves no process behind."""

    def work(number: int) -> Iterator[tuple[str, int]]:
        yield "first", os.getpid()
        time.sleep(0.3)
        yield "second", os.getpid()
        time.sleep(60 * number)
        yield "last", os.getpid()

    seen, members, began = [], set(), time.monotonic()
    with closing(worker_pool.streamed(work, 2)) as items:
        for number, (what, pid) in items:
            seen.append((number, what))
            members.add(pid)
            if (0, "last") in seen and (1, "second") in seen:
                break
    assert [what for number, what in seen if number == 0] == ["first", "second", "last"]
    assert time.monotonic() - began < 30, "the other process sleeps for a minute"
    assert len(members) == 2 and not any(map(_running, members))

    def fails(number: int) -> Iterator[int]:
        yield number
        raise ValueError("no more of these")

    with pytest.raises(ValueError, match="no more of these"):
        list(worker_pool.streamed(fails, 2))


def test_memory_is_shared_both_ways() -> None:
    tensor = worker_pool.shared_zeros(torch.ones(2, 3, dtype=torch.bfloat16))
    assert tensor.shape == (2, 3) and tensor.dtype == torch.bfloat16 and not tensor.any()

    def work(part: int) -> float:
        tensor[part] += 1
        return float(tensor.sum())

    with worker_pool.forked(work, 2) as each:
        tensor += 1
        each([0, 1])
        tensor += 1
        assert each([0]) == [3 * 4 + 3 * 3]


def test_workers_are_counted_by_what_there_is_to_do() -> None:
    model, large = torch.nn.Linear(8, 8), torch.nn.Linear(1 << 12, 1 << 12)
    assert (
        worker_pool.num_workers(model, 0)
        == worker_pool.num_workers(model, 1)
        == worker_pool.num_workers(large, 100)
        == 1
    )
    assert worker_pool.num_workers(model, 100) == min(len(os.sched_getaffinity(0)), worker_pool.MAX_WORKERS)


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

        with worker_pool.forked(is_open, 2) as each:
            assert each([0, 1]) == [False, False]


ORPHANS = """
import os, sys, time
from axiom_cli.models import worker_pool
def work(part):
    os.write(2, f"{os.getpid()}\\n".encode())
    time.sleep(60)
with worker_pool.forked(work, 2) as each:
    each([0, 1])
"""


@pytest.mark.slow
@pytest.mark.parametrize("deed", slow_but({"SIGKILL"}, {"SIGKILL": signal.SIGKILL, "SIGINT": signal.SIGINT}))
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


IDLE = """
import os, signal
from axiom_cli.models import worker_pool
with worker_pool.forked(lambda part: part, 2) as each:
    each([0, 1])
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_those_that_wait_for_work_end_without_a_word_when_the_one_that_asked_is_killed() -> None:
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", IDLE], stderr=subprocess.PIPE, timeout=60)
        assert (done.returncode, done.stderr) == (-signal.SIGKILL, b"")


def _running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_small_model_gets_one_thread_and_a_large_one_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    model, threads = torch.nn.Linear(8, 8), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with worker_pool.few_threads(model):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        monkeypatch.setattr(worker_pool, "SMALL_MODEL_BYTES", 0)
        with worker_pool.few_threads(model):
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
