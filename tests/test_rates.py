"""Pass rates of files of verdicts, and the hand-written problems as records."""

from __future__ import annotations

import csv
import io

import pytest

from axiom_cli.statistics import cluster_bootstrap, wilson
from command_line import axiom, failed, rows


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with some problems, and verdicts on greedy and on repeated attempts at them."""
    here = tmp_path_factory.mktemp("rates")
    drawn = "problems gen arithmetic rpn --count 20 --split test -o problems.jsonl"
    axiom(*drawn.split(), cwd=here)
    for name, how in (("greedy", "--temperature 0 --samples 1"), ("sampled", "--samples 4")):
        line = f"solve problems.jsonl --engine scripted --model solver:0.5 {how}"
        samples = axiom(*line.split(), cwd=here).stdout
        axiom("verify", "-o", f"{name}.jsonl", cwd=here, stdin=samples)
    return here


def test_a_file_of_verdicts_has_its_rates_with_intervals(folder):
    done = axiom("report", "greedy.jsonl", "sampled.jsonl", cwd=folder)
    assert done.returncode == 0, done.stderr
    overall = [row for row in rows(done.stdout) if (row["family"], row["level"]) == ("all", 0)]
    assert [(row["experiment"], row["split"], row["n"]) for row in overall] == [
        ("greedy.jsonl", "test", 20),
        ("sampled.jsonl", "test", 80),
    ]
    verdicts = rows((folder / "greedy.jsonl").read_bytes())
    passed = sum(verdict["status"] == "pass" for verdict in verdicts)
    assert overall[0]["passed"] == passed
    assert overall[0]["interval"] == [round(bound, 6) for bound in wilson(passed, 20)]
    attempts: dict[str, list[bool]] = {}
    for verdict in rows((folder / "sampled.jsonl").read_bytes()):
        attempts.setdefault(verdict["sample"]["problem"]["id"], []).append(verdict["status"] == "pass")
    expected = cluster_bootstrap([sum(a) for a in attempts.values()], [len(a) for a in attempts.values()])
    assert overall[1]["interval"] == [round(bound, 6) for bound in expected]


def test_the_rates_are_written_out_as_tables(folder):
    text = axiom("report", "sampled.jsonl", "--format", "csv", cwd=folder).stdout.decode()
    (row,) = [row for row in csv.DictReader(io.StringIO(text)) if (row["family"], row["level"]) == ("rpn", "0")]
    assert (row["file"], row["problems"], row["n"]) == ("sampled.jsonl", "10", "40")
    page = axiom("report", "greedy.jsonl", "sampled.jsonl", "--format", "md", cwd=folder).stdout.decode()
    assert [line.split(" | ")[0] for line in page.splitlines()[4:]] == ["| greedy.jsonl", "| sampled.jsonl"]


def test_a_file_without_verdicts_is_refused(folder):
    failed(axiom("report", "problems.jsonl", cwd=folder), 3, "problems.jsonl contains neither")
    failed(axiom("report", "greedy.jsonl", "some_run", cwd=folder), 2, "name either, not both")
    failed(axiom("report", "greedy.jsonl", "--html", "page.html", cwd=folder), 2, "--format md")
    assert not (folder / "page.html").exists()


@pytest.mark.parametrize("gone", ["gone.jsonl", "gone.json", "runs/gone"])
def test_a_file_that_is_not_there_is_named(folder, gone):
    said = f"cannot read {gone}: No such file or directory"
    failed(axiom("report", "greedy.jsonl", gone, cwd=folder), 3, said)
    failed(axiom("report", gone, cwd=folder), 3, said)
    failed(axiom("report", "--compare", "greedy.jsonl", gone, cwd=folder), 3, said)
    failed(axiom("report", "gone", cwd=folder), 4, "there is no experiment called 'gone'")


def test_hand_written_problems_are_shown_as_records(tmp_path):
    everything = rows(axiom("problems", "show", cwd=tmp_path).stdout)
    assert len(everything) == 50 and all(row["kind"] == "problem" and row["program"] for row in everything)
    two = axiom("problems", "show", "two_sum,fizzbuzz", cwd=tmp_path)
    assert [row["id"] for row in rows(two.stdout)] == ["two_sum", "fizzbuzz"]
    solved = axiom("coldstart", cwd=tmp_path, stdin=two.stdout)
    assert [verdict["status"] for verdict in rows(solved.stdout)] == ["pass", "pass"]
    failed(axiom("problems", "show", "two_summ", cwd=tmp_path), 4, "did you mean two_sum?")
