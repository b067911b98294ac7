"""The workspace keeps what was put, makes nothing twice, and loses nothing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axiom_cli.errors import (
    InputError,
    MissingError,
    NoWorkspaceError,
    UsageError,
    WorkspaceDamagedError,
)
from axiom_cli.ids import digest as sha256
from axiom_cli.records import Metrics, Problem
from axiom_cli.workspace.receipts import origin
from axiom_cli.workspace.store import Workspace, find


def recipe(stage: str = "train", inputs: dict | None = None, **config) -> dict:
    return {"stage": stage, "version": 1, "config": config, "inputs": inputs or {}}


def damage(workspace: Workspace, digest: str) -> None:
    path = workspace.objects.path(digest)
    data = bytearray(path.read_bytes())
    data[0] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def problem(number: int) -> Problem:
    return Problem(f"{number:016x}", "rpn", "RPN", f"What is {number}?", 3, "train", answer=str(number))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / ".axiom")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "model" / "sub").mkdir(parents=True)
    (tmp_path / "model" / "config.json").write_text("{}")
    (tmp_path / "model" / "sub" / "weights.bin").write_bytes(bytes(range(256)) * 16)
    return tmp_path / "model"


# Finding and creating


def test_it_is_found_upwards_and_appears_with_the_first_write(tmp_path, monkeypatch):
    (tmp_path / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    fresh = Workspace.open_or_create()
    assert not (tmp_path / ".axiom").exists()
    digest = fresh.put_bytes(b"x")
    monkeypatch.chdir(tmp_path / "deep" / "down")
    assert find() == tmp_path / ".axiom"
    assert Workspace.open().get_bytes(digest) == b"x"


def test_none_here_and_a_newer_format_say_what_to_do(tmp_path, workspace):
    with pytest.raises(NoWorkspaceError) as none:
        Workspace.open(tmp_path / "elsewhere")
    assert none.value.exit_code == 10 and none.value.hint
    (workspace.root / "format").write_text("axiom workspace 2\n")
    for attempt in (Workspace.open, Workspace.open_or_create, Workspace.create):
        with pytest.raises(NoWorkspaceError, match="format 2"):
            attempt(workspace.root)


# Objects


@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=3000))
def test_what_was_put_comes_back_under_its_sha256(tmp_path_factory, data):
    workspace = Workspace.create(tmp_path_factory.getbasetemp() / "shared")
    digest = workspace.put_bytes(data)
    assert digest == sha256(data)
    assert workspace.get_bytes(digest) == workspace.get_bytes(f"sha256:{digest}") == data
    assert workspace.objects.path(digest).read_bytes() == data


def test_a_put_twice_is_one_object(workspace):
    first = workspace.put_bytes(b"same")
    before = workspace.objects.path(first).stat()
    assert workspace.put_bytes(b"same") == first
    assert workspace.objects.path(first).stat().st_ino == before.st_ino
    assert list(workspace.objects.all()) == [first]
    assert not list((workspace.root / "tmp").iterdir())


def test_records_come_back_and_an_interrupted_writer_leaves_nothing(workspace):
    problems = [problem(n) for n in range(5)]
    assert list(workspace.get_records(workspace.put_records(iter(problems)), Problem)) == problems
    with pytest.raises(InputError):
        list(workspace.get_records(workspace.put_records(problems[:1]), Metrics))
    count = len(list(workspace.objects.all()))

    def broken():
        yield problems[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workspace.put_records(broken())
    assert len(list(workspace.objects.all())) == count and not list((workspace.root / "tmp").iterdir())


def test_a_flipped_bit_is_named(workspace, folder):
    text, tree = workspace.put_bytes(b"hello"), workspace.put_tree(folder)
    damage(workspace, text)
    damage(workspace, workspace.tree(tree)["config.json"])
    for read in (lambda: workspace.get_bytes(text), lambda: workspace.tree_path(tree)):
        with pytest.raises(WorkspaceDamagedError) as error:
            read()
        assert error.value.exit_code == 12 and "fsck" in error.value.hint
    with pytest.raises(WorkspaceDamagedError, match=text):
        list(workspace.get_records(text, Problem))


def test_an_object_torn_by_a_power_cut_is_written_again_by_the_next_put(workspace):
    digest = workspace.put_bytes(b"whole")
    path = workspace.objects.path(digest)
    path.chmod(0o644)
    path.write_bytes(b"")
    assert workspace.get_bytes(workspace.put_bytes(b"whole")) == b"whole"


def test_a_start_of_a_digest_is_enough_unless_it_fits_several(workspace):
    digests = sorted(workspace.put_bytes(b"%d" % n) for n in range(600))
    pairs = [(a, b) for a, b in zip(digests, digests[1:], strict=False) if a[:4] == b[:4]]
    a, b = pairs[0]
    assert workspace.resolve(f"sha256:{a[:12]}") == workspace.resolve(a[:12]) == a
    with pytest.raises(UsageError, match="could be"):
        workspace.resolve(f"sha256:{a[:4]}")
    with pytest.raises(UsageError):
        workspace.resolve("sha256:ab")
    with pytest.raises(MissingError):
        workspace.resolve("sha256:" + "0" * 20)


@pytest.mark.slow
def test_ten_thousand_small_objects_take_seconds(workspace):
    started = time.monotonic()
    made = [(recipe("solve", n=n), {"sample": workspace.put_bytes(b"%d" % n)}) for n in range(10_000)]
    workspace.record(made)
    assert time.monotonic() - started < 60
    assert workspace.recall(made[77][0])["sample"] == made[77][1]["sample"]


# Trees


def test_a_tree_is_checked_out_as_it_was_and_again_after_its_checkout_went(workspace, folder):
    tree = workspace.put_tree(folder)
    assert tree == workspace.put_tree(folder)
    for _ in range(2):
        out = workspace.tree_path(tree)
        assert (out / "sub" / "weights.bin").read_bytes() == (folder / "sub" / "weights.bin").read_bytes()
        (out / "config.json").unlink()
    assert workspace.has(tree)
    workspace.objects.path(workspace.tree(tree)["config.json"]).unlink()
    assert not workspace.has(tree)


def test_a_folder_of_links_to_files_is_stored_and_others_are_refused(workspace, folder, tmp_path):
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "config.json").symlink_to(folder / "config.json")
    assert workspace.tree(workspace.put_tree(tmp_path / "hub"))["config.json"] == sha256(b"{}")
    (tmp_path / "hub" / "gone").symlink_to(tmp_path / "nowhere")
    for wrong in (tmp_path / "hub", tmp_path / "nowhere"):
        with pytest.raises(InputError):
            workspace.put_tree(wrong)


def test_a_tree_that_leads_out_of_its_folder_is_refused(workspace):
    inner = workspace.put_bytes(b"x")
    evil = workspace.put_bytes(b'{"files":{"../../escaped":"%s"},"kind":"tree"}' % inner.encode())
    with pytest.raises(WorkspaceDamagedError):
        workspace.tree_path(evil)


# Receipts


def test_nothing_is_made_twice_until_an_output_is_gone(workspace):
    calls = []

    def make():
        calls.append(1)
        return {"adapter": workspace.put_bytes(b"weights"), "rows": 7, "loss": [0.5, 0.25]}

    first = workspace.remember(recipe(lr=0.1), make)
    again = Workspace.open(workspace.root).remember(recipe(lr=0.1), make)
    assert first == again and len(calls) == 1
    assert again["rows"] == 7 and again.outputs == {"adapter": sha256(b"weights")}
    workspace.remember(recipe(lr=0.2), make)
    workspace.objects.path(first["adapter"]).unlink()
    workspace.remember(recipe(lr=0.1), make)
    assert len(calls) == 3


def test_a_failed_maker_leaves_no_receipt_and_no_lock(workspace):
    with pytest.raises(ZeroDivisionError):
        workspace.remember(recipe(), lambda: {"x": 1 / 0})
    assert not list(workspace.receipts())
    assert workspace.remember(recipe(), lambda: {"x": 1})["x"] == 1


def test_an_output_that_was_never_stored_is_a_bug_not_a_receipt(workspace):
    with pytest.raises(ValueError, match="did not store"):
        workspace.remember(recipe(), lambda: {"adapter": "0" * 64})
    assert not list(workspace.receipts())


def test_recipes_are_one_however_their_digests_are_written(workspace):
    digest = workspace.put_bytes(b"rows")
    made = workspace.remember(recipe(inputs={"rows": digest, "many": [digest]}), lambda: {"n": 1})
    same = recipe(inputs={"many": [f"sha256:{digest}"], "rows": f"sha256:{digest}"})
    assert workspace.recall(same) == made
    with pytest.raises(ValueError):
        workspace.recall({"stage": "train"})


def test_a_damaged_receipt_is_named(workspace):
    workspace.remember(recipe(), lambda: {"loss": 0.5})
    (path,) = (workspace.root / "receipts").iterdir()
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.4"))
    with pytest.raises(WorkspaceDamagedError, match="receipt"):
        workspace.recall(recipe())


def test_why_tells_the_whole_chain(workspace):
    last, made = sha256(b"from outside"), []
    for n in range(1500):  # longer than Python's recursion goes
        made.append((recipe("step", {"of": last}, n=n), {"out": workspace.put_bytes(b"%d" % n)}))
        last = made[-1][1]["out"]
    workspace.record(made)
    makers = workspace.makers()
    steps = list(origin(last, makers.get))
    assert [step.receipt.recipe["config"]["n"] for step in steps[:-1]] == list(range(1499, -1, -1))
    assert steps[-1].receipt is None and steps[-1].digest == sha256(b"from outside")


# Names


def test_names_move_and_a_bare_one_is_the_best_or_the_last(workspace):
    a, b, c = (workspace.put_bytes(x) for x in (b"a", b"b", b"c"))
    workspace.set_ref("run@2", a)
    workspace.set_ref("run@10", b)
    assert workspace.resolve("run") == b
    workspace.set_ref("run@best", a)
    assert workspace.resolve("run") == workspace.resolve("run@best") == a
    workspace.set_ref("run@best", c)
    assert workspace.refs() == {"run@10": b, "run@2": a, "run@best": c}
    with pytest.raises(MissingError) as error:
        workspace.resolve("rum")
    assert error.value.exit_code == 4
    with pytest.raises(MissingError):
        workspace.set_ref("run", "0" * 64)
    with pytest.raises(UsageError):
        workspace.set_ref("../format", a)
