"""The model card says where a merged model comes from, and the same thing every time."""

from __future__ import annotations

import json
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import tiny
from axiom_cli import jsonl, models
from axiom_cli.learning import model_card
from axiom_cli.learning.merge import merge
from axiom_cli.learning.rejection_sampling import select_solutions
from axiom_cli.learning.train import train, train_on
from axiom_cli.models import Resolved
from axiom_cli.records import Adapter
from axiom_cli.sampling import nano_cold_start
from axiom_cli.settings.configs import MergeConfig, TrainConfig
from axiom_cli.workspace.store import Workspace
from command_line import ROOT, axiom, failed

CONFIG = TrainConfig(lora_r=2, lora_alpha=4, epochs=1, lr=1e-2)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_model(tmp_path_factory.mktemp("models") / "tiny-base")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / ".axiom")


def verdicts():
    return [tiny.verdict(tiny.sample(tiny.problem(i), f"Answer: {i % 7}")) for i in range(24)]


def table(card: str, title: str) -> dict[str, str]:
    """First column -> second one."""
    lines = card.split(f"## {title}\n\n")[1].split("\n\n")[0].splitlines()[2:]
    return {cells[1].strip(): cells[2].strip() for cells in (line.split("|") for line in lines)}


@pytest.mark.slow
def test_the_card_tells_of_base_lineage_data_metrics_and_certificate(base: Path, workspace: Workspace) -> None:
    examples = select_solutions(verdicts(), CONFIG).examples
    first = train_on(examples, str(base), CONFIG, workspace)
    second = train_on(examples, str(base), replace(CONFIG, seed=1), workspace, [first])
    merged = merge(second, MergeConfig(dtype="bfloat16"), workspace)
    card = (Path(merged.path) / "README.md").read_text()
    assert yaml.safe_load(card.split("---")[1])["library_name"] == "transformers"
    lineage = table(card, "Lineage")
    assert lineage == {
        "base tiny-base": models.resolve(str(base)).digest,
        "adapter 1": first.digest,
        "adapter 2": second.digest,
    }
    trained = table(card, "Training of the last adapter")
    assert (trained["rows"], trained["method"], trained["objective"]) == ("24", "lora", "sft")
    assert float(trained["loss_last"]) == pytest.approx(second.metrics["loss_last"], rel=1e-5)
    assert table(card, "Its settings")["lora_r"] == "2"
    proof = table(card, "Certificate")
    assert proof["dtype"] == "bfloat16" and set(proof) == set(merged.certificate)
    assert float(proof["relative_error"]) == pytest.approx(merged.certificate["relative_error"], rel=1e-5)


@pytest.mark.slow
def test_the_card_is_the_same_wherever_it_is_made(base: Path, workspace: Workspace, tmp_path: Path) -> None:
    adapter = train(verdicts(), str(base), CONFIG, workspace)
    merged = merge(adapter, MergeConfig(), workspace)
    moved = shutil.copytree(base, tmp_path / "elsewhere" / "tiny-base")
    elsewhere = replace(adapter, base=replace(adapter.base, name=str(moved)))
    again = merge(elsewhere, MergeConfig(), Workspace.create(tmp_path / "other"))
    assert again.digest == merged.digest
    assert str(tmp_path) not in (Path(merged.path) / "README.md").read_text()


def test_another_card_is_another_model(base: Path, workspace: Workspace) -> None:
    """A receipt must not hand out a folder that says something else than its record."""
    adapter = train(verdicts(), str(base), CONFIG, workspace)
    merged = merge(adapter, MergeConfig(), workspace)
    assert merge(adapter, MergeConfig(), workspace).digest == merged.digest
    other = merge(replace(adapter, rows=25), MergeConfig(), workspace)
    assert other.digest != merged.digest and "| rows | 25 |" in (Path(other.path) / "README.md").read_text()


@pytest.mark.slow
def test_from_the_command_line(base: Path, tmp_path: Path) -> None:
    """Exit codes and one line each, and a copy that plain transformers loads."""
    from transformers import AutoModelForCausalLM

    adapter = train(verdicts(), str(base), CONFIG, Workspace.create(tmp_path / ".axiom"))
    line = json.dumps(adapter.to_dict()).encode()
    done = axiom("merge", "--export", "out", cwd=tmp_path, stdin=line)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["kind"] == "model" and (tmp_path / "out" / "README.md").exists()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    failed(axiom("merge", "--max-relative-error", "0", cwd=tmp_path, stdin=line), 6, "relative error", "hint: ")
    wrong = Adapter.from_dict(json.loads(line) | {"base": {"name": "nano", "digest": models.resolve("nano").digest}})
    failed(axiom("merge", cwd=tmp_path, stdin=json.dumps(wrong.to_dict()).encode()), 3, "does not have", "hint: ")


