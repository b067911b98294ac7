"""A workspace of many receipts is answered through an index, and whatever becomes of that, the answers are those of the
receipts."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

import ordinary_user
from axiom_cli.errors import UsageError
from axiom_cli.records import Problem
from axiom_cli.workspace.atomic import locked
from axiom_cli.workspace.inspect import ls
from axiom_cli.workspace.receipts import encode, recipe_id
from axiom_cli.workspace.store import Workspace
from axiom_cli.workspace.why import why

MANY = 2001
ROOT = Path(__file__).parents[1]


def recipe(number: int) -> dict:
    return {"stage": "solve", "version": 1, "config": {"n": number}, "inputs": {}}


def fill(workspace: Workspace, numbers: range) -> None:
    """A receipt for each number; three numbers each make the same object."""
    workspace.record([(recipe(n), {"samples": workspace.put_bytes(b"object %d" % (n // 3))}) for n in numbers])


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace.create(tmp_path_factory.mktemp("full") / ".axiom")
    fill(workspace, range(MANY))
    return workspace.root


@pytest.fixture
def workspace(full: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(full, tmp_path / ".axiom")
    return Workspace.open(tmp_path / ".axiom")


def index_of(workspace: Workspace) -> Path:
    (index,) = (path for path in (workspace.root / "index").iterdir() if not path.name.startswith("."))
    return index


def truth(workspace: Workspace) -> tuple[dict[str, list[str]], list[str]]:
    """Digest -> the ids of the receipts that made it; all ids in the order of time. Read from the receipts."""
    made: dict[str, list[str]] = defaultdict(list)
    every = sorted(workspace.receipts(), key=lambda one: one.id)
    for receipt in every:
        for digest in receipt.outputs.values():
            made[digest].append(receipt.id)
    return dict(made), [one.id for one in sorted(every, key=lambda one: one.made)]


def agrees(workspace: Workspace, gone: str = "") -> None:
    """What is told is the truth, also of what a receipt made once (`gone`)."""
    made, oldest_first = truth(workspace)
    makers = workspace.makers()
    assert {digest: [one.id for one in makers.get(digest)] for digest in made} == made
    assert [one.id for one in makers.oldest_first()] == oldest_first
    assert makers.count() == len(made) == sum(1 for _ in ls(workspace))
    assert not gone or gone in made or makers.get(gone) == []


def replaced(workspace: Workspace, number: int) -> str:
    """Makes the recipe of a number again, with another outcome; the digest of the earlier one."""
    receipt = workspace.recall(recipe(number))
    assert receipt
    workspace.objects.path(receipt["samples"]).unlink()
    workspace.remember(recipe(number), lambda: {"samples": workspace.put_bytes(b"another %d" % number)})
    return receipt["samples"]


def test_many_receipts_are_found_through_an_index(workspace: Workspace) -> None:
    assert workspace.makers().count() == MANY // 3
    assert index_of(workspace).read_bytes().startswith(b"SQLite")
    gone = replaced(workspace, 4)
    agrees(workspace, gone)


def test_the_records_of_a_problem_are_found_through_an_index(workspace: Workspace) -> None:
    """Those that a receipt made or used, or that have a name; large ones too, and those that come later."""

    def put(text: str, number: int) -> str:
        return workspace.put_records([Problem(f'a "{n}"', "sums", text, "1 + 1", 1, "train", "2") for n in (0, number)])

    def told() -> set[str]:
        found = why(workspace, 'a "7"')
        return {line.digest for line in found if line.text.startswith("the problem")}

    made, used, named, large, other = put("b", 7), put("c", 7), put("d", 7), put("e" * 600_000, 7), put("f", 8)
    workspace.record([({**recipe(-1), "inputs": {"used": used}}, {"made": made, "large": large, "other": other})])
    workspace.set_ref("k", named)
    assert told() == {made, used, named, large} and index_of(workspace)
    workspace.objects.path(made).unlink()
    assert told() == {used, named, large}
    put("b", 7)
    workspace.record([(recipe(-2), {"later": (later := put("g", 7))})])
    assert told() == {made, used, named, large, later}
    with pytest.raises(UsageError):
        why(workspace, 'a "9"')


@pytest.mark.slow
def test_an_index_at_rest_is_used_and_what_comes_and_goes_is_noticed(workspace: Workspace) -> None:
    time.sleep(3.1)
    agrees(workspace)
    before = index_of(workspace)
    agrees(workspace)
    assert index_of(workspace) == before
    fill(workspace, range(MANY, MANY + 3))
    agrees(workspace)
    next((workspace.root / "receipts").iterdir()).unlink()
    agrees(workspace)
    for number in (7, 7, 10, 7):
        agrees(workspace, replaced(workspace, number))
    time.sleep(3.1)
    agrees(workspace)
    agrees(workspace)


def at_rest(workspace: Workspace) -> Path:
    """The index, once the folder of receipts has been left alone for so long that its times count."""
    time.sleep(3.1)
    agrees(workspace)
    return index_of(workspace)


@pytest.mark.slow
def test_what_is_written_later_is_read_by_way_of_the_journal(workspace: Workspace) -> None:
    """New receipts, and old ones that are replaced, many times, with no look at the others and no other index."""
    before = at_rest(workspace)
    gone = [replaced(workspace, 4)]
    for start in range(MANY, MANY + 40, 8):
        fill(workspace, range(start, start + 8))
        gone.append(replaced(workspace, start))
        gone.append(replaced(workspace, 4))
    for digest in gone:
        agrees(workspace, digest)
    assert index_of(workspace) == before
    fill(workspace, range(10_000, 12_500))
    agrees(workspace)
    assert index_of(workspace) != before


def receipt_of(workspace: Workspace, number: int) -> Path:
    return workspace.root / "receipts" / f"{recipe_id(recipe(number))}.json"


def foreign(workspace: Workspace) -> None:
    """Another program puts a receipt into the folder."""
    path = next((workspace.root / "receipts").iterdir())
    receipt = workspace.receipt(path.stem)
    assert receipt
    other = type(receipt)({**receipt.recipe, "version": 99}, {"samples": "b" * 64}, {}, receipt.made)
    (path.parent / f"{other.id}.json").write_bytes(encode(other))


def made_again_in_place(workspace: Workspace) -> None:
    """A receipt is removed and comes back with another outcome, perhaps under the same inode."""
    path = receipt_of(workspace, 8)
    receipt = workspace.receipt(path.stem)
    assert receipt
    path.unlink()
    path.write_bytes(encode(type(receipt)(receipt.recipe, {"samples": "c" * 64}, {}, receipt.made)))


def journal(workspace: Workspace) -> Path:
    return workspace.root / "index" / ".journal"


GAPS: dict[str, Callable[[Workspace], object]] = {
    "another program adds one": foreign,
    "another program replaces one": made_again_in_place,
    "one is removed": lambda workspace: receipt_of(workspace, 20).unlink(),
    "the journal is missing": lambda workspace: journal(workspace).unlink(),
    "it is cut off": lambda workspace: os.truncate(journal(workspace), journal(workspace).stat().st_size - 70),
    "it is of another place": lambda workspace: journal(workspace).write_bytes(b"0" * 300 + b"\n"),
    "it is a link": lambda workspace: (journal(workspace).unlink(), journal(workspace).symlink_to("/dev/null")),
    "it is a pipe": lambda workspace: (journal(workspace).unlink(), os.mkfifo(journal(workspace))),
    "it is a folder": lambda workspace: (journal(workspace).unlink(), journal(workspace).mkdir()),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", GAPS)
def test_a_gap_in_the_journal_is_noticed_before_and_after_further_receipts(workspace: Workspace, name: str) -> None:
    at_rest(workspace)
    fill(workspace, range(MANY, MANY + 3))
    GAPS[name](workspace)
    gone = replaced(workspace, 5)
    agrees(workspace, gone)
    at_rest(workspace)
    fill(workspace, range(MANY + 3, MANY + 6))
    agrees(workspace, replaced(workspace, 40))


@pytest.mark.slow
def test_a_backup_unpacked_over_a_workspace_is_read_as_it_is(workspace: Workspace) -> None:
    """As tar does it: each receipt is removed and made again, perhaps under the inode that it had, with its old times,
    and so is the time of the folder."""
    folder = workspace.root / "receipts"
    backup = {path: (path.read_bytes(), path.stat()) for path in folder.iterdir()}
    before = folder.stat()
    at_rest(workspace)
    gone = [replaced(workspace, number) for number in (3, 40, 50, 700)]
    now = [receipt["samples"] for number in (3, 40, 50, 700) if (receipt := workspace.recall(recipe(number)))]
    at_rest(workspace)
    for path, (data, status) in backup.items():
        path.unlink()
        path.write_bytes(data)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
    for digest in gone + now:
        agrees(workspace, digest)


@pytest.mark.slow
def test_a_writer_that_finds_no_turn_leaves_no_journal(workspace: Workspace) -> None:
    """Another one is between the renames and its note, which would say that nothing else came."""
    at_rest(workspace)
    fill(workspace, range(MANY, MANY + 3))
    assert journal(workspace).exists()
    with locked(workspace.root / "locks" / "receipts", "receipts"):
        fill(workspace, range(MANY + 3, MANY + 6))
        assert not journal(workspace).exists()
    agrees(workspace)


def test_few_receipts_are_not_noted(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / ".axiom")
    fill(workspace, range(3))
    assert not (workspace.root / "index").exists()


@pytest.mark.slow
def test_a_receipt_that_another_program_writes_in_place_is_read_as_it_is(workspace: Workspace) -> None:
    time.sleep(3.1)
    receipt = workspace.recall(recipe(5))
    assert receipt and len(workspace.makers().get(receipt["samples"])) == 3
    path = workspace.root / "receipts" / f"{receipt.id}.json"
    changed = type(receipt)(receipt.recipe, {"samples": "a" * 64}, {}, receipt.made)
    path.write_bytes(encode(changed))
    assert receipt.id not in {one.id for one in workspace.makers().get(receipt["samples"])}


def named_by_content(path: Path, data: bytes) -> None:
    place = path.parent
    path.unlink()
    (place / hashlib.sha256(data).hexdigest()).write_bytes(data)


def other_schema(path: Path) -> None:
    """An index by its name, whose tables never end."""
    file = path.parent / "other"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE folder (stamp BLOB)")
        endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x"
        database.execute(f"CREATE VIEW outputs AS {endless} AS digest, x AS id, x AS tree FROM n")
        database.execute(f"CREATE VIEW receipts AS {endless} AS made, x AS id, x AS stamp FROM n")
    database.close()
    data = file.read_bytes()
    file.unlink()
    named_by_content(path, data)


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "flipped": flipped,
    "cut off": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "missing": lambda path: path.unlink(),
    "another file under its name": lambda path: named_by_content(path, b"text"),
    "a cut one under its right name": lambda path: named_by_content(path, path.read_bytes()[:8192]),
    "another database": other_schema,
    "a link": lambda path: (path.rename(path.parent.parent / "moved"), path.symlink_to(path.parent.parent / "moved")),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_index_is_made_again_or_done_without(workspace: Workspace, name: str) -> None:
    agrees(workspace)
    DAMAGE[name](index_of(workspace))
    agrees(workspace, replaced(workspace, 9))
    agrees(workspace)


@pytest.mark.slow
def test_a_workspace_copied_elsewhere_is_right_with_the_index_and_without(workspace: Workspace, tmp_path: Path) -> None:
    time.sleep(3.1)
    agrees(workspace)
    for name, left_out in (("with", None), ("without", shutil.ignore_patterns("index"))):
        copy = Workspace(shutil.copytree(workspace.root, tmp_path / name, ignore=left_out))
        next((copy.root / "receipts").iterdir()).unlink()
        agrees(copy, replaced(copy, 3))
    shutil.rmtree(workspace.root / "receipts")
    shutil.copytree(tmp_path / "with" / "receipts", workspace.root / "receipts")
    agrees(workspace)


@pytest.mark.slow
def test_what_cannot_be_written_is_read_without_an_index(full: Path) -> None:
    python = ordinary_user.python()
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        root = shutil.copytree(full, Path(folder) / ".axiom", ignore=shutil.ignore_patterns("index"))
        code = "from axiom_cli.app import main; import sys; sys.exit(main(sys.argv[1:]))"
        words = ["--workspace", str(root), "workspace", "ls"]
        done = ordinary_user.run(python, f"import sys; sys.argv[1:] = {words!r}; {code}")
        assert done.returncode == 0 and done.stdout.count("\n") == MANY // 3, done.stderr
        assert not (root / "index").exists()


@pytest.mark.slow
def test_locks_on_the_index_are_of_no_matter(workspace: Workspace) -> None:
    time.sleep(3.1)
    agrees(workspace)
    code = "import fcntl, sys; s = open(sys.argv[1], 'r+b'); fcntl.lockf(s, fcntl.LOCK_EX); print(); input()"
    command = [sys.executable, "-c", code, str(index_of(workspace))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        agrees(workspace)
        agrees(workspace, replaced(workspace, 2))
        holder.communicate(b"\n")


READER = """
import sys
from axiom_cli.workspace.store import Workspace
from axiom_cli.workspace.why import why
while True:
    print(Workspace.open(sys.argv[1]).makers().count(), flush=True)
"""
WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from axiom_cli.workspace.store import Workspace
from axiom_cli.workspace.why import why
from test_workspace_index import fill
for start in range(10_000, 1_000_000, 30):
    fill(Workspace.open(sys.argv[1]), range(start, start + 30))
"""


@pytest.mark.slow
def test_two_readers_and_two_writers_that_are_killed_leave_the_truth(workspace: Workspace) -> None:
    random, env = Random("index"), {**os.environ, "PYTHONPATH": str(ROOT)}
    for _ in range(2):
        running = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(workspace.root), str(Path(__file__).parent)],
                env=env,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            for code in (READER, READER, WRITER, WRITER)
        ]
        time.sleep(2 + 2 * random.random())
        for process in running:
            process.send_signal(signal.SIGKILL)
            assert process.communicate()[1] == b""
        agrees(workspace)
