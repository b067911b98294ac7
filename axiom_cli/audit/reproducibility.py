"""A family's fingerprint: one digest of its first problems, answers and traces. It must be the same in every process
and on every platform, now and later, or the nth problem is not fixed by its seed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module, util
from itertools import islice
from typing import Any

from axiom_cli.errors import MissingError, NothingToDoError
from axiom_cli.ids import content_id
from axiom_cli.problems import families
from axiom_cli.problems.families import draw
from axiom_cli.problems.families.family import Family

PROBLEMS = 3
HASH_SEED = "1729"
_CHILD = (
    "import sys; sys.path[:] = filter(None, sys.path); "  # a folder here may have the name of the family's module
    "from axiom_cli.terminal import stdout_guard; from axiom_cli.audit.reproducibility import child\n"
    "with stdout_guard.guard(): print(child(*sys.argv[1:]), end='', file=stdout_guard.stdout())"
)


def fingerprint(family: Family, form: str, count: int = PROBLEMS) -> str:
    """The SHA-256 of the first `count` problems of each level in the split train with seed 0."""
    return content_id([item for level in family.has for item in islice(_content(family, level, form), count)])


def _content(family: Family, level: int, form: str) -> Iterator[list[Any]]:
    """Prompt, answer or program, and the teacher's reasoning. Ends early where a level has fewer problems."""
    try:
        for drawn in draw.draws(family, level, "train", 0, form):
            if drawn.program and drawn.exercise:
                yield [drawn.prompt, drawn.program.to_dict(), list(drawn.exercise.plan)]
            else:
                yield [drawn.prompt, family.answer(drawn.task), list(family.trace(drawn.task))]
    except NothingToDoError:
        return


def in_fresh_process(family: Family, form: str) -> str | None:
    """The fingerprint as a fresh process computes it, in which strings have other hashes. None for a class that only
    this process knows; the last line of the error where the other process fails."""
    location = _location(family)
    if location is None:
        return None
    seed = HASH_SEED if os.environ.get("PYTHONHASHSEED") != HASH_SEED else HASH_SEED[::-1]
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, form, *location],
        env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return done.stdout if done.returncode == 0 else (done.stderr.strip().splitlines() or ["it ended"])[-1]


def _location(family: Family) -> list[str] | None:
    """How another process finds it: by its name, or by its class and that class's module or file."""
    cls = type(family)
    try:
        if type(families.get(family.name)) is cls:
            return [family.name]
    except MissingError:
        pass
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if "<" in cls.__qualname__ or file is None:
        return None
    return [cls.__qualname__, file if cls.__module__ == "__main__" else cls.__module__]


def child(form: str, name: str, place: str = "") -> str:
    """In the fresh process: the fingerprint of the family `name`, or of the class `name` in a module or file."""
    if not place:
        return fingerprint(families.get(name), form)
    owner: Any = _load_file(place) if place.endswith(".py") else import_module(place)
    for part in name.split("."):
        owner = getattr(owner, part)
    return fingerprint(owner(), form)


def _load_file(file: str) -> Any:
    spec = util.spec_from_file_location("family_from_file", file)
    if spec is None or spec.loader is None:
        raise ImportError(file)
    module = util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look up their module
    spec.loader.exec_module(module)
    return module
