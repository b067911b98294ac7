"""A real HTTP server on loopback that speaks OpenAI's chat completions, and misbehaves when told to."""

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


def completion(text: Any, finish: Any = "stop", **message: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, **message}
    return {
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7},
    }


class ChatServer(ThreadingHTTPServer):
    """`faults` are played before anything else, one a request: a status, the name of a method of Misbehaviour, or a
    (status, body, headers) triple. Then `reply(request body)` makes each answer."""

    daemon_threads = True

    def __init__(self, reply: Reply, models: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply, self.models = reply, models
        self.faults: list[Any] = []
        self.hangs_up = False
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.guard = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

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
def chat_server(reply: Reply = seeded, models: tuple[str, ...] = ("toy",)) -> Iterator[ChatServer]:
    server = ChatServer(reply, list(models))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
