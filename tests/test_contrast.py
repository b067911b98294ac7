"""From verdicts to pairs, groups and labels: what is compared with what, and what is no label."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tiny
from axiom_cli.errors import NothingToDoError
from axiom_cli.learning.preference import advantages
from axiom_cli.learning.train import select_examples, train
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import TrainConfig
from axiom_cli.workspace.store import Workspace


def attempts(number: int, outcomes: str, same: bool = False, **more) -> list[Verdict]:
    """Of one problem: `+` passed, `-` failed, `i` infra, `P` and `F` cut off."""
    status = {"+": "pass", "P": "pass", "-": "fail", "F": "fail", "i": "infra"}
    of = tiny.problem(number)
    return [
        tiny.verdict(
            tiny.sample(
                of,
                f"Answer: {of.id} {outcome if same else index}",
                index,
                finish="length" if outcome in "PF" else "stop",
                **more,
            ),
            status[outcome],
        )
        for index, outcome in enumerate(outcomes)
    ]


def told(examples: list[TrainingExample]) -> list[tuple[int, float]]:
    return [(example.verdict.sample.index, round(example.row_weight, 6)) for example in examples]


def config(objective: str, **more) -> TrainConfig:
    return TrainConfig(objective=objective, **more)


def test_pairs_are_of_one_problem_and_every_attempt_of_the_larger_side_is_in_one() -> None:
    out = select_examples([*attempts(1, "+--+-"), *attempts(2, "-+")], config("dpo"))
    assert told(out.examples) == [(0, 1), (1, -1), (3, 1), (2, -1), (0, 1), (4, -1), (1, 1), (0, -1)]
    assert out.counts()["pairs"] == out.size == 4
    for better, worse in zip(out.examples[::2], out.examples[1::2], strict=True):
        assert better.verdict.passed and not worse.verdict.passed
        assert better.verdict.sample.problem.id == worse.verdict.sample.problem.id


def test_pairs_are_of_distinct_attempts_and_no_more_than_asked() -> None:
    assert told(select_examples(attempts(1, "++--", same=True), config("dpo")).examples) == [(0, 1), (2, -1)]
    assert select_examples(attempts(1, "+" + "-" * 9), config("dpo", max_per_problem=3)).size == 3


def test_a_group_gives_advantages_and_equal_attempts_become_one() -> None:
    out = select_examples([*attempts(1, "+---"), *attempts(2, "++-", same=True)], config("grpo"))
    assert told(out.examples) == [(0, 0.75), (1, -0.25), (2, -0.25), (3, -0.25), (0, 0.666667), (2, -0.666667)]


def test_labels_of_both_sides_come_to_the_same() -> None:
    out = select_examples([*attempts(1, "+---"), *attempts(2, "-+-")], config("kto"))
    weights = [example.row_weight for example in out.examples]
    assert len(weights) == 7 == out.counts()["labels"]
    assert sum(weights) == pytest.approx(0)
    assert sum(map(abs, weights)) == pytest.approx(7)
    assert all((example.row_weight > 0) == example.verdict.passed for example in out.examples)


@pytest.mark.parametrize("objective", ["dpo", "grpo", "kto"])
def test_neither_infra_nor_what_was_cut_off_is_a_label(objective: str) -> None:
    given_ = [*attempts(1, "+-iPF"), *attempts(2, "+F"), *attempts(3, "-P"), *attempts(4, "+i")]
    out = select_examples(given_, config(objective))
    assert {example.verdict.sample.problem.id for example in out.examples} == {tiny.problem(1).id}
    assert sorted({example.verdict.sample.index for example in out.examples}) == [0, 1]
    counts = out.counts()
    assert (counts["infra"], counts["truncated"], counts["groups"]) == (2, 4, 4)
    assert (counts["always_passed"], counts["never_passed"], counts["without_contrast"]) == (2, 1, 3)


@pytest.mark.parametrize("objective", ["dpo", "grpo", "kto"])
def test_a_retry_that_was_told_more_is_not_compared_with_the_first_attempt(objective: str) -> None:
    first = attempts(1, "-")
    second = attempts(1, "+", extra={"messages": [{"role": "user", "content": "wrong, again"}]})
    with pytest.raises(NothingToDoError):
        select_examples([*first, *second], config(objective))


@pytest.mark.parametrize(
    ("given_", "reason", "hint"),
    [
        ([], "empty", "axiom verify"),
        ([*attempts(1, "++"), *attempts(2, "--"), *attempts(3, "-")], "1 always passed and 2 never", "--samples"),
        (attempts(1, "PFi"), "1 are infra and 2 are of cut-off samples", "--max-tokens"),
    ],
)
def test_without_contrast_it_says_why(given_: list[Verdict], reason: str, hint: str) -> None:
    with pytest.raises(NothingToDoError, match=reason) as caught:
        select_examples(given_, config("dpo"))
    assert caught.value.exit_code == 5
    assert hint in caught.value.hint


def test_an_empty_completion_is_left_out() -> None:
    made = attempts(1, "+--")
    made[1] = replace(made[1], sample=replace(made[1].sample, text=""))
    assert told(select_examples(made, config("dpo")).examples) == [(0, 1), (2, -1)]


@given(st.lists(st.booleans(), min_size=1, max_size=16))
def test_advantages_sum_to_zero_and_keep_the_order(passed: list[bool]) -> None:
    made = advantages([float(one) for one in passed])
    assert sum(made) == pytest.approx(0, abs=1e-9)
    assert all(-1 < one < 1 for one in made)
    assert all((one > 0) == good or len(set(passed)) == 1 for one, good in zip(made, passed, strict=True))


@given(st.lists(st.text("+-iPF", min_size=1, max_size=9), min_size=1, max_size=5), st.booleans())
def test_the_weights_of_a_problem_sum_to_zero(groups: list[str], same: bool) -> None:
    verdicts = [verdict for number, outcomes in enumerate(groups) for verdict in attempts(number, outcomes, same)]
    try:
        out = select_examples(verdicts, config("grpo"))
    except NothingToDoError:
        assert not any("+" in outcomes and "-" in outcomes for outcomes in groups)
        return
    for number in range(len(groups)):
        of = [
            example.row_weight
            for example in out.examples
            if example.verdict.sample.problem.id == tiny.problem(number).id
        ]
        assert sum(of) == pytest.approx(0, abs=1e-9)


def test_pairs_of_few_attempts_are_few_rows(tmp_path: Path) -> None:
    """Attempts take turns in pairs: ten pairs of one failing attempt are eleven to learn from."""
    workspace = Workspace.create(tmp_path / ".axiom")
    with pytest.raises(NothingToDoError, match="only 11 rows"):
        train(attempts(1, "-" + "+" * 10), "nano", config("dpo", max_per_problem=10), workspace)
