"""From the asserts of an imported test to calls with expected results, which a verifier can check from outside.

Only literals are read, and nothing is run. Calls take the place of the source only where they say exactly what it says:
it does nothing but assert, in a straight line, and each assert compares a call's result with a value that JSON gives
back unchanged, by `==`, `is`, or a bound on the difference. In all other cases the source itself is the test.
"""

from __future__ import annotations

import ast
import doctest
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard

from axiom_cli import syntax
from axiom_cli.json_codec import carries_test, round_trips

CANDIDATE = "candidate"
CHECK = "check"
SIZE, MATH, NEAR = "abs", "math", "isclose"


class Reading(NamedTuple):
    """An assert as a call's arguments, the result that it expects, and the rule by which it compares them."""

    args: list[Any]
    expected: Any
    rule: str


@dataclass(frozen=True)
class AssertTests:
    """The asserts of a source that can be read as calls, how many cannot, and whether the source does nothing else."""

    readings: tuple[Reading, ...] = ()
    left_out: int = 0
    straight: bool = True

    @property
    def says_all(self) -> bool:
        """Whether the readings say exactly what the source says."""
        return self.straight and bool(self.readings) and not self.left_out

    @property
    def checker(self) -> str | None:
        """The rule that most of the readings compare by; None if it is strict equality."""
        rules = Counter(self._rules())
        return (max(rules, key=rules.__getitem__) if rules else "") or None

    def tests(self, checker: str | None) -> list[dict[str, Any]]:
        """The readings as tests of a program with this checker; those that need another have their own."""
        tests = []
        for reading, rule in zip(self.readings, self._rules(), strict=True):
            own = {} if rule == (checker or "") else {"checker": rule}
            tests.append({"args": reading.args, "expected": reading.expected, **own})
        return tests

    def _rules(self) -> list[str]:
        """The rule of each reading as a checker. `==` is Python's, by which 1 equals True: the rules say so if there is
        any such number."""
        loose = any(_has_truth(reading.expected) for reading in self.readings if reading.rule != "is")
        return [
            "" if rule == "is" else ",".join(filter(None, ["bool_is_int" if loose else "", rule]))
            for _args, _expected, rule in self.readings
        ]


def read_tests(source: str, entry_point: str) -> AssertTests:
    """The tests that `source` holds for `entry_point`, or for `candidate`: its asserts."""
    tree = syntax.parse(source, longest=len(source))
    if tree is None:
        return AssertTests()
    asserts, straight = _direct_asserts(tree, entry_point)
    readings = tuple(reading for node, names in asserts if (reading := _reading(node.test, names)))
    total = sum(isinstance(node, ast.Assert) and not _is_true(node) for node in ast.walk(tree))
    return AssertTests(readings, total - len(readings), straight)


def literal_calls(source: str, entry_point: str) -> list[list[Any]]:
    """The arguments of the calls of `entry_point`, or of `candidate`, that have literal ones, wherever they stand."""
    tree = syntax.parse(source, longest=len(source))
    nodes = ast.walk(tree) if tree else ()
    calls = [_arguments(node, {CANDIDATE, entry_point}) for node in nodes if isinstance(node, ast.Call)]
    return [args for args in calls if args is not None]


def shown_calls(prompt: str, entry_point: str) -> list[list[Any]]:
    """The arguments of the calls that a prompt shows as `>>>` examples."""
    try:
        sources = [example.source for example in doctest.DocTestParser().get_examples(prompt)]
    except ValueError:
        return []
    trees = [tree for source in sources if (tree := syntax.parse(source)) is not None and len(tree.body) == 1]
    shown = [_arguments(tree.body[0].value, {entry_point}) for tree in trees if isinstance(tree.body[0], ast.Expr)]
    return [json.loads(json.dumps(args)) for args in shown if args is not None and carries_test(args)]


def _direct_asserts(tree: ast.Module, entry_point: str) -> tuple[list[tuple[ast.Assert, frozenset[str]]], bool]:
    """The asserts at the top level of a source and of its function `check(candidate)`, in their order, each with the
    names of what it may call; and whether the source does nothing else. None are read where a name that they use may
    be bound again."""
    asserts: list[tuple[ast.Assert, frozenset[str]]] = []
    straight = True
    for node in tree.body:
        body, names = [node], frozenset({CANDIDATE, entry_point})
        if isinstance(node, ast.FunctionDef) and node.name == CHECK and ast.unparse(node.args).isidentifier():
            body, names = node.body, frozenset({ast.unparse(node.args), entry_point})
        for statement in body:
            if isinstance(statement, ast.Assert):
                asserts += [] if _is_true(statement) else [(statement, names)]
            elif not _does_nothing(statement) and not _calls_check(statement, names):
                straight = False
    bound = [name for node in ast.walk(tree) for name in _bound(node)]
    if bound.count(CHECK) > 1 or {CANDIDATE, SIZE, MATH, "*", entry_point} & set(bound):
        return [], False
    return asserts, straight


