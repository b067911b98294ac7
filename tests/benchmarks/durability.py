"""Kills and faults at random points of commands; afterwards the same command must end as if nothing had happened.

    PYTHONPATH=.:tests python tests/benchmarks/durability.py [--kills 500] [--faults 200] [--seed 0] [--only merge,gc]

`faults.c`, loaded into the command, fails or kills it at its nth write, fsync, rename, ... below the command's folder.
It skips the flush itself. A command is a fork of a process that has loaded the libraries: it does what a new one does.
What counts as a failure here: a traceback, an exit code other than 0 and 4, no single line that names a file, a
second run that differs from an undisturbed one, a workspace in which fsck finds something.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random

import fork_server
from command_line import environment

HERE = Path(__file__).parent
OPERATIONS = ("write", "fsync", "rename", "open", "link", "unlink", "flock", "mkdir", "ftruncate", "mmap")
LONGEST = 900
"""Seconds after which a command counts as one that does not end."""
ERRORS = ("ENOSPC", "EDQUOT", "EIO", "EROFS", "EMFILE", "EACCES", "SHORT")
COMMANDS = (
    "problems gen rpn --count 5 -o out.jsonl",
    "problems import rows.jsonl --as jsonl -o out.jsonl",
    "solve p.jsonl --engine scripted --model solver --samples 2 -o out.jsonl",
    "verify s.jsonl -o out.jsonl",
    "coldstart p.jsonl --traces 2 -o out.jsonl",
    "workspace gc --orphans",
)
HEAVY = (
    "train v.jsonl --method lora --epochs 1 --checkpoint-seconds 0.2 -o out.jsonl",
    "merge b.jsonl -o out.jsonl",
    "export NAMED out",
    "workspace gc --all --orphans",
    "workspace export NAMED out.axiom --bundle",
    "--workspace other workspace import m.axiom",
    "loop --experiment k --iterations 1 --problems queue_listing --max-difficulty 2 --train-size 20 --val-size 2"
    " --test-size 2 --ignore-gates",
)
"""Commands with a model, which take seconds each. NAMED is a merged model's digest."""
_OBSERVED = re.compile(rb'"(seconds|timestamp|made)":("[^"]*"|[0-9.e-]+)')


def library(folder: Path) -> Path:
    """The compiled injector; FileNotFoundError without a C compiler."""
    file = folder / "faults.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-w", "-o", file, HERE / "faults.c", "-ldl"], check=True)
    return file


