"""`axiom eval`: pass rates of models on problems of any source, compared in pairs and remembered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.records import Metrics
from chat_server import chat_server, completion
from command_line import axiom, failed, rows, talk

COUNT = 30


def questions(folder: Path, count: int = COUNT) -> Path:
    """A table of sums, as a user has one."""
    lines = ["question,answer", *(f"What is {n} + {n}?,{2 * n}" for n in range(1, count + 1))]
    file = folder / "mine.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


def reply(body: dict) -> dict:
    """`good` knows all sums, `weak` those of even numbers, `noisy` none when it samples."""
    number = int(body["messages"][-1]["content"].split()[2])
    knows = {"good": True, "weak": number % 2 == 0, "noisy": body["temperature"] == 0}[body["model"]]
    return completion(f"Answer: {2 * number if knows else 0}")


def overall(done, model: str = "") -> list[dict]:
    return [row for row in rows(done.stdout) if (row["family"], row["level"]) == ("all", 0) and model in row["model"]]


def test_models_are_measured_and_compared_on_a_file(tmp_path: Path) -> None:
    questions(tmp_path)
    with chat_server(reply) as server:
        models = [f"{server.address}#{name}" for name in ("weak", "good")]
        done = axiom("eval", *models, "--problems", "mine.csv", cwd=tmp_path)
        asked = len(server.requests)
        again = axiom("eval", *models, "--problems", "mine.csv", "--format", "json", cwd=tmp_path)
    assert (done.returncode, asked, len(server.requests)) == (0, 2 * COUNT, 2 * COUNT)
    assert [(row["passed"], row["n"]) for row in overall(done)] == [(COUNT // 2, COUNT), (COUNT, COUNT)]
    assert all(Metrics.from_dict(row) for row in rows(done.stdout))
    assert any(line.startswith("Better: ") and "#good solves 100.0 %" in line for line in talk(done))
    (comparison,) = json.loads(again.stdout)["comparisons"]
    assert (comparison["measure"], comparison["gained"], comparison["lost"]) == ("greedy", COUNT // 2, 0)


@pytest.mark.slow
def test_samples_are_measured_beside_the_greedy_answer(tmp_path: Path) -> None:
    questions(tmp_path)
    with chat_server(reply) as server:
        words = ("--problems", "mine.csv", "--samples", "3", "--temperature", "0.5", "--format", "csv")
        done = axiom("eval", f"{server.address}#noisy", *words, cwd=tmp_path)
    greedy, sampled = (line.split(",") for line in done.stdout.decode().splitlines()[1:] if ",all,0," in line)
    assert len(server.requests) == 4 * COUNT
    assert "1.0" in greedy and "0.0" in sampled and "0.5" in sampled


@pytest.mark.slow
def test_what_was_answered_is_not_asked_again_after_a_server_died(tmp_path: Path) -> None:
    questions(tmp_path)
    with chat_server(reply) as server:
        model = f"{server.address}#good"
        server.faults = [*[None] * 10, *[401] * 100]
        failed(axiom("eval", model, "--problems", "mine.csv", "--concurrency", "1", cwd=tmp_path), 4, "401")
        before, server.faults = len(server.requests), []
        done = axiom("eval", model, "--problems", "mine.csv", cwd=tmp_path)
    assert overall(done)[0]["passed"] == COUNT
    assert before > 10 and len(server.requests) - before == COUNT - 10


@pytest.mark.slow
def test_a_failed_answer_is_told_and_asked_for_again(tmp_path: Path) -> None:
    questions(tmp_path)
    with chat_server(reply) as server:
        server.faults = [*[None] * 10, 400]
        words = (f"{server.address}#good", "--problems", "mine.csv", "--concurrency", "1")
        first = axiom("eval", *words, cwd=tmp_path)
        assert "1 sample failed: planted 400" in first.stderr.decode()
        assert overall(first)[0]["passed"] == COUNT - 1
        assert overall(axiom("eval", *words, cwd=tmp_path))[0]["passed"] == COUNT


@pytest.mark.slow
def test_fail_under_is_a_gate_for_each_model(tmp_path: Path) -> None:
    questions(tmp_path)
    with chat_server(reply) as server:
        good, weak = (f"{server.address}#{name}" for name in ("good", "weak"))
        words = ("--problems", "mine.csv", "--fail-under")
        assert axiom("eval", good, *words, "1", cwd=tmp_path).returncode == 0
        done = axiom("eval", good, weak, *words, "0.6", cwd=tmp_path)
    failed(done, 6, "#weak solves 0.500", "under 0.6")
    assert len(overall(done)) == 2
    failed(axiom("eval", "nano", *words, "2", cwd=tmp_path), 2, "not a rate")


@pytest.mark.slow
def test_nano_solves_what_the_pipe_says_and_is_remembered(tmp_path: Path) -> None:
    words = ("--count", "12", "--difficulty", "3-4", "--split", "test", "-o", "p.jsonl")
    axiom("problems", "gen", "rpn", *words, cwd=tmp_path)
    solved = axiom("solve", "p.jsonl", "--samples", "1", "--temperature", "0", "--max-tokens", "64", cwd=tmp_path)
    verdicts = rows(axiom("verify", cwd=tmp_path, stdin=solved.stdout).stdout)
    source = ("--problems", "rpn:3-4", "--count", "12", "--max-tokens", "64")
    done = axiom("eval", "nano", *source, cwd=tmp_path)
    (row,) = overall(done, "nano")
    assert (row["n"], row["passed"]) == (12, sum(verdict["status"] == "pass" for verdict in verdicts))
    assert row["split"] == "test" and {row["level"] for row in rows(done.stdout)} == {0, 3, 4}
    assert axiom("eval", "nano", *source, cwd=tmp_path).stdout == done.stdout
    (tmp_path / "again.jsonl").write_bytes(done.stdout)
    assert len(jsonl.load(tmp_path / "again.jsonl", Metrics)) == len(rows(done.stdout))


@pytest.mark.slow
def test_wrong_uses(tmp_path: Path) -> None:
    questions(tmp_path)
    failed(axiom("eval", cwd=tmp_path), 2, "MODEL")
    failed(axiom("eval", "nano", "nanoo", "--problems", "mine.csv", cwd=tmp_path), 4, "nano?")
    failed(axiom("eval", "nano", "--problems", "mina.csv", cwd=tmp_path), 3, "mine.csv?")
    failed(axiom("eval", "nano", "--problems", "rnp", cwd=tmp_path), 4, "rpn?")
    failed(axiom("eval", "nano", "--min-difficulty", "9", cwd=tmp_path), 2, "--max-difficulty")
    failed(axiom("eval", "nano", "--temperature", "0", cwd=tmp_path), 2, "--temperature")
