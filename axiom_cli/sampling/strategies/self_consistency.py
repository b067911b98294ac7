"""What a sample votes for: its answer, or what its program does on a few calls whose results nobody knows.

Programs that return the same on all of them are taken for the same program, whatever they look like (AlphaCode's
clusters, 2203.07814; execution-based minimum Bayes risk, Shi et al. 2022, 2204.11454). The calls are those of the shown
examples and small changes of them. Where a problem shows none, or is a script, programs vote by their syntax trees.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from axiom_cli import syntax
from axiom_cli.problems import answers, input_mutation
from axiom_cli.records import STDIN_STDOUT, Program, Sample
from axiom_cli.sampling.strategies.public_tests import graded_by
from axiom_cli.verification.caching_verifier import CachingVerifier

MOST_CALLS = 24
LONGEST = 2000
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
    """What each of a problem's samples votes for; None for one that was cut off, or says or does nothing."""
    program = group[0].problem.program if group else None
    if program is None:
        return [answers.read_answer(sample.text) if sample.finish == "stop" else None for sample in group]
    cast = calls(program)
    if not cast:
        return [_tree(sample) for sample in group]
    source = PROBE.replace("CALLS", repr(cast))
    probing = [graded_by(sample.problem, sample, test_code=source) for sample in group]
    return [_seen(verdict.reason, verdict.sample) for verdict in verifier.verify(probing)]


def _seen(reason: str, sample: Sample) -> str | None:
    name = reason.partition(" ")[0]
    return name if sample.finish == "stop" and name.startswith(SEEN) and name != f"{SEEN}nothing" else None


def _tree(sample: Sample) -> str | None:
    """The program without comments and layout."""
    code = answers.written_program(sample) if sample.finish == "stop" else None
    tree = syntax.parse(code) if code is not None else None
    return ast.dump(tree) if tree else None


def calls(program: Program) -> list[list[Any]]:
    """Arguments to try programs on, each other than all before; none where a problem shows no example that can be
    written as Python, or is no function."""
    shown = [list(case["args"]) for case in program.examples if isinstance(case, dict) and case.get("args")]
    if program.entry_point == STDIN_STDOUT or "." in program.entry_point:
        return []
    distinct = {text: args for args in (*shown, *_changed(shown)) if len(text := repr(args)) <= LONGEST}
    return list(islice((args for text, args in distinct.items() if _is_literal(text)), MOST_CALLS))


def _is_literal(text: str) -> bool:
    try:
        (line,) = syntax.tree(text).body
        return isinstance(line, ast.Expr) and repr(ast.literal_eval(line.value)) == text
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False


def _changed(shown: Sequence[list[Any]]) -> Iterator[list[Any]]:
    """One argument of an example changed, each in its turn: small changes first, then those of the other examples."""
    streams = [_others(shown, args, place) for args in shown for place in range(len(args))]
    while streams:
        for stream in list(streams):
            if (changed := next(stream, None)) is None:
                streams.remove(stream)
            else:
                yield changed


def _others(shown: Sequence[list[Any]], args: list[Any], place: int) -> Iterator[list[Any]]:
    others = (other[place] for other in shown if len(other) > place)
    for value in chain(input_mutation.neighbours(args[place]), others):
        yield [*args[:place], value, *args[place + 1 :]]
