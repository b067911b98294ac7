"""An answer is read in one place: from the last `Answer:` line outside the reasoning, and never evaluated."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axiom_cli.problems import answers, reasoning, written_programs
from axiom_cli.records import Problem, Program

PROGRAM = "def f(x):\n    return x"
QUOTING = 'def f(x):\n    """\n    ```\n    f(1)\n    ```\n    """\n    return x'
# Unclosed reasoning begins at a `<think>` wherever it stands, in a string too.
SAID = st.text(max_size=30).filter(lambda text: "think>" not in text)
OTHERS = list(reasoning.THINKING.items())[1:]
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
        ("the Answer: 5", "5"),
        ("answer: 5", "5"),
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
    code = written_programs.read_program(text, "f")
    assert code is None or code in text


@settings(deadline=None)
@given(ANSWER)
def test_an_answer_inside_the_reasoning_earns_nothing(answer):
    assert answers.read_answer(f"<think>\nAnswer: {answer}\n</think>\n{answer}") is None


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
    assert reasoning.has_reasoning(text) is thought


PAIRS = pytest.mark.parametrize(("opening", "closing"), list(reasoning.THINKING.items()))


@PAIRS
def test_models_think_between_tags_of_their_own(opening, closing):
    for text, read in [
        (f"{opening}\n2 + 3\n{closing}\nAnswer: 5", "5"),
        (f"{opening}2 + 3{closing}Answer: 5", "5"),
        (f"Well.\n{opening}\nAnswer: 4\n{closing}\nAnswer: 5\n", "5"),
        (f"2 + 3\nAnswer: 4\n{closing}\nAnswer: 5", "5"),
        (f"Answer: 4\nor so{closing}\nno answer", None),
        (f"{opening}\nAnswer: 4", None),
        (f"{opening}\nAnswer: 4\n{closing}\n{opening}\nAnswer: 5", None),
        (f"{opening}\nA\n{closing}\n{opening}\nB\n{closing}\nAnswer: 5", "5"),
        (f"Answer: 5\n{opening}\nAnswer: 4", "5"),
        (f"{opening}\n```python\nx = 1\n{closing}\nAnswer: 5", "5"),
        (f"{opening}\n```\nAnswer: 4\n```\n", None),
    ]:
        assert answers.read_answer(text) == read, text
    assert written_programs.read_program(f"{opening}\n```python\n{PROGRAM}\n```\n", "f") is None
    assert written_programs.read_program(f"{opening}\nhm\n{closing}\n```python\n{PROGRAM}\n```\n", "f") == PROGRAM


@PAIRS
def test_thoughts_between_any_tags_are_reasoning(opening, closing):
    for thought in (f"{opening}\n2\n{closing}\nAnswer: 5", f"2\n{closing}\nAnswer: 5", f"{opening}\n2"):
        assert reasoning.has_reasoning(thought)
    for none in (f"{opening}\n\n{closing}\nAnswer: 5", f"{closing}\nAnswer: 5", f"{opening}\n"):
        assert not reasoning.has_reasoning(none)


@pytest.mark.parametrize("tag", [tag for pair in OTHERS for tag in pair])
def test_a_tag_that_is_part_of_a_program_or_a_sentence_hides_nothing(tag):
    for code in (f"TAG = {tag!r}\n{PROGRAM}", f'TAG = """\n{tag}\nx\n"""\n{PROGRAM}', f"{PROGRAM}  # {tag}"):
        assert written_programs.read_program(f"```python\n{code}\n```", "f") == code
        assert written_programs.read_program(f"```python\n{code}", "f") == code
        assert answers.read_answer(f"```python\n{code}\n```\nAnswer: 5") == "5"
    for said in (f"I write `{tag}` here", f"a {tag} b", f"    {tag}"):
        assert answers.read_answer(f"Answer: 5\n{said}\n") == "5"
        assert answers.read_answer(f"{said}\nAnswer: 5") == "5"


@settings(deadline=None)
@given(st.text(st.sampled_from("Answer: \n5py\t")), st.sampled_from(OTHERS), SAID, st.booleans())
def test_what_is_thought_between_any_tags_earns_nothing(before, pair, thought, closed):
    opening, closing = pair
    end = f"{closing}\n{thought}" if closed and "Answer:" not in thought else ""
    said = answers.read_answer(f"{before}\n{opening}\n{thought}\nAnswer: 4\n{end}")
    assert said == (None if end else answers.read_answer(before))


@settings(deadline=None)
@given(st.lists(st.sampled_from([*reasoning.TAGS, "Answer: ", "\n", "5", "```", "py", " ", PROGRAM])).map("".join))
def test_no_mixture_of_tags_breaks_the_reading(text):
    said = reasoning.without_reasoning(text)
    assert said in text and reasoning.OPEN not in said and reasoning.CLOSE not in said
    assert said == text or any(tag in text for tag in reasoning.TAGS)


def test_each_form_has_its_instruction_before_the_prompt():
    asked = {"id": "a", "family": "b", "title": "c", "level": 1, "split": "train", "prompt": "How many?"}
    answer = Problem(**asked, answer="5")
    program = Problem(**asked, program=Program("f", "f()", tests=[{"args": [], "expected": 1}]))
    for problem in (answer, program):
        system, user = answers.messages(problem)
        assert system == {"role": "system", "content": answers.INSTRUCTIONS[problem.form]}
        assert user == {"role": "user", "content": "How many?"}


@pytest.mark.parametrize(("opening", "closing"), reasoning.THINKING.items())
def test_an_open_thought_is_told_by_the_tag_that_would_close_it(opening, closing):
    assert reasoning.missing_closing_tag(f"{opening}\nit is") == closing
    assert reasoning.missing_closing_tag(f"{opening}\nit is\n{closing}\nAnswer: 1") == ""
    assert reasoning.missing_closing_tag(f"{opening}\none\n{closing}\nno\n{opening}\ntwo") == closing
    assert reasoning.missing_closing_tag(f"<think>\none\n</think>\n{opening}\ntwo") == closing
    assert reasoning.missing_closing_tag("Answer: 1") == ""
    if opening != reasoning.OPEN:
        assert reasoning.missing_closing_tag(f"```python\n{opening}\n```\n") == "", "part of a program"
