"""`axiom problems new` writes a family that works, with a test that it passes; a plug-in's own faults are named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from axiom_cli.errors import InputError, UsageError
from axiom_cli.problems.families import draw
from axiom_cli.problems.families.family import Family
from axiom_cli.problems.scaffold import new_family
from command_line import ROOT, axiom, environment, failed, rows, talk


@pytest.mark.slow
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
    failed(axiom("problems", "new", "long_sums", cwd=tmp_path), 2, "long_sums already exists")


NAMES = ["arithmetic", "Sums", "two words", "class", "1st", "a/b", ""]
NAMES += ["random", "pytest", "handwritten", "imported", "_"]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_no_family_can_have(name):
    with pytest.raises(UsageError):
        new_family(name)


PLACE = "test_new_family.py:58"


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
        f"the plug-in family 'odd', level 3, problem {len(kept)}: ZeroDivisionError: by zero ({PLACE})"
    )


FAMILY = """
from axiom_cli.problems.families.family import Family

class Plugged(Family):
    name, about, levels = "NAME", "", ""

    def draw(self, random, level):
        return random.randrange(60)

    def statement(self, task):
        return f"Say {task} twice."

    def answer(self, task):
        return f"{task} {task}"

    def trace(self, task):
        return []
"""


def plugged(folder: Path, **sources: str) -> dict[str, str]:
    """The environment of a machine on which each source is installed as the family of its name."""
    (info := folder / "plugged-1.dist-info").mkdir()
    (info / "METADATA").write_text("Name: plugged\nVersion: 1\n")
    entries = [f"{name} = {name}:Plugged\n" for name in sources]
    (info / "entry_points.txt").write_text("[axiom.families]\n" + "".join(entries))
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source.replace("NAME", name))
    return {"PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])}


BROKEN = {
    "raises": ("raise ValueError('no such rule')\n", "ValueError: no such rule (raises.py:1)"),
    "unparsed": ("def (\n", "SyntaxError: invalid syntax (unparsed.py:1)"),
    "exits": ("import sys\nsys.exit()\n", "SystemExit:  (exits.py:2)"),
    "abstract": (FAMILY.replace("def trace", "def traces"), "TypeError: Can't instantiate abstract class Plugged"),
    "unnamed": (FAMILY.replace('name, about, levels = "NAME", "", ""', "pass"), "has no attribute 'name'"),
    "misnamed": (
        FAMILY.replace("NAME", "other"),
        "TypeError: its name is 'other', its entry point's 'misnamed'",
    ),
    "stranger": ("class Plugged:\n    name = 'NAME'\n", "TypeError: stranger:Plugged is not a Family"),
}


def test_a_broken_plug_in_is_named_and_the_other_families_go_on(tmp_path):
    env = plugged(tmp_path, sound=FAMILY, **{name: source for name, (source, _) in BROKEN.items()})
    listed = axiom("problems", "list", cwd=tmp_path, env=env)
    assert listed.returncode == 0
    assert "sound" in [row["name"] for row in rows(listed.stdout)]
    warned = [line for line in talk(listed) if line.startswith("warning: left out: the plug-in family ")]
    for name, (_, said) in BROKEN.items():
        (line,) = [line for line in warned if f"family '{name}' ({name}:Plugged) does not load: " in line]
        assert said in line
    made = axiom("problems", "gen", "--count", "60", cwd=tmp_path, env=env)
    assert made.returncode == 0 and "sound" in [row["family"] for row in rows(made.stdout)]
    failed(axiom("problems", "gen", "raises", cwd=tmp_path, env=env), 4, "ValueError: no such rule", "AXIOM_DEBUG=1")


def test_no_question_comes_twice_though_every_level_asks_the_same(tmp_path):
    done = axiom("problems", "gen", "sound", "--difficulty", "1-3", cwd=tmp_path, env=plugged(tmp_path, sound=FAMILY))
    failed(done, 5, "sound level 3 has only ")
    found = rows(done.stdout)
    assert 40 < len({row["id"] for row in found}) == len(found) < 60
    assert f"{len(found)} problems (train, levels 1-3, seed 0)" in talk(done)


@pytest.mark.parametrize(
    ("asked", "answered", "said"),
    [
        ("None", "'4'", "TypeError: its statement None is not text"),
        ("' '", "'4'", "ValueError: its statement ' ' is empty"),
        ("str(task)", "4", "TypeError: its answer 4 is not text"),
        ("str(task)", "''", "ValueError: its answer '' is empty"),
        ("str(task)", "'4\\n5'", r"ValueError: its answer '4\n5' has several lines"),
        ("exit(0)", "'4'", "SystemExit: 0"),
    ],
)
def test_what_is_no_problem_is_not_written(asked, answered, said, monkeypatch):
    namespace = {"__name__": "planted"}
    exec(FAMILY, namespace)
    family = namespace["Plugged"]()
    monkeypatch.setattr(family, "statement", lambda task: eval(asked, {"task": task, "exit": sys.exit}), raising=False)
    monkeypatch.setattr(family, "answer", lambda task: eval(answered), raising=False)
    with pytest.raises(InputError) as error:
        list(draw.stream(family, 3, "train", 0))
    assert str(error.value).startswith(f"the plug-in family 'NAME', level 3, problem 0: {said}")


EDITABLE = """
import sys
from importlib.util import spec_from_file_location
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        return spec_from_file_location(name, {!r}) if name == "sound" else None
sys.meta_path.append(Finder)
"""


@pytest.mark.slow
def test_a_folder_called_like_a_family_s_module_does_not_hide_it(tmp_path):
    """As after `axiom problems new sound`, `pip install -e sound` and `axiom problems audit sound`."""
    (site := tmp_path / "site").mkdir()
    (tmp_path / "sound").mkdir()
    env = plugged(site, sound=FAMILY.replace("60", "10**6"))
    (site / "sound.py").rename(tmp_path / "sound" / "sound.py")
    (site / "sitecustomize.py").write_text(EDITABLE.format(str(tmp_path / "sound" / "sound.py")))
    script = "import sys; del sys.path[0]; from axiom_cli.app import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", script, "problems", "audit", "sound", "--draws", "100"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(**env), capture_output=True)
    (row,) = rows(done.stdout)
    assert row["passed"], row["failures"]
