"""The line to a server: JSON out, JSON in, however the server behaves, and no key in anything that is said.

A request has one time limit from its first byte to the answer's last one, and an answer a largest size. What passes is
tried again: 408, 409, 425, 429, 5xx, a time-out, a dropped connection, an answer that is not whole. Waits double from
half a second to a minute; where the server says how long (`Retry-After`), every request waits. Redirects are not
followed: the key is for one host.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from random import Random
from typing import Any, NamedTuple, TypeVar

import httpx

from axiom_cli.errors import AxiomError, MissingError, UsageError
from axiom_cli.sampling.engines.pace import Pace, retry_after

KEYS = {
    "api.openai.com": ("OPENAI_API_KEY",),
    "generativelanguage.googleapis.com": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
}
OWN_KEY = "AXIOM_API_KEY"
SECRET = 12
"""Characters from which on a key is taken for a secret, and struck from all that the server says. `ollama`, `EMPTY` and
the like are none, and may be words of an answer."""
STRUCK = "[key]"
PASSING = {408, 409, 425, 429}
TOO_MANY = {429, 503}
FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0
LONGEST_ASKED = 600.0
"""Seconds that a server may ask us to wait."""
CONNECT = 10.0
"""Seconds for reaching a server."""
LARGEST = 32 * 2**20
"""Bytes of an answer."""
PORTS = {None, *range(1, 2**16)}
OF_THIS_PROMPT = re.compile(
    r"context.{0,9}(length|size|window)|maximum context|too (long|large)|exceed|content.{0,20}(filter|polic)"
    r"|moderat|flagged",
    re.I,
)
"""Complaints of a request that say nothing about other prompts: it is too long, or the provider will not have it."""
T = TypeVar("T")


class Failed(Exception):
    """A request that did not succeed this time. `wait` is what the server asks for, in seconds; `busy` says that it has
    had too much."""

    def __init__(self, reason: str, wait: float | None = None, busy: bool = False) -> None:
        super().__init__(reason)
        self.wait, self.busy = wait, busy


class Refused(Exception):
    """A request that need not be tried again, though others may succeed. `status` is the server's, 0 where we gave up
    on the answer."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


TELLING = ("connection.connect", "http11.receive_response_headers.complete")
"""Events of httpcore: without one of them, a request met a kept connection that brought nothing."""


class Answer(NamedTuple):
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def key_names(host: str) -> tuple[str, ...]:
    """The variables that may hold the key for a host, the first one first."""
    return (*KEYS.get(host, ()), OWN_KEY)


def api_key(host: str) -> str | None:
    """The key for a host: its provider's own variable, else AXIOM_API_KEY. One provider's key goes to no other."""
    return next((key for name in key_names(host) if (key := os.environ.get(name, "").strip())), None)


