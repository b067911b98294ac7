"""Honest programs get honest verdicts, limits hold, order is kept, and a dead worker is never a verdict."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

import ordinary_user
from axiom_cli.errors import InputError, MissingError, UsageError
from axiom_cli.records import Program
from axiom_cli.sandbox import Limits, Sandbox, Setup, isolation_level, levels, worker
from axiom_cli.settings.configs import VerifyConfig


def program(*tests, name="f", checker=None):
    rows = [{"args": list(args), "expected": expected} for args, expected in tests]
    return Program(name, f"def {name}(...)", tests=rows, checker=checker)


@pytest.fixture(scope="module")
def box():
    with Sandbox(Limits(timeout=1.0), jobs=1) as box:
        yield box


DOUBLE = program(([1], 2), ([2], 4), ([-3], -6))
HONEST = {
    "plain": "def f(x): return 2 * x",
    "prints": "def f(x):\n    print('working', x, flush=True)\n    return 2 * x",
    "stderr": "import sys\ndef f(x):\n    print('oh', file=sys.stderr)\n    return 2 * x",
    "lambda": "f = lambda x: x + x",
    "solution class": "class Solution:\n    def f(self, x: int) -> int:\n        return x * 2",
    "closure": "def make(n):\n    def g(x): return n * x\n    return g\nf = make(2)",
    "dataclass": "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    "@dataclass(order=True)\nclass P:\n    x: int\ndef f(x): return P(x).x * 2",
    "generator": "def g(x):\n    yield x\n    yield x\ndef f(x): return sum(g(x))",
    "recursion": "def r(n): return 0 if n == 0 else 1 + r(n - 1)\ndef f(x): return 2 * x + r(900) - 900",
    "deep recursion": "import sys\nsys.setrecursionlimit(30000)\n"
    "def r(n): return 0 if n == 0 else 1 + r(n - 1)\ndef f(x): return 2 * x + r(20000) - 20000",
    "imports": "import re, math, heapq, bisect, itertools, functools, collections, string, random, decimal, fractions\n"
    "import datetime, json, statistics, operator, copy, typing, enum, abc, time, hashlib, calendar, textwrap, queue\n"
    "def f(x): return int(decimal.Decimal(x) * 2)",
    "rarer imports": "import argparse, ast, asyncio, csv, difflib, hmac, html, inspect, logging, pathlib\n"
    "import pickle, pprint, secrets, subprocess, tempfile, traceback, unittest, urllib.parse, zoneinfo, email.message\n"
    "def f(x): return 2 * x",
    "modules of packages": "from concurrent.futures import Future\nimport urllib.parse as p, importlib.metadata\n"
    "def f(x): return 2 * int(p.parse_qs(f'a={x}')['a'][0])",
    "hashes": "import hashlib\n"
    "def f(x): return 2 * x + len(hashlib.sha256(b'a').digest()) - hashlib.md5(b'').digest_size * 2",
    "main guard": "def f(x): return 2 * x\nif __name__ == '__main__':\n    print(f(int(input())))",
    "exceptions": "class E(Exception): pass\ndef f(x):\n    try:\n        raise E(x)\n    except E as e:\n"
    "        return e.args[0] * 2",
    "cache": "from functools import lru_cache\n@lru_cache(None)\ndef f(x): return x * 2",
    "datetime": "from datetime import datetime, timedelta\n"
    "def f(x): return (datetime.strptime('2020-1-1', '%Y-%m-%d') + timedelta(2 * x) - datetime(2020, 1, 1)).days",
    "float result": "def f(x): return 2.0 * x",
    "regex": "import re\ndef f(x): return int(re.sub(r'[a-z]', '', 'a%db' % (2 * x)))",
    "memory within limits": "def f(x): return 2 * x + len(bytearray(100_000_000)) - 100_000_000",
    "threading imported": "import threading\nlock = threading.Lock()\ndef f(x):\n    with lock:\n        return 2 * x",
    "encodings": "def f(x): return 2 * x + len('é'.encode('utf-16').decode('utf-16').encode('latin-1')) - 1",
    "eval": "def f(x): return eval('2 * x')",
    "match": "def f(x):\n    match [x, x]:\n        case [a, b]:\n            return a + b",
    "late binding": "import time\ndef f(x):\n    time.sleep(0.01)\n    return x << 1",
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_program_passes(name, box):
    outcome = box.run(HONEST[name], DOUBLE)
    assert (outcome.status, outcome.reason) == ("pass", "")
    assert (outcome.passed, outcome.total) == (3, 3)


FAULTY = {
    "def f(x): return x": (0, "wrong answer on test 1"),
    "def f(x): return abs(2 * x)": (2, "wrong answer on test 3"),
    "def f(x): return {1: 2, 2: 4}[x]": (2, "KeyError: -3 on test 3"),
    "def f(x): return 2 * y": (0, "NameError: name 'y' is not defined on test 1"),
    "def g(x): return 2 * x": (0, "does not define f"),
    "f = 3": (0, "does not define f"),
    "def f(): return 2": (0, "TypeError"),
    "def f(x:": (0, "SyntaxError"),
    "def f(x): return {2 * x}": (0, "wrong answer"),
    "def f(x): return object()": (0, "not plain data"),
    "def f(x): return str(2 * x)": (0, "wrong answer"),
    "def f(x): return [2 * x]": (0, "wrong answer"),
    "def f(x):\n    while True: pass": (0, "processor time"),
    "def f(x):\n    return 2 * x if x != 2 else f(x + 0 * sum(range(10**12)))": (1, "processor time, on test 2"),
    "def f(x): return len(bytearray(10**9))": (0, "MemoryError"),
    "import os\nos._exit(0)\ndef f(x): return 2 * x": (0, "left with status 0 after 0 of 3 tests"),
    "import numpy\ndef f(x): return 2 * x": (0, "ModuleNotFoundError"),
    "def f(x): return 'y' * 2_000_000": (0, "too large"),
    "def f(x): return 2 * x\0": (0, "not text"),
    "def f(x): return '\ud800'": (0, "not text"),
    "": (0, "does not define f"),
}


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(code, marks=pytest.mark.slow if "processor time" in said else ())
        for code, (_, said) in FAULTY.items()
    ],
    ids=range(len(FAULTY)),
)
def test_a_faulty_program_fails_with_a_reason(code, box):
    passed, reason = FAULTY[code]
    outcome = box.run(code, DOUBLE)
    assert outcome.status == "fail"
    assert reason in outcome.reason
    assert outcome.passed == passed


@pytest.mark.slow
def test_a_sleeper_meets_the_wall_limit():
    with Sandbox(Limits(timeout=0.2), jobs=1) as box:
        began = time.monotonic()
        outcome = box.run("import time\ndef f(x): time.sleep(600)", DOUBLE)
        assert outcome.status == "fail" and "mostly waiting" in outcome.reason
        assert time.monotonic() - began < 60  # seconds on a quiet machine; walls grow where it is crowded


def test_functions_without_arguments_and_methods_by_name(box):
    assert box.run("def f(): return None", program(([], None))).status == "pass"
    named = program(([3], 9), name="Counter.square")
    assert box.run("class Counter:\n    def square(self, x): return x * x", named).status == "pass"


def test_text_with_quotes_newlines_and_surrogates_arrives_whole(box):
    for text in ('it\'s "quoted"\n\\n\t\r\n', "ünïcödé ☃ 🙂", "\x00\x01", "'''\"\"\"", ""):
        assert box.run("def f(s): return [s, len(s)]", program(([text], [text, len(text)]))).status == "pass"


def test_arguments_are_fresh_for_each_test(box):
    tests = program(([[3, 1]], [1, 3]), ([[2, 1]], [1, 2]))
    assert box.run("def f(xs):\n    xs.sort()\n    return xs", tests).status == "pass"


def test_large_arguments_and_results(box):
    values = list(range(150_000))
    assert box.run("def f(xs): return xs[::-1]", program(([values], values[::-1]))).status == "pass"


def test_programs_that_read_standard_input_and_print(box):
    tests = program((["3 4\n"], "7"), (["10\n20"], "30\n"), name="<stdin>")
    good = "import sys\nprint(sum(map(int, sys.stdin.read().split())))"
    lines = "a = input().split()\nb = a[1] if len(a) > 1 else input()\nprint(int(a[0]) + int(b))\nexit()"
    assert box.run(good, tests).status == "pass"
    assert box.run(lines, tests).status == "pass"
    assert box.run("print(7)", tests).passed == 1
    assert box.run("import sys\nfor l in sys.stdin.buffer: pass\nraise ValueError", tests).status == "fail"


def test_the_same_program_gives_the_same_verdict(box):
    code = "import random\ndef f(x): return [random.random(), hash('a'), list({'a', 'b', 'c'})]"
    outcomes = [box.run(code + f"\n# {n}", program(([1], 0))) for n in range(2)]
    assert outcomes[0] == outcomes[1]
    echo = box.run("import random\ndef f(x): return random.randrange(1000)", program(([1], 864)))
    assert echo.status == "pass"  # random.seed(0), on every machine


@pytest.mark.slow
def test_order_is_kept_and_workers_share_the_work():
    items = [(n, f"import time\ndef f(x):\n    time.sleep({0.05 if n % 5 == 0 else 0})\n    return {n} + 0 * x",
              program(([1], n if n % 3 else -1))) for n in range(40)]  # fmt: skip
    with Sandbox(Limits(timeout=1.0), jobs=2) as box:
        got = list(box.run_many(iter(items)))
        assert len(box.pool.workers) == 2
    assert [key for key, _ in got] == list(range(40))
    assert [outcome.status for _, outcome in got] == ["pass" if n % 3 else "fail" for n in range(40)]


def test_the_first_outcome_comes_before_the_input_goes_on():
    gate = threading.Event()

    def items():
        yield 0, "def f(x): return 2 * x", DOUBLE
        assert gate.wait(20), "the first outcome was held back"
        yield 1, "def f(x): return x", DOUBLE

    with Sandbox(Limits(timeout=1.0), jobs=2) as box:
        outcomes = box.run_many(items())
        assert next(outcomes)[0] == 0
        gate.set()
        assert next(outcomes)[1].status == "fail"
        assert next(outcomes, None) is None


def test_an_error_of_the_input_comes_in_its_turn(box):
    def items():
        yield 0, "def f(x): return 2 * x", DOUBLE
        raise InputError("line 2: broken")

    outcomes = box.run_many(items())
    assert next(outcomes)[1].status == "pass"
    with pytest.raises(InputError, match="line 2"):
        next(outcomes)
    assert box.run("def f(x): return 2 * x", DOUBLE).status == "pass"


def test_an_early_end_leaves_the_box_usable(box):
    outcomes = box.run_many((n, f"def f(x): return 2 * x + {n}", DOUBLE) for n in range(1000))
    next(outcomes)
    outcomes.close()
    assert box.run("def f(x): return 2 * x", DOUBLE).status == "pass"


def test_equal_programs_run_once(box):
    assert box.run("def f(x): return x * 2  # a worker is there", DOUBLE).status == "pass"
    served = box.pool.workers[0].served
    code = "def f(x): return 2 * x  # once"
    assert {outcome.status for _, outcome in box.run_many((n, code, DOUBLE) for n in range(300))} == {"pass"}
    assert box.pool.workers[0].served == served + 1
    assert box.run(code, program(([1], 3))).status == "fail", "other tests are another matter"


@pytest.mark.slow
def test_a_killed_worker_is_no_verdict():
    with Sandbox(Limits(timeout=2.0), jobs=1) as box:
        timer = threading.Timer(0.2, box.pool.workers[0].process.kill)
        timer.start()
        outcome = box.run("import time\ndef f(x):\n    time.sleep(0.3)\n    return 2 * x", DOUBLE)
        assert outcome.status == "pass"


def test_a_worker_that_keeps_dying_is_infra():
    with Sandbox(Limits(timeout=2.0), jobs=1) as box:
        stop = threading.Event()

        def reaper():
            while not stop.wait(0.05):
                for worker in list(box.pool.workers):
                    os.kill(worker.process.pid, signal.SIGKILL)

        threading.Thread(target=reaper, daemon=True).start()
        outcome = box.run("import time\ndef f(x):\n    time.sleep(1)\n    return 2 * x", DOUBLE)
        stop.set()
        assert outcome.status == "infra"


def test_workers_are_replaced_after_a_life(monkeypatch):
    monkeypatch.setattr("axiom_cli.sandbox.worker.JOBS_IN_A_LIFE", 10)
    with Sandbox(Limits(timeout=1.0), jobs=1) as box:
        first = box.pool.workers[0]
        got = list(box.run_many((n, f"def f(x): return 2 * x + 0 * {n}", DOUBLE) for n in range(30)))
        assert {outcome.status for _, outcome in got} == {"pass"}
        assert first not in box.pool.workers


def test_levels_are_refused_not_degraded():
    with Sandbox(jobs=1, setup=Setup(("seccomp",))) as box:
        if box.level != "basic":
            pytest.skip("no system-call filter here")
        assert any(line.startswith("landlock") for line in box.missing)
    with pytest.raises(MissingError, match="best: basic") as caught:
        Sandbox(jobs=1, isolation="good", setup=Setup(("seccomp",)))
    assert caught.value.exit_code == 4 and caught.value.hint
    with pytest.raises(UsageError, match="iron"):
        VerifyConfig(isolation="iron")


def test_without_any_layer_the_verdict_still_holds():
    with Sandbox(Limits(timeout=0.5), jobs=1, setup=Setup(())) as box:
        assert box.level == "limited"
        assert box.run("def f(x): return 2 * x", DOUBLE).status == "pass"
        equal = "class E:\n    def __eq__(s, o): return True\ndef f(x): return E()"
        assert box.run(equal, DOUBLE).status == "fail"


def test_canaries_prove_the_level():
    everything = {*levels.FILTERED_NAMES, *levels.UNFILTERED_NAMES}
    assert levels.level(everything) == "strong"
    assert levels.level(everything - {"landlock"}) == "good"
    assert levels.level(everything - {"landlock", "namespaces"}) == "basic"
    for name in levels.FILTERED_NAMES:
        assert levels.level(everything - {name}) in ("limited", "none")
    level, missing = isolation_level()
    assert level in levels.LEVELS
    assert bool(missing) == (level != "strong")


@pytest.mark.slow
def test_an_ordinary_user_has_the_same_levels():
    code = "from axiom_cli.sandbox import isolation_level; print(isolation_level()[0])"
    got = ordinary_user.run(ordinary_user.python(), code)
    assert got.stdout.strip() == isolation_level()[0], got.stderr


def test_tests_that_cannot_be_run_are_named(box):
    with pytest.raises(InputError, match="checker"):
        box.run("def f(x): return x", program(([1], 1), checker="psychic"))
    with pytest.raises(InputError, match="test 1"):
        box.run("def f(x): return x", Program("f", "def f(x)", tests=[{"input": 1}]))


def test_a_sandbox_that_does_not_start_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(worker, "BOOT", "import sys; sys.exit('no luck')")
    with pytest.raises(MissingError, match="does not start: no luck") as caught:
        Sandbox(jobs=1)
    assert caught.value.hint
