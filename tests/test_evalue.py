"""An e-value may be looked at whenever anyone likes: it adds up over rounds, and is rarely wrong at any time."""

from __future__ import annotations

import math
from pathlib import Path

import numpy
import orjson
import pytest

from axiom_cli.evaluation.evalue import Evidence
from axiom_cli.statistics import paired_bootstrap
from command_line import axiom, failed, rows


def test_the_value_is_the_product_of_the_bets() -> None:
    wins = [True, True, False, True, True, True]
    expected, won, pairs = 1.0, 0, 0
    for win in wins:
        p = (won + 0.5) / (pairs + 1)
        share = min(0.9, max(0.0, 2 * p - 1))
        expected *= 1 + share * (2 * win - 1)
        won, pairs = won + win, pairs + 1
    evidence = Evidence().after(wins[:2]).after(wins[2:])
    assert evidence.value == pytest.approx(expected), "round by round it is what it is at once"
    assert (evidence.wins, evidence.pairs) == (5, 6)
    assert Evidence().after([False] * 50).value == 1.0, "who loses stops betting"
    assert Evidence().after([True] * 12).enough
    assert math.isfinite(Evidence().after([True] * 5000).value)


@pytest.mark.slow
@pytest.mark.parametrize("law", ["even", "swinging", "worse"])
def test_it_is_wrong_at_most_once_in_twenty_at_any_stopping_time(law: str) -> None:
    """The worst that anyone can do is to look after every pair, and to stop where the value is largest."""
    random, runs, pairs = numpy.random.default_rng(1), 2000, 600
    alarms = 0
    for _ in range(runs):
        evidence = Evidence()
        for place in range(pairs):
            chance = {"even": 0.5, "swinging": 0.5 - 0.4 * (place // 50 % 2), "worse": 0.45}[law]
            evidence = evidence.after([bool(random.random() < chance)])
            if evidence.enough:
                alarms += 1
                break
    assert alarms / runs <= 0.05, alarms
    assert law != "even" or alarms, "a rule that never speaks would not be tested"


@pytest.mark.slow
def test_a_better_model_is_called_so() -> None:
    """Of 60 problems that one of the two solves, three quarters for the candidate: most runs see it."""
    random = numpy.random.default_rng(2)
    found = sum(Evidence().after((random.random(60) < 0.75).tolist()).enough for _ in range(300))
    assert found > 200


@pytest.mark.slow
@pytest.mark.parametrize(("gained", "lost", "both"), [(0.15, 0.15, 0.4), (0.25, 0.1, 0.3), (0.08, 0.05, 0.6)])
def test_paired_intervals_cover_what_they_say(gained: float, lost: float, both: float) -> None:
    """95 % intervals of the paired bootstrap hold the true difference in 93 to 97 % of runs."""
    random, runs, problems, covered = numpy.random.default_rng(3), 1000, 300, 0
    for _ in range(runs):
        kind = random.choice(4, problems, p=[both, gained, lost, 1 - both - gained - lost])
        before, after = (kind == 0) | (kind == 2), (kind == 0) | (kind == 1)
        _, low, high = paired_bootstrap(before.astype(float), after.astype(float), resamples=1000)
        covered += low <= gained - lost <= high
    assert 0.93 <= covered / runs <= 0.97, covered / runs


SMALL = ("loop", "--experiment", "seen", "--problems", "register_machine:1-2,robot_walk:1-2", "--train-size", "60")
SMALL = (*SMALL, "--val-size", "20", "--test-size", "40", "--max-tokens", "160", "--epochs", "1", "--ignore-gates")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_each_round_meets_fresh_problems_and_a_resumed_run_adds_up_as_before(tmp_path: Path) -> None:
    more = ("--evidence-size", "24")
    done = axiom(*SMALL, "--iterations", "1", *more, cwd=tmp_path)
    assert "round 1: of 24 fresh problems" in done.stderr.decode(), done.stderr.decode()
    again = axiom(*SMALL, "--iterations", "2", *more, cwd=tmp_path)
    assert "round 2: of 24 fresh problems" in again.stderr.decode(), again.stderr.decode()
    folder = tmp_path / "experiments" / "seen"
    assert "e-value" in orjson.loads((folder / "config.json").read_bytes())["evidence"]
    found = [row for row in rows((folder / "metrics.jsonl").read_bytes()) if row["phase"] == "evidence"]
    assert [(row["iteration"], row["split"], row["n"]) for row in found] == [(0, "val", 24), (1, "val", 24)]
    wins = sum(row["wins"] for row in found)
    assert found[-1]["pairs"] == wins + sum(row["losses"] for row in found)
    refused = axiom(*SMALL, "--iterations", "2", "--evidence-size", "30", cwd=tmp_path)
    failed(refused, 2, "evidence_size 24")


def test_files_have_no_fresh_problems_to_weigh(tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_bytes(
        b"".join(orjson.dumps({"prompt": f"What is {n} + {n}?", "answer": str(2 * n)}) + b"\n" for n in range(60))
    )
    done = axiom("loop", "--problems", "own.jsonl", "--evidence-size", "10", cwd=tmp_path)
    failed(done, 2, "fresh problems")
