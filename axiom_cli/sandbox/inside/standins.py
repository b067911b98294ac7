"""What programs find in the place of what the sandbox does not have.

Calls that the filter refuses, where the answer is known anyway; and modules that are left out, which can be imported,
since many programs import what they never use. Their use raises what every refused call raises: PermissionError with
EPERM and no file's name. By that the judge knows that a program failed for want of something, not for a mistake.
"""

from __future__ import annotations

import _thread
import errno
import os
import stat
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

LEAST_STACK = 2 << 20  # of a thread: a mebibyte, as the filter demands, and whatever the C library takes of it
LARGEST_STACK = (
    64 if sys.version_info >= (3, 11) else 512
) << 20  # where recursion in Python takes none of C's, and does
LONGEST_CHAIN = 10
IMPORTERS = ("solution", "__main__")  # the names of a program's own module
LEFT_OUT = {
    "antigravity", "ctypes", "curses", "dbm", "distutils", "ensurepip", "idlelib", "lib2to3", "msilib",
    "multiprocessing", "pydoc_data", "sqlite3", "test", "this", "tkinter", "turtle", "turtledemo", "venv", "wsgiref",
    "xmlrpc", "site", "__phello__",
}  # fmt: skip
REFUSED = (
    "getitem", "setitem", "len", "iter", "contains", "enter", "exit", "mul", "rmul", "or", "call", "await",
)  # fmt: skip


def install() -> None:
    """Puts them where programs look for them."""
    os.fstat = described(os.fstat)
    _thread.stack_size = stack_size(_thread.stack_size)
    threading: Any = sys.modules.get("threading")  # by a package, or by Python itself
    if threading is not None:
        threading.stack_size = _thread.stack_size
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    sys.meta_path.append(Absences())


def described(fstat: Any) -> Any:
    """`os.fstat`, which the C library asks for by a call that could name any path."""

    def told(fd: int) -> os.stat_result:
        try:
            return fstat(fd)
        except PermissionError:
            at = os.lseek(fd, 0, os.SEEK_CUR)
            size = os.lseek(fd, 0, os.SEEK_END)
            os.lseek(fd, at, os.SEEK_SET)
            return os.stat_result((stat.S_IFREG | 0o600, 0, 0, 1, 0, 0, size, 0, 0, 0))

    return told


def stack_size(real: Any) -> Any:
    """`threading.stack_size`, for which programs often ask for more than they need."""

    def set_size(size: int = 0) -> int:
        return real(size and min(max(size, LEAST_STACK), LARGEST_STACK))

    return set_size


def is_lacking(error: BaseException | None) -> bool:
    """Whether an exception, or what led to it, comes from a refused call that names no file."""
    try:
        for _ in range(LONGEST_CHAIN):
            if error is None:
                return False
            if isinstance(error, PermissionError) and error.errno == errno.EPERM and error.filename is None:
                return True
            error = error.__cause__ or error.__context__
    except BaseException:  # noqa: BLE001 - its class, and what it says of itself, may be the program's
        return False
    return False


class Absences:
    """The last importer: modules of the standard library that are not here, empty, for what can do without them."""

    def find_spec(
        self,
        name: str,
        path: object = None,  # noqa: ARG002 - the signature is that of importlib.abc.MetaPathFinder
        target: object = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """As importlib.abc.MetaPathFinder."""
        top = name.partition(".")[0]
        public = top in sys.stdlib_module_names and not top.startswith("_")
        if top in LEFT_OUT or (public and asked_by_program()):
            return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """An empty module (importlib.abc.Loader)."""
        return Absent(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run (importlib.abc.Loader)."""


class Absent(ModuleType):
    """A module that has everything, as long as nobody uses it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return AbsentType(name, (), {"__module__": self.__name__})


def refuse(thing: Any, *_args: Any, **_named: Any) -> NoReturn:
    """What becomes of the use of anything that is not here."""
    raise PermissionError(errno.EPERM, f"{thing.__module__}.{thing.__name__} is not available in the sandbox")


class AbsentType(type):
    """A class, a function or a constant that is not here. Classes can be derived from it."""

    locals().update({f"__{name}__": refuse for name in REFUSED})

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return AbsentType(name, (), {"__module__": f"{cls.__module__}.{cls.__name__}"})


def asked_by_program() -> bool:
    """Whether it is the program that imports, and not a module which may have another way."""
    frame = sys._getframe(1)  # noqa: SLF001 - there is no other way to ask
    while frame.f_back is not None:
        frame = frame.f_back
        name = frame.f_globals.get("__name__", "")
        if name != __name__ and not name.startswith(("importlib", "_frozen_importlib")):
            return name in IMPORTERS
    return False
