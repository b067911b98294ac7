"""`axiom problems new` writes a family that works, with a test that it passes; a plug-in's own faults are named."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from axiom_cli.errors import InputError, UsageError
from axiom_cli.families import draw
from axiom_cli.families.family import Family
from axiom_cli.stages.new_family import new_family
from command_line import axiom, failed


def test_a_new_family_passes_its_own_test(tmp_path):
    done = axiom("problems", "new", "long_sums", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "long_sums"
    assert sorted(path.name for path in folder.iterdir()) == ["long_sums.py", "pyproject.toml", "test_long_sums.py"]
    path = os.pathsep.join([str(folder), *filter(None, sys.path)])
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        cwd=folder, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout
    failed(axiom("problems", "new", "long_sums", cwd=tmp_path), 2, "long_sums is there already")


@pytest.mark.parametrize("name", ["arithmetic", "Sums", "two words", "class", "1st", "a/b", ""])
def test_names_that_no_family_can_have(name):
    with pytest.raises(UsageError):
        new_family(name)


class Odd(Family):
    """Raises on its fourth draw."""

    name, about, levels = "odd", "", ""

    def draw(self, random, level):
        return random.randrange(10**6)

    def statement(self, task):
        self.drawn = getattr(self, "drawn", 0) + 1
        if self.drawn > 30:
            raise ZeroDivisionError("by zero")
        return f"Say {task}"

    def answer(self, task):
        return str(task)

    def trace(self, task):
        return []


def test_a_plug_in_that_raises_is_named_and_what_came_before_is_kept():
    kept = []
    with pytest.raises(InputError) as error:
        kept.extend(draw.stream(Odd(), 3, "train", 0))
    assert 15 < len(kept) < 31
    assert str(error.value) == (
        f"the plug-in family 'odd' raised ZeroDivisionError: by zero, at level 3, problem {len(kept)}"
    )
