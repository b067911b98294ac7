"""What is wrong with a training's options is told before a record is read."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import pytest

from axiom_cli.errors import UsageError
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.training.losses import LOSSES
from axiom_cli.learning.training.requirements import check_requirements, unused_options
from axiom_cli.settings.configs import TrainConfig
from command_line import AXIOM, environment


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--objective", "ppo"], 2, "sft, dpo, grpo, kto, value"),
        pytest.param(["--method", "qlora"], 2, "--quantize 4bit", marks=pytest.mark.slow),
        pytest.param(["--optimizer", "sgd"], 2, "adamw, adamw8bit, muon", marks=pytest.mark.slow),
        pytest.param(["--precision", "fp16"], 2, "bfloat16", marks=pytest.mark.slow),
        pytest.param(["--quantize", "2bit"], 2, "8bit", marks=pytest.mark.slow),
        pytest.param(["--objective", "value", "--method", "full"], 2, "--method lora", marks=pytest.mark.slow),
        (["--model", "no_such_model"], 4, "no model"),
        pytest.param(["--model", "http://localhost:1/v1#m"], 4, "is a server", marks=pytest.mark.slow),
        pytest.param(["--tracker", "mlflow"], 2, "tensorboard, wandb, trackio", marks=pytest.mark.slow),
        (["--decontaminate", "no_such.jsonl"], 3, "no_such.jsonl"),
        pytest.param(["--experiment", "run@2"], 2, "a loop's models", marks=pytest.mark.slow),
    ],
)
def test_a_typing_error_is_told_while_the_pipe_is_still_open(words: list[str], code: int, said: str, tmp_path: Path):
    """Whoever writes to the pipe has not ended: a command that reads first would wait for ever."""
    pipe, out = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(
        [*AXIOM, "train", *words], cwd=tmp_path, env=environment(), stdin=pipe, stdout=out, stderr=pipe
    ) as running:
        assert running.wait(60) == code
        told = running.stderr.read().decode()
    assert said in told and "Traceback" not in told


def test_it_loads_nothing_heavy(tmp_path: Path):
    line = "import sys, axiom_cli.learning.training.requirements; sys.exit('torch' in sys.modules)"
    assert subprocess.run([AXIOM[0], "-c", line], env=environment(), cwd=tmp_path).returncode == 0


def test_the_objectives_are_those_there_are():
    assert set(TrainConfig.CHOICES["objective"]) == set(OBJECTIVES) == set(LOSSES)


@pytest.mark.parametrize("more", [{"method": "full", "quantize": "8bit"}, {"method": "dora", "quantize": "8bit"}])
def test_what_excludes_each_other_is_said(more: dict[str, str]):
    with pytest.raises(UsageError, match="do not go together"):
        check_requirements(TrainConfig(**more))


@pytest.mark.skipif(importlib.util.find_spec("bitsandbytes") is None, reason="its extra is not installed")
def test_what_goes_together_passes():
    check_requirements(TrainConfig(method="dora", quantize="4bit", optimizer="adamw8bit"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"beta": 0.5}, ["--beta has no effect with --objective sft"]),
        ({"objective": "grpo", "beta": 0.5, "clip": 0.2}, ["--beta has no effect with --objective grpo"]),
        (
            {"objective": "grpo", "max_per_problem": 2},
            ["--max-per-problem has no effect with --objective grpo, which keeps all"],
        ),
        ({"method": "full", "lora_r": 4}, ["--lora-r has no effect with --method full"]),
        ({"objective": "dpo", "beta": 0.5, "lora_r": 4}, []),
    ],
)
def test_what_was_set_and_decides_nothing_is_told(options: dict, said: list[str]) -> None:
    assert unused_options(TrainConfig(**options)) == said
