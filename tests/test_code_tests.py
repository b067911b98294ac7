"""Tests written as code: they run apart from the program, which can answer them with data and with nothing else."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from axiom_cli.errors import InputError
from axiom_cli.records import Program
from axiom_cli.sandbox import Limits, Sandbox
from axiom_cli.sandbox.attack_suite import descendants


@pytest.fixture(scope="module")
def box():
    with Sandbox(Limits(timeout=1.0), jobs=1) as box:
        yield box


def program(test_code, name="f", reference=None):
    return Program(name, f"def {name}(...)", test_code=test_code, reference=reference)


DOUBLE = "def f(x): return 2 * x"
POLY = "import math\nWAYS = 1\ndef poly(c, x): return sum(a * math.pow(x, i * WAYS) for i, a in enumerate(c))\n"
HONEST = {
    "check": (DOUBLE, "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate('a') == 'aa'"),
    "check, called": (DOUBLE, "def check(candidate):\n    assert candidate(2) == 4\ncheck(f)"),
    "asserts": (DOUBLE, "assert f(1) == 2\nassert f([]) == [], 'empty'"),
    "candidate without check": (DOUBLE, "assert candidate(1) == 2"),
    "helpers of its own": (DOUBLE, "import random\ndef twice(x): return x + x\n"
                           "for i in range(50):\n    n = random.randint(0, 9)\n    assert f(n) == twice(n), n"),
    "keywords": ("def f(a, *, b=1): return a - b", "assert f(3, b=2) == 1 and f(b=0, a=1) == 1"),
    "prints": ("def f(x):\n    print('hm')\n    return 2 * x", "print('ha')\nassert f(1) == 2"),
    "tuples, sets, bytes": ("def f(x): return (x, {x}, frozenset([x]), bytes([x]), complex(x, 1), {x: None})",
                            "assert f(1) == (1, {1}, frozenset({1}), b'\\x01', 1+1j, {1: None})"),
    "subclasses of containers": (
        "from collections import *\nP = namedtuple('P', 'x y')\n"
        "def f(x): return [P(x, x), Counter(x), OrderedDict(a=x)]",
        "assert f('a') == [('a', 'a'), {'a': 1}, {'a': 'a'}]"),
    "raises": ("def f(x):\n    if x < 0:\n        raise ValueError('less', 3)\n    return {0: 1}[x]",
               "try:\n    f(-1)\nexcept ValueError as e:\n    assert e.args == ('less', 3)\nelse:\n    assert False\n"
               "try:\n    f(1)\n    assert False\nexcept KeyError:\n    pass"),
    "raises its own": ("class E(LookupError):\n    def __init__(self, what): self.args = (self, what)\n"
                       "def f(): raise E(1)",
                       "try:\n    f()\n    assert 0\nexcept LookupError as e:\n    pass"),
    "generator": ("def f(n):\n    for i in range(n):\n        yield i", "assert list(f(3)) == [0, 1, 2]\n"
                  "it = iter(f(1))\nassert next(it) == 0\nassert next(it, 7) == 7\nassert next(f(1)) == 0"),
    "a class": ("class Stack:\n    def __init__(self): self.items = []\n    def push(self, x): self.items.append(x)\n"
                "    def __len__(self): return len(self.items)\n    def __getitem__(self, i): return self.items[i]\n"
                "    def __str__(self): return 'a stack'",
                "s = Stack()\ns.push(4)\ns.push([5])\nassert len(s) == 2 and s[1] == [5] and s.items == [4, [5]]\n"
                "assert str(s) == 'a stack' and s and not Stack()", "Stack"),
    "objects go back": ("class P:\n    def __init__(self, a, b=0): self.a, self.b = a, b\n"
                        "def f(ps): return max(p.a for p in ps)",
                        "p = P(3)\np.a = 7\nassert f([P(5, 24), p]) == 7 and p.b == 0"),
    "class Solution": ("class Solution:\n    def f(self, x): return 2 * x",
                       "assert Solution().f(2) == 4\nassert f(1) == 2"),
    "a method by name": ("class C:\n    def g(self, x): return x + 1",
                         "assert candidate(1) == 2\nassert C().g(2) == 3", "C.g"),
    "a helper of the reference": ("def f(c): return -c[0] / c[1]", "assert abs(poly([1, 2], f([1, 2]))) < 1e-9", "f",
                                  POLY + "def f(c): return 0"),
    "a helper of the program": (POLY + "def f(c): return -c[0] / c[1]", "assert abs(poly([1, 2], f([1, 2]))) < 1e-9"),
    "a module not imported": (DOUBLE, "assert math.isclose(f(0.1), 0.2)"),
    "dataclasses and classes of the tests": (
        DOUBLE, "from dataclasses import dataclass\n@dataclass\nclass T:\n    x: int\nassert f(T(2).x) == 4"),
    "recursion": ("def f(n): return 0 if n == 0 else 1 + f(n - 1)", "assert f(10_000) == 10_000"),
    "star import": (DOUBLE, "from math import *\nassert f(sqrt(4)) == floor(4.5)"),
    "many calls": (DOUBLE, "assert [f(i) for i in range(200)] == list(range(0, 400, 2))"),
    "big values": ("def f(x): return x[::-1]", "x = list(range(60_000))\nassert f(x) == x[::-1]\n"
                   "assert f(str(x)) == str(x)[::-1]"),
    "arguments are the tests' own": ("def f(x):\n    x.clear()", "x = [1]\nassert f(x) is None and x == []"),
    "deep values": ("def f(n): return [] if n == 0 else [f(n - 1)]", "x = f(150)\nassert f(0) == [] and x[0][0]"),
    "one and true": ("def f(x): return x > 1", "assert f(2) == 1 and f(1) is False"),
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_program_passes(name, box):
    code, tests, *more = HONEST[name]
    outcome = box.run(code, program(tests, *more))
    assert (outcome.status, outcome.reason) == ("pass", "")
    assert (outcome.passed, outcome.total) == (1, 1)


ANSWERS_ITSELF = """
import marshal, os, struct

