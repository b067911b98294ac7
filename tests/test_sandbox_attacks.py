"""Every attack must fail and do no harm at each level that this machine can reach, as root and as an ordinary user."""

from __future__ import annotations

import ast
import json
import sys
from contextlib import ExitStack
from functools import cache

import pytest

import ordinary_user
from axiom_cli.sandbox import Outcome, attack_suite
from axiom_cli.sandbox.attack_fixtures import AttackFixtures
from axiom_cli.sandbox.load import slowdown

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="these levels need Linux")
BY_NAME = {attack.name: attack for attack in attack_suite.attacks()}
# These end at a limit of time: of them one that works stays in the default run, and test_sandbox.py has one that waits.
LONG = {
    "judge_silence", "judge_patched_runner", "resource_sleep", "resource_pause", "tamper_runner_functions",
    "cross_poison_numbers", "resource_growing_text", "resource_ignore_signals", "resource_big_power",
    "resource_backtracking", "script_leaves_a_thread", "tamper_builtins", "script_never_ends"}  # fmt: skip
CASES = [
    pytest.param(
        level, attack, id=f"{level}-{attack.name}",
        marks=[pytest.mark.slow] if level != "strong" or attack.name in LONG else [],
    )
    for level in attack_suite.LAYERS
    for attack in attack_suite.against(level, level)
]  # fmt: skip


@pytest.fixture(scope="module")
def fixtures():
    with AttackFixtures() as fixtures:
        yield fixtures


@pytest.fixture(scope="module")
def box_at():
    """The sandbox of a level, opened once for all attacks; None where this machine does not reach the level."""
    with ExitStack() as opened:

        @cache
        def box_at(level):
            box = attack_suite.open_at(level)
            return box and opened.enter_context(box)

        yield box_at


@pytest.mark.parametrize(("level", "attack"), CASES)
def test_an_attack_fails_and_does_no_harm(level, attack, box_at, fixtures):
    box = box_at(level)
    if box is None:
        pytest.skip(f"this machine does not reach {level}")
    attempt = attack_suite.run(box, attack, fixtures)
    assert attempt.violations == ()
    assert attempt.decided or slowdown() > 1


def test_the_suite_is_whole():
    kinds = {attack.kind for attack in attack_suite.attacks()}
    assert kinds == {"tamper", "cross", "judge", "script", "leak", "network", "process", "resource"}
    assert len(attack_suite.attacks()) >= 100
    for attack in attack_suite.attacks():
        assert ast.get_docstring(ast.parse(attack.source)) == attack.about
        assert "\n" not in attack.about and attack.about.endswith(".")


def test_where_files_and_network_are_open_only_the_verdict_is_attacked():
    """Attacks on what a level does not promise to hold would do what they try."""
    assert {attack.kind for attack in attack_suite.against("limited", "limited")} == {
        "tamper",
        "cross",
        "judge",
        "script",
    }
    assert {attack.kind for attack in attack_suite.against("basic", "strong")} == {"tamper", "cross", "judge", "script"}
    assert len(attack_suite.against("basic", "basic")) == len(attack_suite.attacks())
    assert attack_suite.weaker("good") == ["basic", "limited"]


class Gullible:
    """A sandbox that believes every program."""

    level = "strong"

    def run(self, code, program):
        total = len(program.tests or "1")
        return Outcome("pass", total, total, "")


def test_a_sandbox_that_can_be_tricked_is_seen(fixtures):
    attempt = attack_suite.run(Gullible(), BY_NAME["tamper_leave_early"], fixtures)
    assert attempt.violations == ("3 of its tests passed", "1 of its tests passed")


@pytest.mark.parametrize(
    ("name", "violation"),
    [
        ("leak_secret_file", "of its tests passed"),
        ("network_tcp", "somebody connected"),
        ("network_udp", "a datagram arrived"),
        ("process_kill_other", "another process was killed"),
        ("process_spawn", "pwned was made"),
        ("resource_change_file", "of its tests passed"),
    ],
)
def test_harm_is_seen_where_nothing_holds(name, violation):
    """The same attacks on a sandbox without a layer: the suite would notice if a layer did not hold."""
    with AttackFixtures() as fixtures, attack_suite.open_at("limited") as box:
        attempt = attack_suite.run(box, BY_NAME[name], fixtures)
    assert any(violation in each for each in attempt.violations), attempt.violations


AS_USER = """
import json
from axiom_cli.sandbox import attack_suite, isolation_level
level, missing = isolation_level()
attempts = [[one.level, one.attack.name, one.violations, one.decided] for one in attack_suite.run_all(level)]
print(json.dumps([level, missing, attempts]))
"""


@pytest.mark.slow
def test_every_attack_fails_as_an_ordinary_user_too():
    done = ordinary_user.run(ordinary_user.python(), AS_USER)
    assert done.returncode == 0, done.stderr
    level, missing, attempts = json.loads(done.stdout)
    assert level in ("strong", "good", "basic"), missing
    assert [one for one in attempts if one[2]] == []
    assert [one for one in attempts if not one[3]] == [] or slowdown() > 1
    assert sum(one[0] == level for one in attempts) == len(attack_suite.attacks())
