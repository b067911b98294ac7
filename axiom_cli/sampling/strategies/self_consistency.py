"""What a sample votes for: its answer, or what its program does on a few calls whose results nobody knows.

Programs that return the same on all calls count as the same program, whatever they look like (AlphaCode's clusters,
2203.07814; execution-based minimum Bayes risk, Shi et al. 2022, 2204.11454). The calls are those of the problem's
examples and small changes of them. Without examples, or for a script, programs vote by their syntax trees.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from axiom_cli import syntax
from axiom_cli.problems import answer_types, answers, input_mutation, written_programs
from axiom_cli.records import STDIN_STDOUT, Program, Sample, Verdict
from axiom_cli.sampling.strategies.public_tests import with_tests
from axiom_cli.verification.caching_verifier import CachingVerifier

MAX_CALLS = 24
MAX_CALL_LENGTH = 2000
SEEN = "seen_"
PROBE = f"""
import hashlib
import re
def check(candidate):
    seen, returned = [], 0
    for args in CALLS:
        try:
            seen.append(re.sub("0x[0-9a-f]+", "", repr(candidate(*args))))
            returned += 1
        except Exception as error:
            seen.append(type(error).__name__)
    name = hashlib.sha256(repr(seen).encode("utf-8", "replace")).hexdigest()[:16] if returned else "nothing"
    raise type("{SEEN}" + name, (Exception,), {{}})
"""


def ballots(group: Sequence[Sample], verifier: CachingVerifier) -> list[str | None]:
    """What each sample of a problem votes for; None for one that was cut off, says nothing, or fails on every call."""
    program = group[0].problem.program if group else None
    if program is None:
        return [_answer(sample) if sample.finish == "stop" else None for sample in group]
    probe_calls = calls(program)
    if not probe_calls:
        return [_syntax_tree(sample) for sample in group]
    source = PROBE.replace("CALLS", repr(probe_calls))
    verdicts = verifier.verify(with_tests(sample, test_code=source) for sample in group)
    return [_behaviour(verdict) for verdict in verdicts]


def _answer(sample: Sample) -> str | None:
    answer = answers.read_answer(sample.text)
    return answer_types.ballot(sample.problem, answer) if answer else None


def _behaviour(verdict: Verdict) -> str | None:
    """The name of what the program did, out of the exception that PROBE raised."""
    name = verdict.reason.partition(" ")[0]
    whole = verdict.sample.finish == "stop"
    return name if whole and name.startswith(SEEN) and name != f"{SEEN}nothing" else None


def _syntax_tree(sample: Sample) -> str | None:
    """The program without comments and layout."""
    code = written_programs.written_program(sample) if sample.finish == "stop" else None
    tree = syntax.parse(code) if code is not None else None
    return ast.dump(tree) if tree else None


def calls(program: Program) -> list[list[Any]]:
    """Distinct arguments to try programs on; none for a problem without examples that can be written as Python, and for
    one that is not a function."""
    examples = [list(case["args"]) for case in program.examples if isinstance(case, dict) and case.get("args")]
    if program.entry_point == STDIN_STDOUT or "." in program.entry_point:
        return []
    distinct = {text: args for args in (*examples, *_changed(examples)) if len(text := repr(args)) <= MAX_CALL_LENGTH}
    return list(islice((args for text, args in distinct.items() if _is_literal(text)), MAX_CALLS))


def _is_literal(text: str) -> bool:
    try:
        (line,) = syntax.tree(text).body
        return isinstance(line, ast.Expr) and repr(ast.literal_eval(line.value)) == text
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False


def _changed(examples: Sequence[list[Any]]) -> Iterator[list[Any]]:
    """The examples with one argument changed, in turn: small changes first, then arguments of the other examples."""
    streams = [_others(examples, args, place) for args in examples for place in range(len(args))]
    while streams:
        for stream in list(streams):
            if (changed := next(stream, None)) is None:
                streams.remove(stream)
            else:
                yield changed


def _others(examples: Sequence[list[Any]], args: list[Any], place: int) -> Iterator[list[Any]]:
    others = (other[place] for other in examples if len(other) > place)
    for value in chain(input_mutation.neighbours(args[place]), others):
        yield [*args[:place], value, *args[place + 1 :]]