def say(value):
    body = marshal.dumps(value, 2)
    os.write(3, struct.pack("=cI", b"V", len(body)) + body)

yes = (..., "object", 1, "", None)
say((yes, tuple((name, yes) for name in ("all", "f", "AssertionError"))))
while True:
    kind, length = struct.unpack("=cI", os.read(3, 5))
    os.read(3, length)
    say(True)
"""
PLAIN = "def check(candidate):\n    assert candidate(1) == 2\n\n    assert candidate(2) == 4\n"
FAULTY = {
    "wrong": ("def f(x): return 2", PLAIN, "the assert on line 4 of its test code does not hold"),
    "raises": ("def f(x): return {1: 2}[x]", PLAIN, "KeyError: 2, called on line 4"),
    "none": ("def f(x): pass", "assert len(f(1)) == 2", "TypeError on line 1"),
    "no function": ("def g(x): return 2 * x", PLAIN, "does not define f"),
    "no Python": ("def f(x:", PLAIN, "SyntaxError"),
    "breaks at its top": ("1 / 0\ndef f(x): return 2 * x", PLAIN, "ZeroDivisionError"),
    "an object": ("def f(x): return object()", PLAIN, "not plain data"),
    "a function": ("def f(x): return f", PLAIN, "not plain data"),
    "memory": ("def f(x): return len(bytearray(10**9))", PLAIN, "MemoryError"),
    "leaves": ("import os\ndef f(x): os._exit(0)", PLAIN, "left before its tests were over"),
    "leaves at its top": ("import os\nos._exit(0)", PLAIN, "left before its tests were over"),
    "exit": ("def f(x): exit(0)", PLAIN, "SystemExit: 0"),
    "exit at its top": ("exit(0)", PLAIN, "SystemExit"),
    "too much": ("def f(x): return 'y' * 2_000_000", PLAIN, "too large"),
    "too much in all": ("def f(x): return 'y' * 20_000", "for i in range(100):\n    f(i)", "too large"),
    "too deep": ("def f(x):\n    y = []\n    for i in range(300): y = [y]\n    return y", PLAIN, "not plain data"),
    "helper that agrees": ("def f(c): return 0\ndef poly(c, x): return 0", "assert abs(poly([1, 2], f([1, 2]))) < 1e-9",
                           "line 1", POLY),
    "module that agrees": ("class math:\n    isclose = lambda *a: True\ndef f(x): return 0",
                           "assert math.isclose(f(1), 2)", "line 1"),
    "no helper": ("def f(c): return 0", "assert poly([1, 2], f([1, 2])) == 0", "NameError on line 1"),
    "swallowed by the tests": ("import os\ndef f(x): os._exit(0)", "try:\n    f(1)\nexcept:\n    pass", "left before"),
    "leaves a finally": ("import os\ndef f(x): os._exit(0)",
                         "try:\n    f(1)\nfinally:\n    raise SystemExit(0)", "left before"),
    "the tests exit": (DOUBLE, "f(1)\nexit(0)", "SystemExit on line 2"),
    "the tests leave": (DOUBLE, "import os\nf(1)\nos._exit(0)", "left with status 0"),
    "stops a loop": ("def f(x): raise StopIteration",
                     "assert all(map(lambda x: f(x) == 2 * x, [1, 2]))", "StopIteration"),
    "stops a loop by a subclass": ("class S(StopIteration): pass\ndef f(x): raise S",
                                   "assert list(map(f, [1])) == []", "line 1"),
    "a forged beginning": ("import os, struct\nos.write(3, struct.pack('=cI', b'V', 1) + b'N')\ndef f(x): return 0",
                           "assert g(f(1)) == 2", "a frame of its own"),
    "a built-in of its own": (ANSWERS_ITSELF, "assert all([f(1) == 2])", "line 1"),
    "a forged end": ("import os, struct\ndef f(x):\n    os.write(3, struct.pack('=cI', b'Z', 0))", PLAIN,
                     "a frame of its own"),
    "a forged exception": ("import os, struct\nos.write(3, struct.pack('=cI', b'E', 1) + b'N')\ndef f(x): return 0",
                           PLAIN, "not plain data"),
    "no iterator": ("def f(x): return 3", "assert list(f(1)) == []", "TypeError"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_program_fails_with_a_reason(name, box):
    code, tests, reason, *more = FAULTY[name]
    outcome = box.run(code, program(tests, "f", *more))
    assert (outcome.status, outcome.passed) == ("fail", 0), outcome
    assert reason in outcome.reason


BROKEN = {
    "import numpy\nassert f(1) == 2": "No module named 'numpy'",
    "assert f(1) == 2\nimport nothing": "No module named 'nothing' on line 2",
    "def check(candidate):\n    pass": "never calls",
    "if False:\n    f(1)": "never calls",
    "assert 1 == 2, f(1)\nf(1)": "",
    "raise ValueError(3)\nf(1)": "ValueError: 3 on line 1",
    "import os\nos._exit(0)\nf(1)": "before it was called",
    "def check(candidate, more):\n    candidate(1)": "TypeError",
    "class T: pass\nassert f(T()) == 2": "not plain data: T",
    "assert f(1) == 2\nimport threading\nf(threading.Lock())": "not plain data",
    "def check(candidate):\n    candidate(1).x = {}[1]\n[][0]": "IndexError",
}


@pytest.mark.parametrize("tests", BROKEN, ids=range(len(BROKEN)))
def test_tests_that_are_broken_are_no_label(tests, box):
    outcome = box.run(DOUBLE, program(tests))
    if BROKEN[tests]:
        assert outcome.status == "infra" and BROKEN[tests] in outcome.reason, outcome
    assert outcome.status != "pass"


def test_tests_that_are_broken_run_once(box):
    assert box.run(DOUBLE, program("assert f(1) == 2  # a worker is there")).status == "pass"
    served = box.pool.workers[0].served
    assert box.run(DOUBLE, program("import nothing\nassert f(1) == 2")).status == "infra"
    assert box.pool.workers[0].served == served + 1


def test_a_name_that_the_reference_lacks_too_is_the_tests_fault(box):
    tests = "assert f(1) == 2\nassert np.array(f(2)) == T(4)"
    assert box.run(DOUBLE, program(tests)).status == "fail", "it cannot be told"
    outcome = box.run(DOUBLE, program(tests, reference=DOUBLE))
    assert outcome.status == "infra" and "name 'np' is not defined on line 2" in outcome.reason
    assert box.run(DOUBLE, program("assert T(f(1))", reference=DOUBLE + "\nclass T: pass")).status == "fail"


def test_tests_that_are_no_tests_are_named(box):
    for tests, said in (
        ("assert f(", "not Python"),
        ("assert 1 == 1", "calls neither f nor candidate"),
        ("\0", "Python"),
    ):
        with pytest.raises(InputError, match=said):
            box.run(DOUBLE, program(tests))
    with pytest.raises(InputError, match="standard input"):
        box.run("print(1)", program("assert f(1)", "<stdin>"))


def test_each_side_has_its_limit_ofprocessor_time():
    """Short, so that the clock on the wall, which is generous by half a second, is not first on a crowded machine."""
    with Sandbox(Limits(timeout=0.1), jobs=1) as box:
        outcome = box.run("def f(x):\n    while True: pass", program(PLAIN))
        assert (outcome.status, outcome.reason) == ("fail", "took more than 0.1 s of processor time")
        outcome = box.run(DOUBLE, program("f(1)\nwhile True: pass"))
        assert (outcome.status, outcome.reason) == ("fail", "its test code took more than 0.1 s of processor time")
        outcome = box.run(DOUBLE, program("while True: pass\nf(1)"))
        assert outcome.status == "infra" and "its test code took more than 0.1 s" in outcome.reason


@pytest.mark.slow
def test_a_sleeper_and_a_mute_meet_the_wall_limit():
    with Sandbox(Limits(timeout=0.2), jobs=1) as box:
        for code in (
            "import time\ndef f(x): time.sleep(600)",
            "import os, time\ndef f(x):\n    os.close(3)\n    time.sleep(600)",
        ):
            began = time.monotonic()
            outcome = box.run(code, program(PLAIN))
            assert outcome.status == "fail" and time.monotonic() - began < 60


def test_the_tests_are_nowhere_in_the_program_sprocess(box):
    """All that Python can reach there, and all its own memory where that can be read."""
    look = """
