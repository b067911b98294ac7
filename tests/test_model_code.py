"""A model's own code and its pickles are neither run nor read, unless the user says so."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from axiom_cli import models, permitted
from axiom_cli.errors import InputError
from command_line import axiom, failed, rows, talk
from model_copy import edit, loaded, logits, writable_copy


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return writable_copy(tmp_path / "model")


@pytest.fixture
def allowed() -> object:
    """What a user allows on the command line, taken back after the test."""
    yield permitted.allow
    permitted.allow()


def with_code(folder: Path, marker: Path, **config: object) -> Path:
    (folder / "own.py").write_text(
        f"open({str(marker)!r}, 'a').write('x')\nfrom transformers import SmolLM3Config, SmolLM3ForCausalLM\n"
        "class C(SmolLM3Config):\n    model_type = 'own'\nclass M(SmolLM3ForCausalLM):\n    config_class = C\n"
    )
    edit(folder / "config.json", auto_map={"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"}, **config)
    return folder


@pytest.mark.parametrize("kind", ["own", "llama"])
def test_a_models_own_code_is_not_run_and_nobody_is_asked(folder: Path, tmp_path: Path, kind: str) -> None:
    with_code(folder, tmp_path / "RAN", model_type=kind)
    problem = axiom("problems", "gen", "rpn", "--count", "1", cwd=tmp_path).stdout
    for env in ({}, {"AXIOM_ALLOW_REMOTE_CODE": "1"}):
        done = axiom("solve", "-", "--model", str(folder), cwd=tmp_path, stdin=problem + b"y\n" * 5, env=env)
        failed(done, 3, "config.json asks to run the model's own code (own.C, own.M)", "--allow-remote-code")
        assert not (tmp_path / "RAN").exists()


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["own.T", None]}}),
        ("config.json", {"attn_implementation": "someone/kernel"}),
        ("config.json", {"text_config": {"auto_map": {"AutoConfig": "own.C"}}}),
    ],
    ids=["tokenizer", "kernel", "inside"],
)
def test_code_is_found_wherever_it_is_asked_for(folder: Path, file: str, change: dict) -> None:
    edit(folder / file, **change)
    with pytest.raises(InputError, match=f"{file} asks to run the model's own code"):
        models.resolve(str(folder))


def test_code_that_is_not_in_the_folder_is_missed_by_name(
    folder: Path, tmp_path: Path, allowed: Callable[..., None]
) -> None:
    allowed(permitted.REMOTE_CODE)
    with_code(folder, tmp_path / "RAN", model_type="own")
    (folder / "own.py").unlink()
    with pytest.raises(InputError, match=r"model/own.py is missing: config.json takes own.C, own.M from it"):
        models.resolve(str(folder))


@pytest.mark.slow
def test_code_that_the_user_allowed_runs_and_is_recorded(folder: Path, tmp_path: Path) -> None:
    with_code(folder, tmp_path / "RAN", model_type="own")
    axiom("problems", "gen", "rpn", "--count", "2", "-o", "p.jsonl", cwd=tmp_path)
    words = ("solve", "p.jsonl", "--samples", "1", "--max-tokens", "8", "--model")
    done = axiom(*words, str(folder), "--allow-remote-code", cwd=tmp_path, env={"HF_HOME": str(tmp_path / "home")})
    assert done.returncode == 0, talk(done)
    assert (tmp_path / "RAN").exists()
    assert [row["model"].get("remote_code") for row in rows(done.stdout)] == [True, True]
    nano = rows(axiom(*words, "nano", "--allow-remote-code", cwd=tmp_path).stdout)
    assert [row["text"] for row in nano] == [row["text"] for row in rows(done.stdout)]
    assert "remote_code" not in nano[0]["model"]


def test_the_digest_covers_the_code_that_may_run(folder: Path, tmp_path: Path, allowed: Callable[..., None]) -> None:
    allowed(permitted.REMOTE_CODE)
    with_code(folder, tmp_path / "RAN", model_type="own")
    before = models.resolve(str(folder))
    (folder / "own.py").write_text("pass")
    assert models.resolve(str(folder)).digest != before.digest
    edit(folder / "config.json", auto_map={"AutoConfig": "someone/else--own.C"})
    with pytest.raises(InputError, match="code from another repository"):
        models.resolve(str(folder))


def test_pickles_are_read_only_if_the_user_says_so(folder: Path, tmp_path: Path, allowed: Callable[..., None]) -> None:
    expected = logits(loaded(folder)[0])
    tensors = load_file(folder / "model.safetensors")
    torch.save(tensors, folder / "pytorch_model.bin")
    assert models.resolve(str(folder)).digest == models.resolve("nano").digest, "safetensors go first"
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"pickles \(pytorch_model.bin\)") as raised:
        models.resolve(str(folder))
    assert "--allow-pickle" in raised.value.hint
    allowed(permitted.PICKLE)
    assert torch.equal(logits(loaded(folder)[0]), expected)
    torch.save({**tensors, "evil": subprocess.run}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="a pickle that is damaged, or has more than tensors in it"):
        loaded(folder)
