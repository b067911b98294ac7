"""A script, judged test by test: each in a process of its own, with its input as descriptor 0 and a file as 1.

The child that the zygote makes is a director: it compiles the script once, runs nothing of it, and forks for each test.
A test's process holds its input and its output, files without a name that no other test ever sees, a third for why it
failed, and nothing else. Once it has ended, with all that it started, the director copies the output into the job's
socket. So nobody waits for a descriptor that something keeps open, a process that stays behind writes to a file that
nobody reads, and how a test ended is what the kernel says.

Each page that the director writes to between two forks is copied again, so that its loop calls few functions.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import resource
import select
import sys
import time
from typing import Any

from . import child, messages, standins, stdlib, watch
from .clocks import processor_time

NAME = "solution.py"
PRINTED = 1
NOTE = 3  # a file for the kind of frame that a test ends with, and why
SOCKET = 4  # where the director has its own, out of the way of the note
FAILED = 1  # the status with which Python ends where an exception has not been caught
BROKEN_OUTPUT = 120  # and where its output cannot be flushed
LONGEST_NOTE = 1200
DEVICES = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
DEVICES |= {f"{folder}/{number}": number for folder in ("/dev/fd", "/proc/self/fd") for number in range(3)}
OPEN_DESCRIPTOR = os.open


def run(job: dict[str, Any], order: messages.Order, cage: child.Cage) -> None:
    """One frame for each test, until one reaches a limit."""
    try:
        codes = child.codes(job["code"], job["prelude"], NAME)
    except child.UnpreparedError as error:
        return messages.send(child.SOCKET, messages.UNPREPARED, str(error).encode())
    except BaseException as error:  # noqa: BLE001 - MemoryError, ValueError and more, besides SyntaxError
        return messages.send(child.SOCKET, messages.UNUSABLE, child.describe(error))
    prepare(cage)
    left, poller = order.cpu - time.process_time(), select.poll()
    for _ in job["tests"]:
        (text,) = marshal.loads(messages.receive(SOCKET)[1])
        for place in (0, PRINTED):
            file = stdlib.nameless()
            os.dup2(file, place)
            os.close(file)
        os.write(0, text.encode("utf-8", "surrogateescape"))
        os.lseek(0, 0, os.SEEK_SET)
        pid = start(codes, order, cage)
        cause = wait(pid, poller, left, order.test or left)
        if cage.lock is None:
            status, _before, used = watch.clean_up([pid])
        else:  # it has made no other
            if cause != messages.EXITED:
                os.kill(pid, watch.SIGKILL)
            _pid, status, usage = os.wait4(pid, 0)
            used = usage.ru_utime + usage.ru_stime
        left -= used
        size = os.lseek(PRINTED, 0, os.SEEK_END)
        if size > order.results:
            cause = messages.FLOODED
        elif cause == messages.EXITED and os.WIFSIGNALED(status) and os.WTERMSIG(status) == watch.SIGKILL:
            os.kill(os.getpid(), watch.SIGKILL)  # from outside: it says nothing about the script
        if cause != messages.EXITED:
            return messages.send(SOCKET, messages.STOPPED, bytes([cause]))
        if status == 0:
            show(size)
        else:
            messages.send(SOCKET, *ending(status, os.pread(NOTE, LONGEST_NOTE, 0)))
        os.ftruncate(NOTE, 0)
    messages.send(SOCKET, messages.END)
    return None


def prepare(cage: child.Cage) -> None:
    """Makes this process what each test's is to be forked from, so that little is left to do, which dirties memory."""
    import builtins
    import io

    os.dup2(child.SOCKET, SOCKET)
    os.dup2(stdlib.nameless(), NOTE)
    if cage.adopt is not None:
        cage.adopt()
    sys.argv = [NAME]
    builtins.open = io.open = staticmethod(reopen)  # pathlib makes it an attribute of a class
    os.open = reopen_descriptor
    child.module("__main__").__file__ = f"/{NAME}"


def wait(pid: int, poller: select.poll, left: float, most: float) -> int:
    """Waits for a test to end, or to use the processor time that is left for all of them, or the most for one of them;
    says which."""
    handle, cause, used = -1, messages.EXITED, 0.0
    with contextlib.suppress(OSError, AttributeError):  # not every system has it
        handle = os.pidfd_open(pid)
        poller.register(handle, select.POLLIN)
    while not poller.poll(1 + 1000 * max(0.001, min(left, most) - used) if handle >= 0 else 2):
        if handle < 0 and watch.has_ended(pid):
            break
        used = processor_time(pid)
        if used >= min(left, most):
            cause = messages.CPU_LIMIT if used >= left else messages.TEST_LIMIT
            break
    if handle >= 0:
        poller.unregister(handle)
        os.close(handle)
    return cause


