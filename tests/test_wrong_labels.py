"""Planted wrong verdicts: as many as asked for, where the start model fails often, and never taken for true ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from axiom_cli.evaluation.metrics import evaluate
from axiom_cli.experiment.wrong_labels import distance, hard_cells, plant, planted
from axiom_cli.records import Verdict
from command_line import axiom, failed, rows
from made_experiment import problem, verdict


def answered(number: int, answer: str, family: str = "rpn", level: int = 3, index: int = 0) -> Verdict:
    """A judged answer to a problem whose answer is `number`."""
    of = problem(family, level, number, "train")
    made = verdict(of, answer == str(number), 0.7, index)
    return replace(made, sample=replace(made.sample, text=f"Answer: {answer}", index=index))


MANY = [answered(n, str(n) if n % 2 else str(n + n), index=i) for n in range(1, 101) for i in range(2)]
MANY += [answered(n, str(n + 1), "arithmetic") for n in range(1, 101)]
CELLS = {("rpn", 3)}


@pytest.mark.parametrize("kind", ["random", "near", "own"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_so_many_verdicts_are_turned_round_and_say_what_they_were(kind: str, share: float) -> None:
    turned = plant(MANY, share, kind, CELLS, seed=1)
    assert turned == plant(MANY, share, kind, CELLS, seed=1)
    assert [v.sample for v in turned] == [v.sample for v in MANY]
    changed = [(was, now) for was, now in zip(MANY, turned, strict=True) if was != now]
    assert len(changed) == round(share * 200)
    assert sum(planted(turned).values()) == len(changed)
    for was, now in changed:
        assert now.status != was.status and now.extra["planted"] == {"status": was.status, "kind": kind}
        assert (now.sample.problem.family, now.passed_tests == now.total_tests) == ("rpn", now.passed)
    assert plant(MANY, 0.0, kind, CELLS, seed=1) == MANY
    assert plant(MANY, share, kind, set(), seed=1) == MANY


def test_near_misses_come_closest_and_the_models_own_answers_are_its_commonest() -> None:
    misses = [answered(1000, str(1000 + off), index=off) for off in range(1, 201)]
    near = [v.sample.index for v in plant(misses, 0.1, "near", CELLS, seed=1) if v.passed]
    assert near == [*range(1, 21)]
    counts = {"8": 12, "9": 5, "10": 3, "11": 1}
    said = [answered(7, answer, index=i) for answer, count in counts.items() for i in range(count)]
    own = [v for v in plant(said, 0.5, "own", CELLS, seed=1) if v.passed]
    assert Counter(v.sample.text for v in own) == {"Answer: 8": 10}
    assert distance(answered(10, "11")) < distance(answered(10, "20")) < distance(answered(10, ""))
    assert distance(answered(10, "(1, 2)")) <= 1


def test_it_happens_where_the_start_model_fails_often() -> None:
    found = [
        verdict(problem("rpn", level, n, "val"), n < solved) for level, solved in ((3, 6), (4, 7)) for n in range(10)
    ]
    assert hard_cells(evaluate(found, "run", split="val")) == {("rpn", 3)}


SMALL = (
    "loop",
    "--experiment",
    "dose",
    "--problems",
    "register_machine:5-6",
    "--train-size",
    "60",
    "--iterations",
    "1",
)
SMALL = (*SMALL, "--val-size", "20", "--test-size", "40", "--epochs", "1", "--ignore-gates", "--wrong-labels", "0.5")


def test_settings_with_which_it_says_nothing_are_refused(tmp_path: Path) -> None:
    failed(axiom(*SMALL, "--control", "shuffled", cwd=tmp_path), 2, "--control")
    failed(axiom(*SMALL, "--wrong-labels-kind", "own", cwd=tmp_path), 2, "--samples 1")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_run_learns_from_planted_verdicts_and_keeps_true_ones_apart(tmp_path: Path) -> None:
    done = axiom(*SMALL, "--samples", "2", "--wrong-labels-kind", "own", cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert "it learns from wrong verdicts: 50%" in done.stderr.decode()
    folder = tmp_path / "experiments" / "dose"
    collect = next(r for r in rows((folder / "metrics.jsonl").read_bytes()) if r["phase"] == "collect")
    told = collect["planted"]
    assert told["pass"] + told["fail"] == pytest.approx(60, abs=4), "half of 120 samples, without those cut off"
    solutions = rows((folder / "solutions" / "iter_0.jsonl").read_bytes())
    assert len(solutions) == collect["passed"], "what really passed"
    assert all(row["passed_tests"] == row["total_tests"] for row in solutions)
    evaluated = (folder / "evaluations" / "test_1.jsonl").read_bytes()
    assert b"planted" not in evaluated
