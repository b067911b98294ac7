"""What tests that are code may do with a program's objects, and what no object may do to its tests.

Each case of `judge_cases.txt` is a program, its tests, and the verdicts that are right: `infra` where it cannot be
judged. No wrong program passes, and no right one fails.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from axiom_cli.records import Program
from axiom_cli.sandbox import Limits, Sandbox


def cases():
    for section in Path(__file__).with_name("judge_cases.txt").read_text().split("=== ")[1:]:
        head, _, body = section.partition("\n")
        name, entry, verdicts = head.split(" | ")
        code, _, tests = body.partition("\n---\n")
        yield pytest.param(code, entry, tests, verdicts.split(" or "), id=name)


@pytest.fixture(scope="module")
def box():
    with Sandbox(Limits(timeout=5.0), jobs=1) as box:
        yield box


@pytest.mark.parametrize(("code", "entry", "tests", "verdicts"), list(cases()))
def test_the_verdict_is_right(code, entry, tests, verdicts, box):
    outcome = box.run(code, Program(entry, f"def {entry}(...)", test_code=tests))
    assert outcome.status in verdicts, outcome
    assert outcome.status != "infra" or outcome.reason.startswith("its test code does")
