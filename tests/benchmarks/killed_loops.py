"""Loops of nano for hours, killed every few minutes: what they end with, and what grows meanwhile.

    PYTHONPATH=.:tests python tests/benchmarks/killed_loops.py [--hours 2] [--least 60] [--most 180] [--seed 0]
        [--train-size 400]

One loop after another, each with a seed of its own, in one folder. A loop is killed (SIGKILL, to all its processes)
after a random time from `--least` to `--most` seconds, and started again until it ends. Then it is run once without
kills, in another folder, and must have the same digests. What is looked at every two seconds: resident memory,
descriptors and threads of all its processes; and the bytes of the first folder when a loop has ended. Exit status 1: a
digest that differs, a run that fails, damage that fsck finds, leftovers, or a maximum that grows by more than a tenth
from the first third of the loops to the last.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path
from random import Random

import psutil

from command_line import AXIOM, environment

LOOP = ["loop", "--iterations", "2", "--val-size", "40", "--test-size", "40", "--ignore-gates"]
EVERY = 2.0
GROWTH = 1.1


@dataclass
class Most:
    """The most that a run's processes had together."""

    mebibytes: float = 0.0
    descriptors: int = 0
    threads: int = 0

    def look(self, pid: int) -> None:
        size = descriptors = threads = 0
        try:
            processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        for process in processes:
            try:
                size += process.memory_info().rss
                descriptors += process.num_fds()
                threads += process.num_threads()
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        self.mebibytes = max(self.mebibytes, size / 2**20)
        self.descriptors, self.threads = max(self.descriptors, descriptors), max(self.threads, threads)


def run(folder: Path, seed: int, most: Most, kill_after: float = 1e9) -> int | None:
    """The exit status of a loop in `folder`, or None if it was killed."""
    command = [*AXIOM, *LOOP, "--experiment", f"run{seed}", "--seed", str(seed)]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(), stdout=log, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + kill_after
    while process.poll() is None:
        most.look(process.pid)
        if time.monotonic() > deadline:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None
        time.sleep(EVERY)
    return process.returncode


def digests(folder: Path, seed: int) -> dict[str, str]:
    """What the names of a run point to."""
    refs = folder / ".axiom" / "refs"
    return {path.name: path.read_text() for path in sorted(refs.glob(f"run{seed}@*"))}


def leftovers(folder: Path) -> list[str]:
    """Unfinished files that the end of a run did not remove, outside of tmp, which gc looks after."""
    found = [
        *folder.glob("experiments/*/.*.????????"),
        *folder.glob(".axiom/states/*"),
        *folder.glob("experiments/*/.lock"),
    ]
    return [str(path) for path in found]


def size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) >> 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--least", type=float, default=60.0)
    parser.add_argument("--most", type=float, default=180.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train-size", type=int, default=400)
    chosen = parser.parse_args()
    LOOP.extend(["--train-size", str(chosen.train_size)])
    random, began, kills, bad, seen = Random(f"{chosen.seed}/killed_loops"), time.monotonic(), 0, [], []
    with tempfile.TemporaryDirectory() as name:
        killed, whole = Path(name) / "killed", Path(name) / "whole"
        killed.mkdir()
        whole.mkdir()
        seed = chosen.seed
        while time.monotonic() - began < 3600 * chosen.hours:
            seed, most, status = seed + 1, Most(), None
            while status is None:
                status = run(killed, seed, most, random.uniform(chosen.least, chosen.most))
                kills += status is None
            undisturbed = run(whole, seed, Most())
            if status or undisturbed or digests(killed, seed) != digests(whole, seed) or not digests(whole, seed):
                bad.append(
                    f"run{seed}: exit {status} and {undisturbed}, {digests(killed, seed)}, {digests(whole, seed)}"
                )
            bad += leftovers(killed)
            seen.append(most)
            print(f"run{seed}: {kills} kills so far, {most}, {size(killed)} MiB on disk", flush=True)
        checked = subprocess.run([*AXIOM, "workspace", "fsck"], cwd=killed, env=environment(), capture_output=True)
        bad += [checked.stderr.decode()] * bool(checked.returncode)
    third = max(1, len(seen) // 3)
    for what, first, last in zip(Most.__annotations__, maxima(seen[:third]), maxima(seen[-third:]), strict=True):
        print(f"{what}: {first:.0f} in the first third, {last:.0f} in the last")
        if last > GROWTH * first:
            bad.append(f"{what} grew")
    print(
        f"{len(seen)} loops, {kills} kills in {time.monotonic() - began:.0f} s; {len(bad)} with something wrong",
        *bad,
        sep="\n",
    )
    sys.exit(bool(bad))


def maxima(seen: list[Most]) -> list[float]:
    return [max(column) for column in zip(*map(astuple, seen), strict=True)]


if __name__ == "__main__":
    main()
