"""A number out of its bounds is one line before any work, whichever source it came from."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

from axiom_cli.errors import UsageError
from axiom_cli.settings.configs import GenConfig, TrainConfig
from axiom_cli.settings.fields import Bounds, flag
from axiom_cli.settings.names import STAGES
from axiom_cli.settings.sources import resolve
from command_line import AXIOM, axiom, environment, failed

NUMBERS = [
    (cls, field.name) for cls in STAGES for field in fields(cls) if get_type_hints(cls)[field.name] in (int, float)
]


@pytest.mark.parametrize(
    "words",
    [
        *(f"train --lr {value}" for value in ("nan", "-1", "0", "inf")),
        *(f"train --epochs {value}" for value in ("nan", "0", "-1")),
        "train --lora-r 0",
        "train --batch-size 0",
        "train --grad-accum 0",
        "train --lora-dropout 2",
        "train --warmup nan",
        *(f"verify --timeout {value}" for value in ("inf", "nan", "0", "-1")),
        "verify --memory -1",
        "verify --jobs -1",
        "problems audit --draws -5",
        "problems audit --draws 0",
        "problems gen --seed 100000000000000000000",
        "problems gen --seed -1",
        "loop --lr nan",
        "solve --temperature nan",
        "solve --temperature inf",
        "solve --top-p 0",
    ],
)
def test_a_flag_out_of_bounds_is_a_matter_of_usage(words: str, tmp_path: Path) -> None:
    named = words.split()[-2]
    done = axiom(*words.split(), cwd=tmp_path, stdin=None)
    failed(done, 2, f"error: {named} ", f"hint: {named} is ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "env", "said"),
    [
        ("[train]\nlr = nan\n", {}, "axiom.toml [train]: lr = nan"),
        ("lr = -1\n", {}, "axiom.toml: lr = -1.0"),
        ("", {"AXIOM_TRAIN_LR": "inf"}, "variable AXIOM_TRAIN_LR: lr = inf"),
        ("", {"AXIOM_LR": "0"}, "variable AXIOM_LR: lr = 0.0"),
    ],
)
def test_every_source_is_held_to_the_bounds(text: str, env: dict[str, str], said: str, tmp_path: Path) -> None:
    (tmp_path / "axiom.toml").write_text(text)
    failed(axiom("train", cwd=tmp_path, stdin=None, env=env), 2, said, "hint: --lr is above 0")


@pytest.mark.parametrize(("cls", "name"), NUMBERS, ids=[f"{cls.__name__}-{name}" for cls, name in NUMBERS])
def test_every_number_has_bounds_that_hold_its_default(cls: type, name: str) -> None:
    [field] = [field for field in fields(cls) if field.name == name]
    bounds = field.metadata["bounds"]
    assert bounds != Bounds() and bounds.hold(field.default)
    for value in (float("nan"), float("inf"), -float("inf"), -1, 10**20):
        with pytest.raises(UsageError, match=flag(name)):
            resolve(cls, {name: value})


def test_the_bounds_themselves_are_held() -> None:
    assert resolve(GenConfig, {"seed": 2**63 - 1, "count": 0}).config.count == 0
    assert resolve(TrainConfig, {"warmup": 1.0, "lora_dropout": 0.0}).config.warmup == 1.0
    with pytest.raises(UsageError) as caught:
        resolve(GenConfig, {"seed": 2**63})
    assert caught.value.hint == "--seed is at least 0 and below 2**63"


def test_help_says_the_bounds(tmp_path: Path) -> None:
    said = " ".join(axiom("solve", "--help", cwd=tmp_path).stdout.decode().split())
    assert "above 0 and at most 1" in said


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("report", "axiom report [OPTIONS] [EXPERIMENT...]"),
        ("workspace diff", "axiom workspace diff [OPTIONS] A B"),
        ("workspace show", "axiom workspace show [OPTIONS] NAME"),
    ],
)
def test_help_says_plainly_what_to_write(command: str, usage: str, tmp_path: Path) -> None:
    assert axiom(*command.split(), "--help", cwd=tmp_path).stdout.decode().splitlines()[0] == f"Usage: {usage}"


@pytest.mark.parametrize("command", ["solve", "train", "loop", "coldstart", "problems import", "verify"])
def test_help_breaks_no_word_at_its_hyphen(command: str, tmp_path: Path) -> None:
    lines = axiom(*command.split(), "--help", cwd=tmp_path).stdout.decode().splitlines()
    assert not [line for line in lines if re.search(r"\w-$", line)] and max(map(len, lines)) <= 80
    assert not [line for line in lines if "\N{NON-BREAKING HYPHEN}" in line]


def test_only_solve_offers_the_url_of_a_server_as_a_model(tmp_path: Path) -> None:
    said = {
        command: " ".join(axiom(command, "--help", cwd=tmp_path).stdout.decode().split()).partition("--model TEXT ")[2]
        for command in ("solve", "train", "loop", "coldstart")
    }
    assert [command for command, text in said.items() if "server" in text.partition("[nano].")[0]] == ["solve"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("module", ["axiom_cli.app", "axiom_cli.settings.sources", "typer.core"])
def test_ctrl_c_while_the_libraries_load_is_quiet(module: str, tmp_path: Path) -> None:
    """The signal comes in the middle of the import of `module`, from a finder that is asked for it."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n"
        "class Interrupting:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting)\n"
    )
    env = environment(PYTHONPATH=f"{tmp_path}{os.pathsep}{environment()['PYTHONPATH']}")
    with subprocess.Popen([*AXIOM, "--help"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, (process.returncode, signal.SIGINT, said)
    assert b"Traceback" not in said
