"""What killed commands leave, and `gc` removes: drafts beside their outputs, a plan's folder, half of a model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from axiom_cli.workspace.gc import gc
from axiom_cli.workspace.store import Workspace
from command_line import axiom, environment

HOLDER = """
import sys
from pathlib import Path
from axiom_cli.drafts import replacing, temporary
with replacing(Path("out.jsonl"), Path("out.jsonl")) as stream, temporary() as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


def old(path: Path) -> Path:
    os.utime(path, (0, 0), follow_symlinks=False)
    return path


def test_gc_removes_what_killed_commands_left_and_nothing_else(tmp_path: Path) -> None:
    Workspace.create(tmp_path / ".axiom")
    temporary, run = tmp_path / "tmp", tmp_path / "experiments" / "run"
    for folder in (temporary / "axiom-plan-a1b2c3d4" / "workspace", run, tmp_path / ".kept.axiom-01234567"):
        folder.mkdir(parents=True)
    gone = [
        tmp_path / ".other.jsonl.axiom-0123abcd",
        run / ".report.html.axiom-0123abcd",
        tmp_path / ".kept.axiom-01234567",
    ]
    stay = [tmp_path / name for name in (".foreign.0123abcd", ".out.jsonl.axiom-mine", ".only.axiom-01234567.old")]
    stay += [tmp_path / "elsewhere", tmp_path / ".young.axiom-01234567", temporary / "axiom-plans"]
    for path in (*gone[:2], *stay):
        path.touch()
    link = tmp_path / ".link.axiom-01234567"
    link.symlink_to(tmp_path / "elsewhere")
    for path in (*gone, *stay, link, temporary / "axiom-plan-a1b2c3d4"):
        if "young" not in path.name:
            old(path)
    settings = environment(TMPDIR=str(temporary))
    command = [sys.executable, "-c", HOLDER]
    with subprocess.Popen(command, cwd=tmp_path, env=settings, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdin
        held = old(Path(holder.stdout.readline().decode().strip()))
        draft = old(next(path for path in tmp_path.glob(".out.jsonl.axiom-*") if not path.name.endswith("mine")))
        done = axiom("workspace", "gc", cwd=tmp_path, env={"TMPDIR": str(temporary)})
        assert done.returncode == 0 and b'"leftovers":4' in done.stdout, done.stderr
        assert held.is_dir() and draft.exists()
        holder.stdin.close()
    gone.append(temporary / "axiom-plan-a1b2c3d4")
    assert not any(path.exists() for path in gone) and all(os.path.lexists(path) for path in (*stay, link))


def test_what_an_interrupted_gc_left_of_a_model_goes_with_the_next(tmp_path: Path) -> None:
    workspace, folder = Workspace.create(tmp_path / ".axiom"), tmp_path / "model"
    folder.mkdir()
    for number in range(3):
        (folder / f"weights-{number}").write_bytes(bytes([number]) * 100)
    recipe = {"stage": "merge", "version": 1, "config": {}, "inputs": {"adapter": workspace.put_bytes(b"adapter")}}
    model = workspace.remember(recipe, lambda: {"model": workspace.put_tree(folder)})["model"]
    checkout = workspace.tree_path(model)
    workspace.objects.path(workspace.tree(model)["weights-1"]).unlink()
    assert gc(workspace).bytes == 200 and gc(workspace).bytes == 0
    shutil.copytree(folder, checkout)
    assert gc(workspace, dry_run=True) == gc(workspace) and not checkout.exists()
    assert workspace.remember(recipe, lambda: {"model": workspace.put_tree(folder)})["model"] == model
    assert workspace.has(model)
