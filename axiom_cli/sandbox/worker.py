"""The parent's end of one zygote: starts it, hands it jobs with a socket each, gathers frames and reports."""

from __future__ import annotations

import array
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

from axiom_cli.errors import MissingError
from axiom_cli.sandbox.idleness import Idleness, children
from axiom_cli.sandbox.inside import messages
from axiom_cli.sandbox.judge import Outcome
from axiom_cli.sandbox.suite import AnySuite
from axiom_cli.sandbox.test_timer import TestTimer

HERE = str(Path(__file__).parent)
BOOT = (
    "import json, sys; here, number, setup = sys.argv[1:]; sys.path = [here, *filter(None, sys.path)]; "
    "from inside import zygote; sys.path.remove(here); zygote.main(int(number), json.loads(setup))"
)
FLAGS = ["-s", "-S", "-B", *(["-P"] if sys.version_info >= (3, 11) else [])]
ENVIRONMENT = {
    "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC", "OMP_NUM_THREADS": "1",
    "LD_BIND_NOW": "1",  # or each child looks up again what it calls of the C library
    "MALLOC_ARENA_MAX": "1",  # or each thread of a program takes 64 MiB of its room for addresses
}  # fmt: skip
LAYERS = ("namespaces", "landlock", "seccomp")
START_SECONDS = 60.0
GRACE_SECONDS = 10.0  # after a job's wall limit: the zygote itself must be dead
LEAVING_SECONDS = 2.0
LOOK_SECONDS = 0.05  # how often it is looked at whether a program sleeps
DRAIN_SECONDS = 0.005  # how long a child may wait that has filled its socket with results
JOBS_IN_A_LIFE = 2000
CHUNK = 1 << 16
MEMORY_A_BYTE = 16  # that objects take which are one byte when they are sent


@dataclass(frozen=True)
class Setup:
    """What a zygote is: its layers, the seed of its hashes of text, and the packages that programs may import."""

    layers: tuple[str, ...] = LAYERS
    hash_seed: int = 0
    packages: tuple[str, ...] = ()

    def to_json(self) -> str:
        """As the last argument of its command line."""
        path = [place for place in sys.path if place] if self.packages else []
        return json.dumps({"layers": self.layers, "packages": self.packages, "path": path})


