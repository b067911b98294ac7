"""The attack suite: every program in `attacks/` is let loose on a sandbox, and must neither pass nor do harm.

A file there is one attack, its docstring what it tries, its kind the first word of its name:

- `tamper`, `cross`, `judge`: earn a pass without computing the answer, now, for the next program, or from tests that
  are code. They concern the verdict, so they must fail at every level, against tests as data and as code. The expected
  values are flags that only the judge can make. Lines that begin with `# tests:` are one more test as code, for each
  `x` and the value `wanted`: a verdict `infra` that says so of the test code is no success either.
- `script`: the same for scripts, which have real descriptors and a process for each test. Where the level holds what
  lies outside, they must not carry anything from one test to the next either: `BROKE OUT` is what they print then.
- `leak`, `network`, `process`, `resource`: reach what lies outside. They answer `BROKE OUT` where they did, and are
  only let loose where the level that was proved promises to hold them.

What an attack does where it succeeds is harmless: it reads and writes in a folder made for it, kills a process made for
it, and otherwise asks whether it may.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from axiom_cli import records
from axiom_cli.sandbox import levels
from axiom_cli.sandbox.attack_fixtures import AttackFixtures
from axiom_cli.sandbox.load import slowdown
from axiom_cli.sandbox.pool import Limits
from axiom_cli.sandbox.sandbox import Sandbox
from axiom_cli.sandbox.worker import Setup

FOLDER = Path(__file__).parent / "attacks"
VERDICT = ("tamper", "cross", "judge", "script")
OWN_TESTS = "# tests: "
BROKE_OUT = "BROKE OUT"
XS = (1, 2, 3)
LIMITS = Limits(timeout=0.3)
SLOW = 15.0  # seconds until a verdict counts as hung, on a quiet machine
MOST_GROWTH = 100 << 20
LAYERS: dict[levels.Level, tuple[tuple[str, ...], ...]] = {
    "strong": (("namespaces", "landlock", "seccomp"),),
    "good": (("landlock", "seccomp"), ("namespaces", "seccomp")),
    "basic": (("seccomp",),),
    "limited": ((),),
}
HONEST = (
    "import math, bisect\ndef f(xs):\n    return [sum(xs), sorted(xs), math.gcd(*xs), 1 + 4, bisect.bisect([1], 1)]"
)
HONEST_PROGRAM = records.Program("f", "def f(xs)", tests=[{"args": [[6, 4]], "expected": [10, [4, 6], 2, 5, 1]}])


@dataclass(frozen=True)
class Attack:
    """A program that must fail; `about` says what it tries."""

    name: str
    about: str
    source: str

    @property
    def kind(self) -> str:
        """tamper, cross, judge, script, leak, network, process or resource."""
        return self.name.partition("_")[0]

    @property
    def concerns_verdict(self) -> bool:
        """Whether it is after a false verdict, so that it must fail at every level."""
        return self.kind in VERDICT


@dataclass(frozen=True)
class Attempt:
    """What came of an attack at a level: `violations` in words, empty where it failed as it must. `decided` is false
    where the machine was too busy to tell."""

    attack: Attack
    level: levels.Level
    violations: tuple[str, ...]
    decided: bool = True


@cache
def attacks() -> tuple[Attack, ...]:
    """The whole suite, by name."""
    suite = []
    for path in sorted(FOLDER.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        suite.append(Attack(path.stem, source.partition('"""')[2].partition('"""')[0], source))
    return tuple(suite)


def weaker(level: levels.Level) -> list[levels.Level]:
    """The levels below `level` that run programs at all, strongest first."""
    return [lower for lower in LAYERS if levels.LEVELS.index(lower) < levels.LEVELS.index(level)]


def against(level: levels.Level, reached: levels.Level) -> list[Attack]:
    """The attacks that must fail at `level` on a machine that reaches `reached`."""
    whole = level == reached and _holds(level)
    return [attack for attack in attacks() if whole or attack.concerns_verdict]


def open_at(level: levels.Level, hash_seed: int = 0) -> Sandbox | None:
    """A sandbox at exactly this level; None where this machine cannot have it."""
    for layers in LAYERS[level]:
        sandbox = Sandbox(LIMITS, jobs=1, isolation="none", setup=Setup(layers, hash_seed))
        if sandbox.level == level:
            return sandbox
        sandbox.close()
    return None


def run_all(reached: levels.Level) -> Iterator[Attempt]:
    """Every attack at the level reached, then those that concern the verdict at each weaker level."""
    with AttackFixtures() as fixtures:
        for level in (reached, *weaker(reached)):
            sandbox = open_at(level) if level in LAYERS else None
            if sandbox is None:
                continue
            with sandbox:
                for attack in against(level, reached):
                    yield run(sandbox, attack, fixtures)


def run(sandbox: Sandbox, attack: Attack, fixtures: AttackFixtures) -> Attempt:
    """Lets one attack loose on each kind of tests that it is after, and an honest program after each."""
    violations: list[str] = []
    decided = True
    for program in _problems(attack, fixtures, sandbox.level):
        if attack.kind == "cross":
            answers = {x: fixtures.flag(x) for x in XS}
            sandbox.run(f"ANSWERS = {answers!r}\ndef solve(x): return ANSWERS[x]", program)
        processes, memory, began = len(descendants(os.getpid())), _memory(), time.monotonic()
        outcome = sandbox.run(fixtures.fill_in(attack.source), program)
        violations += [f"{outcome.passed} of its tests passed"] if outcome.passed else []
        if (took := time.monotonic() - began) > SLOW * slowdown() ** 2:
            violations.append(f"its verdict took {took:.0f} s")
        if _memory() - memory > MOST_GROWTH:
            violations.append("the judge's memory grew")
        if len(descendants(os.getpid())) > processes:
            violations.append("a process of its own outlives it")
        after = sandbox.run(f"{HONEST}\n# after {attack.name}", HONEST_PROGRAM)
        if after.status == "fail":
            violations.append(f"the next program failed: {after.reason}")
        decided = decided and not any(result.status == "infra" and not result.settled for result in (outcome, after))
    return Attempt(attack, sandbox.level, (*violations, *fixtures.violations()), decided)


def _problems(attack: Attack, fixtures: AttackFixtures, level: levels.Level) -> Iterator[records.Program]:
    """What the attack pretends to solve: its tests as data and, where it is after the verdict, as code."""
    if attack.kind == "script":
        flags = {x: fixtures.flag(x) for x in XS}
        for answers in (flags, dict.fromkeys(XS, BROKE_OUT)) if _holds(level) else (flags,):
            given = [{"args": [f"{x}\n"], "expected": answer} for x, answer in answers.items()]
            yield records.Program(records.STDIN_STDOUT, "", tests=given)
        return
    expected = {x: fixtures.flag(x) if attack.concerns_verdict else BROKE_OUT for x in XS}
    tests = [{"args": [x], "expected": value} for x, value in expected.items()]
    yield records.Program("solve", "def solve(x)", tests=tests)
    if attack.concerns_verdict:
        code = f"for x, wanted in {expected!r}.items():\n    assert solve(x) == wanted"
        yield records.Program("solve", "def solve(x)", test_code=code)
    if own := [line.removeprefix(OWN_TESTS) for line in attack.source.splitlines() if line.startswith(OWN_TESTS)]:
        lines = "".join(f"    {line}\n" for line in own)
        yield records.Program("solve", "def solve(x)", test_code=f"for x, wanted in {expected!r}.items():\n{lines}")


def _holds(level: levels.Level) -> bool:
    """Whether a level promises that nothing gets out."""
    return levels.LEVELS.index(level) >= levels.LEVELS.index("basic")


def _memory() -> int:
    """The most bytes of memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def descendants(pid: int) -> list[int]:
    """The processes below `pid`; none where the system does not list them in /proc."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        try:
            with open(f"/proc/{int(name)}/stat") as file:
                children.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(int(name))
        except (OSError, ValueError):
            continue
    below, generation = [], [pid]
    while generation:
        generation = [child for parent in generation for child in children.get(parent, ())]
        below += generation
    return below