@pytest.mark.slow
def test_the_name_of_an_adapter_becomes_its_models(base: Path, tmp_path: Path) -> None:
    judged = b"".join(jsonl.dump(verdict) for verdict in verdicts())
    how = ("--lora-r", "2", "--epochs", "1", "--model", str(base), "--experiment", "first")
    trained = axiom("train", *how, cwd=tmp_path, stdin=judged)
    assert trained.returncode == 0, trained.stderr
    problem = jsonl.dump(verdicts()[0].sample.problem)
    solve = ("solve", "--model", "first", "--samples", "1", "--max-tokens", "4")
    failed(axiom(*solve, cwd=tmp_path, stdin=problem), 3, "first is an adapter", "axiom merge")
    merged = axiom("merge", cwd=tmp_path, stdin=trained.stdout)
    assert b"the model is now called first" in merged.stderr
    (sample,) = map(json.loads, axiom(*solve, cwd=tmp_path, stdin=problem).stdout.splitlines())
    assert sample["model"] == {"name": "first", "digest": json.loads(merged.stdout)["digest"]}
    (tmp_path / "rows.jsonl").write_bytes(judged)
    again = axiom("train", "rows.jsonl", *how, cwd=tmp_path)
    assert again.stdout == trained.stdout and b" was " not in again.stderr
    assert json.loads(axiom(*solve, cwd=tmp_path, stdin=problem).stdout)["model"] == sample["model"], "still its model"
    finer = axiom("merge", "--dtype", "float16", cwd=tmp_path, stdin=trained.stdout)
    assert b"the model is now called first" in finer.stderr
    now = json.loads(axiom(*solve, cwd=tmp_path, stdin=problem).stdout)["model"]["digest"]
    assert now == json.loads(finer.stdout)["digest"] != sample["model"]["digest"]
    other = axiom("train", "rows.jsonl", *how, "--seed", "1", cwd=tmp_path)
    assert f"warning: first was sha256:{now[:12]}".encode() in other.stderr
    both = ("train", "rows.jsonl", "--solutions", "rows.jsonl")
    failed(axiom(*both, cwd=tmp_path), 2, "--solutions and FILE both name the rows")


def test_the_names_of_a_loops_models_are_not_taken(base: Path, tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / ".axiom")
    workspace.set_ref("run@best", workspace.put_bytes(b"a model"))
    for name in ("run", "run@best", "run@2", "other@2"):
        failed(axiom("train", "--experiment", name, cwd=tmp_path, stdin=b""), 2, "a loop's models", "hint: ")


def test_the_card_of_what_comes_from_nano_says_what_nano_was_taught() -> None:
    shown, page = table(model_card.taught(), "What nano was taught"), (ROOT / "docs" / "nano.md").read_text("utf-8")
    assert shown == {family: f"1-{max(counts)}" for family, counts in nano_cold_start.held().items()}
    counts = [count for levels in nano_cold_start.held().values() for count in levels.values()]
    assert all(f"{count:,}" in page for count in (*counts, sum(counts)))


def test_a_model_that_comes_from_nano_by_several_runs_says_so_too(base: Path, workspace: Workspace) -> None:
    examples = select_solutions(verdicts(), CONFIG).examples
    origin, heading = models.resolve("nano"), "## What nano was taught"
    for name in ("first", "second"):
        adapter = train_on(examples, origin, CONFIG, workspace)
        merged = merge(adapter, MergeConfig(), workspace, base=origin)
        origin = Resolved(name, merged.digest, workspace.tree_path(merged.digest))
        assert heading in (origin.path / "README.md").read_text("utf-8"), name
    assert not model_card.comes_from_nano(models.resolve(str(base)))


def test_a_blank_name_is_no_model(base: Path) -> None:
    for words in (["ask", "", "hello"], ["eval", ""], ["export", " ", "there"]):
        failed(axiom(*words, cwd=base, stdin=b""), 2, "blank", "hint: ")
