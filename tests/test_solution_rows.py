"""Plain solution rows there and back: `verify --format solutions` writes them, `train` reads them."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

import tiny
from command_line import SCRIPTED, axiom, failed, rows, talk

FIELDS = [
    *("problem_id", "problem_title", "solution_code", "passed_tests", "total_tests", "model_name", "timestamp"),
    "problem",
]
TRAIN = ("train", "--lora-r", "4", "--epochs", "1", "s.jsonl")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.write_model(tmp_path_factory.mktemp("base"), context=2048))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """Accepted rows of 30 generated problems, answers and programs."""
    cwd, found = tmp_path_factory.mktemp("rows"), []
    for form in ("answer", "program"):
        data = axiom("problems", "gen", "arithmetic", "--count", "15", "--form", form, cwd=cwd).stdout
        data = axiom("solve", *SCRIPTED, "--model", "solver", "--samples", "1", cwd=cwd, stdin=data).stdout
        found += rows(axiom("verify", "--format", "solutions", cwd=cwd, stdin=data).stdout)
    assert len(found) == 30
    return found


def write(folder: Path, found: list) -> None:
    (folder / "s.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in found))


def test_rows_of_generated_problems_hold_their_problem_last(plain: list[dict]) -> None:
    assert all(list(row) == FIELDS for row in plain)
    assert [row["problem"]["id"] for row in plain] == [row["problem_id"] for row in plain]


@pytest.mark.slow
def test_train_reads_them(base: str, plain: list[dict], tmp_path: Path) -> None:
    write(tmp_path, plain)
    done = axiom(*TRAIN, "--model", base, cwd=tmp_path)
    assert done.returncode == 0, talk(done)
    assert rows(done.stdout)[0]["rows"] == 30


def test_what_is_trained_on_is_the_solution_as_it_stands(base: str, plain: list[dict], tmp_path: Path) -> None:
    write(tmp_path, [row for row in plain if "answer" in row["problem"]])
    shown = rows(axiom(*TRAIN, "--show", "--model", base, cwd=tmp_path).stdout)
    texts = ["".join(text for text, loss in row["tokens"] if loss) for row in shown]
    assert [text.removesuffix("<eos>") for text in texts] == [f"Answer: {row['solution_code']}" for row in plain[:15]]


def test_rows_of_unknown_problems_name_the_cause(plain: list[dict], tmp_path: Path) -> None:
    bare = [{key: value for key, value in row.items() if key != "problem"} for row in plain]
    write(tmp_path, bare)
    failed(axiom(*TRAIN, cwd=tmp_path), 5, "no row has a known problem: 30 rows", plain[0]["problem_id"], "hint: ")


@pytest.mark.parametrize("wrong", [{"problem": 7}, {"problem": {"id": "x"}}])
def test_a_wrong_problem_is_named_by_its_line(plain: list[dict], tmp_path: Path, wrong: dict) -> None:
    write(tmp_path, [plain[0], {**plain[1], **wrong}])
    failed(axiom(*TRAIN, cwd=tmp_path), 3, "line 2: ", "problem")


def test_counts_that_are_no_numbers_are_not_a_pass(plain: list[dict], tmp_path: Path) -> None:
    write(tmp_path, [{**plain[0], "passed_tests": "all", "total_tests": None}])
    failed(axiom(*TRAIN, cwd=tmp_path), 5, "none of 1 passed")


def test_a_name_that_can_be_none_is_refused_before_training(plain: list[dict], tmp_path: Path) -> None:
    write(tmp_path, plain)
    failed(axiom(*TRAIN, "--model", "none", "--experiment", "../x", cwd=tmp_path), 2, "'../x' is not a valid name")
