"""How fast a server is asked, by all requests together: so many at a time, so far apart, and less when it objects.

A server that has had too much halves the number of concurrent requests; each answer brings back a part of one, so that
after as many answers as there are concurrent requests one more is allowed (additive increase, multiplicative decrease).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from time import monotonic, time

from aiolimiter import AsyncLimiter

SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
NUMBER = r"\d{1,6}(?:\.\d{1,9})?"
IN_WORDS = re.compile(
    rf"(?:\b(?:again|retry) (?:in|after) |\"retryDelay\": \")(?=\d)(?:(?P<h>{NUMBER})h)?(?:(?P<m>{NUMBER})m(?!s))?"
    rf"(?:(?P<s>{NUMBER}) ?s|(?P<ms>{NUMBER}) ?ms)?",
    re.I,
)
"""`Please try again in 9m38.016s`, as OpenAI and Groq say it, and Gemini's `retryDelay`, not always with a header."""


class RateLimiter:
    """A gate for requests, in one event loop: `began = await enter()` before each, and `await leave()` at its end."""

    def __init__(self, max_concurrency: int, interval: float = 0.0) -> None:
        """At most `max_concurrency` requests at a time, and at least `interval` seconds between two starts."""
        self._max_concurrency = max_concurrency
        self._concurrency, self._running = float(max_concurrency), 0
        self._spacing = AsyncLimiter(1, interval) if interval else None
        self._paused_until = self._backed_off_at = 0.0
        self._changed = asyncio.Condition()

    async def enter(self) -> float:
        """Waits for a turn. Returns the time at which it came."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._running < int(self._concurrency))
            self._running += 1
        try:
            await self._spaced()
            while (pause := self._paused_until - monotonic()) > 0:
                await asyncio.sleep(pause)
                await self._spaced()
        except asyncio.CancelledError:
            await self.leave()
            raise
        return monotonic()

    async def _spaced(self) -> None:
        if self._spacing is not None:
            await self._spacing.acquire()

    async def leave(self) -> None:
        """Lets the next request in."""
        async with self._changed:
            self._running -= 1
            self._changed.notify_all()

    def back_off(self, began: float, pause: float) -> None:
        """A request that began then was one too many: no request starts for `pause` seconds, then half as many at a
        time. Requests that fail together count once."""
        self._paused_until = max(self._paused_until, monotonic() + pause)
        if began >= self._backed_off_at:
            self._concurrency = max(1.0, self._concurrency / 2)
            self._backed_off_at = monotonic()

    def recover(self) -> None:
        """A request was answered."""
        self._concurrency = min(float(self._max_concurrency), self._concurrency + 1 / self._concurrency)


def retry_after(headers: Mapping[str, str], said: str = "") -> float | None:
    """The seconds to wait that the headers ask for, as a number or a date (RFC 9110, 10.2.3), or in milliseconds,
    else those that the server's words ask for, else None. A date is compared with the server's own clock if the headers
    give its time."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        with suppress(ValueError):
            return max(0.0, float(headers.get(name, "")) / unit)
    try:
        until = parsedate_to_datetime(headers.get("retry-after", "")).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        delay = IN_WORDS.search(said)
        return (delay and sum(float(delay[unit] or 0) * seconds for unit, seconds in SECONDS.items())) or None
    now = time()
    with suppress(ValueError, TypeError, IndexError, OverflowError, KeyError):
        now = parsedate_to_datetime(headers["date"]).timestamp()
    return max(0.0, until - now)
