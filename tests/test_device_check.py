"""The check of an accelerator, tried without one: everything but the device is the same."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from axiom_cli.models.nano import WEIGHTS
from command_line import ROOT, environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1300)]


def _check(out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(ROOT / "tests" / "device" / "run.sh"), "-o", str(out), "--small", *words]
    return subprocess.run(command, cwd=out.parent, env=environment(), capture_output=True, text=True)


def test_every_stage_runs_and_says_what_it_found(tmp_path: Path) -> None:
    out = tmp_path / "check.json"
    done = _check(out, "--device", "cpu", "--seconds", "1200", "--model", str(WEIGHTS), "--tests", "test_merge_card.py")
    found = json.loads(out.read_text())
    assert (done.returncode, found["problems"]) == (0, []), done.stderr
    stages = found["stages"]
    names = [f"{stage} {model}" for model in ("nano", "pretrained") for stage in ("round", "speed", "loop")] + ["tests"]
    assert list(stages) == names and all(stage["finished"] for stage in stages.values())
    one = stages["round nano"]
    assert one["sampling"]["samples"] == one["sampling again"]["samples"] == 16 and one["sampling"]["passed"]
    assert one["training"]["steps"] == 3
    assert one["training"]["forecast_bytes"] > one["sampling"]["forecast_bytes"] > 0
    assert one["merge"]["certificate"]["dtype"] == "bfloat16" and one["swap"]["peak_bytes"] > 0
    for kind, other in (("sampling", "generate, 8"), ("training", "plain loop")):
        speeds = stages["speed pretrained"][kind]["tokens_per_second"]
        assert speeds["axiom"] > 0 and speeds[other] > 0
    assert stages["loop nano"]["phases"]["collect"]["tokens"] > 0
    assert "--coldstart" in stages["loop pretrained"]["command"]
    assert stages["loop nano"]["again"]["code"] == 0
    assert stages["tests"]["passed"] and not stages["tests"]["failures"]


def test_a_stage_that_takes_too_long_is_ended_and_told(tmp_path: Path) -> None:
    out = tmp_path / "check.json"
    done = _check(out, "--device", "cpu", "--seconds", "40", "--model", str(tmp_path / "nowhere"), "--tests", "none")
    found = json.loads(out.read_text())
    assert done.returncode == 1 and found["seconds"] < 55
    assert any("was ended after 8 s" in problem for problem in found["problems"]), found["problems"]
    unknown = "round pretrained: there is no model"
    assert any(problem.startswith(unknown) for problem in found["problems"]), found["problems"]


def test_without_an_accelerator_nothing_is_claimed(tmp_path: Path) -> None:
    done = _check(tmp_path / "check.json", "--device", "cuda")
    assert done.returncode == 4 and "no accelerator" in done.stderr and not (tmp_path / "check.json").exists()
