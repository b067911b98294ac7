"""Tells a person at a terminal that a large package is being loaded, before the seconds that it takes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from axiom_cli.terminal import console

PACKAGES = {"torch": "PyTorch", "vllm": "vLLM"}


def announce() -> None:
    """From now on a terminal gets a line before each of PACKAGES is loaded. Without a terminal nobody waits."""
    if console.is_terminal() and not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds PACKAGES as Python does, with a loader that speaks. To look for one is not yet to load it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in PACKAGES else None
        if spec and spec.loader:
            spec.loader = _Announcing(spec.loader)
        return spec


class _Announcing(Loader):
    """A package's own loader, which takes its place again as soon as it has been announced."""

    def __init__(self, own: Loader) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        console.note(f"loading {PACKAGES[module.__name__]} ...")
        if module.__spec__:
            module.__spec__.loader = module.__loader__ = self._own
        self._own.exec_module(module)
