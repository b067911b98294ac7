"""A data set of reasoning-gym at a level, and its own scorer. The text of this file also runs inside the sandbox, where
answers are scored; so it imports nothing of this package.

Some scorers evaluate the answer. They get an `eval` and a `parse_expr` that take plain expressions only: an answer can
compute a value, and do nothing else. docs/decisions/0008 has the reasons.
"""

from __future__ import annotations

import ast
import io
import operator
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from decimal import Context, localcontext
from functools import cache
from typing import Any

LONGEST = 2000  # characters of an expression for sympy
LONGEST_LITERAL = 100_000
LARGEST = 100  # exponents, and bits shifted
ALONE = 5  # the level of a data set without levels
FUNCTIONS = frozenset(["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "log", "sqrt"])
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
SIGNS = (ast.UAdd, ast.USub)
OPERATIONS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.BitAnd: operator.and_, ast.BitOr: operator.or_,
    ast.BitXor: operator.xor, ast.Pow: operator.pow, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
    ast.UAdd: operator.pos, ast.USub: operator.neg, ast.Invert: operator.invert,
}  # fmt: skip
BOUNDED = (ast.Pow, ast.LShift, ast.RShift)


SEEDING = frozenset(["pool_matrix"])  # data sets that seed numpy's shared randomness


class Nowhere(io.TextIOBase):
    """What is printed here is lost."""

    def write(self, text: str) -> int:
        """Drops it."""
        return len(text)


NOWHERE = Nowhere()


class NotPlain(ValueError):
    """What was to be evaluated is no plain expression."""


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


def entry(name: str, level: int, levels: int, number: int, fresh: bool) -> dict[str, Any]:
    """One question with its answer and metadata. `fresh` makes a data set for it alone."""
    with apart(name):
        if not fresh:
            return data_set(name, level, levels)[number]
        from reasoning_gym.factory import DATASETS

        return DATASETS[name][0](replace(configuration(name, level, levels), seed=number, size=1))[0]


@contextmanager
def apart(name: str) -> Iterator[None]:
    """Keeps what data set `name` does to the process to itself: the decimal context, which others would compute by, and
    numpy's shared randomness. What it prints is dropped."""
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
    except OSError:  # it wants its word lists, which lie outside the sandbox and make questions only
        scorer = DATASETS[name][0].__new__(DATASETS[name][0])
        scorer.config = configuration(name, level, levels)
    return bool(scorer.score_answer(answer, ast.literal_eval(question)) == 1.0)


@cache
def guard(name: str) -> None:
    """Puts plain evaluation in the place of what evaluates, in the module of the data set and in sympy."""
    import sympy
    from reasoning_gym.factory import DATASETS

    module, parse = sys.modules[DATASETS[name][0].__module__], sympy.parse_expr

    def parse_plain(text: str, *args: Any, **named: Any) -> Any:
        check(tree_of(text))
        return parse(text, *args, **named)

    for space in (module, sympy):
        space.parse_expr = space.sympify = parse_plain  # type: ignore[attr-defined]
    module.eval, module.exec, module.compile = evaluate, refuse, refuse  # type: ignore[attr-defined]


def refuse(*args: Any, **named: Any) -> Any:
    """Stands for what no answer needs."""
    raise NotPlain("nothing is executed")


def tree_of(text: Any, longest: int = LONGEST) -> ast.expr:
    """The expression that the text is. Raises NotPlain."""
    if type(text) is not str or len(text) > longest or not text.isascii():
        raise NotPlain("too long, or of other letters than ASCII")
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotPlain("not an expression") from None


def check(node: ast.expr) -> None:
    """Raises NotPlain unless the expression is made of numbers, one-letter names, + - * / **, and known functions."""
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
        raise NotPlain(f"{type(node).__name__} is not allowed")


def _is_function(node: ast.expr) -> bool:
    known = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS
    return known and len(node.args) == 1 and not node.keywords


def _check_exponent(node: ast.expr) -> None:
    """An exponent is a small number, a fraction of small numbers, or holds a name (`E**x`), but no other power."""
    check(node)
    inside = list(ast.walk(node))
    numbers = [one.value for one in inside if isinstance(one, ast.Constant)]
    if any(abs(one) > LARGEST for one in numbers) or any(isinstance(one, (ast.Pow, ast.Mult)) for one in inside):
        raise NotPlain("an exponent that is too large")


def evaluate(text: Any, *_spaces: Any) -> Any:
    """The value of a literal, or of arithmetic on numbers: what scorers use `eval` for. Raises NotPlain."""
    return _value(tree_of(text, LONGEST_LITERAL))


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float, str):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(one) for one in node.elts]
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATIONS:
        return OPERATIONS[type(node.op)](_number(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATIONS:
        left, right = _number(node.left), _number(node.right)
        if isinstance(node.op, BOUNDED) and abs(right) > LARGEST:
            raise NotPlain("a power or shift that is too large")
        return OPERATIONS[type(node.op)](left, right)
    raise NotPlain(f"{type(node).__name__} is not allowed")


def _number(node: ast.expr) -> Any:
    found = _value(node)
    if type(found) not in (int, float) or (type(found) is int and found.bit_length() > 10_000):
        raise NotPlain("not a number of ordinary size")
    return found
