"""The whole pipeline in one command: prompt, generate, verify, save what was accepted; and what it saved, compared."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from command_line import AXIOM, SCRIPTED, axiom, environment, failed, rows, talk

PLAIN = {
    "problem_id",
    "problem_title",
    "solution_code",
    "passed_tests",
    "total_tests",
    "model_name",
    "timestamp",
}
SOLVE = ("solve", *SCRIPTED, "--samples", "2")


def test_list_problems_lists_all_of_them(tmp_path: Path) -> None:
    listed = rows(axiom("solve", "--list-problems", cwd=tmp_path).stdout)
    assert len(listed) == 50
    assert {"two_sum", "fizzbuzz", "binary_search"} < {row["name"] for row in listed}


def test_accepted_rows_are_saved_and_not_solved_again(tmp_path: Path) -> None:
    words = (*SOLVE, "--model", "solver", "--problems", "two_sum,fizzbuzz", "--experiment", "baseline")
    words += ("--output-dir", "data/synthetic", "--skip-existing")
    done = axiom(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, b"")
    path = tmp_path / "data" / "synthetic" / "solutions_baseline.jsonl"
    saved = path.read_bytes()
    assert [row["problem_id"] for row in rows(saved)] == ["two_sum", "fizzbuzz"]
    for row in rows(saved):
        assert set(row) == PLAIN
        assert row["passed_tests"] == row["total_tests"] >= 15
        assert f"def {row['problem_id']}(" in row["solution_code"]
    done = axiom(*words, cwd=tmp_path)
    assert done.returncode == 0
    assert "nothing to do" in talk(done)[-1]
    assert path.read_bytes() == saved


@pytest.mark.slow
def test_a_bare_output_dir_and_no_problems_is_all_of_them(tmp_path: Path) -> None:
    done = axiom(*SOLVE, "--model", "solver", "--output-dir", "--samples", "1", cwd=tmp_path, stdin=None)
    assert "50 of 50 problems solved; 50 new solutions in data/synthetic/solutions.jsonl" in talk(done)[-1]
    assert len(rows((tmp_path / "data/synthetic/solutions.jsonl").read_bytes())) == 50


def test_nothing_wrong_is_saved(tmp_path: Path) -> None:
    done = axiom(*SOLVE, "--model", "solver:1", "--problems", "two_sum", "--output-dir", "out", cwd=tmp_path)
    assert done.returncode == 0
    assert "0 of 1 problem solved" in talk(done)[-1]
    assert (tmp_path / "out" / "solutions.jsonl").read_bytes() == b""


@pytest.mark.slow
def test_a_file_of_nothing_is_compared(tmp_path: Path) -> None:
    words = (*SOLVE, "--problems", "two_sum,fizzbuzz", "--output-dir", "d")
    for model, name in (("solver:1", "a"), ("solver:1", "b"), ("solver", "c")):
        assert axiom(*words, "--model", model, "--experiment", name, cwd=tmp_path).returncode == 0
    files = [f"d/solutions_{name}.jsonl" for name in "abc"]
    [row] = rows(axiom("report", "--compare", files[0], files[2], cwd=tmp_path).stdout)
    assert (row["rate_before"], row["rate_after"]) == (0.0, 1.0)
    failed(axiom("report", "--compare", *files[:2], cwd=tmp_path), 5, "neither file contains a solution")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--output-dir", "file"], "cannot save in file: it is not a folder"),
        (["--output-dir", "file/below"], "cannot save in file/below: it is not a folder"),
        (["--output-dir", "d", "--experiment", "../../x"], "'../../x' is not a valid name"),
        (["--experiment", "../x"], "'../x' is not a valid name"),
        (["--output-dir", "d", "-o", "out"], "-o and --output-dir do not go together"),
    ],
)
def test_what_cannot_be_saved_is_refused_before_any_work(tmp_path: Path, more: list[str], said: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    failed(axiom(*SOLVE, "--model", "none", "--problems", "two_sum", *more, cwd=tmp_path), 2, said, "hint: ")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_saved_line_that_is_no_object_is_named(tmp_path: Path) -> None:
    (tmp_path / "solutions.jsonl").write_bytes(b'{"problem_id":"two_sum","solution_code":""}\n[1]\n{"cut')
    words = (*SOLVE, "--model", "solver", "--problems", "fizzbuzz", "--output-dir", ".")
    failed(axiom(*words, cwd=tmp_path), 3, "solutions.jsonl: line 2: an array, expected an object", "hint: ")


def test_a_pipe_of_problems_and_a_cut_last_line(tmp_path: Path) -> None:
    problems = axiom("problems", "gen", "rpn", "--count", "3", cwd=tmp_path).stdout
    words = (*SOLVE, "--model", "solver", "--output-dir", "out", "--skip-existing")
    axiom(*words, cwd=tmp_path, stdin=problems.splitlines(keepends=True)[0])
    path = tmp_path / "out" / "solutions.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"problem_id": "cut o')
    done = axiom(*words, cwd=tmp_path, stdin=problems)
    assert "the last line is incomplete and is removed" in done.stderr.decode()
    assert path.read_bytes().startswith(whole)
    assert [row["problem_id"] for row in rows(path.read_bytes())] == [row["id"] for row in rows(problems)]


def test_a_killed_pipeline_leaves_whole_lines_and_goes_on(tmp_path: Path) -> None:
    problems = tmp_path / "problems.jsonl"
    axiom("problems", "gen", "arithmetic", "--form", "program", "--count", "60", "-o", str(problems), cwd=tmp_path)
    words = [*SOLVE, "--model", "solver", str(problems), "--output-dir", "out", "--skip-existing"]
    path = tmp_path / "out" / "solutions.jsonl"
    with subprocess.Popen([*AXIOM, *words], cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL) as process:
        while not (path.exists() and path.stat().st_size) and process.poll() is None:
            time.sleep(0.01)
        process.kill()
    kept = [row["problem_id"] for row in rows(path.read_bytes())]
    assert kept
    assert axiom(*words, cwd=tmp_path).returncode == 0
    solved = [row["problem_id"] for row in rows(path.read_bytes())]
    assert solved[: len(kept)] == kept
    assert solved == [row["id"] for row in rows(problems.read_bytes())]


@pytest.mark.slow
def test_two_solutions_files_are_compared(tmp_path: Path) -> None:
    for name, model in (("one", "solver:0.5"), ("two", "solver")):
        axiom(*SOLVE, "--model", model, "--samples", "1", "--experiment", name, cwd=tmp_path, stdin=None)
    files = [f"data/synthetic/solutions_{name}.jsonl" for name in ("one", "two")]
    done = axiom("report", "--compare", *files, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    [row] = rows(done.stdout)
    assert row["rate_after"] == 1.0 > row["rate_before"]
    assert row["sentence"] in talk(done)


def test_solutions_rows_from_verify(tmp_path: Path) -> None:
    samples = axiom(*SOLVE, "--model", "solver:0.5", "--problems", "two_sum,fizzbuzz", cwd=tmp_path).stdout
    done = axiom("verify", "--format", "solutions", cwd=tmp_path, stdin=samples)
    assert rows(done.stdout) and all(set(row) == PLAIN for row in rows(done.stdout))


def test_an_unknown_problem_is_missing(tmp_path: Path) -> None:
    failed(axiom("solve", "--problems", "fizbuzz", cwd=tmp_path, stdin=None), 4, "did you mean fizzbuzz?")
    of_a_family = axiom("solve", "--problems", "robot_walk:1-3", cwd=tmp_path, stdin=None)
    failed(of_a_family, 4, "it is a family: axiom problems gen robot_walk --difficulty 1-3 | axiom solve")