def run(line: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[bytes]:
    (cwd / "tmp").mkdir(exist_ok=True)
    if "NAMED" in line:
        line = line.replace("NAMED", json.loads((cwd / "m.jsonl").read_text())["digest"])
    settings = environment(TMPDIR=str(cwd / "tmp"), **env)
    try:
        return fork_server.run(line.split(), cwd, settings, b"", timeout=LONGEST)
    except TimeoutError:
        return subprocess.CompletedProcess(line, -1, b"", b"it did not end")


def prepared(folder: Path, *, heavy: bool = False) -> Path:
    """A folder with the inputs of every command, and a workspace in which something is done already; with those of the
    `heavy` ones, if they are wanted."""
    folder.mkdir()
    (folder / "rows.jsonl").write_text('{"prompt": "What is 2 + 2?", "answer": "4"}\n')
    for line in (
        "problems gen rpn --count 3 -o p.jsonl",
        "solve p.jsonl --engine scripted --model solver --samples 1 -o s.jsonl",
        *(
            [
                "problems gen queue_listing --count 20 --difficulty 1 -o q.jsonl",
                "coldstart q.jsonl --traces 1 -o v.jsonl",
                "train v.jsonl --method lora --epochs 1 --seed 7 -o a.jsonl",
                "train v.jsonl --method lora --epochs 1 --seed 8 -o b.jsonl",
                "merge a.jsonl -o m.jsonl",
                "workspace export NAMED m.axiom --bundle",
            ]
            * heavy
        ),
    ):
        done = run(line, folder)
        assert done.returncode == 0, done.stderr
    return folder


def outcome(folder: Path) -> dict[str, str]:
    """What a command leaves, with a digest of each: its output, and the workspace's objects and names."""
    files = [path for name in ("out.jsonl", "out.gguf", "out.axiom", "out/*") for path in sorted(folder.glob(name))]
    for workspace in (".axiom", "other"):
        files += [*sorted((folder / workspace).glob("objects/*/*")), *sorted((folder / workspace / "refs").glob("*"))]
    own = bytes(folder)
    return {
        str(path.relative_to(folder)): sha256(_OBSERVED.sub(b"", path.read_bytes().replace(own, b""))).hexdigest()[:12]
        for path in files
    }


def counted(line: str, folder: Path) -> Counter[str]:
    """How often an undisturbed run does each operation below its folder."""
    log = folder.parent / "log"
    log.unlink(missing_ok=True)
    run(line, folder, FI_PREFIX=str(folder), FI_OP=",".join(OPERATIONS), FI_LOG=str(log))
    return Counter(entry.split()[2] for entry in log.read_text().splitlines()) if log.exists() else Counter()


@dataclass(frozen=True)
class Trial:
    """What is done to a command: `error` at its `nth` operation, and at every later one if it is `sticky`."""

    line: str
    operation: str
    nth: int
    error: str
    sticky: bool

    def __str__(self) -> str:
        return f"{self.error} at {self.operation} {self.nth}{' and later' * self.sticky} of {self.line}"


def drawn(kills: int, faults: int, seed: int, counts: dict[str, Counter[str]]) -> list[Trial]:
    """Kills and faults at random points of random commands, in random order."""
    random = Random(f"{seed}/durability")
    errors = ["KILL"] * kills + [random.choice(ERRORS) for _ in range(faults)]
    random.shuffle(errors)
    found = []
    for error in errors:
        line = random.choice([line for line in counts if counts[line]])
        operation = random.choice(sorted(counts[line]))
        nth = random.randint(1, counts[line][operation])
        found.append(Trial(line, operation, nth, error, sticky=random.random() < 0.3))
    return found


def trials(
    kills: int, faults: int, seed: int, commands: tuple[str, ...] = COMMANDS, jobs: int = 1
) -> Iterator[tuple[str, bool, list[str]]]:
    """(what was to be done, whether it came to that, what was wrong after it) for each kill and fault."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        top = Path(name)
        injector = library(top)
        stack.callback(os.environ.update, {k: v for k, v in os.environ.items() if k == fork_server.ADDRESS})
        stack.callback(fork_server.start(environment(LD_PRELOAD=str(injector))))
        template = prepared(top / "template", heavy=bool({*commands} & {*HEAVY}))
        work, wanted, counts = top / "work", {}, {}
        for line in commands:
            shutil.copytree(template, work)
            counts[line] = counted(line, work)
            wanted[line] = outcome(work)
            shutil.rmtree(work)

        def tried(trial: Trial) -> tuple[str, bool, list[str]]:
            with tempfile.TemporaryDirectory(dir=top) as own:
                work, log = shutil.copytree(template, Path(own) / "work"), Path(own) / "log"
                env = {"FI_PREFIX": str(work), "FI_OP": trial.operation, "FI_N": str(trial.nth), "FI_ERR": trial.error}
                sticky = {"FI_STICKY": "1"} if trial.sticky else {}
                done = run(trial.line, work, FI_LOG=str(log), **env, **sticky)
                hit = log.exists() and " HIT\n" in log.read_text()
                killed = trial.error == "KILL"
                return str(trial), hit, wrong(done, trial.line, work, wanted[trial.line], killed=killed)

        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(tried, drawn(kills, faults, seed, counts))


def wrong(
    done: subprocess.CompletedProcess[bytes], line: str, folder: Path, wanted: dict[str, str], *, killed: bool
) -> list[str]:
    """What a user would complain about."""
    said, found = done.stderr.decode(), []
    errors = [one for one in said.splitlines() if one.startswith("error: ")]
    if "Traceback" in said:
        found.append(f"a traceback: {said.strip().splitlines()[-1]}")
    if not killed and done.returncode not in (0, 4):
        found.append(f"exit code {done.returncode}: {said.strip()[-300:]}")
    if done.returncode == 4 and (len(errors) != 1 or not re.search(r"\.jsonl|\.axiom|out|other|/", errors[0])):
        found.append(f"not one line that names a file: {errors}")
    again = run(line, folder)
    if again.returncode != 0:
        found.append(f"the same command again: exit code {again.returncode}, {again.stderr.decode().strip()[-300:]}")
    if differs := sorted({*outcome(folder).items()} ^ {*wanted.items()}):
        found.append(f"the same command again ends otherwise: {differs}")
    for workspace in (".axiom", "other"):
        if not (folder / workspace / "format").exists():
            continue
        checked = run(f"--workspace {workspace} workspace fsck", folder)
        if checked.returncode != 0:
            found.append(f"fsck of {workspace}: {checked.stderr.decode().strip()[-200:]}")
    if left := [path.name for path in folder.iterdir() if path.name.startswith(".out")]:
        found.append(f"left: {left}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--only", default="", help="words, separated by commas: commands that hold one of them")
    chosen = parser.parse_args()
    wanted = tuple(line for line in (*COMMANDS, *HEAVY) if any(word in line for word in chosen.only.split(",")))
    bad, hits, began = 0, 0, time.monotonic()
    outcomes = trials(chosen.kills, chosen.faults, chosen.seed, wanted, chosen.jobs)
    for number, (what, hit, found) in enumerate(outcomes, 1):
        bad, hits = bad + bool(found), hits + hit
        if found:
            print(what, *found, sep="\n    ", flush=True)
        if number % 50 == 0:
            minutes = (time.monotonic() - began) / 60
            print(f"{number} done in {minutes:.0f} min, {hits} happened; {bad} with something wrong", flush=True)
    print(f"{chosen.kills} kills and {chosen.faults} faults, {hits} of which happened; {bad} with something wrong")
    sys.exit(bool(bad))


if __name__ == "__main__":
    assert os.name == "posix"
    main()
