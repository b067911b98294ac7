"""retry: what a failed sample is told, and that no hidden test is ever in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from axiom_cli.problems.families import draw
from axiom_cli.records import Problem, Program, Sample
from axiom_cli.sampling.solve import solve
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from cases import slow_but
from counting import script

CONFIG = SolveConfig(engine="scripted", samples=1, seed=1, strategy="retry", max_attempts=2)
ANSWERS = list(draw.problems(["arithmetic", "rpn"], 4, [3, 4], "train", 0))
FAST = VerifyConfig(timeout=0.3)


def test_it_tells_what_failed_and_stops_at_success(tmp_path: Path) -> None:
    problem = ANSWERS[0]
    right = f"Answer: {problem.answer}"
    # Attempts of the first sample have the indices 0, 2, 4; of the second one 1, 3, 5.
    engine = script(tmp_path, {problem.id: ["Answer: wrong", "nothing", right, "no", "never asked", "never"]})
    config = replace(CONFIG, samples=2, max_attempts=3)
    samples = list(solve([problem], engine, config))
    assert [(s.index, s.attempt) for s in samples] == [(0, 1), (1, 1), (2, 2), (3, 2)]
    told = samples[2].extra["messages"]
    assert told[-2] == {"role": "assistant", "content": "Answer: wrong"}
    assert told[-1]["content"].startswith("wrong is not right.")
    assert samples[3].extra["messages"][-1]["content"].startswith("There is no line that starts with 'Answer: '.")
    assert "messages" not in samples[0].extra


def test_a_problem_that_is_solved_is_not_tried_again(tmp_path: Path) -> None:
    problem = ANSWERS[0]
    engine = script(tmp_path, {problem.id: ["Answer: wrong", f"Answer: {problem.answer}"]})
    samples = list(solve([problem], engine, replace(CONFIG, samples=2, max_attempts=3)))
    assert [s.index for s in samples] == [0, 1]
    twice = list(solve([problem], engine, replace(CONFIG, samples=2, max_attempts=3, target_passes=2)))
    assert [s.index for s in twice] == [0, 1, 2, 4]


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_it_gives_up_after_max_attempts(tmp_path: Path, attempts: int) -> None:
    config = replace(CONFIG, samples=2, max_attempts=attempts)
    samples = list(solve(ANSWERS[:2], script(tmp_path, {"*": ["no answer here"]}), config))
    assert [s.attempt for s in samples] == sorted([*range(1, attempts + 1)] * 2) * 2
    assert [s.problem for s in samples] == [ANSWERS[0]] * 2 * attempts + [ANSWERS[1]] * 2 * attempts
    assert len({s.index for s in samples}) == 2 * attempts


def secret_problem(seed: int, code: bool = False) -> tuple[Problem, list[str]]:
    """A problem whose hidden tests are full of words and numbers that stand nowhere else, and those."""
    random = Random(seed)
    secrets = [f"{random.randrange(10**17, 10**18)}" for _ in range(8)]
    words = [f"q{number}z" for number in secrets]
    tests = [{"args": [w, [int(s)]], "expected": {w + "_e": int(s) + 7}} for w, s in zip(words, secrets, strict=True)]
    hidden = [f"{w}_e" for w in words] + [str(int(s) + 7) for s in secrets] + secrets
    source = "def check(candidate):\n" + "".join(
        f"    assert candidate({t['args'][0]!r}, {t['args'][1]!r}) == {t['expected']!r}, {t['args'][0]!r}\n"
        for t in tests
    )
    shown = [{"args": ["a", [1]], "expected": {"a_e": 8}}]
    graded = {"test_code": source} if code else {"tests": tests}
    program = Program("f", "f(word, numbers)", examples=shown, reference=f"# {secrets[0]}", **graded)
    return Problem("secret", "none", "secret", "Write f(word, numbers).", 1, "train", program=program), hidden


RIGHT_ONCE = "    if word == 'a': return {'a_e': 8}\n"
BODIES = {
    "tells in an exception": RIGHT_ONCE + "    raise ValueError(f'{word} {numbers}')",
    "tells in an exit": RIGHT_ONCE + "    raise SystemExit(f'{word} {numbers}')",
    "tells in an assert": RIGHT_ONCE + "    assert False, (word, numbers)",
    "tells in the name of a class": RIGHT_ONCE + "    raise type(f'E{word}', (Exception,), {})(word)",
    "calls the class like a built-in": RIGHT_ONCE + "    raise type(f'KeyError: {word} on test', (Exception,), {})()",
    "calls its module like a limit": RIGHT_ONCE + "    raise type(f'{word} of processor time', (Exception,), {})()",
    "looks it up": RIGHT_ONCE + "    return {}[word]",
    "prints it": RIGHT_ONCE + "    print(word, numbers, flush=True)",
    "returns it": RIGHT_ONCE + "    return [word, numbers]",
    "returns an object": RIGHT_ONCE + "    return type(f'E{word}', (), {'__repr__': lambda self: word})()",
    "leaves": RIGHT_ONCE + "    import os; os._exit(numbers[0] % 251)",
    "waits": RIGHT_ONCE + "    while True: pass",
    "raises at once": "    raise TypeError('whatever')",
    "fails an example": "    return {word: 1}",
}


GRADED = {f"{name}-{by}": (body, by == "test_code") for name, body in BODIES.items() for by in ("tests", "test_code")}
OFTEN = {f"{name}-tests" for name in BODIES if name != "waits"} | {"tells in an exception-test_code"}


@pytest.mark.parametrize("graded", slow_but(OFTEN, GRADED))
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_no_hidden_argument_or_expected_value_is_in_any_conversation(
    tmp_path: Path, graded: tuple[str, bool], seed: int
) -> None:
    body, code = graded
    problem, hidden = secret_problem(seed, code)
    engine = script(tmp_path, {"*": [f"```python\ndef f(word, numbers):\n{body}\n```"]})
    samples = list(solve([problem], engine, replace(CONFIG, max_attempts=3), verifying=FAST))
    assert [s.attempt for s in samples] == [1, 2, 3]
    for sample in samples[1:]:
        said = json.dumps(sample.extra["messages"])
        assert not [secret for secret in hidden if secret in said]
        assert "Try again" in said


def told(tmp_path: Path, text: str, problem: Problem | None = None, config: SolveConfig = CONFIG) -> str:
    problem = problem or secret_problem(0)[0]
    first, second = solve([problem], script(tmp_path, {"*": [text]}), config, verifying=FAST)
    assert isinstance(first, Sample) and second.attempt == 2
    return second.extra["messages"][-1]["content"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    return g(word)", "On the examples shown: NameError: name 'g' is not defined on example 1."),
        ("    return word", "On the examples shown: wrong answer on example 1."),
        ("    return {'a_e': 8", "SyntaxError: '{' was never closed on line 2."),
        (RIGHT_ONCE + "    raise ValueError(word)", "That passes 0 of 8 tests. It raises ValueError."),
        (RIGHT_ONCE + "    raise type('Odd', (Exception,), {})", "That passes 0 of 8 tests. Try"),
        (RIGHT_ONCE + "    while True: pass", "That passes 0 of 8 tests. It takes too long."),
        pytest.param(
            "    while True: pass",
            "On the examples shown: took more than 0.3 s of processor time, on example 1.",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_what_is_safe_is_told(tmp_path: Path, body: str, said: str) -> None:
    assert told(tmp_path, f"```python\ndef f(word, numbers):\n{body}\n```").startswith(said)


def test_form_and_length_are_told(tmp_path: Path) -> None:
    assert told(tmp_path, "I cannot.").startswith("There is no ```python block that defines f.")
    assert told(tmp_path, "a b c d", config=replace(CONFIG, max_tokens=2)).startswith("That was cut off: be briefer.")


def test_an_address_does_not_make_two_runs_differ(tmp_path: Path) -> None:
    text = "```python\ndef f(word, numbers):\n    raise ValueError(object())\n```"
    assert "<object object at 0x...>" in told(tmp_path, text)
