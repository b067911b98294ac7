"""Imports go downwards only, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import axiom_cli
from axiom_cli.app import COMMANDS

PACKAGE = Path(axiom_cli.__file__).parent
ROOT = Path(__file__).parent.parent
# The order of house.md, highest first. What stands in one line is side by side: it does not import its neighbours.
LAYERS = [
    {"__main__"},
    {"app"},
    {"commands"},
    {"loop", "console"},
    {"stages"},
    {"training", "engines", "families", "models"},
    {"prompts"},
    {"answers", "sandbox", "statistics"},
    {"workspace", "options"},
    {"receipts", "refs", "trees"},
    {"storage"},
    {"durable"},
    {"settings", "jsonl"},
    {"records", "configs"},
    {"ids", "errors", "syntax", "ranks", "layout", "printing"},
    {"notation"},
]
HEIGHT = {name: -row for row, names in enumerate(LAYERS) for name in names}
# Each line is a debt with its reason.
ALLOWED = {
    ("engines", "models"): "an engine asks where a model's files are",
    ("training", "models"): "so does the trainer",
    ("engines", "training"): "weights are loaded in one way, for sampling and for training",
    ("commands", "app"): "document.py reads the command line as it is",
}
# A script that stands beside the weights that it makes, above the stages; only the loop asks it for its cold start.
SCRIPTS = {"models.nano.recipe"}
HEAVY = {"torch", "transformers", "peft", "vllm", "accelerate"}
MAY_BE_HEAVY = ("training", "engines", "models")
PLANTED = ["import torch\n", "from rich.console import Console\n", "import pydantic_settings\n"]


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield ".".join(path.relative_to(PACKAGE).with_suffix("").parts), path


each_module = pytest.mark.parametrize(("name", "path"), list(modules()), ids=[name for name, _ in modules()])


def imported(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """(module, whether at the top level and outside TYPE_CHECKING) for every import."""
    late = {id(node) for top in ast.walk(tree) if _defers(top) for node in ast.walk(top)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) not in late) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, id(node) not in late
            yield from ((f"{node.module}.{alias.name}", id(node) not in late) for alias in node.names)


def _defers(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, (ast.FunctionDef, ast.Lambda))


def breaches(name: str, source: str) -> list[str]:
    """What a module imports that does not stand below it."""
    own = name.split(".")[0]
    found = []
    for module, _ in imported(ast.parse(source)):
        parts = module.split(".")
        if parts[0] != "axiom_cli" or len(parts) < 2 or parts[1] not in HEIGHT:
            continue
        other = parts[1]
        if other != own and HEIGHT[other] >= HEIGHT[own] and (own, other) not in ALLOWED:
            found.append(f"{name} imports {other}")
    return found


def test_every_module_has_a_layer() -> None:
    assert {name.split(".")[0] for name, _ in modules()} - {"__init__", *HEIGHT} == set()


@pytest.mark.parametrize(
    ("name", "path"), list(modules()), ids=lambda value: str(value) if isinstance(value, str) else ""
)
def test_imports_go_downwards(name: str, path: Path) -> None:
    if name != "__init__" and name not in SCRIPTS:
        assert breaches(name, path.read_text()) == []
    every = {module.removeprefix("axiom_cli.") for module, _ in imported(ast.parse(path.read_text()))}
    assert name == "loop" or every & SCRIPTS == set()


@pytest.mark.parametrize(
    ("name", "path"), list(modules()), ids=lambda value: str(value) if isinstance(value, str) else ""
)
def test_heavy_packages_cross_one_border(name: str, path: Path) -> None:
    if name.split(".")[0] in MAY_BE_HEAVY:
        return
    tops = {module.split(".")[0] for module, top in imported(ast.parse(path.read_text())) if top}
    assert tops & HEAVY == set()
    every = {module.split(".")[0] for module, _ in imported(ast.parse(path.read_text()))}
    if name != "console":
        assert "rich" not in every
    if name != "settings":
        assert "pydantic_settings" not in every


def test_a_planted_breach_is_found() -> None:
    assert breaches("records", "from axiom_cli.stages.verify import verify")
    assert breaches("stages.x", "def f():\n    from axiom_cli import console")
    assert breaches("jsonl", "from axiom_cli import settings")
    assert not breaches("stages.x", "from axiom_cli.records import Sample")


@pytest.mark.parametrize(
    "source", ["import torch\n", "from rich.console import Console\n", "import pydantic_settings\n"]
)
def test_ruff_finds_a_planted_breach(source: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), "--stdin-filename"]
    planted = subprocess.run(
        [*command, str(ROOT / "axiom_cli" / "stages" / "planted.py"), "-"], input=source, text=True, capture_output=True
    )
    assert planted.returncode == 1
    assert "TID253" in planted.stdout


def test_ruff_finds_nothing_here() -> None:
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stdout


SUBCOMMANDS = [[], *([name] for name in COMMANDS)]
SUBCOMMANDS += [["problems", name] for name in ("list", "gen", "audit", "import", "overlap", "calibrate", "new")]
SUBCOMMANDS += [["workspace", name] for name in ("ls", "show", "why", "diff", "gc", "fsck", "export")]
HELP = """
import sys
from axiom_cli.app import main
for words in {commands!r}:
    assert main([*words, "--help"]) == 0, words
    heavy = {{name.split(".")[0] for name in sys.modules}} & {heavy!r}
    assert not heavy, (words, heavy)
"""


def test_no_help_loads_anything_heavy() -> None:
    heavy = {*HEAVY, "pydantic_settings", "rich", "scipy", "numpy"}
    script = HELP.format(commands=SUBCOMMANDS, heavy=heavy)
    done = subprocess.run([sys.executable, "-c", script], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert all(f"axiom {' '.join(words)}".strip() in done.stdout for words in SUBCOMMANDS)
