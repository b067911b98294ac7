"""Goes backwards: replaces the last term by its rule until only the first terms are left, each with its weight."""

from __future__ import annotations

import re
from collections import Counter

_TERM = re.compile(r"(-?)(?:(\d+)\*)?(a\(n-[12]\)|n|\d+)")


def _rule(text: str) -> dict[str, int]:
    """The coefficient of every term of a right side, the constant's under the name ""."""
    out = {}
    for sign, factor, name in _TERM.findall(text.replace(" - ", " + -").replace(" + ", " ")):
        size = int(name) if name.isdigit() else int(factor or 1)
        out["" if name.isdigit() else name] = -size if sign else size
    return out


def _unrolled(index: int, first: dict[int, int], rules: list[dict[str, int]]) -> int:
    weights, constant = Counter({index: 1}), 0
    for n in range(index, max(first), -1):
        weight, rule = weights.pop(n, 0), rules[n % 2]
        weights[n - 1] += weight * rule.get("a(n-1)", 0)
        weights[n - 2] += weight * rule.get("a(n-2)", 0)
        constant += weight * (rule.get("n", 0) * n + rule.get("", 0))
    return constant + sum(weight * first[n] for n, weight in weights.items() if weight)


def answer(prompt: str) -> str:
    """The requested term."""
    head, rule, index = re.fullmatch(r"Let (.+), and for n > \d let (.+)\. What is a\((\d+)\)\?", prompt).groups()  # type: ignore[union-attr]
    first = {int(n): int(term) for n, term in re.findall(r"a\((\d+)\) = (\d+)", head)}
    if modular := re.fullmatch(r"a\(n\) be the remainder of (.+) divided by (\d+)", rule):
        return str(_unrolled(int(index), first, [_rule(modular[1])] * 2) % int(modular[2]))
    if parity := re.fullmatch(r"a\(n\) = (.+) for odd n and a\(n\) = (.+) for even n", rule):
        return str(_unrolled(int(index), first, [_rule(parity[2]), _rule(parity[1])]))
    return str(_unrolled(int(index), first, [_rule(rule.removeprefix("a(n) = "))] * 2))
