"""An interrupted run resumes and ends with the same weights: its state is in a file, and Ctrl-C waits for the end of a
step, since half a step is in no checkpoint."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from axiom_cli.errors import WorkspaceDamagedError
from axiom_cli.files import create, explained_write_errors, failure, make_folder, open_regular, replace
from axiom_cli.interruption import SAME_SECONDS, interrupt
from axiom_cli.workspace.atomic import flush


@dataclass(frozen=True)
class Checkpoint:
    """Where a long run keeps its state, and how often. A run that finds one resumes from it, to the same weights."""

    path: Path
    every_seconds: float = 120.0

    def write(self, state: Mapping[str, Any]) -> None:
        """Puts `state` (tensors, numbers, strings, containers of them) in the file's place, whole or not at all."""
        draft = self.path.with_suffix(".part")
        with explained_write_errors(self.path):
            make_folder(self.path.parent)
            with create(draft, self.path) as stream:
                try:
                    torch.save(dict(state), stream)
                except RuntimeError:  # what it makes of a full disk
                    if first := failure(stream):
                        raise first from None
                    raise
            flush(draft)
            replace(draft, self.path)

    def read(self) -> dict[str, Any] | None:
        """What was written last, its tensors in main memory; None where nothing was. Raises WorkspaceDamagedError."""
        try:
            handle = open_regular(self.path)
        except FileNotFoundError:
            return None
        try:
            with os.fdopen(handle, "rb") as stream:
                return torch.load(stream, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError):
            hint = "remove it, and training starts again"
            raise WorkspaceDamagedError(f"the checkpoint {self.path} is damaged", hint) from None


@contextmanager
def deferred_interrupts(*, wanted: bool) -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether Ctrl-C was pressed; a second one interrupts at once. (A launcher of several
    processes passes the signal on, so that each gets it twice within a moment: that counts as one.)

    Where it is not `wanted`, or signals are not ours to handle (another thread, a handler that is neither Python's own
    nor ours), Ctrl-C interrupts as ever.
    """
    first = 0.0

    def count(_number: int, _frame: Any) -> None:
        nonlocal first
        first = first or time.monotonic()
        if time.monotonic() - first > SAME_SECONDS:
            raise KeyboardInterrupt

    main, before = threading.current_thread() is threading.main_thread(), signal.getsignal(signal.SIGINT)
    if not (wanted and main and before in (signal.default_int_handler, interrupt)):
        yield lambda: False
        return
    signal.signal(signal.SIGINT, count)
    try:
        yield lambda: first > 0
    finally:
        signal.signal(signal.SIGINT, before)
