"""A client for one server: JSON out, JSON in, however the server behaves, and never the key in a message.

A request has one time limit from its first byte to the answer's last one, and an answer has a largest size. Transient
failures are tried again: 408, 409, 425, 429, 5xx, a timeout, a dropped connection, an incomplete answer. Pauses double
from half a second to a minute; if the server names one (`Retry-After`), every request waits. What no waiting changes is
not: a wrong key, address or model, and a quota that is used up. Redirects are not followed: the key is for one host.
chat_answers.py and chat_errors.py read what came.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future, wait
from functools import cache
from typing import Any, TypeVar

import httpx
from tenacity import AsyncRetrying, RetryCallState, wait_exponential, wait_random

from axiom_cli.errors import AxiomError, MissingError, UsageError
from axiom_cli.sampling.engines import chat_answers, chat_errors
from axiom_cli.sampling.engines.chat_errors import OF_THIS_PROMPT, Answer, RefusedError, TransientError, quote
from axiom_cli.sampling.engines.rate_limiter import RateLimiter, retry_after
from axiom_cli.settings.sources import OWN_KEY
from axiom_cli.terminal import console

KEYS = {
    "api.openai.com": ("OPENAI_API_KEY",),
    "generativelanguage.googleapis.com": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
}
SECRET_LENGTH = 12
"""A key of at least this many characters is a secret, and redacted in all that the server says. `ollama`, `EMPTY` and
the like are not, and may be words of an answer."""
REDACTED = "[key]"
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
LONGEST_RETRY_AFTER = 600.0
"""The longest pause that a server may ask for, in seconds."""
CONNECT_SECONDS = 10.0
MAX_ANSWER_BYTES = 32 * 2**20
PORTS = {None, *range(1, 2**16)}
FIRST_RETRIES = 2
"""Retries, of a server that has never answered, after what is hardly going to change: nobody listens, or what comes is
no chat completion."""
RESUMES = "finished samples are kept: the same command resumes from there"
T = TypeVar("T")


PROGRESS = ("connection.connect", "http11.receive_response_headers.complete")
"""Events of httpcore: without one of them, a request met a reused connection that was already closed."""


def key_names(host: str) -> tuple[str, ...]:
    """The environment variables that may hold the key for a host, in order of precedence."""
    return (*KEYS.get(host, ()), OWN_KEY)


def api_key(host: str) -> str | None:
    """The key for a host: its provider's own variable, else AXIOM_API_KEY. A provider's key never goes to another."""
    return next((key for name in key_names(host) if (key := os.environ.get(name, "").strip())), None)


def host_of(address: str) -> str:
    """The host of a server's address. Raises UsageError, without repeating what may be a password."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.userinfo or url.query:
        what = "a password" if url.userinfo else "a query"
        raise UsageError(f"the address of {url.host} contains {what}", f"put the key in {OWN_KEY} instead")
    if not url.host or url.port not in PORTS:
        raise UsageError(f"{address!r} is not the address of a server", "write http://HOST:PORT/v1#MODEL")
    return url.host


