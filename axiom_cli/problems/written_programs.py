"""How a program is read out of a completion: in one way, for training and for evaluation.

Nothing that a model wrote is evaluated here. A program is only parsed, to see what it defines.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, takewhile
from operator import itemgetter

from axiom_cli import syntax
from axiom_cli.problems.answers import read_answer
from axiom_cli.problems.fences import Block, blocks
from axiom_cli.problems.reasoning import without_reasoning
from axiom_cli.records import STDIN_STDOUT, Sample

MOST_BLOCKS = 200
MOST_CODE = 4 * syntax.LONGEST
"""The last blocks of a text that are looked at, and the characters in them."""
MOST_HELPERS = 32
"""Statements of other blocks that one block may need."""
INPUT_NAMES = {"input", "stdin", "fileinput"}
OPENERS = {"open", "read", "fdopen", "FileIO", "Path"}
INPUT_FILES = {"0", "'/dev/stdin'", "'/dev/fd/0'", "'/proc/self/fd/0'"}
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def written_program(sample: Sample) -> str | None:
    """The program in a sample's text: what `read_program` finds. If the sample was cut off at its length limit, a block
    without an end does not count."""
    if sample.problem.program is None:
        return None
    return read_program(sample.text, sample.problem.program.entry_point, cut_off=sample.finish == "length")


def parses(sample: Sample) -> bool:
    """Whether an answer, or a program with the wanted entry point, can be read out of the completion."""
    program = sample.problem.program
    if program is None:
        return read_answer(sample.text) is not None
    return read_program(sample.text, program.entry_point) is not None


def read_program(text: str, entry_point: str, *, cut_off: bool = False) -> str | None:
    """The program in `text` that has `entry_point`, or a class `Solution`; None if nothing does.

    It is the last block of Python outside the reasoning that defines it by `def`, `class` or `lambda` with a body, else
    the last one that imports or assigns it, else the last `async def` or class of that name, be it empty; without such
    a block, the bare text. For a script it is the last block that reads input, else the last that names Python, else
    the last that calls something, which shown output does not do. What a block uses and other blocks define is put in
    front of it.

    A fence may name Python in many ways, or no language; a block in another language never counts. The last block may
    lack its closing fence, unless the text was `cut_off`.
    """
    outside = without_reasoning(text)
    sources = _last_sources(block for block in blocks(outside) if block.closed or not cut_off)
    bare = _Source(outside.strip("\n"))
    if entry_point == STDIN_STDOUT:
        return _script(sources) or (bare.code if bare.tree is not None and bare.tree.body else None)
    preferences = (
        (entry_point, _implements),
        ("Solution", _implements),
        (entry_point, _refers),
        (entry_point, _has_class_or_coroutine),
    )
    for name, is_right in preferences:
        for source in (*reversed(sources), bare):
            if is_right(source, name):
                return _with_helpers(source, sources)
    return None


@dataclass(frozen=True)
class _Source:
    """A text that may be Python; it is parsed once, when that is needed. `named` if its fence said Python."""

    code: str
    named: bool = False

    @cached_property
    def tree(self) -> ast.Module | None:
        parsed = syntax.parse(self.code)
        return parsed if parsed and syntax.compiles(parsed) else None

    @cached_property
    def definitions(self) -> dict[str, ast.stmt]:
        """What its top level defines, each name with the last statement that does."""
        return {
            name: statement for part in (self.tree.body if self.tree else ()) for name, statement in _bound_by(part)
        }

    def binding(self, name: str) -> Iterator[ast.stmt]:
        """The statements at the top level, branches included, that bind `name`, or the class of a method."""
        first = name.partition(".")[0]
        # Python normalises names (NFKC), so other letters may spell it.
        if (first in self.code or not self.code.isascii()) and self.tree is not None:
            yield from (statement for statement in _top_level(self.tree) if _binds(statement, first))


def _last_sources(code_blocks: Iterable[Block]) -> list[_Source]:
    """The last blocks, in order, as many as are looked at."""
    sources = [_Source(block.code, block.named) for block in deque(code_blocks, MOST_BLOCKS)]
    sizes = accumulate(len(source.code) for source in reversed(sources))
    kept = sum(1 for _ in takewhile(lambda size: size <= MOST_CODE, sizes))
    return sources[len(sources) - kept :]


def _script(sources: Sequence[_Source]) -> str | None:
    """The one that is a script, with what it needs of the others."""
    best, rank = None, (False, False, False)
    for source in reversed(sources):
        if not source.named and "(" not in source.code or source.tree is None or not source.tree.body:
            continue
        if not source.named and not _calls_something(source.tree):
            continue
        code = _with_helpers(source, sources)
        whole = source.tree if code == source.code else syntax.parse(code) or source.tree
        reached = (_reads_input(whole), _runs_something(source.tree), source.named)
        if best is None or reached > rank:
            best, rank = code, reached
        if all(rank):
            break
    return best


def _reads_input(tree: ast.Module) -> bool:
    """Whether the code names standard input, or opens it."""
    for node in ast.walk(tree):
        names = (getattr(node, field, None) for field in ("id", "attr", "name", "module"))
        if any(name in INPUT_NAMES for name in names):
            return True
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            opens = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
            if opens in OPENERS and repr(node.args[0].value) in INPUT_FILES:
                return True
    return False


def _runs_something(tree: ast.Module) -> bool:
    """Whether the block does more than define and import."""
    return any(
        not isinstance(statement, (*DEFINITIONS, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign))
        and not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
        for statement in tree.body
    )


def _calls_something(tree: ast.Module) -> bool:
    return any(isinstance(node, ast.Call) for node in ast.walk(tree))


def _with_helpers(source: _Source, sources: Sequence[_Source]) -> str:
    """The code, after the statements of other blocks that define what it uses and does not define: those of the nearest
    block before it, else of the nearest after it."""
    possible = len(sources) > 1 and "__future__" not in source.code
    wanted = syntax.free_names(source.tree) if possible and source.tree is not None else set()
    own = next((number for number, other in enumerate(sources) if other is source), len(sources))
    nearest = [*range(own - 1, -1, -1), *range(own + 1, len(sources))]
    helpers: dict[tuple[int, int], ast.stmt] = {}
    while wanted and len(helpers) < MOST_HELPERS:
        name = wanted.pop()
        number = next((number for number in nearest if name in sources[number].definitions), None)
        if number is not None:
            statement = sources[number].definitions[name]
            if (number, statement.lineno) not in helpers:
                helpers[number, statement.lineno] = statement
                wanted |= syntax.free_names(statement)
    parts = [
        _lines_of(sources[number].code, statement)
        for (number, _), statement in sorted(helpers.items(), key=itemgetter(0))
    ]
    return "\n".join([*parts, source.code])


def _bound_by(statement: ast.stmt) -> Iterator[tuple[str, ast.stmt]]:
    """The names that a statement defines; none for an empty definition."""
    if isinstance(statement, DEFINITIONS):
        if not _is_empty(statement):
            yield statement.name, statement
    elif isinstance(statement, (ast.Import, ast.ImportFrom)):
        yield from ((alias.asname or alias.name.partition(".")[0], statement) for alias in statement.names)
    elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
        stores = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
        yield from ((node.id, statement) for node in stores if isinstance(node.ctx, ast.Store))


def _lines_of(code: str, statement: ast.stmt) -> str:
    """The lines of a statement, its decorators included."""
    first = min(node.lineno for node in (statement, *getattr(statement, "decorator_list", ())))
    return "\n".join(code.split("\n")[first - 1 : statement.end_lineno])


def defines(code: str, name: str) -> bool:
    """Whether `code` parses and binds `name` at its top level, branches included, by `def`, `class`, import or
    assignment."""
    return any(True for _ in _Source(code).binding(name))


def _implements(source: _Source, name: str) -> bool:
    """Whether it defines `name` by `def`, `class` or `lambda`, and not by an empty body alone."""
    return any(
        not _is_empty(statement) if isinstance(statement, (ast.FunctionDef, ast.ClassDef)) else _is_lambda(statement)
        for statement in source.binding(name)
    )


def _refers(source: _Source, name: str) -> bool:
    """Whether it imports or assigns `name`."""
    return any(not isinstance(statement, DEFINITIONS) for statement in source.binding(name))


def _has_class_or_coroutine(source: _Source, name: str) -> bool:
    """Whether it has a class `name`, which may be right with nothing in it, as a function may not; or `async def`."""
    return any(isinstance(statement, (ast.ClassDef, ast.AsyncFunctionDef)) for statement in source.binding(name))


def _is_lambda(statement: ast.stmt) -> bool:
    return isinstance(getattr(statement, "value", None), ast.Lambda)


def _is_empty(statement: ast.stmt) -> bool:
    """Whether a definition does nothing: its body is `...`, `pass`, a docstring, or raises NotImplementedError. A class
    does nothing if that is true of all its methods and it derives from nothing."""
    if isinstance(statement, ast.ClassDef):
        methods = [part for part in statement.body if not _does_nothing(part)]
        return not statement.bases and all(isinstance(part, DEFINITIONS) and _is_empty(part) for part in methods)
    return isinstance(statement, DEFINITIONS) and all(map(_does_nothing, statement.body))


def _does_nothing(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        return statement.exc is not None and "NotImplementedError" in ast.dump(statement.exc)
    constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return constant or isinstance(statement, ast.Pass)


def _top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements at the top level, and those in its branches. Not recursive: each `elif` is nested in its `if`."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, DEFINITIONS):
            waiting += [
                child for child in ast.iter_child_nodes(node) if isinstance(child, (ast.stmt, ast.ExceptHandler))
            ]


def _binds(statement: ast.stmt, name: str) -> bool:
    if isinstance(statement, DEFINITIONS):
        return statement.name == name
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return any((alias.asname or alias.name.partition(".")[0]) == name for alias in statement.names)
    if isinstance(statement, ast.Assign):
        return any(_assigns(target, name) for target in statement.targets)
    return isinstance(statement, ast.AnnAssign) and bool(statement.value) and _assigns(statement.target, name)


def _assigns(target: ast.expr, name: str) -> bool:
    """Whether an assignment to `target` binds `name`, alone or among others."""
    names = (node for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return any(node.id == name for node in names)
