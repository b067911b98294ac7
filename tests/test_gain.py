"""A gain split into form, habit and skill, where it is known what changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from axiom_cli.evaluation.gain import GainSplit, split_gain
from axiom_cli.evaluation.metrics import Tally, tally
from axiom_cli.records import Verdict
from made_experiment import problem, verdict


def answers(*kinds: tuple[int, str, bool], level: int = 3) -> Iterator[Verdict]:
    """So many answers of each kind: `reasoned`, `bare`, or `ill-formed`, right or not."""
    number = 0
    for count, kind, good in kinds:
        for _ in range(count):
            made = verdict(problem("rpn", level, number, "test"), good)
            text = {"reasoned": "<think>so</think>\nAnswer: 1", "bare": "Answer: 1", "ill-formed": "well"}[kind]
            yield replace(made, sample=replace(made.sample, text=text))
            number += 1


def split(before: Iterator[Verdict], after: Iterator[Verdict]) -> GainSplit:
    tallies: list[list[Tally]] = [tally(each)[0.0] for each in (before, after)]
    found = split_gain(*tallies)
    assert found
    return found


def parts(found: GainSplit) -> list[float]:
    return [round(100 * part.value, 6) for part in (found.form, found.habit, found.skill, found.total)]


def test_each_kind_of_change_is_told_from_the_others() -> None:
    start = (20, "reasoned", True), (20, "bare", True), (60, "bare", False)  # right: all that reason, 1 in 4 others
    reasoning = (60, "reasoned", True), (10, "bare", True), (30, "bare", False)
    assert parts(split(answers(*start), answers(*reasoning))) == [0, 30, 0, 30]
    knowing = (20, "reasoned", True), (50, "bare", True), (30, "bare", False)
    assert parts(split(answers(*start), answers(*knowing))) == [0, 0, 30, 30]
    ragged = (20, "bare", True), (20, "bare", False), (60, "ill-formed", False)
    tidy = (40, "bare", True), (40, "bare", False), (20, "ill-formed", False)
    assert parts(split(answers(*ragged), answers(*tidy))) == [20, 0, 0, 20]


def test_what_reasoning_is_worth_is_taken_from_the_same_level_and_else_from_the_family() -> None:
    def model(easy: tuple, hard: tuple) -> Iterator[Verdict]:
        yield from answers(*easy, level=1)
        yield from answers(*hard, level=9)

    easy = (10, "reasoned", True), (10, "bare", False)
    before = model(easy, ((20, "bare", False),))
    found = split(before, model(easy, ((10, "reasoned", True), (10, "bare", False))))
    assert parts(found)[1:] == [25, 0, 25], "reasoning was never seen at level 9, and always right at level 1"
    never = split(answers((20, "bare", False)), answers((20, "reasoned", True)))
    assert parts(never) == [0, 0, 100, 100], "nothing says what reasoning was worth"


def test_the_parts_have_intervals_and_add_up() -> None:
    before = (30, "reasoned", True), (10, "reasoned", False), (20, "bare", True), (40, "ill-formed", False)
    after = (50, "reasoned", True), (10, "reasoned", False), (30, "bare", True), (10, "bare", False)
    found = split(answers(*before), answers(*after))
    each = found.form, found.habit, found.skill
    assert sum(part.value for part in each) == pytest.approx(found.total.value)
    assert all(part.low <= part.value <= part.high and part.low < part.high for part in each)
    assert split_gain([], []) is None
