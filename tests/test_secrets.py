"""Keys and tokens, in the environment and in files of other programs, appear nowhere: in no output, traceback, file,
page or bundle, and in no core dump."""

from __future__ import annotations

import base64
import json
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import typer

import fork_server
import tiny
from axiom_cli.app import application
from axiom_cli.learning.training.requirements import TRACKERS
from chat_server import GEMINI_KEY, chat_server, completion, gemini_completion, gemini_error, gemini_server
from command_line import AXIOM, environment

SECRETS = {
    name: f"sk-{name.lower()}-0123456789abcdef+/x"
    for name in (
        "AXIOM_API_KEY", "OPENAI_API_KEY", "GOOGLE_API_KEY", "ANTHROPIC_API_KEY", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN",
        "RAY_AUTH_TOKEN", "WANDB_API_KEY", "COMET_API_KEY", "MLFLOW_TRACKING_TOKEN", "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
    )
} | {"GEMINI_API_KEY": GEMINI_KEY}  # fmt: skip
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


LOOP = (
    "loop --experiment k --iterations 1 --problems queue_listing --max-difficulty 2 --train-size 20 --val-size 2"
    " --test-size 2 --ignore-gates"
)
LINES = (
    "problems list",
    "problems gen rpn --count 3 -o p",
    "problems gen queue_listing --count 20 --difficulty 1 -o q",
    "problems show two_sum",
    "problems new roman_sums",
    "problems import rows.jsonl --as jsonl -o imported",
    "problems overlap p q",
    "problems audit rpn --draws 20 --count 10 --split test --jobs 1",
    "solve p --engine scripted --model solver --samples 2 -o s",
    "verify s --format solutions -o solutions",
    "verify s",
    "coldstart q --traces 1 -o v",
    "train v --method lora --epochs 1 -o a",
    "merge a -o m",
    LOOP,
    "report k --html page.html",
    "eval nano --problems rpn --samples 1 --count 2",
    "export k out",
    "doctor",
    "config",
    "workspace ls",
    "workspace show k",
    "workspace why k",
    "workspace diff k@1 k@best",
    "workspace export k k.axiom --bundle",
    "--workspace other workspace import k.axiom",
    "workspace gc",
    "workspace fsck",
)
REFUSED = {
    "problems calibrate v": 5,
    "train nothing-here": 3,
    "view k": 2,
    "workspace diff k@0 k@1": 4,
    "solve p --model someone/some-model": 4,
    "solve p --model http://127.0.0.1:1/v1#toy --max-attempts 1": 4,
}
"""Commands that end in an error, whose traceback `--debug` shows, with their exit codes."""


def leaves(command: Any, context: Any) -> Iterator[str]:
    """The words of every command that has no commands of its own."""
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        child = command.get_command(context, name)
        inner = typer.Context(child, info_name=name, parent=context)
        yield from leaves(child, inner) if hasattr(child, "list_commands") else [inner.command_path]


