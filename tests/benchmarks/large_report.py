"""The report of a run of 100 rounds with a million verdicts, and how soon `axiom view` opens it: processor time,
memory, and the size of the page.

    PYTHONPATH=.:tests python tests/benchmarks/large_report.py [--rounds 100] [--problems 4800] [--folder DIR]

Every model is evaluated greedily on as many validation and test problems; the first and the last one with four samples
of each test problem more. A verdict takes 2.9 kB, as one of nano's does in the default run. The experiment is made
once, and stays in the folder.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import orjson

from axiom_cli import jsonl
from axiom_cli.evaluation.metrics import evaluate, phase_row
from axiom_cli.records import Metrics, ModelRef, Problem, Sample, Verdict
from command_line import AXIOM, environment

FAMILIES = ("queue_listing", "register_machine", "robot_walk")
LEVELS = range(1, 11)
LINES = 34
SAMPLED, SAMPLES = 0.7, 4
NAME = "large"


def problem(split: str, number: int) -> Problem:
    """A problem of a family and a level, by its number."""
    family = FAMILIES[number % 3]
    level = LEVELS[number // 3 % len(LEVELS)]
    prompt = "Run these lines and write P, Q and R at the end:\n" + "\n".join(
        f"l{line} P + {number % 7}" for line in range(LINES)
    )
    title = f"{family}, level {level}, number {number}"
    return Problem(f"{split}{number:015x}", family, title, prompt, level, split, f"{number % 9} 1 2")


def verdict(of: Problem, good: bool, iteration: int, temperature: float, index: int) -> Verdict:
    """A judged completion of the usual length."""
    steps = "\n".join(f"l{line} P + 3: {line % 9} {index} 2" for line in range(LINES))
    text = f"<think>\n{steps}\n</think>\nAnswer: {of.answer if good else 'none'}"
    params = {"temperature": temperature, "top_p": 1.0, "max_tokens": 640, "seed": 0}
    tokens = [400 + n % 300 for n in range(320)]
    sample = Sample(
        of, ModelRef(f"{NAME}@{iteration}", "d" * 64), "transformers", params, index, 1, text, tokens, "stop", 320
    )
    return Verdict(sample, "pass" if good else "fail", int(good), 1, "" if good else "wrong answer", "exact")


def judged(split: str, iteration: int, rounds: int, problems: int, samples: int) -> Iterator[Verdict]:
    """The greedy verdicts of an evaluation, then those of `samples` samples a problem."""
    rate = 0.35 + 0.5 * iteration / rounds
    for temperature, count in ((0.0, 1), (SAMPLED, samples)):
        for number in range(problems):
            of = problem(split, number)
            hard = 0.7 * Random(of.id).random() + 0.3 * Random(f"{of.id}/{iteration}/{temperature}").random()
            for index in range(count):
                yield verdict(of, hard < rate, iteration, temperature, index)


def make(folder: Path, rounds: int, problems: int) -> int:
    """Writes the experiment; the number of its verdicts."""
    rows: list[Metrics] = []
    count = 0
    for iteration in range(rounds + 1):
        for split in ("val", "test"):
            samples = SAMPLES if split == "test" and iteration in (0, rounds) else 0
            verdicts = list(judged(split, iteration, rounds, problems, samples))
            count += jsonl.save(folder / "evaluations" / f"{split}_{iteration}.jsonl", verdicts)
            rows += evaluate(
                verdicts, NAME, iteration, split, 9.0, {"model": f"{NAME}@{iteration}", "digest": "d" * 64}
            )
        if iteration < rounds:
            mix = {"new": 0.85, "history": 0.05, "cold": 0.1}
            rows.append(phase_row(NAME, iteration, "collect", 61.5, 410_000, 1500, 700))
            rows.append(phase_row(NAME, iteration, "train", 44.2, 230_000, 900, 0, {"replay": mix, "loss": 0.1}))
    jsonl.save(folder / "metrics.jsonl", rows)
    config = {"experiment": NAME, "iterations": rounds, "axiom": "0.1.0", "model": {"name": "nano", "digest": "d" * 64}}
    (folder / "config.json").write_bytes(orjson.dumps(config))
    return count


def report(root: Path) -> None:
    """Runs `axiom report` on it, and prints what that took."""
    page = root / "large.html"
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [*AXIOM, "report", NAME, "--html", str(page), "--format", "json"]
    subprocess.run(command, cwd=root, env=environment(), check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{time.perf_counter() - began:.1f} s, {processor:.1f} s of a processor, "
        f"{after.ru_maxrss / 2**10:,.0f} MiB at most, page {page.stat().st_size / 1e6:.2f} MB"
    )


OPENING = f"""
import asyncio, os, time
from axiom_cli.viewer.app import Viewer
from axiom_cli.viewer.run_state import read_run

async def opened():
    async with Viewer(read_run("{NAME}")).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        spent = time.process_time()
        await pilot.press("enter")
        await pilot.app.workers.wait_for_complete()
        await pilot.pause()
        more = time.process_time() - spent
        print(f"axiom view: open after {{spent:.2f}} s of a processor, a model's samples {{more:.2f}} s later")

asyncio.run(opened())
"""


def view(root: Path) -> None:
    """Opens it in `axiom view`, without a terminal, and prints what that took, the start of Python included."""
    subprocess.run([sys.executable, "-c", OPENING], cwd=root, env=environment(), check=True)


def main() -> None:
    """Makes the experiment unless it is there, and reports it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--problems", type=int, default=4800)
    parser.add_argument("--folder", type=Path, default=Path(os.environ.get("TMPDIR", "/tmp")) / "axiom_large_report")
    given = parser.parse_args()
    folder = given.folder / "experiments" / NAME
    if not (folder / "config.json").exists():
        print(f"{make(folder, given.rounds, given.problems):,} verdicts written", file=sys.stderr)
    report(given.folder)
    view(given.folder)


if __name__ == "__main__":
    main()
