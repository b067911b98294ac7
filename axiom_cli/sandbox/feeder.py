"""Input that may be slow: read ahead in a thread, so that verdicts come out while the next line is awaited."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")
AHEAD = 64


class Listed(Generic[T]):
    """What is there already: no thread."""

    wake = -1

    def __init__(self, items: Iterable[T]) -> None:
        self._left = deque(items)

    def take(self) -> T | None:
        """The next item, or None at the end."""
        return self._left.popleft() if self._left else None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return not self._left

    def close(self) -> None:
        """Nothing to end."""


class Feeder(Generic[T]):
    """Iterates over `source` in a thread of its own, at most `AHEAD` items ahead of `take`.

    `wake` becomes readable when there is something new. An exception of the source is raised by `take`, in its turn.
    The thread cannot be stopped while the source blocks; it is a daemon and ends at the next item after `close`.
    """

    def __init__(self, source: Iterable[T]) -> None:
        self._source = source
        self._items: deque[T] = deque()
        self._lock = threading.Condition()
        self._error: BaseException | None = None
        self._ended = self._closed = False
        self.wake, self._ring = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(self._ring, False)
        # The thread holds on to standard input: were it freed at exit while the thread reads it, Python would abort.
        threading.Thread(target=self._run, args=(sys.stdin,), name="axiom-feeder", daemon=True).start()

    def _run(self, _held: object) -> None:
        try:
            for item in self._source:
                with self._lock:
                    self._lock.wait_for(lambda: self._closed or len(self._items) < AHEAD)
                    if self._closed:
                        return
                    self._items.append(item)
                    self._signal()
        except BaseException as error:  # handed to the thread that takes
            self._error = error
        finally:
            with self._lock:
                self._ended = True
                self._signal() if not self._closed else os.close(self._ring)

    def _signal(self) -> None:
        with contextlib.suppress(BlockingIOError):  # a full pipe wakes as well
            os.write(self._ring, b".")

    def take(self) -> T | None:
        """The next item if there is one now. Raises the source's exception after its last item."""
        with self._lock:
            if self._items:
                item = self._items.popleft()
                self._lock.notify()
                return item
            with contextlib.suppress(BlockingIOError):
                os.read(self.wake, 4096)
            if self._ended and self._error is not None:
                error, self._error = self._error, None
                raise error
            return None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        with self._lock:
            return self._ended and not self._items and self._error is None

    def close(self) -> None:
        """Asks the thread to end, and lets go of the pipe."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self.wake)
                if self._ended:
                    os.close(self._ring)
                self._lock.notify()
