"""vote: answers by what is read, programs by what they do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from axiom_cli.problems.families import draw, handwritten
from axiom_cli.records import STDIN_STDOUT, Problem, Program
from axiom_cli.sampling.solve import open_engine, solve
from axiom_cli.sampling.strategies.self_consistency import MAX_CALLS, calls
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.verification.verify import verify
from counting import script

CONFIG = SolveConfig(engine="scripted", samples=4, seed=1, strategy="vote")
PROBLEMS = list(draw.problems(["arithmetic", "rpn"], 2, [3, 4], "train", 0))
EXAMPLE = {"args": [[3, 1, 2]], "expected": [1, 2, 3]}
PROGRAM = Program("order", "order(items)", examples=[EXAMPLE], tests=[{"args": [[9, 8, 9]], "expected": [8, 9, 9]}])
ORDER = Problem("order", "none", "order", "Sort the items.", 1, "train", program=PROGRAM)


def block(body: str) -> str:
    return f"```python\ndef order(items):\n    {body}\n```"


def chosen(tmp_path: Path, *bodies: str, problem: Problem = ORDER) -> tuple[int, int]:
    """The index of the sample that was handed on, and its votes."""
    config = replace(CONFIG, samples=len(bodies))
    [sample] = solve([problem], script(tmp_path, {"*": [block(body) for body in bodies]}), config)
    assert sample.extra["voters"] == len(bodies)
    return sample.index, sample.extra["votes"]


def test_the_commonest_answer_is_handed_on(tmp_path: Path) -> None:
    engine = script(tmp_path, {"*": ["Answer: 1", "Answer: 2", "<think>hm</think>\nAnswer:  2", "none"]})
    [sample] = solve(PROBLEMS[:1], engine, CONFIG)
    assert (sample.index, sample.extra) == (1, {"votes": 2, "voters": 4})


def test_without_any_answer_the_first_is_handed_on(tmp_path: Path) -> None:
    [sample] = solve(PROBLEMS[:1], script(tmp_path, {"*": ["a", "b"]}), CONFIG)
    assert (sample.index, sample.extra["votes"]) == (0, 0)


def test_voting_beats_one_sample() -> None:
    problems = list(draw.problems(["arithmetic"], 100, [3], "train", 0))
    engine = open_engine("solver:0.4", CONFIG)

    def passed(config: SolveConfig) -> int:
        return sum(verdict.passed for verdict in verify(solve(problems, engine, config), VerifyConfig()))

    assert passed(replace(CONFIG, samples=9)) >= passed(replace(CONFIG, samples=1, strategy="best-of-n")) + 20


def test_programs_that_do_the_same_vote_together(tmp_path: Path) -> None:
    set_wise = "return sorted(set(items))"  # right on the shown example, as the others are
    bodies = (set_wise, "return sorted(items)", "items = list(items); items.sort(); return items", set_wise)
    assert chosen(tmp_path, *bodies, "return sorted(items)[:]") == (1, 3)


def test_a_program_that_fails_the_shown_examples_does_not_win(tmp_path: Path) -> None:
    assert chosen(tmp_path, "return items", "return items", "return sorted(items)") == (2, 1)


def test_programs_that_only_raise_or_never_end_have_no_vote(tmp_path: Path) -> None:
    blind = replace(ORDER, program=replace(PROGRAM, examples=[{"args": [[3, 1]], "expected": "what nobody returns"}]))
    assert chosen(tmp_path, "return 1 / 0", "return 1 / 0", "return sorted(items)", problem=blind) == (2, 1)
    assert chosen(tmp_path, "return q", "return q", "return q", problem=blind) == (0, 0)


def test_objects_at_other_addresses_are_the_same(tmp_path: Path) -> None:
    body = "return [type('Thing', (), {})() for _ in items]"
    assert chosen(tmp_path, "return items[::-1]", body, body, body)[1] in (1, 3)


def test_without_examples_programs_vote_by_their_trees(tmp_path: Path) -> None:
    bare = replace(ORDER, program=replace(PROGRAM, examples=[]))
    assert chosen(tmp_path, "return items", "return sorted(items)", "return sorted(items)  # so", problem=bare) == (
        1,
        2,
    )


def test_calls_are_like_the_examples_distinct_and_few() -> None:
    for problem in handwritten.problems():
        tried = calls(problem.program)
        shown = [case["args"] for case in problem.program.examples]
        assert tried[: len(shown)] == shown
        assert len(shown) < len(tried) <= MAX_CALLS
        assert len({repr(args) for args in tried}) == len(tried)
        assert {tuple(map(type, args)) for args in tried} <= {tuple(map(type, args)) for args in shown}


def test_scripts_and_examples_of_another_form_are_not_called() -> None:
    assert calls(replace(PROGRAM, entry_point=STDIN_STDOUT)) == []
    assert calls(replace(PROGRAM, examples=[{"input": "x"}])) == []
    assert calls(replace(PROGRAM, examples=[{"args": [float("nan")], "expected": 1}])) == []
