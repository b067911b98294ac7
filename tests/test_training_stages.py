"""`train` and `merge` as stages: records in, records out, everything remembered in the workspace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import tiny
from axiom_cli import models
from axiom_cli.errors import GateFailedError, InputError, MissingError, NothingToDoError, UsageError
from axiom_cli.learning.merge import merge
from axiom_cli.learning.rejection_sampling import select_solutions
from axiom_cli.learning.tokens import with_token_ids
from axiom_cli.learning.train import TrainingObserver, train, train_on
from axiom_cli.learning.training.trainer import Trainer
from axiom_cli.records import Adapter, Model, Verdict
from axiom_cli.settings.configs import MergeConfig, TrainConfig
from axiom_cli.workspace.store import Workspace
from axiom_cli.workspace.why import why

CONFIG = TrainConfig(lora_r=4, lora_alpha=8, epochs=1, lr=1e-2)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.write_model(tmp_path_factory.mktemp("base")))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / ".axiom")


def verdicts(count: int = 30, seconds: float = 0.0) -> list[Verdict]:
    judged = [tiny.verdict(tiny.sample(tiny.problem(i), f"Answer: {i % 7}")) for i in range(count)]
    return [replace(v, seconds=seconds) for v in judged]


def test_verdicts_become_an_adapter_and_a_model(base: str, workspace: Workspace, tmp_path: Path) -> None:
    adapter = train(verdicts(), base, CONFIG, workspace)
    assert (adapter.rows, adapter.method, adapter.base.digest) == (30, "lora", models.resolve(base).digest)
    assert adapter.metrics["loss_tokens"] == 30 * len("Answer: 1") + 30
    model = merge(Adapter.from_dict(adapter.to_dict()), MergeConfig(), workspace, export=tmp_path / "out")
    assert models.resolve(model.digest, workspace).path == Path(model.path)
    exported = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    assert exported == {p.name: p.read_bytes() for p in Path(model.path).iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"} <= exported.keys()
    assert Model.from_dict(model.to_dict()) == model
    assert model.certificate["greedy_agreement"] == 1
    chain = str(why(workspace, model.digest))
    assert adapter.digest in chain
    assert adapter.base.digest in chain


@pytest.mark.slow
def test_the_same_again_is_remembered_and_elsewhere_gives_the_same_digests(
    base: str, workspace: Workspace, tmp_path: Path
) -> None:
    def never(progress) -> None:
        raise AssertionError("trained again")

    adapter = train(verdicts(), base, CONFIG, workspace)
    assert train(verdicts(seconds=3.0), base, CONFIG, workspace, observer=TrainingObserver(step=never)) == adapter
    other = Workspace.create(tmp_path / "other")
    again = train(verdicts(seconds=5.0), base, CONFIG, other)
    assert again == adapter
    assert merge(again, MergeConfig(), other).digest == merge(adapter, MergeConfig(), workspace).digest


@pytest.mark.slow
def test_rounds_share_one_loaded_base_and_chains_are_recorded(base: str, workspace: Workspace) -> None:
    trainer, asked = Trainer(base, name="tiny"), []

    def loaded() -> Trainer:
        asked.append(1)
        return trainer

    examples = select_solutions(verdicts(), CONFIG).examples
    first = train_on(examples, base, CONFIG, workspace, trainer=loaded)
    second = train_on(examples, base, CONFIG, workspace, [first], loaded)
    again = train_on(examples, base, CONFIG, workspace, [first], loaded)
    assert again == second
    assert len(asked) == 2
    assert second.extra["chain"] == [first.digest]
    merged = merge(Adapter.from_dict(second.to_dict()), MergeConfig(), workspace)
    assert merged.digest != merge(first, MergeConfig(), workspace).digest
    assert merged.certificate["relative_error"] < 1e-5, "against the sum of both changes"


def test_few_rows_are_warned_of_and_very_few_refused(base: str, workspace: Workspace) -> None:
    notes: list[str] = []
    train(verdicts(25), base, CONFIG, workspace, observer=TrainingObserver(warn=notes.append))
    assert notes == ["only 25 rows to train on: below 200 a model often gets worse"]
    with pytest.raises(NothingToDoError, match="only 19 rows") as caught:
        train(verdicts(19), base, CONFIG, workspace)
    assert "--force" in caught.value.hint
    assert train(verdicts(19), base, replace(CONFIG, force=True), workspace).rows == 19


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ([], "empty"),
        ([tiny.verdict(tiny.sample(tiny.problem(1), "x"), "fail")], "none of 1 passed"),
        ([tiny.verdict(tiny.sample(tiny.problem(1), "x"), "infra")], "see the reason"),
        ([tiny.verdict(tiny.sample(tiny.problem(1), "x", finish="length"))], "--max-tokens"),
    ],
)
def test_without_a_row_it_says_why(given: list[Verdict], hint: str, base: str, workspace: Workspace) -> None:
    with pytest.raises(NothingToDoError) as caught:
        train(given, base, CONFIG, workspace)
    assert hint in caught.value.hint


def test_overlong_rows_are_counted_and_too_many_of_them_refused(base: str, workspace: Workspace) -> None:
    long = replace(verdicts(40)[39], sample=replace(verdicts(40)[39].sample, text="Answer: " + "9" * 300))
    notes: list[str] = []
    adapter = train(
        [*verdicts(), long],
        base,
        replace(CONFIG, max_length=200),
        workspace,
        observer=TrainingObserver(warn=notes.append),
    )
    assert (adapter.rows, adapter.metrics["too_long"]) == (30, 1)
    assert "1 rows longer than 200" in " ".join(notes)
    with pytest.raises(NothingToDoError):
        train(verdicts(), base, replace(CONFIG, max_length=5), workspace)


def test_interrupted_training_leaves_nothing_half_made(base: str, workspace: Workspace) -> None:
    def interrupt(progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(verdicts(), base, CONFIG, workspace, observer=TrainingObserver(step=interrupt))
    assert list(workspace.receipts()) == []
    assert train(verdicts(), base, CONFIG, workspace).rows == 30


def test_a_failed_certificate_is_an_error_and_keeps_nothing(base: str, workspace: Workspace) -> None:
    adapter = train(verdicts(), base, CONFIG, workspace)
    with pytest.raises(GateFailedError, match="relative error") as caught:
        merge(adapter, MergeConfig(max_relative_error=1e-12), workspace)
    assert caught.value.exit_code == 6
    assert [receipt.stage for receipt in workspace.receipts()] == ["train"]


def test_a_base_that_changed_or_an_adapter_from_elsewhere_is_refused(
    base: str, workspace: Workspace, tmp_path: Path
) -> None:
    copy = tiny.write_model(tmp_path / "copy")
    adapter = train(verdicts(), str(copy), CONFIG, workspace)
    with pytest.raises(UsageError, match="exists"):
        merge(adapter, MergeConfig(), workspace, export=copy)
    with pytest.raises(MissingError, match="not in this workspace"):
        merge(replace(adapter, path=""), MergeConfig(), Workspace.create(tmp_path / "other"))
    tiny.write_model(copy, seed=1)
    with pytest.raises(InputError, match="changed"):
        merge(adapter, MergeConfig(), workspace)


def test_a_teachers_text_gets_the_ids_that_are_trained_on(base: str) -> None:
    (verdict,) = with_token_ids(verdicts(1), base)
    assert verdict.sample.tokens == len(verdict.sample.token_ids) == len("Answer: 0") + 1
    assert list(with_token_ids([verdict], base)) == [verdict]
