"""axiom solve as its user sees it: what a search cost, and which problems are left out as solved."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from command_line import SCRIPTED, axiom, failed, rows, talk

SOLVE = ("solve", *SCRIPTED, "--model", "solver:0.5", "--samples", "4")


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return axiom("problems", "gen", "rpn", "--count", "20", cwd=tmp_path_factory.mktemp("gen")).stdout


def table(lines: list[str]) -> dict[str, str]:
    """The cells of the table on stderr by column; cells hold no two spaces side by side."""
    at = next(number for number, line in enumerate(lines) if line.startswith("strategy  "))
    head, row = ([cell.strip() for cell in lines[at + more].split("  ") if cell.strip()] for more in (0, 1))
    return dict(zip(head, row, strict=True))


@pytest.mark.parametrize("way", [("best-of-n",), ("vote",), ("retry",), ("adaptive",), ("best-of-n", "--early-stop")])
def test_the_pipeline_says_what_the_search_cost(problems: bytes, tmp_path: Path, way: tuple[str, ...]) -> None:
    done = axiom(*SOLVE, "--strategy", *way, "--output-dir", "out", cwd=tmp_path, stdin=problems)
    assert done.returncode == 0, done.stderr
    told = table(talk(done))
    assert told["strategy"] == " ".join(way).replace(" --early-stop", ", early stop")
    assert told["problems"] == "20"
    assert talk(done)[-1].startswith(f"{told['solved']} of 20 problems solved; ")
    solved = {row["problem_id"] for row in rows((tmp_path / "out" / "solutions.jsonl").read_bytes())}
    assert len(solved) == int(told["solved"]) > 0
    assert float(told["samples per solved"]) == round(int(told["samples"]) / len(solved), 1)
    again = axiom(*SOLVE, "--strategy", *way, "--output-dir", "out", cwd=tmp_path, stdin=problems)
    assert table(talk(again)) == told


def test_samples_come_with_a_table_where_they_were_verified(problems: bytes, tmp_path: Path) -> None:
    done = axiom(*SOLVE, "--early-stop", cwd=tmp_path, stdin=problems)
    assert table(talk(done))["samples"] == str(len(rows(done.stdout)))
    assert not any(line.startswith("strategy") for line in talk(axiom(*SOLVE, cwd=tmp_path, stdin=problems)))


def test_failed_and_cut_samples_are_counted(problems: bytes, tmp_path: Path) -> None:
    one, two, three = rows(problems)[:3]
    script = {one["id"]: ["Answer: 1"], two["id"]: ["Answer: 1 2 3 4"]}
    (tmp_path / "script.json").write_bytes(orjson.dumps(script))
    words = ("solve", *SCRIPTED, "--model", "script.json", "--samples", "2", "--max-tokens", "3")
    done = axiom(*words, cwd=tmp_path, stdin=b"\n".join(map(orjson.dumps, (one, two, three))))
    told = "6 samples by script.json, 12 tokens (2 failed: the script has nothing for this problem; 2 cut off)"
    assert talk(done)[-1] == told


def test_one_chosen_of_several_costs_them_all(problems: bytes, tmp_path: Path) -> None:
    done = axiom(*SOLVE, "--strategy", "vote", cwd=tmp_path, stdin=problems)
    assert talk(done)[-1].startswith("20 of 80 samples by solver:0.5, ")


def test_what_does_not_go_together_is_refused_before_any_work(tmp_path: Path) -> None:
    words = (*SOLVE, "--problems", "two_sum", "--early-stop", "--strategy", "vote")
    failed(axiom(*words, cwd=tmp_path), 2, "--early-stop and --strategy vote do not go together", "hint: ")
    assert list(tmp_path.iterdir()) == []


def skipping(tmp_path: Path, stdin: bytes, *more: str) -> str:
    words = (*SOLVE, "--model", "solver", "--samples", "1", "--skip-existing", "--output-dir", "d", *more)
    return talk(axiom(*words, cwd=tmp_path, stdin=stdin))[-1]


def test_a_problem_is_known_by_its_content_and_not_by_its_id(problems: bytes, tmp_path: Path) -> None:
    one, two, *_ = rows(problems)
    assert "1 of 1 problem solved; 1 new solution" in skipping(tmp_path, orjson.dumps(one))
    renamed = {**one, "id": "renamed", "note": "an annotation changes no problem"}
    assert "nothing to do" in skipping(tmp_path, orjson.dumps(renamed))
    another = {**two, "id": one["id"]}
    assert "1 of 1 problem solved; 1 new solution" in skipping(tmp_path, orjson.dumps(another))
    assert "nothing to do" in skipping(tmp_path, orjson.dumps(another))


def test_hand_written_problems_are_known_too(tmp_path: Path) -> None:
    words = ("--problems", "two_sum,fizzbuzz")
    assert "2 of 2 problems solved" in skipping(tmp_path, b"", *words)
    assert "nothing to do" in skipping(tmp_path, b"", *words)


def test_experiments_of_one_folder_keep_their_own_solutions(problems: bytes, tmp_path: Path) -> None:
    assert "20 of 20 problems solved; 20 new solutions" in skipping(tmp_path, problems, "--experiment", "a")
    assert "20 of 20 problems solved; 20 new solutions" in skipping(tmp_path, problems, "--experiment", "b")
    assert "nothing to do" in skipping(tmp_path, problems, "--experiment", "a")


def test_a_row_without_its_problem_counts_by_its_id(problems: bytes, tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    row = {"problem_id": rows(problems)[0]["id"], "solution_code": "7"}
    (tmp_path / "d" / "solutions.jsonl").write_bytes(orjson.dumps(row) + b"\n")
    assert "19 of 19 problems solved" in skipping(tmp_path, problems)
