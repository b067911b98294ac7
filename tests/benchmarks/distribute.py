"""What spreading work over a cluster costs, on one machine: two Ray workers on two cores beside one process. By hand:

    PYTHONPATH=.:tests python tests/benchmarks/distribute.py [--problems 1500] [--programs 3000] [--rounds 3]
        [--only solve,verify]

Both are kept to the same two cores, the cluster's own processes included. The one process forks a process a core (nano)
or starts a sandbox a core, which is in its time; each Ray worker has one of either. Models and the cluster are started
and warm, Ray's workers are not niced, rounds alternate and the best counts. Read the ratio on a quiet machine.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from functools import cache, partial
from itertools import islice
from pathlib import Path

from axiom_cli.audit.soundness import small_programs
from axiom_cli.cluster import engine as spread
from axiom_cli.cluster import verify as spread_verify
from axiom_cli.cluster.scheduler import Scheduler
from axiom_cli.problems.families import draw
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.sampling.engines.protocol import Engine
from axiom_cli.sampling.solve import open_engine, solve
from axiom_cli.settings.configs import DistributeConfig, SolveConfig, VerifyConfig
from axiom_cli.verification.verify import verify
from axiom_cli.workspace.store import Workspace
from ray_cluster import TOKEN, Cluster

CORES = 2
GOAL = 0.9
Ways = dict[str, Callable[[int], int]]


def drawn(count: int) -> list[Problem]:
    """As many problems of every family and level."""
    cells = [(name, level) for level in range(1, 11) for name in ("register_machine", "robot_walk", "queue_listing")]
    each = -(-count // len(cells))
    return [p for name, level in cells for p in islice(draw.stream(name, level, "train", 7, "answer"), each)][:count]


def settings(seed: int) -> SolveConfig:
    """Two samples each; another seed each round."""
    return SolveConfig(samples=2, max_tokens=768, temperature=0.8, engine="transformers", seed=seed)


def tokens(count: int, engine: Engine, seed: int) -> int:
    """Tokens that are written for so many problems."""
    return sum(sample.tokens for sample in solve(drawn(count), engine, settings(seed)))


def made(count: int, seed: int) -> list[Sample]:
    """Samples of programs, other texts each round."""
    samples = []
    for _, code, program in small_programs(count):
        problem = Problem("0" * 16, "made", "made", "", 3, "train", program=program)
        text = f"```python\n{code}# {seed}\n```"
        samples.append(Sample(problem, ModelRef("made", "0" * 64), "scripted", {}, 0, 1, text))
    return samples


@cache
def nano() -> Engine:
    """The engine of the one process."""
    return open_engine("nano", settings(0))


def tokens_alone(count: int, seed: int) -> int:
    """Tokens that are written in this process."""
    return tokens(count, nano(), seed)


def judged_alone(count: int, seed: int) -> int:
    """Programs that are judged from this process."""
    return sum(1 for _ in verify(made(count, seed), VerifyConfig()))


def solving(count: int, distributed: DistributeConfig) -> tuple[Ways, Scheduler]:
    """Both ways to write."""
    many = spread.open_engine("nano", settings(0), Workspace(Path(os.devnull)), distributed)
    return {"one process": partial(tokens_alone, count), "two workers": partial(tokens, count, many)}, many.scheduler


def verifying(count: int, distributed: DistributeConfig) -> tuple[Ways, Scheduler]:
    """Both ways to judge."""
    config = VerifyConfig()
    scheduler = spread_verify.open_sandboxes(config, distributed)

    def many(seed: int) -> int:
        return sum(1 for _ in spread_verify.verify(made(count, seed), scheduler, config))

    return {"one process": partial(judged_alone, count), "two workers": many}, scheduler


def elsewhere(alone: Executor, work: Callable[[int], int], seed: int) -> int:
    """What the work gives in a process that knows nothing of Ray."""
    return alone.submit(work, seed).result()


def ready(scheduler: Scheduler) -> None:
    """Waits until every worker is there."""
    while len(scheduler.ready) < CORES:
        scheduler.wait()


def measure(title: str, unit: str, ways: Ways, scheduler: Scheduler, alone: Executor, rounds: int) -> None:
    """Prints each way's best rate, and the ratio, when the workers are gone: until then nothing is printed."""
    ready(scheduler)
    ways["one process"] = partial(elsewhere, alone, ways["one process"])
    best = dict.fromkeys(ways, 0.0)
    for n in range(rounds + 1):
        for name, work in ways.items():
            started = time.perf_counter()
            rate = work(n) / (time.perf_counter() - started)
            best[name] = max(best[name], rate) if n else 0.0  # the first round warms up
    scheduler.close()
    for name, rate in best.items():
        print(f"{title:8} {name:12} {rate:10,.0f} {unit} a second")
    print(f"{title:8} ratio        {best['two workers'] / best['one process']:10.2f} (goal {GOAL})", flush=True)


def main() -> None:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=1500)
    parser.add_argument("--programs", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="solve,verify")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])  # what is started from here inherits it
    os.environ |= TOKEN
    cluster, alone = Cluster(), ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
    try:
        cluster.add()
        distributed = DistributeConfig(distribute="ray", ray_address=cluster.address, workers=CORES)
        if "solve" in arguments.only:
            measure("solve", "tokens", *solving(arguments.problems, distributed), alone, arguments.rounds)
        if "verify" in arguments.only:
            measure("verify", "programs", *verifying(arguments.programs, distributed), alone, arguments.rounds)
    finally:
        alone.shutdown()
        cluster.close()


if __name__ == "__main__":
    main()
