"""A loop by any objective: what a round learns from, what its replay buffer holds, its control, and what is refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.errors import UsageError
from axiom_cli.experiment.combinations import check_settings
from axiom_cli.experiment.control_arms import shuffle
from axiom_cli.experiment.loop import Loop
from axiom_cli.experiment.round_rows import explain_empty_round
from axiom_cli.experiment.writer import kept_settings
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.preference import PreferenceData
from axiom_cli.learning.rejection_sampling import Selection
from axiom_cli.learning.replay import Mix, loss_tokens, parse_shares
from axiom_cli.learning.train import select_examples
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.records import Metrics, Verdict
from axiom_cli.settings.configs import LoopConfig, TrainConfig
from axiom_cli.settings.model_kinds import LOOP_OBJECTIVES, NANO, PRETRAINED
from axiom_cli.settings.sources import resolve
from axiom_cli.workspace.store import Workspace
from command_line import axiom, failed
from made_experiment import problem, verdict

TINY = {
    "iterations": 2, "train_size": 80, "val_size": 2, "test_size": 2, "epochs": 0.5, "max_tokens": 200, "lora_r": 4,
    "problems": "bracket_listing", "min_difficulty": 4, "max_difficulty": 6, "curriculum": "fixed",
    "ignore_gates": True,
}  # fmt: skip


def settings(objective: str, **more) -> LoopConfig:
    return resolve(LoopConfig, {"objective": objective, **more}).config


def attempts(first: int, problems: int = 6, passes: int = 2) -> list[Verdict]:
    """Four attempts at each problem, so many of them right."""
    made = [verdict(problem("rpn", 3, first + n), i < passes) for n in range(problems) for i in range(4)]
    return [replace(v, sample=replace(v.sample, text=f"attempt {n}", index=n % 4)) for n, v in enumerate(made)]


def learnt(objective: str, first: int) -> list[TrainingExample]:
    return select_examples(attempts(first), TrainConfig(objective=objective)).examples


def mixed(new: list[TrainingExample], history: list[TrainingExample], config: LoopConfig, seed: int) -> Mix:
    """The rows of a round by the objective of `config`, without a cold start."""
    return OBJECTIVES[config.train.objective].mix(new, history, [], parse_shares(config.replay), seed)


@pytest.mark.slow
@pytest.mark.parametrize(
    "objective", ["grpo", pytest.param("dpo", marks=pytest.mark.slow), pytest.param("kto", marks=pytest.mark.slow)]
)
def test_a_round_trains_by_the_objective_on_its_share_of_what_is_old(
    objective: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = Workspace.create(tmp_path / ".axiom")
    Loop(settings(objective, **TINY), "nano", workspace).run()
    rows = jsonl.load(tmp_path / "experiments" / "self_improve_v1" / "metrics.jsonl", Metrics)
    trained = [row for row in rows if row.extra["phase"] == "train"]
    assert [row.iteration for row in trained] == [0, 1]
    shares = [row.extra["replay"] for row in trained]
    assert shares[0] == {"new": 1, "history": 0, "cold": 0}
    assert shares[1]["cold"] == 0 and (shares[1]["history"] > 0.1) is (objective != "grpo")
    assert all(20 <= row.extra["selection"]["groups"] <= 80 for row in trained)
    recipes = [receipt.recipe for receipt in workspace.receipts() if receipt.stage == "train"]
    assert {recipe["config"]["objective"] for recipe in recipes} == {objective}
    wanted = LOOP_OBJECTIVES[NANO][objective]
    assert all(recipe["config"][name] == wanted[name] for recipe in recipes for name in ("lr", "method", "optimizer"))


@pytest.mark.parametrize("objective", ["dpo", "kto", "grpo"])
def test_the_replay_buffer_mixes_whole_problems(objective: str) -> None:
    config = settings(objective, **({} if objective == "grpo" else {"replay": "70/30/0"}))
    new, history = learnt(objective, 0), learnt(objective, 100)
    mix = mixed(new, history, config, 1)
    held, all_of = (Counter(c.verdict.sample.problem.id for c in some) for some in (mix.examples, [*new, *history]))
    assert all(held[name] == all_of[name] for name in held)
    old = {c.verdict.sample.problem.id for c in history} & held.keys()
    assert len(old) == {"dpo": 3, "kto": 3, "grpo": 0}[objective] and len(held) == 6 + len(old)
    assert sum(mix.tokens.values()) == sum(loss_tokens(example.verdict.sample) for example in mix.examples)
    if objective == "dpo":
        sides = [example.verdict.passed for example in mix.examples]
        assert sides == [True, False] * (len(sides) // 2)
        pairs = zip(mix.examples[::2], mix.examples[1::2], strict=True)
        assert all(a.verdict.sample.problem == b.verdict.sample.problem for a, b in pairs)
    else:
        assert sum(example.row_weight for example in mix.examples) == pytest.approx(0)


def test_labels_of_several_rounds_balance_again() -> None:
    new, history = (
        select_examples([*attempts(first, 3, 3), *attempts(first + 50, 3, 1)], TrainConfig(objective="kto")).examples
        for first in (0, 100)
    )
    mix = mixed(new, history, settings("kto", replay="85/15/0"), 0)
    old = [example for example in history if example.verdict in [held.verdict for held in mix.examples]]
    assert len(old) == 4 and abs(sum(example.row_weight for example in old)) == 2, "one problem, with more of one side"
    assert sum(example.row_weight for example in mix.examples) == pytest.approx(0)
    assert sum(abs(example.row_weight) for example in mix.examples) == pytest.approx(len(mix.examples))


def test_the_shuffled_control_has_as_much_contrast_and_no_direction() -> None:
    given = [*attempts(0, 30, 1), *attempts(50, 10, 4), *attempts(80, 10, 0)]
    after = shuffle(given, 0, within=OBJECTIVES["dpo"].compares)
    assert [v.sample for v in after] == [v.sample for v in given]

    def passes(verdicts: list[Verdict]) -> Counter[str]:
        return Counter(v.sample.problem.id for v in verdicts if v.passed)

    assert passes(after) == passes(given)
    places = Counter(v.sample.index for v in after[:120] if v.passed)
    assert len(places) == 4 and max(places.values()) < 15, "before, it was always the first"
    assert shuffle(given, 0, within=OBJECTIVES["sft"].compares) == shuffle(given, 0) != after


def test_a_round_without_contrast_says_what_to_do() -> None:
    def select(verdicts: list[Verdict], seen: range = range(0)) -> PreferenceData:
        return OBJECTIVES["dpo"].select(verdicts, TrainConfig(objective="dpo"), lambda samples: set(seen))

    found = select(attempts(0, passes=4))
    assert found.examples == [] and "6 always passed" in found.summary
    assert explain_empty_round(found, "raise it") == "raise it"
    assert "6 pairs of the other 3" in select(attempts(0, 3)).summary
    assert "9 samples were cut off" in explain_empty_round(PreferenceData("dpo", verdicts=9, truncated=9), "")
    assert "2 accepted solutions" in explain_empty_round(Selection(verdicts=9, failed=7, truncated=2), "")
    seen = select(attempts(0), range(8))
    assert (seen.screened, seen.groups, seen.verdicts) == (8, 4, 24)


def test_an_objective_sets_what_suits_it_where_nothing_else_is_set() -> None:
    for kind, model in ((NANO, "nano"), (PRETRAINED, "some/model")):
        for name, values in LOOP_OBJECTIVES[kind].items():
            config = settings(name, model=model)
            check_settings(config)
            kept = kept_settings(config)
            assert values.items() <= {**kept, **kept["solve"], **kept["train"]}.items()
            assert config.train.method == "lora", "the rates are LoRA's, also where sft trains all weights"
    assert settings("grpo", preset="climb").climb_from == 4
    found = resolve(LoopConfig, {"objective": "dpo", "samples": 3})
    assert (found.config.solve.samples, found.origins["solve.samples"]) == (3, "flag")
    assert found.origins["train.lr"] == "objective dpo"


@pytest.mark.parametrize(
    ("objective", "more", "said", "hint"),
    [
        ("dpo", {"samples": 1}, "--samples 1", "8"),
        ("kto", {"replay": "50/40/10"}, "nothing in the cold start failed", "--replay"),
        ("dpo", {"control": "shuffled,cold-only"}, "nothing in the cold start failed", "--control shuffled"),
        ("dpo", {"control": "unfiltered"}, "without verdicts there is nothing to compare", "--control shuffled"),
        ("grpo", {"replay": "60/40/0"}, "earlier models wrote", "--replay"),
        ("grpo", {"start": "base"}, "the model that it starts from", "--start previous"),
        ("value", {}, "not one of sft, dpo, grpo, kto", "axiom train"),
    ],
)
def test_what_makes_no_sense_is_refused(objective: str, more: dict, said: str, hint: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        check_settings(settings(objective, **more))
    assert hint in caught.value.hint


def test_one_round_from_the_base_is_on_policy() -> None:
    check_settings(settings("grpo", start="base", iterations=1))


def test_refusals_come_before_anything_is_made(tmp_path: Path) -> None:
    failed(axiom("loop", "--objective", "dpo", "--samples", "1", cwd=tmp_path), 2, "--samples 1", "choose 8")
    failed(axiom("loop", "--objective", "ppo", cwd=tmp_path), 2, "--objective ppo is not one of sft, dpo, grpo, kto")
    assert not (tmp_path / "experiments").exists()
    with pytest.raises(UsageError):
        check_settings(settings("ppo"))
