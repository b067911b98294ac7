"""One program in one fresh process: read the job, lose every right, run, write a frame for each test.

Nothing here is trusted once the program runs, as it shares the interpreter: it may forge any frame, but it has nothing
to forge a right answer from. Expected values are never sent here.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import marshal
import os
import re
import resource
import sys
import types
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any

from . import messages, plain

SOCKET = 3
LONGEST_REASON = 300
RECURSION = 30_000  # a cached function counts three times a call; Python's own 1,000 would fail right programs
OPEN = open
HINT = re.compile(r"->|[\w)]\s*:[ \t]*[A-Za-z_]")
FUTURE = annotations.compiler_flag
"""The flag of `from __future__ import annotations`, which holds for the program if its prelude has it."""
Role = Callable[[dict[str, Any], messages.Order], None]


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
    try:
        text = f"{type(error).__name__}: {error}"
    except BaseException:  # noqa: BLE001 - the program's own __str__ may raise anything
        text = "an exception that cannot be printed"
    return text[:LONGEST_REASON].encode("utf-8", "replace")


def run(job: dict[str, Any], order: messages.Order) -> None:
    """Runs the program once and its entry point once for each test; writes all frames."""
    if order.flags & messages.TIMED:
        messages.send(SOCKET, messages.STARTED)
    if job["script"]:

        def case(place: int | None) -> Any:  # noqa: ARG001 - a script has no arguments
            return converse(job["code"], job["prelude"], *arguments())

    elif (function := prepared(job)) is None:
        return
    else:

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
        return find(load(job["code"], "solution", job["prelude"]), job["entry"])
    except BaseException as error:  # noqa: BLE001 - the program's own top level may raise anything
        messages.send(SOCKET, messages.UNUSABLE, describe(error))
        return None


def answer(case: Callable[[int | None], Any], place: int | None) -> None:
    """One test's frame: the value returned, or why there is none."""
    try:
        body = plain.dumps(case(place), refuse)
    except NotPlainError as error:
        messages.send(SOCKET, messages.REFUSED, describe(error))
    except BaseException as error:  # noqa: BLE001 - model-written code may raise anything
        messages.send(SOCKET, messages.ERROR, describe(error))
    else:
        messages.send(SOCKET, messages.VALUE, body)


class NotPlainError(Exception):
    """A value that is not plain data."""


def refuse(value: Any) -> Any:
    """What `plain.dumps` does with an object where only data is of use."""
    raise NotPlainError(type(value).__name__)


def load(code: str, name: str, prelude: str) -> dict[str, Any]:
    """The program's names, after its top level has run as a module called `name`, and before it the `prelude`."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    flags = 0
    if prelude:
        try:
            before = compile(prelude, "<prelude>", "exec", dont_inherit=True)
            exec(before, module.__dict__)
        except BaseException as error:  # noqa: BLE001 - it came with the problem, from anywhere
            messages.send(SOCKET, messages.UNPREPARED, b"its prelude does not run: " + describe(error))
            os._exit(0)
        flags = before.co_flags & FUTURE
    exec(compiled(code, flags, module.__dict__), module.__dict__)
    return module.__dict__


def compiled(code: str, flags: int, given: Container[str]) -> types.CodeType:
    """The program as code. Its type hints are left unevaluated if one has a name that it uses nowhere else and that
    neither Python nor `given` has: an import that is missing for the hints alone is no mistake in what it computes."""
    program = compile(code, "<program>", "exec", flags, dont_inherit=True)
    if not HINT.search(code):
        return program
    try:
        unhinted = compile(code, "<program>", "exec", flags | FUTURE, dont_inherit=True)
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


def converse(code: str, prelude: str, text: str) -> str:
    """What the program prints when it is run as a script with `text` on its standard input."""
    # Some scripts read `sys.__stdin__`, which mypy takes for a constant.
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")  # type: ignore[misc]
    printed = io.BytesIO()
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(printed, encoding="utf-8", write_through=True)  # type: ignore[misc]
    sys.argv = ["solution.py"]
    builtins.open = io.open = reopen
    with contextlib.suppress(SystemExit):
        load(code, "__main__", prelude)
    return printed.getvalue().decode("utf-8", "replace")


def reopen(file: Any, mode: str = "r", *args: Any, **named: Any) -> Any:
    """`open`, where many scripts take their standard input from `open(0)`."""
    if type(file) in (int, str) and file in (0, "/dev/stdin"):
        return sys.stdin.buffer if "b" in mode else sys.stdin
    return OPEN(file, mode, *args, **named)


def main(order: messages.Order, base: int, steps: Sequence[Callable[[], None]], role: Role) -> None:
    """The whole life of a child, where `base` bytes are mapped already. Its exit status is 0 only at its very end."""
    leave = os._exit
    limit({"RLIMIT_AS": base + order.memory, "RLIMIT_CPU": int(order.cpu) + 2, "RLIMIT_NPROC": 0})
    job = marshal.loads(messages.receive(SOCKET)[1])
    if not order.flags & messages.UNFILTERED:
        for step in steps:
            step()
    role(job, order)
    leave(0)
