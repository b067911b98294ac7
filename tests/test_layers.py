"""Imports go downwards only, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

import pytest

import axiom_cli
from axiom_cli.app import COMMANDS

PACKAGE = Path(axiom_cli.__file__).parent
ROOT = Path(__file__).parent.parent
# The order of the rooms, highest first. What stands in one line is side by side: it does not import its neighbours.
LAYERS = [
    {"__main__"},
    {"app"},
    {"commands"},
    {"viewer"},
    {"experiment", "report", "cluster"},
    {"audit", "importing", "evaluation"},
    {"learning"},
    {"sampling"},
    {"verification"},
    {"problems"},
    {"models"},
    {"sandbox"},
    {"workspace"},
    {"settings", "terminal"},
    {"jsonl", "prefetch"},
    {"records", "drafts"},
    {"files", "ids", "interruption", "percentages", "statistics", "syntax"},
    {"errors", "installation", "json_codec", "permitted", "process_rank", "wording"},
]
HEIGHT = {name: -row for row, names in enumerate(LAYERS) for name in names}
REPORT = ["pages", "tables", "sections", "outcome", "drawing", "cells", "formats"]
"""The order within `report`, highest first."""
# Each line is a debt with its reason.
ALLOWED: set[tuple[str, str]] = set()
# Scripts that are run by hand, each with the room that it stands beside. Nothing imports them.
SCRIPTS = {
    "models.nano.recipe": "experiment",
    "commands.document": "__main__",
    "commands.gallery": "commands",
    "problems.families.gym.survey": "problems",
}
HEAVY = {"torch", "transformers", "peft", "vllm", "accelerate"}
MAY_BE_HEAVY = ("learning.training", "sampling.engines", "models")
BORDERS = {"rich": "terminal", "pydantic_settings": "settings", "ray": "cluster", "textual": "viewer"}


@cache
def modules() -> dict[str, ast.Module]:
    """The syntax tree of each module, by its name below the package."""
    trees = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        trees[name] = ast.parse(path.read_text())
    return trees


def imports(node: ast.AST, at_top: bool = True) -> Iterator[tuple[str, bool]]:
    """(module, whether outside functions and TYPE_CHECKING) for every import below `node`."""
    if isinstance(node, ast.Import):
        yield from ((alias.name, at_top) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (f"{node.module}." if node.module else "")
        yield from ((f"{module}{alias.name}", at_top) for alias in node.names)
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            yield from imports(child, at_top and not _defers(node))


def _defers(node: ast.AST) -> bool:
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))


def package(name: str) -> str:
    """The package that relative imports in a module start from: itself, if the module is a package."""
    folder = PACKAGE.joinpath(*name.split("."))
    return f"axiom_cli.{name}" if folder.is_dir() else f"axiom_cli.{name}".rpartition(".")[0]


def late_imports(tree: ast.AST) -> Iterator[str]:
    """The modules that are named by strings: `import_module("x.y")`, `import_module(f"x.{name}")`, and "x.y:attribute"
    in a table."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("import_module", "__import__"):
            argument = next(iter([*node.args, *(keyword.value for keyword in node.keywords)]))
            start = argument.values[0] if isinstance(argument, ast.JoinedStr) else argument
            if isinstance(start, ast.Constant):
                yield str(start.value).removesuffix(".")
        elif isinstance(node, ast.Constant) and re.fullmatch(r"axiom_cli(\.\w+)+:\w+", str(node.value)):
            yield node.value.partition(":")[0]


