"""llama.cpp's own runtime, asked in a process of its own: what it cannot read makes it abort.

    python -m axiom_cli.learning.training.llama_runtime FILE.gguf < questions.json > replies.json

It comes with the package xllamacpp, a build of llama.cpp's server.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from axiom_cli.errors import GateFailedError

PACKAGE = "xllamacpp"
SECONDS = 3600.0


@dataclass(frozen=True)
class Question:
    """A conversation, and what it is as a text and as token ids."""

    messages: Sequence[Mapping[str, str]]
    text: str
    ids: Sequence[int]


@dataclass(frozen=True)
class Reply:
    """What the runtime makes of a question: the text that the file's own template gives the conversation (None where
    the template refuses it), the ids of the question's text, and the ids of a greedy answer to the question's ids."""

    rendered: str | None
    ids: Sequence[int]
    answer: Sequence[int]


def is_here() -> bool:
    """Whether the runtime is installed."""
    return find_spec(PACKAGE) is not None


def ask(file: Path, questions: Sequence[Question], max_tokens: int) -> list[Reply]:
    """The replies of the model in `file`, at most `max_tokens` long. GateFailedError where the runtime cannot read the
    file or does not survive it."""
    request = json.dumps({"max_tokens": max_tokens, "questions": [asdict(question) for question in questions]})
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(file)], input=request, capture_output=True, text=True, timeout=SECONDS
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"it ended with {done.returncode}"]
        raise GateFailedError(f"llama.cpp cannot run {file.name}: {said[-1][:300]}", "nothing was kept")
    return [Reply(**reply) for reply in json.loads(done.stdout)]


def _replies(file: str, questions: Sequence[Mapping[str, Any]], max_tokens: int) -> list[dict[str, Any]]:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path, params.port, params.n_parallel, params.warmup = file, 0, 1, False
    for threads in (params.cpuparams, params.cpuparams_batch):
        # Threads that wait for each other by turning in circles stand still on a machine that is busy.
        threads.poll, threads.n_threads = 0, int(os.environ.get("OMP_NUM_THREADS", "0")) or threads.n_threads
    params.n_ctx = max(len(question["ids"]) for question in questions) + max_tokens + 1
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    server = xllamacpp.Server(params)

    def post(path: str, **body: Any) -> Any:
        data, header = json.dumps(body).encode(), {"content-type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(server.listening_address + path, data, header)) as answer:
            return json.loads(answer.read())

    def reply(question: Mapping[str, Any]) -> dict[str, Any]:
        try:
            rendered = post("/apply-template", messages=question["messages"])["prompt"]
        except urllib.error.HTTPError:
            rendered = None
        ids = post("/tokenize", content=question["text"], add_special=False, parse_special=True)["tokens"]
        settings = {"temperature": 0, "n_predict": max_tokens, "return_tokens": True, "cache_prompt": False}
        return {
            "rendered": rendered,
            "ids": ids,
            "answer": post("/completion", prompt=question["ids"], **settings)["tokens"],
        }

    return [reply(question) for question in questions]


def _end_with(parent: int) -> None:
    """Ends this process once `parent` has ended, however that came about."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
    request = json.load(sys.stdin)
    print(json.dumps(_replies(sys.argv[1], request["questions"], request["max_tokens"])))
