"""What a report says of several samples a problem: pass@k with intervals, where curves cross, and how many different
things the samples say."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from axiom_cli import jsonl
from axiom_cli.evaluation.coverage import Coverage
from axiom_cli.evaluation.experiment_folder import read_experiment
from axiom_cli.evaluation.metrics import evaluate
from axiom_cli.records import Problem, Program, Verdict
from axiom_cli.report.formats import Table, render
from axiom_cli.report.outcome.summary import ExperimentSummary, summarize
from axiom_cli.report.pages.experiment import page
from axiom_cli.report.tables.experiment import experiment_findings
from axiom_cli.statistics import entropy, pass_at_k
from made_experiment import problem, verdict

PROBLEMS, SAMPLES = 40, 8


def sampled(passes: Sequence[int]) -> Iterator[Verdict]:
    """So many of 8 samples of each problem pass."""
    for number, count in enumerate(passes):
        for index in range(SAMPLES):
            yield verdict(problem("rpn", 3, number, "test"), index < count, 0.7, index)


def summary(
    folder: Path, start: Iterator[Verdict], selected: Iterator[Verdict], better: bool = True
) -> ExperimentSummary:
    """Two models with these test verdicts; validation chooses the second one if it is `better`."""
    rows = []
    for iteration, drawn in enumerate((start, selected)):
        val = [verdict(problem("rpn", 3, i, "val"), i < (9 if iteration == better else 5)) for i in range(20)]
        for split, verdicts in (("val", val), ("test", list(drawn))):
            jsonl.save(folder / "evaluations" / f"{split}_{iteration}.jsonl", verdicts)
            rows += evaluate(verdicts, folder.name, iteration, split)
    jsonl.save(folder / "metrics.jsonl", rows)
    return summarize(read_experiment(folder.name, folder.parent))


def covered(found: ExperimentSummary) -> Coverage:
    assert found.coverage
    return found.coverage


def said(found: ExperimentSummary) -> str:
    return render(experiment_findings([found]), "md")


def test_a_model_that_knows_half_of_the_problems_by_heart_loses_at_large_k(tmp_path: Path):
    certain = [SAMPLES] * 20 + [0] * 20
    found = summary(tmp_path / "run", sampled([2] * PROBLEMS), sampled(certain))
    of = covered(found)
    assert [pair.start.value for pair in of.pass_at] == pytest.approx([pass_at_k(8, 2, k) for k in range(1, 9)])
    assert {pair.selected.value for pair in of.pass_at} == {0.5}
    assert of.crossing == 3, "pass@2 of 2 in 8 is 46 %, pass@3 64 %"
    for pair in of.pass_at:
        for estimate in (pair.start, pair.selected, pair.change):
            assert estimate.low <= estimate.value <= estimate.high and estimate.low < estimate.high
    assert "The pass@k curves cross: from k = 3 the start model leads; at k = 8 the change is -50.0 points (" in said(
        found
    )
    assert "from k = 3 the start model leads" in page(found)
    data = orjson.loads(render(experiment_findings([found]), "json"))["coverage"]
    assert data["crossing"] == 3 and list(data["pass_at"]) == list("12345678")


@pytest.mark.slow
def test_the_interval_of_pass_at_1_is_that_of_the_sampled_pass_rate(tmp_path: Path):
    found = summary(
        tmp_path / "run", sampled([i % 4 for i in range(PROBLEMS)]), sampled([i % 7 for i in range(PROBLEMS)])
    )
    of = covered(found)
    ends = {row.iteration: row for row in found.rows if row.split == "test"}
    for iteration, estimate in ((0, of.pass_at[0].start), (1, of.pass_at[0].selected)):
        assert (estimate.low, estimate.high) == pytest.approx(ends[iteration].interval, abs=1e-6)
        assert estimate.value == pytest.approx(ends[iteration].rate)
    paired = next(c for c in found.final if c.measure == "sampled")
    change = of.pass_at[0].change
    assert (change.low, change.high) == pytest.approx(paired.interval, abs=1e-9)
    assert of.crossing is None and "pass@k of model 1 is above that of the start model for every k up to 8" in said(
        found
    )


def saying(of: Problem, *texts: str, good: int = 0) -> Iterator[Verdict]:
    """A sample for each text; the first `good` ones pass."""
    for index, text in enumerate(texts):
        made = verdict(replace(of, program=None, answer="7") if of.answer else of, index < good, 0.7, index)
        yield replace(made, sample=replace(made.sample, text=text))


def test_equal_answers_and_equal_programs_count_once(tmp_path: Path):
    asks = problem("rpn", 3, 7, "test")
    texts = (
        "<think>a</think>\nAnswer: 7",
        "<think>b</think>\nAnswer: 7.0",
        "<think>b</think>\nAnswer:  7.0",
        "Answer: 8",
    )
    program = Problem(
        "p", "f", "f", "Write f.", 3, "test", program=Program("f", "f(x)", tests=[{"args": [1], "expected": 1}])
    )
    codes = [
        f"```python\n{code}\n```"
        for code in (
            "def f(x):\n    return x",
            "def f(x):  # the same\n    return (x)",
            "def f(x):\n    return x + 0",
            "no",
        )
    ]

    def model(*texts: str, good: int) -> Iterator[Verdict]:
        yield from saying(asks, *texts, good=good)
        yield from saying(program, *codes, good=3)

    one = "<think>a</think>\nAnswer: 7"
    found = covered(summary(tmp_path / "run", model(*texts, good=3), model(one, one, one, one, good=4)))
    values = {name: (pair.start.value, pair.selected.value) for name, pair in found.distinct.items()}
    assert values == {"answers": (2, 1), "paths": (2, 1), "solutions": (3, 2), "right solutions": (2, 1.5)}
    assert found.entropy
    asked, written = entropy([3, 1]), entropy([2, 1, 1])
    assert found.entropy.start.value == pytest.approx((asked + written) / 2)
    assert found.entropy.selected.value == pytest.approx((0 + written) / 2)


def test_one_path_may_be_told_in_two_ways_and_a_cut_off_sample_has_none(tmp_path: Path):
    def model() -> Iterator[Verdict]:
        for number in range(20):
            asks = problem("rpn", 3, number, "test")
            told = ("1. 3 + 4 = 7\n2. 7 * 2 = 14", "3+4 = 7\n7 * 2 = 14.", "7 * 2 = 14\n3 + 4 = 7", "3 + 4 = 7")
            texts = [f"<think>\n{steps}\n</think>\nAnswer: 14" for steps in told] + ["Answer: 14", "hm"]
            for made in saying(asks, *texts, good=5):
                cut = made.sample.index == 3
                yield replace(made, sample=replace(made.sample, finish="length")) if cut else made

    found = covered(summary(tmp_path / "run", model(), model()))
    assert found.distinct["paths"].start.value == 2, (
        "four ways to the answer, of which two are the same and one cut off"
    )
    assert found.distinct["answers"].start.value == 1
    assert found.entropy and found.entropy.start.value == pytest.approx(entropy([4, 2])), (
        "without an answer: an outcome"
    )


def test_a_model_that_settles_on_one_answer_loses_its_entropy_with_an_interval(tmp_path: Path):
    def model(different: int) -> Iterator[Verdict]:
        for number in range(PROBLEMS):
            of = problem("rpn", 3, number, "test")
            yield from saying(of, *(f"Answer: {index % different}" for index in range(SAMPLES)))

    of = covered(summary(tmp_path / "run", model(4), model(1)))
    assert of.entropy
    bits = entropy([2, 2, 2, 2])
    assert (of.entropy.start.value, of.entropy.selected.value) == pytest.approx((bits, 0))
    assert of.entropy.change.value == pytest.approx(-bits)
    for estimate in (of.entropy.start, of.entropy.change):
        assert estimate.low is not None and estimate.high is not None and estimate.low < estimate.high
    assert of.entropy.change.high < 0


@pytest.mark.slow
def test_diversity_is_in_every_format(tmp_path: Path):
    found = summary(tmp_path / "run", sampled([2] * PROBLEMS), sampled([4] * PROBLEMS))
    of, findings = covered(found), experiment_findings([found])
    assert of.entropy
    data = orjson.loads(render(findings, "json"))["coverage"]
    assert data["entropy"]["change"] == pytest.approx(of.entropy.change._asdict())
    rows = list(csv.DictReader(io.StringIO(render(findings, "csv"))))
    drawn = [row for row in rows if row["temperature"] == "0.7"]
    assert [float(row["entropy"]) for row in drawn] == pytest.approx(
        [of.entropy.start.value, of.entropy.selected.value]
    )
    assert [float(row["distinct_paths"]) for row in drawn] == [1, 1], "those that are wrong reason about nothing"
    assert {row["entropy"] for row in rows if row not in drawn} <= {""}
    assert "| entropy, bits | " in render(findings, "md") and "Entropy of the answers" in page(found)


@pytest.mark.slow
def test_samples_that_were_not_judged_or_were_cut_off_say_nothing(tmp_path: Path):
    def model() -> Iterator[Verdict]:
        for made in sampled([1] * 4):
            last = made.sample.index == SAMPLES - 1
            yield replace(made, status="infra") if last else made
        for index in range(SAMPLES):
            made = verdict(problem("rpn", 3, 9, "test"), False, 0.7, index)
            yield replace(made, sample=replace(made.sample, finish="length"))

    of = covered(summary(tmp_path / "run", model(), model()))
    assert len(of.pass_at) == 7 and of.problems == 5
    assert of.distinct["answers"].start.value == pytest.approx((4 * 2 + 0) / 5)


@pytest.mark.slow
def test_without_verdicts_the_curves_are_those_of_the_metrics(tmp_path: Path):
    found = summary(tmp_path / "run", sampled([2] * PROBLEMS), sampled([4] * PROBLEMS))
    for path in (tmp_path / "run" / "evaluations").iterdir():
        path.unlink()
    bare = summarize(read_experiment("run", tmp_path))
    values = [[pair.selected.value for pair in covered(each).pass_at] for each in (found, bare)]
    assert values[0] == pytest.approx(values[1], abs=1e-6)
    assert not covered(bare).distinct and covered(bare).pass_at[0].change.low is None
    tables = [
        part for part in experiment_findings([bare]).markdown if isinstance(part, Table) and "pass@k" in part.title
    ]
    assert tables[0].rows[0] == ["pass@1, %", "25.0", "50.0", "+25.0"]
    assert "pass@k, start and selected" in page(bare)


@pytest.mark.slow
def test_a_start_model_that_stays_selected_is_shown_alone(tmp_path: Path):
    found = summary(tmp_path / "run", sampled([2] * PROBLEMS), sampled([4] * PROBLEMS), better=False)
    assert "pass@8 of the start model, which stays selected, is 100.0 %." in said(found)
    assert "pass@k, start and selected" in page(found)


@pytest.mark.slow
def test_one_sample_a_problem_has_no_coverage(tmp_path: Path):
    greedy = [verdict(problem("rpn", 3, i, "test"), i < 3) for i in range(20)]
    found = summary(tmp_path / "run", iter(greedy), iter(greedy))
    assert found.coverage is None and "pass@k" not in page(found).split("<h2>", 1)[1]
