"""The path of a worked answer: what makes two chains of thought the same, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axiom_cli.problems.paths import path

CALM = settings(max_examples=100, deadline=None)


def thinking(thought: str, answer: str = "7") -> str:
    return f"<think>\n{thought}\n</think>\nAnswer: {answer}"


@pytest.mark.parametrize(
    "other",
    [
        "3 + 4 = 7\n7 * 2 = 14",
        "1. 3 + 4 = 7\n2. 7 * 2 = 14.",
        "Step 1: 3 + 4 = 7\n\n  Step 2: 7 × 2 = 14",
        "- **3+4 = 7**\n- 7.0 * 2 = 14.00",
        "3 + 4 = 7\n3 + 4 = 7\n7 * 2 = 14",
        "3 + 4 = 7. 7 * 2 = 14.",
    ],
)
def test_layout_markers_and_repeated_lines_do_not_make_another_path(other: str):
    assert path(thinking(other)) == path(thinking("3 + 4 = 7\n7 * 2 = 14")) == ("3 + 4 = 7", "7 * 2 = 14")


@pytest.mark.parametrize(
    "other",
    [
        "7 * 2 = 14\n3 + 4 = 7",
        "3 + 4 = 7",
        "3 + 4 = 7\n7 * 2 = 15",
        "3 - 4 = 7\n7 * 2 = 14",
        "3 + 4 = 7 then 7 * 2 = 14",
        "3.5 + 4 = 7\n7 * 2 = 14",
    ],
)
def test_another_order_step_number_or_operator_makes_another_path(other: str):
    assert path(thinking(other)) != path(thinking("3 + 4 = 7\n7 * 2 = 14"))


def test_brackets_are_steps_of_their_own():
    assert path(thinking("( [\n( [ ]\n( )")) == ("( [", "( [ ]", "( )")


def test_what_is_said_outside_the_reasoning_plays_no_part():
    assert path(thinking("go P + 5: 5 0 2", "5 0 2")) == path(thinking("go P + 5: 5 0 2", "8")) == ("go p + 5 5 0 2",)


@pytest.mark.parametrize("text", ["Answer: 7", "<think>\n</think>\nAnswer: 7", "<think>...</think>\nAnswer: 7", ""])
def test_an_answer_without_reasoning_has_no_path(text: str):
    assert path(text) is None


@given(st.text())
@CALM
def test_any_text_has_a_path_that_normalising_again_leaves_as_it_is(text: str):
    steps = path(text)
    if steps and not any(step.startswith(("-", "*", ">", "step")) for step in steps):
        assert path(thinking("\n".join(steps))) == steps
