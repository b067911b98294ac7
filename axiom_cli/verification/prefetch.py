"""Work that goes on in a thread of its own while its results are used: sampling beside verifying."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import Any, Generic, TypeVar

T = TypeVar("T")
PATIENCE = 5.0
"""Seconds that `close` waits for the thread, so that it can save what it has."""
GLANCE = 0.1
END = object()


class Ahead(Generic[T]):
    """The items of `source`, of which at most `size` wait to be taken. What the source raises is raised in its turn.

    The thread starts with the first `next`. After `close` it ends at its next item and closes the source; one that
    blocks for longer than PATIENCE is left behind.
    """

    def __init__(self, source: Iterator[T], size: int) -> None:
        self._source, self._ready = source, Queue(size)
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def __iter__(self) -> Ahead[T]:
        return self

    def __next__(self) -> T:
        if self._thread is None and not self._closed.is_set():
            # It holds on to standard input: were that freed at exit while the thread reads it, Python would abort.
            self._thread = threading.Thread(target=self._run, args=(sys.stdin,), name="axiom-ahead", daemon=True)
            self._thread.start()
        kind, item = (END, None) if self._closed.is_set() else self._ready.get()
        if kind is END:
            self._offer(END)
            raise StopIteration
        if kind is BaseException:
            self._closed.set()
            raise item
        return item

    def _run(self, _held: object) -> None:
        try:
            for item in self._source:
                if not self._offer(None, item):
                    break
            self._offer(END)
        except BaseException as error:  # handed to whoever takes
            self._offer(BaseException, error)
        finally:
            if hasattr(self._source, "close") and self._closed.is_set():
                self._source.close()

    def _offer(self, kind: Any, item: T | BaseException | None = None) -> bool:
        """Puts it in the queue as soon as there is room. False once nobody takes any more."""
        while not self._closed.is_set():
            try:
                self._ready.put((kind, item), timeout=GLANCE)
                return True
            except Full:
                continue
        return False

    def close(self) -> None:
        """Ends the thread. Whoever waits for an item is told that there is none."""
        self._closed.set()
        with suppress(Empty):
            while True:
                self._ready.get_nowait()
        with suppress(Full):
            self._ready.put_nowait((END, None))
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(PATIENCE)
