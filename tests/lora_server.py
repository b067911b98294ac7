"""A server on loopback that speaks what vLLM's does of completions and adapters, with a real model behind it: each
answer is sampled from the base, or from the base with the adapter that the request names."""

from __future__ import annotations

import json
import queue
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import torch

from axiom_cli import models
from axiom_cli.errors import AxiomError
from axiom_cli.models import Resolved
from axiom_cli.models.loading import load_config, load_for_sampling
from axiom_cli.sampling.engines.continuous_batching import Completion, finished
from axiom_cli.sampling.engines.token_sampling import Decoding

BASE = "base"
TOGETHER = 0.02
"""Seconds that a request waits for others to be sampled with."""


class LoraServer(ThreadingHTTPServer):
    """`loads` names the adapters that were loaded, in order, and `asked` the model of every completion. Without
    `updates` it is a server that was started without VLLM_ALLOW_RUNTIME_LORA_UPDATING."""

    daemon_threads = True

    def __init__(self, model: str, max_rank: int = 64, *, updates: bool = True) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.base, self.max_rank, self.updates = models.resolve(model), max_rank, updates
        self.adapters: dict[str, str] = {}
        self.loaded: dict[str, Any] = {}
        self.loads: list[str] = []
        self.asked: list[str] = []
        self.ignores_adapters = False
        self.waiting: queue.Queue[tuple[dict[str, Any], Future[dict[str, Any]]]] = queue.Queue()
        threading.Thread(target=self._sample_for_ever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone away is no news."""

    def load(self, name: str, path: str) -> tuple[int, Any]:
        """What vLLM 0.32 answers in each case."""
        if name in self.adapters:
            return 400, error(f"The lora adapter '{name}' has already been loaded.", "InvalidUserInput", 400)
        config = Path(path) / "adapter_config.json"
        if not config.is_file():
            return 404, error(f"Loading lora {name} failed: No adapter found for {path}", "NotFoundError", 404)
        rank = json.loads(config.read_text())["r"]
        if rank > self.max_rank:
            said = f"LoRA rank {rank} is greater than max_lora_rank {self.max_rank}."
            return 500, error(said, "InternalServerError", 500)
        self.adapters[name] = path
        self.loads.append(name)
        return 200, f"Success: LoRA adapter '{name}' added successfully."

    def unload(self, name: str) -> tuple[int, Any]:
        if self.adapters.pop(name, None) is None:
            return 404, error(f"The lora adapter '{name}' cannot be found.", "NotFoundError", 404)
        self.loaded.pop(name, None)
        return 200, f"Success: LoRA adapter '{name}' removed successfully."

    def complete(self, body: dict[str, Any]) -> tuple[int, Any]:
        name = body["model"]
        if name != BASE and name not in self.adapters:
            return 404, error(f"The model `{name}` does not exist.", "NotFoundError", 404)
        context = load_config(self.base.path).max_position_embeddings
        if len(body["prompt"]) >= context:
            said = f"Input length ({len(body['prompt'])}) exceeds model's maximum context length ({context})."
            return 400, error(said, "BadRequestError", 400)
        self.asked.append(name)
        future: Future[dict[str, Any]] = Future()
        self.waiting.put((body, future))
        return 200, future.result()

    def _sample_for_ever(self) -> None:
        while True:
            together = [self.waiting.get()]
            while len(together) < 64:
                try:
                    together.append(self.waiting.get(timeout=TOGETHER))
                except queue.Empty:
                    break
            grouped = defaultdict(list)
            for body, future in together:
                grouped[body["model"], body["temperature"], body.get("top_p", 1.0)].append((body, future))
            for (name, temperature, top_p), group in grouped.items():
                try:
                    self._sample(name, temperature, top_p, group)
                except (AxiomError, RuntimeError, KeyError) as fault:
                    for _, future in group:
                        future.set_exception(fault)

    def _model(self, name: str) -> Any:
        if name not in self.loaded:
            plain = name == BASE or self.ignores_adapters
            adapter = None if plain else Path(self.adapters[name])
            changed = Resolved(name, name, self.base.path, adapter, self.base)
            self.loaded[name] = load_for_sampling(self.base if plain else changed)[0]
        return self.loaded[name]

    @torch.inference_mode()
    def _sample(self, name: str, temperature: float, top_p: float, group: list[tuple[dict[str, Any], Any]]) -> None:
        model = self._model(name)
        rows = []
        for body, _ in group:
            random = torch.Generator().manual_seed(body.get("seed", 0))
            uniforms = torch.rand(body["max_tokens"], generator=random, dtype=torch.float64)
            rows.append(Completion(body["prompt"], uniforms))
        ends = tuple(group[0][0].get("stop_token_ids") or [0])
        for _ in finished(model, rows, Decoding(ends, temperature, top_p), len(rows)):
            pass
        for (body, future), row in zip(group, rows, strict=True):
            choice: dict[str, Any] = {"index": 0, "text": "", "finish_reason": row.finish}
            if body.get("return_token_ids"):
                choice["token_ids"] = row.token_ids
                share = row.logprob / len(row.token_ids)
                choice["logprobs"] = {"token_logprobs": [share] * len(row.token_ids)}
            if "prompt_logprobs" in body:
                choice["prompt_logprobs"] = prompt_logprobs(model, body["prompt"])
            future.set_result({"object": "text_completion", "model": name, "choices": [choice]})


def prompt_logprobs(model: Any, ids: list[int]) -> list[dict[str, Any] | None]:
    scores = model(input_ids=torch.tensor([ids])).logits[0].float().log_softmax(-1)
    return [None, *({str(i): {"logprob": float(scores[at, i])}} for at, i in enumerate(ids[1:]))]


def error(message: str, kind: str, code: int) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LoraServer

    def do_GET(self) -> None:
        cards = [{"id": BASE, "root": self.server.base.name, "parent": None}]
        cards += [{"id": name, "root": path, "parent": BASE} for name, path in self.server.adapters.items()]
        self._send(200, {"object": "list", "data": cards})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.removeprefix("/v1")
        if path == "/completions":
            self._send(*self.server.complete(body))
        elif path == "/load_lora_adapter" and self.server.updates:
            self._send(*self.server.load(body["lora_name"], body["lora_path"]))
        elif path == "/unload_lora_adapter" and self.server.updates:
            self._send(*self.server.unload(body["lora_name"]))
        else:
            self._send(404, {"detail": "Not Found"})

    def _send(self, status: int, data: Any) -> None:
        raw = data.encode() if isinstance(data, str) else json.dumps(data).encode()
        self.send_response(status)
        self.send_header("content-type", "text/plain" if isinstance(data, str) else "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args: Any) -> None:
        """What was asked is kept in the server."""


@contextmanager
def lora_server(model: str, max_rank: int = 64, *, updates: bool = True) -> Iterator[LoraServer]:
    server = LoraServer(model, max_rank, updates=updates)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
