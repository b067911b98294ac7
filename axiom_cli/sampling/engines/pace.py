"""How fast a server is asked, by all requests together: so many at a time, so far apart, and slower when it says so.

A server that has had too much halves the number of requests side by side; each answer brings a part of one back, so
that after as many answers as there are requests side by side there may be one more (additive increase, multiplicative
decrease). Lives in one event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from time import monotonic, time


class Pace:
    """A gate that each request passes: `began = await enter()`, and `await leave()` when it has ended."""

    def __init__(self, most: int, apart: float = 0.0) -> None:
        """At most `most` requests side by side, and at least `apart` seconds from the start of one to the next."""
        self._most, self._apart = most, apart
        self._allowed, self._running = float(most), 0
        self._opens_at = self._lowered_at = 0.0
        self._changed = asyncio.Condition()

    @property
    def allowed(self) -> int:
        """How many requests may run side by side by now."""
        return int(self._allowed)

    async def enter(self) -> float:
        """Waits for a turn. Returns the time at which it has come."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._running < self.allowed)
            self._running += 1
        try:
            while (wait := self._opens_at - monotonic()) > 0:
                await asyncio.sleep(wait)
        except asyncio.CancelledError:
            await self.leave()
            raise
        began = monotonic()
        self._opens_at = began + self._apart
        return began

    async def leave(self) -> None:
        """Lets the next one in."""
        async with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def slower(self, began: float, wait: float) -> None:
        """A request that began then was one too many: nobody asks for so many seconds, and then half as many at a time.
        What fails together counts once."""
        self._opens_at = max(self._opens_at, monotonic() + wait)
        if began >= self._lowered_at:
            self._allowed = max(1.0, self._allowed / 2)
            self._lowered_at = monotonic()

    def faster(self) -> None:
        """A request was answered."""
        self._allowed = min(float(self._most), self._allowed + 1 / self._allowed)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds to wait that the headers ask for, as a number or as a date (RFC 9110, 10.2.3); None if they do not.
    A date is compared with the server's own clock where it tells the time."""
    said = headers.get("retry-after", "")
    with suppress(ValueError):
        return max(0.0, float(said))
    try:
        until = parsedate_to_datetime(said).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    now = time()
    with suppress(ValueError, TypeError, IndexError, OverflowError, KeyError):
        now = parsedate_to_datetime(headers["date"]).timestamp()
    return max(0.0, until - now)