def _bound(node: ast.AST) -> Iterator[str]:
    """The names that a node binds in its scope, save `math` where it imports that module."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.Import):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names if alias.name != MATH)
    elif isinstance(node, ast.ImportFrom):
        yield from (alias.asname or alias.name for alias in node.names)


def _is_true(node: ast.Assert) -> bool:
    """Whether it is `assert True` or the like, which tests nothing."""
    return isinstance(node.test, ast.Constant) and bool(node.test.value)


def _does_nothing(node: ast.stmt) -> bool:
    """Whether a statement has no part in what is asserted: a literal, also under a name, an import, `pass`."""
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Name) for target in node.targets) and bool(list(_literals(node.value)))
    literal = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return literal or isinstance(node, (ast.Pass, ast.Import, ast.ImportFrom))


def _calls_check(node: ast.stmt, names: frozenset[str]) -> bool:
    """Whether a statement is `check(candidate)`, or the same with the function by its name."""
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)) or node.value.keywords:
        return False
    args = node.value.args
    return _is_name(node.value.func, {CHECK}) and len(args) == 1 and _is_name(args[0], names)


def _reading(test: ast.expr, names: frozenset[str]) -> Reading | None:
    """An assert as a call with an expected result, if that says the same. A truth value (`assert f(1)`) does not: any
    object may be true."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        reading = _compared(test.left, test.ops[0], test.comparators[0], names)
    elif isinstance(test, ast.Call):
        reading = _is_close(test, names)
    else:
        return None
    if reading and isinstance(reading.expected, tuple):
        rule = f"{reading.rule},tuple".lstrip(",")
        reading = Reading(reading.args, list(reading.expected), rule)
    return reading if reading and round_trips([reading.args, reading.expected]) else None


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr, names: frozenset[str]) -> Reading | None:
    """`f(...) == literal` and `f(...) is None`, either way round, or `abs(f(...) - literal) < bound`."""
    if isinstance(op, (ast.Gt, ast.GtE)):
        left, op, right = right, ast.Lt() if isinstance(op, ast.Gt) else ast.LtE(), left
    if isinstance(op, (ast.Lt, ast.LtE)):
        return _bounded(left, right, names, strict=isinstance(op, ast.Lt))
    pair = _call_and_literal(left, right, names)
    if pair is None or not isinstance(op, (ast.Eq, ast.Is)):
        return None
    if isinstance(op, ast.Eq):
        return Reading(*pair, "")
    return Reading(*pair, "is") if any(pair[1] is constant for constant in (None, True, False)) else None


def _bounded(left: ast.expr, right: ast.expr, names: frozenset[str], *, strict: bool) -> Reading | None:
    """`abs(f(...) - literal) < bound`. A bound that lets another whole number pass is none that a checker has."""
    bound = next(_literals(right), None)
    if not (isinstance(left, ast.Call) and _is_name(left.func, {SIZE}) and len(left.args) == 1 and not left.keywords):
        return None
    difference = left.args[0]
    if not (isinstance(difference, ast.BinOp) and isinstance(difference.op, ast.Sub)) or not _is_number(bound):
        return None
    pair = _call_and_literal(difference.left, difference.right, names)
    if pair is None or not _is_number(pair[1]) or not (0 <= bound < 1 or (strict and bound == 1)):
        return None
    return Reading(*pair, f"{'below' if strict else 'within'}:{float(bound)!r}")


def _is_close(test: ast.Call, names: frozenset[str]) -> Reading | None:
    """`math.isclose(f(...), literal, rel_tol=..., abs_tol=...)`, where no two whole numbers are compared."""
    function = test.func
    if not (isinstance(function, ast.Attribute) and function.attr == NEAR and _is_name(function.value, {MATH})):
        return None
    bounds = {"rel_tol": 1e-09, "abs_tol": 0.0}
    for keyword in test.keywords:
        bound = next(_literals(keyword.value), None)
        if keyword.arg not in bounds or not _is_number(bound) or not 0 <= bound < math.inf:
            return None
        bounds[keyword.arg] = float(bound)
    pair = _call_and_literal(test.args[0], test.args[1], names) if len(test.args) == 2 else None
    if pair is None or not isinstance(pair[1], float):
        return None
    return Reading(*pair, f"isclose:{bounds['rel_tol']!r}:{bounds['abs_tol']!r}")


def _call_and_literal(one: ast.expr, other: ast.expr, names: frozenset[str]) -> tuple[list[Any], Any] | None:
    """The arguments of the call and the value of the literal that two expressions are, in any order."""
    for call, literal in ((one, other), (other, one)):
        if (args := _arguments(call, names)) is not None:
            for expected in _literals(literal):
                return args, expected
    return None


def _is_number(value: Any) -> TypeGuard[float]:
    return type(value) in (int, float)


def _arguments(node: ast.expr, names: set[str] | frozenset[str]) -> list[Any] | None:
    """The literal arguments of a call of one of `names`; None for anything else."""
    if not (isinstance(node, ast.Call) and _is_name(node.func, names)) or node.keywords:
        return None
    args = [value for arg in node.args for value in _literals(arg)]
    return args if len(args) == len(node.args) else None


def _is_name(node: ast.expr, names: set[str] | frozenset[str]) -> bool:
    return isinstance(node, ast.Name) and node.id in names


def _literals(node: ast.expr) -> Iterator[Any]:
    """The value of a literal; nothing for any other expression."""
    try:
        yield ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return


def _has_truth(value: Any) -> bool:
    """Whether there is anything in a value that a truth value could equal."""
    if isinstance(value, dict):
        return any(map(_has_truth, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_has_truth, value))
    return isinstance(value, (int, float)) and value in (0, 1)
