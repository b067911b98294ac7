"""Tests that are code, prepared once: what they need beside themselves, and where that comes from.

A name that the tests use and nobody defines (`poly`, which a HumanEval prompt brings along) comes from the problem's
own prelude or reference, run beside the tests, so that no program can bring a helper that always agrees. Classes come
from the program, since the tests hand their objects to it; so does all else where there is no reference.
"""

from __future__ import annotations

import ast
import marshal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from axiom_cli import ids, records, syntax
from axiom_cli.errors import InputError

SOLUTION = "solution"  # the module that tests import the program from
ENTRY = "candidate"  # what the tests of HumanEval call the function, whatever its name
STREAMS = ("stdout", "stderr", "stdin", "capsys", "input")  # of tests that look at what is printed, or give input
LONGEST = 1_000_000


@dataclass(frozen=True)
class CodeSuite:
    """`source` and `helpers` go to the judge's process, never to the program's; `names` are asked of the program, among
    them those `unknown` to the reference, where there is one; `tests` are functions and classes that nobody calls;
    `classes` are what the tests take for classes of the program: what the reference says is one, or is written like
    one."""

    key: str
    entry: str
    source: str
    helpers: str
    names: tuple[str, ...]
    unknown: tuple[str, ...]
    check: bool
    tests: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    prelude: str = ""
    paired = True
    script = False
    total = 1
    inputs: tuple[bytes, ...] = ()

    @property
    def allowance(self) -> int:
        """Bytes of results, beyond the limit, that a right program may need to return what the source spells out."""
        return 2 * len(self.source)

    def payload(self, code: str) -> bytes:
        """What the judge's process gets; it hands `program` on, which is all that the program gets to know."""
        program: dict[str, Any] = {
            "code": code,
            "entry": self.entry,
            "names": list(self.names),
            "prelude": self.prelude,
        }
        program["watched"] = any(word in self.source for word in STREAMS)
        job = {"source": self.source, "helpers": self.helpers, "check": self.check, "entry": [self.entry, ENTRY]}
        job |= {"names": list(self.names), "unknown": list(self.unknown), "tests": list(self.tests)}
        job["classes"] = list(self.classes)
        job["program"] = marshal.dumps(program, 2)
        return marshal.dumps(job, 2)


def prepare(program: records.Program) -> CodeSuite:
    """The suite of a problem's test code. Raises InputError where it is not Python or calls nothing."""
    source, entry = program.test_code or "", program.entry_point
    tree = syntax.parse(source, LONGEST)
    if tree is None:
        raise InputError(f"the test_code of program {entry!r} is not Python, or too long or too deep to be looked at")
    free, own = syntax.free_names(tree), {entry, ENTRY}
    defines_check = any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in tree.body)
    if not defines_check and not free & {*own, entry.partition(".")[0], "Solution"} and not _imports_it(tree):
        raise InputError(
            f"the test_code of program {entry!r} calls neither {entry} nor candidate",
            "write asserts that call it, or a function check(candidate), or import it from solution",
        )
    reference = syntax.parse(program.reference or "", LONGEST)
    prelude = syntax.parse(program.prelude or "", LONGEST)
    known = _defining(reference) if reference else {}
    defining = known | (_defining(prelude) if prelude else {})
    owners = {
        node.value.id for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    modules = {name: ast.Import([ast.alias(name)]) for name in owners & {*sys.stdlib_module_names, "pytest", SOLUTION}}
    helping = {
        name: statement
        for name, statement in defining.items()
        if name != entry and not isinstance(statement, ast.ClassDef)
    }
    helpers, names = _helpers(modules | helping, free - own)
    imported = [name for name in _imported(tree) if name != entry]
    unknown = [name for name in [*names, *imported] if name not in defining] if known else []
    key = ids.content_id([entry, source, helpers, names, unknown, program.prelude])
    check, tests = defines_check and not _calls_check(tree), tuple(_uncalled(tree))
    classes = [name for name in [entry, *names, *imported] if _is_class(name, defining)]
    return CodeSuite(
        key, entry, source, helpers, tuple(names), tuple(unknown), check, tests, tuple(classes), program.prelude or ""
    )


def _is_class(name: str, defining: Mapping[str, ast.stmt]) -> bool:
    """Whether a name of the program is expected to be a class."""
    return isinstance(defining[name], ast.ClassDef) if name in defining else name.lstrip("_")[:1].isupper()


def _defining(reference: ast.Module) -> dict[str, ast.stmt]:
    """The top-level definitions, imports and assignments of the reference by the names that they bind."""
    defining: dict[str, ast.stmt] = {}
    for statement in reference.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            defining[statement.name] = statement
        elif isinstance(statement, (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)):
            defining |= {name: statement for node in ast.walk(statement) for name in syntax.bound_names(node)}
    return defining


def _helpers(defining: dict[str, ast.stmt], wanted: set[str]) -> tuple[str, list[str]]:
    """The statements that define `wanted` names, with all that those need in turn; and the names that none defines."""
    waiting, seen = set(wanted), set()
    while waiting:
        seen.add(name := waiting.pop())
        if name in defining:
            waiting |= syntax.free_names(defining[name]) - seen
    needed = {id(defining[name]) for name in seen if name in defining}
    kept = [statement for statement in dict.fromkeys(defining.values()) if id(statement) in needed]
    return "\n".join(map(ast.unparse, kept)), sorted(seen - defining.keys())


def _imports_it(tree: ast.AST) -> bool:
    """Whether the program is imported as a module somewhere."""
    plain = (node for node in ast.walk(tree) if isinstance(node, ast.Import))
    return bool(_imported(tree)) or any(alias.name == SOLUTION for node in plain for alias in node.names)


def _imported(tree: ast.AST) -> list[str]:
    """The names that are imported from the program as from a module."""
    statements = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == SOLUTION)
    return [alias.name for node in statements for alias in node.names]


def _uncalled(tree: ast.Module) -> Iterator[str]:
    """The names of the top-level functions `test*` and of the classes that nothing uses when the module runs: not a
    statement at its top level, save under `if __name__ == ...`, and no function that one of those uses."""
    defined = {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    waiting = [node for node in tree.body if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not _guard(node)]
    waiting += [defined["check"]] if "check" in defined else []
    used: set[str] = set()
    while waiting:
        read = syntax.read_names(waiting.pop()) - used
        used |= read
        waiting += [defined[name] for name in read & defined.keys()]
    for name, node in defined.items():
        if name in used or not (isinstance(node, ast.ClassDef) or name.startswith("test")):
            continue
        if isinstance(node, ast.ClassDef) or node.decorator_list or not node.args.args or not _helps(name, defined):
            yield name


def _helps(name: str, defined: Mapping[str, ast.stmt]) -> bool:
    """Whether another function or class uses this one."""
    return any(name in syntax.read_names(node) for other, node in defined.items() if other != name)


def _guard(node: ast.stmt) -> bool:
    """Whether this is `if __name__ == ...`, which does not hold for tests."""
    return isinstance(node, ast.If) and any(
        isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(node.test)
    )


def _calls_check(tree: ast.Module) -> bool:
    """Whether the top level calls `check` itself."""
    calls = (node.value.func for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
    return any(isinstance(called, ast.Name) and called.id == "check" for called in calls)
