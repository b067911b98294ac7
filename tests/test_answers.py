"""An answer is read in one place: from the last `Answer:` line outside the reasoning, and never evaluated."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axiom_cli import answers
from axiom_cli.records import Problem, Program

PROGRAM = "def f(x):\n    return x"
ANSWER = st.text(st.characters(codec="utf-8", exclude_characters="<"), min_size=1).filter(
    lambda text: text.strip() and "\n" not in text and "Answer:" not in text
)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("Answer: 5", "5"),
        ("<think>\n2 + 3\n</think>\nAnswer: 5", "5"),
        ("<think>\nAnswer: 4\n</think>\nAnswer:  1\t 2 ", "1 2"),
        ("Answer: 4\nno, wait\nAnswer: 5\nthat is it", "5"),
        ("2 + 3\n</think>\nAnswer: 5", "5"),
        ("<think>\nAnswer: 5", None),
        ("<think>\nAnswer: 5\n</think>\n", None),
        ("Answer: 4\n<think>x</think>\n", None),
        ("Answer: 5\n<think>\nbut", "5"),
        ("the Answer: 5", None),
        ("answer: 5", None),
        ("Answer:", None),
        ("Answer: 5\nAnswer:", None),
        ("5", None),
        ("", None),
        ("Answer: 5 or 6", "5 or 6"),
        ("Answer: 2 + 3", "2 + 3"),
    ],
)
def test_an_answer_is_the_rest_of_the_last_line_outside_the_reasoning(text, read):
    assert answers.read_answer(text) == read


@settings(deadline=None)
@given(thought=st.text(), answer=ANSWER)
def test_whatever_is_thought_the_answer_is_what_follows(thought, answer):
    assert answers.read_answer(f"<think>\n{thought}\n</think>\nAnswer: {answer}") == " ".join(answer.split())


@settings(deadline=None)
@given(st.text(st.sampled_from("<think>/Answer: \n5`pyodef()")))
def test_no_text_breaks_the_reading(text):
    found = answers.read_answer(text)
    assert found is None or (found in " ".join(text.split()) and found)
    code = answers.read_program(text, "f")
    assert code is None or code in text


@settings(deadline=None)
@given(ANSWER)
def test_an_answer_inside_the_reasoning_earns_nothing(answer):
    assert answers.read_answer(f"<think>\nAnswer: {answer}\n</think>\n{answer}") is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (f"```python\n{PROGRAM}\n```", PROGRAM),
        (f"<think>\nhm\n</think>\nHere:\n```python\n{PROGRAM}\n```\nDone.", PROGRAM),
        (f"```python\ndef f(x): pass\n```\n```python\n{PROGRAM}\n```", PROGRAM),
        (f"```python\n{PROGRAM}\n```\n```python\nprint(f(1))\n```", PROGRAM),
        (f"<think>\n```python\n{PROGRAM}\n```\n</think>\n", None),
        (f"```python\n{PROGRAM}", None),
        (f"```\n{PROGRAM}\n```", None),
        (PROGRAM, PROGRAM),
        (f"</think>\n{PROGRAM}\n", PROGRAM),
        ("f = lambda x: x", "f = lambda x: x"),
        ("```python\ndef g(x):\n    return x\n```", None),
        ("```python\ndef f(x:\n```", None),
        ("The function f returns x.", None),
    ],
)
def test_a_program_is_the_last_whole_block_that_defines_the_entry_point(text, read):
    assert answers.read_program(text, "f") == read


@settings(deadline=None)
@given(st.text(max_size=30))
def test_programs_with_any_text_in_their_strings_come_back_whole(text):
    code = f"def f():\n    return {text!r}"
    assert answers.read_program(f"```python\n{code}\n```", "f") == code


def test_hostile_programs_are_turned_down_without_harm():
    """Each is parsed in a fresh process: a crash of the interpreter would be seen."""
    hostile = [
        "'('*49000",
        "'-'*49000+'1'",
        "'x'+'.a'*24000",
        "'f'+'()'*24000",
        "'['*24000+']'*24000",
        "'1'+'+1'*24000",
        "'9'*49000",
        "'a\\0b'",
        "'\\ud800 = 1'",
        "'def f(): pass\\n'*10000",
    ]
    code = "from axiom_cli import answers\nfor t in [" + ",".join(hostile) + "]: assert not answers.defines(t, 'f')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_nothing_is_executed(tmp_path):
    target = tmp_path / "made"
    text = f"```python\nopen({str(target)!r}, 'w')\ndef f(): pass\n```"
    assert answers.read_program(text, "f")
    assert not target.exists()


@pytest.mark.parametrize(
    ("text", "thought"),
    [
        ("<think>\n2 + 3\n</think>\nAnswer: 5", True),
        ("2 + 3\n</think>\nAnswer: 5", True),
        ("<think>\n2 + 3", True),
        ("<think>\n\n</think>\nAnswer: 5", False),
        ("</think>\nAnswer: 5", False),
        ("Answer: 5", False),
        ("", False),
    ],
)
def test_reasoning_is_what_stands_before_the_end_of_thinking(text, thought):
    assert answers.reasons(text) is thought


def test_each_form_has_its_instruction_before_the_prompt():
    asked = {"id": "a", "family": "b", "title": "c", "level": 1, "split": "train", "prompt": "How many?"}
    answer = Problem(**asked, answer="5")
    program = Problem(**asked, program=Program("f", "f()", tests=[{"args": [], "expected": 1}]))
    for problem in (answer, program):
        system, user = answers.messages(problem)
        assert system == {"role": "system", "content": answers.INSTRUCTIONS[problem.form]}
        assert user == {"role": "user", "content": "How many?"}
