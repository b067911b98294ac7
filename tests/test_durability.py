"""A small run of the kills and faults of tests/benchmarks/durability.py, which is run by hand with more."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "benchmarks"))

import durability


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("cc"), reason="needs Linux and a C compiler")
def test_after_a_kill_or_a_fault_the_same_command_ends_as_ever() -> None:
    commands = (
        "problems gen rpn --count 5 -o out.jsonl",
        "solve p.jsonl --engine scripted --model solver -o out.jsonl",
    )
    assert {what: wrong for what, wrong in durability.trials(5, 10, 1, commands) if wrong} == {}
