"""Any server that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama, SGLang, or a provider.

The model's name is the server's address, then `#` and the name that the server knows: `http://127.0.0.1:8000/v1#qwen`.
Without `#`, the one model that the server lists. Each sample is a request of its own with its own seed, several at a
time, so that a sample does not depend on the batch as far as the server keeps its word about seeds.

What passes is tried again: 408, 409, 425, 429, 5xx, a time-out, a dropped connection, an answer that is not whole.
Waits double from half a second to a minute, or are what `Retry-After` asks for. A request that never succeeds becomes a
sample that finished with `error`; a server that answers nothing at all is an error to put right.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from random import Random
from typing import Any

import httpx

from axiom_cli import answers
from axiom_cli.configs import SolveConfig
from axiom_cli.engines import Messages, sample_seed, sampling_params
from axiom_cli.errors import AxiomError, MissingError, UsageError
from axiom_cli.ids import content_id
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.workspace import Workspace

KEYS = {
    "api.openai.com": ("OPENAI_API_KEY",),
    "generativelanguage.googleapis.com": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
}
OWN_KEY = "AXIOM_API_KEY"
PASSING = {408, 409, 425, 429}
OPTIONAL = ("logprobs", "seed", "top_p")
FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0
GIVE_UP_AFTER = 8
FINISHES = {"stop": "stop", "eos_token": "stop", "stop_sequence": "stop", "length": "length"}


class Failed(Exception):
    """A request that did not succeed this time; `wait` is what the server asks for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def api_key(host: str) -> str | None:
    """The key for a host: its provider's own variable, else AXIOM_API_KEY. One provider's key goes to no other."""
    return next((key for name in key_names(host) if (key := os.environ.get(name, "").strip())), None)


def _host(address: str) -> str:
    try:
        host = httpx.URL(address).host
    except httpx.InvalidURL:
        host = ""
    if not host:
        raise UsageError(f"{address!r} is no server's address", "write http://HOST:PORT/v1#MODEL")
    return host


def key_names(host: str) -> tuple[str, ...]:
    """The variables that may hold the key for a host, the first one first."""
    return (*KEYS.get(host, ()), OWN_KEY)


