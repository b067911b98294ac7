"""A real HTTP server on loopback that speaks OpenAI's chat completions, and misbehaves when told to. `gemini_server`
speaks Google's flavour of them. tests/test_openai_client.py has OpenAI's own client talk to both."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[[dict[str, Any]], Any]
DAWDLE = 4.0
"""Seconds that a slow server takes."""


CHARGED = {"prompt": 5, "completion": 7}
"""What a sample keeps of the usage below."""


def completion(text: Any, finish: Any = "stop", **message: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, **message}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_764_000_000,
        "model": "toy",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
    }


class ChatServer(ThreadingHTTPServer):
    """`faults` are played before anything else, one a request: a status, the name of a method of Misbehaviour, or a
    (status, body, headers) triple. Then `reply(request body)` makes each answer."""

    daemon_threads = True

    def __init__(self, reply: Reply, models: list[str], handler: type[Misbehaviour]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.reply, self.models = reply, models
        self.faults: list[Any] = []
        self.hangs_up = False
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.guard = threading.Lock()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def address(self) -> str:
        return f"{self.root}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away is no news."""


class Misbehaviour(BaseHTTPRequestHandler):
    """What a server may do wrong. A method ends when the client has gone, or after DAWDLE seconds."""

    def malformed(self) -> None:
        self._send(200, b"{not json")

    def deep(self) -> None:
        self._send(200, b"[" * 200_000)

    def not_utf8(self) -> None:
        self._send(200, b'{"choices": "\xff\xfe"}')

    def half(self) -> None:
        self._send(200, {"choices": []})

    def other_shape(self) -> None:
        self._send(200, [{"choices": {"message": 1}}])

    def no_text(self) -> None:
        self._send(200, completion([{"type": "text"}]))

    def drop(self) -> None:
        self.close_connection = True
        self.connection.close()

    def slow(self) -> None:
        time.sleep(DAWDLE)
        self._send(200, completion("Answer: late"))

    def cut(self) -> None:
        self._head(200, 1000)
        self.wfile.write(b'{"choices": [')
        self.drop()

    def drip(self) -> None:
        self._head(200, 1000)
        self._bit_by_bit(b" ")

    def drip_head(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nx: ")
        self._bit_by_bit(b"x")

    def endless(self) -> None:
        self._head(200, None)
        self._bit_by_bit(b" " * 2**20, 0.0)

    def huge(self) -> None:
        self._send(200, b" " * (40 * 2**20))

    def bad_gzip(self) -> None:
        self._send(200, b"no gzip", {"content-encoding": "gzip"})

    def echo(self) -> None:
        self._send(500, self._mirror())

    def echo_refusal(self) -> None:
        self._send(400, {"error": {"message": f"bad request: {self._mirror()}"}})

    def echo_answer(self) -> None:
        self._send(200, completion(f"Answer: {self._mirror()}"))

    def echo_escaped(self) -> None:
        spelt = "".join(f"\\u{ord(letter):04x}" for letter in self._mirror())
        self._send(200, json.dumps(completion("Answer: @")).replace("@", spelt).encode())

    def echo_finish(self) -> None:
        self._send(200, completion("x", self._mirror()))

    def _mirror(self) -> str:
        return self.headers.get("authorization", "")

    def _bit_by_bit(self, bit: bytes, pause: float = 0.05) -> None:
        ends = time.monotonic() + DAWDLE
        while time.monotonic() < ends:
            self.wfile.write(bit)
            self.wfile.flush()
            time.sleep(pause)
        self.close_connection = True

    def _head(self, status: int, length: int | None, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        if length is not None:
            self.send_header("content-length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, status: int, data: Any, headers: dict[str, str] | None = None) -> None:
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        self._head(status, len(raw), headers)
        self.wfile.write(raw)


class Handler(Misbehaviour):
    protocol_version = "HTTP/1.1"
    server: ChatServer

    def do_GET(self) -> None:
        self._send(200, {"object": "list", "data": [{"id": name} for name in self.server.models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.guard:
            self.server.requests.append(body)
            self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.server.times.append(time.monotonic())
            fault = self.server.faults.pop(0) if self.server.faults else None
        if fault is None:
            self._answer(body)
        elif isinstance(fault, str):
            getattr(self, fault)()
        elif isinstance(fault, tuple):
            self._send(*fault)
        else:
            self._send(fault, {"error": {"message": f"planted {fault}"}})

    def _answer(self, body: dict[str, Any]) -> None:
        """What `reply` makes: an answer, or a (status, answer) pair. A server that `hangs_up` does so after each."""
        data = self.server.reply(body)
        self._send(*(data if isinstance(data, tuple) else (200, data)))
        self.close_connection = self.server.hangs_up

    def log_message(self, *args: Any) -> None:
        """Requests are kept in `server.requests` instead."""


def seeded(body: dict[str, Any]) -> dict[str, Any]:
    """An answer that depends on the request alone."""
    return completion(f"Answer: {(body.get('seed', 0) + len(body['messages'][-1]['content'])) % 1000}")


@contextmanager
def chat_server(
    reply: Reply = seeded, models: tuple[str, ...] = ("toy",), handler: type[Misbehaviour] = Handler
) -> Iterator[ChatServer]:
    server = ChatServer(reply, list(models), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


GEMINI_KEY = "AIza-a-key-of-gemini-0123456789"
GEMINI_FIELDS = {
    *("model", "messages", "temperature", "top_p", "max_tokens", "max_completion_tokens", "n", "stop", "stream"),
    *("reasoning_effort", "seed", "response_format", "tools", "tool_choice", "extra_body"),
}
HELP = {
    "@type": "type.googleapis.com/google.rpc.Help",
    "links": [{"description": "Learn more about Gemini API quotas", "url": "https://ai.google.dev/gemini-api/docs"}],
}
OVER_QUOTA = "You exceeded your current quota, please check your plan and billing details."


def gemini_error(code: int, status: str, message: str, *details: Any) -> tuple[int, Any]:
    """An error as Google sends it: in a list."""
    error = {"code": code, "message": message, "status": status, **({"details": details} if details else {})}
    return code, [{"error": error}]


def gemini_quota(quota: str, seconds: float) -> tuple[int, Any]:
    """429 of a quota, `...PerMinute...` or `...PerDay...`. Google adds RetryInfo to either."""
    failure = {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [
            {
                "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
                "quotaId": f"GenerateRequests{quota}PerProjectPerModel-FreeTier",
                "quotaDimensions": {"location": "global", "model": "gemini-2.5-flash"},
                "quotaValue": "10",
            }
        ],
    }
    retry = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{seconds:g}s"}
    return gemini_error(429, "RESOURCE_EXHAUSTED", OVER_QUOTA, failure, HELP, retry)


def gemini_completion(text: Any, thoughts: int = 50, finish: str = "stop") -> dict[str, Any]:
    """Google counts what a model thinks in `total_tokens` alone."""
    data = completion(text, finish)
    usage = {"prompt_tokens": 20, "completion_tokens": 30, "total_tokens": 50 + thoughts}
    return {**data, "model": "gemini-2.5-flash", "usage": usage}


class GeminiHandler(Handler):
    """Google's address, its key, and only the fields that it knows."""

    def _answer(self, body: dict[str, Any]) -> None:
        unknown = next((name for name in body if name not in GEMINI_FIELDS), "")
        if not self.path.startswith("/v1beta/openai/"):
            self._send(404, b"")
        elif self.headers.get("authorization") != f"Bearer {GEMINI_KEY}":
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
            message = "API key not valid. Please pass a valid API key."
            self._send(*gemini_error(400, "INVALID_ARGUMENT", message, info))
        elif unknown:
            message = f'Invalid JSON payload received. Unknown name "{unknown}": Cannot find field.'
            self._send(*gemini_error(400, "INVALID_ARGUMENT", message))
        else:
            super()._answer(body)


@contextmanager
def gemini_server(reply: Reply) -> Iterator[ChatServer]:
    """The environment's GOOGLE_GEMINI_BASE_URL may name its `root`."""
    with chat_server(reply, ("models/gemini-2.5-flash",), GeminiHandler) as server:
        yield server
