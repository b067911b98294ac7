"""Feedback on a failed sample before it is tried again: nothing that its problem does not show.

Of the hidden tests it says how many pass, that a limit was reached, and the name of a built-in exception; never their
arguments, their expected values, or text that the program may have made from them. Failures on the problem's own
examples are given in full: the program is run on those alone.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Sequence

from axiom_cli import syntax
from axiom_cli.problems import answers, reasoning, written_programs
from axiom_cli.problems.fences import blocks
from axiom_cli.records import Verdict
from axiom_cli.sampling.strategies.public_tests import run_public_tests
from axiom_cli.verification.caching_verifier import CachingVerifier

MAX_ATTEMPT_LENGTH = 2000
MAX_REASON_LENGTH = 300
AGAIN = "Try again, from the beginning."
LIMITS = {"of processor time": "It takes too long.", "mostly waiting": "It takes too long."}
EXCEPTION = re.compile(r"(\w+)(?::|\b on test| on line)")
ADDRESS = re.compile(r"0x[0-9a-fA-F]+")


def conversations(failed: Sequence[Verdict], verifier: CachingVerifier) -> list[list[dict[str, str]]]:
    """For each sample the conversation so far, the failed attempt, and what a user without the solution could say."""
    public_verdicts = run_public_tests([verdict.sample for verdict in failed], verifier)
    conversations = []
    for verdict, public in zip(failed, public_verdicts, strict=True):
        sample = verdict.sample
        before = sample.extra.get("messages") or answers.messages(sample.problem)
        answer = reasoning.without_reasoning(sample.text).strip() or sample.text[-MAX_ATTEMPT_LENGTH:]
        reply = f"{feedback(verdict, public)} {AGAIN}"
        conversations.append([*before, {"role": "assistant", "content": answer}, {"role": "user", "content": reply}])
    return conversations


def feedback(verdict: Verdict, public: Verdict | None = None) -> str:
    """What is wrong, in a sentence or two. `public` is the verdict by the problem's examples."""
    sample = verdict.sample
    if sample.finish == "length":
        return "That was cut off: be briefer."
    if sample.problem.program is None:
        answer = answers.read_answer(sample.text)
        return f"{answer} is not right." if answer else f"There is no line that starts with '{answers.MARK} '."
    if written_programs.written_program(sample) is None:
        named = [block.code for block in blocks(reasoning.without_reasoning(sample.text)) if block.named]
        if named and (error := _syntax_error(named[-1])):
            return f"{error}."
        return f"There is no ```python block that defines {sample.problem.program.entry_point}."
    if public is not None and public.status == "fail":
        # Addresses differ from run to run.
        reason = ADDRESS.sub("0x...", " ".join(public.reason.split()))[:MAX_REASON_LENGTH]
        return f"On the examples shown: {reason.replace(' on test ', ' on example ')}."
    passed = f"That passes {verdict.passed_tests} of {verdict.total_tests} tests."
    return " ".join(filter(None, [passed, _hidden_failure(verdict.reason)]))


def _syntax_error(code: str) -> str:
    """Python's own message about code that is not Python, with its line; nothing if there is nothing to say."""
    if syntax.parse(code) is not None or len(code) > syntax.LONGEST:
        return ""
    try:
        syntax.tree(code)
    except SyntaxError as error:
        return f"SyntaxError: {error.msg} on line {error.lineno}"
    except (ValueError, RecursionError, MemoryError):
        return "That is no Python"
    return ""


def _hidden_failure(reason: str) -> str:
    """What may be said about a failure of hidden tests."""
    for words, sentence in LIMITS.items():
        if words in reason:
            return sentence
    match = EXCEPTION.match(reason)
    exception = getattr(builtins, match[1], None) if match else None
    if match and isinstance(exception, type) and issubclass(exception, BaseException):
        return f"It raises {match[1]}."
    return ""
