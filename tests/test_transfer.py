"""Transfer: each family is trained on alone, and every cell of the matrix is paired and corrected."""

from __future__ import annotations

from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.evaluation.experiment_folder import read_experiment
from axiom_cli.evaluation.metrics import evaluate
from axiom_cli.evaluation.transfer import matrix
from axiom_cli.report.sections.transfer import transfer_table
from command_line import axiom, failed, rows
from made_experiment import problem, verdict

SOLVED = {"rpn": {"rpn": 70, "modular": 42}, "modular": {"rpn": 20, "modular": 44}}
"""Of 80 problems of each family, how many the run that trained on one solves; the start model solves 40."""


def make(root: Path) -> None:
    """An experiment for each family that was trained on, each tested on both."""
    for trained, after in SOLVED.items():
        folder, found = root / trained, []
        for model, solved in ((0, {"rpn": 40, "modular": 40}), (1, after)):
            verdicts = [
                verdict(problem(family, 3, number, "test"), number < count)
                for family, count in solved.items()
                for number in range(80)
            ]
            jsonl.save(folder / "evaluations" / f"test_{model}.jsonl", verdicts)
            found += evaluate(verdicts, trained, model, "test")
            own = [v for v in verdicts if v.sample.problem.family == trained]
            found += evaluate(own, trained, model, "val")
        jsonl.save(folder / "metrics.jsonl", found)


def test_every_cell_is_a_paired_difference_and_holm_corrects_them_all(tmp_path: Path) -> None:
    make(tmp_path)
    cells = matrix({name: read_experiment(name, tmp_path) for name in SOLVED})
    assert [(cell.trained, cell.family, round(80 * cell.comparison.difference)) for cell in cells] == [
        ("rpn", "rpn", 30), ("rpn", "modular", 2), ("modular", "rpn", -20), ("modular", "modular", 4),
    ]  # fmt: skip
    assert [cell.verdict for cell in cells] == ["better", "inconclusive", "worse", "inconclusive"]
    plain = [cell.comparison.p for cell in cells]
    assert [cell.p_holm for cell in cells] == pytest.approx(
        [4 * plain[0], plain[1], 3 * plain[2], 2 * plain[3]], rel=0.01
    )
    table = transfer_table([cell.to_record("both") for cell in cells])
    assert table.columns == ("trained on", "rpn", "modular")
    assert table.rows[0][1].startswith("[+37.5 (") and table.rows[0][1].endswith("*]")
    assert table.rows[1][1].endswith("*") and table.rows[1][2].endswith(")]")


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_bytes(b'{"prompt": "What is 1 + 1?", "answer": "2"}\n')
    for problems, said in (("rpn", "two families"), ("rpn,own.jsonl", "own.jsonl is not a family")):
        failed(axiom("loop", "--transfer", "--problems", problems, cwd=tmp_path), 2, said)
    failed(axiom("loop", "--transfer", "--test", "rpn", cwd=tmp_path), 2, "--test")


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_transfer_run_trains_on_each_family_and_tests_all(tmp_path: Path) -> None:
    small = ("--problems", "register_machine:1-3,robot_walk:1-3*2", "--train-size", "40", "--iterations", "1")
    small = (*small, "--val-size", "10", "--test-size", "60", "--max-tokens", "200", "--epochs", "1", "--ignore-gates")
    done = axiom("loop", "--experiment", "t", "--transfer", *small, cwd=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    cells = rows(done.stdout)
    names = ["register_machine", "robot_walk"]
    assert [(cell["trained"], cell["family"]) for cell in cells] == [(a, b) for a in names for b in names]
    assert all((cell["phase"], cell["n"]) == ("transfer", 30) for cell in cells)
    assert rows((tmp_path / "experiments" / "t" / "transfer.jsonl").read_bytes()) == cells
    for name in names:
        trained = rows((tmp_path / "experiments" / f"t-{name}" / "train.jsonl").read_bytes())
        assert {row["family"] for row in trained} == {name}
    assert "trained on" in done.stderr.decode()
    assert axiom("report", cwd=tmp_path).returncode == 0
