"""An engine from outside the package: the one in docs/new_engine.md, installed by its entry point."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.problems.families import draw
from command_line import ROOT, axiom, failed, rows

PAGE = (ROOT / "docs" / "new_engine.md").read_text()
PROBLEMS = b"".join(jsonl.dump(problem) for problem in draw.problems(["arithmetic"], 3, [1], "train", 0))


def installed(folder: Path, source: str) -> dict[str, str]:
    """The environment of a Python in which the package `axiom_dice` is installed, as pip would have laid it out."""
    (folder / "axiom_dice.py").write_text(source)
    facts = folder / "axiom_dice-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: axiom-dice\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[axiom.engines]\ndice = axiom_dice:DiceEngine\n")
    return {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, sys.path)])}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """With the engine that the page shows."""
    [source] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "site").mkdir()
    return installed(tmp_path / "site", source)


def test_the_engine_of_the_page_samples_through_the_command_line(environment: dict[str, str], tmp_path: Path) -> None:
    words = ("solve", "--engine", "dice", "--model", "fair", "--samples", "4")
    done = axiom(*words, cwd=tmp_path, stdin=PROBLEMS, env=environment)
    samples = rows(done.stdout)
    assert len(samples) == 12 and {sample["engine"] for sample in samples} == {"dice"}
    assert [sample["index"] for sample in samples] == [0, 1, 2, 3] * 3
    assert all(re.fullmatch(r"Answer: [1-6]", sample["text"]) for sample in samples)
    again = axiom(*words, cwd=tmp_path, stdin=PROBLEMS, env=environment)
    assert again.stdout == done.stdout
    judged = rows(axiom("verify", cwd=tmp_path, stdin=done.stdout).stdout)
    assert len(judged) == 12


def test_a_setting_that_it_does_not_support_is_refused(environment: dict[str, str], tmp_path: Path) -> None:
    words = ("solve", "--engine", "dice", "--model", "fair", "--max-think-tokens", "8")
    said = "the dice engine does not support --max-think-tokens"
    failed(axiom(*words, cwd=tmp_path, stdin=PROBLEMS, env=environment), 2, said)


def test_the_retry_strategy_goes_on_with_it(environment: dict[str, str], tmp_path: Path) -> None:
    words = ("solve", "--engine", "dice", "--model", "fair", "--samples", "2", "--strategy", "retry")
    samples = rows(axiom(*words, cwd=tmp_path, stdin=PROBLEMS, env=environment).stdout)
    assert {sample["attempt"] for sample in samples} >= {1, 2}


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("class DiceEngine:\n    name = 'dice'\n", 3, "is not a subclass of Engine"),
        ("import no_such_package\n", 4, "does not load: No module named 'no_such_package'"),
    ],
)
def test_a_plug_in_that_is_not_an_engine_is_named(source: str, code: int, said: str, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    environment = installed(tmp_path / "site", source)
    words = ("solve", "--engine", "dice", "--model", "fair")
    failed(axiom(*words, cwd=tmp_path, stdin=PROBLEMS, env=environment), code, f"'dice' (axiom_dice:DiceEngine) {said}")


def test_every_member_of_the_protocol_is_on_the_page() -> None:
    from axiom_cli.sampling.engines.protocol import Engine

    members = {name for name in {*Engine.__annotations__, *vars(Engine)} if not name.startswith("_")}
    assert {name for name in members if f"`{name}" not in PAGE} == set()
