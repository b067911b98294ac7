"""A script behaves as it does under `python3 solution.py`, in a process of its own for each test."""

from __future__ import annotations

import pytest

from axiom_cli.records import Program
from axiom_cli.sandbox import Limits, Sandbox


def script(*tests, checker=None):
    return Program(
        "<stdin>", "", tests=[{"args": [given], "expected": wanted} for given, wanted in tests], checker=checker
    )


@pytest.fixture(scope="module")
def box():
    with Sandbox(Limits(timeout=1.0), jobs=1) as box:
        yield box


SUM = script(("3 4\n", "7\n"), ("10 -20\n", "-10"))
ADDS = "a, b = map(int, {}.split())\nprint(a + b)\n"
WAYS = {
    "input": ADDS.format("input()"),
    "os.read": "import os\n" + ADDS.format("os.read(0, 1 << 16)"),
    "fileno": "import os, sys\n" + ADDS.format("os.read(sys.stdin.fileno(), 1 << 16)"),
    "fstat": "import os\n" + ADDS.format("os.read(0, os.fstat(0).st_size)"),
    "FileIO": "import io\n" + ADDS.format("io.FileIO(0).read()"),
    "open(0)": ADDS.format("open(0).read()"),
    "sys.stdin.buffer": "import sys\n" + ADDS.format("sys.stdin.buffer.readline()"),
    "sys.__stdin__": "import sys\n" + ADDS.format("sys.__stdin__.read()"),
    "/dev/stdin": ADDS.format("open('/dev/stdin').read()"),
    "/dev/stdin by pathlib": "from pathlib import Path\n" + ADDS.format("Path('/dev/stdin').read_text()"),
    "/dev/stdin by os.open": "import os\n" + ADDS.format("os.read(os.open('/dev/stdin', os.O_RDONLY), 99)"),
    "/dev/fd/0": ADDS.format("open('/dev/fd/0', 'rb').read()"),
    "fileinput": "import fileinput\nfor line in fileinput.input():\n    " + ADDS.format("line").replace("\n", "\n    "),
    "os.write": "import os\na, b = map(int, input().split())\nos.write(1, b'%d\\n' % (a + b))",
    "open(1)": "a, b = map(int, input().split())\nwith open(1, 'w') as out: out.write(f'{a + b}\\n')",
    "left open": "a, b = map(int, input().split())\nout = open(1, 'w', closefd=False)\nout.write(f'{a + b}\\n')",
    "/dev/stdout": "a, b = map(int, input().split())\nopen('/dev/stdout', 'w').write(f'{a + b}\\n')",
    "stdout closed": "import sys\n" + ADDS.format("input()") + "sys.stdout.close()",
    "stdout replaced": "import sys\n" + ADDS.format("input()") + "sys.stdout = None",
    "at exit": "import atexit, io, sys\nheld = sys.stdout = io.StringIO()\n"
    "atexit.register(lambda: sys.__stdout__.write(held.getvalue()))\n" + ADDS.format("input()"),
    "__file__": "import os\nhere = os.path.dirname(os.path.abspath(__file__))\n" + ADDS.format("input()"),
    "exit(0)": "import sys\n" + ADDS.format("input()") + "sys.exit(0)",
    "quit()": ADDS.format("input()") + "quit()",
    "os._exit": "import os, sys\n" + ADDS.format("input()") + "sys.stdout.flush()\nos._exit(0)",
    "no file": "try:\n    import sys\n    sys.stdin = open('input.txt')\nexcept FileNotFoundError:\n    pass\n"
    + ADDS.format("input()"),
    "stderr": "import sys\nprint('x' * 2_000_000, file=sys.stderr)\n" + ADDS.format("input()"),
    "pickled class": "import pickle\nclass P: pass\npickle.loads(pickle.dumps(P()))\n" + ADDS.format("input()"),
}


@pytest.mark.parametrize("name", WAYS)
def test_a_script_reads_and_prints_in_any_way_that_python_knows(name, box):
    outcome = box.run(WAYS[name], SUM)
    assert (outcome.status, outcome.reason) == ("pass", "")


ENDS = {
    "print(input())\n1 / 0": "runtime error: ZeroDivisionError: division by zero on test 1",
    "import sys\nprint(input())\nsys.exit(3)": "runtime error: left with status 3 on test 1",
    "import sys\nprint(input())\nsys.exit('no way')": "runtime error: left with a message: no way on test 1",
    "print(input(), flush=True)\nimport os\nos._exit(1)": "runtime error: left with status 1 on test 1",
    "print(input(), flush=True)\nimport os\nos.abort()": "runtime error: crashed with SIG",
    "print(input())\nimport sys\nsys.stdout.close()\nprint()": "runtime error: ValueError",
    "if input() == '1': print(1)\nelse: print(3)": "wrong answer on test 2",
    "print(input()": "SyntaxError",
    "print(input())\nwhile True: pass": "processor time, on test 1",
    "while True: print('x' * 10**6)": "its results were too large",
    "print(input())\nprint('y' * 10**7, flush=True)": "its results were too large",
}


@pytest.mark.parametrize("code", ENDS, ids=range(len(ENDS)))
def test_how_a_script_ends_counts(code, box):
    outcome = box.run(code, script(("1\n", "1\n"), ("2\n", "2\n")))
    assert outcome.status == "fail"
    assert ENDS[code] in outcome.reason


LEFT_OVER = {
    "memory": "n = int(input())\ntable = [0] * (16 * 10**6)\ndef main(): print(n)\nmain()",
    "recursion limit": "import sys\nn = int(input())\nif n < 3: sys.setrecursionlimit(100)\n"
    "def f(n): return n and 1 + f(n - 1)\nprint(f(n * 40) // 40)",
    "decimal context": "from decimal import *\nn = int(input())\nif n < 3: getcontext().prec = 2\n"
    "print(n if n < 3 else len(str(Decimal(1) / 3)) - 30 + n)",
    "built-in": "import builtins\nbuiltins.count = getattr(builtins, 'count', 0) + 1\nprint(int(input()) * count)",
    "random": "import random\nprint(int(input()) * int(random.random() * 100) // 84)",
    "descriptor": "import os\nprint(input(), flush=True)\nos.close(0)\nos.close(1)\nos.close(2)",
}


@pytest.mark.parametrize("name", LEFT_OVER)
def test_nothing_is_left_over_from_the_test_before(name, box):
    assert box.run(LEFT_OVER[name], script(*((f"{n}\n", f"{n}\n") for n in (1, 2, 3, 4)))).reason == ""


def test_a_test_has_its_own_time_and_all_share_the_programs():
    works = "import time\nwhile time.process_time() < {}: pass\nprint(input())"
    four = script(*(("1\n", "1\n") for _ in range(4)))
    with Sandbox(Limits(timeout=1.0, test=0.3), jobs=1) as box:
        assert box.run(works.format(0.1), four).reason == ""
        assert box.run(works.format(0.5), four).reason.endswith("0.3 s of processor time for one test, on test 1")
    with Sandbox(Limits(timeout=0.5), jobs=1) as box:
        assert box.run(works.format(0.2), four).reason == "took more than 0.5 s of processor time, on test 3"
