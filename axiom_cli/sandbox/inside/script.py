"""A script, judged test by test: each in a process of its own, with its input as descriptor 0 and a file as 1.

The child that the zygote makes is a director: it compiles the script once, runs nothing of it, and forks for each test.
A test's process holds its input and its output, files without a name that no other process has, a third for why it
failed, and nothing else. Once it has ended, with all that it started, the director copies the output into the job's
socket. So nobody waits for a descriptor that something keeps open, a process that stays behind writes to a file that
nobody reads, and how a test ended is what the kernel says.

Each page that the director writes to between two forks is copied again, and each attribute looked up is such a page. So
its loop is one function, and what it calls are names of this module.
"""

from __future__ import annotations

import builtins
import contextlib
import io
import os
import resource
import struct
import sys
import time
from os import (
    SEEK_END,
    SEEK_SET,
    _exit,
    close,
    closerange,
    dup2,
    fork,
    ftruncate,
    getpid,
    lseek,
    read,
    sendfile,
    waitpid,
    write,
)
from select import POLLIN, poll
from sys import modules
from time import process_time
from typing import Any

from . import child, messages, standins, stdlib, watch
from .clocks import processor_time
from .messages import EXITED, HEADER, VALUE

NAME = "solution.py"
PRINTED = 1
HEADER_SIZE, unpack = HEADER.size, HEADER.unpack
pack = struct.Struct("=cIcI").pack  # what comes before a text of plain data, as a frame
NOTE = 3  # a file for the kind of frame that a test ends with, and why
SOCKET = 4  # where the director has its own, out of the way of the note
FAILED = 1  # the status with which Python ends where an exception has not been caught
BROKEN_OUTPUT = 120  # and where its output cannot be flushed
LONGEST_NOTE = 1200
CHUNK = 1 << 16
SHORTEST = 0.001  # seconds after which a limit is looked at again
DEVICES = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
DEVICES |= {f"{folder}/{number}": number for folder in ("/dev/fd", "/proc/self/fd") for number in range(3)}
OPEN_DESCRIPTOR = os.open


def unwatched(_pid: int) -> int:
    """What `pidfd_open` does on a system that has not got it."""
    raise OSError


pidfd_open = getattr(os, "pidfd_open", unwatched)


def run(job: dict[str, Any], order: messages.Order, cage: child.Cage) -> None:
    """One frame for each test, until one reaches a limit."""
    try:
        codes = child.codes(job["code"], job["prelude"], NAME)
    except child.UnpreparedError as error:
        return messages.send(child.SOCKET, messages.UNPREPARED, str(error).encode())
    except BaseException as error:  # noqa: BLE001 - MemoryError, ValueError and more, besides SyntaxError
        return messages.send(child.SOCKET, messages.UNUSABLE, child.describe(error))
    prepare(cage)
    direct(codes, order, cage, len(job["tests"]))
    return None


def direct(codes: child.Codes, order: messages.Order, cage: child.Cage, tests: int) -> None:
    """Makes a process for each test, and sends a frame for each.

    Behind the filter a test's process is all that ever had its files, so that the next one gets them, emptied.
    """
    lock, tie, director, most, poller = cage.lock, cage.tie, getpid(), order.results, poll()
    names, left, longest = vars(modules["__main__"]), order.cpu - process_time(), order.test or order.cpu
    short = min(CHUNK, most)
    register, unregister, ends = poller.register, poller.unregister, poller.poll
    if lock is not None:
        renew()
        largest(most + 1)
    for _ in range(tests):
        if lock is None:
            renew()  # something may be left that has the files
        head = read(SOCKET, HEADER_SIZE)
        rest = unpack(head if len(head) == HEADER_SIZE else head + messages.exactly(SOCKET, HEADER_SIZE - len(head)))[1]
        if rest > short:
            fill(rest, rest if lock is None else most)
        elif rest:
            write(0, part := read(SOCKET, rest))
            if len(part) < rest:
                write(0, messages.exactly(SOCKET, rest - len(part)))
        lseek(0, 0, SEEK_SET)
        if not (pid := fork()):
            try:
                closerange(SOCKET, 256)
                if tie is not None:
                    cage.end_with(director)
                if lock is None:
                    confine(most + 1)
                elif lock():
                    _exit(child.LOCKED_OUT)
                _exit(live(codes, names))
            finally:
                _exit(child.LOCKED_OUT)
        try:
            handle = pidfd_open(pid)
        except OSError:
            cause = wait(pid, None, left, longest)
        else:
            register(handle, POLLIN)
            pause = longest if left > longest else left if left > SHORTEST else SHORTEST
            cause = EXITED if ends(1 + 1000 * pause) else wait(pid, poller, left, longest)
            unregister(handle)
            close(handle)
        if lock is not None:  # it has made no other
            if cause != EXITED:
                os.kill(pid, watch.SIGKILL)
            left -= processor_time(pid)
            _pid, status = waitpid(pid, 0)
        else:
            status, _before, used = watch.clean_up([pid])
            left -= used
        size = lseek(PRINTED, 0, SEEK_END)
        if size > most or status or cause != EXITED:
            if not told(status, size, cause, most):
                return
        else:
            write(SOCKET, pack(VALUE, 5 + size, b"u", size))
            at = 0
            while at < size:
                at += sendfile(SOCKET, PRINTED, at, size - at)
        if lock is not None:  # no process is left that has the files
            ftruncate(0, 0)
            ftruncate(PRINTED, 0)
            lseek(0, 0, SEEK_SET)
            lseek(PRINTED, 0, SEEK_SET)
        ftruncate(NOTE, 0)
        part, size, at, status = b"", 0, 0, 0  # which the next test finds in its frames
    messages.send(SOCKET, messages.END)


