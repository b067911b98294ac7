"""One program in one fresh process: read the job, lose every right, run, write a frame for each test.

Nothing here is trusted once the program runs, as it shares the interpreter: it may forge any frame, but it has nothing
to forge a right answer from. Expected values are never sent here.
"""

from __future__ import annotations

import builtins
import marshal
import os
import re
import resource
import sys
import types
from collections.abc import Callable, Container, Iterator
from typing import Any, NamedTuple

from . import messages, plain
from .standins import LARGEST_STACK, is_lacking

SOCKET = 3
LONGEST_REASON = 300
LOCKED_OUT = 71  # the status of a child that could not give up its rights
RECURSION = 30_000  # a cached function counts three times a call; Python's own 1,000 would fail right programs
OPEN = open
HINT = re.compile(r"->|[\w)]\s*:[ \t]*[A-Za-z_]")
FUTURE = annotations.compiler_flag
"""The flag of `from __future__ import annotations`, which holds for the program if its prelude has it."""


class Cage(NamedTuple):
    """What a process can put on itself, each by a call that returns 0 where it has worked, None where it is not needed
    or the system has no such thing: to end with its maker, to be the parent of orphans among its descendants, and the
    filter of system calls."""

    tie: Callable[[], int] | None = None
    adopt: Callable[[], int] | None = None
    lock: Callable[[], int] | None = None

    def end_with(self, maker: int) -> None:
        """Makes this process end when `maker` does, if nothing else would see to that."""
        if self.tie is not None and (self.tie() or os.getppid() != maker):
            os._exit(1)


Role = Callable[[dict[str, Any], messages.Order, Cage], None]


def limit(resources: dict[str, int]) -> None:
    """Resource limits by name, soft and hard alike; less where the hard limit is less. Unknown ones are skipped."""
    for name, most in resources.items():
        if (which := getattr(resource, name, None)) is None:
            continue
        try:
            resource.setrlimit(which, (most, most))
        except (ValueError, OSError):
            hard = resource.getrlimit(which)[1]
            resource.setrlimit(which, (min(most, hard) if hard >= 0 else most, hard))


def describe(error: BaseException) -> bytes:
    """`TypeError: what it said`, whatever the exception's own methods do."""
    return short(lambda: f"{type(error).__name__}: {error}")


def short(text: Callable[[], str]) -> bytes:
    """The start of a text, to be shown to people, which the program has a hand in."""
    try:
        shown = text()
    except BaseException:  # noqa: BLE001 - the program's own __str__ may raise anything
        shown = "what cannot be printed"
    return shown[:LONGEST_REASON].encode("utf-8", "replace")


def run(job: dict[str, Any], order: messages.Order, _cage: Cage) -> None:
    """Runs the program once and its function once for each test; writes all frames."""
    if order.flags & messages.TIMED:
        messages.send(SOCKET, messages.STARTED)
    if (function := prepared(job)) is None:
        return

    def case(place: int | None) -> Any:
        given = arguments()
        returned = function()(*given)
        return returned if place is None else given[place]

    for place in job["tests"]:
        answer(case, place)
    messages.send(SOCKET, messages.END)


def arguments() -> list[Any]:
    """Those of the next test, which were in no memory of this process before."""
    return marshal.loads(messages.receive(SOCKET)[1])


def prepared(job: dict[str, Any]) -> Callable[[], Callable[..., Any]] | None:
    """How to come by the function that is asked for, once the program's top level has run; None if there is none."""
    try:
        solution = module("solution")
        execute(codes(job["code"], job["prelude"]), solution)
        return find(vars(solution), job["entry"])
    except UnpreparedError as error:
        messages.send(SOCKET, messages.UNPREPARED, str(error).encode("utf-8", "replace"))
        return None
    except BaseException as error:  # noqa: BLE001 - the program's own top level may raise anything
        messages.send(SOCKET, messages.LACKING if is_lacking(error) else messages.UNUSABLE, describe(error))
        return None


def answer(case: Callable[[int | None], Any], place: int | None) -> None:
    """One test's frame: the value returned, or why there is none."""
    try:
        body = plain.dumps(case(place), refuse)
    except NotPlainError as error:
        messages.send(SOCKET, messages.REFUSED, describe(error))
    except BaseException as error:  # noqa: BLE001 - model-written code may raise anything
        messages.send(SOCKET, messages.LACKING if is_lacking(error) else messages.ERROR, describe(error))
    else:
        messages.send(SOCKET, messages.VALUE, body)


