"""A workspace of a million objects: how long its commands take, and what the store costs beside writing and hashing.
They are written as axiom writes them, without waiting for the disk.

    PYTHONPATH=.:tests python tests/benchmarks/scale.py [--objects 1000000] [--receipts 300000] [--folder DIR]

Receipts form chains as a loop's do: each is made from the one before it, and every hundredth object has a name. Seconds
are given until a command's first line and its end, with the processor's, since a machine may be busy; `fsck` is
compared with sha256sum over the same files.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

from axiom_cli import ids, jsonl
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.workspace import refs
from axiom_cli.workspace.receipts import Receipt, encode, normal
from axiom_cli.workspace.store import Workspace
from command_line import AXIOM, environment

SIZE, CHAIN, NAMED = 700, 50, 100
"""About the bytes of a sample; receipts in a chain; receipts for each name."""
SAMPLE = Sample(
    Problem("ID", "rpn", "rpn, level 3", "Evaluate the postfix expression: 9 1 3 - + 6 -", 3, "train", "1"),
    ModelRef("solver", "7" * 64), "scripted", {"temperature": 0.7, "top_p": 1.0, "max_tokens": 512, "seed": 0}, 0, 1,
    "<think>\nTEXT\n</think>\nAnswer: 1", [], "stop", 8,
)  # fmt: skip


def fill(workspace: Workspace, objects: int, receipts: int) -> None:
    """Receipts with one sample each, and further samples as their inputs. Each file is written as axiom writes it, and
    renamed, but not flushed."""
    before = ""
    for first in range(256):
        (workspace.objects.folder / f"{first:02x}").mkdir(exist_ok=True)
    template = jsonl.dump(SAMPLE)

    def put(number: int, copy: int) -> str:
        text = hashlib.shake_128(b"%d/%d" % (number, copy)).hexdigest(100).encode()
        data = template.replace(b"ID", problem_id(number).encode(), 1).replace(b"TEXT", text, 1)
        digest = ids.digest(data)
        place(f"{workspace.objects.folder}/{digest[:2]}/{digest[2:]}", data)
        return digest

    def place(target: str, data: bytes) -> None:
        draft = f"{workspace.objects.temporary}/draft"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        os.write(handle, data)
        os.close(handle)
        os.rename(draft, target)

    for number in range(receipts):
        others = (objects - receipts) * (number + 1) // receipts - (objects - receipts) * number // receipts
        inputs = {f"other{n}": put(number, n + 1) for n in range(others)}
        inputs |= {"before": before} if before and number % CHAIN else {}
        recipe = {"stage": "solve", "version": 3, "config": {"samples": 1, "start": number}, "inputs": inputs}
        before = put(number, 0)
        made = (datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=number)).isoformat()
        receipt = Receipt(normal(recipe), {"samples": before}, {}, made, 0.5)
        place(f"{workspace.root}/receipts/{receipt.id}.json", encode(receipt))
        if number % NAMED == 0:
            place(f"{workspace.root}/refs/run{number}@1", refs.line(before))


def problem_id(number: int) -> str:
    return f"{number:016x}"


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def spent(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def spent_by(process: int) -> float:
    """Processor seconds of a running process, as Linux tells them."""
    ticks = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def first_line(root: Path, *words: str) -> tuple[float, float, float, float]:
    """Seconds until a command's first line, and until its end; processor seconds until each."""
    began, before = time.perf_counter(), spent(resource.getrusage(resource.RUSAGE_CHILDREN))
    command = [*AXIOM, "--workspace", str(root), "workspace", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()) as process:
        assert process.stdout
        process.stdout.readline()
        first, first_spent = time.perf_counter() - began, spent_by(process.pid)
        process.stdout.read()
    whole = time.perf_counter() - began
    return first, whole, first_spent, spent(resource.getrusage(resource.RUSAGE_CHILDREN)) - before


def overhead(folder: Path, size: int, count: int) -> float:
    """The store's processor time over that of hashing the same bytes and writing them to as many files in as many
    folders. Both in turn, forty times; the median of each."""
    folder.mkdir()
    workspace = Workspace.create(folder / ".axiom")
    for number in range(256):
        (folder / f"{number:02x}").mkdir()
        (workspace.objects.folder / f"{number:02x}").mkdir()
    times: dict[str, list[float]] = {"plain": [], "stored": []}
    for _ in range(40):
        for how, passed in times.items():
            data = [os.urandom(size) for _ in range(count)]
            began = time.process_time()
            for one in data:
                if how == "stored":
                    workspace.put_bytes(one)
                else:
                    digest = hashlib.sha256(one).hexdigest()
                    (folder / digest[:2] / digest[2:]).write_bytes(one)
            passed.append(time.process_time() - began)
    return statistics.median(times["stored"]) / statistics.median(times["plain"]) - 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--receipts", type=int, default=300_000)
    parser.add_argument("--folder", type=Path, default=None)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder = Path(name)
        workspace = Workspace.create(folder / ".axiom")
        filled = seconds(lambda: fill(workspace, chosen.objects, chosen.receipts))
        print(f"{chosen.objects:,} objects and {chosen.receipts:,} receipts written in {filled:.0f} s", flush=True)
        receipts = chosen.receipts
        for words in (
            ["ls"],
            ["ls"],
            ["show", "run0@1"],
            ["why", "run0@1"],
            ["why", problem_id(receipts // 2 // CHAIN * CHAIN)],
            ["why", problem_id(receipts // 3 // CHAIN * CHAIN)],
            ["gc", "--dry-run"],
            ["gc", "--orphans"],
        ):
            first, whole, spent_first, spent_whole = first_line(workspace.root, *words)
            told = f"first line {first:.1f} s, all {whole:.1f} s"
            print(f"{' '.join(words)}: {told} (processor: {spent_first:.1f} s, {spent_whole:.1f} s)", flush=True)
        objects = workspace.root / "objects"
        command = f"find {objects} -type f -print0 | xargs -0 sha256sum > /dev/null"
        subprocess.run(command, shell=True, check=True)
        before = spent(resource.getrusage(resource.RUSAGE_CHILDREN))
        bare = seconds(lambda: subprocess.run(command, shell=True, check=True))
        bare_spent = spent(resource.getrusage(resource.RUSAGE_CHILDREN)) - before
        _, checked, _, fsck_spent = first_line(workspace.root, "fsck")
        speed = f"{bare / checked:.2f} of its speed; processor: {fsck_spent:.1f} s, {bare_spent:.1f} s"
        print(f"fsck {checked:.1f} s, sha256sum {bare:.1f} s: {speed}", flush=True)
        for size, count in ((SIZE, 400), (20_000, 200), (200_000, 40)):
            share = overhead(folder / str(size), size, count)
            print(f"the store costs {100 * share:.0f} % over writing and hashing objects of {size:,} bytes", flush=True)


if __name__ == "__main__":
    sys.exit(main())
