"""What `axiom report --verdicts` says of a value function."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

import tiny
from axiom_cli import jsonl
from axiom_cli.errors import InputError, NothingToDoError
from axiom_cli.evaluation.value_ranking import rank
from axiom_cli.records import Verdict
from axiom_cli.report.formats import render
from axiom_cli.report.pages.ranking import ranking_page
from axiom_cli.report.tables.ranking import facts, ranking_findings
from command_line import axiom, failed, rows, talk

BY = {"name": "judge", "digest": "a" * 64}


def scored(problems: int = 60, samples: int = 4, skill: float = 1.0, first: int = 0, **more) -> Iterator[Verdict]:
    """A third of the samples is right; two thirds say one of two wrong answers. `skill` 1 knows, -1 errs, 0 guesses."""
    for number in range(first, first + problems):
        random = Random(number)
        for index in range(samples):
            good = random.random() < 1 / 3
            value = round(0.5 + skill * (0.3 if good else -0.3) + 0.2 * (random.random() - 0.5), 6)
            text = f"Answer: {1 if good else random.choice((2, 3))}"
            extra = {"value": value, "value_by": BY, **more}
            yield tiny.verdict(tiny.sample(tiny.problem(number), text, index, extra=extra), "pass" if good else "fail")


@pytest.mark.parametrize(
    ("skill", "verdict", "says"),
    [
        (1.0, "better", "Value ranking beats majority vote: of 4 samples it finds a correct one in"),
        (-1.0, "worse", "Value ranking loses to majority vote: "),
        (0.0, "inconclusive", "It is inconclusive whether value ranking beats majority vote: "),
    ],
)
def test_the_sentence_follows_from_the_interval(skill: float, verdict: str, says: str) -> None:
    found = rank(scored(skill=skill))
    low, high = found.headline.interval
    assert found.headline.verdict == verdict
    assert (low > 0) == (verdict == "better") and (high < 0) == (verdict == "worse")
    assert found.sentence.startswith(says)
    assert found.best[-1].interval == found.headline.interval
    assert found.best[-1].difference == pytest.approx(found.headline.difference)


def test_a_gain_too_small_for_so_few_problems_is_said_to_be_so() -> None:
    """The figures beside it say that the interval lies above zero, so the sentence has to say what is missing."""
    found = rank(scored(12))
    assert found.headline.verdict == "inconclusive" and found.best[-1].interval[0] > 0
    assert any("above zero at N = " in line and line.endswith("4") for line in facts(found))
    assert "the interval lies above zero, but the difference is below the" in found.sentence


def test_figures_of_a_value_that_knows() -> None:
    found = rank(scored())
    assert (found.problems, found.samples, found.value.name, found.model.name) == (60, 240, "judge", "tiny")
    assert found.auroc == found.within == 1
    assert [one.value for one in found.best] == pytest.approx([one.oracle for one in found.best])
    assert [one.random for one in found.best] == pytest.approx([found.rate] * 4)
    assert found.best[0].value == pytest.approx(found.best[0].vote) == pytest.approx(found.rate)
    assert (found.best[0].difference, found.best[0].interval) == (0, (0, 0)), "one sample leaves no choice"
    assert sum(one.n for one in found.bins) == 240
    assert found.brier < found.constant
    assert any(line.endswith("above zero at N = 2, 3, 4") for line in facts(found))
    assert not any("above zero" in line for line in facts(rank(scored(skill=-1.0))))


def test_problems_that_it_was_fitted_on_have_no_part() -> None:
    held = rank(scored(30, first=30, skill=0.0))
    mixed = rank([*scored(30, value_seen=True), *scored(30, first=30, skill=0.0)])
    assert mixed == replace(held, seen=120)
    assert "120 samples of problems that the value function was fitted on" in mixed.left_out
    with pytest.raises(NothingToDoError, match="fitted on"):
        rank(scored(30, value_seen=True))


def test_what_could_not_be_judged_is_left_out_and_counted() -> None:
    given = list(scored())
    given[0] = replace(given[0], status="infra")
    found = rank(given)
    assert (found.infra, found.uneven, found.samples, found.headline.problems) == (1, 1, 239, 59)
    assert "1 samples that could not be judged" in found.left_out


def test_verdicts_without_values_or_of_two_functions_are_refused() -> None:
    bare = [tiny.verdict(tiny.sample(tiny.problem(1), "Answer: 1"))]
    with pytest.raises(InputError, match="has no value") as caught:
        rank(bare)
    assert "--value-function NAME" in caught.value.hint
    with pytest.raises(InputError, match="two value functions"):
        rank([*scored(2), *scored(2, first=2, value_by={"name": "other", "digest": "b" * 64})])


def test_two_functions_on_the_same_samples_are_compared_with_each_other(tmp_path: Path) -> None:
    """Whether one pass scored them, or two files were put together."""
    other = {"name": "guess", "digest": "b" * 64}
    knows, guesses = list(scored()), list(scored(skill=0.0, value_by=other))
    apart = rank([*knows, *guesses])
    both = [
        altered(one, values=[{name: two.sample.extra[name] for name in ("value", "value_by")}])
        for one, two in zip(knows, guesses, strict=True)
    ]
    assert rank(both) == apart
    [rival] = apart.rivals
    assert replace(apart, rivals=()) == rank(knows) and rival.ranking == rank(guesses)
    assert rival.finding.verdict == "better"
    assert rival.finding.difference == pytest.approx(apart.best[-1].value - rival.ranking.best[-1].value)
    assert rival.sentence.startswith("judge beats guess: of 4 samples judge finds a correct one in ")
    assert rank([*guesses, *knows]).rivals[0].sentence.startswith("guess loses to judge: of 4 samples guess finds")
    jsonl.save(tmp_path / "scored.jsonl", both)
    done = axiom("report", "--verdicts", "scored.jsonl", "--html", "page.html", cwd=tmp_path)
    assert [row["value"]["name"] for row in rows(done.stdout)] == ["judge", "guess"]
    assert rows(done.stdout)[0]["against"][0]["sentence"] == rival.sentence == talk(done)[-2]
    assert "Best of N, guess" in (tmp_path / "page.html").read_text()


def altered(given: Verdict, **more) -> Verdict:
    """The verdict with other words on its sample."""
    return replace(given, sample=replace(given.sample, extra={**given.sample.extra, **more}))


@pytest.mark.parametrize("value", [17, -0.1, True, "0.5", float("nan")])
def test_a_value_that_is_no_probability_is_refused_with_its_row(value: object) -> None:
    first, *rest = scored(2)
    with pytest.raises(
        InputError, match=r"row 2: a sample of problem 0{16} has the value .*, which is not a probability"
    ):
        rank([first, altered(rest[0], value=value), *rest[1:]])


@pytest.mark.parametrize(("told", "strategy"), [({"candidates": 8}, "value"), ({"votes": 3, "voters": 8}, "vote")])
def test_samples_that_were_chosen_from_others_are_refused(told: dict, strategy: str) -> None:
    with pytest.raises(InputError, match="row 1: .* was chosen from 8 that are not in the input") as caught:
        rank(scored(samples=1, **told))
    assert caught.value.hint == f"leave out --strategy {strategy}: every sample is needed"


def test_files_of_verdicts_that_overlap_count_each_sample_once() -> None:
    once = list(scored(40, skill=0.2))
    found = rank([*once[:100], *once[40:]])
    assert found == replace(rank(once), repeated=60)
    assert found.left_out == "left out: 60 repeated samples, each counted once"
    rescored = [altered(one, value=one.sample.extra["value"] + 1e-4) for one in once[:8]]
    assert rank([*once, *rescored]).best == rank(once).best, "scored beside others a value moves a little"
    other = [replace(one, sample=replace(one.sample, params={"seed": 1})) for one in once]
    assert rank([*once, *other]).samples == 320, "another seed gives other samples"


@pytest.mark.parametrize("what", ["text", "verdict", "value"])
def test_a_sample_that_contradicts_itself_is_refused_with_its_rows(what: str) -> None:
    given = list(scored(3))
    other = {
        "text": replace(given[1], sample=replace(given[1].sample, text="Answer: 4")),
        "verdict": replace(given[1], status="fail" if given[1].passed else "pass"),
        "value": altered(given[1], value=1 - given[1].sample.extra["value"]),
    }[what]
    with pytest.raises(InputError, match=f"row 13: sample 1 of problem 0{{16}} has another {what} than in row 2"):
        rank([*given, other])


def test_the_same_figures_in_every_form() -> None:
    found = rank(scored(samples=6, skill=0.2))
    findings = ranking_findings(found)
    record = json.loads(render(findings, "json"))
    assert record["kind"] == "ranking"
    assert record["finding"]["interval"] == list(found.headline.interval)
    assert [row["n"] for row in record["best"]] == [1, 2, 3, 4, 5, 6]
    assert record["sentence"] == found.sentence
    assert [row[0] for row in findings.terminal[0].rows] == ["1", "2", "4", "6"]
    heading, *lines = render(findings, "csv").splitlines()
    assert (heading, len(lines)) == ("n,value,vote,random,oracle,difference,low,high", 6)
    assert found.sentence in render(findings, "md")


def test_the_page_needs_nothing_else_and_shows_both_plots() -> None:
    found = rank(scored())
    html = ranking_page(found)
    assert html == ranking_page(found)
    assert "$" not in html and "http" not in html.replace("http-equiv", "")
    assert html.count("<svg") == 4, "best of N and calibration, wide and narrow"
    assert "Value ranking beats majority vote" in html and "Best of N" in html and "Calibration" in html


def test_the_command_reports_a_file_or_a_pipe(tmp_path: Path) -> None:
    jsonl.save(tmp_path / "scored.jsonl", scored())
    done = axiom("report", "--verdicts", "scored.jsonl", "--html", "page.html", cwd=tmp_path)
    [record] = rows(done.stdout)
    assert done.returncode == 0 and record["kind"] == "ranking"
    assert talk(done)[-2] == record["sentence"]
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    piped = axiom("report", "--verdicts", "-", cwd=tmp_path, stdin=(tmp_path / "scored.jsonl").read_bytes())
    assert piped.stdout == done.stdout
    failed(axiom("report", "name", "--verdicts", "scored.jsonl", cwd=tmp_path), 2, "and nothing else")
    failed(axiom("report", "--verdicts", "gone.jsonl", cwd=tmp_path), 3, "gone.jsonl")
    words = ("solve", "--model", "./gone", "--value-function", "none")  # the value function is looked for first
    failed(axiom(*words, cwd=tmp_path, stdin=jsonl.dump(tiny.problem(1))), 4, "no value function called 'none'")
    assert not (tmp_path / ".axiom").exists()
