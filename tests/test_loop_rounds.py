"""What the loop says of a round, and what it does where a round brought nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.experiment.round_rows import explain_empty_round, more_solutions
from axiom_cli.learning.rejection_sampling import Selection
from axiom_cli.learning.replay import mix_solutions, parse_shares
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.records import Metrics
from axiom_cli.settings.configs import LoopConfig
from command_line import axiom, failed, talk
from made_experiment import problem, verdict

EASY = [
    "loop", "--experiment", "easy", "--problems", "bracket_listing", "--min-difficulty", "3", "--max-difficulty", "5",
    "--train-size", "40", "--val-size", "8", "--test-size", "8", "--samples", "2", "--epochs", "0.5",
    "--max-tokens", "160",
]  # fmt: skip
HARD = [
    "loop", "--problems", "list_ops", "--min-difficulty", "10", "--max-difficulty", "10", "--iterations", "1",
    "--train-size", "24", "--val-size", "4", "--test-size", "4", "--samples", "1", "--max-tokens", "9",
    "--ignore-gates",
]  # fmt: skip


@pytest.mark.slow
def test_a_run_of_which_nothing_passes_stops_and_says_what_to_do(tmp_path: Path) -> None:
    done = axiom(*HARD, cwd=tmp_path)
    failed(done, 5, "round 1: no new solution among 24 samples", "--min-difficulty", "--samples")


@pytest.mark.slow
def test_too_few_rows_are_no_ground_for_an_option_that_is_not_there(tmp_path: Path) -> None:
    small = [word if word != "40" else "6" for word in EASY]
    done = axiom(*small, "--iterations", "1", cwd=tmp_path)
    failed(done, 5, "round 1: ", " rows: ", "fewer than 20", "--train-size")
    assert "--force" not in done.stderr.decode()


@pytest.mark.slow
def test_every_round_says_its_mix_and_fewer_rounds_lose_no_row(tmp_path: Path) -> None:
    first = axiom(*EASY, "--iterations", "2", cwd=tmp_path)
    assert first.returncode == 0, talk(first)
    said = [line.split(maxsplit=2)[2] for line in talk(first) if " rows: " in line]
    assert [line.partition(":")[0] for line in said] == ["round 1", "round 2"]
    assert " % new" in said[0] and " % cold start" in said[0] and "historical" not in said[0]
    assert " % historical" in said[1]
    path = tmp_path / "experiments" / "easy" / "metrics.jsonl"
    before = {(r.iteration, r.split, r.family, r.level): r.rate for r in jsonl.load(path, Metrics)}
    path.write_bytes(path.read_bytes()[:-20])
    again = axiom(*EASY, "--iterations", "1", cwd=tmp_path)
    assert again.returncode == 0, talk(again)
    assert sum(line.startswith("warning: ") and "metrics.jsonl" in line for line in talk(again)) == 1
    after = {(r.iteration, r.split, r.family, r.level): r.rate for r in jsonl.load(path, Metrics)}
    assert {r for r in before if r[0] == 2 and r[1] == "val"} <= after.keys()
    assert len(before) - len(after) <= 1


def test_a_mix_says_its_realised_shares() -> None:
    new, cold = ([TrainingExample(verdict(problem("rpn", level, n), True)) for n in range(30)] for level in (3, 4))
    assert mix_solutions(new, [], cold, parse_shares("50/40/10")).summary == "33 rows: 91 % new, 9 % cold start"
    assert mix_solutions([], [], cold, parse_shares("50/40/10")).summary == "30 rows: 100 % cold start"
    assert mix_solutions([], [], [], parse_shares("50/40/10")).summary == "0 rows"
    assert mix_solutions(new[:1], [], [], parse_shares("50/40/10")).summary == "1 row: 100 % new"


@pytest.mark.parametrize(
    ("selection", "hint"),
    [
        (Selection(verdicts=9, failed=9), "raise --samples or --train-size, with another --experiment"),
        (Selection(verdicts=9, infra=9), "see the reason"),
        (Selection(verdicts=9, failed=7, truncated=2), "--max-tokens"),
    ],
)
def test_a_round_without_new_solutions_says_why(selection: Selection, hint: str) -> None:
    assert hint in explain_empty_round(selection, more_solutions(LoopConfig(min_difficulty=1)))
