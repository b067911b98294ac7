"""A real Ray cluster on loopback, of nodes with one core each, that knows its own processes."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from command_line import environment

RAY = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats"]
SMALL = ["--node-ip-address", "127.0.0.1", "--object-store-memory", "100000000", "--num-cpus", "1"]
START = 60.0
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
"""What a cluster lets in: to be put into the environment of whoever starts one and of whoever asks one."""


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """A head node and others. `close` ends exactly the processes that were started here."""

    def __init__(self, **env: str) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self._home = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # a socket's path has to be short
        port = self.address.rpartition(":")[2]
        head = ["--head", "--port", port, "--include-dashboard", "false", "--temp-dir", str(self._home)]
        self.nodes: list[psutil.Process] = []
        self._start(head, env)

    def add(self, *before: str, **env: str) -> psutil.Process:
        """One node more, with one core. `before` stands in front of its command line."""
        return self._start(["--address", self.address], env, before)

    def _start(self, words: list[str], env: dict[str, str], before: Sequence[str] = ()) -> psutil.Process:
        log = (self._home / f"start-{len(self.nodes)}.log").open("wb")
        with log:
            started = subprocess.Popen(
                [*before, *RAY, *words, *SMALL],
                env=environment(**env), cwd="/tmp", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        self.nodes.append(psutil.Process(started.pid))
        until = time.monotonic() + START
        while b"Ray runtime started" not in Path(log.name).read_bytes():
            assert started.poll() is None and time.monotonic() < until, Path(log.name).read_text()
            time.sleep(0.1)
        return self.nodes[-1]

    def workers(self) -> list[psutil.Process]:
        """The processes that work for an axiom command now."""
        titles = ("ray::EngineWorker", "ray::SandboxWorker")
        return [found for node in self.nodes for found in _below(node) if _title(found).startswith(titles)]

    def busy(self, *nodes: psutil.Process) -> list[psutil.Process]:
        """The processes that work on a shard now, there or anywhere."""
        titles = ("ray::EngineWorker.generate", "ray::SandboxWorker.run")
        return [one for node in nodes or self.nodes for one in _below(node) if _title(one).startswith(titles)]

    @staticmethod
    def kill(node: psutil.Process) -> None:
        """SIGKILL for all of a node's processes: the machine is gone."""
        with suppress(psutil.NoSuchProcess):
            everything = [node, *node.children(recursive=True)]
            node.suspend()
            for process in everything:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(everything, timeout=10)

    def close(self) -> None:
        """Ends every node."""
        for node in reversed(self.nodes):
            self.kill(node)
        shutil.rmtree(self._home, ignore_errors=True)


def _below(node: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return node.children(recursive=True)
    return []


def _title(process: psutil.Process) -> str:
    """What Ray calls a process: it says which method it is in."""
    with suppress(psutil.NoSuchProcess):
        return " ".join(process.cmdline())
    return ""


def raylets() -> set[int]:
    return {process.pid for process in psutil.process_iter() if "raylet" in process.name()}