def host_of(address: str) -> str:
    """The host of a server's address. Raises UsageError, which does not repeat what may be a password."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.userinfo or url.query:
        what = "a password" if url.userinfo else "a query"
        raise UsageError(f"the address of {url.host} holds {what}", f"keys are read from {OWN_KEY} and its like alone")
    if not url.host or url.port not in PORTS:
        raise UsageError(f"{address!r} is no server's address", "write http://HOST:PORT/v1#MODEL")
    return url.host


class Line:
    """Requests to one server, in an event loop of its own. Close it when done."""

    def __init__(self, address: str, pace: Pace, timeout: float, retries: int, first_wait: float) -> None:
        """`timeout` is in seconds and for one request, `retries` come on top of it."""
        self.address, self.host = address.rstrip("/"), host_of(address)
        self._timeout, self._retries, self._first_wait = timeout, retries, first_wait
        self._pace = pace
        self._key, self._answered, self._jitter = api_key(self.host), 0, Random()
        self._let_in = False
        self._client = self._connected()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_unheard)
        self._thread = threading.Thread(target=self._loop.run_forever, name="remote", daemon=True)
        self._thread.start()

    def _connected(self) -> httpx.AsyncClient:
        """The client. The time limits of single reads stand behind that of the whole request, and do not matter."""
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {self._key}"} if self._key else {}
        if self._key and not (self._key.isascii() and self._key.isprintable()):
            names = " or ".join(key_names(self.host))
            raise UsageError(f"the key for {self.host} holds a character that no key has", f"set {names} anew")
        try:
            timeout = httpx.Timeout(self._timeout, connect=min(self._timeout, CONNECT), pool=None)
            return httpx.AsyncClient(headers=headers, timeout=timeout, limits=httpx.Limits())
        except (httpx.InvalidURL, ValueError, ImportError) as error:
            hint = "check the address and the proxy variables"
            raise UsageError(f"cannot talk to {self.host}: {self.struck(str(error))}", hint) from None

    def struck(self, text: str) -> str:
        """The text without the key."""
        return text.replace(self._key, STRUCK) if self._key and len(self._key) >= SECRET else text

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Does `work` beside whatever else is being done. Cancelling the future ends the request."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def patiently(self, request: Callable[[], Awaitable[T]]) -> T:
        """The request's result. Raises Failed with the last reason after all retries. Where the server has had too
        much, only those count between which it answered nobody."""
        tried = 0
        while True:
            answered = self._answered
            try:
                return await request()
            except Failed as error:
                tried = 0 if error.busy and self._answered > answered else tried
                if tried == self._retries:
                    raise
                pause = min(self._first_wait * 2**tried * (1 + self._jitter.random()), LONGEST_WAIT)
                pause = pause if error.wait is None else error.wait
            await asyncio.sleep(pause)
            tried += 1

    async def call(self, method: str, path: str, body: Callable[[], Mapping[str, Any]] | None = None) -> Any:
        """The JSON that the server answers, without the key. `body` is asked for its own when the turn has come.

        Raises Failed where trying again may help, Refused where another request may do, else AxiomError.
        """
        began = await self._pace.enter()
        try:
            answer = await asyncio.wait_for(self._exchanged(method, path, body and body()), self._timeout)
            data = self._data(answer)
        except asyncio.TimeoutError:
            raise Failed(f"no whole answer within {self._timeout:g} s") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise UsageError(f"{self.address}: {self.struck(str(error))}", "write http://HOST:PORT/v1#MODEL") from None
        except httpx.HTTPError as error:
            raise Failed(self.struck(f"{type(error).__name__}: {error}")) from None
        except Failed as error:
            if error.busy:
                self._pace.slower(began, error.wait or 0.0)
            raise
        finally:
            await self._pace.leave()
        self._pace.faster()
        self._answered += 1
        self._let_in |= body is not None
        return data

    async def _exchanged(self, method: str, path: str, body: Mapping[str, Any] | None) -> Answer:
        """The answer. Where a kept connection turns out to be closed before it brought anything, which is no failure,
        the request is sent again, on the next one or a new one."""
        while True:
            seen: list[str] = []

            async def trace(event: str, _: Any, seen: list[str] = seen) -> None:
                if event.startswith(TELLING):
                    seen.append(event)

            try:
                return await self._exchange(method, path, body, {"trace": trace})
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                if seen:
                    raise

    async def _exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None, extensions: dict[str, Any]
    ) -> Answer:
        parts, size = [], 0
        sent = None if body is None else json.dumps(body).encode()
        url = self.address + path
        async with self._client.stream(method, url, content=sent, extensions=extensions) as response:
            async for part in response.aiter_bytes():
                parts.append(part)
                size += len(part)
                if size > LARGEST:
                    raise Refused(f"an answer of more than {LARGEST // 2**20} MiB")
            return Answer(response.status_code, response.headers, b"".join(parts))

    def _data(self, answer: Answer) -> Any:
        status = answer.status
        if status in PASSING or status >= 500:
            raise self._passing(status, retry_after(answer.headers))
        if status != 200:
            raise self._fatal(status, self._said(answer))
        try:
            return self._all_struck(json.loads(answer.body))
        except (ValueError, RecursionError):
            raise Failed("an answer that is not JSON") from None

    def _passing(self, status: int, wait: float | None) -> Exception:
        if wait is not None and wait > LONGEST_ASKED:
            said = f"{self.address} answered {status}: come back in {wait:,.0f} seconds"
            return MissingError(said, "what is finished is kept; the same command then goes on from there")
        return Failed(f"status {status}", wait, status in TOO_MANY)

    def _fatal(self, status: int, said: str) -> AxiomError | Refused:
        words = f"{self.address} answered {status}: {said}"
        if status == 403 and (self._let_in or OF_THIS_PROMPT.search(said)):
            return Refused(said, status)  # the key is good: some providers say so of a prompt that they will not have
        if status in (401, 403):
            return MissingError(words, f"set {' or '.join(key_names(self.host))} to a key that this server accepts")
        if status == 404:
            return MissingError(words, "check the address (it often ends in /v1) and the model after the #")
        if status in range(300, 400):
            return UsageError(words, "write the address that it redirects to, if you trust it with the key")
        return Refused(said, status)

    def _said(self, answer: Answer) -> str:
        """What the server complains of, on one line."""
        text: Any = answer.headers.get("location") or answer.body.decode(errors="replace")
        with suppress(ValueError, AttributeError, RecursionError):
            data = json.loads(answer.body)
            error = data.get("error") or data
            text = error if isinstance(error, str) else error.get("message") or error.get("detail") or text
        return self.struck(" ".join(str(text).split()))[:300] or "no reason given"

    def _all_struck(self, data: Any) -> Any:
        if isinstance(data, str):
            return self.struck(data)
        if isinstance(data, list):
            return [self._all_struck(one) for one in data]
        return {name: self._all_struck(one) for name, one in data.items()} if isinstance(data, dict) else data

    def close(self) -> None:
        """Ends what is under way, and the connections. Closing twice is no error."""
        if self._loop.is_closed():
            return
        wait([self.start(self._end())], CONNECT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CONNECT)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.aclose()


def _unheard(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a request raised after its future was cancelled is nobody's to hear. Else as ever."""
    if "future" not in context:
        loop.default_exception_handler(context)
