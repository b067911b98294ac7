"""Tests that are code, run in a process of their own: the program that they test is in another one.

The program gets calls and sends plain data back, or the numbers of its objects, read by a bounded reader. So nothing of
it ever runs here: no `__eq__`, no descriptor, no exception class. What it can do is return wrong values, raise, keep
silent or leave. This side is not trusted by the parent either, save to judge its own program.
"""

from __future__ import annotations

import importlib
import re
import sys
import time
import types
from typing import Any, NoReturn

from . import builtins_standin, child, consistency, messages, pytest_standin, test_runner
from .channel import LINK, Channel
from .remote import Remote
from .replicas import Named
from .unjudgeable import AMBIGUOUS, BEYOND, BeyondError

HERE = "<tests>"
UNDEFINED = re.compile(r"cannot import name '(\w+)' from 'solution'|module 'solution' has no attribute '(\w+)'")
PATCHED = re.compile(r"patch(?:\.object)?\(\s*f?['\"]?([\w.]+)")
SEEN = ("builtins.input", "sys.stdin", "sys.stdout", "sys.stderr", "solution")  # patches of these reach the program
CHANNEL = Channel(0)  # made where it costs no child anything


def examine(job: dict[str, Any], order: messages.Order, _cage: child.Cage) -> None:
    """Runs the tests against the program; writes one frame that says how they went, after one when they start."""
    messages.send(LINK, messages.JOB, job["program"])
    channel = CHANNEL
    channel.left = order.results
    module = types.ModuleType("tests")
    sys.modules["tests"] = module
    space = module.__dict__
    used = job["source"] + job["helpers"]
    space |= {name: value for name, value in builtins_standin.BUILTINS.items() if name in used}
    if "pytest" in job["source"]:
        sys.modules["pytest"] = pytest_standin.module()
    if "seed" in job["source"]:
        channel.follow_seeds()
    if "unittest" in job["source"]:
        vars(importlib.import_module("unittest"))["main"] = lambda *_args, **_named: None  # they are run without it
        vars(importlib.import_module("unittest.case"))["isinstance"] = builtins_standin.is_instance
    try:
        entry, names = channel.begin(job["classes"], job["entry"][0])
        if "solution" in job["source"]:
            sys.modules["solution"] = Solution(channel, job["entry"][0], entry)
        channel.touched = bool(job["names"])
        if job["helpers"]:
            exec(compile(job["helpers"], "<reference>", "exec", dont_inherit=True), space)
        space |= {name: names[name] for name in job["names"] if name in names}
        space |= dict.fromkeys(job["entry"], entry)
        began = time.monotonic()
        run(job, space)
        consistency.check(channel)
        if channel.ambiguous:
            channel.copying = True
            if time.monotonic() - began > order.cpu / 4:
                raise BeyondError(AMBIGUOUS)
            run(job, space)
            consistency.check(channel)
    except BaseException as error:  # noqa: BLE001 - tests are strangers' code too
        conclude(channel, error, job)
    if not channel.called:
        channel.leave(messages.UNUSABLE, "its test code never calls the program")
    messages.send(child.SOCKET, messages.END)


def run(job: dict[str, Any], space: dict[str, Any]) -> None:
    """Runs the tests once."""
    exec(compile(job["source"], HERE, "exec", dont_inherit=True), space)
    if job["check"]:
        space["check"](space["candidate"])
    if job["tests"]:
        test_runner.Runner(space).run(job["tests"])


class Solution(types.ModuleType):
    """What tests import as the module `solution`: the names of the program."""

    def __init__(self, channel: Channel, name: str, entry: Any) -> None:
        super().__init__("solution")
        self.__dict__.update({"__all__": [], "_axiom_channel": channel, "_axiom_entry": (name, entry)})

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if name.startswith("__"):
            raise AttributeError(name)
        if name == own["_axiom_entry"][0]:
            return own["_axiom_entry"][1]
        try:
            return own["_axiom_channel"].known(own["_axiom_channel"].do("name", name), name)
        except KeyError:
            raise AttributeError(f"module 'solution' has no attribute {name!r}", name=name, obj=self) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("__"):
            super().__setattr__(name, value)
        else:
            self.__dict__["_axiom_channel"].do("rename", name, value)

    def __delattr__(self, name: str) -> None:
        self.__dict__["_axiom_channel"].do("unname", name)


def conclude(channel: Channel, error: BaseException, job: dict[str, Any]) -> NoReturn:
    """The verdict on a program whose tests ended in an exception, or on tests that cannot be run: they fail before they
    have asked the program for anything, or want a module or a name that nobody promised them, or do what cannot be
    judged."""
    if channel.copying:
        channel.leave(messages.UNUSABLE, f"{BEYOND}: {AMBIGUOUS}")
    place = where(error.__traceback__)
    said = child.describe(error).decode("utf-8", "replace")
    if BeyondError.reasons:  # whatever the tests have made of it
        channel.leave(messages.UNUSABLE, f"{BEYOND}: {BeyondError.reasons[0]}{place}")
    if unseen := [
        name for name in PATCHED.findall(job["source"]) if "mock" in job["source"] and not name.startswith(SEEN)
    ]:
        channel.beyond = channel.beyond or f"it patches {unseen[0]}, which the program does not see"
    if channel.beyond:
        channel.leave(messages.UNUSABLE, f"{BEYOND}: {channel.beyond}")
    if error is channel.raised:
        if getattr(type(error), "axiom_narrowed", False):
            channel.leave(messages.UNUSABLE, f"{BEYOND}: the program's exception is of several kinds{place}")
        channel.leave(messages.FAILED, f"{channel.said}, called{place} of its test code")
    lacks = UNDEFINED.match(str(error)) if isinstance(error, (ImportError, AttributeError)) else None
    if lacks and lacks[lacks.lastindex or 1] not in job["unknown"]:
        channel.leave(messages.FAILED, f"NameError: the program does not define {lacks[lacks.lastindex or 1]}")
    nobody_s = isinstance(error, NameError) and error.name in job["unknown"]
    if not channel.touched or nobody_s or isinstance(error, ImportError):
        channel.leave(messages.UNUSABLE, f"its test code does not run: {said}{place}")
    if isinstance(error, AssertionError):
        why = ": what it compares is not plain data" if channel.odd else ""
        channel.leave(messages.FAILED, f"the assert{place} of its test code does not hold{why}")
    lacking = channel.derived and ("Remote" in said or "Named" in said) or "catching classes" in said
    lacking = lacking and isinstance(error, (TypeError, AttributeError))  # the text of others may be the program's
    if isinstance(error, OSError) or lacking or involved(error.__traceback__):
        channel.leave(messages.UNUSABLE, f"{BEYOND}: {said}{place}")
    channel.leave(messages.FAILED, f"{type(error).__name__}{place} of its test code")


def where(step: types.TracebackType | None) -> str:
    """The innermost line of the tests that an exception came through, in words."""
    line = 0
    while step:
        line = step.tb_lineno if step.tb_frame.f_code.co_filename == HERE else line
        step = step.tb_next
    return f" on line {line}" if line else ""


def involved(trace: Any) -> bool:
    """Whether an exception comes from a module of the standard library that was at work on an object of the program."""
    seen = False
    while trace:
        frame = trace.tb_frame
        if frame.f_globals.get("__name__", "").partition(".")[0] in sys.stdlib_module_names:
            seen = seen or any(type(value) in (Remote, Named) for value in list(frame.f_locals.values()))
        trace = trace.tb_next
    return seen
