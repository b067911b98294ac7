"""Runs the canaries: which isolation level holds in a worker is seen, not assumed."""

from __future__ import annotations

import select

from axiom_cli import records
from axiom_cli.sandbox import levels, suite
from axiom_cli.sandbox.inside import messages
from axiom_cli.sandbox.worker import Job, Worker


def probe(worker: Worker, wall: float) -> tuple[levels.Level, list[str]]:
    """The level that held, and what is missing and why. A canary may take `wall` seconds."""
    blocked: set[str] = set()
    for flags, code, names in (
        (0, levels.FILTERED, levels.FILTERED_NAMES),
        (messages.UNFILTERED, levels.UNFILTERED, levels.UNFILTERED_NAMES),
    ):
        tests = [{"args": [name], "expected": "blocked"} for name in names]
        program = records.Program("canary", "def canary(name)", tests=tests)
        blocked |= _blocked(worker, Job(suite.prepare(program), code, flags, wall=wall), names)
    layers = [f"{layer}: {why}" for layer, why in worker.missing.items()]
    allowed = {*levels.FILTERED_NAMES, *levels.UNFILTERED_NAMES} - blocked - worker.missing.keys()
    return levels.level(blocked), layers + [f"a canary could {name}" for name in sorted(allowed)]


def _blocked(worker: Worker, job: Job, names: tuple[str, ...]) -> set[str]:
    worker.submit(job)
    while not worker.dead:
        poller = select.poll()
        worker.register(poller)
        poller.poll(max(0.0, worker.overdue()) * 1000 + 1)
        worker.exchange(job)
        for _job, report in worker.reports():
            return levels.blocked(names, bytes(job.received), report)
        worker.dead = worker.dead or worker.overdue() <= 0
    return set()
