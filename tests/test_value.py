"""A value function: fitted on verdicts, kept in the workspace, and asked while solving."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import tiny
from axiom_cli import models
from axiom_cli.errors import InputError, MissingError, NothingToDoError, UsageError
from axiom_cli.evaluation.ranking_metrics import Scored, auroc
from axiom_cli.learning.merge import merge
from axiom_cli.learning.preview import show
from axiom_cli.learning.train import TrainingObserver, train
from axiom_cli.records import Adapter, Sample, Verdict
from axiom_cli.sampling import value_scorer
from axiom_cli.sampling.engines.value_function import ValueHead
from axiom_cli.sampling.solve import open_engine, solve
from axiom_cli.settings.configs import MergeConfig, SolveConfig
from axiom_cli.workspace.store import Workspace
from axiom_cli.workspace.why import why
from value_cases import CONFIG, solving, verdicts

QUICK = replace(CONFIG, epochs=1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.write_model(tmp_path_factory.mktemp("base")))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / ".axiom")


@pytest.fixture(scope="module")
def fitted(base: str, tmp_path_factory: pytest.TempPathFactory) -> Adapter:
    return train(verdicts(0, 40, cut=True), base, CONFIG, Workspace.create(tmp_path_factory.mktemp("ws") / ".axiom"))


def test_it_tells_right_from_wrong_on_problems_that_it_never_saw(base: str, fitted: Adapter) -> None:
    adapter = fitted
    assert (adapter.method, adapter.base.digest) == ("value", models.resolve(base).digest)
    assert adapter.metrics["samples"] == 160
    assert adapter.metrics["loss_last"] < 0.5 * adapter.metrics["loss_first"]
    assert Adapter.from_dict(adapter.to_dict()) == adapter
    fresh = list(verdicts(1000, 20))
    function = ValueHead(base, Path(adapter.path))
    values = function.values([verdict.sample for verdict in fresh])
    assert auroc(Scored(v, one.passed) for v, one in zip(values, fresh, strict=True)) > 0.95


def test_a_value_is_read_after_each_token_and_does_not_depend_on_neighbours(base: str, workspace: Workspace) -> None:
    function = ValueHead(base, Path(train(verdicts(0, 10), base, QUICK, workspace).path))
    samples = [verdict.sample for verdict in verdicts(1000, 3)]
    samples.append(replace(samples[0], text="", token_ids=[]))
    prefixes = function.prefixes(samples)
    assert [len(prefix) for prefix in prefixes] == [len(sample.text) + 1 for sample in samples]
    assert [function.values([sample])[0] for sample in samples] == pytest.approx([p[-1] for p in prefixes], abs=1e-5)
    cut = replace(samples[1], text=samples[1].text[:5], finish="length")
    assert function.prefixes([cut])[0] == pytest.approx(prefixes[1][:5], abs=1e-5), "the future has no part in it"
    other = replace(cut, text=f"{cut.text[:4]}#")
    assert abs(function.values([other])[0] - function.values([cut])[0]) > 1e-4, "the last token has"


def test_a_prompt_that_is_read_once_for_all_of_its_samples_gives_the_values_of_whole_rows(
    base: str, fitted: Adapter
) -> None:
    folder = Path(fitted.path)
    function, samples = ValueHead(base, folder), [verdict.sample for verdict in verdicts(1000, 3)]
    together = function.prefixes([*samples[::2], *samples[1::2]])
    function.model._is_stateful = True  # noqa: SLF001 - transformers' way to say that no cache is shared
    whole = function.prefixes([*samples[::2], *samples[1::2]])
    assert sum(together, []) == pytest.approx(sum(whole, []), abs=1e-5)
    half = ValueHead(base, folder, torch.bfloat16)
    assert half.decoder.layers[0].mlp.down_proj.weight.dtype == torch.bfloat16
    assert half.values(samples) == pytest.approx(function.values(samples), abs=0.05)


def test_before_any_step_it_predicts_the_pass_rate(base: str, workspace: Workspace) -> None:
    given = list(verdicts(0, 10))
    adapter = train(given, base, replace(QUICK, lr=1e-12), workspace)
    rate = sum(verdict.passed for verdict in given) / len(given)
    assert adapter.metrics["pass_rate"] == pytest.approx(rate)
    function = ValueHead(base, Path(adapter.path))
    assert function.values([given[0].sample]) == pytest.approx([rate], abs=1e-4)


def test_the_same_again_is_remembered_and_elsewhere_gives_the_same_digest(
    base: str, workspace: Workspace, tmp_path: Path
) -> None:
    def never(progress) -> None:
        raise AssertionError("trained again")

    adapter = train(verdicts(0, 10), base, QUICK, workspace)
    assert train(verdicts(0, 10), base, QUICK, workspace, observer=TrainingObserver(step=never)) == adapter
    assert train(verdicts(0, 10), base, QUICK, Workspace.create(tmp_path / "other")).digest == adapter.digest
    assert adapter.base.digest in str(why(workspace, adapter.digest))


def test_equal_samples_are_one_row_that_counts_for_all(base: str) -> None:
    twice = [*verdicts(0, 1), *verdicts(0, 1)]
    odd = replace(twice[-1], status="fail" if twice[-1].passed else "pass")
    rows = [json.loads(line) for line in show([*twice, odd], base, CONFIG).lines()]
    assert [row["weight"] for row in rows] == [2, 2, 2, 3]
    assert rows[3]["label"] == pytest.approx(2 / 3 if twice[-1].passed else 1 / 3)
    assert "".join(text for text, learnt in rows[0]["tokens"] if learnt) == f"{twice[0].sample.text}<eos>"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "no judged sample"),
        ([replace(v, status="infra") for v in verdicts(0, 10)], "no judged sample"),
        ([replace(v, status="pass") for v in verdicts(0, 10)], "all 40 samples passed"),
        ([replace(v, status="fail") for v in verdicts(0, 10)], "all 40 samples failed"),
        (list(verdicts(0, 4)), "only 16 rows"),
    ],
)
def test_without_both_kinds_it_says_why(given: list[Verdict], said: str, base: str, workspace: Workspace) -> None:
    with pytest.raises(NothingToDoError, match=said):
        train(given, base, QUICK, workspace)


def test_what_decides_no_weight_makes_nothing_anew(base: str, workspace: Workspace) -> None:
    once = train(verdicts(0, 10), base, QUICK, workspace)
    made: list[object] = []
    again = train(
        verdicts(0, 10),
        base,
        replace(QUICK, checkpoint_seconds=5.0),
        workspace,
        observer=TrainingObserver(step=made.append),
    )
    assert (again.digest, made) == (once.digest, [])


def test_settings_that_mean_nothing_here_are_refused(base: str, workspace: Workspace) -> None:
    for config in (replace(QUICK, **one) for one in ({"method": "full"}, {"optimizer": "muon"})):
        with pytest.raises(UsageError, match="do not go together"):
            train(verdicts(0, 10), base, config, workspace)
    with pytest.raises(NothingToDoError, match="no rows to train on"):
        train(verdicts(0, 10), base, replace(QUICK, max_length=5), workspace)


def test_where_only_one_kind_is_short_enough_it_says_so(base: str, workspace: Workspace) -> None:
    long = [v if v.passed else replace(v, sample=replace(v.sample, text="?" * 400)) for v in verdicts(0, 20)]
    with pytest.raises(NothingToDoError, match="all rows passed"):
        train(long, base, replace(QUICK, max_length=200), workspace)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"precision": "bfloat16"}, id="precision", marks=pytest.mark.slow),
        pytest.param({"gradient_checkpointing": True}, id="gradient_checkpointing", marks=pytest.mark.slow),
        pytest.param({"method": "dora"}, id="method"),
        pytest.param({"quantize": "4bit"}, id="quantize", marks=pytest.mark.slow),
    ],
)
def test_it_is_fitted_by_the_methods_of_any_training(more: dict, base: str, tmp_path: Path) -> None:
    if "quantize" in more:
        pytest.importorskip("bitsandbytes")
    given, values = list(verdicts(0, 10)), []
    for name, config in (("plain", QUICK), ("other", replace(QUICK, **more))):
        adapter = train(given, base, config, Workspace.create(tmp_path / name))
        function = ValueHead(base, Path(adapter.path))
        values.append(function.values([verdict.sample for verdict in given]))
    near = 1e-4 if "gradient_checkpointing" in more else 0.2
    assert values[1] == pytest.approx(values[0], abs=near)
    assert (values[1] == values[0]) is False or "gradient_checkpointing" in more


def test_what_the_evaluation_has_seen_is_left_out(base: str, workspace: Workspace) -> None:
    def screen(samples: list[Sample]) -> set[int]:
        return {place for place, sample in enumerate(samples) if sample.problem == tiny.problem(0)}

    adapter = train(verdicts(0, 10), base, QUICK, workspace, screen=screen)
    assert adapter.extra["selection"] == {
        "verdicts": 40, "failed": 10, "infra": 0, "screened": 4, "kept": adapter.rows, "problems": 9,
    }  # fmt: skip
    facts = json.loads((Path(adapter.path) / "value.json").read_text())
    assert facts["problems"] == [tiny.problem(number).id for number in range(1, 10)]


def test_it_is_not_merged(base: str, workspace: Workspace) -> None:
    with pytest.raises(InputError, match="cannot be merged"):
        merge(train(verdicts(0, 10), base, QUICK, workspace), MergeConfig(), workspace)


@pytest.mark.slow
def test_solving_scores_every_sample_and_chooses_the_best(base: str, workspace: Workspace) -> None:
    adapter = train(verdicts(0, 10), base, QUICK, workspace)
    workspace.set_ref("judge", adapter.digest)
    plain, every = solving(base, workspace), solving(base, workspace, value_function="judge")
    assert [sample.text for sample in every] == [sample.text for sample in plain]
    assert all(sample.extra.keys() == {"prompt_digest"} for sample in plain)
    assert all(0 < sample.extra["value"] < 1 for sample in every)
    assert {sample.extra["value_by"]["digest"] for sample in every} == {adapter.digest}
    seen = [sample.extra.get("value_seen", False) for sample in every]
    assert seen == [True] * 6 + [False] * 6, "problem 3 was trained on"
    chosen = solving(base, workspace, value_function="judge", strategy="value")
    for group, one in zip((every[:6], every[6:]), chosen, strict=True):
        best = max(group, key=lambda sample: sample.extra["value"])
        assert (one.index, one.extra["candidates"]) == (best.index, 6)
    assert [s.extra["value"] for s in solving(base, workspace, value_function=adapter.path)] == [
        s.extra["value"] for s in every
    ]


def test_what_could_not_be_sampled_has_no_value(base: str, workspace: Workspace) -> None:
    config = SolveConfig(engine="transformers", samples=2, max_tokens=6, strategy="value")
    config = replace(config, value_function=train(verdicts(0, 10), base, QUICK, workspace).path)
    endless = replace(tiny.problem(5), prompt="9" * 600)
    engine = open_engine(base, config, workspace)
    [long, short] = solve([endless, tiny.problem(6)], engine, config, workspace)
    assert (long.finish, "value" in long.extra) == ("error", False)
    assert "value" in short.extra


def test_a_value_function_that_is_not_there_or_not_for_this_model_is_refused(
    base: str, workspace: Workspace, tmp_path: Path
) -> None:
    workspace.set_ref("judge", train(verdicts(0, 10), base, QUICK, workspace).digest)
    with pytest.raises(MissingError, match="no value function called 'judg'") as caught:
        value_scorer.find("judg", workspace)
    assert "judge" in caught.value.hint
    workspace.set_ref("other", workspace.put_bytes(b"something"))
    with pytest.raises(InputError, match="is not a value function"):
        value_scorer.find("other", workspace)
    with pytest.raises(InputError, match="scores samples of"):
        solving(str(tiny.write_model(tmp_path / "another", seed=1)), workspace, value_function="judge")
    with pytest.raises(UsageError, match="needs --value-function"):
        solving(base, workspace, strategy="value")
    with pytest.raises(UsageError, match="early-stop"):
        solving(base, workspace, strategy="value", value_function="judge", early_stop=True)


@pytest.mark.parametrize(
    ("file", "held", "said"),
    [
        ("value.json", b"{", "value.json is damaged"),
        ("value.json", b'{"base":{}}', "value.json is damaged"),
        ("value_head.safetensors", b"", "value_head.safetensors is damaged"),
        ("value_head.safetensors", None, "value_head.safetensors is missing"),
        ("adapter_model.safetensors", b"{", "adapter_model.safetensors is damaged"),
        ("adapter_config.json", None, "adapter_config.json"),
    ],
)
def test_a_damaged_value_function_is_refused_before_anything_is_sampled(
    file: str, held: bytes | None, said: str, base: str, workspace: Workspace, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(train(verdicts(0, 10), base, QUICK, workspace).path, tmp_path / "judge"))
    folder.chmod(0o755)
    (folder / file).unlink()
    if held is not None:
        (folder / file).write_bytes(held)
    with pytest.raises(InputError, match=said):
        value_scorer.find(str(folder), workspace)


@pytest.mark.parametrize("objective", ["value", "dpo", "sft"])
def test_where_the_evaluation_has_seen_everything_that_is_said_after_the_numbers(
    objective: str, base: str, workspace: Workspace
) -> None:
    told: list[object] = []
    config, given = replace(QUICK, objective=objective), list(verdicts(0, 10))
    with pytest.raises(NothingToDoError) as caught:
        train(
            given,
            base,
            config,
            workspace,
            screen=lambda samples: set(range(len(samples))),
            observer=TrainingObserver(selected=told.append),
        )
    assert "held out for evaluation" in f"{caught.value} {caught.value.hint}" and "--decontaminate" in caught.value.hint
    assert [one.screened for one in told] == [sum(v.passed for v in given) if objective == "sft" else 40]


def test_a_value_function_is_no_model(base: str, workspace: Workspace) -> None:
    workspace.set_ref("judge", train(verdicts(0, 10), base, QUICK, workspace).digest)
    with pytest.raises(InputError, match="is a value function") as caught:
        models.resolve("judge", workspace)
    assert "--value-function judge" in caught.value.hint
