"""`train --show`: the rows that training sees, token by token, and the numbers of what became of the samples."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import tiny
from axiom_cli import jsonl
from axiom_cli.errors import NothingToDoError
from axiom_cli.learning.preview import show
from axiom_cli.learning.train import TrainingObserver, train
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import TrainConfig
from axiom_cli.workspace.store import Workspace
from command_line import axiom, failed, rows, talk
from test_terminal import on_terminal

CONFIG = TrainConfig(lora_r=4, lora_alpha=8, epochs=1, batch_size=3, grad_accum=1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.write_model(tmp_path_factory.mktemp("base")))


def verdicts(count: int = 30) -> list[Verdict]:
    return [tiny.verdict(tiny.sample(tiny.problem(i), f"Answer: {'7' * (1 + i % 9)}")) for i in range(count)]


def test_each_row_is_a_line_of_tokens_with_their_mask(base: str) -> None:
    lines = [json.loads(line) for line in show(verdicts(2), base, CONFIG).lines()]
    assert lines[1]["problem"] == tiny.problem(1).id
    assert "".join(text for text, loss in lines[1]["tokens"] if loss) == "Answer: 77<eos>"
    assert "".join(text for text, loss in lines[1]["tokens"] if not loss) == "<user>Evaluate: 1<assistant>"
    assert len(lines[1]["ids"]) == len(lines[1]["tokens"])
    assert lines[0]["places"] == {"prompt": 13, "learned": 9, "end": 1, "padding": 1}


@pytest.mark.slow
def test_the_counts_are_those_of_the_training_itself(base: str, tmp_path: Path) -> None:
    """Every position that a pass holds has a place, padding included."""
    preview = show(verdicts(), base, CONFIG, first=3)
    metrics = train(verdicts(), base, CONFIG, Workspace.create(tmp_path / ".axiom")).metrics
    assert sum(preview.tokens.values()) == metrics["positions"]
    assert preview.tokens["learned"] + preview.tokens["end"] == metrics["loss_tokens"]
    assert preview.tokens["end"] == preview.numbers["rows"] == 30
    assert preview.tokens["padding"] > 0
    assert [row.row.problem for row in preview.rows] == [tiny.problem(i).id for i in range(3)]


def test_what_is_left_out_is_counted(base: str) -> None:
    long = tiny.verdict(tiny.sample(tiny.problem(98), "Answer: " + "9" * 100))
    cut = tiny.verdict(tiny.sample(tiny.problem(99), "Answer: 1", finish="length"))
    told = []
    preview = show(
        [*verdicts(), long, cut], base, replace(CONFIG, max_length=60), observer=TrainingObserver(selected=told.append)
    )
    assert (preview.numbers["rows"], preview.numbers["too_long"], preview.numbers["encoded_here"]) == (30, 1, 30)
    assert (told[0].truncated, told[0].cut_off) == (1, 1)
    with pytest.raises(NothingToDoError, match="longer than 3 tokens"):
        show(verdicts(), base, replace(CONFIG, max_length=3))
    with pytest.raises(NothingToDoError, match="no accepted solution"):
        show([], base, CONFIG)


@pytest.fixture(scope="module")
def folder(base: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("work")
    jsonl.save(path / "v.jsonl", verdicts(24))
    held_out = [replace(tiny.problem(100 + i), prompt=f"EVALUATE:  {i}") for i in (0, 1, 2)]
    jsonl.save(path / "eval.jsonl", held_out)
    (path / "experiments" / "run").mkdir(parents=True)
    jsonl.save(path / "experiments" / "run" / "val.jsonl", held_out[:1])
    jsonl.save(path / "experiments" / "run" / "test.jsonl", held_out[1:])
    return path


@pytest.mark.parametrize(
    ("words", "count", "against"),
    [
        (["--show", "v.jsonl"], 24, "eval.jsonl"),
        pytest.param(["v.jsonl", "--show"], 24, "run", marks=pytest.mark.slow),
        pytest.param(["--show", "2", "v.jsonl"], 2, "./eval.jsonl", marks=pytest.mark.slow),
    ],
)
def test_show_stands_bare_or_with_a_number(words: list[str], count: int, against: str, folder: Path, base: str) -> None:
    done = axiom("train", "--model", base, *words, "--decontaminate", against, cwd=folder)
    assert done.returncode == 0, talk(done)
    assert len(rows(done.stdout)) == min(count, 21)
    told = [re.split("  +", line) for line in talk(done)]
    assert ["held out for evaluation", "3", "12.5%"] in told, "an equal prompt is one, whatever its case"
    assert ["rows", "21"] in told and ["verdicts", "24", "100.0%"] in told


def test_an_evaluation_that_is_not_there_is_said(folder: Path, base: str) -> None:
    failed(axiom("train", "v.jsonl", "--model", base, "--decontaminate", "rum", cwd=folder), 3, "rum: neither a file")


@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        (lambda v: replace(v, sample=replace(v.sample, text="")), 3, ["every token would be masked", "hint:"]),
        (lambda v: replace(v, status="fail"), 5, ["no accepted solution", "hint: none of 24 passed"]),
        (lambda v: replace(v, status="infra"), 5, ["hint: every verdict is infra"]),
        (lambda v: v if int(v.sample.problem.id, 16) < 5 else replace(v, status="fail"), 5, ["only 5 rows", "--force"]),
        (lambda v: replace(v, sample=replace(v.sample, finish="length")), 5, ["hint: 24 accepted", "--max-tokens"]),
    ],
)
def test_what_cannot_be_trained_on_is_one_line_with_a_hint(make, code, said, folder: Path, base: str) -> None:
    jsonl.save(folder / "bad.jsonl", map(make, verdicts(24)))
    failed(axiom("train", "bad.jsonl", "--model", base, cwd=folder), code, *said)


def test_a_model_whose_texts_never_end_is_refused(folder: Path, tmp_path: Path) -> None:
    path = tiny.write_model(tmp_path / "endless")
    for name in ("tokenizer_config.json", "config.json", "generation_config.json"):
        told = json.loads((path / name).read_text())
        (path / name).write_text(json.dumps({k: v for k, v in told.items() if not k.startswith("eos_token")}))
    done = axiom("train", "v.jsonl", "--show", "--model", str(path), cwd=folder)
    failed(done, 3, "no end-of-text token", "hint: name one in its tokenizer_config.json")


@pytest.mark.slow
def test_samples_of_another_tokenizer_are_told_of_loudly(folder: Path, base: str) -> None:
    given = [replace(v, sample=replace(v.sample, token_ids=[5, 6, 7])) for v in verdicts(24)]
    jsonl.save(folder / "foreign.jsonl", given)
    done = axiom("--quiet", "train", "foreign.jsonl", "--show", "1", "--model", base, cwd=folder)
    assert done.returncode == 0
    assert talk(done)[0].startswith("warning: 24 of 24 rows hold another model's ids")


def test_a_row_to_judge_says_how_many_of_its_verdicts_passed(folder: Path, base: str) -> None:
    once = verdicts(1)[0]
    jsonl.save(folder / "judged.jsonl", [once, once, replace(once, status="fail"), *verdicts(24)])
    words = ("train", "judged.jsonl", "--show", "1", "--objective", "value", "--model", base)
    assert re.search(r"weight \d\.00 \(\d passed\); ", " ".join(on_terminal(*words, cwd=folder, width=200)))
