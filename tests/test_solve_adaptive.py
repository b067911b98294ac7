"""adaptive and --early-stop: samples go where they may still solve something."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from axiom_cli.problems.families import draw
from axiom_cli.records import Problem, Sample
from axiom_cli.sampling.sample_cache import Usage
from axiom_cli.sampling.solve import open_engine, solve
from axiom_cli.sampling.strategies.adaptive import settled
from axiom_cli.sampling.strategies.budget import ProblemState, allocate, fit
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.verification.verify import verify
from counting import Counting, script

CONFIG = SolveConfig(engine="scripted", samples=8, seed=1)
PROBLEMS = list(draw.problems(["arithmetic", "rpn"], 100, [3, 4], "train", 0))


def counts(samples: list[Sample]) -> list[int]:
    return [len(list(group)) for _, group in groupby(samples, key=lambda s: s.problem)]


def solved(samples: list[Sample]) -> set[str]:
    return {v.sample.problem.id for v in verify(samples, VerifyConfig()) if v.passed}


def right_after(wrong: int, problem: Problem) -> list[str]:
    return ["Answer: no"] * wrong + [f"Answer: {problem.answer}"] * 99


def test_until_solved_asks_in_growing_rounds(tmp_path: Path) -> None:
    late = {problem.id: right_after(wrong, problem) for wrong, problem in enumerate(PROBLEMS[:10])}
    samples = list(solve(PROBLEMS[:10], script(tmp_path, late), replace(CONFIG, early_stop=True)))
    assert counts(samples) == [1, 2, 4, 4, 8, 8, 8, 8, 8, 8]


def test_enough_passes_settle_a_problem(tmp_path: Path) -> None:
    late = {problem.id: right_after(1, problem) for problem in PROBLEMS[:3]}
    for strategy in ("best-of-n", "adaptive"):
        config = replace(CONFIG, early_stop=True, target_passes=2, strategy=strategy)
        samples = list(solve(PROBLEMS[:3], script(tmp_path, late), config))
        passes = Counter(v.sample.problem.id for v in verify(samples, VerifyConfig()) if v.passed)
        assert set(passes.values()) <= {2, 3} and len(passes) == 3


@pytest.mark.parametrize(("rate", "most"), [("solver:0.5", 0.35), ("solver:0.8", 0.65)])
def test_until_solved_solves_what_all_samples_solve_for_less(rate: str, most: float) -> None:
    engine, usage = open_engine(rate, CONFIG), Usage()
    fixed = list(solve(PROBLEMS, engine, CONFIG))
    less = list(solve(PROBLEMS, engine, replace(CONFIG, early_stop=True), usage=usage))
    assert solved(less) == solved(fixed)
    assert usage.solved == len(solved(fixed))
    assert usage.samples == len(less) <= most * len(fixed)


def test_adaptive_solves_more_for_as_many_samples(tmp_path: Path) -> None:
    never = ["Answer: no"]
    texts = {p.id: never if p.family == "rpn" else right_after(n % 13, p) for n, p in enumerate(PROBLEMS)}
    engine = script(tmp_path, texts)
    fixed = list(solve(PROBLEMS, engine, replace(CONFIG, samples=4)))
    moved = list(solve(PROBLEMS, engine, replace(CONFIG, samples=4, strategy="adaptive")))
    assert len(solved(moved)) >= 2 * len(solved(fixed))
    assert len(moved) <= len(fixed)
    assert max(counts(moved)) <= 16


def test_adaptive_gives_up_on_nothing_while_there_is_a_budget(tmp_path: Path) -> None:
    hard = PROBLEMS[0]
    texts = {problem.id: right_after(0, problem) for problem in PROBLEMS[:6]} | {hard.id: right_after(20, hard)}
    samples = list(solve(PROBLEMS[:6], script(tmp_path, texts), replace(CONFIG, strategy="adaptive")))
    assert counts(samples)[1:] == [1] * 5
    assert 21 <= counts(samples)[0] <= 32
    assert hard.id in solved(samples)


def test_batches_are_few() -> None:
    class Called(Counting):
        calls = 0

        def generate(self, *args, **more):
            self.calls += 1
            return super().generate(*args, **more)

    engine = Called("solver:0.95")
    list(solve(PROBLEMS, engine, replace(CONFIG, strategy="adaptive")))
    assert engine.calls <= 16


AGREEMENT = replace(CONFIG, strategy="adaptive", stop_on="agreement")


def test_agreement_spends_more_where_samples_disagree(tmp_path: Path) -> None:
    sure, unsure = PROBLEMS[:2]
    engine = script(tmp_path, {sure.id: ["Answer: 7"], unsure.id: ["Answer: 7", "Answer: 8"]})
    samples = list(solve([sure, unsure, sure], engine, AGREEMENT))
    assert counts(samples) == [4, 16, 4]
    assert [s.index for s in samples] == [*range(4), *range(16), *range(4)]


def test_agreement_never_asks_the_verifier(tmp_path: Path) -> None:
    wrong = {"*": ["Answer: surely wrong"]}
    samples = list(solve(PROBLEMS[:4], script(tmp_path, wrong), AGREEMENT))
    assert counts(samples) == [4] * 4


@pytest.mark.parametrize(
    ("votes", "sure"), [("aaaa", True), ("aaa", False), ("aaaab", False), ("aaaaaab", True), ("", False)]
)
def test_when_a_vote_is_settled(votes: str, sure: bool) -> None:
    assert settled([*votes, None, None, None, None]) is sure


def standing(kind: str, fails: int, passes: int = 0, needs: int = 1) -> ProblemState:
    return ProblemState(kind, passes, fails, passes + fails, needs)


def test_of_equal_chances_the_cheaper_one_is_taken() -> None:
    """Samples of one kind took 10 tokens each, those of the other 90."""
    dear, cheap = replace(standing("a", 1), tokens=90), replace(standing("b", 1), tokens=10)
    assert allocate([dear, cheap, dear], 1, 8) == [1]
    assert allocate([dear, replace(cheap, tokens=90)], 1, 8) == [0]


def test_alike_problems_get_even_shares() -> None:
    assert allocate([standing("a", 1)] * 5, 10, 8) == sorted([*range(5)] * 2)
    assert allocate([standing("a", 3), standing("a", 1), standing("a", 0, 1)], 2, 8) == [1, 1]


def test_a_kind_that_nobody_solves_waits() -> None:
    stands = [standing("hard", 3)] * 30 + [standing("easy", 3)] * 2 + [standing("easy", 0, 1)] * 28
    assert set(allocate(stands, 4, 8)) == {30, 31}


def test_nothing_beyond_most_quota_or_need() -> None:
    assert allocate([standing("a", 7)], 5, 8) == [0]
    assert allocate([standing("a", 8), standing("a", 2, 1)], 5, 8) == []
    assert allocate([standing("a", 1)] * 3, 0, 8) == []
    assert set(allocate([standing("a", 1, 0, 2), standing("a", 1, 1, 2)], 1, 8)) == {1}


def test_the_fit_finds_what_was_seen() -> None:
    low, high = fit({(0, 1): 90, (1, 0): 10}), fit({(0, 1): 10, (1, 0): 90})
    assert low[0] / sum(low) < 0.2 < 0.8 < high[0] / sum(high)
    u_shaped, alike = fit({(0, 8): 50, (8, 0): 50}), fit({(4, 4): 100})
    assert sum(u_shaped) < 1 < sum(alike)
