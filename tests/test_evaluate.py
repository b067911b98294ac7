"""Verdicts into metrics: what is counted, what is left out, and what each row covers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axiom_cli.errors import NothingToDoError
from axiom_cli.evaluation.metrics import best_iteration, evaluate, phase_row
from axiom_cli.problems.written_programs import parses
from axiom_cli.records import Metrics, Program
from axiom_cli.statistics import wilson
from made_experiment import problem, verdict


def by_key(rows: list[Metrics]) -> dict[tuple, Metrics]:
    """Rows by temperature, family and level."""
    return {(row.extra["temperature"], row.family, row.level): row for row in rows}


def test_rows_for_everything_families_levels_and_both():
    problems = [problem(family, level, i) for family in ("rpn", "arithmetic") for level in (3, 4) for i in range(5)]
    found = by_key(evaluate((verdict(p, p.family == "rpn") for p in problems), "run", 2, "val", 12.5))
    assert len(found) == 1 + 2 + 2 + 4
    everything = found[0.0, "all", 0]
    assert (everything.n, everything.passed, everything.rate, everything.iteration) == (20, 10, 0.5, 2)
    assert everything.interval == pytest.approx(wilson(10, 20), abs=1e-6)
    assert (everything.seconds, everything.tokens) == (12.5, 60)
    assert found[0.0, "rpn", 4].rate == 1.0 and found[0.0, "all", 3].rate == 0.5
    assert sum(row.seconds for row in found.values()) == 12.5, "seconds stand in one row, so that they can be summed"


def test_infra_is_counted_and_belongs_to_no_rate():
    problems = [problem("rpn", 3, i) for i in range(10)]
    row = evaluate([verdict(p, i < 4, status="infra" if i >= 8 else "") for i, p in enumerate(problems)], "run")[0]
    assert (row.n, row.passed, row.extra["infra"], row.extra["problems"]) == (8, 4, 2, 8)


def test_who_reasons_and_who_answers_at_once_have_rates_of_their_own():
    texts = {"<think>\n1 + 1\n</think>\n": [True, True, False], "<think>\n\n</think>\n": [False, False], "": [True]}
    verdicts = []
    for thought, passes in texts.items():
        for passed in passes:
            made = verdict(problem("rpn", 3, len(verdicts)), passed)
            sample = replace(made.sample, text=f"{thought}Answer: 2")
            verdicts.append(replace(made, sample=sample))
    extra = evaluate(verdicts, "run")[0].extra
    assert (extra["reasoned"], extra["rate_reasoned"], extra["rate_bare"]) == (0.5, 0.666667, 0.333333)
    assert evaluate(verdicts[:3], "run")[0].extra["rate_bare"] is None


def test_nothing_but_infra_leaves_no_rate():
    row = evaluate([verdict(problem("rpn", 3, 1), False, status="infra")], "run")[0]
    assert (row.n, row.interval, dict(row.pass_at)) == (0, [0.0, 1.0], {})


def test_greedy_and_sampled_are_kept_apart():
    of = [problem("rpn", 3, i) for i in range(12)]
    greedy = [verdict(p, True) for p in of]
    sampled = [verdict(p, (i + index) % 4 == 0, 0.7, index) for i, p in enumerate(of) for index in range(4)]
    found = by_key(evaluate([*sampled, *greedy], "run"))
    assert found[0.0, "all", 0].rate == 1.0
    row = found[0.7, "all", 0]
    assert (row.n, row.rate, row.extra["problems"]) == (48, 0.25, 12)
    assert dict(row.pass_at) == {"1": 0.25, "2": 0.5, "3": 0.75, "4": 1.0}, "one of four passes in each problem"


def test_samples_of_a_problem_are_no_independent_problems():
    """Half the problems pass always, half never: the interval must be about as wide as that of 20 problems."""
    of = [problem("rpn", 3, i) for i in range(20)]
    row = evaluate([verdict(p, i < 10, 0.7, k) for i, p in enumerate(of) for k in range(50)], "run")[0]
    low, high = wilson(10, 20)
    assert row.interval[1] - row.interval[0] == pytest.approx(high - low, abs=0.08)


def test_well_formedness_is_the_share_that_parses():
    of = [problem("rpn", 3, i) for i in range(4)]
    judged = [verdict(p, True) for p in of]
    broken = judged[0].sample.__class__(**{**vars(judged[0].sample), "text": "<think>42", "finish": "length"})
    judged[0] = judged[0].__class__(**{**vars(judged[0]), "sample": broken, "status": "fail"})
    row = evaluate(judged, "run")[0]
    assert (row.extra["parsed"], row.extra["truncated"]) == (0.75, 1)


def test_a_program_parses_if_it_defines_its_entry_point():
    one = verdict(problem("rpn", 3, 1), True).sample
    wanted = Program("solve", "solve(x)", tests=[{"args": [1], "expected": 1}])
    of = one.problem.__class__(**{**vars(one.problem), "answer": None, "program": wanted})
    good = one.__class__(**{**vars(one), "problem": of, "text": "```python\ndef solve(x):\n    return x\n```"})
    assert parses(good)
    assert not parses(good.__class__(**{**vars(good), "text": "```python\ndef other(x):\n    return x\n```"}))


def test_the_same_problems_have_the_same_set_whatever_their_order():
    judged = [verdict(problem("rpn", 3, i), True) for i in range(5)]
    sets = {evaluate(order, "run")[0].extra["set"] for order in (judged, judged[::-1])}
    assert len(sets) == 1 and evaluate(judged[1:], "run")[0].extra["set"] not in sets


def test_no_verdicts_is_nothing_to_do():
    with pytest.raises(NothingToDoError):
        evaluate([], "run")


def test_the_best_round_is_chosen_on_validation_and_ties_go_to_the_earliest():
    of = [problem("rpn", 3, i) for i in range(10)]
    rows = [
        row
        for iteration, good in enumerate((3, 7, 7, 5))
        for row in evaluate([verdict(p, i < good) for i, p in enumerate(of)], "run", iteration, "val")
    ]
    rows += evaluate([verdict(p, True) for p in of], "run", 3, "test")
    rows += evaluate([verdict(p, True) for p in of], "run+shuffled", 3, "val")
    rows.append(phase_row("run", 3, "collect", 1.0, n=10, passed=10))
    assert best_iteration(rows, "run") == 1
    assert best_iteration(rows, "other") is None


def test_a_phase_row_survives_the_pipe():
    row = phase_row("run", 0, "train", 2.5, 1000, 20, extra={"replay": {"new": 0.9, "cold": 0.1}})
    again = Metrics.from_dict(row.to_dict())
    assert again.extra["replay"] == {"new": 0.9, "cold": 0.1} and again.extra["phase"] == "train"
