"""`-o FILE` on what is no plain new file: devices, pipes, links, folders; and the permissions of what it writes."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.errors import MissingError, UsageError
from command_line import axiom, failed, rows

GEN = ("problems", "gen", "rpn", "--count", "2")
LINE = b'{"a":1}\n'


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """A device of our own that swallows everything."""
    path = tmp_path / "null"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        path.write_bytes(b"")
    except PermissionError:
        pytest.skip("only root makes devices")
    return path


def test_a_device_stays_a_device(device: Path) -> None:
    assert jsonl.save(device, [{"a": 1}]) == 1
    assert stat.S_ISCHR(device.stat().st_mode)


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    path, read = tmp_path / "pipe", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()), daemon=True)
    reader.start()
    assert jsonl.save(path, [{"a": 1}]) == 1
    reader.join(10)
    assert read == [LINE]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_link_keeps_pointing_to_what_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    target, link = tmp_path / "deep" / "real.jsonl", tmp_path / "link.jsonl"
    link.symlink_to("deep/real.jsonl")
    for _ in range(2):  # once dangling, once replacing
        jsonl.save(link, [{"a": 1}])
        assert link.is_symlink()
        assert target.read_bytes() == LINE
        assert os.listdir(target.parent) == [target.name]
        target.write_bytes(b"old")


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_respects_the_umask(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        jsonl.save(tmp_path / "new", [])
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == mode


def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "old"
    path.write_bytes(b"old")
    path.chmod(0o640)
    jsonl.save(path, [{"a": 1}])
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (LINE, 0o640)


def test_a_folder_or_a_file_in_between_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        jsonl.save(tmp_path, [])
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MissingError, match="cannot write"):
        jsonl.save(tmp_path / "file" / "out", [])


def test_a_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    failed(axiom("train", "-o", str(tmp_path), cwd=tmp_path), 2, "is a folder", "hint: ")
    failed(axiom(*GEN, "-o", ".", cwd=tmp_path), 2, "is a folder", "hint: ")
    assert os.listdir(tmp_path) == []


def test_stdout_by_its_path_is_stdout(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(LINE)
    with log.open("ab") as stream:
        done = axiom(*GEN, "-o", "/dev/stdout", cwd=tmp_path)
        stream.write(done.stdout)
    assert len(rows(done.stdout)) == 2
    assert len(rows(log.read_bytes())) == 3
