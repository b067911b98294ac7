"""Better, worse or inconclusive: what may be said of two models, and what may not."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from axiom_cli import jsonl
from axiom_cli.errors import InputError, MissingError, NothingToDoError, UsageError
from axiom_cli.evaluation.comparison import compare, compare_solutions, pair
from axiom_cli.evaluation.comparison_sources import compare_named, kind_of
from axiom_cli.evaluation.metrics import evaluate
from axiom_cli.report.formats import render
from axiom_cli.report.tables.comparison import comparison_findings
from command_line import axiom, failed
from made_experiment import make, problem, verdict

calm = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""A busy machine is no failure."""


def outcomes(passed: str, samples: int = 1) -> dict[str, tuple[int, int]]:
    """Problem i passed as many samples as the ith digit says."""
    return {str(i): (int(digit), samples) for i, digit in enumerate(passed)}


def test_a_clear_gain_is_better_and_its_mirror_image_worse():
    a, b = outcomes("0" * 60 + "1" * 40), outcomes("1" * 40 + "0" * 20 + "1" * 36 + "0" * 4)
    better, worse = pair(a, b, ("A", "B")), pair(b, a, ("B", "A"))
    assert (better.verdict, worse.verdict) == ("better", "worse")
    assert (better.gained, better.lost) == (40, 4) == (worse.lost, worse.gained)
    assert better.difference == pytest.approx(0.36) == pytest.approx(-worse.difference)
    assert better.sentence.startswith("Better: B solves 76.0 % of the same 100 problems, A 40.0 %: +36.0 points (95 %")


def test_a_gain_below_what_can_be_detected_is_not_shown():
    """The interval lies above zero and McNemar's p under 0.05, and yet the gain is under its own detectable effect."""
    found = pair(outcomes("0" * 90 + "1" * 10), outcomes("1" * 7 + "0" * 83 + "1" * 10), ("A", "B"))
    assert found.interval[0] > 0 and found.p < 0.05
    assert found.difference < found.minimum_detectable
    assert found.verdict == "inconclusive"
    reason = "the interval lies above zero, but the difference is below the 7.4 points that 100 problems can detect"
    assert reason in found.sentence
    assert (
        "lies below zero, but the difference is below the"
        in replace(found, difference=-found.difference, interval=(-found.interval[1], -found.interval[0])).sentence
    )
    assert "lies above zero, but p is not below 0.05" in replace(found, difference=0.1, p=0.06).sentence
    across = replace(found, interval=(-0.01, 0.1), p=0.06)
    assert "a difference below 7.4 points cannot be detected here" in across.sentence and "zero" not in across.sentence


def test_a_handful_of_problems_never_shows_anything():
    """Five of five gained: resampling them would be certain."""
    found = pair(outcomes("00000"), outcomes("11111"), ("A", "B"))
    assert found.interval[0] < 0.5 and found.interval[1] == 1.0 and found.verdict == "inconclusive"
    assert "so few problems cannot show any difference" in found.sentence


@pytest.mark.parametrize("samples, passed", [(1, "1" * 10 + "0" * 10), (1, "1" * 20), (4, "2" * 20), (4, "0" * 20)])
def test_no_change_at_all_is_no_certainty(samples: int, passed: str):
    found = pair(outcomes(passed, samples), outcomes(passed, samples), ("A", "B"))
    low, high = found.interval
    assert low < -0.05 and high > 0.05 and found.minimum_detectable > 0.2
    assert "+0.0 to +0.0" not in found.sentence and "under 0.0 points" not in found.sentence


@pytest.mark.slow
def test_comparisons_are_written_in_every_format(tmp_path: Path):
    make(tmp_path / "demo", each=3, samples=2)
    found = compare_named("demo@0", "demo@3", tmp_path)
    findings = comparison_findings(found)
    assert json.loads(render(findings, "json")) == json.loads(json.dumps([one.to_dict() for one in found]))
    table = list(csv.DictReader(io.StringIO(render(findings, "csv"))))
    assert [float(row["low"]) for row in table] == [one.interval[0] for one in found]
    text = render(findings, "md")
    assert "| greedy |" in text and found[0].sentence in text and found[1].sentence in text