@dataclass
class Job:
    """One program on its way through a worker."""

    suite: AnySuite
    code: str
    flags: int = 0
    tries: int = 0
    wall: float = 0.0
    key: str = ""
    outcome: Outcome | None = None
    socket: socket.socket | None = None
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    received: bytearray = field(default_factory=bytearray)
    flooded: bool = False
    asleep: bool = False
    most: int = 0
    timer: TestTimer | None = None

    def close(self) -> None:
        """Lets go of the job's socket."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None


def fitted(limits: messages.Order, allowance: int) -> messages.Order:
    """The limits where results may be that much larger, and objects for what is more than usual have to be made."""
    memory = limits.memory + MEMORY_A_BYTE * max(0, allowance - limits.results)
    return limits._replace(results=limits.results + allowance, memory=memory)


class Worker:
    """One zygote. Where it is `dead`, it must be replaced, and its jobs have no verdict."""

    def __init__(self, limits: messages.Order, setup: Setup):
        self.limits = limits
        self.jobs: OrderedDict[int, Job] = OrderedDict()
        self.dead = False
        self.served = 0
        self._began = self._looked = 0.0
        self._exchanged = 0
        self._buffer = bytearray()
        self.control, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, *FLAGS, "-c", BOOT, HERE, str(theirs.fileno()), setup.to_json()],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()], cwd="/", env={**ENVIRONMENT, "PYTHONHASHSEED": str(setup.hash_seed)},
            )  # fmt: skip
        self.missing = self._wait_until_ready()
        self.control.setblocking(False)  # noqa: FBT003 - socket takes it so
        self.idleness = self._idleness()

    def _idleness(self) -> Idleness | None:
        """Of the programs that the zygote runs, one after the other; None where this system does not tell."""
        zygote = self.process.pid
        with contextlib.suppress(OSError, StopIteration):
            zygote = zygote if "namespaces" in self.missing else next(children(zygote))
            return Idleness(zygote) if Idleness.seen(zygote) else None
        return None

    def _wait_until_ready(self) -> dict[str, str]:
        """The layers that the zygote lacks, and why, once it is ready. Raises MissingError if it never is."""
        assert self.process.stderr is not None
        self.control.settimeout(START_SECONDS)
        line = b""
        try:
            while not line.endswith(b"\n"):
                part = self.control.recv(4096)
                if not part:
                    break
                line += part
        except TimeoutError:
            self.kill()
        if line.endswith(b"\n"):
            self.process.stderr.close()
            return json.loads(line)["missing"]
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(1.0)  # or it is killed while it writes why it ends
        self.kill()
        errors = self.process.stderr.read().decode("utf-8", "replace").strip().splitlines()
        why = errors[-1] if errors else "it wrote nothing to standard error"
        raise MissingError(f"the sandbox does not start: {why}", "run `axiom doctor` to see what this machine can do")

    @property
    def worn_out(self) -> bool:
        """Whether it has served so many jobs that a fresh one should follow."""
        return self.served >= JOBS_IN_A_LIFE

    def retire(self) -> None:
        """Takes no more jobs after those that it has."""
        self.served = JOBS_IN_A_LIFE

    def submit(self, job: Job) -> None:
        """Sends the order, and as much of the program as the socket takes."""
        mine, theirs = socket.socketpair()
        mine.setblocking(False)  # noqa: FBT003 - socket takes it so
        self.served += 1
        number = self.served
        frames = [messages.frame(messages.JOB, job.suite.payload(job.code)), *job.suite.inputs]
        job.received, job.flooded, job.asleep, job.timer = bytearray(), False, False, None
        flags = job.flags | (messages.PAIRED if job.suite.paired else messages.SCRIPT if job.suite.script else 0)
        if self.limits.test and not job.suite.paired and not job.suite.script and TestTimer.supported():
            job.timer = TestTimer(mine, self.limits.test, frames[2:])
            frames, flags = frames[:2], flags | messages.TIMED
        job.socket, job.unsent = mine, memoryview(b"".join(frames))
        order = fitted(self.limits, job.suite.allowance)._replace(job=number, wall=job.wall, flags=flags)
        job.most = order.results
        program, tests = socket.socketpair() if job.suite.paired else (None, None)
        ends = [end for end in (program, theirs, tests) if end is not None]
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [end.fileno() for end in ends]))]
        self.jobs[number] = job
        if len(self.jobs) == 1:
            self._begin()
        try:
            self.control.sendmsg([order.pack()], rights)
        except OSError:
            self.dead = True
            return
        finally:
            for end in ends:
                end.close()
        self._send(job)

    def _begin(self) -> None:
        """The job before has ended, if there was one."""
        self._began = self._looked = time.monotonic()
        self._exchanged = 0
        if self.idleness is not None:
            self.idleness.forget()

    def end_sleeper(self, patience: float) -> None:
        """Ends the present job if it has slept for more than `patience` seconds."""
        job = next(iter(self.jobs.values()), None)
        if self.idleness is None or job is None or time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        exchanged = len(job.received) - len(job.unsent)
        if job.unsent or exchanged - self._exchanged > (0 if job.timer else CHUNK):
            self.idleness.skip()  # it may have waited for what is sent to it, or read from it, here
        self._exchanged = exchanged
        self.idleness.look()
        job.asleep = self.idleness.seconds > patience
        for process in self.idleness.processes if job.asleep else ():
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)

    def _send(self, job: Job) -> None:
        try:
            while job.unsent and job.socket:
                job.unsent = job.unsent[job.socket.send(job.unsent) :]
            if job.socket and not (job.timer and job.timer.inputs):
                job.socket.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            return
        except OSError:
            job.unsent = memoryview(b"")  # the child is gone; its report will say why

    def register(self, poller: select.poll) -> dict[int, tuple[Worker, Job | None]]:
        """Registers what this worker waits for; returns whom each descriptor belongs to.

        Nobody is woken by a frame: a job's frames are read when it is reported, or every DRAIN_SECONDS. Only where a
        test has a limit of its own does each result wake the parent, to hand out the next input.
        """
        owners: dict[int, tuple[Worker, Job | None]] = {self.control.fileno(): (self, None)}
        poller.register(self.control.fileno(), select.POLLIN)
        for job in self.jobs.values():
            events = (select.POLLOUT if job.unsent else 0) | (select.POLLIN if job.timer else 0)
            if job.socket is not None and events:
                poller.register(job.socket.fileno(), events)
                owners[job.socket.fileno()] = (self, job)
        return owners

    def exchange(self, job: Job) -> None:
        """Moves bytes to and from a job's child without waiting."""
        if job.unsent:
            self._send(job)
        self._receive(job)
        if job.timer is not None and (inputs := job.timer.check(job.received)):
            job.unsent = memoryview(bytes(job.unsent) + inputs)
            self._send(job)

    def _receive(self, job: Job) -> None:
        """Reads what is there."""
        while job.socket is not None:
            try:
                part = job.timer.receive(job.socket, CHUNK) if job.timer else job.socket.recv(CHUNK)
            except BlockingIOError:
                return
            except OSError:
                part = b""
            job.received += part
            job.flooded = job.flooded or len(job.received) > job.most
            if not part or job.flooded:
                job.close()

    def reports(self) -> list[tuple[Job, messages.Report]]:
        """The jobs that have ended, each with all its frames. Sets `dead` if the zygote has gone or sends nonsense."""
        try:
            part = self.control.recv(4096)
        except BlockingIOError:
            return []
        except OSError:
            part = b""
        if not part:
            self.dead = True
        self._buffer += part
        ended = []
        while len(self._buffer) >= messages.REPORT_SIZE:
            report = messages.Report.unpack(bytes(self._buffer[: messages.REPORT_SIZE]))
            del self._buffer[: messages.REPORT_SIZE]
            if next(iter(self.jobs), None) != report.job:
                self.dead = True
                break
            job = self.jobs.pop(report.job)
            self._receive(job)
            job.close()
            self._begin()
            if job.timer is not None:
                job.received = job.received.removeprefix(messages.frame(messages.STARTED))
                report = report._replace(cause=messages.TEST_LIMIT) if job.timer.over else report
            report = report._replace(cause=messages.WALL_LIMIT) if job.asleep else report
            ended.append((job, report))
        return ended

    def overdue(self) -> float:
        """Seconds until its present job must have been reported; after them the zygote is given up."""
        present = next(iter(self.jobs.values()), None)
        return self._began + present.wall + GRACE_SECONDS - time.monotonic() if present else START_SECONDS

    def close(self) -> None:
        """Ends an idle zygote in good order: it leaves when its socket closes. A busy or deaf one is killed."""
        if not self.jobs and not self.dead:
            self.control.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(LEAVING_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Ends the zygote and with it whatever runs under it."""
        self.dead = True
        self.control.close()
        self.process.kill()
        self.process.wait()
        for job in self.jobs.values():
            job.close()
