"""What `axiom workspace ls show why diff gc fsck export` tell and do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from axiom_cli import models
from axiom_cli.errors import MissingError, UsageError, WorkspaceDamagedError, WorkspaceLockedError
from axiom_cli.records import ModelRef, Problem, Sample, Verdict
from axiom_cli.workspace.fsck import fsck
from axiom_cli.workspace.gc import gc
from axiom_cli.workspace.input_diff import causes
from axiom_cli.workspace.inspect import diff, export, ls, show
from axiom_cli.workspace.objects import short
from axiom_cli.workspace.store import Workspace
from axiom_cli.workspace.why import draw_tree, why

ROOT = Path(__file__).parents[1]
NANO = "a" * 64


def recipe(stage: str, inputs: dict, **config) -> dict:
    return {"stage": stage, "version": 1, "config": config, "inputs": inputs}


def verdict(number: int, model: ModelRef) -> Verdict:
    origin = {"seed": 7, "split": "train", "family": "rpn", "level": 3, "n": number, "form": "answer"}
    problem = Problem(f"{number:016x}", "rpn", "RPN", "1 2 +", 3, "train", answer="3", extra={"origin": origin})
    sample = Sample(problem, model, "scripted", {"temperature": 0.7, "seed": 0}, 0, 0, "Answer: 3")
    return Verdict(sample, "pass", 1, 1, "", "exact")


def merge(workspace: Workspace, tmp_path: Path, adapter: str, weights: bytes) -> str:
    def make() -> dict:
        folder = tmp_path / "merged"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(weights)
        return {"model": workspace.put_tree(folder), "certificate": {"error": 0.0}}

    return workspace.remember(recipe("merge", {"base": NANO, "adapter": adapter}, dtype="float32"), make)["model"]


def make_round(workspace: Workspace, tmp_path: Path, model: ModelRef, number: int) -> dict[str, str]:
    """One round as piped commands write it: the rows are put, the rest is remembered."""
    rows = workspace.put_records(verdict(n, model) for n in range(4 * number, 4 * number + 4))

    def train() -> dict:
        folder = tmp_path / f"adapter{number}"
        folder.mkdir(exist_ok=True)
        (folder / "adapter.bin").write_bytes(b"adapter %d" % number)
        return {"adapter": workspace.put_tree(folder), "rows": 4}

    made = workspace.remember(recipe("train", {"rows": rows, "base": NANO}, lr=0.1 * (number + 1), seed=0), train)
    merged = merge(workspace, tmp_path, made["adapter"], b"weights %d" % number * 1000)
    return {"rows": rows, "adapter": made["adapter"], "model": merged}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / ".axiom")


@pytest.fixture
def rounds(workspace: Workspace, tmp_path: Path) -> list[dict[str, str]]:
    first = make_round(workspace, tmp_path, ModelRef("nano", NANO), 0)
    second = make_round(workspace, tmp_path, ModelRef("run@0", first["model"]), 1)
    for number, one in enumerate((first, second)):
        workspace.set_ref(f"run@{number}", one["model"])
    return [first, second]


def test_ls_and_show_tell_what_is_there(workspace, rounds):
    listed = {entry.digest: entry for entry in ls(workspace)}
    assert listed[rounds[1]["model"]].names == ["run@1"] and listed[rounds[1]["model"]].kind == "tree"
    assert {entry.stage for entry in listed.values()} == {"train", "merge"}
    assert listed[rounds[0]["model"]].size == len("{}") + 9000
    shown = show(workspace, "run@1")
    assert sorted(shown.files) == ["config.json", "model.safetensors"]
    assert shown.receipts[0]["facts"] == {"certificate": {"error": 0.0}}
    rows = show(workspace, rounds[0]["rows"][:12], lines=2)
    assert rows.kind == "records" and len(rows.lines) == 2 and '"kind":"verdict"' in rows.lines[0]
    with pytest.raises(MissingError):
        show(workspace, "sha256:" + "0" * 64)


def test_why_goes_from_the_last_model_to_the_first_seed(workspace, rounds):
    lines = why(workspace, "run@1")
    told = "\n".join(draw_tree(lines))
    for part in ("made by merge", "lr=0.2", "lr=0.1", "temperature=0.7", "problem seed: 7", "isolation: exact", "nano"):
        assert part in told
    digests = [line.digest for line in lines if line.digest]
    order = [digests.index(one[name]) for one in rounds[::-1] for name in ("model", "adapter", "rows")]
    assert sorted(order) == sorted(set(order))
    assert digests.index(rounds[1]["rows"]) < digests.index(rounds[0]["model"]) < digests.index(rounds[0]["rows"])
    assert told.splitlines()[0].startswith("sha256:") and told.splitlines()[1].startswith(("├─", "└─"))
    assert told.count("(see above)") >= 1


def test_why_knows_the_embedded_model(workspace):
    embedded = models.resolve("nano")
    rows = workspace.put_records([verdict(0, embedded.ref)])
    assert f"model nano sha256:{embedded.digest[:12]}: embedded in the package" in [
        line.text for line in why(workspace, rows, {embedded.digest})
    ]


def test_why_knows_a_problem_and_a_file_of_a_tree(workspace, rounds):
    told = "\n".join(line.text for line in why(workspace, f"{5:016x}"))
    assert "drawn with seed=7" in told and "verdict pass" in told and "run@0" in told
    assert "prompt: '1 2 +'" in told
    weights = workspace.tree(rounds[0]["model"])["model.safetensors"]
    assert "file model.safetensors of" in "\n".join(line.text for line in why(workspace, weights))
    assert len(why(workspace, workspace.put_bytes(b'{"kind":"other"}\n'))) == 1
    for unknown in ("f" * 16, "sha256:" + "0" * 64, "nobody"):
        with pytest.raises(MissingError):
            why(workspace, unknown)


def test_diff_names_the_files_and_the_settings_that_differ(workspace, rounds):
    adapters = diff(workspace, rounds[0]["adapter"], rounds[1]["adapter"])
    assert [sign for sign, _ in adapters.contents] == ["~"]
    assert [what for _, what in adapters.recipes if what.startswith("config")] == ["config.lr 0.1 -> 0.2"]
    rows = diff(workspace, rounds[0]["rows"], rounds[1]["rows"])
    assert rows.contents == [("-", "4 lines"), ("+", "4 lines")]
    same = diff(workspace, "run@1", "run@1")
    assert (same.contents, same.recipes) == ([], [])


def test_what_differs_behind_two_objects_is_followed_to_its_causes(workspace, rounds):
    found = causes(workspace, "run@0", "run@1")
    assert [(cause.sign, str(cause)) for cause in found] == [
        ("~", "adapter < config.lr 0.1 -> 0.2 (train)"),
        ("~", f"adapter < rows < {short(rounds[0]['rows'])} -> {short(rounds[1]['rows'])}"),
    ]
    assert causes(workspace, "run@1", "run@1") == []
    (other,) = causes(workspace, rounds[0]["rows"], "run@1")
    assert other.path == () and "(by merge)" in other.what


def test_export_writes_a_whole_folder_or_file_and_overwrites_nothing(workspace, rounds, tmp_path):
    out = export(workspace, "run@1", tmp_path / "out" / "model")
    assert (out / "model.safetensors").read_bytes() == b"weights 1" * 1000
    (out / "config.json").write_text("changed")
    assert workspace.get_bytes(workspace.tree(rounds[1]["model"])["config.json"]) == b"{}"
    rows = export(workspace, rounds[0]["rows"], tmp_path / "rows.jsonl")
    assert len(rows.read_text().splitlines()) == 4
    for place in (out, rows):
        with pytest.raises(UsageError):
            export(workspace, "run@1", place)


def test_gc_frees_merged_weights_that_come_back_the_same(workspace, rounds, tmp_path):
    workspace.set_ref("run@best", rounds[1]["model"])
    workspace.tree_path(rounds[0]["model"])
    assert gc(workspace, dry_run=True).evicted == [rounds[0]["model"]] and workspace.has(rounds[0]["model"])
    freed = gc(workspace)
    assert freed.evicted == [rounds[0]["model"]] and freed.bytes == 9000  # config.json is the other model's, too
    assert not workspace.has(rounds[0]["model"]) and workspace.has(rounds[1]["model"])
    assert not (workspace.root / "trees" / rounds[0]["model"]).exists()
    assert all(workspace.has(one["adapter"]) and workspace.has(one["rows"]) for one in rounds)
    assert why(workspace, "run@0") and show(workspace, "run@0").kind == "missing"
    with pytest.raises(MissingError) as error:
        workspace.tree_path(rounds[0]["model"])
    assert "axiom workspace why" in error.value.hint
    health = fsck(workspace)
    assert health.evicted == [rounds[0]["model"]] and not health.damage
    assert gc(workspace).bytes == 0
    assert merge(workspace, tmp_path, rounds[0]["adapter"], b"weights 0" * 1000) == rounds[0]["model"]
    assert workspace.tree_path(rounds[0]["model"]).is_dir()
    assert len(gc(workspace, everything=True).evicted) == 2


def test_gc_keeps_a_model_that_cannot_be_made_again(workspace, rounds):
    workspace.objects.path(workspace.tree(rounds[0]["adapter"])["adapter.bin"]).unlink()
    assert gc(workspace).evicted == [rounds[1]["model"]]


def test_gc_takes_old_orphans_only_when_asked(workspace, rounds):
    old, new = workspace.put_bytes(b"old"), workspace.put_bytes(b"new")
    os.utime(workspace.objects.path(old), (time.time() - 1e6,) * 2)
    gc(workspace)
    assert workspace.has(old)
    assert gc(workspace, orphans=True).orphans == 1
    assert not workspace.has(old) and workspace.has(new) and workspace.has(rounds[1]["rows"])


def test_gc_leaves_nothing_of_an_orphan_that_was_checked_out(workspace, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_bytes(b"weights")
    tree = workspace.put_tree(tmp_path / "model")
    workspace.tree_path(tree)
    for digest in (tree, workspace.tree(tree)["weights"]):
        os.utime(workspace.objects.path(digest), (0, 0))
    assert gc(workspace, orphans=True).orphans == 2
    assert fsck(workspace).damage == []


MAKER = """
import sys, time
from axiom_cli.workspace.store import Workspace
def make():
    print("making", flush=True)
    time.sleep(60)
