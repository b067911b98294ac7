"""An iterator read ahead in a thread of its own, so that its results are used while the next ones are awaited."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
CLOSE_SECONDS = 5.0


class Prefetcher(Generic[T]):
    """The items of `source`, at most `size` of them waiting to be taken. What the source raises is raised in its turn.

    Iterating waits for the next item, `take` does not; `fileno` lets a poll wait for it. The thread starts with the
    first of these. After `close` it ends at its next item and closes the source: nothing can interrupt a source that
    blocks. Iterating ends once it is closed.
    """

    def __init__(self, source: Iterable[T], size: int) -> None:
        self._source, self._size = source, size
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._error: BaseException | None = None
        self._ended = self._closed = False
        self._thread: threading.Thread | None = None
        self._pipe: tuple[int, int] | None = None

    def __iter__(self) -> Prefetcher[T]:
        return self

    def __next__(self) -> T:
        with self._changed:
            self._start()
            self._changed.wait_for(lambda: self._items or self._ended or self._closed)
            if self._closed:
                raise StopIteration
            if self._items:
                return self._pop()
            self._raise_error()
            raise StopIteration

    def take(self) -> T | None:
        """The next item, or None where there is none now. Raises the source's exception after its last item."""
        with self._changed:
            self._start()
            if self._items:
                return self._pop()
            if self._pipe is not None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._pipe[0], 4096)
            self._raise_error()
            return None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        with self._changed:
            return self._ended and not self._items and self._error is None

    def fileno(self) -> int:
        """A descriptor that becomes readable when there is something new."""
        with self._changed:
            self._start()
            if self._pipe is None:
                self._pipe = os.pipe()
                for end in self._pipe:
                    os.set_blocking(end, False)
                if self._items or self._ended:
                    self._wake()
            return self._pipe[0]

    def close(self, patience: float = CLOSE_SECONDS) -> None:
        """Ends the reading; waits up to `patience` seconds for the thread, so that the source can save what it has."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            if self._pipe is not None:
                for end in self._pipe:
                    os.close(end)
                self._pipe = None
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(patience)

    def _start(self) -> None:
        if self._thread is None and not self._closed:
            # It holds on to standard input: were that freed at exit while the thread reads it, Python would abort.
            self._thread = threading.Thread(target=self._run, args=(sys.stdin,), name="axiom-prefetch", daemon=True)
            self._thread.start()

    def _run(self, _stdin: object) -> None:
        try:
            for item in self._source:
                with self._changed:
                    self._changed.wait_for(lambda: self._closed or len(self._items) < self._size)
                    if self._closed:
                        break
                    self._items.append(item)
                    self._wake()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that takes
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._wake()
            if self._closed and hasattr(self._source, "close"):
                self._source.close()

    def _wake(self) -> None:
        self._changed.notify_all()
        if self._pipe is not None:
            with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
                os.write(self._pipe[1], b".")

    def _pop(self) -> T:
        self._changed.notify_all()
        return self._items.popleft()

    def _raise_error(self) -> None:
        if self._ended and self._error is not None:
            error, self._error = self._error, None
            raise error
