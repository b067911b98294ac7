"""Tests that are code, prepared once: what they need beside themselves, and where that comes from.

A name that the tests use and nobody defines (`poly`, which a HumanEval prompt brings along) comes from the problem's
own prelude or reference, run beside the tests, so that no program can bring a helper that always agrees. Classes come
from the program, since the tests hand their objects to it; so does all else where there is no reference.
"""

from __future__ import annotations

import ast
import builtins
import marshal
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from axiom_cli import ids, records, syntax
from axiom_cli.errors import InputError

ENTRY = "candidate"  # what the tests of HumanEval call the function, whatever its name
LONGEST = 1_000_000
BUILT_IN = frozenset((*dir(builtins), "__name__", "__doc__", "__file__"))


@dataclass(frozen=True)
class CodeSuite:
    """`source` and `helpers` go to the judge's process, never to the program's; `names` are asked of the program, among
    them those `unknown` to the reference, where there is one."""

    key: str
    entry: str
    source: str
    helpers: str
    names: tuple[str, ...]
    unknown: tuple[str, ...]
    check: bool
    prelude: str = ""
    paired = True
    total = 1
    inputs: tuple[bytes, ...] = ()

    def payload(self, code: str) -> bytes:
        """What the judge's process gets; it hands `program` on, which is all that the program gets to know."""
        program = {"code": code, "entry": self.entry, "names": list(self.names), "prelude": self.prelude}
        job = {"source": self.source, "helpers": self.helpers, "check": self.check, "entry": [self.entry, ENTRY]}
        job |= {"names": list(self.names), "unknown": list(self.unknown), "program": marshal.dumps(program, 2)}
        return marshal.dumps(job, 2)


def prepare(program: records.Program) -> CodeSuite:
    """The suite of a problem's test code. Raises InputError where it is not Python or calls nothing."""
    source, entry = program.test_code or "", program.entry_point
    tree = syntax.parse(source, LONGEST)
    if tree is None:
        raise InputError(f"the test_code of program {entry!r} is not Python, or too long or too deep to be looked at")
    free, own = _free(tree), {entry, ENTRY}
    defines_check = any(isinstance(node, ast.FunctionDef) and node.name == "check" for node in tree.body)
    if not defines_check and not free & {*own, entry.partition(".")[0], "Solution"}:
        raise InputError(
            f"the test_code of program {entry!r} calls neither {entry} nor candidate",
            "write asserts that call it, or a function check(candidate)",
        )
    reference = syntax.parse(program.reference or "", LONGEST)
    prelude = syntax.parse(program.prelude or "", LONGEST)
    known = _defining(reference) if reference else {}
    defining = known | (_defining(prelude) if prelude else {})
    owners = {
        node.value.id for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    modules = {name: ast.Import([ast.alias(name)]) for name in owners & sys.stdlib_module_names}
    helping = {
        name: statement
        for name, statement in defining.items()
        if name != entry and not isinstance(statement, ast.ClassDef)
    }
    helpers, names = _helpers(modules | helping, free - own)
    unknown = [name for name in names if name not in defining] if known else []
    key = ids.content_id([entry, source, helpers, names, unknown, program.prelude])
    check = defines_check and not _calls_check(tree)
    return CodeSuite(key, entry, source, helpers, tuple(names), tuple(unknown), check, program.prelude or "")


def _free(tree: ast.AST) -> set[str]:
    """The names that are read somewhere and bound nowhere."""
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return read - {name for node in ast.walk(tree) for name in _bound(node)} - BUILT_IN


def _bound(node: ast.AST) -> Iterator[str]:
    """The names that this node binds."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0]
    elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest


def _defining(reference: ast.Module) -> dict[str, ast.stmt]:
    """The top-level definitions, imports and assignments of the reference by the names that they bind."""
    defining: dict[str, ast.stmt] = {}
    for statement in reference.body:
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            defining[statement.name] = statement
        elif isinstance(statement, (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)):
            defining |= {name: statement for node in ast.walk(statement) for name in _bound(node)}
    return defining


def _helpers(defining: dict[str, ast.stmt], wanted: set[str]) -> tuple[str, list[str]]:
    """The statements that define `wanted` names, with all that those need in turn; and the names that none defines."""
    waiting, seen = set(wanted), set()
    while waiting:
        seen.add(name := waiting.pop())
        if name in defining:
            waiting |= _free(defining[name]) - seen
    needed = {id(defining[name]) for name in seen if name in defining}
    kept = [statement for statement in dict.fromkeys(defining.values()) if id(statement) in needed]
    return "\n".join(map(ast.unparse, kept)), sorted(seen - defining.keys())


def _calls_check(tree: ast.Module) -> bool:
    """Whether the top level calls `check` itself."""
    calls = (node.value.func for node in tree.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
    return any(isinstance(called, ast.Name) and called.id == "check" for called in calls)
