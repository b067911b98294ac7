"""A small run of the kills and faults of tests/benchmarks/durability.py, which is run by hand with more."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "benchmarks"))

import durability

from command_line import axiom, failed


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("cc"), reason="needs Linux and a C compiler")
def test_after_a_kill_or_a_fault_the_same_command_ends_as_ever() -> None:
    commands = (
        "problems gen rpn --count 5 -o out.jsonl",
        "solve p.jsonl --engine scripted --model solver -o out.jsonl",
    )
    outcomes = [*durability.trials(5, 10, 1, commands)]
    assert {what: wrong for what, _, wrong in outcomes if wrong} == {}
    assert sum(hit for _, hit, _ in outcomes) > 10


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("cc"), reason="needs Linux and a C compiler")
@pytest.mark.parametrize("operation", ["write", "ftruncate"])
def test_a_library_that_finds_the_disk_full_is_one_line_too(tmp_path: Path, operation: str) -> None:
    """safetensors writes the adapter, and has errors of its own."""
    injector = durability.library(tmp_path)
    assert (
        axiom(
            "problems", "gen", "queue_listing", "--count", "30", "--difficulty", "1", "-o", "p", cwd=tmp_path
        ).returncode
        == 0
    )
    assert axiom("coldstart", "p", "-o", "v", cwd=tmp_path).returncode == 0
    fault = {"FI_PREFIX": str(tmp_path / "kept" / "tmp"), "FI_OP": operation, "FI_ERR": "ENOSPC", "FI_STICKY": "1"}
    words = ["--workspace", "kept", "train", "v", "--method", "lora", "--epochs", "1"]
    failed(axiom(*words, cwd=tmp_path, env={"LD_PRELOAD": str(injector), "FI_N": "1", **fault}), 4, "kept", "No space")
    assert axiom(*words, cwd=tmp_path).returncode == 0
