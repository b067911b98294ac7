"""What a program could do at the seams: descriptors, workers that come later, what outlives the sandbox, its clock."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from axiom_cli.errors import MissingError
from axiom_cli.records import Program
from axiom_cli.sandbox import Limits, Sandbox, attack_suite, worker

ECHO = Program("f", "def f(x)", tests=[{"args": [n], "expected": n} for n in range(4)])
READS_AHEAD = """
import os, marshal, struct, time
def burn(seconds):
    until = time.process_time() + seconds
    while time.process_time() < until: pass
def f(x):
    %s
    return x
"""


def seen(x):
    """What `f` returned, through a test that it must fail."""
    return Program("f", "def f(x)", tests=[{"args": [x], "expected": "?"}])


def open_descriptors(box):
    """The numbers that a program finds open, which it tells by an exception."""
    code = """
import os
def f(x):
    found = []
    for n in range(3000):
        try: os.get_inheritable(n)
        except OSError: continue
        found.append(n)
    raise ValueError(found)
"""
    return box.run(code, seen(0)).reason


def test_no_descriptor_leads_out_however_many_the_parent_holds():
    held = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while held[-1] < 300:
            held.append(fcntl.fcntl(held[0], fcntl.F_DUPFD, held[-1] + 1))
        with Sandbox(jobs=1) as box:
            assert open_descriptors(box) == "ValueError: [0, 1, 2, 3] on test 1"
    finally:
        for descriptor in held:
            os.close(descriptor)


def test_the_canary_sees_a_descriptor_that_was_left_open(monkeypatch):
    monkeypatch.setattr("axiom_cli.sandbox.worker.BOOT", worker.BOOT.replace(
        "zygote.main(", "import os; zygote.os.closerange = lambda low, high: None; os.dup(0); zygote.main(")
    )  # fmt: skip
    with Sandbox(jobs=1, isolation="none") as box:
        assert box.level == "none"
        assert "a canary could find an open descriptor" in box.missing


def test_a_worker_that_comes_later_and_isolates_less_is_refused(monkeypatch):
    with Sandbox(Limits(timeout=1.0), jobs=2) as box:
        if box.level == "basic":
            pytest.skip("there is nothing to lose here but the filter")
        box.pool.setup = worker.Setup(layers=("seccomp",))
        with pytest.raises(MissingError, match="a new sandbox worker reaches isolation 'basic'"):
            list(box.run_many((n, f"def f(x): return x # {n}", ECHO) for n in range(20)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "layers",
    [
        ("namespaces", "landlock", "seccomp"),
        pytest.param(("landlock", "seccomp"), marks=pytest.mark.slow),
        pytest.param(("seccomp",), marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("kill", [False, True])
def test_nothing_outlives_the_sandbox(tmp_path, layers, kill):
    """A sleeper uses no processor time, so that nothing but its maker's end can end it."""
    script = f"""
import sys, time
from axiom_cli.sandbox import Limits, Sandbox, Setup
from axiom_cli.records import Program
with Sandbox(Limits(timeout=30.0), jobs=1, isolation="none", setup=Setup({layers!r})) as box:
    quick = "def f(x): return x"
    slow = "import time\\ndef f(x):\\n    while True: time.sleep(1000)"
    program = Program("f", "def f(x)", tests=[{{"args": [1], "expected": 1}}])
    for outcome in box.run_many([(0, quick, program), (1, slow, program)]):
        print("ready", flush=True)
        time.sleep(0.3)
        if {kill}: time.sleep(60)
        break
print("closed", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        below = attack_suite.descendants(process.pid)
        assert len(below) >= 2
        if kill:
            process.kill()
        else:
            assert process.stdout.readline() == "closed\n"
        until = time.monotonic() + 10
        while any(os.path.exists(f"/proc/{pid}") for pid in below) and time.monotonic() < until:
            time.sleep(0.02)
        left = [pid for pid in below if os.path.exists(f"/proc/{pid}")]
        process.kill()
        assert not left


def timed(code, test=0.3):
    with Sandbox(Limits(timeout=20.0, test=test), jobs=1) as box:
        return box.run(code, ECHO)


def test_the_time_of_the_top_level_is_part_of_the_first_test():
    outcome = timed(READS_AHEAD % "pass" + "burn(2)")
    assert outcome.reason == "took more than 0.3 s of processor time for one test, on test 1"


@pytest.mark.slow
def test_a_test_cannot_spend_the_time_of_others():
    """Frames begun early, or inputs read ahead, would let the first test have it all."""
    drip = "burn(0.2); os.write(3, b'V'); burn(0.2); os.write(3, struct.pack('=I', 5)); burn(0.2)"
    assert "for one test, on test 1" in timed(READS_AHEAD % drip).reason
    ahead = "import select; assert x == 3 or not select.select([3], [], [], 0.1)[0]"
    assert timed(READS_AHEAD % ahead).status == "pass"
    assert timed(READS_AHEAD % "burn(0.15)").status == "pass"


def test_a_program_that_does_not_load_says_so_with_a_limit_of_one_test_too():
    assert timed("raise ValueError('boom')").reason == "ValueError: boom"


def test_cached_recursion_to_ten_thousand():
    code = "import functools\n@functools.cache\ndef g(n): return n and 1 + g(n - 1)\ndef f(x): return g(10**4) and x"
    with Sandbox(jobs=1) as box:
        assert box.run(code, ECHO).status == "pass"


LARGE = 6_000_000


@pytest.mark.parametrize(
    ("right", "flood", "entry", "given", "expected"),
    [
        ("def f(n): return 'x' * n", "def f(n): return 'x' * 4 * n", "f", LARGE, "x" * LARGE),
        ("print('x' * int(input()))", "while True: print('x' * 99999)", "<stdin>", f"{LARGE}\n", "x" * LARGE),
        ("def f(n): return [str(k) for k in range(n)]", "def f(n): return ['x' * 99] * n", "f", LARGE // 10, None),
    ],
    ids=["text", "script", "list"],
)
def test_the_limit_on_results_follows_what_is_expected(right, flood, entry, given, expected):
    expected = expected or [str(k) for k in range(given)]
    program = Program(entry, "", tests=[{"args": [given], "expected": expected}])
    with Sandbox(Limits(timeout=20.0), jobs=1) as box:
        assert box.run(right, program).reason == ""
        assert box.run(flood, program).reason == "its results were too large"


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="the system does not list mappings")
def test_no_memory_of_a_worker_can_be_written_and_executed():
    with Sandbox(Limits(timeout=1.0), jobs=1) as box:
        assert box.run("def f(x): return x", ECHO).status == "pass"
        workers = attack_suite.descendants(os.getpid())
        rights = [line.split()[1] for pid in workers for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    assert rights
    assert [one for one in rights if "w" in one and "x" in one] == []
