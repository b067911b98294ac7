"""A process that has loaded the command line once and forks for every command that a test runs: what runs is a process
of its own, as a user starts it, without the seconds that its libraries take to load. A second one has loaded torch too,
for the commands that need it: a fork of it costs twenty times as much.

`start` runs in the process that leads the tests, `run` in any of them. `write_program` is for shell scripts that type
`axiom`: what it writes starts in a few hundredths of a second.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path

ADDRESS = "FORK_SERVER"
"""The environment variable that names the folder of the sockets to the processes of a test run."""
LIGHT = (
    "rich.table", "rich.progress", "scipy.stats", "pydantic_settings", "platformdirs",
    "axiom_cli.sampling.engines.scripted",
)  # fmt: skip
HEAVY = ("torch", "transformers.models.auto", "transformers.models.llama", "peft", "accelerate")
HEAVY_ROOMS = ("axiom_cli.models", "axiom_cli.learning.training", "axiom_cli.sampling.engines")
NEEDS_HEAVY = {"solve", "train", "merge", "loop", "export", "eval", "ask"}
NEEDS_LIGHT = {"scripted", "problems", "workspace", "--help"}
LEFT_OUT = (
    "__main__",
    "attacks",
    "cluster",
    "document",
    "gallery",
    "gym",
    "inside",
    "math_equality",
    "recipe",
    "templates",
    "vllm",
)
"""Parts of module names: what a command loads only if it is there, or never."""


def start(env: dict[str, str]) -> Callable[[], None]:
    """Starts the servers in the environment of the commands. Returns what ends them, and all that they still run."""
    folder = os.environ[ADDRESS] = tempfile.mkdtemp()
    servers = [
        subprocess.Popen(
            [sys.executable, __file__, f"{folder}/{name}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=env, start_new_session=True,
        )
        for name in ("light", "heavy")
    ]  # fmt: skip
    for server in servers:
        server.stdout.readline()

    def end() -> None:
        for server in servers:
            os.killpg(server.pid, signal.SIGKILL)
            server.communicate()
        shutil.rmtree(folder)

    return end


def run(
    words: Sequence[str], cwd: Path, env: dict[str, str], stdin: bytes | None, timeout: float
) -> subprocess.CompletedProcess[bytes]:
    """What `subprocess.run` gives for `axiom WORDS`, its output captured; without `stdin` the command has this
    process's own."""
    (read_in, write_in), (read_out, write_out), (read_err, write_err) = os.pipe(), os.pipe(), os.pipe()
    with ThreadPoolExecutor(3) as pool:
        finished = begin(words, cwd, env, (0 if stdin is None else read_in, write_out, write_err))
        for descriptor in (read_in, write_out, write_err):
            os.close(descriptor)
        output, errors = pool.submit(_drain, read_out), pool.submit(_drain, read_err)
        pool.submit(_fill, write_in, stdin or b"")
        return subprocess.CompletedProcess(["axiom", *words], finished(timeout), output.result(), errors.result())


def write_program(path: Path) -> None:
    """Makes `path` a program that does what `axiom` does, with the streams, the folder and the environment that it is
    started with."""
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -S {__file__} --become-axiom "$@"\n')
    path.chmod(0o755)


def begin(
    words: Sequence[str], cwd: Path, env: dict[str, str], descriptors: tuple[int, int, int]
) -> Callable[[float], int]:
    """Starts `axiom WORDS` with these as stdin, stdout and stderr. Returns what waits for its exit code."""
    heavy = NEEDS_HEAVY & set(words) and not NEEDS_LIGHT & set(words)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(f"{os.environ[ADDRESS]}/{'heavy' if heavy else 'light'}")
    request = json.dumps({"words": words, "cwd": str(cwd), "env": env}).encode()
    # The request's length goes first, with the descriptors.
    socket.send_fds(connection, [len(request).to_bytes(8, "big")], descriptors)
    connection.sendall(request)

    def finished(timeout: float) -> int:
        with connection:
            connection.settimeout(timeout)
            command = int.from_bytes(connection.recv(8, socket.MSG_WAITALL), "big")
            try:
                return int(connection.recv(16))
            except TimeoutError:
                os.kill(command, signal.SIGKILL)
                raise

    return finished


