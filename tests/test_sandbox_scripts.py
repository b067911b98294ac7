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


@pytest.mark.parametrize(
    "code",
    [pytest.param(code, marks=pytest.mark.slow if "processor time" in said else ()) for code, said in ENDS.items()],
    ids=range(len(ENDS)),
)
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


@pytest.mark.slow
def test_a_test_has_its_own_time_and_all_share_the_programs():
    works = "import time\nwhile time.process_time() < {}: pass\nprint(input())"
    four = script(*(("1\n", "1\n") for _ in range(4)))
    with Sandbox(Limits(timeout=1.0, test=0.3), jobs=1) as box:
        assert box.run(works.format(0.1), four).reason == ""
        assert box.run(works.format(0.5), four).reason.endswith("0.3 s of processor time for one test, on test 1")
    with Sandbox(Limits(timeout=0.5), jobs=1) as box:
        assert box.run(works.format(0.2), four).reason == "took more than 0.5 s of processor time, on test 3"


THREADS = {
    "a large stack": "import sys, threading\ndef main():\n    a, b = map(int, input().split())\n    print(a + b)\n"
    "sys.setrecursionlimit(10**6)\nthreading.stack_size(1 << 27)\n"
    "t = threading.Thread(target=main)\nt.start()\nt.join()",
    "deep recursion": "import sys, threading\nsys.setrecursionlimit(10**6)\nthreading.stack_size(1 << 29)\n"
    "def f(n): return n and 1 + f(n - 1)\n"
    "def main():\n    a, b = map(int, input().split())\n    print(a + b + f(50_000) - 50_000)\n"
    "threading.Thread(target=main).start()",
    "a small stack": "import threading\nthreading.stack_size(65536)\n"
    "def main(): print(sum(map(int, input().split())))\nt = threading.Thread(target=main)\nt.start()",
    "a pool": "from concurrent.futures import ThreadPoolExecutor\n"
    "with ThreadPoolExecutor(8) as pool:\n    print(sum(pool.map(int, input().split())))",
    "a queue": "import threading, queue\nq, out = queue.Queue(), []\n"
    "def work():\n    while (n := q.get()) is not None:\n        out.append(int(n))\n"
    "t = threading.Thread(target=work)\nt.start()\n"
    "for n in input().split(): q.put(n)\nq.put(None)\nt.join()\nprint(sum(out))",
    "a daemon": "import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n"
    "print(sum(map(int, input().split())))",
    "a timer": "import threading\nthreading.Timer(0.01, lambda: print(sum(map(int, input().split())))).start()",
}


@pytest.mark.parametrize("name", THREADS)
def test_a_script_may_have_threads(name, box):
    assert box.run(THREADS[name], SUM).reason == ""


def test_a_function_may_have_threads(box):
    code = "from concurrent.futures import ThreadPoolExecutor\n"
    code += "def f(xs):\n    with ThreadPoolExecutor(4) as pool:\n        return list(pool.map(abs, xs))"
    assert box.run(code, Program("f", "", tests=[{"args": [[-1, 2]], "expected": [1, 2]}])).reason == ""


def test_numbers_may_have_any_number_of_digits(box):
    assert box.run("print(10 ** int(input()))", script(("5000\n", f"1{'0' * 5000}\n"))).reason == ""
    digits = Program("f", "", tests=[{"args": [6000], "expected": 6001}])
    assert box.run("def f(n): return len(str(10**n)) + int('1' * n) * 0", digits).reason == ""


DOUBLE = Program("f", "", tests=[{"args": [n], "expected": 2 * n} for n in (1, 2)])
UNUSED = "asyncio ctypes curses fcntl multiprocessing.pool readline socket sqlite3 ssl subprocess termios tkinter"
NAMES = "from multiprocessing import Pool\nimport ctypes as c, tkinter as tk\nclass P(c.Structure): _fields_ = []\n"


@pytest.mark.parametrize("name", UNUSED.split())
def test_a_module_that_is_imported_and_not_used_costs_nothing(name, box):
    assert box.run(f"import {name}\ndef f(x): return 2 * x", DOUBLE).reason == ""


def test_names_of_modules_that_are_not_there_can_be_imported_and_derived_from(box):
    assert box.run(NAMES + "class App(tk.Tk):\n    def go(self): pass\ndef f(x): return 2 * x", DOUBLE).reason == ""
    assert box.run(NAMES + "print(sum(map(int, input().split())))", SUM).reason == ""


USES = {
    "asyncio": "async def g(x): return 2 * x\nimport asyncio\ndef f(x): return asyncio.run(g(x))",
    "multiprocessing": "from multiprocessing import Pool\ndef f(x):\n"
    "    with Pool() as pool: return pool.map(abs, [2 * x])[0]",
    "subprocess": "import subprocess\ndef f(x): return int(subprocess.check_output(['echo', str(2 * x)]))",
    "socket": "import socket\ndef f(x): return 2 * x + socket.socket().fileno() * 0",
    "fork": "import os\ndef f(x): return 2 * x + os.fork()",
    "ctypes": "import ctypes\nT = ctypes.c_int * 3\ndef f(x): return 2 * x",
    "processes": "from concurrent.futures import ProcessPoolExecutor\ndef f(x):\n"
    "    with ProcessPoolExecutor() as pool: return 2 * list(pool.map(abs, [x]))[0]",
}


@pytest.mark.parametrize("name", USES)
def test_what_the_sandbox_does_not_have_is_not_the_programs_fault(name, box):
    outcome = box.run(USES[name], DOUBLE)
    assert outcome.status == "infra" and outcome.settled, outcome
    assert "Operation not permitted" in outcome.reason or "not available in the sandbox" in outcome.reason


def test_a_program_that_is_wrong_elsewhere_fails_whatever_it_lacks(box):
    code = "import os\ndef f(x):\n    if x == 1: os.fork()\n    return 3"
    assert box.run(code, DOUBLE).status == "fail"
    assert box.run("def f(x): return len(open('/etc/passwd').read())", DOUBLE).status == "fail"


def test_an_input_may_be_longer_than_what_a_script_may_print(box):
    long = "x" * 3_000_000
    counts = script((long, "3000000"), ("", "0"), ("xyz", "3"), (long + "\n", "3000001"))
    assert box.run("import sys\nprint(len(sys.stdin.read()))", counts).status == "pass"
    echoed = box.run("print(input())", script((long, "n"), ("z", "n")))
    assert (echoed.status, echoed.reason) == ("fail", "its results were too large")


def test_nothing_that_a_test_wrote_reaches_the_next(box):
    """The marks are in its files, their positions and the frames of what made its process."""
    code = """
import os, sys
def frames(at):
    while at is not None:
        yield from (value for value in at.f_locals.values() if isinstance(value, (int, str, bytes)))
        at = at.f_back
given = sys.stdin.readline()
seen = 77778 in frames(sys._getframe(1))
clean = [os.fstat(at).st_size for at in (1, 3)] == [0, 0] and os.lseek(1, 0, os.SEEK_CUR) == 0
clean = clean and os.fstat(0).st_size == len(given) and os.pread(1, 9, 0) == b"" and not seen
if given == "mark\\n":
    os.write(0, b"mark" * 99)
    os.write(3, b"Emark")
    os.write(1, b" " * 77772)
print("clean" if clean else "dirty")
"""
    tests = (("mark\n", "clean"), ("look\n", "clean"), ("mark\n", "clean"), ("x\n", "clean"))
    assert box.run(code, script(*tests)).reason == ""
