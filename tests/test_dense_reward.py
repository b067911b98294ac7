"""A dense reward for programs: shares of tests at first, all tests from a round on that was written down before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import tiny
from axiom_cli.errors import UsageError
from axiom_cli.experiment.combinations import check_settings
from axiom_cli.experiment.dense_reward import accept_partial, is_partial, weigh, whole
from axiom_cli.learning.rejection_sampling import select_solutions
from axiom_cli.problems.families import handwritten
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import LoopConfig, TrainConfig, VerifyConfig
from axiom_cli.verification.verify import verify
from command_line import axiom, failed


def judged() -> list[Verdict]:
    """A right program, one that is right for some arguments, one that is never right, and no program at all."""
    problem = next(problem for problem in handwritten.problems() if problem.id == "reverse_string")
    bodies = ("text[::-1]", "text[::-1] if len(text) % 2 else text + '?'", "None")
    programs = [f"```python\ndef reverse_string(text):\n    return {body}\n```" for body in bodies]
    samples = [tiny.sample(problem, text, index) for index, text in enumerate([*programs, "nothing"])]
    return list(verify(samples, VerifyConfig()))


def test_a_program_counts_as_the_share_of_its_tests_and_an_answer_never_in_part() -> None:
    verdicts = judged()
    right, some, never, none = verdicts
    assert (right.status, some.status) == ("pass", "fail") and 0 < some.passed_tests < some.total_tests
    accepted = accept_partial(verdicts)
    assert [v.status for v in accepted] == ["pass", "pass", "fail", "fail"]
    assert (accepted[0], *accepted[2:]) == (right, never, none)
    plain = select_solutions(accepted, TrainConfig(), weighted=False).examples
    full, partial = weigh(plain)
    share = some.passed_tests / some.total_tests
    assert (full.weight, partial.weight) == (plain[0].weight, pytest.approx(share * plain[1].weight))
    assert (is_partial(full), is_partial(partial)) == (False, True)
    assert whole([full, partial]) == (full,), "from the switch on, partial solutions leave the history"
    answer = replace(tiny.verdict(tiny.sample(tiny.problem(1), "1"), "fail"), passed_tests=1, total_tests=2)
    assert accept_partial([answer]) == [answer]


def test_where_it_would_mean_nothing_it_is_refused(tmp_path: Path) -> None:
    check_settings(LoopConfig(dense_until=3))
    with pytest.raises(UsageError, match="--dense-until and --objective grpo do not go together"):
        check_settings(LoopConfig(dense_until=3, train=TrainConfig(objective="grpo")))
    failed(axiom("loop", "--dense-until", "3", cwd=tmp_path), 2, "--dense-until has no effect here")
