"""Runs a stack program on linked pairs; each line is a function from such a stack to the next line and stack."""

from __future__ import annotations

import operator
import re
from typing import Any

_ARITHMETIC = {"ADD": operator.add, "SUB": operator.sub, "MUL": operator.mul}


def _after(name: str, number: str, line: int, stack: Any) -> tuple[int, Any]:
    """The line that comes next, and the stack as (top, rest)."""
    if name == "PUSH":
        return line + 1, (int(number), stack)
    top, rest = stack
    if name == "JPOS":
        return (int(number) if top > 0 else line + 1), rest
    if name == "DROP":
        return line + 1, rest
    if name == "DUP":
        return line + 1, (top, stack)
    second, below = rest
    if name == "SWAP":
        return line + 1, (second, (top, below))
    if name == "OVER":
        return line + 1, (second, stack)
    return line + 1, (_ARITHMETIC[name](second, top), below)


def answer(prompt: str) -> str:
    """The stack from bottom to top."""
    program = prompt.partition(": ")[2].partition(". ")[0]
    lines = {int(line): (name, number) for line, name, number in re.findall(r"(\d+) ([A-Z]+) ?(-?\d*)", program)}
    line, stack = 1, None
    while line in lines:
        line, stack = _after(*lines[line], line, stack)
    out: list[int] = []
    while stack:
        top, stack = stack
        out.insert(0, top)
    return " ".join(map(str, out))