def test_the_command_line_heeds_the_format_of_a_comparison(tmp_path: Path):
    make(tmp_path / "experiments" / "demo", each=1, samples=1)
    ask = ("report", "--compare", "demo@0", "demo@3")
    assert json.loads(axiom(*ask, "--format", "json", cwd=tmp_path).stdout)[0]["after"] == "demo@3"
    assert axiom(*ask, "--format", "csv", cwd=tmp_path).stdout.startswith(b"before,after,")
    assert axiom(*ask, "--format", "md", cwd=tmp_path).stdout.startswith(b"## demo@0 against demo@3\n")
    failed(axiom(*ask, "--html", "page.html", cwd=tmp_path), 2, "a page shows an experiment", "--format md")


@given(st.lists(st.sampled_from(["00", "01", "10", "11"]), min_size=1, max_size=80))
@calm
def test_swapping_the_models_swaps_the_finding(pairs):
    a, b = (outcomes("".join(pair[i] for pair in pairs)) for i in (0, 1))
    there, back = pair(a, b, ("A", "B")), pair(b, a, ("B", "A"))
    assert there.difference == pytest.approx(-back.difference)
    assert {there.verdict, back.verdict} in ({"better", "worse"}, {"inconclusive"})


def test_chance_alone_is_rarely_called_a_change():
    from random import Random

    rng, called = Random(11), 0
    for _ in range(100):
        chances = [rng.random() for _ in range(100)]
        a, b = ({str(i): (int(rng.random() < p), 1) for i, p in enumerate(chances)} for _ in range(2))
        called += pair(a, b, ("A", "B")).verdict != "inconclusive"
    assert called <= 5


def test_verdicts_pair_by_problem_and_leave_infra_out():
    problems = [problem("rpn", 3, i) for i in range(40)]
    before = [verdict(p, False) for p in problems]
    after = [verdict(p, True, status="infra" if i < 10 else "") for i, p in enumerate(problems)]
    found = compare(before, reversed(after))[0]
    assert (found.problems, found.gained, found.unpaired) == (30, 30, 10)
    assert found.rate_after == 1.0 and found.test == "McNemar"


def test_several_samples_use_the_sign_flip_test():
    problems = [problem("rpn", 3, i) for i in range(30)]
    before = [verdict(p, i < 1, 0.7, i) for p in problems for i in range(4)]
    after = [verdict(p, i < 3, 0.7, i) for p in problems for i in range(4)]
    found = compare(before, after)[0]
    assert (found.measure, found.test, found.verdict) == ("sampled", "sign-flip", "better")
    assert (found.rate_before, found.rate_after) == (0.25, 0.75)


def test_models_without_a_common_problem_or_temperature_are_refused():
    with pytest.raises(NothingToDoError, match="any common problem"):
        compare([verdict(problem("rpn", 3, 1), True)], [verdict(problem("rpn", 3, 2), True)])
    with pytest.raises(NothingToDoError, match="temperature"):
        compare([verdict(problem("rpn", 3, 1), True)], [verdict(problem("rpn", 3, 1), True, 0.7)])


def row(identity: str, passed: int = 15, total: int = 15) -> dict:
    """A line of a solutions file."""
    return {
        "problem_id": identity,
        "problem_title": identity,
        "solution_code": "pass",
        "passed_tests": passed,
        "total_tests": total,
        "model_name": "m",
        "timestamp": "2025-01-01T00:00:00+00:00",
    }


def test_solutions_files_tell_who_solved_what(tmp_path: Path):
    a, b = tmp_path / "solutions_a.jsonl", tmp_path / "solutions_b.jsonl"
    jsonl.save(a, [row("two_sum"), row("two_sum"), row("fizzbuzz"), row("fibonacci", 14)])
    jsonl.save(b, [row("two_sum"), row("fibonacci"), row("binary_search")])
    found = compare_named(str(a), str(b))[0]
    assert (found.problems, found.gained, found.lost) == (4, 2, 1)
    assert (found.before, found.after, found.verdict) == ("solutions_a", "solutions_b", "inconclusive")
    assert "of the 4 problems that either of them solved" in found.sentence


