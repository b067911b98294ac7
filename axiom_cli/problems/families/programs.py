"""From an exercise to a program problem: the prompt, the examples shown, and the hidden tests."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from axiom_cli import json_codec
from axiom_cli.ids import content_id
from axiom_cli.problems.families.family import Exercise
from axiom_cli.records import Program

EXAMPLES = 2
TESTS = 20
ATTEMPTS = 2000
LARGEST = 2**53
OFTEN = 6
"""How often a result may come before calls with other results are preferred, PATIENCE times at most."""
PATIENCE = 60


class ConstantResultError(ValueError):
    """All tests of an exercise have the same result."""


def compiled(source: str, entry_point: str) -> Callable[..., Any]:
    """The function that our own `source` defines. Never call this on anything that a model wrote."""
    namespace: dict[str, Any] = {"__name__": "reference"}
    exec(compile(source, "<reference>", "exec"), namespace)
    return namespace[entry_point]


def build(exercise: Exercise) -> tuple[str, Program]:
    """The prompt and the program problem. Both depend on the exercise alone.

    The first calls drawn are shown; the edge cases and further calls are hidden. No call is both. Raises
    ConstantResultError where all hidden tests have one result, so that a constant would pass.
    """
    random = Random(f"tests/{content_id([exercise.signature, exercise.returns])}")
    oracle = compiled(exercise.reference, exercise.entry_point)
    edges = [_case(oracle, args) for args in exercise.edges]
    calls = _varied(_calls(exercise, oracle, random), edges)
    drawn = [next(calls) for _ in range(EXAMPLES + max(TESTS - len(edges), TESTS // 2))]
    if len({repr(case["expected"]) for case in edges + drawn[EXAMPLES:]}) < 2:
        raise ConstantResultError(f"one result for all: {exercise.returns}")
    program = Program(
        exercise.entry_point,
        exercise.signature,
        examples=drawn[:EXAMPLES],
        tests=edges + drawn[EXAMPLES:],
        reference=exercise.reference,
    )
    return prompt(exercise, program.examples), program


def prompt(exercise: Exercise, examples: list[dict[str, Any]]) -> str:
    """The whole question."""
    lines = [f"Write a Python function `{exercise.signature}` that {exercise.returns}"]
    lines += [f"Example: {call_text(exercise.entry_point, case)}" for case in examples]
    return "\n".join(lines)


def call_text(name: str, case: dict[str, Any]) -> str:
    """`f([1, 2]) returns 3`."""
    return f"{name}({', '.join(map(repr, case['args']))}) returns {case['expected']!r}"


def _case(oracle: Callable[..., Any], args: list[Any]) -> dict[str, Any]:
    """One call and its result. The oracle gets a copy, so that it cannot change the recorded arguments. Raises
    ValueError where JSON would change the values: it turns tuples into lists, has no NaN, and allows only strings as
    keys."""
    case = {"args": args, "expected": oracle(*copy.deepcopy(args))}
    if not json_codec.round_trips(case):
        raise ValueError(f"{case!r:.100} does not survive JSON: use lists, finite numbers, and strings as keys")
    return case


def _varied(calls: Iterator[dict[str, Any]], edges: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The calls, without those whose result has come often, as long as there are others."""
    results = Counter(repr(case["expected"]) for case in edges)
    patience = PATIENCE
    for case in calls:
        result = repr(case["expected"])
        if results[result] >= OFTEN and patience:
            patience -= 1
            continue
        results[result] += 1
        yield case


def _calls(exercise: Exercise, oracle: Callable[..., Any], random: Random) -> Iterator[dict[str, Any]]:
    """Distinct calls that are not edge cases, with results within 53 bits."""
    drawn = {json.dumps(args) for args in exercise.edges}
    for _ in range(ATTEMPTS):
        args = exercise.arguments(random)
        key = json.dumps(args)
        if key in drawn:
            continue
        drawn.add(key)
        case = _case(oracle, args)
        if not (isinstance(case["expected"], int) and abs(case["expected"]) >= LARGEST):
            yield case
    raise ValueError(f"too few distinct calls of {exercise.signature}: {exercise.returns}")
