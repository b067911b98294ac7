"""Keys and tokens, in the environment and in files of other programs: they are in no core dump."""

from __future__ import annotations

import base64
import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from chat_server import GEMINI_KEY, chat_server, completion
from command_line import AXIOM, environment

SECRETS = {
    name: f"sk-{name.lower()}-0123456789abcdef+/x"
    for name in (
        *(
            "AXIOM_API_KEY",
            "OPENAI_API_KEY",
            "GOOGLE_API_KEY",
            "ANTHROPIC_API_KEY",
            "HF_TOKEN",
            "HUGGING_FACE_HUB_TOKEN",
        ),
        *("WANDB_API_KEY", "COMET_API_KEY", "MLFLOW_TRACKING_TOKEN", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN"),
    )
} | {"GEMINI_API_KEY": GEMINI_KEY}
IN_FILES = {
    name: f"hidden-in-{name}-0123456789" for name in (".netrc", ".cache/huggingface/token", ".kaggle/kaggle.json")
}


def forms(secret: str) -> Iterator[bytes]:
    """A secret, most of it, and how it is spelled in URLs, headers and JSON."""
    yield secret.encode()
    yield secret[-20:].encode()
    yield quote(secret, safe="").encode()
    yield secret.replace("/", "\\/").encode()
    yield base64.b64encode(f"Bearer {secret}".encode())[12:-4]
    yield base64.b64encode(secret.encode())[:-4]


def found_in(data: bytes) -> list[str]:
    return [name for name, secret in {**SECRETS, **IN_FILES}.items() if any(form in data for form in forms(secret))]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    for name, secret in IN_FILES.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(secret)
    return home


def settings(home: Path, **more: str) -> dict[str, str]:
    return environment(**{**SECRETS, "HOME": str(home), "HF_HUB_OFFLINE": "1", **more})


@pytest.mark.slow
def test_a_process_that_dies_of_a_signal_leaves_no_memory_behind(tmp_path: Path, home: Path) -> None:
    """Its memory holds the environment, and with it every key."""
    if not Path("/proc/sys/kernel/core_pattern").is_file():
        pytest.skip("only Linux says where a core dump goes")

    def unlimited() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)

    def dawdle(_body: dict[str, Any]) -> Any:
        time.sleep(5)
        return completion("4")

    assert subprocess.run([*AXIOM, "problems", "gen", "rpn", "--count", "1", "-o", "p"], cwd=tmp_path).returncode == 0
    with chat_server(dawdle) as server:
        command = [*AXIOM, "solve", "p", "--model", f"{server.address}#toy"]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=settings(home), preexec_fn=unlimited, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGQUIT)
        process.wait()
    assert process.returncode == -signal.SIGQUIT
    assert [path.name for path in tmp_path.iterdir() if path.is_file() and found_in(path.read_bytes())] == []
    assert not os.path.exists(tmp_path / "core")