workspace = Workspace.open(sys.argv[1])
workspace.remember({"stage": "train", "version": 9, "config": {}, "inputs": {}}, make)
"""


@pytest.mark.slow
def test_gc_stays_out_while_something_is_made(workspace, rounds):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    maker = subprocess.Popen([sys.executable, "-c", MAKER, workspace.root], env=environment, stdout=subprocess.PIPE)
    maker.stdout.readline()
    try:
        with pytest.raises(WorkspaceLockedError):
            gc(workspace)
    finally:
        maker.kill()
        maker.communicate()
    assert gc(workspace).evicted


def test_fsck_names_every_damage_and_repair_lets_it_be_made_again(workspace, rounds, tmp_path):
    assert not fsck(workspace).damage
    workspace.tree_path(rounds[0]["model"])
    weights = workspace.tree(rounds[0]["model"])["model.safetensors"]
    path = workspace.objects.path(weights)
    path.chmod(0o644)
    path.write_bytes(b"Weights 0" * 1000)
    receipt = next(one for one in workspace.receipts() if one["model" if one.stage == "merge" else "adapter"]
                   == rounds[1]["adapter"])  # fmt: skip
    (workspace.root / "receipts" / f"{receipt.id}.json").write_bytes(b"{")
    (workspace.root / "refs" / "run@1").write_bytes(b"nonsense")
    found = {(one.what, one.name) for one in fsck(workspace).damage}
    expected = {("object", weights), ("receipt", receipt.id), ("name", "run@1"), ("checkout", rounds[0]["model"])}
    assert found == expected
    assert {(one.what, one.name) for one in fsck(workspace, repair=True).damage} == expected
    assert len(list((workspace.root / "damaged").iterdir())) == 3
    assert merge(workspace, tmp_path, rounds[0]["adapter"], b"weights 0" * 1000) == rounds[0]["model"]
    assert (workspace.tree_path(rounds[0]["model"]) / "model.safetensors").read_bytes() == b"weights 0" * 1000
    assert not fsck(workspace).damage


def test_fsck_tells_of_lost_outputs(workspace, rounds):
    lost = workspace.tree(rounds[0]["adapter"])["adapter.bin"]
    workspace.objects.path(lost).unlink()
    assert [one.what for one in fsck(workspace).damage] == ["missing"]
    with pytest.raises(MissingError):
        workspace.tree_path(rounds[0]["adapter"])


def test_show_rehashes_what_it_shows(workspace, rounds):
    path = workspace.objects.path(rounds[0]["rows"])
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(b"rpn", b"RPN"))
    with pytest.raises(WorkspaceDamagedError):
        show(workspace, rounds[0]["rows"])