def _drain(descriptor: int) -> bytes:
    with open(descriptor, "rb") as stream:
        return stream.read()


def _fill(descriptor: int, data: bytes) -> None:
    try:
        with open(descriptor, "wb", buffering=0) as stream:
            while data:
                data = data[stream.write(data) :]
    except BrokenPipeError:
        return  # the command ended without reading all of it


def _serve(listener: socket.socket, *, heavy: bool) -> None:
    """Takes commands until the tests are over. Returns in the process of each command, ready to run it. The libraries
    are loaded for the first one."""
    running: dict[int, socket.socket] = {}
    ended, signals = os.pipe()
    os.set_blocking(ended, False)
    os.set_blocking(signals, False)
    signal.set_wakeup_fd(signals, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    print("ready", flush=True)
    while True:
        ready, _, _ = select.select([listener, ended, sys.stdin], [], [])
        if sys.stdin in ready:  # its other end is gone: the tests were killed, and nobody may wait for our stderr
            os.killpg(0, signal.SIGKILL)
        if ended in ready:
            os.read(ended, 4096)
            _report(running)
        if listener not in ready:
            continue
        connection, _ = listener.accept()
        head, descriptors, *_ = socket.recv_fds(connection, 8, 3)
        request = json.loads(connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL))
        _load(heavy=False)
        if heavy:
            _load(heavy=True)
        if (command := os.fork()) == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for mine in (listener, connection, *running.values()):
                mine.close()
            os.close(ended)
            os.close(signals)
            return _become(request, descriptors)
        connection.sendall(command.to_bytes(8, "big"))
        running[command] = connection
        for descriptor in descriptors:
            os.close(descriptor)


def _report(running: dict[int, socket.socket]) -> None:
    """Tells who waits for them the exit codes of the commands that have ended."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            with running.pop(ended[0]) as connection, suppress(BrokenPipeError):
                connection.sendall(str(os.waitstatus_to_exitcode(ended[1])).encode())


def _become(request: dict, descriptors: list[int]) -> None:
    """Turns this process into what the command would have started as."""
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    tempfile.tempdir = None  # as the environment says
    sys.argv = ["axiom", *request["words"]]
    added = [path for path in request["env"].get("PYTHONPATH", "").split(os.pathsep) if path and path not in sys.path]
    sys.path[:1] = [request["cwd"], *added]  # as for `python -m`


@cache
def _load(heavy: bool) -> None:
    """Imports what commands import: with `heavy` torch and what needs it, else the rest."""
    for name in HEAVY if heavy else LIGHT:
        importlib.import_module(name)
    root = Path(sys.modules["axiom_cli"].__file__).parent
    for path in sorted(root.rglob("*.py")):
        name = ".".join(path.relative_to(root.parent).with_suffix("").parts).removesuffix(".__init__")
        if name.startswith(HEAVY_ROOMS) == heavy and not any(part in name for part in LEFT_OUT):
            importlib.import_module(name)
    if heavy:  # every loop on nano replays these, and would draw them
        from axiom_cli.experiment.round_rows import COLD_SHARE
        from axiom_cli.problems.families import plug_ins
        from axiom_cli.sampling import nano_cold_start

        nano_cold_start.samples(COLD_SHARE)
        plug_ins.entries.cache_clear()  # a command may be given others, by PYTHONPATH
    # What the libraries would do as they end changes nothing, and costs a third of what a fork costs.
    for each in gc.get_objects():
        if type(each) is weakref.finalize:
            each.atexit = False
    gc.freeze()


if __name__ == "__main__":
    if sys.argv[1] == "--become-axiom":
        sys.exit(begin(sys.argv[2:], Path.cwd(), dict(os.environ), (0, 1, 2))(900))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(sys.argv[1])
        listening.listen(64)
        _serve(listening, heavy=sys.argv[1].endswith("heavy"))
    from axiom_cli.__main__ import main

    code = main()
    atexit._run_exitfuncs()  # noqa: SLF001 - there is no public way to run them before os._exit
    sys.stderr.flush()
    os._exit(code)