def circle(trees: dict[str, ast.Module]) -> list[str]:
    """Modules of the package that import one another as they are loaded, from one back to itself; [] for none."""

    def loaded(module: str, by: str) -> str:
        full = resolve_name(module, package(by))
        return full if full in names else full.rpartition(".")[0]

    names = {f"axiom_cli.{name}" for name in trees}
    graph = {
        f"axiom_cli.{name}": {loaded(module, name) for module, at_top in imports(tree) if at_top} & names
        for name, tree in trees.items()
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


def breaches(name: str, tree: ast.AST) -> list[str]:
    """What a module imports that does not stand below it, or from beyond a border that it may not cross."""
    room, found = name.split(".")[0], []
    height = HEIGHT[SCRIPTS.get(name, room)]
    for relative, at_top in [*imports(tree), *((module, False) for module in late_imports(tree))]:
        module = resolve_name(relative, package(name))
        parts = module.split(".")
        if parts[0] in HEAVY and at_top and not name.startswith(MAY_BE_HEAVY):
            found.append(f"{name} loads {parts[0]}")
        if BORDERS.get(parts[0], room) != room:
            found.append(f"{name} imports {parts[0]}")
        if parts[0] != "axiom_cli" or len(parts) < 2 or parts[1] not in HEIGHT:
            continue
        other = parts[1]
        if other != room and HEIGHT[other] >= height and (room, other) not in ALLOWED:
            found.append(f"{name} imports {module}")
        if other == room == "report" and _rises(name.split("."), parts[1:]):
            found.append(f"{name} imports {module}")
        if any(f"{module}.".startswith(f"axiom_cli.{script}.") for script in SCRIPTS):
            found.append(f"{name} imports the script {module}")
    return found


def _rises(importer: list[str], imported: list[str]) -> bool:
    """Whether a module in a room of `report` imports from a higher one."""
    return REPORT.index(imported[1]) < REPORT.index(importer[1])


def test_imports_go_downwards_and_heavy_packages_cross_one_border() -> None:
    every = modules()
    assert {name.split(".")[0] for name in every} - {"__init__", *HEIGHT} == set()
    assert [breach for name, tree in every.items() if name != "__init__" for breach in breaches(name, tree)] == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("records", "from axiom_cli.verification.verify import verify"),
        ("records", "def f():\n    from axiom_cli.terminal import console"),
        ("jsonl", "from axiom_cli.settings import sources"),
        ("audit.x", "from axiom_cli.importing import importer"),
        ("report.formats", "import torch"),
        ("report.sections.x", "from axiom_cli.report.pages.experiment import page"),
        ("report.cells", "from axiom_cli.report.drawing import html"),
        ("report.x", "from rich.console import Console"),
        ("sampling.x", "from ..learning import train"),
        ("sampling.x", "from .. import learning"),
        ("sampling.engines", "from ...learning.train import train"),
        ("sampling.engines.x", "def f():\n    from ...learning import train"),
        ("problems.x", "import_module('axiom_cli.sampling.solve')"),
        ("problems.x", "def f(name):\n    return importlib.import_module(f'axiom_cli.sampling.{name}')"),
        ("problems.x", "importlib.import_module('..sampling.solve', __package__)"),
        ("problems.x", "TABLE = {'x': 'axiom_cli.sampling.solve:solve'}"),
        ("report.x", "importlib.import_module('rich.console')"),
        ("models.nano.recipe", "from axiom_cli.commands import streams"),
        ("models.nano.recipe", "from rich.console import Console"),
        ("commands.gallery", "from axiom_cli.app import application"),
        ("problems.families.gym.survey", "from axiom_cli.sampling import solve"),
        ("experiment.round", "from axiom_cli.models.nano import recipe"),
        ("experiment.round", "from axiom_cli.models.nano.recipe import SHAPE"),
        ("commands.x", "from axiom_cli.commands import gallery"),
    ],
)
def test_a_planted_breach_is_found(name: str, source: str) -> None:
    assert breaches(name, ast.parse(source))
    assert not breaches(name, ast.parse("from axiom_cli.errors import AxiomError"))


def test_no_modules_import_one_another() -> None:
    assert circle(modules()) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("from axiom_cli.workspace import store", "import axiom_cli.workspace.atomic"),
        ("import axiom_cli.workspace.store", "if True:\n    from axiom_cli.workspace import atomic"),
        ("from . import store", "from .atomic import name"),
    ],
)
def test_a_planted_circle_is_found(first: str, second: str) -> None:
    trees = {"workspace.atomic": ast.parse(first), "workspace.store": ast.parse(second)}
    assert set(circle(trees)) == {"axiom_cli.workspace.atomic", "axiom_cli.workspace.store"}
    assert circle({**trees, "workspace.store": ast.parse(f"def late():\n    {second.splitlines()[-1].strip()}")}) == []


@pytest.mark.parametrize(
    "source", ["import torch\n", "from rich.console import Console\n", "import pydantic_settings\n"]
)
def test_ruff_finds_a_planted_breach(source: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml"), "--stdin-filename"]
    planted = subprocess.run(
        [*command, str(ROOT / "axiom_cli" / "report" / "planted.py"), "-"], input=source, text=True, capture_output=True
    )
    assert planted.returncode == 1
    assert "TID253" in planted.stdout


@pytest.mark.parametrize("words", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_finds_nothing_here(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "ruff", *words, "."], cwd=ROOT, text=True, capture_output=True)
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
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