def fill(size: int, usual: int) -> None:
    """Puts a long input into the file for it, which may be larger than what a script prints may be."""
    left = size
    if size > usual:
        largest(size)
    while left:
        left -= write(0, messages.exactly(SOCKET, min(left, CHUNK)))
    if size > usual:
        largest(usual + 1)


def renew() -> None:
    """New files for what the next test reads and prints."""
    for place in (0, PRINTED):
        file = stdlib.nameless()
        dup2(file, place)
        close(file)


def largest(size: int) -> None:
    """How large a file may become, by this process and those that it makes, which cannot change that."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def confine(most: int) -> None:
    """What is left to do for the process of a test where the system has no filter."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    os.setsid()  # else it cannot leave the group, which ends with the director


def told(status: int, size: int, cause: int, most: int) -> bool:
    """Sends the frame for a test that did not end well. Returns whether there may be another."""
    if size > most:
        cause = messages.FLOODED
    elif cause == messages.EXITED and os.WIFSIGNALED(status) and os.WTERMSIG(status) == watch.SIGKILL:
        os.kill(os.getpid(), watch.SIGKILL)  # from outside: it says nothing about the script
    if cause != messages.EXITED:
        messages.send(SOCKET, messages.STOPPED, bytes([cause]))
        return False
    messages.send(SOCKET, *ending(status, os.pread(NOTE, LONGEST_NOTE, 0)))
    return True


def prepare(cage: child.Cage) -> None:
    """Makes this process what each test's is to be forked from, so that little is left to do, which dirties memory."""
    dup2(child.SOCKET, SOCKET)
    dup2(stdlib.nameless(), NOTE)
    if cage.adopt is not None and cage.lock is None:
        cage.adopt()
    sys.argv = [NAME]
    builtins.open = io.open = staticmethod(reopen)  # pathlib makes it an attribute of a class
    os.open = reopen_descriptor
    main = child.module("__main__")
    main.__dict__.update(__file__=f"/{NAME}", __builtins__=builtins)  # the second as `exec` would


def wait(pid: int, poller: poll | None, left: float, most: float) -> int:
    """Waits for a test to end, or to use the processor time that is left for all of them, or the most for one of them;
    says which. `poller` knows when it ends, if this system has such a thing."""
    while True:
        used = processor_time(pid)
        if used >= min(left, most):
            return messages.CPU_LIMIT if used >= left else messages.TEST_LIMIT
        if poller is None:
            time.sleep(0.002)
        elif poller.poll(1 + 1000 * max(SHORTEST, min(left, most) - used)):
            return messages.EXITED
        if poller is None and watch.has_ended(pid):
            return messages.EXITED


def ending(status: int, note: bytes) -> tuple[bytes, bytes]:
    """Kind and body of the frame for a test that did not end well."""
    kind, why = note[:1], note[1:]
    if kind in (messages.UNPREPARED, messages.LACKING):
        return kind, why
    if os.WIFSIGNALED(status):
        from signal import Signals  # made of enumerations, which would fill each child's memory

        return messages.ERROR, f"runtime error: crashed with {Signals(os.WTERMSIG(status)).name}".encode()
    return messages.ERROR, b"runtime error: " + (why or b"left with status %d" % os.waitstatus_to_exitcode(status))


def live(codes: child.Codes, names: dict[str, Any]) -> int:
    """What Python does with a script, from its start to its exit status. `names` are those of `__main__`."""
    (prelude, program), status = codes, 0
    try:
        if prelude is None:
            exec(program, names)
        else:
            child.execute(codes, modules["__main__"])
    except BaseException as error:  # noqa: BLE001 - model-written code may raise anything
        status = failed(error)
    if (threading := modules.get("threading")) is not None:
        status = attempt(threading._shutdown, status)  # noqa: SLF001 - as Python itself
    if (atexit := modules.get("atexit")) is not None:
        status = attempt(atexit._run_exitfuncs, status)  # noqa: SLF001 - as Python itself
    status = flushed(getattr(sys, "stdout", None), status)
    names.clear()  # files that nobody has closed write what they hold
    return flushed(sys.__stdout__, status)


def attempt(step: Any, status: int) -> int:
    """The exit status that a step leads to."""
    try:
        step()
    except BaseException as error:  # noqa: BLE001 - model-written code may raise anything
        return failed(error)
    return status


def failed(error: BaseException) -> int:
    """The exit status that an exception leads to; notes why it is not 0."""
    if isinstance(error, SystemExit):
        code = error.code
        if code is None or isinstance(code, int):
            return (code or 0) & 0xFF
        note(messages.ERROR, b"left with a message: " + child.short(lambda: str(code)))
    elif isinstance(error, child.UnpreparedError):
        note(messages.UNPREPARED, str(error).encode())
    else:
        note(messages.LACKING if standins.is_lacking(error) else messages.ERROR, child.describe(error))
        with contextlib.suppress(BaseException):  # it may be a hook of the script's
            sys.excepthook(type(error), error, error.__traceback__)
    return FAILED


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
