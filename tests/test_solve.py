"""solve: order, streams, and what is remembered, on the scripted engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import groupby

import pytest

from axiom_cli.errors import UsageError
from axiom_cli.problems.families import draw
from axiom_cli.sampling.engines.scripted import ScriptedEngine
from axiom_cli.sampling.solve import open_engine, solve
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.verification.verify import verify
from axiom_cli.workspace.store import Workspace
from counting import Counting, script

CONFIG = SolveConfig(engine="scripted", samples=4, seed=1)
PROBLEMS = list(draw.problems(["arithmetic", "rpn"], 12, [3, 4], "train", 0))


def passed(samples):
    return [verdict.passed for verdict in verify(samples, VerifyConfig())]


def test_samples_come_in_the_order_of_the_problems_side_by_side():
    samples = list(solve(iter(PROBLEMS), open_engine("solver:0.4", CONFIG), CONFIG))
    assert [key for key, _ in groupby(samples, key=lambda s: s.problem)] == PROBLEMS
    assert [s.index for s in samples] == [0, 1, 2, 3] * 12
    assert 0.4 < sum(passed(samples)) / 48 < 0.8


def test_batching_changes_nothing(monkeypatch):
    engine = open_engine("solver:0.4", CONFIG)
    at_once = list(solve(PROBLEMS, engine, CONFIG))
    monkeypatch.setattr(engine, "batch_size_hint", lambda params: 4)
    assert list(solve(PROBLEMS, engine, CONFIG)) == at_once


def test_it_streams(monkeypatch):
    monkeypatch.setattr(ScriptedEngine, "batch_size_hint", lambda *_: 16)

    def endless():
        yield from PROBLEMS
        raise AssertionError("read to the end of an endless input")

    first = next(solve(endless(), open_engine("solver", CONFIG), CONFIG))
    assert first.problem == PROBLEMS[0]


def test_what_is_remembered_is_not_written_again(tmp_path):
    workspace = Workspace.create(tmp_path / ".axiom")
    engine = Counting("solver:0.4")
    once = list(solve(PROBLEMS[:6], engine, CONFIG, workspace))
    assert engine.written == 24
    mixed = list(solve(PROBLEMS[3:9], engine, CONFIG, workspace))
    assert engine.written == 36 and mixed[:12] == once[12:]
    assert [s.problem for s in mixed[::4]] == PROBLEMS[3:9]
    for other in ({"seed": 2}, {"temperature": 0.1}, {"samples": 5}, {"strategy": "adaptive"}):
        before = engine.written
        list(solve(PROBLEMS[:1], engine, replace(CONFIG, **other), workspace))
        assert engine.written > before, other
    better = Counting("solver")
    list(solve(PROBLEMS[:1], better, CONFIG, workspace))
    assert better.written == 4


def test_remembered_samples_hold_the_problem_as_it_came_in(tmp_path):
    workspace = Workspace.create(tmp_path / ".axiom")
    engine = Counting("solver")
    list(solve(PROBLEMS[:1], engine, CONFIG, workspace))
    noted = replace(PROBLEMS[0], extra={**PROBLEMS[0].extra, "note": "hard"})
    assert {s.problem.extra["note"] for s in solve([noted], engine, CONFIG, workspace)} == {"hard"}
    assert engine.written == 4


def test_what_was_written_before_the_reader_left_is_kept(tmp_path):
    workspace = Workspace.create(tmp_path / ".axiom")
    engine = Counting("solver")
    reading = solve(PROBLEMS, engine, CONFIG, workspace)
    for _ in range(9):
        next(reading)
    reading.close()
    kept = engine.written
    list(solve(PROBLEMS[:3], engine, CONFIG, workspace))
    assert engine.written == kept


def test_what_failed_is_tried_again_next_time(tmp_path):
    workspace = Workspace.create(tmp_path / ".axiom")
    engine = script(tmp_path, {PROBLEMS[0].id: ["Answer: 1"]})
    assert [s.finish for s in solve(PROBLEMS[:2], engine, CONFIG, workspace)] == ["stop"] * 4 + ["error"] * 4
    list(solve(PROBLEMS[:2], engine, CONFIG, workspace))
    assert engine.written == 12


SLOW = """
import sys, time
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.sampling.engines.scripted import ScriptedEngine
from axiom_cli.problems.families import draw
from axiom_cli.sampling import sample_cache as remembered, solve
from axiom_cli.workspace.store import Workspace

class Slow(ScriptedEngine):
    def generate(self, *args, **more):
        for group in super().generate(*args, **more):
            time.sleep(0.02)
            yield group

remembered.SAVE_EVERY = 0.1
problems = draw.problems(["arithmetic"], 500, [3], "train", 0)
config = SolveConfig(engine="scripted", samples=2)
for sample in solve.solve(problems, Slow("solver"), config, Workspace.create(sys.argv[1])):
    print(sample.index, flush=True)
"""


def test_a_killed_run_goes_on_where_it_was(tmp_path):
    run = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path / "ws")], stdout=subprocess.PIPE)
    for _ in range(60):
        run.stdout.readline()
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    run.stdout.close()
    engine = Counting("solver")
    config = SolveConfig(engine="scripted", samples=2)
    problems = list(draw.problems(["arithmetic"], 60, [3], "train", 0))
    samples = list(solve(problems, engine, config, Workspace.open(tmp_path / "ws")))
    assert engine.written <= 120 - 2 * 10
    assert samples == list(solve(problems, Counting("solver"), config))


@pytest.mark.parametrize(
    "bad",
    [
        {"strategy": "best"},
        {"samples": 0},
        {"max_tokens": 0},
        {"temperature": -1},
        {"top_p": 0},
        {"max_attempts": 0},
        {"target_passes": 0},
        {"stop_on": "luck"},
        {"strategy": "vote", "early_stop": True},
        {"strategy": "adaptive", "stop_on": "agreement", "early_stop": True},
        {"samples": 1, "target_passes": 3, "early_stop": True},
        {"strategy": "retry", "samples": 1, "target_passes": 4},
        {"strategy": "adaptive", "samples": 1, "target_passes": 5},
    ],
)
def test_settings_out_of_range_are_usage_errors_before_anything_is_read(bad):
    with pytest.raises(UsageError):
        solve(iter(PROBLEMS), open_engine("solver", CONFIG), replace(CONFIG, **bad))
