"""The standard library without files: what programs import often is loaded, the rest lies ready as compiled code.

Each loaded module makes every fork more expensive: datetime, statistics, fractions, threading and a few more, that one
program in a hundred asks for, took a quarter of each program's time. And after the lock-down nothing can be opened.
So only what is compiled, or what many programs import, is loaded; the rest is kept as bytes, and an importer runs
them in the child that asks.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import importlib.util
import marshal
import mmap
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES, BuiltinImporter, FrozenImporter, ModuleSpec
from itertools import chain
from types import ModuleType

from . import standins

LOADED = """
__future__ abc array binascii bisect builtins cmath collections collections.abc contextlib copy dataclasses decimal enum
errno functools gc heapq io itertools json math operator os random re resource select string struct sys
time types typing unicodedata warnings weakref zlib _bisect _csv _datetime _decimal _heapq _json _md5 _opcode _random
_sha1 _sha2 _sha256 _sha3 _sha512 _blake2 _socket _statistics _struct _contextvars _queue _posixsubprocess
encodings.ascii encodings.latin_1 encodings.utf_8
"""
UNUSED = {"__pycache__", "tests"}
BUILD = "_sysconfigdata"  # asked for by sysconfig and zoneinfo
PYC_HEADER = 16
LARGEST_CODEC = 16 << 10  # the tables of East Asian and other large codecs stay away


class Shelf:
    """An importer of modules from memory: (is it a package, where its compiled code or source lies) by full name.

    The bytes lie in a private read-only mapping, which costs a fork nothing.
    """

    def __init__(self, modules: Iterable[tuple[str, bool, bytes]]) -> None:
        self.modules: dict[str, tuple[bool, int, int]] = {}
        with open(nameless(), "w+b") as file:
            for name, package, data in modules:
                self.modules[name] = package, file.tell(), file.tell() + len(data)
                file.write(data)
            file.flush()
            self.content = mmap.mmap(file.fileno(), file.tell(), flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ)

    def find_spec(
        self,
        name: str,
        path: object = None,  # noqa: ARG002 - the signature is that of importlib.abc.MetaPathFinder
        target: object = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """As importlib.abc.MetaPathFinder."""
        if name not in self.modules:
            return None
        # A loader by its methods: importlib.abc would fill each child's memory.
        return ModuleSpec(name, self, origin="the standard library", is_package=self.modules[name][0])  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """The ordinary kind of module (importlib.abc.Loader)."""

    def exec_module(self, module: ModuleType) -> None:
        """Runs the module's code (importlib.abc.Loader)."""
        _package, start, end = self.modules[module.__name__]
        content = self.content[start:end]
        if content.startswith(importlib.util.MAGIC_NUMBER):
            code = marshal.loads(memoryview(content)[PYC_HEADER:])
        else:
            code = compile(content, f"<{module.__name__}>", "exec", dont_inherit=True)
        try:
            exec(code, module.__dict__)
        except ImportError:  # of what is compiled and not loaded
            if not standins.asked_by_program():
                raise
            module.__class__ = standins.Absent


def nameless() -> int:
    """The descriptor of a new file without a name, in memory where the system has such."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("axiom")
    from tempfile import TemporaryFile

    with TemporaryFile() as file:
        return os.dup(file.fileno())


def gather(folder: str, prefix: str = "") -> Iterable[tuple[str, bool, bytes]]:
    """(name, is it a package, content) of each pure-Python module under `folder`, the standard library's own."""
    for entry in os.scandir(folder):
        name, suffix = os.path.splitext(entry.name)
        if not prefix and (
            name in standins.LEFT_OUT or not (name in sys.stdlib_module_names or name.startswith(BUILD))
        ):
            continue
        start = os.path.join(entry.path, "__init__.py")
        if suffix == ".py" and name != "__init__":
            yield prefix + name, False, content(entry.path)
        elif not suffix and name not in UNUSED and os.path.exists(start):
            yield prefix + name, True, content(start)
            yield from gather(entry.path, f"{prefix}{name}.")


def package_parts(package: ModuleType) -> Iterable[tuple[str, bool, bytes]]:
    """What `gather` gives, for the modules of a package that it imports when they are asked for. Those that are
    compiled are imported at once."""
    folders = list(getattr(package, "__path__", ()))
    for folder in folders:
        for place, inner, files in os.walk(folder):
            inner[:] = [name for name in inner if name not in UNUSED]
            prefix = ".".join([package.__name__, *os.path.relpath(place, folder).split(os.sep)]).replace("..", ".")
            for file in files:
                if file.endswith(tuple(EXTENSION_SUFFIXES)):
                    with contextlib.suppress(ImportError):
                        importlib.import_module(f"{prefix.rstrip('.')}.{file.partition('.')[0]}")
    return [part for folder in folders for part in gather(folder, f"{package.__name__}.")]


def content(path: str) -> bytes:
    """The compiled module if it is there and of this Python, else its source."""
    with contextlib.suppress(OSError), open(importlib.util.cache_from_source(path), "rb") as file:
        data = file.read()
        if data.startswith(importlib.util.MAGIC_NUMBER):
            return data
    with open(path, "rb") as file:
        return file.read()


@contextlib.contextmanager
def without_fork_hooks() -> Iterator[None]:
    """Modules loaded here get no say at a fork: `random` would gather fresh randomness in each child."""
    register = os.register_at_fork
    os.register_at_fork = lambda **_hooks: None
    try:
        yield
    finally:
        os.register_at_fork = register


def load(packages: Iterable[str] = (), path: Iterable[str] = ()) -> None:
    """Makes the standard library ready for children, and `packages` from `path`, with what they import by themselves:
    from here on no file is looked at for an import."""
    builtins.exit = builtins.quit = sys.exit  # type: ignore[assignment]  # `site` would have made them, of its own type
    with without_fork_hooks():
        for name in LOADED.split():
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        sys.path += path
        parts = [part for name in packages for part in package_parts(importlib.import_module(name))]
    sys.modules["random"].seed(0)
    shelf = Shelf(
        (name, package, data)
        for name, package, data in chain(gather(os.path.dirname(os.__file__)), parts)
        if name not in sys.modules and not (name.startswith("encodings.") and len(data) > LARGEST_CODEC)
    )
    sys.meta_path[:] = [BuiltinImporter, FrozenImporter, shelf]
    standins.install()
