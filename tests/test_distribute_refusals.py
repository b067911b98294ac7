"""What `--distribute` refuses before any cluster is looked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.cluster.node import MODEL_ON_EVERY_NODE, hint_for_every_node
from command_line import axiom, environment, extra, failed
from tiny import problem, samples


@pytest.fixture
def programs() -> bytes:
    return b"".join(map(jsonl.dump, samples(2)))


@pytest.fixture
def problems() -> bytes:
    return jsonl.dump(problem(1))


def test_without_the_package_the_extra_is_named(programs: bytes, tmp_path: Path) -> None:
    (tmp_path / "without" / "ray").mkdir(parents=True)
    (tmp_path / "without" / "ray" / "__init__.py").write_text("raise ModuleNotFoundError('no ray')\n")
    path = os.pathsep.join([str(tmp_path / "without"), environment()["PYTHONPATH"]])
    done = axiom("verify", "--distribute", "ray", cwd=tmp_path, stdin=programs, env={"PYTHONPATH": path})
    failed(done, 4, extra("ray", tmp_path))


def test_what_does_not_go_together(programs: bytes, problems: bytes, tmp_path: Path) -> None:
    failed(axiom("verify", "--distribute", "ray", "--audit", cwd=tmp_path, stdin=programs), 2, "--audit")
    words = ("solve", "--model", "http://127.0.0.1:9/v1#model", "--distribute", "ray")
    failed(axiom(*words, cwd=tmp_path, stdin=problems), 2, "one place")
    failed(axiom("verify", "--distribute", "spark", cwd=tmp_path, stdin=programs), 2, "ray")
    failed(axiom("verify", "--workers", "2", cwd=tmp_path, stdin=programs), 2, "--workers", "--distribute ray")
    words = ("solve", "--model", "solver", "--engine", "scripted", "--ray-address", "local")
    failed(axiom(*words, cwd=tmp_path, stdin=problems), 2, "--ray-address", "--distribute ray")


def test_what_a_node_lacks_is_named_and_the_model_only_where_it_is_that() -> None:
    assert hint_for_every_node("pip install 'axiom-rl[vllm]'") == "on every node: pip install 'axiom-rl[vllm]'"
    assert (
        hint_for_every_node("did you mean nano?") == f"did you mean nano?; {MODEL_ON_EVERY_NODE}"
        and hint_for_every_node("") == MODEL_ON_EVERY_NODE
    )