def test_solutions_alone_can_show_a_gain():
    found = compare_solutions([row("a")], [row(f"p{i}") for i in range(30)] + [row("a")], ("old", "new"))
    assert found.verdict == "better"


def test_a_row_that_is_not_a_solution_is_named():
    with pytest.raises(InputError, match="row 2"):
        compare_solutions([row("a"), {"problem_id": "b"}], [], ("old", "new"))


@pytest.mark.slow
def test_two_iterations_of_an_experiment_and_its_controls(tmp_path: Path):
    make(tmp_path / "demo", each=3, samples=2)
    greedy, sampled = compare_named("demo@0", "demo@best", tmp_path)
    assert (greedy.split, greedy.problems, greedy.verdict) == ("test", 120, "better")
    assert (sampled.measure, greedy.after) == ("sampled", "demo@3")
    assert compare_named("demo@1", "demo@2", tmp_path)[0].split == "val", "test holds the ends only"
    control = compare_named("demo+shuffled@last", "demo", tmp_path)[0]
    assert control.before == "demo+shuffled@3" and control.difference > 0


@pytest.mark.slow
def test_without_verdicts_the_rates_are_compared_as_independent(tmp_path: Path):
    folder = make(tmp_path / "demo", each=3, samples=2)
    paired = compare_named("demo@0", "demo@3", tmp_path)[0]
    for path in (folder / "evaluations").iterdir():
        path.unlink()
    alone = compare_named("demo@0", "demo@3", tmp_path)[0]
    assert alone.measure == "unpaired" and alone.difference == pytest.approx(paired.difference)
    assert alone.interval[1] - alone.interval[0] > paired.interval[1] - paired.interval[0]


def test_metrics_files_compare(tmp_path: Path):
    for file, good in (("a", 10), ("b", 90)):
        verdicts = [verdict(problem("rpn", 3, i), i < good) for i in range(100)]
        jsonl.save(tmp_path / f"{file}.jsonl", evaluate(verdicts, file))
    found = compare_named(str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl"))[0]
    assert found.verdict == "better" and found.p is None


@pytest.mark.slow
def test_mistakes_are_explained(tmp_path: Path):
    make(tmp_path / "demo", each=1, samples=1)
    with pytest.raises(MissingError) as missing:
        compare_named("demmo", "demo", tmp_path)
    assert "did you mean demo?" in missing.value.hint
    with pytest.raises(UsageError, match="no model '9'") as usage:
        compare_named("demo@9", "demo", tmp_path)
    assert "0, 1, 2, 3, best and last" in usage.value.hint
    jsonl.save(tmp_path / "s.jsonl", [row("a")])
    with pytest.raises(InputError, match="a solutions file"):
        compare_named(str(tmp_path / "s.jsonl"), "demo", tmp_path)
    (tmp_path / "p.jsonl").write_bytes(jsonl.dump(problem("rpn", 3, 1)))
    with pytest.raises(InputError, match="neither solutions, verdicts nor metrics"):
        kind_of(str(tmp_path / "p.jsonl"))
    broken = tmp_path / "broken.jsonl"
    broken.write_bytes(jsonl.dump(row("a")) + b"\n{\n")
    with pytest.raises(InputError, match="broken.jsonl: line 3: not JSON"):
        compare_named(str(broken), str(broken))
    broken.write_bytes(b"[1]\n")
    with pytest.raises(InputError, match="broken.jsonl: line 1: an array, expected an object"):
        kind_of(str(broken))


def test_nothing_heavy_is_imported_before_it_is_needed():
    heavy = "[m for m in ('scipy', 'numpy', 'torch') if m in sys.modules]"
    code = f"import sys, axiom_cli.evaluation.comparison_sources; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.replace("'", '"')) == []
