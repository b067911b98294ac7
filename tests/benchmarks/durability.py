"""Kills and faults at random points of commands; afterwards the same command must end as if nothing had happened.

    PYTHONPATH=.:tests python tests/benchmarks/durability.py [--kills 500] [--faults 200] [--seed 0] [--only merge,gc]

`faults.c`, loaded into the command, fails or kills at its nth write, fsync, rename, ... below the command's folder.
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
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from random import Random

from command_line import AXIOM, environment

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
    "merge a.jsonl -o out.jsonl",
    "export NAMED out",
    "workspace gc --all --orphans",
    "workspace export NAMED out.axiom --bundle",
    "--workspace other workspace import m.axiom",
    "loop --experiment k --iterations 1 --problems queue_listing --max-difficulty 2 --train-size 40 --val-size 4"
    " --test-size 4 --ignore-gates",
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
    command = [*AXIOM, *line.split()]
    try:
        return subprocess.run(command, cwd=cwd, env=settings, capture_output=True, timeout=LONGEST)
    except subprocess.TimeoutExpired as error:
        return subprocess.CompletedProcess(command, -9, b"", b"it did not end: " + (error.stderr or b""))


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
                "problems gen queue_listing --count 40 --difficulty 1 -o q.jsonl",
                "coldstart q.jsonl --traces 1 -o v.jsonl",
                "train v.jsonl --method lora --epochs 1 --seed 7 -o a.jsonl",
                "merge a.jsonl -o m.jsonl",
                "workspace export NAMED m.axiom --bundle",
            ]
            * heavy
        ),
    ):
        done = run(line, folder)
        assert done.returncode == 0, done.stderr
    return folder


def outcome(folder: Path) -> str:
    """A digest of what a command leaves: its output, and the workspace's objects and names."""
    files = [path for name in ("out.jsonl", "out.gguf", "out.axiom", "out/*") for path in sorted(folder.glob(name))]
    for workspace in (".axiom", "other"):
        files += [*sorted((folder / workspace).glob("objects/*/*")), *sorted((folder / workspace / "refs").glob("*"))]
    whole = sha256()
    for path in files:
        whole.update(path.name.encode() + _OBSERVED.sub(b"", path.read_bytes()))
    return whole.hexdigest()


def counted(line: str, folder: Path, faults: Path) -> Counter[str]:
    """How often an undisturbed run does each operation below its folder."""
    log = folder.parent / "log"
    log.unlink(missing_ok=True)
    run(line, folder, LD_PRELOAD=str(faults), FI_PREFIX=str(folder), FI_OP=",".join(OPERATIONS), FI_LOG=str(log))
    return Counter(entry.split()[2] for entry in log.read_text().splitlines()) if log.exists() else Counter()


def trials(kills: int, faults: int, seed: int, commands: tuple[str, ...] = COMMANDS) -> Iterator[tuple[str, list[str]]]:
    """(what was done, what was wrong after it) for each kill and fault."""
    random = Random(f"{seed}/durability")
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        injector, template = library(top), prepared(top / "template", heavy=bool({*commands} & {*HEAVY}))
        work, wanted, counts = top / "work", {}, {}
        for line in commands:
            shutil.copytree(template, work)
            counts[line] = counted(line, work, injector)
            wanted[line] = outcome(work)
            shutil.rmtree(work)
        for number in range(kills + faults):
            line = random.choice([line for line in commands if counts[line]])
            operation = random.choice(sorted(counts[line]))
            nth = random.randint(1, counts[line][operation])
            error = "KILL" if number < kills else random.choice(ERRORS)
            sticky = {"FI_STICKY": "1"} if random.random() < 0.3 else {}
            shutil.copytree(template, work)
            env = {"LD_PRELOAD": str(injector), "FI_PREFIX": str(work), "FI_OP": operation, "FI_N": str(nth)}
            done = run(line, work, **env, FI_ERR=error, **sticky)
            yield (
                f"{error} at {operation} {nth} of {line}",
                wrong(done, line, work, wanted[line], killed=error == "KILL"),
            )
            shutil.rmtree(work)


def wrong(done: subprocess.CompletedProcess[bytes], line: str, folder: Path, wanted: str, *, killed: bool) -> list[str]:
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
    if outcome(folder) != wanted:
        found.append("the same command again ends otherwise")
    for workspace in (".axiom", "other"):
        if not (folder / workspace / "format").exists():
            continue
        if (checked := run(f"--workspace {workspace} workspace fsck", folder)).returncode != 0:
            found.append(f"fsck of {workspace}: {checked.stderr.decode().strip()[-200:]}")
    if left := [path.name for path in folder.iterdir() if path.name.startswith(".out")]:
        found.append(f"left: {left}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="words, separated by commas: commands that hold one of them")
    chosen = parser.parse_args()
    wanted = tuple(line for line in (*COMMANDS, *HEAVY) if any(word in line for word in chosen.only.split(",")))
    bad = 0
    for what, found in trials(chosen.kills, chosen.faults, chosen.seed, wanted):
        bad += bool(found)
        if found:
            print(what, *found, sep="\n    ", flush=True)
    print(f"{chosen.kills} kills and {chosen.faults} faults; {bad} with something wrong")
    sys.exit(bool(bad))


if __name__ == "__main__":
    assert os.name == "posix"
    main()
