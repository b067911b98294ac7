"""Where a round's problems come from, what may not be among them, and what the control arms do."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom_cli import models
from axiom_cli.commands.loop import described
from axiom_cli.errors import GateFailedError, NothingToDoError, UsageError
from axiom_cli.experiment import control_arms
from axiom_cli.experiment.curriculum import Bucket, ProblemStream, allocate, buckets
from axiom_cli.experiment.loop import Loop
from axiom_cli.importing.source_names import SourceName
from axiom_cli.importing.sources import Reading, open_sources
from axiom_cli.importing.splitting import Pool, Supply
from axiom_cli.learning.rejection_sampling import select_solutions
from axiom_cli.problems.decontamination import HeldOutScreen
from axiom_cli.problems.families import draw
from axiom_cli.records import ModelRef, Problem, Sample, Verdict
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.sampling.engines.scripted import ScriptedEngine
from axiom_cli.sampling.rollout import remember_rollout
from axiom_cli.settings.configs import LoopConfig, SolveConfig, TrainConfig
from axiom_cli.settings.sources import resolve
from axiom_cli.workspace.store import Workspace
from command_line import ROOT, axiom, failed

BUCKETS = [Bucket(family, level, place) for place, family in enumerate(("arithmetic", "rpn")) for level in (3, 4, 5)]


def stream_of(problems: str, seed: int = 5, levels: tuple[int, ...] = (3, 4, 5)) -> ProblemStream:
    return ProblemStream(Supply(open_sources(problems, Reading(levels=levels)).sources), seed)


def rated(rates: Sequence[float]) -> dict[tuple[str, int], float]:
    return {bucket[:2]: rate for bucket, rate in zip(BUCKETS, rates, strict=True)}


@pytest.mark.slow
def test_what_one_engine_sampled_is_not_taken_for_another_ones(tmp_path: Path) -> None:
    nano, workspace = models.resolve("nano"), Workspace.open_or_create(tmp_path / ".axiom")
    problems = list(draw.problems(["arithmetic"], 4, [3], "train", 0))
    texts: dict[str, list[str]] = {}
    for name, writes in (("transformers", "one"), ("vllm", "another"), ("transformers", "nothing more")):
        (tmp_path / "script.json").write_text(json.dumps({"*": [writes]}))

        def opened(_model: str, _config: SolveConfig, _workspace: Workspace | None, name: str = name) -> ScriptedEngine:
            engine = ScriptedEngine(str(tmp_path / "script.json"))
            engine.name, engine.model = name, nano.ref
            return engine

        config = SolveConfig(samples=1, engine=name)
        handle = EngineHandle(nano, workspace, config, opened)
        verdicts, _ = remember_rollout(nano, problems, config, handle, workspace, lambda _done: None)
        texts.setdefault(name, []).extend({verdict.sample.text for verdict in verdicts})
    assert texts == {"transformers": ["one", "one"], "vllm": ["another"]}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "register_machine, robot_walk, queue_listing at levels 1-10"),
        ({"problems": "arithmetic,rpn:4-8"}, "arithmetic at levels 1-10; rpn at levels 4-8"),
        ({"problems": "arithmetic:2-4"}, "arithmetic at levels 2-4"),
        ({"problems": "rpn*2,arithmetic", "max_difficulty": 1}, "rpn*2, arithmetic at level 1"),
        ({"problems": "handwritten,rpn"}, "handwritten; rpn at levels 1-10"),
        ({"problems": "handwritten:2,rpn:1-3"}, "handwritten at level 2; rpn at levels 1-3"),
    ],
)
def test_the_plan_says_which_levels_each_source_has(options: dict[str, object], said: str) -> None:
    assert list(described(resolve(LoopConfig, options).config))[1] == said


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6), st.integers(0, 500))
def test_every_problem_is_given_to_some_bucket(rates: list[float], count: int) -> None:
    shared = allocate(BUCKETS, rated(rates), count)
    assert sum(shared.values()) == count
    assert list(shared) == BUCKETS
    assert min(shared.values()) >= 0


def test_most_problems_come_from_where_some_are_solved_and_some_not() -> None:
    shared = allocate(BUCKETS, rated((1.0, 0.95, 0.5, 0.0, 0.5, 1.0)), 1000)
    assert min(shared[BUCKETS[2]], shared[BUCKETS[4]]) > 350
    assert all(0 < shared[BUCKETS[place]] < 60 for place in (0, 3, 5))


def a_pool(name: str, *counts: int) -> Pool:
    """A file with so many problems at level 1, 2, ..."""
    problems = [
        Problem(f"{name}{level}-{n}", name, "", f"{name} {level} {n}", level, "train", "1")
        for level, count in enumerate(counts, 1)
        for n in range(count)
    ]
    return Pool(SourceName(name, "file"), problems)


def test_weights_are_those_of_whole_sources() -> None:
    families = open_sources("arithmetic*2,rpn:4", Reading(levels=(3, 4, 5))).sources
    supply = Supply([*families, a_pool("mine", 1000, 1000)])
    weights = buckets(supply)
    shares = allocate([*weights], {}, 1200, weights, ProblemStream(supply, 0).most)
    by_source = [sum(count for bucket, count in shares.items() if bucket.source == place) for place in range(3)]
    assert by_source == [600, 300, 300] and [*weights] == sorted(weights, key=lambda bucket: bucket.level)
    assert set(buckets(Supply(open_sources("arithmetic,rpn").sources)).values()) == {1.0}


def test_what_a_file_lacks_comes_from_the_others() -> None:
    supply = Supply([*open_sources("arithmetic:3").sources, a_pool("mine", 10, 0, 90)])
    weights, most = buckets(supply), ProblemStream(supply, 0).most
    assert allocate([*weights], {}, 600, weights, most) == {
        ("mine", 1, 1): 10,
        ("arithmetic", 3, 0): 500,
        ("mine", 3, 1): 90,
    }
    assert sum(allocate([Bucket("mine", 1, 1)], {}, 600, weights, most).values()) == 10


def test_a_file_is_gone_through_before_it_begins_anew() -> None:
    stream = ProblemStream(Supply([a_pool("mine", 10)]), 0)
    rounds = [stream.draw({Bucket("mine", 1): 4}, pytest.fail) for _ in range(4)]
    assert [(drawn.new, drawn.seen) for drawn in rounds] == [(4, 0), (4, 0), (2, 2), (0, 4)]
    first_ten = [problem.id for drawn in rounds for problem in drawn.problems][:10]
    assert len(set(first_ten)) == 10 and first_ten != sorted(first_ten)
    whole = ProblemStream(Supply([a_pool("mine", 10, 3)]), 0)
    asked = {Bucket("mine", 1): 9, Bucket("mine", 2): 4}
    for new in (13, 0):
        drawn = whole.draw(asked, lambda _: None)
        assert len({problem.id for problem in drawn.problems}) == 13 and drawn[1:] == (new, 13 - new)


def test_fresh_problems_never_come_twice_and_do_not_depend_on_the_other_buckets() -> None:
    stream = stream_of("arithmetic,rpn")
    first = stream.draw({BUCKETS[0]: 30, BUCKETS[1]: 10}, pytest.fail).problems
    second = stream.draw({BUCKETS[0]: 30, BUCKETS[2]: 7}, pytest.fail).problems
    ids = [problem.id for problem in first + second]
    assert len(set(ids)) == len(ids) == 77
    alone = draw.stream("arithmetic", 3, "train", 5, "answer")
    assert [p.id for p in first[:30] + second[:30]] == [next(alone).id for _ in range(60)]


@pytest.mark.slow
def test_where_a_level_has_no_more_problems_others_give_theirs() -> None:
    stream, told = stream_of("rpn", levels=(1, 2)), []
    scarce, rich = Bucket("rpn", 1), Bucket("rpn", 2)
    all_there_are = len(stream.take(scarce, 100_000))
    assert 1000 < all_there_are < 100_000
    stream = stream_of("rpn", levels=(1, 2))
    out = stream.draw({scarce: all_there_are + 9, rich: 40}, told.append).problems
    assert [sum(p.level == level for p in out) for level in (1, 2)] == [all_there_are, 49]
    assert len({p.id for p in out}) == len(out)
    assert told == ["no fresh training problems are left of rpn level 1: other levels make up for them"]
    with pytest.raises(NothingToDoError, match="only 0 of 5 fresh"):
        stream.draw({scarce: 5}, pytest.fail)


@pytest.mark.slow
def test_a_run_of_more_problems_than_there_are_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["--problems", "rpn", "--max-difficulty", "1", "--min-difficulty", "1", "--train-size", "5000"]
    done = axiom("loop", *asked, "--plan", cwd=tmp_path)
    failed(done, 5, "10 rounds of 5,000 problems need 50,000, but only 3,776 exist")
    monkeypatch.chdir(tmp_path)
    config = LoopConfig(problems="rpn", min_difficulty=1, max_difficulty=1, train_size=1000, val_size=100)
    with pytest.raises(NothingToDoError, match="in split test") as caught:
        Loop(replace(config, test_size=5000), "nano", Workspace.create(tmp_path / ".axiom"))
    assert "--test-size" in caught.value.hint
    assert not list(tmp_path.rglob("metrics.jsonl"))


def _drawn(split: str, count: int) -> list[Problem]:
    return list(draw.problems(["arithmetic", "rpn", "parentheses", "list_ops"], count, range(3, 8), split, 0))


def test_problems_that_are_held_out_are_refused_however_they_are_written() -> None:
    val, test = _drawn("val", 40), _drawn("test", 40)
    screen = HeldOutScreen(val, test)
    assert 0 <= screen.check_training(_drawn("train", 400)) < 0.2
    for held, prompt in ((test[7], test[7].prompt), (val[3], val[3].prompt.upper().replace(" ", "\n "))):
        leaked = replace(held, id="another", prompt=prompt)
        with pytest.raises(GateFailedError, match="1 of 401 training problems are also held out: "):
            screen.check_training([*_drawn("train", 400), leaked])
        with pytest.raises(GateFailedError, match="1 of 1 cold-start"):
            screen.filter_cold_start([Sample(leaked, ModelRef("m", "0"), "e", {}, 0, 0, "x")])
    with pytest.raises(GateFailedError, match="2 of 40 validation problems are also in the test"):
        HeldOutScreen([*val[2:], *test[:2]], test)


@pytest.mark.slow
def test_looking_for_leaks_takes_no_noticeable_time() -> None:
    screen, train = HeldOutScreen(_drawn("val", 800), _drawn("test", 800)), _drawn("train", 8000)
    began = time.process_time()
    screen.check_training(train)
    assert time.process_time() - began < 10, "2 seconds on a quiet machine, where a round takes minutes"


TWICE = """
from axiom_cli.problems.families.family import Family

