"""Where a round's problems come from, and what the control arms do."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom_cli.configs import PRESETS, LoopConfig
from axiom_cli.errors import UsageError
from axiom_cli.families import draw
from axiom_cli.records import ModelRef, Sample, Verdict
from axiom_cli.settings import resolve
from axiom_cli.stages import controls
from axiom_cli.stages.frontier import Fountain, allocate

CELLS = [(family, level) for family in ("arithmetic", "rpn") for level in (3, 4, 5)]


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6), st.integers(0, 500))
def test_every_problem_is_given_to_some_cell(rates: list[float], count: int) -> None:
    shared = allocate(CELLS, dict(zip(CELLS, rates, strict=True)), count)
    assert sum(shared.values()) == count
    assert list(shared) == CELLS
    assert min(shared.values()) >= 0


def test_most_problems_come_from_where_some_are_solved_and_some_not() -> None:
    rates = dict(zip(CELLS, (1.0, 0.95, 0.5, 0.0, 0.5, 1.0), strict=True))
    shared = allocate(CELLS, rates, 1000)
    assert min(shared["arithmetic", 5], shared["rpn", 4]) > 350
    assert 0 < shared["arithmetic", 3] <= shared["rpn", 3] < 60


def test_fresh_problems_never_come_twice_and_do_not_depend_on_the_other_cells() -> None:
    fountain = Fountain(5)
    first = fountain.draw({CELLS[0]: 30, CELLS[1]: 10})
    second = fountain.draw({CELLS[0]: 30, CELLS[2]: 7})
    ids = [problem.id for problem in first + second]
    assert len(set(ids)) == len(ids) == 77
    stream = draw.stream("arithmetic", 3, "train", 5, "answer")
    assert [p.id for p in first[:30] + second[:30]] == [next(stream).id for _ in range(60)]


def _verdicts() -> list[Verdict]:
    out = []
    for number, problem in enumerate(draw.problems(["rpn"], 200, [2], "train", 0)):
        sample = Sample(problem, ModelRef("m", "0"), "e", {}, 0, 0, "x", [1], "length" if number % 10 == 0 else "stop")
        status = "infra" if number % 7 == 0 else "pass" if number % 3 == 0 and number % 10 else "fail"
        out.append(Verdict(sample, status, int(status == "pass"), 1, "", "exact"))
    return out


def test_shuffled_verdicts_keep_how_many_pass_and_touch_neither_infra_nor_cut_off_samples() -> None:
    before = _verdicts()
    after = controls.shuffle(before, seed=1)
    assert [v.sample for v in after] == [v.sample for v in before]
    assert sum(v.passed for v in after) == sum(v.passed for v in before)
    assert [v.status == "infra" for v in after] == [v.status == "infra" for v in before]
    assert not any(v.passed and v.sample.finish == "length" for v in after)
    moved = sum(a.status != b.status for a, b in zip(after, before, strict=True))
    assert moved > 30
    assert after == controls.shuffle(before, seed=1) != controls.shuffle(before, seed=2)


def test_control_arms_are_named_or_refused() -> None:
    assert controls.parse("cold-only, shuffled,cold-only") == ["cold-only", "shuffled"]
    assert controls.parse("") == []
    with pytest.raises(UsageError, match="random"):
        controls.parse("shuffled,random")


def test_a_preset_fills_in_what_was_not_chosen() -> None:
    assert resolve(LoopConfig, {}).config == LoopConfig()
    long = resolve(LoopConfig, {"preset": "long", "samples": 2}).config
    assert long == replace(LoopConfig(preset="long", samples=2), **PRESETS["long"])
    asked = {"preset": "long", "iterations": LoopConfig.iterations}
    assert resolve(LoopConfig, asked).config.iterations == LoopConfig.iterations
