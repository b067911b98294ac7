"""Workers as actors of a Ray cluster (`pip install 'axiom-rl[ray]'`), one that is there already or one for this run.

What Ray itself writes about a cluster's events is dropped: what matters of it is an answer or an error here.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

from axiom_cli import installation
from axiom_cli.cluster import Answer, Lost, Role
from axiom_cli.errors import AxiomError, MissingError, UsageError
from axiom_cli.settings.configs import DistributeConfig

LOCAL = "local"
AUTO = "auto"
CONNECT_SECONDS = 5.0
"""Until a cluster's address must have accepted a connection."""


class BytesOnly:
    """Standard output that drops text; all else, its buffer of bytes too, is the stream's own. Ray's thread prints its
    events to standard output, in the middle of our records, and has no switch for that."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Drops the text."""
        return len(text)


class RayPool:
    """A `Pool` of actors, each in a process of its own somewhere in the cluster. No code or weights are sent.

    A cluster of this run gets a token of this run. Ray would make one in the user's home, and later clusters would ask
    for it.
    """

    def __init__(self, config: DistributeConfig, role: Role) -> None:
        address = config.ray_address or os.environ.get("RAY_ADDRESS") or AUTO
        if address == LOCAL and "RAY_AUTH_MODE" not in os.environ:  # read when ray is imported
            os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(16)}
        ray = _ray()
        self._quiet = redirect_stdout(BytesOnly(sys.stdout)) if sys.stdout is not None else None
        if self._quiet:
            self._quiet.__enter__()
        try:
            _connect(ray, address)
            self._open(ray, config, role)
        except BaseException:
            self.close()
            raise

    def _open(self, ray: Any, config: DistributeConfig, role: Role) -> None:
        self._ray = ray
        resources = ray.cluster_resources()
        accelerators = int(resources.get("GPU", 0)) if role.uses_accelerator else 0
        self.size = config.workers or accelerators or max(1, int(resources.get("CPU", 0)) // role.cores)
        self._class = ray.remote(role.worker).options(
            num_cpus=role.cores, num_gpus=1 if accelerators else 0, max_restarts=0, max_task_retries=0
        )
        self._actors: dict[int, Any] = {}
        self._calls: dict[Any, int] = {}
        self._started = 0

    def start(self) -> int:
        """As `Pool.start`."""
        self._started += 1
        self._actors[self._started] = self._class.remote()
        return self._started

    def call(self, worker: int, method: str, args: Sequence[Any] = ()) -> None:
        """As `Pool.call`."""
        self._calls[getattr(self._actors[worker], method).remote(*args)] = worker

    def poll(self, seconds: float) -> list[Answer]:
        """As `Pool.poll`. An answer that was lost on its way counts as a lost worker."""
        done, _ = self._ray.wait(list(self._calls), num_returns=1, timeout=seconds)
        answers = []
        for call in done:
            worker = self._calls.pop(call)
            answers.append((worker, answer := self._answer(call)))
            if isinstance(answer, Lost):
                self._ray.kill(self._actors.pop(worker))
                self._calls = {call: other for call, other in self._calls.items() if other != worker}
        return answers

    def _answer(self, call: Any) -> Any:
        try:
            return self._ray.get(call)
        except self._ray.exceptions.RayTaskError as error:
            return error.cause if isinstance(error.cause, AxiomError) else error
        except self._ray.exceptions.RayError as error:
            return Lost(_short(error))

    def close(self) -> None:
        """As `Pool.close`. A cluster that was there before keeps running."""
        _ray().shutdown()
        if self._quiet:
            self._quiet.__exit__(None, None, None)
            self._quiet = None


def _short(error: Exception) -> str:
    """The first line of what Ray says, with its last where that is about the process's end."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ... ".join(dict.fromkeys([lines[0], lines[-1][:300]])) if lines else type(error).__name__


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported unless the user wants it
    try:
        import ray
    except ImportError:
        raise MissingError("--distribute ray needs the extra axiom-rl[ray]", installation.extra("ray")) from None
    return ray


def _connect(ray: Any, address: str) -> None:
    """Joins the cluster at `address`, or starts one where that is `local`."""
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address == LOCAL:
        ray.init(LOCAL, num_cpus=len(os.sched_getaffinity(0)), include_dashboard=False, **quiet)
        return
    try:
        host, _, port = _resolved(address).rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except OSError as error:
        hint = "start one with `ray start --head`, or with --ray-address local for this run only"
        raise MissingError(f"no Ray cluster answers at {address}: {_short(error)}", hint) from None
    try:
        ray.init(address, **quiet)
    except (ConnectionError, getattr(ray.exceptions, "AuthenticationError", PermissionError)) as error:
        hint = "if that is its port: a cluster with a token needs it in RAY_AUTH_TOKEN, and RAY_AUTH_MODE=token"
        raise MissingError(f"the Ray cluster at {address} refuses this run", hint) from error
    except RuntimeError as error:
        if "Version mismatch" not in str(error):
            raise
        raise MissingError(
            f"the Ray cluster at {address} runs other versions: {_short(error)}", "see `ray status`"
        ) from None


def _resolved(address: str) -> str:
    """HOST:PORT. Raises UsageError where it is not that, ConnectionError where `auto` finds nothing."""
    if address == AUTO:
        from ray._private import services  # there is no public way, and Ray itself would try for minutes

        address = services.canonicalize_bootstrap_address(AUTO) or ""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in host:
        raise UsageError(f"{address!r} is not the address of a Ray cluster", "write HOST:PORT, auto or local")
    return address