def show(size: int) -> None:
    """What a test has printed as one frame: a text of plain data, whatever the bytes. It never enters this memory."""
    head = b"u" + size.to_bytes(4, "little")
    os.write(SOCKET, messages.HEADER.pack(messages.VALUE, len(head) + size) + head)
    at = 0
    while at < size:
        at += os.sendfile(SOCKET, PRINTED, at, size - at)


def ending(status: int, note: bytes) -> tuple[bytes, bytes]:
    """Kind and body of the frame for a test that did not end well."""
    kind, why = note[:1], note[1:]
    if kind in (messages.UNPREPARED, messages.LACKING):
        return kind, why
    if os.WIFSIGNALED(status):
        from signal import Signals  # made of enumerations, which would fill each child's memory

        return messages.ERROR, f"runtime error: crashed with {Signals(os.WTERMSIG(status)).name}".encode()
    return messages.ERROR, b"runtime error: " + (why or b"left with status %d" % os.waitstatus_to_exitcode(status))


def start(codes: child.Codes, order: messages.Order, cage: child.Cage) -> int:
    """Forks; the test's process keeps its files alone, and never comes back."""
    director, most, leave = os.getpid(), order.results + 1, os._exit
    pid = os.fork()
    if pid:
        return pid
    try:
        os.closerange(SOCKET, 256)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        cage.end_with(director)
        if cage.lock is None:
            os.setsid()  # else it cannot leave the group, which ends with the director
        elif cage.lock():
            leave(child.LOCKED_OUT)
        leave(live(codes))
    finally:
        leave(child.LOCKED_OUT)


def live(codes: child.Codes) -> int:
    """What Python does with a script, from its start to its exit status."""
    module = sys.modules["__main__"]
    names, modules = vars(module), sys.modules
    status = attempt(lambda: child.execute(codes, module))
    if (threading := modules.get("threading")) is not None:
        status = attempt(threading._shutdown, status)  # noqa: SLF001 - as Python itself
    if (atexit := modules.get("atexit")) is not None:
        status = attempt(atexit._run_exitfuncs, status)  # noqa: SLF001 - as Python itself
    status = flushed(getattr(sys, "stdout", None), status)
    names.clear()  # files that nobody has closed write what they hold
    return flushed(sys.__stdout__, status)


def attempt(step: Any, status: int = 0) -> int:
    """The exit status that a step leads to; notes why it is not 0."""
    try:
        step()
    except SystemExit as left:
        code = left.code
        if code is None or isinstance(code, int):
            return (code or 0) & 0xFF
        note(messages.ERROR, b"left with a message: " + child.short(lambda: str(code)))
        return FAILED
    except child.UnpreparedError as error:
        note(messages.UNPREPARED, str(error).encode())
        return FAILED
    except BaseException as error:  # noqa: BLE001 - model-written code may raise anything
        note(messages.LACKING if standins.is_lacking(error) else messages.ERROR, child.describe(error))
        with contextlib.suppress(BaseException):  # it may be a hook of the script's
            sys.excepthook(type(error), error, error.__traceback__)
        return FAILED
    return status


def note(kind: bytes, why: bytes) -> None:
    """Says why the test fails, for people to read."""
    with contextlib.suppress(OSError):
        os.lseek(NOTE, 0, os.SEEK_SET)
        os.write(NOTE, kind + why[:LONGEST_NOTE])


def flushed(stream: Any, status: int) -> int:
    """The exit status after what was printed to `stream` has been written."""
    try:
        if stream is not None and not stream.closed:
            stream.flush()
    except BaseException as error:  # noqa: BLE001 - it may be an object of the script's
        note(messages.ERROR, b"its output was lost: " + child.describe(error))
        return status or BROKEN_OUTPUT
    return status


def device(file: Any) -> int | None:
    """The descriptor that a path stands for, where it is one of the three that a script has."""
    return DEVICES.get(os.fspath(file)) if isinstance(file, (str, os.PathLike)) else None


def reopen(file: Any, mode: str = "r", *args: Any, **named: Any) -> Any:
    """`open`, where paths of the standard streams lead to them and no other file is there."""
    if (number := device(file)) is not None:
        named["closefd"] = False
        return child.OPEN(number, mode, *args, **named)
    try:
        return child.OPEN(file, mode, *args, **named)
    except PermissionError as error:
        if "r" not in mode or "+" in mode:
            raise
        raise FileNotFoundError(2, "No such file or directory", error.filename) from None


def reopen_descriptor(path: Any, *args: Any, **named: Any) -> int:
    """`os.open`, where paths of the standard streams lead to them."""
    return OPEN_DESCRIPTOR(path, *args, **named) if (number := device(path)) is None else number
