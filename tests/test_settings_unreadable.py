"""Files of settings that an ordinary user may not read are left out with a warning."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import ordinary_user
from axiom_cli.jsonl import dump
from axiom_cli.records import ModelRef, Problem, Program, Sample
from cases import slow_but

DOUBLE = Program("double", "def double(n)", tests=[{"args": [2], "expected": 4}])
PROBLEM = Problem("p", "f", "one", "?", 1, "train", program=DOUBLE)
TEXT = "```python\ndef double(n): return 2 * n\n```"


def verified(folder: Path, home: Path) -> tuple[int, str, str]:
    """The exit code, data and talk of `axiom verify` on one right sample, for an ordinary user in `folder`."""
    samples = folder / "samples.jsonl"
    samples.write_bytes(dump(Sample(PROBLEM, ModelRef("m", "d"), "scripted", {}, 0, 1, TEXT)))
    for one in (samples, folder, *folder.parents[:3]):
        one.chmod(one.stat().st_mode | 0o755)
    code = (
        f"import os, sys\nos.environ['HOME'] = {str(home)!r}\nos.chdir({str(folder)!r})\n"
        f"from axiom_cli.app import main\nsys.exit(main(['verify', {str(samples)!r}]))"
    )
    done = ordinary_user.run(ordinary_user.python(), code)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "shut", slow_but({".config/axiom/axiom.toml"}, [".config/axiom/axiom.toml", ".config/axiom", ".config", ""])
)
def test_the_users_own_file_or_a_folder_on_the_way_to_it(shut: str, tmp_path: Path) -> None:
    file = tmp_path / "home" / ".config" / "axiom" / "axiom.toml"
    file.parent.mkdir(parents=True)
    file.write_text("jobs = 'many'\n")
    (tmp_path / "home" / shut).chmod(0)
    code, data, talk = verified(tmp_path, tmp_path / "home")
    assert (code, '"status":"pass"' in data) == (0, True), talk
    assert talk.count("warning: ") == 1 and f"{file} cannot be read: its settings are left out" in talk


def test_the_projects_file(tmp_path: Path) -> None:
    (tmp_path / "axiom.toml").write_text("jobs = 'many'\n")
    os.chmod(tmp_path / "axiom.toml", 0)
    code, data, talk = verified(tmp_path, Path("/nonexistent"))
    assert (code, '"status":"pass"' in data) == (0, True), talk
    assert "warning: axiom.toml cannot be read" in talk


def test_a_home_that_is_not_there_is_nothing_to_say(tmp_path: Path) -> None:
    code, data, talk = verified(tmp_path, tmp_path / "new")
    assert (code, talk) == (0, "1 of 1 sample passed (100.0%)\n")
