"""From the frames of a child and the way it ended to one of three verdicts. Runs in the parent, on bounded bytes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final, Literal

from axiom_cli.sandbox import values
from axiom_cli.sandbox.inside import messages
from axiom_cli.sandbox.suite import AnySuite, Calls, CodeSuite

Status = Literal["pass", "fail", "infra"]
PASS: Final = "pass"
FAIL: Final = "fail"
INFRA: Final = "infra"
LACKS = "needs what the sandbox does not have: "


@dataclass(frozen=True)
class Outcome:
    """What came of one program: `pass`, `fail` with a reason, or `infra`, which says nothing about the program.

    `seconds` is processor time. `settled` says whether the same program would end the same way again. `returned` are
    the results, as bytes, where they were asked for.
    """

    status: Status
    passed: int
    total: int
    reason: str
    seconds: float = field(default=0.0, compare=False)
    settled: bool = field(default=True, compare=False)
    returned: tuple[bytes, ...] = field(default=(), compare=False, repr=False)


def frames(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of each whole frame; stops at the first that is cut short."""
    at, size = 0, messages.HEADER.size
    while at + size <= len(data):
        kind, length = messages.HEADER.unpack_from(data, at)
        if at + size + length > len(data):
            return
        yield kind, data[at + size : at + size + length]
        at += size + length


def judge(suite: AnySuite, data: bytes, report: messages.Report, spans: Sequence[float], *, flooded: bool) -> Outcome:
    """The verdict. It is a pass only if the child that answers for it ended by itself with status 0 after an end frame,
    with not a byte after that and what belongs before it. `spans` are the limits in seconds: of processor time, of one
    test, by the clock."""
    total, seconds = suite.total, report.cpu
    if report.cause == messages.BROKEN:
        return Outcome(INFRA, 0, total, f"no process could be made: {os.strerror(report.status)}", settled=False)
    got = list(islice(frames(data), total + 2))
    if suite.script and got and got[-1][0] == messages.STOPPED:
        report = report._replace(cause=int.from_bytes(got.pop()[1][:1], "little"))
    if flooded or report.cause == messages.FLOODED:
        return Outcome(FAIL, _graded(suite, got)[0], total, "its results were too large", seconds)
    if late := _late(report, spans):
        if suite.paired and report.cause == messages.TESTS_LIMIT and not got:
            return Outcome(INFRA, 0, total, f"{late} before it was called", seconds)
        where = "" if suite.paired else f", on test {min(len(got) + 1, total)}"
        return Outcome(FAIL, _graded(suite, got)[0], total, late + where, seconds, settled=False)
    if any(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL for status in report[1:3]):
        return Outcome(INFRA, 0, total, "killed from outside, perhaps for want of memory", seconds, settled=False)
    if suite.prelude and got and got[0][0] == messages.UNPREPARED and (suite.script or len(got) == 1):
        return Outcome(INFRA, 0, total, got[0][1][:1200].decode("utf-8", "replace"), seconds)
    if suite.paired:
        return replace(_examined(got, data, report), seconds=seconds)
    passed, why = _graded(suite, got)
    if not _complete(got, total, report, data):
        if got and got[-1][0] == messages.LACKING:
            return Outcome(INFRA, 0, total, LACKS + got[-1][1][:1200].decode("utf-8", "replace"), seconds)
        if got and got[-1][0] == messages.UNUSABLE:
            ending = got[-1][1][:1200].decode("utf-8", "replace")
        else:
            ending = f"{_manner(report.status)} after {min(len(got), total)} of {total} tests"
        return Outcome(FAIL, passed, total, ending, seconds)
    if passed < total:
        lacking = sum(kind == messages.LACKING for kind, _body in got)
        return Outcome(INFRA if passed + lacking == total else FAIL, passed, total, why, seconds)
    returned = tuple(body for _kind, body in got[:total]) if isinstance(suite, Calls) else ()
    return Outcome(PASS, total, total, "", seconds, returned=returned)


def _late(report: messages.Report, spans: Sequence[float]) -> str:
    """The limit that a job has reached, in words; nothing if none."""
    cpu, test, wall = spans
    if report.cause == messages.CPU_LIMIT:
        return f"took more than {cpu:g} s of processor time"
    if report.cause == messages.TESTS_LIMIT:
        return f"its test code took more than {cpu:g} s of processor time"
    if report.cause == messages.WALL_LIMIT:
        return f"took more than {wall:g} s, mostly waiting"
    if report.cause == messages.TEST_LIMIT:
        return f"took more than {test:g} s of processor time for one test"
    return ""


def _examined(got: list[tuple[bytes, bytes]], data: bytes, report: messages.Report) -> Outcome:
    """The verdict that tests written as code reached; `infra` where they are at fault themselves."""
    kind, body = got[-1] if got else (b"", b"")
    text = body[:1200].decode("utf-8", "replace")
    if kind == messages.UNUSABLE:
        return Outcome(INFRA, 0, 1, text)
    if kind == messages.FAILED:
        return Outcome(FAIL, 0, 1, text)
    if kind == messages.END and got[0] == (messages.STARTED, b"") and _complete(got, 1, report, data):
        return Outcome(PASS, 1, 1, "")
    why = f"its test code {_manner(report.status)}"
    return Outcome(FAIL, 0, 1, why) if got else Outcome(INFRA, 0, 1, f"{why} before it was called", settled=False)


def _graded(suite: AnySuite, got: list[tuple[bytes, bytes]]) -> tuple[int, str]:
    """How many tests hold the expected value, and what is wrong with the first that does not."""
    if isinstance(suite, CodeSuite):
        return 0, ""
    passed, why, lacking = 0, "", ""
    for number, (expected, (kind, body)) in enumerate(zip(suite.expected, got, strict=False), 1):
        if kind == messages.VALUE and values.equal(*expected[:2], body, expected.rule):
            passed += 1
        elif kind == messages.LACKING:
            lacking = lacking or _complaint(kind, body, number)
        elif not why:
            why = _complaint(kind, body, number)
    return passed, why or lacking


def _complaint(kind: bytes, body: bytes, number: int) -> str:
    text = body[:1200].decode("utf-8", "replace")
    if kind == messages.VALUE:
        what = "returned bytes, or an array or number made of them," if body[:1] == b"s" else "wrong answer"
        return f"{what} on test {number}"
    if kind == messages.REFUSED:
        return f"returned something that is not plain data on test {number}"
    if kind in (messages.ERROR, messages.LACKING):
        return f"{LACKS if kind == messages.LACKING else ''}{text} on test {number}"
    return "made a frame of its own"


def _complete(got: list[tuple[bytes, bytes]], total: int, report: messages.Report, data: bytes) -> bool:
    """The shape of a run that came to its end: all frames, the end frame last, not a byte more, status 0."""
    length = sum(messages.HEADER.size + len(body) for _kind, body in got)
    return report.status == 0 and len(got) == total + 1 and got[-1] == (messages.END, b"") and length == len(data)


def _manner(status: int) -> str:
    """How a process ended."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"crashed with {signal.Signals(number).name if number in set(signal.Signals) else number}"
    return f"left with status {os.waitstatus_to_exitcode(status)}"
