"""Which verdicts become rows, and how a round's rows are mixed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from axiom_cli.errors import UsageError
from axiom_cli.learning.rejection_sampling import (
    ENOUGH_ROWS,
    MIN_WEIGHT,
    select_solutions,
    solution_key,
)
from axiom_cli.learning.replay import SLICES, allocate, mix_solutions, natural_total, parse_shares
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.records import Program, Verdict
from axiom_cli.settings.configs import TrainConfig

SHARES = parse_shares("50/40/10")
CONFIG = TrainConfig()


def attempts(number: int, statuses: str, **more) -> list[Verdict]:
    """Verdicts on one problem: p passes (each another text), f fails, i is infra."""
    names = {"p": "pass", "f": "fail", "i": "infra"}
    of = tiny.problem(number)
    return [
        tiny.verdict(tiny.sample(of, f"trace {number} {i}", i, token_ids=[7, 1], **more), names[letter])
        for i, letter in enumerate(statuses)
    ]


# Selection


def test_only_accepted_samples_are_rows_and_infra_is_no_label() -> None:
    verdicts = attempts(1, "pfffi") + attempts(2, "iii") + attempts(3, "ff")
    chosen = select_solutions(verdicts, CONFIG)
    assert [c.verdict for c in chosen.examples] == [verdicts[0]]
    assert chosen.examples[0].weight == 0.75, "the rate is 1 of 4: infra is not an attempt"
    assert (chosen.failed, chosen.infra) == (5, 4)


def test_a_truncated_sample_never_trains_even_if_it_passed() -> None:
    chosen = select_solutions(attempts(1, "pp", finish="length"), CONFIG)
    assert chosen.examples == []
    assert chosen.truncated == 2


def test_rare_problems_weigh_more() -> None:
    chosen = select_solutions(attempts(1, "pfff") + attempts(2, "ppff") + attempts(3, "p" * 31 + "f"), CONFIG)
    weights = {int(c.verdict.sample.problem.id, 16): c.weight for c in chosen.examples}
    assert weights == {1: 0.75, 2: 0.5, 3: MIN_WEIGHT}


def test_at_most_four_distinct_solutions_of_a_problem() -> None:
    same = attempts(1, "pppf")
    same = [replace(v, sample=replace(v.sample, text=f"one   trace{' ' * i}")) for i, v in enumerate(same)]
    chosen = select_solutions(same + attempts(2, "p" * 9 + "f"), CONFIG)
    assert len(chosen.examples) == 1 + 4
    assert (chosen.repeated, chosen.capped) == (2, 5)
    assert len(select_solutions(attempts(2, "p" * 9 + "f"), replace(CONFIG, max_per_problem=7)).examples) == 7


def test_programs_are_the_same_if_their_trees_are() -> None:
    of = replace(tiny.problem(1), answer=None, program=Program("f", "f(x)", tests=[{"args": [1], "expected": 2}]))

    def key(code: str, thought: str = "") -> str:
        return solution_key(tiny.sample(of, f"<think>{thought}</think>\n```python\n{code}\n```"))

    plain = key("def f(x):\n    return x + 1")
    assert plain == key('def f(x):\n    """Doc."""\n    # why\n    return (x+1)', "other thoughts")
    assert plain != key("def f(x):\n    return 1 + x")


def test_always_solved_problems_are_a_small_share_once_there_are_enough_others() -> None:
    easy = [v for i in range(300) for v in attempts(i, "pp")]
    hard = [v for i in range(300, 600) for v in attempts(i, "pf")]
    rows = select_solutions(easy + hard, CONFIG).examples
    of_easy = sum(int(c.verdict.sample.problem.id, 16) < 300 for c in rows)
    assert len(rows) - of_easy == 300, "every rarely solved one stays"
    assert of_easy == round(len(rows) * CONFIG.uninformative)
    assert len(select_solutions(easy + hard[:20], CONFIG).examples) == ENOUGH_ROWS
    assert select_solutions(easy + hard, CONFIG).examples == rows
    assert select_solutions(easy + hard, replace(CONFIG, seed=1)).examples != rows
    assert len(select_solutions(easy + hard, replace(CONFIG, uninformative=0.0)).examples) == 300
    assert len(select_solutions(easy + hard, replace(CONFIG, uninformative=1.0)).examples) == 900


def test_what_the_model_was_sure_to_write_is_a_small_share_too() -> None:
    def single(i: int, logprob: float | None) -> Verdict:
        (verdict,) = attempts(i, "p")
        return replace(verdict, sample=replace(verdict.sample, logprob=logprob))

    sure = [single(i, -0.05) for i in range(400)]
    unsure = [single(i, -0.15) for i in range(400, 700)]
    chosen = select_solutions(sure + unsure, CONFIG)
    of_sure = sum(int(c.verdict.sample.problem.id, 16) < 400 for c in chosen.examples)
    assert len(chosen.examples) - of_sure == 300 and of_sure == round(len(chosen.examples) * CONFIG.uninformative)
    assert (chosen.low_surprisal, chosen.always_solved) == (400, 0)
    unknown = [single(i, None) for i in range(400)]
    assert len(select_solutions(unknown, CONFIG).examples) == 400, "nothing is known of these"


def test_a_teachers_traces_say_nothing_of_how_hard_a_problem_is() -> None:
    """Neither a single attempt, nor text without the model's own ids."""
    single = [v for i in range(400) for v in attempts(i, "p")]
    taught = [replace(v, sample=replace(v.sample, token_ids=[])) for i in range(400) for v in attempts(i, "pp")]
    assert [c.weight for c in select_solutions(single, CONFIG).examples] == [1.0] * 400
    assert [c.weight for c in select_solutions(taught, CONFIG).examples] == [1.0] * 800


