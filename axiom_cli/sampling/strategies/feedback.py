"""What a failed sample is told before it is tried again: nothing that its problem does not show.

Of the hidden tests it learns how many it passes, that a limit was reached, and the name of a built-in exception; never
their arguments, their expected values, or a word that the program may have made of them. What an example shows is told
in full: the program is run on the examples alone.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence

from axiom_cli import syntax
from axiom_cli.problems import answers
from axiom_cli.records import Problem, Sample, Verdict
from axiom_cli.sampling.strategies.public_tests import on_examples
from axiom_cli.verification.caching_verifier import CachingVerifier

LONGEST_ATTEMPT = 2000
LONGEST_REASON = 300
AGAIN = "Try again, from the beginning."
LIMITS = {"of processor time": "It takes too long.", "mostly waiting": "It takes too long."}
EXCEPTION = re.compile(r"(\w+)(?::|\b on test| on line)")
ADDRESS = re.compile(r"0x[0-9a-fA-F]+")
BLOCK = re.compile(r"```(?:python|py)3?[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL | re.IGNORECASE)


def conversations(failed: Sequence[Verdict], verifier: CachingVerifier) -> list[list[dict[str, str]]]:
    """For each the conversation so far, the failed attempt, and what a user without the solution could say of it."""
    shown = on_examples([verdict.sample for verdict in failed], verifier)
    return [_conversation(*pair) for pair in zip(failed, shown, strict=True)]


def _conversation(verdict: Verdict, shown: Verdict | None) -> list[dict[str, str]]:
    sample = verdict.sample
    before = sample.extra.get("messages") or answers.messages(sample.problem)
    said = answers.without_reasoning(sample.text).strip() or sample.text[-LONGEST_ATTEMPT:]
    told = f"{complaint(verdict, shown)} {AGAIN}"
    return [*before, {"role": "assistant", "content": said}, {"role": "user", "content": told}]


def complaint(verdict: Verdict, shown: Verdict | None = None) -> str:
    """What is wrong, in a sentence or two. `shown` is the verdict of the shown examples."""
    sample = verdict.sample
    if sample.finish == "length":
        return "That was cut off: be briefer."
    if sample.problem.program is None:
        answer = answers.read_answer(sample.text)
        return f"{answer} is not right." if answer else f"There is no line that starts with '{answers.MARK} '."
    if answers.written_program(sample) is None:
        return _unread(sample, sample.problem)
    if shown is not None and shown.status == "fail":
        return f"On the examples shown: {_own_words(shown.reason)}."
    passed = f"That passes {verdict.passed_tests} of {verdict.total_tests} tests."
    return " ".join(filter(None, [passed, _hidden(verdict.reason)]))


def _unread(sample: Sample, problem: Problem) -> str:
    """Why no program is found: an error of syntax in its last block, or none that defines what is asked for."""
    blocks = BLOCK.findall(answers.without_reasoning(sample.text))
    if blocks and (error := _syntax_error(blocks[-1])):
        return f"{error}."
    return f"There is no ```python block that defines {problem.program.entry_point}."


def _syntax_error(code: str) -> str:
    """Python's own words for what is no Python, its line included; nothing where there is nothing to say."""
    if syntax.parse(code) is not None or len(code) > syntax.LONGEST:
        return ""
    try:
        syntax.tree(code)
    except SyntaxError as error:
        return f"SyntaxError: {error.msg} on line {error.lineno}"
    except (ValueError, RecursionError, MemoryError):
        return "That is no Python"
    return ""


def _own_words(reason: str) -> str:
    """A verdict's reason without addresses, which differ from run to run."""
    return ADDRESS.sub("0x...", " ".join(reason.split()))[:LONGEST_REASON].replace(" on test ", " on example ")


def _hidden(reason: str) -> str:
    """What may be said of a reason that comes from hidden tests."""
    for words, told in LIMITS.items():
        if words in reason:
            return told
    found = EXCEPTION.match(reason)
    kind = getattr(builtins, found[1], None) if found else None
    return f"It raises {found[1]}." if isinstance(kind, type) and issubclass(kind, BaseException) else ""