class ChatClient:
    """Requests to one server, in an event loop of its own. Close it when done."""

    def __init__(self, address: str, limiter: RateLimiter, timeout: float, retries: int, first_pause: float) -> None:
        """`timeout` is in seconds and for one request; `retries` come on top of the first one."""
        self.address, self.host = address.rstrip("/"), host_of(address)
        self._timeout, self._retries, self._limiter = timeout, retries, limiter
        self._backoff = wait_exponential(first_pause, LONGEST_PAUSE) + wait_random(0, first_pause)
        self._key, self._answered = api_key(self.host), 0
        self._authorized = self._understood = self._told = False
        self._client = self._open_client()
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(_ignore_cancelled)
        self._thread = threading.Thread(target=self._loop.run_forever, name="remote", daemon=True)
        self._thread.start()

    def _open_client(self) -> httpx.AsyncClient:
        """The HTTP client. The time limit of the whole request makes those of single reads irrelevant."""
        headers = {"Content-Type": "application/json"}
        headers |= {"Authorization": f"Bearer {self._key}"} if self._key else {}
        if self._key and not (self._key.isascii() and self._key.isprintable()):
            names = " or ".join(key_names(self.host))
            raise UsageError(f"the key for {self.host} contains a character that no key has", f"set {names} again")
        try:
            timeout = httpx.Timeout(self._timeout, connect=min(self._timeout, CONNECT_SECONDS), pool=None)
            return httpx.AsyncClient(headers=headers, timeout=timeout, limits=httpx.Limits(), verify=_certificates())
        except (httpx.InvalidURL, ValueError, ImportError, OSError) as error:
            hint = "check the address, the proxy variables, SSL_CERT_FILE and SSL_CERT_DIR"
            raise UsageError(f"cannot talk to {self.host}: {self.redact(str(error))}", hint) from None

    def redact(self, text: str) -> str:
        """The text without the key."""
        return text.replace(self._key, REDACTED) if self._key and len(self._key) >= SECRET_LENGTH else text

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Starts `work` in the event loop. Cancelling the future ends its request."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def with_retries(self, request: Callable[[], Awaitable[T]]) -> T:
        """The request's result. Raises TransientError with the last reason after all retries. While the server is busy
        but answers other requests, retries do not count."""
        answered = 0

        def before(_state: RetryCallState) -> None:
            nonlocal answered
            answered = self._answered

        def is_transient(state: RetryCallState) -> bool:
            error = state.outcome and state.outcome.exception()
            if isinstance(error, TransientError) and error.busy and self._answered > answered:
                state.attempt_number = 1
            return isinstance(error, TransientError)

        def pause(state: RetryCallState) -> float:
            server_pause = getattr(state.outcome and state.outcome.exception(), "pause", None)
            return self._backoff(state) if server_pause is None else server_pause

        def enough(state: RetryCallState) -> bool:
            error = state.outcome and state.outcome.exception()
            lasting = isinstance(error, TransientError) and error.lasting and not self._understood
            return state.attempt_number > (min(self._retries, FIRST_RETRIES) if lasting else self._retries)

        def tell(state: RetryCallState) -> None:
            if not self._understood and not self._told:
                self._told = True
                console.note(f"{self.address}: {state.outcome and state.outcome.exception()}; asking again")

        async for attempt in AsyncRetrying(
            stop=enough, wait=pause, retry=is_transient, before=before, before_sleep=tell, reraise=True
        ):
            with attempt:
                result = await request()
                self._understood = True
                return result
        raise AssertionError("the last attempt returns or raises")

    async def request(
        self,
        method: str,
        path: str,
        body: Callable[[], Mapping[str, Any]] | None = None,
        on_part: Callable[[bytes], None] | None = None,
        *,
        as_text: bool = False,
    ) -> Any:
        """The JSON that the server answers, without the key; `as_text` for what it answers in words. `body` is called
        when the request's turn comes, `on_part` with each part of an answer without fault as it arrives.

        Raises TransientError if trying again may help, RefusedError if another request may succeed, else AxiomError.
        """
        began = await self._limiter.enter()
        try:
            answer = await asyncio.wait_for(self._exchange(method, path, body and body(), on_part), self._timeout)
            data = self.redact(answer.text) if as_text and answer.status == 200 else self._data(answer)
        except asyncio.TimeoutError:
            raise TransientError(f"no complete answer within {self._timeout:g} s") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise UsageError(f"{self.address}: {self.redact(str(error))}", "write http://HOST:PORT/v1#MODEL") from None
        except httpx.HTTPError as error:
            unreachable = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            raise TransientError(self.redact(f"{type(error).__name__}: {error}"), lasting=unreachable) from None
        except TransientError as error:
            if error.busy:
                self._limiter.back_off(began, error.pause or 0.0)
            raise
        finally:
            await self._limiter.leave()
        self._limiter.recover()
        self._answered += 1
        self._authorized |= body is not None
        return data

    async def _exchange(
        self, method: str, path: str, body: Mapping[str, Any] | None, on_part: Callable[[bytes], None] | None
    ) -> Answer:
        """The answer. A reused connection that turns out to be closed is not a failure: the request is sent again, on
        the next connection or a new one."""
        sent = None if body is None else json.dumps(body).encode()
        while True:
            progress: list[str] = []

            async def trace(event: str, _: Any, progress: list[str] = progress) -> None:
                if event.startswith(PROGRESS):
                    progress.append(event)

            request = self._client.stream(method, self.address + path, content=sent, extensions={"trace": trace})
            try:
                async with request as response:
                    received = bytearray()
                    async for part in response.aiter_bytes():
                        received += part
                        if on_part and response.status_code == 200:
                            on_part(part)
                        if len(received) > MAX_ANSWER_BYTES:
                            raise RefusedError(f"an answer of more than {MAX_ANSWER_BYTES // 2**20} MiB")
                    return Answer(response.status_code, response.headers, bytes(received))
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                if progress:
                    raise

    def _data(self, answer: Answer) -> Any:
        try:
            data = self._redacted(chat_answers.parse(answer.body))
        except (ValueError, RecursionError):
            if answer.status == 200:
                raise self._unreadable(answer) from None
            data = None
        if answer.status == 200 and not chat_errors.find_error(data):
            return data
        raise self._failure(answer, data)

    def _unreadable(self, answer: Answer) -> AxiomError | TransientError:
        text = self.redact(answer.text)
        if not answer.is_page:
            return TransientError(f"not JSON: {quote(text)}" if text.strip() else "an empty body", 200, lasting=True)
        said = quote(chat_errors.page_words(text)) or "an empty one"
        if self._authorized:  # it was the right address
            return TransientError(f"a web page instead of JSON: {said}", 200)
        hint = "check the address (it often ends in /v1), and whether this network wants you to log in"
        return MissingError(f"{self.address} answered with a web page instead of JSON: {said}", hint)

    def _failure(self, answer: Answer, data: Any) -> AxiomError | RefusedError | TransientError:
        """What to raise for an answer that reports an error."""
        error = chat_errors.read_error(answer, data)
        status, reason = error.status, quote(self.redact(error.reason)) or "no reason given"
        message = f"{self.address} answered {status}: {reason}"
        if error.is_of_the_account:
            return MissingError(message, f"add credit or raise the limit with the provider; {RESUMES}")
        if error.is_of_today:
            return MissingError(message, f"the quota of the day is used up; {RESUMES}")
        if error.is_transient:
            pause = retry_after(answer.headers, f"{error.reason} {error.details}")
            if pause is None or pause <= LONGEST_RETRY_AFTER:
                return TransientError(reason, status, pause)
            return MissingError(f"{message}; come back in {pause:,.0f} seconds", RESUMES)
        if status == 403 and (self._authorized or OF_THIS_PROMPT.search(reason)):
            return RefusedError(reason, status)  # the key is good: some providers refuse a prompt with this status
        if error.is_of_the_key:
            return MissingError(message, f"set {' or '.join(key_names(self.host))} to a key that this server accepts")
        if status in (404, 405):
            return MissingError(message, "check the address (it often ends in /v1) and the model after the #")
        if status in range(300, 400):
            location = quote(self.redact(answer.headers.get("location", reason)))
            hint = "use the address that it redirects to, if you trust it with the key"
            return UsageError(f"{self.address} answered {status}: {location}", hint)
        return RefusedError(reason, status)

    def _redacted(self, data: Any) -> Any:
        if isinstance(data, str):
            return self.redact(data)
        if isinstance(data, list):
            return [self._redacted(item) for item in data]
        return {name: self._redacted(value) for name, value in data.items()} if isinstance(data, dict) else data

    def close(self) -> None:
        """Ends running requests and closes the connections. Closing twice is not an error."""

        async def end() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await self._client.aclose()

        if self._loop.is_closed():
            return
        wait([self.submit(end())], CONNECT_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(CONNECT_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()


@cache
def _certificates() -> ssl.SSLContext:
    """The certificates that connections trust. Reading them takes longer than all else at opening."""
    return httpx.create_ssl_context()


def _ignore_cancelled(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Nobody waits for what a request raises after its future was cancelled."""
    if "future" not in context:
        loop.default_exception_handler(context)