# The mix


def examples(first: int, count: int, tokens: int = 10, weight: float = 1.0) -> list[TrainingExample]:
    return [
        TrainingExample(tiny.verdict(tiny.sample(tiny.problem(i), f"text {i}", token_ids=[7] * tokens)), weight)
        for i in range(first, first + count)
    ]


def test_the_shares_are_those_of_loss_tokens() -> None:
    mixed = mix_solutions(examples(0, 100, 10), examples(1000, 500, 25), examples(2000, 500, 5), SHARES)
    assert mixed.tokens["new"] == 1000, "all new rows are used"
    assert mixed.shares == pytest.approx({"new": 0.5, "history": 0.4, "cold": 0.1}, abs=0.01)
    assert len(mixed.examples) == 100 + 800 / 25 + 200 / 5


def test_round_0_gives_the_share_of_the_history_to_new_solutions() -> None:
    mixed = mix_solutions(examples(0, 90), [], examples(2000, 500), SHARES)
    assert mixed.shares == pytest.approx({"new": 0.9, "history": 0.0, "cold": 0.1})


def test_a_slice_that_runs_short_is_refilled() -> None:
    short = mix_solutions(examples(0, 90), examples(1000, 10), examples(2000, 500), SHARES)
    assert short.tokens == {"new": 900, "history": 100, "cold": pytest.approx(111, abs=10)}
    assert mix_solutions(examples(0, 90), examples(1000, 200), [], SHARES).shares["new"] == pytest.approx(0.6, abs=0.01)
    capped = mix_solutions(examples(0, 10), examples(1000, 200), examples(2000, 200), SHARES, total=1000)
    assert capped.tokens == {"new": 100, "history": 800, "cold": 100}, "without new ones the history steps in"


def test_the_rarest_historical_problems_come_first() -> None:
    history = examples(1000, 50, weight=0.2) + examples(1100, 10, weight=0.9) + examples(1200, 50, weight=0.5)
    mixed = mix_solutions(examples(0, 20), history, [], SHARES)
    ids = [int(c.verdict.sample.problem.id, 16) for c in mixed.examples][20:]
    assert {1100 <= i < 1110 for i in ids[:10]} == {True}
    assert {i >= 1200 for i in ids[10:]} == {True}


def test_weights_act_within_a_slice_and_not_on_the_shares_of_the_loss() -> None:
    mixed = mix_solutions(
        examples(0, 10, weight=0.2) + examples(10, 10, weight=0.6), examples(1000, 90), examples(2000, 90), SHARES
    )
    parts = (mixed.examples[:20], mixed.examples[20:36], mixed.examples[36:])
    by_slice = [sum(c.weight for c in part) for part in parts]
    assert by_slice == pytest.approx([20, 16, 4])
    assert max(c.weight for c in mixed.examples) == pytest.approx(1.5)
    assert min(c.weight for c in mixed.examples) == pytest.approx(0.5)


def test_a_solution_that_is_new_and_old_counts_once() -> None:
    mixed = mix_solutions(examples(0, 50), examples(0, 50) + examples(100, 5), examples(0, 50), SHARES)
    assert mixed.tokens == {"new": 500, "history": 50, "cold": 0}


def test_the_same_seed_gives_the_same_mix() -> None:
    given_rows = examples(0, 50), examples(100, 500), examples(1000, 500)
    mixed = mix_solutions(*given_rows, SHARES, seed=3)
    assert mix_solutions(*given_rows, SHARES, seed=3) == mixed != mix_solutions(*given_rows, SHARES, seed=4)


def test_nothing_gives_nothing() -> None:
    assert mix_solutions([], [], [], SHARES).shares == {"new": 0.0, "history": 0.0, "cold": 0.0}


counts = st.fixed_dictionaries({name: st.integers(0, 5000) for name in SLICES})


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(counts, st.sampled_from(["50/40/10", "100/0/0", "34/33/33", "0/0/100", "30/70/0"]), st.integers(0, 20000))
def test_a_budget_is_met_wherever_there_is_enough(available: Mapping[str, int], text: str, total: int) -> None:
    shares = parse_shares(text)
    budget = allocate(available, shares, total)
    assert all(-1e-6 <= budget[name] <= available[name] + 1e-6 for name in SLICES)
    assert sum(budget.values()) == pytest.approx(min(total, sum(available.values())), abs=1e-3)


@settings(max_examples=300, deadline=None)
@given(counts)
def test_the_natural_total_uses_up_the_new_rows(available: Mapping[str, int]) -> None:
    budget = allocate(available, SHARES, natural_total(available, SHARES))
    lead = next((name for name in SLICES if available[name]), None)
    if lead:
        assert budget[lead] == pytest.approx(available[lead])


@pytest.mark.parametrize(
    "text", ["50", "50/40", "50/40/5/5", "a/b/c", "-10/60/50", "50/40/", "", "nan/50/50", "inf/1/1"]
)
def test_what_is_not_three_shares_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--replay needs three shares, like 50/40/10"):
        parse_shares(text)


@pytest.mark.parametrize(
    ("text", "total"), [("50/60/0", "110"), ("50/4/10", "64"), ("0/0/0", "0"), ("5/4/1", "10"), ("1e300/1/1", "1e+300")]
)
def test_shares_that_do_not_make_a_whole_are_refused(text: str, total: str) -> None:
    with pytest.raises(UsageError, match=f"adds up to {re.escape(total)}, not to 100"):
        parse_shares(text)


def test_rounded_percentages_are_scaled_to_the_whole() -> None:
    assert list(parse_shares("33.3/33.3/33.3").values()) == pytest.approx([1 / 3] * 3)
    assert parse_shares("85/5/10") == {"new": 0.85, "history": 0.05, "cold": 0.1}
