"""What a run says of itself: one line that moves, what is left of it, where it resumes, and one screen at the end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from axiom_cli.evaluation.experiment_folder import read_experiment
from axiom_cli.experiment.forecast import Clock, growth, schedule
from axiom_cli.experiment.observer import Phase
from axiom_cli.experiment.progress import RunProgress
from axiom_cli.learning.replay import parse_shares
from axiom_cli.report.outcome.last_screen import last_screen, spark
from axiom_cli.report.outcome.summary import summarize
from axiom_cli.wording import duration
from command_line import axiom, talk
from made_experiment import make
from test_terminal import on_terminal

SHARES = parse_shares("50/40/10")
SMALL = [
    "loop", "--experiment", "small", "--iterations", "1", "--train-size", "40", "--val-size", "10", "--test-size", "10",
    "--samples", "2", "--epochs", "1", "--problems", "bracket_listing", "--min-difficulty", "3",
    "--max-difficulty", "5",
]  # fmt: skip


class Step:
    """A training step, as the trainer reports it."""

    def __init__(self, step: int, steps: int, loss: float) -> None:
        self.step, self.steps, self.loss = step, steps, loss


def followed(rounds: int = 3) -> tuple[RunProgress, list[str], list[float]]:
    """The progress of a run, what it notes, and the clock to turn."""
    said: list[str] = []
    now = [0.0]
    clock = Clock(schedule([""], rounds, 8000, 600, 1000, 4), SHARES)
    return RunProgress(rounds, clock, said.append, said.append, now=lambda: now[0]), said, now


@pytest.mark.parametrize(("rounds", "models"), [(3, [0, 1, 2, 3]), (27, [0, 5, 11, 16, 22, 27])])
def test_of_a_long_run_six_models_are_tested(rounds: int, models: list[int]) -> None:
    phases = schedule(["", "shuffled"], rounds, 8000, 600, 1000, 4)
    for arm in ("", "shuffled"):
        assert [phase.number for phase in phases if (phase.name, phase.arm) == ("test", arm)] == models
        assert len([phase for phase in phases if (phase.name, phase.arm) == ("val", arm)]) == rounds + 1


def test_the_line_moves_inside_a_phase_and_says_how_much_is_left() -> None:
    progress, said, now = followed()
    progress.begin(Phase("val", 0, 600))
    assert progress.line() == "start model · val 0/600"
    progress.sampled(600, 8000)
    now[0] = 6.0
    progress.end(Phase("val", 0, 600), 6.0)
    progress.begin(Phase("collect", 1, 8000))
    progress.sampled(1, 20)
    now[0] += 40.0
    progress.sampled(3999, 80_000)
    line = "round 1/3 · collect 4,000/8,000 · 2,000 tok/s · 40 s left · run 22 min left"
    assert progress.line() == line
    assert progress.line(50) == "round 1/3 · collect 4,000/8,000 · run 22 min left", "speed is the first to go"
    assert len(progress.line(20)) <= 20
    progress.end(Phase("collect", 1, 8000), 80.0)
    progress.begin(Phase("train", 1, 2900))
    now[0] += 1.0
    progress.trained(Step(1, 184, 0.9))
    now[0] += 5.0
    progress.trained(Step(93, 184, 0.25))
    assert progress.line().startswith("round 1/3 · train 93/184 · loss 0.250 · 5 s left · run ")
    assert said == []


def test_a_pilot_of_few_samples_says_little_of_the_time_that_is_left() -> None:
    progress, _, now = followed()
    for phase, seconds in ((Phase("pilot", 0, 64), 32.0), (Phase("val", 0, 600), 6.0)):
        progress.begin(phase)
        progress.end(phase, seconds)
    progress.begin(Phase("collect", 1, 8000))
    progress.sampled(1, 20)
    now[0] += 40.0
    progress.sampled(3999, 80_000)
    assert progress.line().endswith("40 s left · run 22 min left")


def test_a_resumed_run_says_once_where_it_continues() -> None:
    progress, said, _ = followed()
    progress.begin(Phase("val", 0, 600))
    progress.end(Phase("val", 0, 600), 6.0)
    progress.begin(Phase("collect", 1, 8000))
    progress.end(Phase("collect", 1, 8000), 80.0)
    progress.begin(Phase("train", 1, 2900))
    progress.trained(Step(75, 184, 0.3))
    progress.trained(Step(76, 184, 0.3))
    assert said == ["resuming: round 1, training step 74 of 184"]
    progress, said, _ = followed()
    progress.begin(Phase("collect", 2, 8000))
    progress.recalled(2048)
    progress.sampled(1, 20)
    assert said == ["resuming: round 2, collect, 2,048 of 8,000 samples are there"]


def test_a_new_run_whose_samples_are_there_already_does_not_say_that_it_resumes() -> None:
    progress, said, _ = followed()
    progress.begun = False
    progress.begin(Phase("collect", 1, 8000))
    progress.recalled(2048)
    progress.sampled(1, 20)
    assert said == ["round 1, collect: 2,048 of 8,000 samples were made before, and are read back"]
    progress, said, _ = followed()
    progress.begun = False
    progress.begin(Phase("val", 0, 600))
    progress.end(Phase("val", 0, 600), 6.0)
    progress.begin(Phase("collect", 1, 8000))
    progress.sampled(1, 20)
    assert said == ["what comes before round 1, collect, was made before, and is read back"]


def test_a_new_run_resumes_nothing_though_the_pilot_has_sampled_some_already() -> None:
    progress, said, _ = followed()
    progress.begin(Phase("pilot", 0, 64))
    progress.sampled(64, 900)
    progress.end(Phase("pilot", 0, 64), 1.0)
    progress.begin(Phase("collect", 1, 8000))
    progress.recalled(64)
    progress.sampled(1, 20)
    assert said == []


def test_rows_grow_once_there_is_a_history_to_replay() -> None:
    assert [round(growth(number, SHARES), 2) for number in (1, 2, 3)] == [1.11, 2.0, 2.0]
    assert growth(3, parse_shares("100/0/0")) == 1.0


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (59, "59 s"), (61, "1 min"), (3590, "1 h"), (4900, "1 h 20 min")]
)
def test_times_are_rounded_as_forecasts_are(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_the_last_screen_is_one_screen(tmp_path: Path) -> None:
    summary = summarize(read_experiment(str(make(tmp_path / "demo", 3, 4, 4))))
    lines = last_screen(summary, ["axiom report demo", "axiom ask demo", "axiom export demo DIR"])
    assert lines[0] == "demo: validation pass rates, model by model"
    assert re.fullmatch(r"  all problems +[▁-█]{4}  \d+\.\d → \d+\.\d %", lines[1])
    assert summary.sentence in lines and lines[-1] == "  axiom export demo DIR"
    assert max(len(line) for line in lines if line != summary.sentence) <= 80
    wrapped = sum(max(1, -(-len(line) // 76)) for line in lines)
    assert wrapped < 24


def test_a_sparkline_goes_from_nothing_to_everything_and_ends_with_the_last_model() -> None:
    assert spark([0.0, 0.5, 1.0]) == "▁▅█"
    assert len(spark([0.1] * 99 + [1.0])) <= 30 and spark([0.1] * 99 + [1.0]).endswith("█")


@pytest.mark.slow
def test_a_log_has_times_and_no_control_characters_and_a_terminal_one_screen(tmp_path: Path) -> None:
    done = axiom(*SMALL, cwd=tmp_path)
    assert done.returncode == 0, talk(done)
    text = done.stderr.decode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    stamped = [line[20:] for line in talk(done) if re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line)]
    assert any(line.startswith("round 1/1 · train") for line in stamped)
    assert any(line.startswith("warning: only") for line in talk(done))
    assert len(talk(done)) < 40
    again = on_terminal(*SMALL, cwd=tmp_path)
    assert any(line.startswith("warning: 10 test problems") for line in again), "a label stays before its sentence"
    last = again[next(i for i, line in enumerate(again) if line.startswith("page written")) :]
    assert len(last) <= 23 and max(map(len, again)) <= 80
    assert "  axiom report small --open" in last
    assert all(line.startswith("warning: ") for line in talk(axiom("--quiet", *SMALL, cwd=tmp_path)))