class NotPlainError(Exception):
    """A value that is not plain data."""


def refuse(value: Any) -> Any:
    """What `plain.dumps` does with an object where only data is of use."""
    raise NotPlainError(type(value).__name__)


class UnpreparedError(Exception):
    """What stands before the program does not run, which is not the program's fault."""


class Codes(NamedTuple):
    """What runs in the program's module: what the problem puts before it, and the program."""

    prelude: types.CodeType | None
    program: types.CodeType


def codes(code: str, prelude: str, file: str = "<program>") -> Codes:
    """The program as code. Raises UnpreparedError, SyntaxError and what else it leads to."""
    if not prelude:
        return Codes(None, compiled(code, 0, (), file))
    try:
        before = compile(prelude, "<prelude>", "exec", dont_inherit=True)
    except Exception as error:  # noqa: BLE001 - MemoryError and more, besides SyntaxError
        raise unprepared(error) from None
    return Codes(before, compiled(code, before.co_flags & FUTURE, set(used(before)), file))


def module(name: str) -> types.ModuleType:
    """A new module of that name, to be imported by the program itself."""
    sys.modules[name] = new = types.ModuleType(name)
    return new


def execute(codes: Codes, module: types.ModuleType) -> None:
    """Runs the prelude and the program. Raises UnpreparedError, and whatever the program does."""
    if codes.prelude is not None:
        try:
            exec(codes.prelude, vars(module))
        except BaseException as error:  # noqa: BLE001 - it came with the problem, from anywhere
            raise unprepared(error) from None
    exec(codes.program, vars(module))


def unprepared(error: BaseException) -> UnpreparedError:
    """What to raise where a prelude raises `error`."""
    return UnpreparedError("its prelude does not run: " + describe(error).decode("utf-8", "replace"))


def compiled(code: str, flags: int, given: Container[str], file: str) -> types.CodeType:
    """The program as code. Its type hints are left unevaluated if one has a name that it uses nowhere else and that
    neither Python nor `given` has: an import that is missing for the hints alone is no mistake in what it computes."""
    program = compile(code, file, "exec", flags, dont_inherit=True)
    if not HINT.search(code):
        return program
    try:
        unhinted = compile(code, file, "exec", flags | FUTURE, dont_inherit=True)
    except SyntaxError:  # of a hint that only makes sense evaluated
        return program
    lacking = set(used(program)).difference(used(unhinted), vars(builtins))
    return unhinted if any(name not in given for name in lacking) else program


def used(code: types.CodeType) -> Iterator[str]:
    """The names in code, and in the functions and classes that it makes."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from used(constant)


def find(names: dict[str, Any], entry: str) -> Callable[[], Callable[..., Any]]:
    """How to come by a callable for one test: the function, or the method of a new `Solution` (or `Class.method`)."""
    if callable(function := names.get(entry)):
        return lambda: function
    owner, _, method = entry.rpartition(".")
    cls = names.get(owner or "Solution")
    if isinstance(cls, type) and callable(getattr(cls, method, None)):
        return lambda: getattr(cls(), method)
    raise NameError(f"the program does not define {entry}")


def main(order: messages.Order, base: int, cage: Cage, role: Role) -> None:
    """The whole life of a child, where `base` bytes are mapped already. Its exit status is 0 only at its very end."""
    leave = os._exit
    room = order.memory + (LARGEST_STACK if order.flags & messages.SCRIPT else 0)
    limit({"RLIMIT_AS": base + room, "RLIMIT_CPU": int(order.cpu) + 2})
    job = marshal.loads(messages.receive(SOCKET)[1])
    if not order.flags & messages.SCRIPT:  # which makes processes of its own, and runs nothing else
        limit({"RLIMIT_FSIZE": 0} if cage.lock is not None else {"RLIMIT_FSIZE": 0, "RLIMIT_NPROC": 0})
        if cage.lock is not None and not order.flags & messages.UNFILTERED and cage.lock():
            leave(LOCKED_OUT)
    role(job, order, cage)
    leave(0)
