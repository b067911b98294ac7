"""Levels that rise are found, levels that fall or stay are not accused, and few data decide nothing."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from axiom_cli import statistics
from axiom_cli.commands.gallery import conclusion, section
from axiom_cli.jsonl import dump
from axiom_cli.problems import families
from axiom_cli.problems.difficulty import calibrate, judge, table
from axiom_cli.problems.families import draw
from axiom_cli.records import Verdict
from command_line import axiom, failed, rows, talk

LEVELS = list(range(1, 11))
calm = settings(max_examples=60, deadline=None)
rates = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def verdicts(counts: dict[int, tuple[int, int]], samples: int = 1, family: str = "arithmetic") -> list[Verdict]:
    """`counts[level]` = (passed, problems): so many problems of which the first ones pass, in every sample."""
    found = []
    for level, (passed, n) in counts.items():
        for number in range(n):
            problem = replace(tiny.problem(1000 * level + number, family=family), level=level)
            status = "pass" if number < passed else "fail"
            found += [tiny.verdict(tiny.sample(problem, "", index), status) for index in range(samples)]
    return found


def finding(passed: list[int], n: int) -> str:
    return judge(LEVELS[: len(passed)], passed, [n] * len(passed))["finding"]


def test_falling_levels_fall():
    (row,) = calibrate(verdicts({level: (100 - 10 * level, 100) for level in LEVELS}))
    assert (row["finding"], row["passed"], row["rises"]) == ("falls", True, [])
    assert row["slope"] == pytest.approx(-0.1)
    first = row["levels"][0]
    assert (first["rate"], first["problems"]) == (0.9, 100)
    assert first["interval"] == pytest.approx(statistics.wilson(90, 100), abs=1e-6)


def test_a_level_that_jumps_is_named():
    counts = {level: (100 - 10 * level, 100) for level in LEVELS} | {7: (75, 100)}
    (row,) = calibrate(verdicts(counts))
    assert (row["finding"], row["passed"]) == ("rises", False)
    assert {rise["to"] for rise in row["rises"]} == {7}
    assert {rise["from"] for rise in row["rises"]} == {5, 6}
    assert all(rise["p"] < 0.05 and rise["by"] > 0 for rise in row["rises"])


def test_levels_that_rise_all_along_are_found():
    assert finding([5 * level for level in LEVELS], 100) == "rises"


def test_equal_levels_are_flat():
    assert finding([50] * 10, 100) == "flat"
    assert finding([0] * 10, 100) == "flat"
    assert finding([100] * 10, 100) == "flat"


@pytest.mark.parametrize("n", [1, 5, 30])
def test_few_problems_decide_nothing(n):
    assert finding([n // 2] * 10, n) == "undecided"


def test_one_level_decides_nothing():
    assert finding([50], 100) == "undecided"
    assert judge([], [], [])["finding"] == "undecided"


def test_few_problems_are_enough_for_a_rise_that_is_plain():
    assert finding([0, 0, 12], 12) == "rises"


@pytest.mark.slow
def test_no_more_than_one_in_twenty_equal_families_is_called_rising():
    """The levels are equally hard, so that each alarm is false."""
    source, alarms, runs = random.Random(7), 0, 400
    for _ in range(runs):
        rate = source.choice([0.1, 0.3, 0.5, 0.8])
        alarms += finding([sum(source.random() < rate for _ in range(60)) for _ in LEVELS], 60) == "rises"
    assert alarms <= 0.05 * runs


@pytest.mark.slow
def test_a_rise_of_the_promised_size_is_mostly_seen():
    """0.3 between two levels at the hardest rate, with as many problems as are enough: 4 times in 5, or nearly."""
    source, seen, runs, n = random.Random(8), 0, 200, 90
    chances = [0.5] * 5 + [0.35, 0.65] + [0.5] * 3
    for _ in range(runs):
        passed = [sum(source.random() < chance for _ in range(n)) for chance in chances]
        seen += any((rise["from"], rise["to"]) == (6, 7) for rise in judge(LEVELS, passed, [n] * 10)["rises"])
    assert finding([45] * 10, n) == "flat"
    assert seen >= 0.7 * runs


def test_samples_of_one_problem_are_no_new_evidence():
    """Three of six problems instead of none: twenty times as many samples of them say no more."""
    counts = {1: (0, 6), 2: (3, 6)}
    once, often = calibrate(verdicts(counts)), calibrate(verdicts(counts, samples=20))
    assert once[0]["rises"] == often[0]["rises"] == []
    assert [level["samples"] for level in often[0]["levels"]] == [120, 120]


def test_shares_of_passes_are_rounded_against_a_rise():
    assert judge([1, 2], [0.1, 4.9], [6, 6])["rises"] == judge([1, 2], [1, 4], [6, 6])["rises"] == []
    assert judge([1, 2], [0, 5], [6, 6])["finding"] == "rises"


def test_infra_is_counted_and_never_wrong():
    passing = verdicts({1: (20, 20), 2: (20, 20)})
    broken = [replace(verdict, status="infra") for verdict in verdicts({2: (0, 20)})]
    (row,) = calibrate(passing + broken)
    assert row["infra"] == 20 and [level["rate"] for level in row["levels"]] == [1.0, 1.0]
    (row,) = calibrate(broken)
    assert (row["finding"], row["levels"], row["infra"]) == ("undecided", [], 20)


def test_families_are_rows_of_their_own():
    found = calibrate(verdicts({1: (5, 9)}, family="rpn") + verdicts({2: (5, 9)}, family="anagrams"))
    assert [(row["family"], row["form"]) for row in found] == [("anagrams", "answer"), ("rpn", "answer")]
    columns, cells = table(found)
    assert columns == ["family", "form", "levels", "a level", "1", "2"]
    assert cells[0][2:] == ["undecided", "+0.0", "", "56 (27-81)"]


@given(rates, rates)
@calm
def test_fisher_is_scipys(a, b):
    from scipy.stats import fisher_exact

    theirs = fisher_exact([[b[0], b[1] - b[0]], [a[0], a[1] - a[0]]], alternative="greater").pvalue
    assert statistics.fisher(*a, *b) == pytest.approx(theirs, rel=1e-6)


def test_fishers_tea():
    """Fisher 1935: of four cups of each kind three are told right: 17 / 70."""
    assert statistics.fisher(1, 4, 3, 4) == pytest.approx(17 / 70)
    assert statistics.fisher(0, 0, 3, 4) == 1.0


@given(st.lists(st.floats(0, 1), max_size=12))
@calm
def test_holm_steps_down(p_values):
    adjusted = statistics.holm(p_values)
    left = sorted(p_values)
    rejected = 0
    while rejected < len(left) and left[rejected] * (len(left) - rejected) <= 0.05:
        rejected += 1
    assert sum(p <= 0.05 for p in adjusted) == rejected
    assert all(own <= p <= 1 for own, p in zip(p_values, adjusted, strict=True))


def test_a_trend_by_hand():
    """Two levels: the trend is the test of two proportions with the pooled variance, its slope their difference."""
    slope, p = statistics.trend([1, 2], [60, 40], [100, 100])
    assert slope == pytest.approx(-0.2)
    assert p == pytest.approx(0.5 * math.erfc(0.2 / (2 * 0.25 / 100) ** 0.5 / 2**0.5), rel=1e-9)
    assert statistics.trend([1, 2], [40, 60], [100, 100])[1] == pytest.approx(1 - p)
    assert statistics.trend([1], [4], [10]) == statistics.trend([1, 2], [0, 0], [9, 9]) == (0.0, 1.0)


def test_the_command_measures_what_the_pipe_gives(tmp_path: Path):
    """A solver that knows every answer: nothing rises, yet of so few problems nothing is known. All is told."""
    made = axiom("problems", "gen", "arithmetic", "--count", "20", "--difficulty", "1-2", cwd=tmp_path)
    solved = axiom("coldstart", cwd=tmp_path, stdin=made.stdout)
    done = axiom("problems", "calibrate", cwd=tmp_path, stdin=solved.stdout)
    failed(done, 5, "too few problems to decide 1 row of 1: arithmetic (answer)", "about 90 problems of each level")
    (row,) = rows(done.stdout)
    assert not row["passed"]
    assert (row["kind"], row["finding"], [level["rate"] for level in row["levels"]]) == (
        "calibration", "undecided", [1.0, 1.0],
    )  # fmt: skip
    assert any("100 (72-100)" in line for line in talk(done))


def test_rising_levels_fail_the_gate_and_are_written_all_the_same(tmp_path: Path):
    file = tmp_path / "verdicts.jsonl"
    file.write_bytes(b"".join(map(dump, verdicts({1: (5, 90), 2: (60, 90)}) + verdicts({1: (60, 90)}, family="rpn"))))
    done = axiom("problems", "calibrate", str(file), "-o", "rows.jsonl", cwd=tmp_path)
    failed(done, 6, "pass rates rise in 1 row of 2: arithmetic (answer)")
    assert [row["finding"] for row in rows((tmp_path / "rows.jsonl").read_bytes())] == ["rises", "undecided"]
    failed(axiom("problems", "calibrate", cwd=tmp_path), 5, "no verdict record came in")


ROW = {"each": 50, "rates": [0.91, *[0.5] * 9], "finding": "falls", "rises": []}


def measured(*changed: int) -> dict:
    """A row of docs/levels.json whose levels are as the family draws them now, but for those that were changed."""
    family = families.get("gcd_chain")
    first = [next(draw.draws(family, level, "train", 0, "answer")).id for level in LEVELS]
    return {"gcd_chain answer": {**ROW, "first": ["0" if i + 1 in changed else one for i, one in enumerate(first)]}}


def test_the_gallery_shows_what_was_measured():
    lines = "\n".join(section(families.get("gcd_chain"), measured())).splitlines()
    assert "| level | problem | answer | solved |" in lines
    assert next(line for line in lines if line.startswith("| 1 |")).endswith("| 0.91 |")
    assert "Measured on 50 problems a level: harder from level to level, within noise." in lines


def test_the_gallery_shows_no_figures_of_a_level_that_was_changed_since():
    text = "\n".join(section(families.get("gcd_chain"), measured(2)))
    shown = {line.split(" | ")[0]: line for line in text.splitlines() if line.startswith("| ")}
    assert shown["| 2"].endswith("| - |") and shown["| 3"].endswith("| 0.50 |")
    assert "Measured on" not in text


def test_the_gallery_names_levels_out_of_order():
    assert conclusion({**ROW, "finding": "rises", "rises": [[2, 3], [2, 5]]}) == (
        "Measured on 50 problems a level, which are not in order: level 3 is easier than 2, level 5 is easier than 2."
    )


def test_the_gallery_says_where_a_flat_row_is_a_floor():
    assert "hardly any is solved at any level" in conclusion({**ROW, "finding": "flat", "rates": [0.04, *[0.0] * 9]})
    assert "no fall shows" in conclusion({**ROW, "finding": "flat"})
    assert "those that are belong to the lower levels" in conclusion({**ROW, "rates": [0.04, 0.03, *[0.0] * 8]})
    assert "harder from level to level" in conclusion({**ROW, "rates": [0.06, 0.03, *[0.0] * 8]})
