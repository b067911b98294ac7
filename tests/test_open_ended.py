"""Problems with several right answers: the family that a problem names says which ones it accepts."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest

from axiom_cli.errors import MissingError
from axiom_cli.problems.families import draw, oracles
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.verify import verify


def status(problem, answer):
    sample = Sample(problem, ModelRef("m", "0" * 64), "scripted", {}, 0, 1, f"<think>\n</think>\nAnswer: {answer}")
    return next(verify([sample], VerifyConfig())).status


def test_any_proper_colouring_is_accepted_and_no_other():
    several = 0
    for problem in islice(draw.stream("colouring", 4, "train", 0), 30):
        other = oracles.answer("colouring", problem.prompt)
        several += other != problem.answer
        assert status(problem, problem.answer) == status(problem, other) == "pass"
        first, second_vertex = problem.prompt.rpartition(": ")[2].split()[0].split("-")
        colours = problem.answer.split()
        colours[ord(second_vertex) - ord("A")] = colours[ord(first) - ord("A")]
        wrong = [" ".join(colours), problem.answer[2:], f"{problem.answer} 1", problem.answer.replace("1", "4"), ""]
        assert {status(problem, answer) for answer in wrong} == {"fail"}
    assert several > 10


def test_a_checker_that_is_not_there_is_missing():
    problem = next(draw.stream("colouring", 1, "train", 0))
    odd = Problem.from_dict({**problem.to_dict(), "checker": "colourings"})
    with pytest.raises(MissingError, match="colourings"):
        status(odd, "1")


@pytest.mark.parametrize("change", [{"prompt": "Colour it well. Edges"}, {"checker": "arithmetic"}])
def test_a_problem_that_its_family_cannot_judge_does_not_end_the_stream(change, tmp_path):
    right, odd = draw.problems(["colouring"], 2, range(1, 2), "train", 0)
    samples = [
        Sample(one, ModelRef("test", "0"), "scripted", {}, 0, 0, f"Answer: {right.answer}")
        for one in (replace(odd, **change), right)
    ]
    assert [verdict.status for verdict in verify(samples, VerifyConfig(jobs=1))] == ["infra", "pass"]
