"""How well tests tell a right program from a nearly right one: the mutation score of a reference.

A mutant is the reference with one small change. A mutant that no input tells from the reference is the same program and
does not count. References are our own code; nothing that a model wrote is run here.
"""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from axiom_cli import syntax
from axiom_cli.problems.input_mutation import constant_neighbours

MOST_STEPS = 20_000
_SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,),
    ast.FloorDiv: (ast.Mod, ast.Mult),
    ast.Mod: (ast.FloorDiv,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
Outcome = tuple[str, Any]
"""What a call comes to: ("value", the result), or ("error", the exception's type)."""


class TooManyStepsError(Exception):
    """A call that did not end within its steps."""


def mutants(source: str) -> Iterator[str]:
    """Every source with one operator swapped, one constant changed, or one condition negated."""
    tree = syntax.tree(source)
    for node in ast.walk(tree):
        for field, changed in list(_changes(node)):
            kept = getattr(node, field)
            setattr(node, field, changed)
            yield ast.unparse(tree)
            setattr(node, field, kept)


def _changes(node: ast.AST) -> Iterator[tuple[str, Any]]:
    """The fields of `node` to change, each with what to put there."""
    if isinstance(node, ast.Constant):
        yield from (("value", value) for value in constant_neighbours(node.value))
    for field in ("op", "ops"):
        held: Any = getattr(node, field, None)
        operator: Any = held[0] if isinstance(held, list) else held
        for swap in _SWAPS.get(type(operator), ()):
            yield field, [swap()] if isinstance(held, list) else swap()
    if isinstance(node, (ast.If, ast.While, ast.IfExp)):
        yield "test", ast.UnaryOp(ast.Not(), node.test)


def outcome(function: Callable[..., Any], args: Sequence[Any], steps: int = MOST_STEPS) -> Outcome:
    """The outcome of a call, which gets a copy of its arguments. Stops after `steps` lines of Python."""
    left = steps

    def count_step(_frame: Any, _event: str, _arg: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise TooManyStepsError
        return count_step

    before = sys.gettrace()
    sys.settrace(count_step)
    try:
        return "value", function(*copy.deepcopy(list(args)))
    except Exception as error:  # noqa: BLE001 - a mutant may fail in any way
        return "error", type(error).__name__
    finally:
        sys.settrace(before)


def same(a: Outcome, b: Outcome) -> bool:
    """Whether two outcomes are equal in value and in type."""
    return repr(a) == repr(b)


def score(
    source: str,
    compiled: Callable[[str], Callable[..., Any]],
    tests: Sequence[dict[str, Any]],
    calls: Sequence[Sequence[Any]],
) -> tuple[int, int]:
    """(mutants that the tests tell from `source`, mutants that the tests or further `calls` tell from it)."""
    reference = compiled(source)
    results = [outcome(reference, call) for call in calls]
    killed = different = 0
    for mutant in mutants(source):
        try:
            function = compiled(mutant)
        except SyntaxError:
            continue
        if any(not same(outcome(function, test["args"]), ("value", test["expected"])) for test in tests):
            killed += 1
            different += 1
        else:
            further = zip(calls, results, strict=True)
            different += any(not same(outcome(function, call), right) for call, right in further)
    return killed, different
