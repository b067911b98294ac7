"""Training that compares, on real models: what it is held to, what moves, what is counted, and that it helps."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import tiny
from axiom_cli import models
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.preview import show
from axiom_cli.learning.train import TrainingObserver, select_examples, train
from axiom_cli.learning.training import lora, reference
from axiom_cli.learning.training.batches import collate
from axiom_cli.learning.training.fit import fit
from axiom_cli.learning.training.rows import Row
from axiom_cli.learning.training.run import TrainingRun
from axiom_cli.learning.training.scoring import proved_scorer
from axiom_cli.learning.training.trainer import Trainer
from axiom_cli.models import micro_batches, worker_pool
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import TrainConfig
from axiom_cli.workspace.store import Workspace
from cases import slow_but
from command_line import axiom, failed, talk

CONFIG = TrainConfig(lora_r=4, lora_alpha=8, epochs=6, lr=1e-2)
COMPARING = ["dpo", "grpo", "kto"]


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    return Trainer(tiny.write_model(tmp_path_factory.mktemp("base")), name="tiny")


def verdicts(problems: int = 12) -> list[Verdict]:
    """Each problem solved once and missed twice."""
    answers = (("pass", "1"), ("fail", "2 2"), ("fail", "33"))
    return [
        tiny.verdict(tiny.sample(tiny.problem(number), f"Answer: {text}", index), status)
        for number in range(problems)
        for index, (status, text) in enumerate(answers)
    ]


def rows(trainer: Trainer, objective: str) -> list[Row]:
    config = replace(CONFIG, objective=objective)
    examples = select_examples(verdicts(), config).examples
    base = models.resolve(str(trainer.base))
    return OBJECTIVES[objective].encode(examples, trainer.tokenizer, trainer.ends, config, base.digest).rows


def likelihoods(model: torch.nn.Module, of: list[Row]) -> torch.Tensor:
    batch = collate(of)
    with torch.no_grad():
        return batch.by_row(proved_scorer(model, of, pytest.fail, fresh=False)[0](batch))


@pytest.mark.parametrize("objective", slow_but({"dpo"}, COMPARING))
def test_what_passed_gains_on_what_failed(objective: str, trainer: Trainer) -> None:
    given = rows(trainer, objective)
    before = likelihoods(trainer.model, given)
    config = replace(CONFIG, objective=objective)
    with lora.attached(trainer.model, config) as wrapped:
        metrics = fit(wrapped, given, config)
        gains = likelihoods(wrapped, given) - before
    passed = torch.tensor([row.weight > 0 for row in given])
    assert gains[passed].mean() > gains[~passed].mean() + 1
    assert metrics["steps"] == CONFIG.epochs * round(len(given) / (8 * (2 if objective == "dpo" else 1)))


@pytest.mark.parametrize(("objective", "loss"), [("dpo", 0.693147), pytest.param("kto", 0.5, marks=pytest.mark.slow)])
def test_the_reference_is_the_model_as_training_begins(objective: str, loss: float, trainer: Trainer) -> None:
    """At the first step no ratio has moved, so that the loss is known; dropout or not, for new adapters have no say."""
    config = replace(CONFIG, objective=objective, lora_dropout=0.5)
    steps = []
    given = [replace(row, weight=math.copysign(1, row.weight)) for row in rows(trainer, objective)]
    with lora.attached(trainer.model, config) as wrapped:
        fit(wrapped, given, config, steps.append)
    assert steps[0].loss == pytest.approx(loss, abs=2e-3)


def test_the_record_is_each_tokens_log_probability_under_the_base(trainer: Trainer) -> None:
    given = rows(trainer, "grpo")
    made = reference.with_ref_logprobs(
        given, proved_scorer(trainer.model, given, pytest.fail)[0], 64, torch.device("cpu")
    )
    sums = [sum(row.ref_logprobs) for row in made]
    assert sums == pytest.approx(likelihoods(trainer.model, given).tolist(), abs=1e-3)
    assert [len(row.ref_logprobs) for row in made] == [len(row.completion_ids) for row in given]
    assert reference.logprob_mismatch(made) is None
    told = [replace(row, engine_logprob=total - 0.5) for row, total in zip(made, sums, strict=True)]
    tokens = sum(len(row.completion_ids) for row in given)
    assert reference.logprob_mismatch(told) == pytest.approx(0.5 * len(given) / tokens)


@pytest.mark.parametrize("objective", slow_but({"dpo"}, COMPARING))
def test_passes_and_processes_do_not_change_what_is_learnt(
    objective: str, trainer: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, objective=objective, epochs=1, lr=1e-3)
    learnt = []
    for workers, budget in ((1, 10_000), (1, 1), (3, 64)):
        monkeypatch.setattr(worker_pool, "num_workers", lambda model, parts, workers=workers: workers)
        monkeypatch.setattr(micro_batches, "token_budget", lambda *_, budget=budget: budget)
        trainer.fit(rows(trainer, objective), config, tmp_path / f"{workers}-{budget}")
        learnt.append(tiny.deltas(tmp_path / f"{workers}-{budget}", trainer.model))
    for other in learnt[1:]:
        assert all((learnt[0][name] - other[name]).norm() < 0.01 * learnt[0][name].norm() for name in other)


def test_a_group_shares_a_step(trainer: Trainer) -> None:
    config = replace(CONFIG, objective="grpo", epochs=2, batch_size=6, grad_accum=1)
    run = TrainingRun(trainer.model, rows(trainer, "grpo"), config)
    assert {len(step) for step in run.steps} == {6}
    for step in run.steps:
        assert sum(run.rows[row].weight for row in step) == pytest.approx(0, abs=1e-6)


def test_a_pair_is_left_out_whole_where_one_of_it_is_too_long(trainer: Trainer, tmp_path: Path) -> None:
    given = verdicts()
    long = replace(given[1], sample=replace(given[1].sample, text="Answer: " + "9" * 200))
    config = replace(CONFIG, objective="dpo", epochs=1, max_length=100, max_per_problem=1)
    lines = [json.loads(line) for line in show([given[0], long, *given[3:]], str(trainer.base), config).lines()]
    assert [line["weight"] for line in lines] == [1.0, -1.0] * 11
    assert given[0].sample.problem.id not in {line["problem"] for line in lines}


def test_the_foreign_completion_is_another_problems(trainer: Trainer) -> None:
    given = rows(trainer, "kto")
    unlike = [replace(row, completion_ids=[*row.completion_ids, number]) for number, row in enumerate(given)]
    made = reference.mismatched(unlike, 0)
    assert [row.prompt_ids for row in made] == [row.prompt_ids for row in unlike]
    owners = {tuple(row.completion_ids): row.problem for row in unlike}
    assert all(owners[tuple(row.completion_ids)] != row.problem for row in made)
    assert reference.mismatched(given[:1], 0)[0].completion_ids == given[0].completion_ids


@pytest.mark.parametrize("workers", [1, 3])
def test_the_reference_point_is_the_mean_over_the_whole_step_and_never_below_zero(
    trainer: Trainer, workers: int
) -> None:
    run = TrainingRun(trainer.model, rows(trainer, "kto"), replace(CONFIG, objective="kto"))
    run.state.num_workers, step, plain = workers, run.steps[0], run.mismatched
    for shift, sign in ((-0.25, 1), (0.25, 0)):
        run.mismatched = [replace(row, ref_logprobs=[value + shift for value in row.ref_logprobs]) for row in plain]
        kl = run.kl_estimate(lambda parts: sum(map(run.part_loss, parts)), step)
        tokens = sum(len(run.mismatched[group].completion_ids) for group in step)
        assert kl == pytest.approx(sign * 0.25 * tokens / len(step), abs=1e-4)
    trainer.model.eval()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / ".axiom")


@pytest.mark.slow
def test_what_was_counted_is_kept_and_idle_options_make_no_new_adapter(trainer: Trainer, workspace: Workspace) -> None:
    base, config = str(trainer.base), replace(CONFIG, objective="dpo", epochs=1)
    adapter = train([*verdicts(), tiny.verdict(tiny.sample(tiny.problem(99), "x"))], base, config, workspace)
    wanted = {"groups": 13, "without_contrast": 1, "pairs": 24, "infra": 0}
    assert wanted.items() <= adapter.extra["selection"].items()
    assert adapter.rows == 48
    assert adapter.config["beta"] == 0.1 and "clip" not in adapter.config
    assert train(verdicts(), base, replace(config, clip=0.9), workspace).digest == adapter.digest
    assert train(verdicts(), base, replace(config, beta=0.9), workspace).digest != adapter.digest


def test_samples_of_other_weights_are_told_of(trainer: Trainer, workspace: Workspace) -> None:
    given = [replace(v, sample=replace(v.sample, logprob=-1.0, token_ids=_ids(trainer, v))) for v in verdicts()]
    notes: list[str] = []
    train(
        given,
        str(trainer.base),
        replace(CONFIG, objective="grpo", epochs=1),
        workspace,
        observer=TrainingObserver(warn=notes.append),
    )
    assert any("another model wrote the samples" in note for note in notes)


def _ids(trainer: Trainer, verdict: Verdict) -> list[int]:
    return [*trainer.tokenizer(verdict.sample.text).input_ids, *trainer.ends]


@pytest.mark.slow
def test_on_the_command_line(trainer: Trainer, tmp_path: Path) -> None:
    """Counts are printed and stored; without contrast it ends with 5, an unknown objective with 4."""
    lines = {True: verdicts(), False: [v for v in verdicts() if v.passed]}
    for contrast, some in lines.items():
        text = "".join(json.dumps(v.to_dict()) + "\n" for v in some)
        (tmp_path / f"{contrast}.jsonl").write_text(text, encoding="utf-8")
    options = ["--model", str(trainer.base), "--epochs", "1", "--lora-r", "4"]
    done = axiom("train", "True.jsonl", "--objective", "kto", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["selection"]["labels"] == 36
    told = {line.rsplit(None, 1)[0]: line.rsplit(None, 1)[1] for line in talk(done) if len(line.split()) > 1}
    assert told["groups: attempts with the same prompt"] == "12" and told["labelled attempts"] == "36"
    failed(axiom("train", "False.jsonl", "--objective", "dpo", *options, cwd=tmp_path), 5, "12 always passed")
    failed(axiom("train", "True.jsonl", "--objective", "ppo", *options, cwd=tmp_path), 2, "sft, dpo, grpo, kto")
