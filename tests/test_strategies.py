"""What every strategy keeps to, whoever adds one: tested by its being listed in STRATEGIES."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from axiom_cli.problems.families import draw
from axiom_cli.records import Problem, Sample
from axiom_cli.sampling.rollout import rollout
from axiom_cli.sampling.sample_cache import Usage
from axiom_cli.sampling.solve import open_engine, solve
from axiom_cli.sampling.strategies.registry import STRATEGIES, verifies
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.verification.verify import verify
from axiom_cli.workspace.store import Workspace
from cases import slow_but
from command_line import environment
from counting import Counting, script

BASE = SolveConfig(engine="scripted", samples=4, seed=1)
ELSEWHERE = {"value"}  # asks a value function, which judges a real model's samples: tests/test_value.py
WAYS = {name: replace(BASE, strategy=name) for name in STRATEGIES if name not in ELSEWHERE}
WAYS |= {f"{name}, until solved": replace(WAYS[name], early_stop=True) for name in ("best-of-n", "retry")}
WAYS |= {"adaptive, agreement": replace(WAYS["adaptive"], stop_on="agreement")}
ANSWERS = list(draw.problems(["arithmetic", "rpn"], 24, [3, 6], "train", 0))
PROGRAMS = list(draw.problems(["arithmetic", "list_ops"], 6, [3], "train", 0, "program"))
SOLVER = "solver:0.7"
MOST = {"retry": BASE.max_attempts, "adaptive": 4}
each = pytest.mark.parametrize("config", WAYS.values(), ids=WAYS)
each_slowly = pytest.mark.parametrize("config", slow_but({"best-of-n", "adaptive"}, WAYS))


def run(config: SolveConfig, problems: list[Problem], workspace: Workspace | None = None) -> list[Sample]:
    return list(solve(problems, open_engine(SOLVER, config), config, workspace))


def test_every_strategy_is_here() -> None:
    assert {config.strategy for config in WAYS.values()} | ELSEWHERE == set(STRATEGIES)


@each
@pytest.mark.parametrize("problems", [ANSWERS, PROGRAMS], ids=["answers", "programs"])
def test_order_indices_and_budget(config: SolveConfig, problems: list[Problem]) -> None:
    usage = Usage()
    samples = list(solve(problems, open_engine(SOLVER, config), config, usage=usage))
    assert [problem for problem, _ in groupby(samples, key=lambda s: s.problem)] == problems
    assert len({(s.problem.id, s.index) for s in samples}) == len(samples)
    most = BASE.samples * MOST.get(config.strategy, 1)
    assert max(Counter(s.problem.id for s in samples).values()) <= most
    allowed = most if config.strategy == "retry" else BASE.samples
    assert len(samples) <= usage.samples <= allowed * len(problems)
    assert usage.tokens >= sum(s.tokens for s in samples)
    assert usage.problems == len(problems)
    if config.strategy == "vote":
        assert len(samples) == len(problems) and usage.samples == BASE.samples * len(problems)


@each
def test_the_same_again(config: SolveConfig) -> None:
    assert run(config, ANSWERS) == run(config, ANSWERS)
    assert run(config, ANSWERS) != run(replace(config, seed=2), ANSWERS)


@each_slowly
def test_the_same_programs_again(config: SolveConfig) -> None:
    assert run(config, PROGRAMS) == run(config, PROGRAMS)


@each
def test_a_sample_depends_on_seed_problem_and_index_alone(config: SolveConfig) -> None:
    plain = {(s.problem.id, s.index): s.text for s in run(replace(BASE, samples=16), ANSWERS)}
    assert all(plain[s.problem.id, s.index] == s.text for s in run(config, ANSWERS))


@each
def test_again_from_the_workspace_costs_nothing(config: SolveConfig, tmp_path: Path) -> None:
    workspace, engine, usage = Workspace.create(tmp_path / ".axiom"), Counting(SOLVER), [Usage(), Usage()]
    once = list(solve(ANSWERS, engine, config, workspace, usage=usage[0]))
    written = engine.written
    assert list(solve(ANSWERS, engine, config, workspace, usage=usage[1])) == once
    assert engine.written == written
    assert usage[0] == usage[1]


@each
def test_an_engine_that_fails_leaves_records(config: SolveConfig, tmp_path: Path) -> None:
    engine = script(tmp_path, {ANSWERS[0].id: [f"Answer: {ANSWERS[0].answer}"]})
    samples = list(solve(ANSWERS[:3], engine, config, Workspace.create(tmp_path / ".axiom")))
    finishes = {p.id: {s.finish for s in group} for p, group in groupby(samples, key=lambda s: s.problem)}
    assert finishes == {ANSWERS[0].id: {"stop"}, ANSWERS[1].id: {"error"}, ANSWERS[2].id: {"error"}}
    assert all(s.extra["error"] for s in samples if s.finish == "error")


@each
@pytest.mark.parametrize(
    "problems", [pytest.param(ANSWERS, id="answers"), pytest.param(PROGRAMS, id="programs", marks=pytest.mark.slow)]
)
def test_the_pipeline_says_what_verify_says_of_the_samples(config: SolveConfig, problems: list[Problem]) -> None:
    usage, alone = Usage(), Usage()
    groups = list(rollout(problems, open_engine(SOLVER, config), config, VerifyConfig(), None, usage))
    samples = list(solve(problems, open_engine(SOLVER, config), config, usage=alone))
    assert [[v.sample for v in group] for group in groups] == [
        list(group) for _, group in groupby(samples, key=lambda s: s.problem)
    ]
    assert [v for group in groups for v in group] == list(verify(samples, VerifyConfig()))
    assert usage.solved == sum(any(v.passed for v in group) for group in groups) > 0
    if verifies(config):
        assert alone == usage


SLOW = """
import sys, time
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.sampling.engines.scripted import ScriptedEngine
from axiom_cli.problems.families import draw
from axiom_cli.sampling import sample_cache as remembered
from axiom_cli.sampling.rollout import rollout
from axiom_cli.workspace.store import Workspace

