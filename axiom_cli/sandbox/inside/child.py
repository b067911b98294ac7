"""One program in one fresh process: read the job, lose every right, run, write a frame for each test.

Nothing here is trusted once the program runs, as it shares the interpreter: it may forge any frame, but it has nothing
to forge a right answer from. Expected values are never sent here.
"""

from __future__ import annotations

import contextlib
import io
import marshal
import os
import random
import resource
import sys
import types
from collections.abc import Callable
from typing import Any

from . import messages

SOCKET = 3
LONGEST_REASON = 300
STDIN_STDOUT = "<stdin>"


def confine(memory: int, cpu: float, base: int) -> None:
    """Resource limits, soft and hard alike. `base` is what the zygote itself has mapped, in bytes."""
    seconds = int(cpu) + 2
    wanted = (
        (resource.RLIMIT_AS, base + memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
        (getattr(resource, "RLIMIT_NPROC", None), 0),
        (getattr(resource, "RLIMIT_MEMLOCK", None), 0),
        (getattr(resource, "RLIMIT_MSGQUEUE", None), 0),
    )
    for which, limit in wanted:
        if which is None:
            continue
        try:
            resource.setrlimit(which, (limit, limit))
        except (ValueError, OSError):
            hard = resource.getrlimit(which)[1]
            resource.setrlimit(which, (min(limit, hard) if hard >= 0 else limit, hard))


def read_job() -> dict[str, Any]:
    """What the parent sent: code, entry point and encoded arguments. The parent is trusted."""
    parts = []
    while part := os.read(SOCKET, 1 << 16):
        parts.append(part)
    return marshal.loads(b"".join(parts))


def send(kind: bytes, body: bytes = b"", write: Callable[[int, Any], int] = os.write) -> None:
    """One whole frame to the parent."""
    data = memoryview(messages.HEADER.pack(kind, len(body)) + body)
    while data:
        data = data[write(SOCKET, data) :]


def describe(error: BaseException) -> bytes:
    """`TypeError: what it said`, whatever the exception's own methods do."""
    try:
        text = f"{type(error).__name__}: {error}"
    except BaseException:  # the program's own __str__ may raise anything
        text = "an exception that cannot be printed"
    return text[:LONGEST_REASON].encode("utf-8", "replace")


def run(job: dict[str, Any]) -> None:
    """Runs the program once and its entry point once for each test; writes all frames."""
    if job["entry"] == STDIN_STDOUT:
        cases = [lambda text=text: converse(job["code"], *marshal.loads(text)) for text in job["args"]]
    else:
        try:
            function = find(load(job["code"], "solution"), job["entry"])
        except BaseException as error:  # the program's own top level may raise anything
            send(messages.UNUSABLE, describe(error))
            return
        cases = [lambda args=args: function()(*marshal.loads(args)) for args in job["args"]]
    for case in cases:
        answer(case)
    send(messages.END)


def answer(case: Callable[[], Any]) -> None:
    """One test's frame: the value returned, or why there is none."""
    try:
        value = case()
        body = marshal.dumps(value, 2)
    except ValueError as error:
        refused = "unmarshallable" in describe(error).decode()
        send(messages.REFUSED if refused else messages.ERROR, describe(error))
    except BaseException as error:  # model-written code may raise anything
        send(messages.ERROR, describe(error))
    else:
        send(messages.VALUE, body)


def load(code: str, name: str) -> dict[str, Any]:
    """The program's names, after its top level has run as a module called `name`."""
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(code, "<program>", "exec", dont_inherit=True), module.__dict__)
    return module.__dict__


def find(names: dict[str, Any], entry: str) -> Callable[[], Callable[..., Any]]:
    """How to come by a callable for one test: the function, or the method of a new `Solution` (or `Class.method`)."""
    if callable(function := names.get(entry)):
        return lambda: function
    owner, _, method = entry.rpartition(".")
    cls = names.get(owner or "Solution")
    if isinstance(cls, type) and callable(getattr(cls, method, None)):
        return lambda: getattr(cls(), method)
    raise NameError(f"the program does not define {entry}")


def converse(code: str, text: str) -> str:
    """What the program prints when it is run as a script with `text` on its standard input."""
    sys.stdin = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
    printed = io.BytesIO()
    sys.stdout = io.TextIOWrapper(printed, encoding="utf-8", write_through=True)
    with contextlib.suppress(SystemExit):
        load(code, "__main__")
    return printed.getvalue().decode("utf-8", "replace")


def main(order: messages.Order, base: int, install: Callable[[], None] | None) -> None:
    """The whole life of a child. Its exit status is 0 only if it came to the end."""
    leave = os._exit
    confine(order.memory, order.cpu, base)
    job = read_job()
    random.seed(0)
    for name in ("ctypes", "_ctypes"):
        sys.modules.pop(name, None)
    if install and not order.flags & messages.UNFILTERED:
        install()
    run(job)
    leave(0)
