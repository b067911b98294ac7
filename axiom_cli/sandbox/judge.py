"""From the frames of a child and the way it ended to one of three verdicts. Runs in the parent, on bounded bytes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from axiom_cli.sandbox import values
from axiom_cli.sandbox.inside import messages
from axiom_cli.sandbox.suite import Suite

PASS, FAIL, INFRA = "pass", "fail", "infra"


@dataclass(frozen=True)
class Outcome:
    """What came of one program: `pass`, `fail` with a reason, or `infra`, which says nothing of the program.

    `seconds` is processor time. `settled` tells whether the same program would meet the same fate again.
    """

    status: str
    passed: int
    total: int
    reason: str
    seconds: float = field(default=0.0, compare=False)
    settled: bool = field(default=True, compare=False)


def frames(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each whole frame; stops at the first that is cut short."""
    at, size = 0, messages.HEADER.size
    while at + size <= len(data):
        kind, length = messages.HEADER.unpack_from(data, at)
        if at + size + length > len(data):
            return
        yield kind, data[at + size : at + size + length]
        at += size + length


def judge(suite: Suite, data: bytes, report: messages.Report, limits: tuple[float, float], flooded: bool) -> Outcome:
    """The verdict. It is a pass only if the child ended by itself with status 0 after an end frame, with exactly one
    frame for each test before it and nothing after, and every one of them holds the expected value."""
    total = len(suite.expected)
    if report.cause == messages.BROKEN:
        return Outcome(INFRA, 0, total, f"no process could be made: {os.strerror(report.status)}", settled=False)
    got = list(islice(frames(data), total + 2))
    passed, why = _grade(suite, got)
    seconds = report.cpu
    if flooded:
        return Outcome(FAIL, passed, total, "its results were too large", seconds)
    if report.cause == messages.CPU_LIMIT:
        reason = f"took more than {limits[0]:g} s of processor time, on test {min(len(got) + 1, total)}"
        return Outcome(FAIL, passed, total, reason, seconds, settled=False)
    if report.cause == messages.WALL_LIMIT:
        reason = f"took more than {limits[1]:g} s, mostly waiting, on test {min(len(got) + 1, total)}"
        return Outcome(FAIL, passed, total, reason, seconds, settled=False)
    if os.WIFSIGNALED(report.status) and os.WTERMSIG(report.status) == signal.SIGKILL:
        return Outcome(INFRA, 0, total, "killed from outside, perhaps for want of memory", seconds, settled=False)
    if not _complete(got, total, report, data):
        return Outcome(FAIL, passed, total, _ending(got, total, report), seconds)
    return Outcome(FAIL, passed, total, why, seconds) if passed < total else Outcome(PASS, total, total, "", seconds)


def _grade(suite: Suite, got: list[tuple[bytes, bytes]]) -> tuple[int, str]:
    """How many tests hold the expected value, and what is wrong with the first that does not."""
    passed, why = 0, ""
    for number, ((expected, encoded), (kind, body)) in enumerate(zip(suite.expected, got, strict=False), 1):
        if kind == messages.VALUE and values.equal(expected, encoded, body, suite.rule):
            passed += 1
        elif not why:
            why = _complaint(kind, body, number)
    return passed, why


def _complaint(kind: bytes, body: bytes, number: int) -> str:
    text = body[:1200].decode("utf-8", "replace")
    if kind == messages.VALUE:
        return f"wrong answer on test {number}"
    if kind == messages.REFUSED:
        return f"returned something that is not plain data on test {number}"
    if kind == messages.ERROR:
        return f"{text} on test {number}"
    return "made a frame of its own"


def _complete(got: list[tuple[bytes, bytes]], total: int, report: messages.Report, data: bytes) -> bool:
    """The shape of a run that came to its end: all frames, the end frame last, not a byte more, status 0."""
    length = sum(messages.HEADER.size + len(body) for _kind, body in got)
    return report.status == 0 and len(got) == total + 1 and got[-1] == (messages.END, b"") and length == len(data)


def _ending(got: list[tuple[bytes, bytes]], total: int, report: messages.Report) -> str:
    if got and got[-1][0] == messages.UNUSABLE:
        return got[-1][1][:1200].decode("utf-8", "replace")
    where = f"after {min(len(got), total)} of {total} tests"
    if os.WIFSIGNALED(report.status):
        number = os.WTERMSIG(report.status)
        name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
        return f"crashed with {name} {where}"
    return f"left with status {os.waitstatus_to_exitcode(report.status)} {where}"