def telltale(_body: dict[str, Any]) -> Any:
    """A server that repeats the key that it was given."""
    return 400, {"error": {"message": f"bad request with the key {SECRETS['AXIOM_API_KEY']}", "code": "bad"}}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_command_shows_or_keeps_a_secret(tmp_path: Path, home: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "rows.jsonl").write_text('{"prompt": "What is 2 + 2?", "answer": "4"}\n')
    told: dict[str, list[str]] = {}
    tried: list[str] = []

    def run(line: str, **more: str) -> int:
        done = fork_server.run(["--debug", *line.split()], work, settings(home, **more), b"", timeout=600)
        tried.append(f"axiom {line.removeprefix('--workspace other ')} ")
        if found := found_in(done.stdout + done.stderr):
            told[line] = found
        if done.returncode == 1:
            told[line] = [done.stderr.decode()]
        return done.returncode

    codes = {line: run(line) for line in (*LINES, *REFUSED)}
    assert {line: code for line, code in codes.items() if code} == REFUSED
    with chat_server(lambda _: completion("Answer: 4")) as server:
        toy = f"--model {server.address}#toy"
        assert run(f"ask {server.address}#toy 2+2?") == 0 == run(f"solve p {toy} --samples 1 -o remote")
        server.reply = telltale
        assert run(f"solve p {toy} --samples 1 --seed 3") == 2
        assert run(f"coldstart p --teacher {server.address}#toy --traces 1 -o never") == 2
        assert server.headers[-1]["authorization"] == f"Bearer {SECRETS['AXIOM_API_KEY']}"
    with gemini_server(lambda _: gemini_completion("4")) as gemini:
        base = {"GOOGLE_GEMINI_BASE_URL": gemini.root, "AXIOM_API_KEY": GEMINI_KEY}
        assert run("coldstart p --teacher gemini --traces 1 --include-failed -o g", **base) == 0
        gemini.faults = [gemini_error(400, "INVALID_ARGUMENT", f"API key not valid: {GEMINI_KEY}")] * 99
        assert run("coldstart q --teacher gemini --traces 1", **base) == 4
        assert gemini.headers[-1]["authorization"] == f"Bearer {GEMINI_KEY}"
    for path in work.rglob("*"):
        if path.is_file() and (found := found_in(path.read_bytes())):
            told[str(path.relative_to(work))] = found
    assert told == {}
    root = application()
    commands = leaves(root, typer.Context(root, info_name="axiom"))
    assert [one for one in commands if not any(line.startswith(f"{one} ") for line in tried)] == []


@pytest.mark.slow
@pytest.mark.parametrize("tracker", TRACKERS)
def test_no_tracker_is_told_a_secret(tmp_path: Path, home: Path, tracker: str) -> None:
    """What a tracker notes of the machine, of the command and of its environment stays without them, too."""
    if find_spec(tracker) is None:
        pytest.skip(f"pip install 'axiom-rl[{tracker}]'")
    work = tmp_path / "work"
    work.mkdir()
    (work / "v").write_text("".join(json.dumps(tiny.verdict(one).to_dict()) + "\n" for one in tiny.samples(24)))
    tiny.write_model(work / "base")
    words = ["--debug", "train", "v", "--model", "base", "--epochs", "1", "--experiment", "k", "--tracker", tracker]
    env = settings(home, TMPDIR=str(work), HF_HOME=str(home / ".cache" / "huggingface"))
    done = subprocess.run([*AXIOM, *words], cwd=work, env=env, capture_output=True, timeout=600)
    assert done.returncode == 0, done.stderr.decode()
    own = {work / "v", *(work / "base").iterdir(), *(home / name for name in IN_FILES)}
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path not in own]
    assert [path for path in written if ".axiom" not in path.parts]
    assert {str(path): found for path in written if (found := found_in(path.read_bytes()))} == {}
    assert found_in(done.stdout + done.stderr) == []


@pytest.mark.slow
@pytest.mark.parametrize("limited", [True, False])
def test_a_process_that_dies_of_a_signal_leaves_no_memory_behind(tmp_path: Path, home: Path, limited: bool) -> None:
    """Its memory holds the environment, and with it every key. A program that takes core dumps may ignore the limit,
    as if there were none."""
    if not Path("/proc/sys/kernel/core_pattern").is_file():
        pytest.skip("only Linux says where a core dump goes")

    def unlimited() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)

    died = threading.Event()

    def dawdle(_body: dict[str, Any]) -> Any:
        died.wait(120)
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
        if not limited:
            resource.prlimit(process.pid, resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
        process.send_signal(signal.SIGABRT)
        process.wait()
        died.set()
    assert process.returncode == -signal.SIGABRT
    assert [path.name for path in tmp_path.iterdir() if path.is_file() and found_in(path.read_bytes())] == []
    assert not limited or not [*tmp_path.glob("core*")]
