"""A busy machine fails no correct program: processor time and sleep are limited, a wait for a processor is neither."""

from __future__ import annotations

import os
import time

import pytest

from axiom_cli.records import Program
from axiom_cli.sandbox import Limits, Sandbox
from axiom_cli.sandbox.load import slowdown
from busy import load

BUSY = 8
WORKS = (
    "import time\ndef f(x):\n    end = time.process_time() + 0.3\n"
    "    while time.process_time() < end:\n        pass\n    return 2 * x\n"
)
PROGRAM = Program("f", "def f(x)", tests=[{"args": [1], "expected": 2}])
SCRIPT = Program("<stdin>", "", tests=[{"args": ["1\n"], "expected": "1\n"}])


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/loadavg"), reason="the system does not say who wants to run")
def test_a_crowd_is_noticed_at_once():
    with load(4 * (os.cpu_count() or 1)):
        time.sleep(0.5)
        assert slowdown() > 2


@pytest.mark.slow
def test_a_crowded_machine_fails_no_correct_program():
    """They need three fifths of their processor time, and get it many times later than on a quiet machine."""
    with Sandbox(Limits(timeout=0.5), jobs=2) as box, load(BUSY):
        items = ((n, f"{WORKS}# {n}", PROGRAM) for n in range(16))
        outcomes = [outcome for _, outcome in box.run_many(items)]
    assert [outcome for outcome in outcomes if outcome.status == "fail"] == []
    if os.nice(0) == 0:
        assert {outcome.status for outcome in outcomes} == {"pass"}


SLEEPERS = {
    "asleep": ("import time\ndef f(x): time.sleep(600)", PROGRAM),
    "short naps": ("import time\ndef f(x):\n    while True: time.sleep(0.003)", PROGRAM),
    "test code": ("import time\ndef f(x): time.sleep(600)", Program("f", "", test_code="assert f(1) == 2")),
    "a script": ("import time\nprint(input(), flush=True)\ntime.sleep(600)", SCRIPT),
    "a thread": ("import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()", SCRIPT),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SLEEPERS)
def test_a_crowded_machine_finds_a_sleeper_as_soon_as_a_quiet_one(name):
    limits = Limits(timeout=0.4)
    with Sandbox(limits, jobs=1) as box, load(BUSY):
        if box.pool.workers[0].idleness is None:
            pytest.skip("this system does not tell how long a process sleeps")
        began = time.monotonic()
        outcome = box.run(*SLEEPERS[name])
        assert outcome.status == "fail" and "mostly waiting" in outcome.reason
        assert time.monotonic() - began < 3 * limits.wall


@pytest.mark.slow
def test_a_crowded_machine_still_ends_what_never_ends():
    with Sandbox(Limits(timeout=0.2), jobs=1) as box, load(BUSY):
        asleep = box.run("import time\ndef f(x): time.sleep(600)", PROGRAM)
        endless = box.run("def f(x):\n    while True: pass", PROGRAM)
    assert asleep.status == "fail" and "mostly waiting" in asleep.reason
    assert endless.status == "fail" or os.nice(0) > 0
