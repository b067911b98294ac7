"""What to type to add an extra to this copy, for each way in which a copy is installed."""

from __future__ import annotations

import json
import os
import re
import shlex
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from axiom_cli.installation import Copy
from command_line import ROOT

METADATA = """\
Metadata-Version: 2.1
Name: axiom-rl
Version: 0.1.0
Provides-Extra: vllm
Requires-Dist: vllm>=0.32; (platform_system == 'Linux') and extra == 'vllm'
Provides-Extra: gym
Requires-Dist: reasoning-gym==0.1.25; extra == 'gym'
"""


def copy(place: Path, came_from: dict[str, object] | None, folder: Path | None = None, name: str = "venv") -> Copy:
    """A copy in the environment `place/name`, used from `folder`."""
    info = place / name / "lib" / "axiom_rl-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA)
    if came_from is not None:
        (info / "direct_url.json").write_text(json.dumps(came_from))
    (place / name / "bin").mkdir()
    (place / name / "bin" / "pip").touch()
    return Copy(Distribution.at(info), place / name, folder or place)


def test_from_the_package_index(tmp_path: Path) -> None:
    assert copy(tmp_path, None).extra("gym") == "venv/bin/pip install 'axiom-rl[gym]'"


def test_from_a_checkout(tmp_path: Path) -> None:
    checkout = tmp_path / "my checkout"
    checkout.mkdir()
    came_from = {"url": checkout.as_uri(), "dir_info": {}}
    assert copy(checkout, came_from).extra("gym") == "venv/bin/pip install '.[gym]'"
    elsewhere = copy(tmp_path, {**came_from, "dir_info": {"editable": True}})
    assert shlex.split(elsewhere.extra("gym")) == ["venv/bin/pip", "install", "-e", f"{checkout}[gym]"]
    checkout.rename(tmp_path / "gone")
    assert elsewhere.extra("gym") == "venv/bin/pip install reasoning-gym==0.1.25"
    assert elsewhere.extra("vllm") == "venv/bin/pip install 'vllm>=0.32'"


def test_from_an_archive_or_a_repository(tmp_path: Path) -> None:
    wheel = tmp_path / "axiom_rl-0.1.0-py3-none-any.whl"
    wheel.touch()
    archive = {"url": wheel.as_uri(), "archive_info": {}}
    assert copy(tmp_path, archive).extra("gym") == f"venv/bin/pip install 'axiom-rl[gym] @ {wheel.as_uri()}'"
    repository = {"url": "https://x.org/axiom.git", "vcs_info": {"vcs": "git", "commit_id": "ab12"}}
    asked = copy(tmp_path, repository, name="second").extra("gym")
    assert asked == "second/bin/pip install 'axiom-rl[gym] @ git+https://x.org/axiom.git@ab12'"


def test_the_active_environments_pip_is_called_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = copy(tmp_path, None)
    (tmp_path / "venv" / "bin" / "pip").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/venv/bin{os.pathsep}{os.environ['PATH']}")
    assert made.extra("gym") == "pip install 'axiom-rl[gym]'"
    assert made.package("aqlm") == "pip install aqlm"


def test_as_a_tool_of_pipx(tmp_path: Path) -> None:
    made = copy(tmp_path, None, name="axiom-rl")
    (tmp_path / "axiom-rl" / "pipx_metadata.json").write_text("{}")
    assert made.extra("gym") == "pipx inject axiom-rl reasoning-gym==0.1.25"


def test_as_a_tool_of_uv(tmp_path: Path) -> None:
    """Installing a tool again forgets the extras that it had, so they are named again."""
    made = copy(tmp_path, None, name="axiom-rl")
    receipt = '[tool]\nrequirements = [{ name = "axiom-rl", extras = ["vllm"] }, { name = "aqlm" }]\n'
    (tmp_path / "axiom-rl" / "uv-receipt.toml").write_text(receipt)
    assert made.extra("gym") == "uv tool install 'axiom-rl[gym,vllm]' --with aqlm"
    assert made.package("hqq") == "uv tool install 'axiom-rl[vllm]' --with aqlm --with hqq"


def test_every_extra_that_a_message_names_is_declared() -> None:
    sources = [path.read_text() for path in (ROOT / "axiom_cli").rglob("*.py")]
    named = {name for text in sources for name in re.findall(r"installation\.extra\([\"'](\w+)[\"']\)", text)}
    project = (ROOT / "pyproject.toml").read_text().partition("[project.optional-dependencies]")[2]
    assert named and named <= set(re.findall(r"^(\w+) = \[", project, re.MULTILINE))
