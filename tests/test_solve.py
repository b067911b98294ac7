"""solve: order, streams, what is remembered, and the strategies, on the scripted engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest

from axiom_cli import engines
from axiom_cli.configs import SolveConfig, VerifyConfig
from axiom_cli.engines.scripted import ScriptedEngine
from axiom_cli.errors import UsageError
from axiom_cli.families import draw
from axiom_cli.records import Sample
from axiom_cli.stages.solve import open_engine, solve
from axiom_cli.stages.verify import verify
from axiom_cli.workspace import Workspace

CONFIG = SolveConfig(engine="scripted", samples=4, seed=1)
PROBLEMS = list(draw.problems(["arithmetic", "rpn"], 12, [3, 4], "train", 0))


class Counting(ScriptedEngine):
    """The scripted engine, counting what it is asked to write."""

    written = 0

    def _sample(self, *args) -> Sample:
        self.written += 1
        return super()._sample(*args)


def script(tmp_path: Path, texts: dict[str, list[str]]) -> Counting:
    path = tmp_path / "script.json"
    path.write_text(json.dumps(texts))
    return Counting(str(path))


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
    monkeypatch.setattr(engines, "AT_ONCE", 4)
    assert list(solve(PROBLEMS, engine, CONFIG)) == at_once


def test_it_streams(monkeypatch):
    monkeypatch.setattr(engines, "AT_ONCE", 16)

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
from axiom_cli.configs import SolveConfig
from axiom_cli.engines.scripted import ScriptedEngine
from axiom_cli.families import draw
from axiom_cli.stages import solve
from axiom_cli.workspace import Workspace

class Slow(ScriptedEngine):
    def generate(self, *args, **more):
        for group in super().generate(*args, **more):
            time.sleep(0.02)
            yield group

solve.SAVE_EVERY = 0.1
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


def test_retry_tells_what_failed_and_stops_at_success(tmp_path):
    problem = PROBLEMS[0]
    right = f"Answer: {problem.answer}"
    # Attempts of the first sample have the indices 0, 2, 4; of the second one 1, 3, 5.
    engine = script(tmp_path, {problem.id: ["Answer: wrong", right, right, "never asked", "never", "never"]})
    config = replace(CONFIG, samples=2, strategy="retry")
    samples = list(solve([problem], engine, config))
    assert [(s.index, s.attempt, s.text) for s in samples] == [(0, 1, "Answer: wrong"), (1, 1, right), (2, 2, right)]
    told = samples[2].extra["messages"]
    assert told[-2] == {"role": "assistant", "content": "Answer: wrong"}
    assert told[-1]["content"].startswith("wrong is not right.") and problem.answer not in told[-1]["content"].split()
    assert "messages" not in samples[0].extra


def test_retry_gives_up_after_max_attempts(tmp_path):
    engine = script(tmp_path, {"*": ["no answer here"]})
    for attempts in (1, 2, 3):
        config = replace(CONFIG, samples=2, strategy="retry", max_attempts=attempts)
        samples = list(solve(PROBLEMS[:2], engine, config))
        assert [s.attempt for s in samples] == sorted([*range(1, attempts + 1)] * 2) * 2
        assert [s.problem for s in samples] == [PROBLEMS[0]] * 2 * attempts + [PROBLEMS[1]] * 2 * attempts
        assert len({s.index for s in samples}) == 2 * attempts


def test_retry_never_shows_hidden_tests(tmp_path):
    [problem] = draw.problems(["arithmetic"], 1, [3], "train", 0, "program")
    engine = script(tmp_path, {"*": [f"```python\ndef {problem.program.entry_point}(*args):\n    return 'x'\n```"]})
    samples = list(solve([problem], engine, replace(CONFIG, samples=1, strategy="retry", max_attempts=2)))
    assert samples[1].extra["messages"][-1]["content"].startswith("That passes 0 of ")


def test_vote_hands_on_the_commonest_answer(tmp_path):
    engine = script(tmp_path, {"*": ["Answer: 1", "Answer: 2", "<think>hm</think>\nAnswer:  2", "none"]})
    [sample] = solve(PROBLEMS[:1], engine, replace(CONFIG, strategy="vote"))
    assert (sample.index, sample.extra) == (1, {"votes": 2, "voters": 4})


def test_vote_without_any_answer_hands_on_the_first(tmp_path):
    [sample] = solve(PROBLEMS[:1], script(tmp_path, {"*": ["a", "b"]}), replace(CONFIG, strategy="vote"))
    assert (sample.index, sample.extra["votes"]) == (0, 0)


def test_voting_beats_one_sample():
    problems = list(draw.problems(["arithmetic"], 100, [3], "train", 0))
    engine = open_engine("solver:0.4", CONFIG)
    one = sum(passed(solve(problems, engine, replace(CONFIG, samples=1))))
    voted = sum(passed(solve(problems, engine, replace(CONFIG, samples=9, strategy="vote"))))
    assert voted >= one + 20


def test_adaptive_spends_more_where_samples_disagree(tmp_path):
    sure, unsure = PROBLEMS[:2]
    engine = script(tmp_path, {sure.id: ["Answer: 7"], unsure.id: ["Answer: 7", "Answer: 8"]})
    samples = list(solve([sure, unsure, sure], engine, replace(CONFIG, samples=8, strategy="adaptive")))
    assert [(p.id, len(list(group))) for p, group in groupby(samples, key=lambda s: s.problem)] == [
        (sure.id, 2), (unsure.id, 8), (sure.id, 2),
    ]  # fmt: skip
    assert [s.index for s in samples] == [0, 1, *range(8), 0, 1]


@pytest.mark.parametrize(
    "bad",
    [{"strategy": "best"}, {"samples": 0}, {"max_tokens": 0}, {"temperature": -1}, {"top_p": 0}, {"max_attempts": 0}],
)
def test_settings_out_of_range_are_usage_errors_before_anything_is_read(bad):
    with pytest.raises(UsageError):
        solve(iter(PROBLEMS), open_engine("solver", CONFIG), replace(CONFIG, **bad))
