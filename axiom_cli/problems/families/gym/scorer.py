"""A data set of reasoning-gym at a level, and its own scorer. The source of this file also runs inside the sandbox,
where answers are scored; so it imports nothing of this package.

Some scorers evaluate the answer. They get an `eval` and a `parse_expr` that accept plain expressions only: an answer
can compute a value and do nothing else. docs/decisions/0008 has the reasons."""

from __future__ import annotations

import ast
import io
import operator
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from decimal import Context, localcontext
from functools import cache
from typing import Any, TypeGuard

LONGEST = 2000  # characters of an expression for sympy
LONGEST_LITERAL = 100_000
LARGEST = 100  # exponents, and bits shifted
ALONE = 5  # the level of a data set without levels
FUNCTIONS = frozenset(["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "log", "sqrt"])
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
SIGNS = (ast.UAdd, ast.USub)
OPERATIONS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
    ast.BitXor: operator.xor, ast.Pow: operator.pow, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
    ast.UAdd: operator.pos, ast.USub: operator.neg, ast.Invert: operator.invert,
}  # fmt: skip
BOUNDED = (ast.Pow, ast.LShift, ast.RShift)


SEEDING = frozenset(["pool_matrix"])  # data sets that seed numpy's shared randomness


class Nowhere(io.TextIOBase):
    """Drops what is printed."""

    def write(self, text: str) -> int:
        """Drops `text`."""
        return len(text)


NOWHERE = Nowhere()


class NotPlainError(ValueError):
    """What was to be evaluated is not a plain expression."""


def configuration(name: str, level: int, levels: int) -> Any:
    """The data set's own configuration at one of `levels` levels: that of its curriculum, else its defaults."""
    from reasoning_gym.factory import CURRICULA, DATASETS

    if levels == 1 or name not in CURRICULA:
        return DATASETS[name][1](seed=0)
    curriculum = CURRICULA[name]()
    curriculum.set_global_level(level - 1)
    return replace(curriculum.generate_configuration(), seed=0)


@cache
def data_set(name: str, level: int, levels: int) -> Any:
    """The endless data set: its entry n is that of seed n."""
    from reasoning_gym.factory import DATASETS

    return DATASETS[name][0](configuration(name, level, levels))


def entry(name: str, level: int, levels: int, number: int, *, fresh: bool) -> dict[str, Any]:
    """One question with its answer and metadata. `fresh` builds a data set for this question alone."""
    with apart(name):
        if not fresh:
            return data_set(name, level, levels)[number]
        from reasoning_gym.factory import DATASETS

        return DATASETS[name][0](replace(configuration(name, level, levels), seed=number, size=1))[0]


@contextmanager
def apart(name: str) -> Iterator[None]:
    """Undoes what data set `name` does to the process: to the decimal context, and to numpy's shared randomness. Drops
    what it prints."""
    with localcontext(Context()), redirect_stdout(NOWHERE):
        if name not in SEEDING:
            yield
            return
        import numpy

        state = numpy.random.get_state()
        try:
            yield
        finally:
            numpy.random.set_state(state)


def accepts(name: str, level: int, levels: int, answer: str, question: str) -> bool:
    """Whether the data set's scorer gives the answer full marks. `question` is the entry, as a literal."""
    from reasoning_gym.factory import DATASETS

    guard(name)
    try:
        scorer = data_set(name, level, levels)
    except OSError:  # it needs its word lists, which are outside the sandbox and only make questions
        scorer = DATASETS[name][0].__new__(DATASETS[name][0])
        scorer.config = configuration(name, level, levels)
    return bool(scorer.score_answer(answer, ast.literal_eval(question)) == 1.0)


@cache
def guard(name: str) -> None:
    """Replaces what evaluates by plain evaluation, in the module of the data set and in sympy."""
    import sympy
    from reasoning_gym.factory import DATASETS

    module: Any = sys.modules[DATASETS[name][0].__module__]
    parse = sympy.parse_expr

    def parse_plain(text: str, *args: Any, **named: Any) -> Any:
        check(tree_of(text))
        return parse(text, *args, **named)

    for space in (module, sympy):
        space.parse_expr = space.sympify = parse_plain
    module.eval, module.exec, module.compile = evaluate, refuse, refuse


def refuse(*_args: Any, **_named: Any) -> Any:
    """Takes the place of what no answer needs."""
    raise NotPlainError("nothing is executed")


def tree_of(text: Any, longest: int = LONGEST) -> ast.expr:
    """The expression that `text` spells. Raises NotPlainError."""
    if type(text) is not str or len(text) > longest or not text.isascii():
        raise NotPlainError("too long, or not ASCII")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotPlainError("not an expression") from None


def check(node: ast.expr) -> None:
    """Raises NotPlainError unless the expression is made of numbers, one-letter names, + - * / **, and known
    functions."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return
    if isinstance(node, ast.Name) and (node.id == "pi" or len(node.id) == 1):
        return
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, SIGNS):
        check(node.operand)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, (*ARITHMETIC, ast.Pow)):
        check(node.left)
        (_check_exponent if isinstance(node.op, ast.Pow) else check)(node.right)
    elif _is_function(node):
        check(node.args[0])
    else:
        raise NotPlainError(f"{type(node).__name__} is not allowed")


def _is_function(node: ast.expr) -> TypeGuard[ast.Call]:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
        return False
    return len(node.args) == 1 and not node.keywords


def _check_exponent(node: ast.expr) -> None:
    """An exponent is a small number, a fraction of small numbers, or holds a name (`E**x`), but no other power."""
    check(node)
    inside = list(ast.walk(node))
    numbers: list[Any] = [part.value for part in inside if isinstance(part, ast.Constant)]
    if any(abs(n) > LARGEST for n in numbers) or any(isinstance(part, (ast.Pow, ast.Mult)) for part in inside):
        raise NotPlainError("an exponent that is too large")


def evaluate(text: Any, *_spaces: Any) -> Any:
    """The value of a literal, or of arithmetic on numbers: what scorers use `eval` for. Raises NotPlainError."""
    return _value(tree_of(text, LONGEST_LITERAL))


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, str):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATIONS:
        return OPERATIONS[type(node.op)](_number(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        left, right = _number(node.left), _number(node.right)
        if isinstance(node.op, BOUNDED) and abs(right) > LARGEST:
            raise NotPlainError("a power or shift that is too large")
        return OPERATIONS[type(node.op)](left, right)
    raise NotPlainError(f"{type(node).__name__} is not allowed")


def _number(node: ast.expr) -> Any:
    number = _value(node)
    if type(number) not in (int, float) or (type(number) is int and number.bit_length() > 10_000):
        raise NotPlainError("not a number of ordinary size")
    return number
