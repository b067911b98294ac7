"""Broken and forged input for everything that reads a file: each ends in an error that a user can read, in flat memory.

    PYTHONPATH=.:tests python tests/benchmarks/fuzz.py [--inputs 1000000] [--seed 0] [--only jsonl,gguf]

Each input is a valid one with a few bytes changed, cut, repeated, or replaced by what often breaks a reader: huge
lengths, deep nesting, long numbers, control characters. What counts as a failure: any exception but an AxiomError, a
second or more for one input, memory that grows.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import resource
import struct
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

from axiom_cli import jsonl
from axiom_cli.errors import AxiomError
from axiom_cli.ids import canonical
from axiom_cli.importing.readers import of_file
from axiom_cli.models.gguf_header import check_header
from axiom_cli.models.safetensors_header import stored_tensors
from axiom_cli.problems.families import draw
from axiom_cli.records import KINDS
from axiom_cli.workspace import bundle, receipts, refs, trees
from axiom_cli.workspace.store import Workspace

SLOW, GROWTH = 1.0, 200
"""Seconds for one input, and MiB by which memory may grow, above which something is wrong."""
HARD = [
    b"[" * 2000, b'{"a":' * 2000, b"9" * 5000, b"-" + b"9" * 400, b"1e999999", b"NaN", b"\\ud800", b"\xff\xfe", b"\x00",
    b"\x1b]0;T\x07", b"\n", b"\r", b'"', b",", b"{}", b"null", b"\xe2\x80\xae", b"../../x", b"sha256:",
    *(struct.pack("<Q", number) for number in (0, 1, 2**31, 2**32 - 1, 2**60, 2**63, 2**64 - 1)),
]  # fmt: skip
Reader = Callable[[bytes, Path], object]


def exhausted(lines: Iterator[object]) -> None:
    for _ in lines:
        pass


def imported(name: str) -> Reader:
    return lambda data, _: exhausted(of_file(io.BufferedReader(io.BytesIO(data)), name).lines)


def on_disk(read: Callable[[Path], object]) -> Reader:
    def reader(data: bytes, scratch: Path) -> None:
        scratch.write_bytes(data)
        read(scratch)

    return reader


def safetensors() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}, "__metadata__": {"a": "b"}})
    return struct.pack("<Q", len(header)) + header.encode() + bytes(16)


def gguf() -> bytes:
    def text(value: bytes) -> bytes:
        return struct.pack("<Q", len(value)) + value

    entries = text(b"general.name") + struct.pack("<I", 8) + text(b"nano")
    entries += text(b"tokens") + struct.pack("<IIQ", 9, 8, 2) + text(b"a") + text(b"b")
    entries += text(b"scores") + struct.pack("<IIQ", 9, 6, 2) + bytes(8)
    tensor = text(b"w") + struct.pack("<IQQIQ", 2, 2, 2, 0, 0)
    return b"GGUF" + struct.pack("<IQQ", 3, 1, 3) + entries + tensor + bytes(32)


def seeds(folder: Path) -> dict[str, tuple[bytes, Reader]]:
    """A valid input of each kind, and what reads it."""
    records = b"".join(map(jsonl.dump, draw.problems(["rpn", "arithmetic"], 3, [1, 2], "train", 0)))
    table = b'prompt,answer,level\n"What is 2, and 2?",4,1\nx,"a ""b""",2\n'
    workspace = Workspace.create(folder / ".axiom")
    recipe = {"stage": "train", "version": 1, "config": {"a": [1, 2.5]}, "inputs": {"rows": "0" * 64}}
    receipt = workspace.remember(recipe, lambda: {"made": workspace.put_bytes(records), "n": 3})
    workspace.set_ref("k", receipt["made"])
    bundle.write(workspace, "k", folder / "k.axiom")
    never = Workspace.open_or_create(folder / "never" / ".axiom")
    manifest = canonical({"kind": "tree", "files": {"a/b": "0" * 64, "c": "1" * 64}})
    return {
        "jsonl": (records, lambda data, _: exhausted(jsonl.read(io.BytesIO(data), *KINDS.values()))),
        "import jsonl": (b'{"prompt": "2 + 2?", "answer": "4"}\n' * 3, imported("a.jsonl")),
        "import json": (b'[{"prompt": "2 + 2?", "answer": 4}, {"prompt": "x"}]', imported("a.json")),
        "import csv": (table, imported("a.csv")),
        "import gz": (gzip.compress(table, mtime=0), imported("a.csv.gz")),
        "safetensors": (safetensors(), on_disk(stored_tensors)),
        "gguf": (gguf(), on_disk(lambda path: check_header(path, "hint"))),
        "bundle": ((folder / "k.axiom").read_bytes(), on_disk(lambda path: bundle.read(never, path))),
        "receipt": (receipts.encode(receipt), lambda data, _: receipts.decode(data, receipt.id)),
        "name": (refs.line("0" * 64), lambda data, _: refs.parse(data, "k")),
        "manifest": (manifest, lambda data, _: trees.parse(data, "0" * 64)),
    }


def broken(data: bytes, random: Random) -> bytes:
    """The input with one to four changes."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(changed) + 1)
        end = min(len(changed), at + random.choice([1, 1, 2, 8, 40]))
        change = random.randrange(6)
        if change == 0 and changed:
            changed[at % len(changed)] ^= 1 << random.randrange(8)
        elif change == 1:
            del changed[at:end]
        elif change == 2:
            changed[at:at] = changed[at:end] * random.choice([1, 2, 50])
        elif change == 3:
            changed[at : at + 8 * random.randrange(2)] = random.choice(HARD)
        elif change == 4:
            changed[at:end] = random.randbytes(end - at)
        else:
            del changed[random.randrange(len(changed) + 1) :]
    return bytes(changed)


def run(inputs: int, seed: int, only: set[str]) -> Iterator[tuple[str, str, bytes]]:
    """(kind, what was wrong, the input) for every input after which a user would complain."""
    random = Random(f"{seed}/fuzz")
    with tempfile.TemporaryDirectory() as name:
        kinds = {kind: pair for kind, pair in seeds(Path(name)).items() if not only or kind in only}
        scratch = Path(name) / "scratch"
        for data, read in kinds.values():
            read(data, scratch)
        for number in range(inputs):
            kind = list(kinds)[number % len(kinds)]
            data, began = broken(kinds[kind][0], random), time.process_time()
            try:
                kinds[kind][1](data, scratch)
            except AxiomError:
                pass
            except Exception:  # noqa: BLE001 - that is what is looked for
                yield kind, traceback.format_exc(), data
            if time.process_time() - began > SLOW:
                yield kind, f"took {time.process_time() - began:.1f} s", data


def memory() -> int:
    """The most MiB that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 10 if sys.platform == "linux" else 1 << 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    chosen = parser.parse_args()
    only = set(filter(None, chosen.only.split(",")))
    exhausted(run(min(1000, chosen.inputs), chosen.seed, only))
    before, bad = memory(), 0
    with closing(run(chosen.inputs, chosen.seed, only)) as found:
        for kind, what, data in found:
            bad += 1
            print(kind, what, repr(data[:300]), sep="\n", flush=True)
    grown = memory() - before
    print(f"{chosen.inputs:,} inputs, {bad} with something wrong; memory grew by {grown} MiB")
    sys.exit(bad > 0 or grown > GROWTH)


if __name__ == "__main__":
    main()
