"""A workspace of a million objects: how long its commands take, and what the store costs beside writing and hashing.

    PYTHONPATH=.:tests python tests/benchmarks/scale.py [--objects 1000000] [--receipts 300000] [--folder DIR]

Receipts form chains as a loop's do: each is made from the one before it, and every hundredth object has a name. Seconds
are given until a command's first line and its end; `fsck` is compared with sha256sum over the same files.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from axiom_cli.workspace.store import Workspace
from command_line import AXIOM, environment

SIZE, BATCH, CHAIN = 600, 2000, 50
"""Bytes of an object, as of a sample; receipts that are written together; receipts in a chain."""


def fill(workspace: Workspace, objects: int, receipts: int) -> None:
    """Receipts with one object each, and further objects as their inputs; batches as `solve` writes them."""
    others, before = max(0, objects - receipts) // max(1, receipts), ""
    for start in range(0, receipts, BATCH):
        made = []
        for number in range(start, min(receipts, start + BATCH)):
            inputs = {f"other{n}": workspace.put_bytes(content(number, n + 1)) for n in range(others)}
            inputs |= {"before": before} if before and number % CHAIN else {}
            recipe = {"stage": "solve", "version": 3, "config": {"samples": 1, "start": number}, "inputs": inputs}
            before = workspace.put_bytes(content(number, 0))
            made.append((recipe, {"samples": before}))
        workspace.record(made)
        for number in range(start, min(receipts, start + BATCH), 100):
            workspace.set_ref(f"run{number}@1", made[number - start][1]["samples"])


def content(number: int, copy: int) -> bytes:
    head = f'{{"kind":"sample","number":{number},"copy":{copy},"text":"'.encode()
    return head + hashlib.shake_128(head).hexdigest((SIZE - len(head)) // 2).encode() + b'"}\n'


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def first_line(root: Path, *words: str) -> tuple[float, float]:
    """Seconds until a command's first line, and until its end."""
    began = time.perf_counter()
    command = [*AXIOM, "--workspace", str(root), "workspace", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment()) as process:
        assert process.stdout
        process.stdout.readline()
        first = time.perf_counter() - began
        process.stdout.read()
    return first, time.perf_counter() - began


def overhead(folder: Path, count: int) -> float:
    """The store's processor time over that of writing and hashing the same bytes to as many files."""
    data = [content(number, 9) for number in range(count)]
    (folder / "plain").mkdir()

    def plain() -> None:
        for number, one in enumerate(data):
            (folder / "plain" / f"{number}-{hashlib.sha256(one).hexdigest()}").write_bytes(one)
        os.sync()

    workspace = Workspace.create(folder / "overhead" / ".axiom")

    def stored() -> None:
        for one in data:
            workspace.put_bytes(one)
        workspace.objects.sync()

    began = time.process_time()
    plain()
    middle = time.process_time()
    stored()
    return (time.process_time() - middle) / (middle - began) - 1


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
        for words in (
            ["ls", "--json"],
            ["show", "run0@1"],
            ["why", "run0@1"],
            ["gc", "--dry-run"],
            ["gc", "--orphans"],
        ):
            first, whole = first_line(workspace.root, *words)
            print(f"{' '.join(words)}: first line {first:.1f} s, all {whole:.1f} s", flush=True)
        objects = workspace.root / "objects"
        command = f"find {objects} -type f -print0 | xargs -0 sha256sum > /dev/null"
        bare = seconds(lambda: subprocess.run(command, shell=True, check=True))
        checked = first_line(workspace.root, "fsck")[1]
        print(f"fsck {checked:.1f} s, sha256sum {bare:.1f} s: {bare / checked:.2f} of its speed", flush=True)
        count = min(20_000, chosen.objects)
        print(f"the store costs {100 * overhead(folder, count):.0f} % over writing and hashing {count:,} objects")


if __name__ == "__main__":
    sys.exit(main())