import gc, sys
def f(x):
    seen, frame = [], sys._getframe()
    while frame:
        seen += [frame.f_locals, frame.f_globals]
        frame = frame.f_back
    seen += gc.get_objects() + list(sys.modules.values())
    text = repr(seen)
    try:
        text += open("/proc/self/mem", "rb").read().decode("latin-1")
    except Exception:
        pass
    return "".join(["SEC", "RET"]) in text
"""
    assert box.run(look, program("SECRET = 1\nassert f(1) is False, 'SECRET'")).status == "pass"
    assert (
        box.run(look.replace("seen, frame = []", "seen, frame = ['SECRET']"), program("assert f(1)")).status == "pass"
    )


def test_the_order_is_kept_beside_other_programs():
    items = []
    for n in range(30):
        items.append((n, f"def f(x): return x * {n % 3}  # {n}", program("assert f(2) == 4")))
        items.append(
            (n, f"def f(x): return x * {n % 3}  # {n}", Program("f", "f", tests=[{"args": [2], "expected": 4}]))
        )
    with Sandbox(Limits(timeout=1.0), jobs=2) as box:
        got = list(box.run_many(items))
    assert [key for key, _outcome in got] == [n for n in range(30) for _ in range(2)]
    assert [outcome.status for _key, outcome in got] == [
        "pass" if n % 3 == 2 else "fail" for n in range(30) for _ in range(2)
    ]


@pytest.mark.slow
def test_a_dead_worker_is_no_verdict():
    with Sandbox(Limits(timeout=2.0), jobs=1) as box:
        threading.Timer(0.2, box.pool.workers[0].process.kill).start()
        assert box.run("import time\ndef f(x):\n    time.sleep(0.3)\n    return 2 * x", program(PLAIN)).status == "pass"


def started(process: int) -> int:
    """When it began, in ticks since the machine did."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19])


def elder(first: int, second: int) -> int:
    """The process that began first. Within one tick its id tells, and ids begin again at some time."""
    if started(first) != started(second):
        return min(first, second, key=started)
    return max(first, second) if abs(first - second) > 1000 else min(first, second)


@pytest.mark.slow
def test_a_program_killed_from_outside_is_tried_again():
    with Sandbox(Limits(timeout=5.0), jobs=1) as box:
        zygote = box.pool.workers[0].process.pid
        wrapper = descendants(zygote)

        def kill():
            until = time.monotonic() + 60
            while len(pair := descendants(zygote)[-2:]) < 2 or set(pair) & set(wrapper):
                assert time.monotonic() < until
            time.sleep(0.1)  # the program itself runs by then
            os.kill(elder(*pair), signal.SIGKILL)

        threading.Thread(target=kill).start()
        outcome = box.run("import time\ndef f(x):\n    time.sleep(0.5)\n    return 2 * x", program(PLAIN))
        assert outcome.status == "pass", outcome
