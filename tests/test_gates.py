"""Gates: each warns where time is likely to be wasted, and stops a run before its second minute where nothing can come
of it; the plan refuses what the run refuses."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from axiom_cli.errors import GateFailedError
from axiom_cli.experiment import gates
from axiom_cli.records import Verdict
from command_line import axiom, failed, talk
from made_experiment import problem, verdict

TINY = ["loop", "--iterations", "1", "--train-size", "40", "--val-size", "10", "--test-size", "10"]
FIXED = ["--curriculum", "fixed"]
LISTING = ["--problems", "stack_listing", "--min-difficulty", "3", "--max-difficulty", "6", "--max-tokens", "200"]


def attempts(problems: int, samples: int, passes: int, first: int = 0) -> list[Verdict]:
    """So many samples of each problem, of which the first `passes` pass. Problems are counted from `first`."""
    made = [verdict(problem("rpn", 3, first + n), i < passes) for n in range(problems) for i in range(samples)]
    return [replace(v, sample=replace(v.sample, text="Answer: 1", index=i)) for i, v in enumerate(made)]


def found(verdicts: list[Verdict], objective: str = "sft", iteration: int = 0) -> list[tuple[str, bool]]:
    return [(finding.reason, finding.stops) for finding in gates.check_samples(verdicts, objective, iteration)]


def test_what_the_first_samples_show_is_told_in_numbers() -> None:
    some = [*attempts(30, 2, 1), *attempts(10, 2, 0, 30)]
    assert found(some) == []
    few_cut = [*some[:73], *(replace(v, sample=replace(v.sample, finish="length")) for v in some[73:])]
    assert found(few_cut) == [], "9 % lose their way before they come to an end"
    more_cut = [*some[:72], *(replace(v, sample=replace(v.sample, finish="length")) for v in some[72:])]
    assert found(more_cut) == [("10% of the first 80 samples ran into their length limit", False)]
    all_cut = [replace(v, sample=replace(v.sample, finish="length")) for v in some]
    assert found(all_cut) == [("100% of the first 80 samples ran into their length limit", True)]
    unread = [*some[:30], *(replace(v, sample=replace(v.sample, text="I do not know")) for v in some[30:])]
    assert ("an answer can be read from only 38% of the first 80 samples", True) in found(unread)
    assert found([*attempts(37, 1, 0), *attempts(3, 1, 1, 37)]) == [
        ("92% of the first 40 problems are solved by no sample", True)
    ]
    assert found(attempts(19, 1, 0)) == [], "too few problems to judge by"


def test_a_model_that_has_come_to_solve_everything_is_tested_all_the_same() -> None:
    reason = "100% of the first 40 problems are solved by every sample: little is left to learn"
    assert found(attempts(40, 2, 2)) == [(reason, True)]
    assert found(attempts(40, 2, 2), iteration=3) == [(reason, False)]


def test_where_attempts_are_compared_problems_without_contrast_are_of_no_use() -> None:
    mixed = [*attempts(20, 4, 4), *attempts(18, 4, 0, 20), *attempts(2, 4, 2, 38)]
    assert found(mixed) == []
    reason = "the samples of 95% of the first 40 problems all pass or all fail: there is nothing to compare"
    assert found(mixed, "grpo") == [(reason, True)]


@pytest.mark.parametrize(("problems", "warns", "stops"), [(3, True, True), (10, True, False), (1000, False, False)])
def test_a_test_set_is_held_against_the_gain_that_it_can_show(problems: int, warns: bool, stops: bool) -> None:
    findings = list(gates.check_test_size(problems))
    assert [finding.stops for finding in findings] == [stops] * warns
    if warns:
        assert f"{problems} test problems" in findings[0].reason and "--test-size 200" in findings[0].hint


def test_a_start_model_that_solves_nearly_everything_needs_a_larger_test() -> None:
    assert not list(gates.check_headroom(0.33, 100))
    (finding,) = gates.check_headroom(0.92, 100)
    assert finding.reason.startswith("the start model solves 92% of the validation problems, so 8 points are left")
    assert "gains above 14 points" in finding.reason and not finding.stops


def test_a_gate_warns_or_stops_or_is_overridden() -> None:
    said: list[str] = []
    room = list(gates.check_room(9 << 30, 10 << 30, "disk", "make room"))
    gates.enforce(room, said.append)
    assert said == ["the run needs about 9.0 GiB of disk, and 10.0 GiB are free: make room"]
    full = list(gates.check_room(11 << 30, 10 << 30, "disk", "make room"))
    with pytest.raises(GateFailedError, match="needs about 11.0 GiB") as caught:
        gates.enforce(full, said.append)
    assert caught.value.hint == "make room; --ignore-gates runs anyway"
    gates.enforce(full, said.append, ignored=True)
    assert len(said) == 2


PLANTED = {
    "cut off": (["--max-tokens", "3"], "ran into their length limit", "--max-tokens"),
    "not well-formed": (
        ["--problems", "arithmetic", "--max-difficulty", "2", "--temperature", "3"],
        "an answer can be read from only",
        "coldstart",
    ),
    "too hard": (
        ["--problems", "list_ops", "--min-difficulty", "10", "--max-difficulty", "10"],
        "are solved by no sample",
        "choose easier levels",
    ),
    "too easy": (
        ["--problems", "bracket_listing", "--min-difficulty", "1", "--max-difficulty", "1"],
        "solved by every sample",
        "--max-difficulty",
    ),
    "nothing to compare": (
        [
            "--objective",
            "grpo",
            "--samples",
            "2",
            "--temperature",
            "0",
            "--problems",
            "stack_listing",
            "--max-difficulty",
            "6",
        ],
        "all pass or all fail",
        "--temperature",
    ),
    "test too small": (["--test-size", "3"], "3 test problems cannot show any gain", "--test-size 200"),
}


@pytest.mark.parametrize(
    "planted", [pytest.param(name, marks=() if name == "cut off" else pytest.mark.slow) for name in PLANTED]
)
def test_a_run_that_cannot_work_is_stopped_at_once_and_leaves_its_name_free(planted: str, tmp_path: Path) -> None:
    words, reason, hint = PLANTED[planted]
    began = time.process_time()
    done = axiom(*TINY, *words, cwd=tmp_path)
    failed(done, 6, reason, hint, "--ignore-gates runs anyway")
    assert time.process_time() - began < 60
    assert not (tmp_path / "experiments").exists(), "the next try may have other settings"


@pytest.mark.slow
def test_the_plan_refuses_what_the_run_refuses(tmp_path: Path) -> None:
    words, reason, hint = PLANTED["cut off"]
    failed(axiom(*TINY, *words, "--plan", cwd=tmp_path), 6, reason, hint)
    done = axiom(*TINY, *words, "--ignore-gates", "--plan", cwd=tmp_path)
    assert done.returncode == 0, talk(done)
    assert any(line.startswith("warning: ") and reason in line for line in talk(done))


@pytest.mark.slow
def test_the_plan_refuses_an_experiment_that_was_begun_with_other_settings(tmp_path: Path) -> None:
    assert axiom(*TINY, *LISTING, *FIXED, "--samples", "4", cwd=tmp_path).returncode == 0
    before = sorted(path for path in tmp_path.rglob("*"))
    done = axiom(*TINY, *LISTING, *FIXED, "--samples", "3", "--plan", cwd=tmp_path)
    failed(done, 2, "was run with solve.samples 4, not 3")
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_a_climb_says_what_gives_its_levels_more_problems() -> None:
    """A larger --val-size is of no use where a file gives all that it has."""
    shares = {("rpn", 1): 0.5, ("rpn", 2): 0.5}
    (few,) = gates.check_climb(shares, [])
    assert few.hint == "--val-size 20 gives 10 to each" and not few.stops
    (few,) = gates.check_climb(shares, [], endless=False)
    assert few.hint == "--curriculum fixed has no climb" and "some levels have none" in few.reason
