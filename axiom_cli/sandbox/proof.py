"""Runs the canaries: which isolation level holds in a worker is seen, not assumed."""

from __future__ import annotations

import select

from axiom_cli.sandbox import levels, suite
from axiom_cli.sandbox.inside import messages
from axiom_cli.sandbox.worker import Job, Worker


def prove(worker: Worker, wall: float) -> tuple[str, list[str]]:
    """The level that held, and what is missing and why. A canary may take `wall` seconds."""
    blocked: set[str] = set()
    for flags in (0, messages.UNFILTERED):
        code, program = levels.canaries(filtered=not flags)
        blocked |= _blocked(worker, Job(suite.prepare(program), code, flags, wall=wall))
    layers = [f"{layer}: {why}" for layer, why in worker.missing.items()]
    names = {*levels.FILTERED_NAMES, *levels.UNFILTERED_NAMES} - blocked - worker.missing.keys()
    return levels.level(blocked), layers + [f"a canary could {name}" for name in sorted(names)]


def _blocked(worker: Worker, job: Job) -> set[str]:
    worker.submit(job)
    while not worker.dead:
        poller = select.poll()
        worker.watch(poller)
        poller.poll(max(0.0, worker.overdue()) * 1000 + 1)
        worker.exchange(job)
        for _job, report in worker.reports():
            return levels.blocked(job.suite, bytes(job.received), report)
        worker.dead = worker.dead or worker.overdue() <= 0
    return set()
