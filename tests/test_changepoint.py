"""Grokking is announced by a rule that was written down before: rarely without a jump, and where there is one."""

from __future__ import annotations

from pathlib import Path

import numpy
import orjson
import pytest

from axiom_cli import models
from axiom_cli.evaluation.changepoint import Grokking, grokking, p_value, split
from axiom_cli.experiment.writer import ExperimentWriter
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.workspace.store import Workspace
from command_line import axiom, rows

ROUNDS, PROBLEMS = 50, 300
TIME = numpy.arange(ROUNDS + 1)


def noisy(curve: numpy.ndarray, random: numpy.random.Generator, correlated: float = 0.0) -> list[float]:
    """Pass rates as PROBLEMS problems show them, with luck that lasts over neighbouring rounds."""
    rates = numpy.clip(curve, 0.01, 0.99)
    luck = random.normal(size=len(rates))
    for place in range(1, len(luck)):
        luck[place] = correlated * luck[place - 1] + numpy.sqrt(1 - correlated**2) * luck[place]
    return list(numpy.clip(rates + luck * numpy.sqrt(rates * (1 - rates) / PROBLEMS), 0, 1))


def announced(
    train: numpy.ndarray, held_out: numpy.ndarray, runs: int, correlated: float = 0.0
) -> tuple[int, list[Grokking]]:
    """In how many of the runs grokking is announced."""
    random = numpy.random.default_rng(5)
    tests = [grokking(noisy(train, random)[:-1], noisy(held_out, random, correlated)) for _ in range(runs)]
    found = [test for test in tests if test]
    return sum(test.announced for test in found), found


def test_a_jump_after_training_was_solved_is_found_and_a_gradual_rise_is_not() -> None:
    jump = numpy.where(TIME < 30, 0.3, 0.8)
    soon = 0.9 - 0.6 * numpy.exp(-TIME / 3)
    count, found = announced(soon, jump, 5)
    assert count == 5
    assert all(test.place == 30 and test.jump == pytest.approx(0.5, abs=0.05) and test.lead > 20 for test in found)
    assert announced(soon, 0.3 + 0.5 * TIME / ROUNDS, 5)[0] == 0
    assert announced(numpy.where(TIME < 30, 0.3, 0.8), jump, 5)[0] == 0, "training jumps with it"
    assert grokking([0.5] * 29, [0.5] * 30) is None, "too few rounds"


def test_the_split_and_its_p_value_by_hand() -> None:
    curve = [0.2] * 12 + [0.6] * 18
    assert split(curve) == (12, pytest.approx(0.4))
    assert p_value(curve) < 0.05
    assert p_value([0.2, 0.6] * 15) > 0.5
    assert p_value([0.5] * 30) == 1.0


FAST, FLAT = 0.9 - 0.6 * numpy.exp(-TIME / 3), numpy.full(ROUNDS + 1, 0.6)
NONE = {
    "flat": (FAST, FLAT, 0.0),
    "flat, with luck that lasts": (FAST, FLAT, 0.7),
    "a rise over the whole run": (FLAT, 0.3 + 0.5 * TIME / ROUNDS, 0.5),
    "a rise that wears off": (FLAT, 0.8 - 0.5 * numpy.exp(-TIME / 8), 0.5),
    "a rise in the first rounds": (FLAT, 0.8 - 0.5 * numpy.exp(-TIME / 3), 0.5),
    "both learn together": (FAST, 0.8 - 0.5 * numpy.exp(-TIME / 3), 0.5),
    "both jump together": (numpy.where(TIME < 25, 0.4, 0.9), numpy.where(TIME < 25, 0.3, 0.7), 0.5),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NONE)
def test_false_alarms_are_at_most_one_in_a_hundred(name: str) -> None:
    train, held_out, correlated = NONE[name]
    assert announced(train, held_out, 300, correlated)[0] <= 3


@pytest.mark.slow
def test_jumps_are_found_in_nearly_all_runs() -> None:
    held_out = 0.3 + 0.5 / (1 + numpy.exp(-(TIME - 32.0)))
    assert announced(FAST, held_out, 100, 0.3)[0] >= 90


SMALL = ("loop", "--problems", "register_machine:1,robot_walk:1", "--preset", "grok", "--train-size", "24")
SMALL = (*SMALL, "--val-size", "4", "--test-size", "20", "--epochs", "1", "--ignore-gates", "--evidence-size", "0")


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_long_run_writes_the_rule_first_and_its_result_at_the_end(tmp_path: Path) -> None:
    folder = tmp_path / "experiments" / "long"
    done = axiom(*SMALL, "--experiment", "long", "--max-tokens", "96", "--iterations", "30", cwd=tmp_path)
    said = done.stderr.decode()
    assert "it ends with the test for grokking" in said and "no grokking by the rule in config.json" in said
    assert "circular block bootstrap" in orjson.loads((folder / "config.json").read_bytes())["grokking"]
    metrics = rows((folder / "metrics.jsonl").read_bytes())
    result = next(row for row in metrics if row["phase"] == "grokking")
    assert (result["iteration"], result["rounds"], result["announced"]) == (29, 30, False)
    norms = [row["weight_norm"] for row in metrics if row["phase"] == "merge"]
    assert len(norms) == 30 and all(norm > 0 for norm in norms) and len(set(norms)) > 20
    margins = [row["margin"] for row in metrics if row["phase"] == "merge"]
    assert len(margins) == 30 and all(margin > 0 for margin in margins) and len(set(margins)) > 20


def test_a_rule_that_was_not_written_before_the_first_round_is_not_written_later(tmp_path: Path) -> None:
    nano = models.resolve(models.NANO, Workspace.create(tmp_path / "workspace"))

    def registered(name: str, *iterations: int) -> list[bool]:
        found = []
        for number in iterations:
            writer = ExperimentWriter(LoopConfig(experiment=name, iterations=number), nano, print, tmp_path)
            with writer.locked():
                found.append(writer.registers_grokking)
                assert ("grokking" in orjson.loads((tmp_path / name / "config.json").read_bytes())) == found[-1]
        return found

    assert registered("late", 3, 40, 50) == [False, False, False]
    assert registered("before", 40, 3, 50) == [True, True, True]