class RemoteEngine:
    """One model of one server."""

    name = "remote"

    def __init__(
        self,
        model_name: str,
        config: SolveConfig | None = None,
        workspace: Workspace | None = None,
        *,
        jobs: int = 8,
        delay: float = 0.0,
        timeout: float = 300.0,
        retries: int = 5,
        first_wait: float = FIRST_WAIT,
    ) -> None:
        """`jobs` requests at a time; with a `delay`, one at a time and so many seconds between two."""
        address, _, served = model_name.partition("#")
        host = _host(address)
        self._address, self._host = address.rstrip("/"), host
        self._jobs, self._delay = (1 if delay else jobs), delay
        self._retries, self._first_wait = retries, first_wait
        self._stopping = threading.Event()
        self._refused: frozenset[str] = frozenset()
        self._lost, self._spoken, self._last = 0, False, 0.0
        key = api_key(host)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            limits = httpx.Timeout(timeout, connect=min(timeout, 10.0))
            self._client = httpx.Client(headers=headers, timeout=limits)
        except (httpx.InvalidURL, UnicodeEncodeError, ImportError) as error:
            hint = "check the address, the key and the proxy variables"
            raise UsageError(f"cannot talk to {host}: {error}", hint) from None
        self._served = served or self._only_model()
        name = f"{self._address}#{self._served}"
        self.model = ModelRef(name=name, digest=content_id([self.name, self._address, self._served]))

    def _only_model(self) -> str:
        try:
            listed = [str(one["id"]) for one in self._patiently(lambda: self._call("GET", "/models"))["data"]]
        except (Failed, KeyError, TypeError) as error:
            self.close()
            raise MissingError(f"{self._address} lists no models: {error}", "write ADDRESS#MODEL") from None
        if len(listed) != 1:
            self.close()
            shown = ", ".join(listed[:5]) or "none"
            raise UsageError(f"{self._address} has {len(listed)} models", f"write ADDRESS#MODEL with one of: {shown}")
        return listed[0]

    def generate(
        self,
        problems: Sequence[Problem],
        params: SolveConfig,
        samples: int,
        starts: Sequence[int] = (),
        messages: Sequence[Messages | None] = (),
    ) -> Iterator[list[Sample]]:
        """As `Engine.generate`. Raises MissingError where the server or the key is not there."""
        pool = ThreadPoolExecutor(self._jobs, thread_name_prefix="remote")
        try:
            waiting: list[list[Future[Sample]]] = []
            for place, problem in enumerate(problems):
                start = starts[place] if starts else 0
                told = (messages[place] if messages else None) or answers.messages(problem)
                indices = range(start, start + samples)
                waiting.append([pool.submit(self._sample, problem, told, params, index) for index in indices])
            for futures in waiting:
                yield [future.result() for future in futures]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _sample(self, problem: Problem, messages: Messages, params: SolveConfig, index: int) -> Sample:
        body = self._body(messages, params, sample_seed(params.seed, problem, index))
        try:
            read = self._patiently(lambda: read_completion(self._call("POST", "/chat/completions", body)))
            self._spoken, self._lost = True, 0
        except Failed as error:
            self._lost += 1
            if not self._spoken or self._lost >= GIVE_UP_AFTER:
                raise MissingError(f"{self._address} does not answer: {error}", "is the server running?") from None
            read = {"text": "", "finish": "error", "extra": {"error": str(error)}}
        return Sample(
            problem=problem,
            model=self.model,
            engine=self.name,
            params=sampling_params(params),
            index=index,
            attempt=1,
            **read,
        )

    def _body(self, messages: Messages, params: SolveConfig, seed: int) -> dict[str, Any]:
        return {
            "model": self._served,
            "messages": [dict(message) for message in messages],
            "temperature": params.temperature,
            "top_p": params.top_p,
            "max_tokens": params.max_tokens,
            "seed": seed,
            "logprobs": True,
        }

    def _patiently(self, request: Callable[[], Any]) -> Any:
        """The request's result. Raises Failed with the last reason after all retries."""
        jitter = Random(threading.get_ident())
        for tried in count():
            try:
                return request()
            except Failed as error:
                if tried == self._retries or self._stopping.is_set():
                    raise
                wait = error.wait if error.wait is not None else self._first_wait * 2**tried * (1 + jitter.random())
                self._stopping.wait(min(wait, LONGEST_WAIT))

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON that the server answers. Raises Failed where trying again may help, else AxiomError."""
        self._keep_distance()
        while True:
            sent = self._accepted(body)
            try:
                response = self._client.request(method, self._address + path, json=sent)
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise UsageError(f"{self._address}: {error}", "write http://HOST:PORT/v1#MODEL") from None
            except httpx.HTTPError as error:
                raise Failed(f"{type(error).__name__}: {error}") from None
            except RuntimeError as error:  # the client was closed beside us
                raise Failed(str(error)) from None
            if not (response.status_code in (400, 422) and sent and self._refuses(response.text, sent)):
                return self._json(response)

    def _keep_distance(self) -> None:
        if self._delay and self._last:
            self._stopping.wait(max(0.0, self._last + self._delay - time.monotonic()))
        self._last = time.monotonic()

    def _accepted(self, body: Mapping[str, Any] | None) -> dict[str, Any] | None:
        """The body without what this server has refused; newer servers want `max_tokens` under another name."""
        if body is None:
            return None
        sent = {name: value for name, value in body.items() if name not in self._refused}
        if "max_tokens" in self._refused:
            sent["max_completion_tokens"] = body["max_tokens"]
        return sent

    def _refuses(self, text: str, sent: Mapping[str, Any]) -> bool:
        """Whether the server's complaint names a setting that can be left out; it is, from now on."""
        found = [name for name in OPTIONAL if name in sent and name in text]
        if not found and "max_tokens" in sent and "max_completion_tokens" in text:
            found = ["max_tokens"]
        self._refused |= set(found[:1])
        return bool(found)

    def _json(self, response: httpx.Response) -> Any:
        status = response.status_code
        if status in PASSING or status >= 500:
            raise Failed(f"status {status}", _retry_after(response))
        if status != 200:
            raise self._fatal(status, _message(response))
        try:
            return response.json()
        except ValueError:
            raise Failed("an answer that is not JSON") from None

    def _fatal(self, status: int, message: str) -> AxiomError:
        said = f"{self._address} answered {status}: {message}"
        if status in (401, 403):
            return MissingError(said, f"set {' or '.join(key_names(self._host))} to a key that this server accepts")
        if status == 404:
            return MissingError(said, "check the address (it often ends in /v1) and the model after the #")
        return UsageError(said, "the server does not accept this request")

    def close(self) -> None:
        """Ends the waits and the connections."""
        self._stopping.set()
        self._client.close()


def _retry_after(response: httpx.Response) -> float | None:
    try:
        return max(0.0, float(response.headers["retry-after"]))
    except (KeyError, ValueError):
        return None


def _message(response: httpx.Response) -> str:
    """What the server complains of, on one line."""
    try:
        text = response.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        text = response.text
    return " ".join(str(text).split())[:300] or "no reason given"


def read_completion(data: Any) -> dict[str, Any]:
    """A sample's fields out of a chat completion. Reasoning that the server keeps apart goes back into `<think>`.

    Raises Failed where the answer is not whole.
    """
    try:
        choice = data["choices"][0]
        message, usage = choice["message"], data.get("usage") or {}
        text, finish = message.get("content") or "", choice.get("finish_reason")
        thought = message.get("reasoning_content") or message.get("reasoning")
        scores = [token["logprob"] for token in (choice.get("logprobs") or {}).get("content") or []]
        tokens = int(usage.get("completion_tokens") or len(scores))
        logprob = float(sum(scores)) if scores else None
    except (KeyError, IndexError, TypeError, AttributeError, ValueError):
        raise Failed("an answer that is no chat completion") from None
    if not isinstance(text, str):
        raise Failed("an answer whose content is no text")
    if thought:
        text = f"<think>\n{str(thought).strip()}\n</think>\n{text.lstrip()}"
    if finish not in FINISHES:
        return {"text": text, "finish": "error", "tokens": tokens, "extra": {"error": f"finished with {finish!r}"}}
    return {"text": text, "finish": FINISHES[finish], "tokens": tokens, "logprob": logprob}
