"""Operations on a list of numbers: how each is worded, what it does, and the same as code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Operation:
    """One step: how it is worded (`{k}` is its parameter), what it does, and the parameter's range if it has one.

    `code` is the same step as Python over a list `xs`, and `meaning` says it in full for any list of integers, empty
    ones too. An operation that `ends` comes last. The aggregates keep the list in front of what they find: a lone
    maximum would often be right after wrong steps, and accept wrong reasoning.
    """

    wording: str
    apply: Callable[[list[int], int], list[int]]
    code: str
    meaning: str
    k: tuple[int, int] = (0, 0)
    ends: bool = False


OPERATIONS: tuple[Operation, ...] = (
    Operation("sort ascending", lambda xs, k: sorted(xs), "sorted(xs)", "sort it in ascending order"),
    Operation(
        "sort descending",
        lambda xs, k: sorted(xs, reverse=True),
        "sorted(xs, reverse=True)",
        "sort it in descending order",
    ),
    Operation("reverse", lambda xs, k: xs[::-1], "xs[::-1]", "reverse it"),
    Operation(
        "keep even",
        lambda xs, k: [x for x in xs if x % 2 == 0],
        "[x for x in xs if x % 2 == 0]",
        "keep only the even numbers",
    ),
    Operation(
        "keep odd",
        lambda xs, k: [x for x in xs if x % 2 == 1],
        "[x for x in xs if x % 2 == 1]",
        "keep only the odd numbers",
    ),
    Operation(
        "keep above {k}",
        lambda xs, k: [x for x in xs if x > k],
        "[x for x in xs if x > {k}]",
        "keep only the numbers greater than {k}",
        (3, 15),
    ),
    Operation(
        "keep below {k}",
        lambda xs, k: [x for x in xs if x < k],
        "[x for x in xs if x < {k}]",
        "keep only the numbers less than {k}",
        (6, 18),
    ),
    Operation("add {k}", lambda xs, k: [x + k for x in xs], "[x + {k} for x in xs]", "add {k} to every number", (1, 9)),
    Operation(
        "drop the first {k}",
        lambda xs, k: xs[k:],
        "xs[{k}:]",
        "drop the first {k} of its numbers (all of them where there are fewer)",
        (1, 3),
    ),
    Operation(
        "drop the last {k}",
        lambda xs, k: xs[:-k],
        "xs[:-{k}]",
        "drop the last {k} of its numbers (all of them where there are fewer)",
        (1, 3),
    ),
    Operation(
        "append the sum",
        lambda xs, k: [*xs, sum(xs)],
        "[*xs, sum(xs)]",
        "append the sum of its numbers (0 to an empty list)",
        ends=True,
    ),
    Operation(
        "append the maximum",
        lambda xs, k: [*xs, max(xs)],
        "[*xs, max(xs)] if xs else xs",
        "append the largest of its numbers (nothing to an empty list)",
        ends=True,
    ),
    Operation(
        "append the minimum",
        lambda xs, k: [*xs, min(xs)],
        "[*xs, min(xs)] if xs else xs",
        "append the smallest of its numbers (nothing to an empty list)",
        ends=True,
    ),
)
OPENINGS: tuple[Operation, ...] = (
    Operation(
        "cap",
        lambda xs, k: [k if x > k else x for x in xs],
        "[{k} if x > {k} else x for x in xs]",
        "replace every number greater than {k} by {k}",
        (3, 28),
    ),
    Operation(
        "raise",
        lambda xs, k: [k if x < k else x for x in xs],
        "[{k} if x < {k} else x for x in xs]",
        "replace every number less than {k} by {k}",
        (-6, 18),
    ),
    Operation(
        "add ascending",
        lambda xs, k: [x + k * i for i, x in enumerate(xs)],
        "[x + {k} * i for i, x in enumerate(xs)]",
        "add to every number {k} times its index, counted from 0",
        (1, 12),
    ),
    Operation(
        "subtract",
        lambda xs, k: [x - k for x in xs],
        "[x - {k} for x in xs]",
        "subtract {k} from every number",
        (1, 12),
    ),
    Operation(
        "multiply", lambda xs, k: [x * k for x in xs], "[x * {k} for x in xs]", "multiply every number by {k}", (2, 12)
    ),
    Operation(
        "divide",
        lambda xs, k: [x // k for x in xs],
        "[x // {k} for x in xs]",
        "divide every number by {k}, rounding down (-3.5 to -4)",
        (2, 5),
    ),
    Operation(
        "reflect",
        lambda xs, k: [k - x for x in xs],
        "[{k} - x for x in xs]",
        "replace every x in it by {k} - x",
        (5, 40),
    ),
    Operation(
        "sieve",
        lambda xs, k: [x for x in xs if x % k],
        "[x for x in xs if x % {k}]",
        "remove the numbers that are divisible by {k} (0 is)",
        (3, 7),
    ),
    Operation(
        "rotate",
        lambda xs, k: xs[k:] + xs[:k],
        "xs[{k}:] + xs[:{k}]",
        "move the first {k} of its numbers, in their order, to the end (all of them where there are fewer)",
        (1, 4),
    ),
    Operation(
        "repeat",
        lambda xs, k: [x for x in xs for _ in range(k)],
        "[x for x in xs for _ in range({k})]",
        "put in the place of every number {k} copies of it",
        (2, 3),
    ),
)
"""What a program does first: with one operation alone there would be some fifty programs."""
