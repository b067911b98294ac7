"""Listings: labelled lines from a random label on, as many as the level says, also beyond level 10."""

from __future__ import annotations

from itertools import islice

import pytest

from axiom_cli.problems import answers, families
from axiom_cli.problems.families import draw, teacher
from axiom_cli.problems.families.listing import LABELS, ListingFamily
from command_line import axiom, failed, rows

LISTINGS = [
    pytest.param(name, marks=pytest.mark.slow if name != "stack_listing" else [])
    for name in families.BUILT_IN
    if isinstance(families.get(name), ListingFamily)
]


def _labels(prompt: str) -> list[str]:
    return [line.split()[0] for line in prompt.splitlines()[1:]]


@pytest.mark.parametrize("name", LISTINGS)
def test_labels_run_on_from_any_of_them_and_none_comes_twice(name: str) -> None:
    family, firsts = families.get(name), set()
    for level in (1, family.has[-1]):
        for problem in islice(draw.stream(name, level, "test", 1), 40):
            labels = _labels(problem.prompt)
            assert len(set(labels)) == len(labels)
            if name == "copy_listing":
                assert (
                    len(labels) <= family.size(level) and family.size_of(level) == f"at most {family.size(level)} lines"
                )
            else:
                assert family.size_of(level) == f"{len(labels)} lines"
            first = LABELS.index(labels[0])
            assert labels == [LABELS[(first + n) % len(LABELS)] for n in range(len(labels))]
            firsts.add(first)
    assert len(firsts) > 30


@pytest.mark.parametrize("name", LISTINGS)
def test_each_level_is_longer_than_the_one_below_and_is_solved_twice(name: str) -> None:
    family, longest = families.get(name), 1
    for level in family.has:
        (problem,) = islice(draw.stream(name, level, "val", 0), 1)
        assert len(_labels(problem.prompt)) > longest
        longest = len(_labels(problem.prompt))
        assert family.second(problem.prompt) == problem.answer == answers.read_answer(teacher.teach(problem))
    assert longest in (26, 85)


@pytest.mark.slow
def test_levels_beyond_ten_pass_through_every_command(tmp_path) -> None:
    words = ("stack_listing,rpn", "--difficulty", "9-20", "--count", "28")
    made = axiom("problems", "gen", *words, cwd=tmp_path).stdout
    met = {(row["family"], row["level"]) for row in rows(made)}
    assert met == {("stack_listing", n) for n in range(9, 21)} | {("rpn", 9), ("rpn", 10)}
    taught = axiom("coldstart", cwd=tmp_path, stdin=made).stdout
    assert [row["status"] for row in rows(taught)] == ["pass"] * 28
    (tmp_path / "taught.jsonl").write_bytes(taught)
    measured = rows(axiom("problems", "calibrate", "taught.jsonl", cwd=tmp_path).stdout)
    assert max(level["level"] for row in measured for level in row["levels"]) == 20
    (tmp_path / "mine.jsonl").write_bytes(made)
    evaluated = axiom("eval", "nano", "--problems", "mine.jsonl", "--max-tokens", "8", cwd=tmp_path)
    assert {row["level"] for row in rows(evaluated.stdout)} >= {0, 9, 20}


@pytest.mark.slow
@pytest.mark.parametrize("level", ["11", "9-12"])
def test_a_family_without_such_levels_says_so(level: str, tmp_path) -> None:
    failed(axiom("problems", "gen", "rpn", "--difficulty", level, cwd=tmp_path), 2, "rpn has no ")
