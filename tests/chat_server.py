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


def completion(text: str, finish: str = "stop", **message: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, **message}
    return {
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7},
    }


class ChatServer(ThreadingHTTPServer):
    """`faults` are played before anything else, one a request: a status, `malformed`, `half`, `drop`, `slow`, or a
    (status, body, headers) triple. Then `reply(request body)` makes each answer."""

    daemon_threads = True

    def __init__(self, reply: Reply, models: list[str]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply, self.models = reply, models
        self.faults: list[Any] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.guard = threading.Lock()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away is no news."""


class Handler(BaseHTTPRequestHandler):
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
            self._send(200, self.server.reply(body))
        elif fault == "malformed":
            self._send(200, b"{not json")
        elif fault == "half":
            self._send(200, {"choices": []})
        elif fault == "drop":
            self.close_connection = True
            self.connection.close()
        elif fault == "slow":
            time.sleep(4.0)
            self._send(200, self.server.reply(body))
        elif isinstance(fault, tuple):
            self._send(*fault)
        else:
            self._send(fault, {"error": {"message": f"planted {fault}"}})

    def _send(self, status: int, data: Any, headers: dict[str, str] | None = None) -> None:
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

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