class Twice(Family):
    name, about, levels = "twice", "", ""

    def draw(self, random, level):
        return random.randrange(300), random.choice((" ", "  ", "   "))

    def statement(self, task):
        return f"Double{task[1]}{task[0]}"

    def answer(self, task):
        return str(2 * task[0])

    def trace(self, task):
        return []
"""


@pytest.mark.slow
def test_a_loop_whose_splits_leak_is_refused_before_it_trains(tmp_path) -> None:
    (tmp_path / "twice.py").write_text(TWICE)
    info = tmp_path / "twice-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: twice\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[axiom.families]\ntwice = twice:Twice\n")
    path = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    sizes = ["--train-size", "200", "--val-size", "5", "--test-size", "5", "--iterations", "1", "--max-tokens", "16",
             "--ignore-gates"]  # fmt: skip
    done = axiom("loop", "--problems", "twice", "--min-difficulty", "1", "--max-difficulty", "1",
                 *sizes, cwd=tmp_path, env=path)  # fmt: skip
    failed(done, 6, "training problems are also held out: 'Double", "axiom problems audit twice")
    assert not (tmp_path / "experiments" / "self_improve_v1" / "solutions").exists()


def _verdicts() -> list[Verdict]:
    out = []
    for number, problem in enumerate(draw.problems(["rpn"], 200, [2], "train", 0)):
        sample = Sample(problem, ModelRef("m", "0"), "e", {}, 0, 0, "x", [1], "length" if number % 10 == 0 else "stop")
        status = "infra" if number % 7 == 0 else "pass" if number % 3 == 0 and number % 10 else "fail"
        out.append(Verdict(sample, status, int(status == "pass"), 1, "", "exact"))
    return out


def test_shuffled_verdicts_keep_how_many_pass_and_touch_neither_infra_nor_cut_off_samples() -> None:
    before = _verdicts()
    after = control_arms.shuffle(before, seed=1)
    assert [v.sample for v in after] == [v.sample for v in before]
    assert sum(v.passed for v in after) == sum(v.passed for v in before)
    assert [v.status == "infra" for v in after] == [v.status == "infra" for v in before]
    assert not any(v.passed and v.sample.finish == "length" for v in after)
    moved = sum(a.status != b.status for a, b in zip(after, before, strict=True))
    assert moved > 30
    assert after == control_arms.shuffle(before, seed=1) != control_arms.shuffle(before, seed=2)


def test_unjudged_samples_pass_whatever_the_verifier_said_unless_they_were_cut_off() -> None:
    before = [
        replace(v, sample=replace(v.sample, text=f"Answer: {number}" if number % 2 else "none"))
        for number, v in enumerate(_verdicts())
    ]
    whole = [v.status != "infra" and v.sample.finish == "stop" for v in before]
    assert [v.passed for v in control_arms.accept(before, "unfiltered")] == whole
    formed = [one and number % 2 == 1 for number, one in enumerate(whole)]
    assert [v.passed for v in control_arms.accept(before, "format-only")] == formed
    easy = [v for v in control_arms.accept(before, "unfiltered") if v.passed] * 2
    rows = select_solutions(easy, TrainConfig(), weighted=False).examples
    assert len(rows) == sum(whole) and {row.weight for row in rows} == {1.0}


def test_control_arms_are_named_or_refused() -> None:
    assert control_arms.parse("cold-only, shuffled,cold-only") == ["cold-only", "shuffled"]
    assert control_arms.parse("") == []
    with pytest.raises(UsageError, match="random"):
        control_arms.parse("shuffled,random")


def test_a_preset_fills_in_what_was_not_chosen() -> None:
    assert resolve(LoopConfig, {}).config == resolve(LoopConfig, {"preset": "nano"}).config
    climb = resolve(LoopConfig, {"preset": "climb", "samples": 2})
    assert (climb.config.max_difficulty, climb.origins["max_difficulty"]) == (30, "preset climb")
    assert (climb.config.solve.samples, climb.origins["solve.samples"]) == (2, "flag")
    assert climb.config.solve.max_tokens == 768 and climb.config.train.method == "full"
    assert resolve(LoopConfig, {"preset": "climb", "iterations": 3}).config.iterations == 3
