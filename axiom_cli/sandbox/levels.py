"""How much isolation there is here, proved by programs that try to get out.

| level   | what holds                                                                                       |
|---------|--------------------------------------------------------------------------------------------------|
| strong  | system-call filter, Landlock, and namespaces with an empty root                                  |
| good    | system-call filter, and one of Landlock and namespaces                                            |
| basic   | system-call filter: no files, sockets, processes, signals or executable memory                    |
| limited | a process of its own with limits of time, memory, output and descriptors: files and network open |
| none    | not even those limits hold                                                                       |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from axiom_cli.errors import MissingError
from axiom_cli.sandbox import values
from axiom_cli.sandbox.inside import messages
from axiom_cli.sandbox.judge import frames

Level = Literal["none", "limited", "basic", "good", "strong"]
LEVELS: tuple[Level, ...] = get_args(Level)

FILTERED = """
import os, posix, socket, signal, resource, time, sys, errno

def blocked(attempt):
    try:
        attempt()
    except PermissionError:
        return "blocked"
    except BaseException as error:
        return "unexpected " + type(error).__name__
    return "open"

def memory():
    try:
        block = bytearray(1 << 40)
    except MemoryError:
        raise PermissionError
    return block

def descriptors():
    seen = [n for n in range(4, 4096) if alive(n)]
    if not seen:
        raise PermissionError

def alive(number):
    try:
        os.get_inheritable(number)  # by fcntl, which is allowed
    except OSError:
        return False
    return True

def limit():
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    except ValueError:  # what resource makes of EPERM
        raise PermissionError

def environment():
    if not os.environ:
        raise PermissionError

ATTEMPTS = {
    "read a file": lambda: posix.open("/etc/passwd", os.O_RDONLY),
    "write a file": lambda: posix.open("/dev/null", os.O_WRONLY),
    "stat a file": lambda: posix.stat("/"),
    "list a folder": lambda: posix.listdir("/"),
    "make a folder": lambda: posix.mkdir("/"),
    "change the folder": lambda: posix.chdir("/"),
    "fork": lambda: posix._exit(1) if posix.fork() == 0 else None,
    "execute": lambda: posix.execv("/nonexistent", ["x"]),
    "open a socket": lambda: socket.socket(),
    "make a socket pair": lambda: socket.socketpair(),
    "signal the parent": lambda: posix.kill(posix.getppid(), 0),
    "make a memory file": lambda: os.memfd_create("x"),
    "make a pipe": lambda: os.pipe(),
    "change a limit": limit,
    "take a terabyte": memory,
    "find an open descriptor": descriptors,
    "read the environment": environment,
}

def canary(name):
    return blocked(ATTEMPTS[name])
"""

LIMITS = {"take a terabyte", "find an open descriptor", "read the environment"}

UNFILTERED = """
import os, socket

def canary(name):
    if name == "landlock":
        try:
            os.close(os.open("/", os.O_RDONLY))
        except PermissionError:
            return "blocked"
        return "open"
    if os.getppid() != 1:
        return "sees other processes"
    if [device for _number, device in socket.if_nameindex()] != ["lo"]:
        return "sees a network"
    try:
        os.stat("/etc")
    except FileNotFoundError:
        return "blocked"
    return "sees files"
"""


# In this order: what is open at the start is looked at before anything is opened.
FILTERED_NAMES = (
    "find an open descriptor", "read a file", "write a file", "stat a file", "list a folder", "make a folder",
    "change the folder", "fork", "execute", "open a socket", "make a socket pair", "signal the parent",
    "make a memory file", "make a pipe", "change a limit", "take a terabyte", "read the environment",
)  # fmt: skip
UNFILTERED_NAMES = ("landlock", "namespaces")


def level(blocked: set[str]) -> Level:
    """The level that holds when these attempts, and no others, were blocked."""
    if not blocked >= LIMITS:
        return "none"
    if not blocked >= set(FILTERED_NAMES):
        return "limited"
    return LEVELS[LEVELS.index("basic") + len(blocked & set(UNFILTERED_NAMES))]


def require(reached: Level, wanted: Level | Literal["auto"], missing: list[str]) -> None:
    """Raises MissingError where the level reached is below the one that was asked for."""
    least: Level = "limited" if wanted == "auto" else wanted
    if LEVELS.index(reached) < LEVELS.index(least):
        best = "; ".join([f"best: {reached}", *missing])
        raise MissingError(
            f"isolation '{least}' is not available on this machine ({best})",
            "`axiom doctor` shows what is missing; --isolation LEVEL accepts a weaker level",
        )


def blocked(names: Sequence[str], data: bytes, report: messages.Report) -> set[str]:
    """The attempts that a canary reports as blocked; none if it did not come to its end."""
    received = list(frames(data))
    if report.status != 0 or len(received) != len(names) + 1:
        return set()
    encoded = values.encode("blocked")
    return {name for name, (_kind, body) in zip(names, received, strict=False) if body == encoded}
