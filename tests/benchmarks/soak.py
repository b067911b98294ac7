"""A long run, and many honest programs. By hand:

    PYTHONPATH=.:tests python tests/benchmarks/soak.py [--count 1000000] [--jobs 2]
    PYTHONPATH=.:tests python tests/benchmarks/soak.py --honest 10000 [--load 8]

The first judges `--count` distinct programs, prints resident sizes as it goes, and counts at the end what was left
behind: processes, descriptors, files in temporary folders. The second judges right programs of many styles and counts
the false verdicts, with `--load` busy processes beside it.
"""

from __future__ import annotations

import argparse
import ast
import os
import sys
import tempfile
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, islice
from random import Random

from axiom_cli.audit.soundness import small_programs
from axiom_cli.errors import NothingToDoError
from axiom_cli.problems import families
from axiom_cli.problems.families import draw, handwritten
from axiom_cli.records import Problem, Program
from axiom_cli.sandbox import Limits, Sandbox, attack_suite
from busy import load

REPORTS = 20
FLAT = 1.05
Honest = tuple[str, Program]


def resident(pid: int) -> int:
    """Bytes of memory that a process has; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def left_behind() -> Counter[str]:
    """What a leak would add to."""
    folders = [os.path.join(place, name) for place in {tempfile.gettempdir(), "/dev/shm", "/tmp"}
               if os.path.isdir(place) for name in os.listdir(place)]  # fmt: skip
    return Counter({"processes": len(attack_suite.descendants(os.getpid())), "descriptors": descriptors(),
                    "files in temporary folders": len(folders)})  # fmt: skip


def distinct(number: int) -> Iterator[tuple[bool, str, Program]]:
    """`number` programs, no two alike."""
    base = list(small_programs(1000))
    for n in range(number):
        passes, code, program = base[n % len(base)]
        yield passes, f"{code}# again {n}\n", program


def soak(number: int, jobs: int) -> int:
    """Judges `number` programs; returns how many promises were broken."""
    before, wrong, settled = left_behind(), 0, 0
    began = time.monotonic()
    with Sandbox(Limits(timeout=2.0), jobs=jobs) as box:
        print(f"{'verdicts':>12}{'minutes':>9}{'per s':>8}{'here MiB':>10}{'zygotes MiB':>12}{'descriptors':>12}")
        items = ((truth, code, program) for truth, code, program in distinct(number))
        for done, (truth, outcome) in enumerate(box.run_many(items), 1):
            wrong += outcome.status != ("pass" if truth else "fail")
            if done % max(1, number // REPORTS) == 0:
                here = resident(os.getpid())
                below = sum(map(resident, attack_suite.descendants(os.getpid())))
                took = time.monotonic() - began
                settled = settled or here
                sizes = f"{here / 2**20:10.1f}{below / 2**20:12.1f}{descriptors():12}"
                print(f"{done:12,}{took / 60:9.1f}{done / took:8.0f}{sizes}", flush=True)
    growth = resident(os.getpid()) / settled if settled else 1.0
    leaks = left_behind() - before
    print(
        f"false verdicts: {wrong}; memory grew {growth:.3f} x after the first report; left behind: {dict(leaks) or 0}"
    )
    return wrong + sum(leaks.values()) + (growth > FLAT)


def references() -> Iterator[Problem]:
    """Program problems of every family and the hand-written ones, endless."""
    names = [name for name in families.names() if "program" in families.get(name).forms]
    drawn = {name: draw.problems([name], 100_000, range(1, 11), "train", 0, "program") for name in names}
    own = handwritten.problems()
    for n in count():
        yield own[n % len(own)]
        for problems in drawn.values():
            with suppress(NothingToDoError, StopIteration):
                yield next(problems)


def honest() -> Iterator[Honest]:
    """Right programs, endless: references in one of many styles, each with the tests of its problem."""
    for n, problem in enumerate(references()):
        program = problem.program
        assert program is not None and program.reference
        style = STYLES[n % len(STYLES)]
        yield f"{style(program.reference, program.entry_point, n)}\n# {n}\n", program


class _Renamed(ast.NodeTransformer):
    """Every name that the function binds gets another."""

    def __init__(self, tree: ast.AST, entry: str, n: int) -> None:
        arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        self.names = {name: f"{name}_{n}" for name in (arguments | stored) - {entry}}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = self.names.get(node.arg, node.arg)
        return node


def plain(code: str, entry: str, n: int) -> str:
    return code


def reprinted(code: str, entry: str, n: int) -> str:
    return ast.unparse(ast.parse(code))


def renamed(code: str, entry: str, n: int) -> str:
    tree = ast.parse(code)
    return ast.unparse(_Renamed(tree, entry, n).visit(tree))


def with_prints(code: str, entry: str, n: int) -> str:
    return f"import sys\nprint('starting', {n}, flush=True)\n{code}\nprint('ready', file=sys.stderr)\n"


def with_guard(code: str, entry: str, n: int) -> str:
    return f"{code}\n\nif __name__ == '__main__':\n    print({entry}(input()))\n"


def as_method(code: str, entry: str, n: int) -> str:
    inner = textwrap.indent(code, " " * 8)
    return f"class Solution:\n    def {entry}(self, *args):\n{inner}\n        return {entry}(*args)\n"


def with_imports(code: str, entry: str, n: int) -> str:
    names = "collections heapq itertools functools math re bisect string random datetime decimal fractions json"
    wanted = Random(n).sample(names.split(), 3)
    return f"import {', '.join(wanted)}\nfrom typing import *\n{code}"


def wrapped(code: str, entry: str, n: int) -> str:
    return (
        f"import functools\n{code}\n_inner = {entry}\n{entry} = functools.wraps(_inner)(lambda *args: _inner(*args))\n"
    )


def deep(code: str, entry: str, n: int) -> str:
    inner = textwrap.indent(code, " " * 4)
    return (
        f"import sys\nsys.setrecursionlimit(20_000)\n\ndef {entry}(*args):\n{inner}\n"
        f"    def down(n):\n        return down(n - 1) if n else {entry}(*args)\n"
        f"    return down({n % 10 * 1000})\n"
    )


STYLES = (plain, reprinted, renamed, with_prints, with_guard, as_method, with_imports, wrapped, deep)


def judge_honest(number: int, jobs: int, busy: int) -> int:
    """Judges `number` right programs; returns how many were failed, and prints why."""
    statuses: Counter[str] = Counter()
    began = time.monotonic()
    with Sandbox(Limits(), jobs=jobs) as box, load(busy):
        items = ((code, code, program) for code, program in islice(honest(), number))
        for code, outcome in box.run_many(items):
            statuses[outcome.status] += 1
            if outcome.status != "pass" and statuses[outcome.status] <= 5:
                print(f"{outcome.status}: {outcome.reason}\n{code}", flush=True)
    took = time.monotonic() - began
    print(f"{number:,} honest programs beside {busy} busy processes in {took:.0f} s: {dict(statuses)}")
    return statuses["fail"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--honest", type=int, default=0, help="Judge so many honest programs instead.")
    parser.add_argument("--load", type=int, default=0, help="Busy processes beside the honest programs.")
    options = parser.parse_args()
    broken = judge_honest(options.honest, options.jobs, options.load) if options.honest else soak(
        options.count, options.jobs
    )  # fmt: skip
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
