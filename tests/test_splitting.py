"""A file becomes training, validation and test: by content, once and for all, and nothing held out is trained on."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
import pytest

from axiom_cli.errors import NothingToDoError, UsageError
from axiom_cli.experiment.curriculum import Bucket, ProblemStream
from axiom_cli.importing.sources import Reading, open_sources
from axiom_cli.importing.splitting import Shares, Supply, make_supply, parse_shares
from axiom_cli.problems.families import draw

SHARES = Shares(0.8, 0.1, 0.1)
SIZES = {"val": 600, "test": 1000}
WORDS = "apple river stone cloud table green seven quick metal paper light north"


def rows(count: int, first: int = 0, **more: object) -> list[dict[str, object]]:
    """Questions that have nothing in common but their first words."""
    out = []
    for n in range(first, first + count):
        shuffled = random.Random(n).sample(WORDS.split(), 9)
        out.append({"prompt": f"Count the letters of {' '.join(shuffled)} {n}", "answer": n, **more})
    return out


def supply(lines: list[dict[str, object]], name: str = "mine.jsonl", **given: str) -> Supply:
    Path(name).write_bytes(b"\n".join(map(orjson.dumps, lines)))
    seed = int(given.pop("seed", "0"))
    others = {split: open_sources(text, Reading(levels=[3], seed=seed)) for split, text in given.items()}
    return make_supply(open_sources(name, Reading(levels=[3], seed=seed)), SHARES, SIZES, others)


def prompts(supply: Supply) -> dict[str, set[str]]:
    train = {problem.prompt for pool in supply.pools for problem in pool.problems}
    return {"train": train, **{split: {p.prompt for p in getattr(supply, split)} for split in ("val", "test")}}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_no_row_ever_changes_its_split() -> None:
    lines = rows(300)
    before = prompts(supply(lines))
    assert sum(map(len, before.values())) == 300 and not before["train"] & (before["val"] | before["test"])
    assert 15 < len(before["val"]) < 45 and 15 < len(before["test"]) < 45
    written_otherwise = [{**row, "prompt": str(row["prompt"]).upper().replace(" ", "\n ")} for row in lines]
    extended = prompts(supply([*rows(200, 1000), *reversed(lines)], "longer.jsonl"))
    for split in before:
        assert before[split] <= extended[split]
    shouted = prompts(supply(written_otherwise))
    assert {" ".join(p.split()) for p in shouted["test"]} == {p.upper() for p in before["test"]}
    assert prompts(supply(lines, seed="1"))["test"] != before["test"]


def test_rows_that_name_their_split_go_there() -> None:
    made = supply([*rows(50, split="train"), *rows(10, 100, split="validation"), *rows(10, 200, split="test")])
    assert (len(made.pools[0].problems), len(made.val), len(made.test)) == (50, 10, 10)
    half = supply([*rows(200), *rows(10, 300, split="test")])
    assert len(half.test) == 10 and 8 < len(half.val) < 35
    assert {problem.split for problem in half.val} == {"val"}, "of the others, a share"


def test_what_is_given_takes_the_place_of_a_share() -> None:
    Path("exam.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows(30, 500))))
    made = supply(rows(200), val="arithmetic", test="exam.jsonl")
    assert len(made.pools[0].problems) == 200 and {p.family for p in made.val} == {"arithmetic"}
    assert {p.family for p in made.test} == {"exam"} and {p.split for p in made.test} == {"test"}
    assert list(made.digests) == ["mine.jsonl", "exam.jsonl"]


def test_what_looks_like_held_out_rows_does_not_train() -> None:
    exam = rows(20, 500)
    lines = [*rows(200), *exam[:3], {"prompt": f"Please, {exam[3]['prompt']} and one more", "answer": 1}]
    Path("exam.jsonl").write_bytes(b"\n".join(map(orjson.dumps, exam)))
    made = supply(lines, test="exam.jsonl")
    (pool,) = made.pools
    assert (pool.equal, pool.similar) == (3, 1) and not {row["prompt"] for row in exam} & prompts(made)["train"]
    (said,) = made.sentences()
    assert said == (
        "mine.jsonl: 4 training rows left out: 3 equal a held-out problem, 1 shares eight words in a row with one"
    )
    (said,) = supply([*rows(200), *exam[:3]], test="exam.jsonl").sentences()
    assert said == "mine.jsonl: 3 training rows left out: equal to a held-out problem"
    with pytest.raises(NothingToDoError, match="all 20 training rows are held out too"):
        supply([*exam, *rows(5, 900, split="val")], test="exam.jsonl")


def test_a_family_does_not_draw_what_a_file_holds_out() -> None:
    drawn = list(draw.problems(["rpn"], 50, [3], "train", 0))
    exam = [{"prompt": problem.prompt, "answer": problem.answer} for problem in drawn[10:15]]
    Path("exam.jsonl").write_bytes(b"\n".join(map(orjson.dumps, exam)))
    reading = Reading(levels=[3])
    made = make_supply(open_sources("rpn", reading), SHARES, SIZES, {"test": open_sources("exam.jsonl", reading)})
    stream = ProblemStream(made, 0)
    taken = stream.take(Bucket("rpn", 3), 45)
    assert [p.id for p in taken] == [p.id for p in drawn[:10] + drawn[15:]] and stream.left_out == 5


def test_validation_is_not_the_test() -> None:
    made = supply([*rows(40), *rows(9, 100, split="val"), *rows(9, 105, split="test")])
    assert len(made.test) == 9 and len(made.val) == 5


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (rows(3), "no validation problem (3 train, 0 val, 0 test)"),
        (rows(1) * 50, "no validation problem (1 train, 0 val, 0 test)"),
        (rows(9, split="test"), "no row to train on"),
    ],
)
def test_too_few_rows_are_refused(lines: list[dict[str, object]], said: str) -> None:
    with pytest.raises(NothingToDoError) as caught:
        supply(lines)
    assert said in str(caught.value) and "add rows" in caught.value.hint


def test_shares_are_three_and_make_a_whole() -> None:
    assert parse_shares("80/10/10") == SHARES
    for text in ("80/20", "80/-10/30", "a/b/c", "", "inf/1/1", "nan/1/1"):
        with pytest.raises(UsageError, match="--split needs three shares, like 80/10/10"):
            parse_shares(text)
    for text, said in (("80/20/10", "110"), ("8/1/1", "10"), ("0/50/50", "nothing to train on")):
        with pytest.raises(UsageError, match=said):
            parse_shares(text)
