"""Expressions of integers in both notations, evaluated with exact fractions."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any


def _apply(symbol: str, left: Fraction, right: Fraction) -> Fraction:
    if symbol == "//":
        return Fraction(math.floor(left / right))
    if symbol == "%":
        return left - right * math.floor(left / right)
    return {"+": left + right, "-": left - right, "*": left * right}[symbol]


_SYMBOLS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%"}


def infix(text: str, values: Mapping[str, int]) -> int:
    def value(node: Any) -> Fraction:
        if isinstance(node, ast.Constant):
            assert isinstance(node.value, int)
            return Fraction(node.value)
        if isinstance(node, ast.Name):
            return Fraction(values[node.id])
        return _apply(_SYMBOLS[type(node.op)], value(node.left), value(node.right))

    return int(value(ast.parse(text, mode="eval").body))


def postfix(text: str, values: Mapping[str, int]) -> int:
    stack: list[Fraction] = []
    for token in text.split():
        if token in _SYMBOLS.values():
            right, left = stack.pop(), stack.pop()
            stack.append(_apply(token, left, right))
        else:
            stack.append(Fraction(values[token] if token in values else int(token)))
    (result,) = stack
    return int(result)


def after_colon(prompt: str) -> str:
    return prompt.rpartition(": ")[2]


def function_of(prompt: str, evaluate: Callable[[str, Mapping[str, int]], int]) -> Callable[..., Any]:
    head, _, rest = prompt.partition("` that returns")
    names = re.findall(r"(\w+): int", head)
    text = re.search(r"`([^`]+)`", rest).group(1)  # type: ignore[union-attr]

    def solve(*args: int) -> int | None:
        try:
            return evaluate(text, dict(zip(names, args, strict=True)))
        except ZeroDivisionError:
            return None

    return solve