class Slow(ScriptedEngine):
    def generate(self, *args, **more):
        for group in super().generate(*args, **more):
            time.sleep(0.01)
            print(len(group), flush=True)
            yield group

remembered.SAVE_EVERY = 0.05
problems = draw.problems(["arithmetic", "rpn"], 60, [3, 6], "train", 0, sys.argv[2])
for group in rollout(problems, Slow({solver!r}), {config!r}, VerifyConfig(), Workspace.create(sys.argv[1])):
    pass
"""


def started(config: SolveConfig, folder: Path, form: str) -> subprocess.Popen[bytes]:
    """A run that has written something and is in the middle of its work."""
    program = SLOW.format(solver=SOLVER, config=config)
    command = [sys.executable, "-c", program, str(folder), form]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    for _ in range(40):
        assert process.stdout.readline()
    return process


@pytest.mark.slow
@each_slowly
def test_a_killed_run_goes_on_where_it_was(config: SolveConfig, tmp_path: Path) -> None:
    process = started(config, tmp_path / "ws", "answer")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    problems = list(draw.problems(["arithmetic", "rpn"], 60, [3, 6], "train", 0))
    whole, rest = Counting(SOLVER), Counting(SOLVER)
    samples = list(solve(problems, whole, config))
    assert list(solve(problems, rest, config, Workspace.open(tmp_path / "ws"))) == samples
    assert rest.written <= whole.written - 20


@pytest.mark.slow
@each_slowly
@pytest.mark.parametrize("form", ["answer", pytest.param("program", marks=pytest.mark.slow)])
def test_ctrl_c_ends_it_at_once_and_keeps_what_was_written(config: SolveConfig, form: str, tmp_path: Path) -> None:
    process = started(config, tmp_path / "ws", form)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=8)
    assert process.returncode in (-signal.SIGINT, 130)
    assert said.decode().strip().endswith("KeyboardInterrupt")
    rest, whole = Counting(SOLVER), Counting(SOLVER)
    problems = list(draw.problems(["arithmetic", "rpn"], 60, [3, 6], "train", 0, form))
    list(solve(problems, rest, config, Workspace.open(tmp_path / "ws")))
    list(solve(problems, whole, config))
    assert rest.written <= whole.written - 35
