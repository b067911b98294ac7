"""Understands the methods of a class from their words; the object's state is passed along, and no class is made."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from axiom_cli.problems.families.oracles.list_ops import merge_sorted

Call = Callable[[Any, int, list[int]], tuple[Any, Any]]


def _pay(v: int, n: int, k: list[int]) -> tuple[int, int]:
    amount = n if n < v else v
    return (v - amount, amount) if v > 0 and amount > 0 else (v, 0)


def _bonus(v: int, n: int, k: list[int]) -> tuple[int, int]:
    amount = n if n < k[1] else sum([n] * k[0])
    return v + amount, amount


# The words that tell a method, and what it makes of what is held, n, and the numbers in its words: (held, result).
VALUE: dict[str, Call] = {
    "returns the value": lambda v, n, k: (v, v),
    "adds n to the value and": lambda v, n, k: (v + n, v + n),
    "subtracts n": lambda v, n, k: (v - n, True) if v - n >= k[0] else (v, False),
    "adds n to the value, sets": lambda v, n, k: (k[0], k[0]) if v + n > k[0] else (v + n, v + n),
    "multiplies": lambda v, n, k: (v * k[0], None),
    "divides": lambda v, n, k: (v >> 1, v & 1),
    "sets the value to n": lambda v, n, k: (n, n - v),
    "sets the value": lambda v, n, k: (k[0], v),
    "subtracts from the value n": _pay,
    "subtracts": lambda v, n, k: (v - k[0], v - k[0]) if v > k[1] else (v, v),
    "adds n to the value, or": _bonus,
    "returns True": lambda v, n, k: (v, not v < k[0] * n),
    "changes": lambda v, n, k: (0 - v, not -v >= k[0]),
}
ITEMS: dict[str, Call] = {
    "puts n at the end": lambda v, n, k: ([*v, n], True) if len(v) < k[0] else (v, False),
    "puts n at the front": lambda v, n, k: (v, len(v)) if n in v else ([n, *v], len(v) + 1),
    "removes the last": lambda v, n, k: (v[:-1], v[-1]) if v else (v, None),
    "removes the first": lambda v, n, k: (v[1:], v[0]) if v else (v, None),
    "returns the list": lambda v, n, k: (v, [*v]),
    "returns the sum": lambda v, n, k: (v, k[0] - sum(-x for x in v)),
    "removes every item equal": lambda v, n, k: ([x for x in v if x != n], len([x for x in v if x == n])),
    "returns the largest": lambda v, n, k: (v, merge_sorted(v)[-1] if v else None),
    "keeps": lambda v, n, k: (v[-k[0] :], len(v[: -k[0]])),
    "reverses": lambda v, n, k: ([*reversed(v)], len(v)),
    "adds n to every": lambda v, n, k: ([n + x for x in v], len([x for x in v if x > k[0] - n])),
    "replaces": lambda v, n, k: ([*v[:-2], sum(v[-2:])], sum(v[-2:])) if v[1:] else (v, None),
    "removes every item less": lambda v, n, k: ([x for x in v if not x < n],) * 2,
}


def function(prompt: str) -> Callable[..., Any]:
    """The operations run on what is held."""
    begin, text = re.search(r"holds (.+?), calls .+Its methods: (.+)\.(?:\n|$)", prompt).groups()  # type: ignore[union-attr]
    table = ITEMS if "empty" in begin else VALUE
    methods: dict[str, tuple[Call, list[int]]] = {}
    for method in text.split("; "):
        name, words = re.fullmatch(r"(\w+)\(n?\) (.+)", method).groups()  # type: ignore[union-attr]
        call = next(call for known, call in table.items() if words.startswith(known))
        methods[name] = call, [int(number) for number in re.findall(r"-?\d+", words)]
        if words.startswith("adds n to the value, or"):
            methods[name] = call, methods[name][1][:2]

    def solve(operations: list[Any]) -> list[Any]:
        held: Any = [] if table is ITEMS else int(begin.split()[-1])
        out = []
        for name, *arguments in operations:
            call, numbers = methods[name]
            held, result = call(held, (arguments or [0])[0], numbers)
            out.append(result)
        return out

    return solve
