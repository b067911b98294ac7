"""Streams of problems: each at its place for ever, none twice, splits disjoint by content, memory flat.

`python tests/test_families_draw.py` writes golden/families.json anew, where a family was changed on purpose.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import tracemalloc
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from axiom_cli import jsonl
from axiom_cli.audit.reproducibility import fingerprint, in_fresh_process
from axiom_cli.errors import NothingToDoError, UsageError
from axiom_cli.problems import families
from axiom_cli.problems.families import draw, teacher
from axiom_cli.problems.families.family import LEVELS
from axiom_cli.records import Problem
from command_line import ROOT, axiom, environment, failed, rows, talk

GOLDEN = Path(__file__).parent / "golden" / "families.json"


def _ids(*args, **kwargs):
    return [problem.id for problem in draw.problems(*args, **kwargs)]


def test_the_nth_problem_depends_on_nothing_but_its_place():
    alone = list(islice(draw.stream("rpn", 4, "train", 7), 30))
    among = [p for p in draw.problems(["arithmetic", "rpn"], 300, range(3, 8), "train", 7)]
    assert [p for p in among if (p.family, p.level) == ("rpn", 4)] == alone
    assert [p.extra["origin"]["n"] for p in alone] == list(range(30))
    assert _ids(["rpn"], 30, [4], "train", 8) != [p.id for p in alone]


@pytest.mark.slow
@pytest.mark.parametrize("form", draw.FORMS)
def test_fewer_problems_are_the_first_of_more(form):
    wanted = (range(1, 6), "train", 3, form)
    more = list(draw.problems([], 200, *wanted))
    assert list(draw.problems([], 50, *wanted)) == more[:50]


GENERATE = """
import hashlib, sys
from axiom_cli import jsonl
from axiom_cli.problems.families import draw
told = hashlib.sha256()
for form in draw.FORMS:
    for problem in draw.problems([], int(sys.argv[1]), range(1, 11), "val", 1, form):
        told.update(jsonl.dump(problem))
print(told.hexdigest())
"""


@pytest.mark.slow
@pytest.mark.parametrize("count", [30, pytest.param(500, marks=pytest.mark.slow)])
def test_another_process_whose_strings_have_other_hashes_makes_the_same_problems(count):
    command = [sys.executable, "-c", GENERATE, str(count)]
    told = [subprocess.run(command, env=environment(PYTHONHASHSEED=seed), capture_output=True) for seed in ("0", "1")]
    assert told[0].stdout == told[1].stdout and len(told[0].stdout) == 65, told[0].stderr


def golden():
    """The fingerprint of every family that ships, in each form."""
    shipped = map(families.get, families.BUILT_IN)
    return {family.name: {form: fingerprint(family, form) for form in family.forms} for family in shipped}


def test_the_first_problems_of_every_family_are_what_they_were():
    """On every platform. Whoever drew problems before a change could not draw them again."""
    kept, found = json.loads(GOLDEN.read_text()), golden()
    changed = [name for name in {**kept, **found} if kept.get(name) != found.get(name)]
    assert not changed, f"python {os.path.relpath(__file__, ROOT)} writes them anew, if they were changed on purpose"


def test_a_fingerprint_is_found_again_by_another_process():
    family = families.get("anagrams")
    assert in_fresh_process(family, "answer") == fingerprint(family, "answer") != fingerprint(family, "answer", count=2)


def test_families_and_levels_take_turns():
    drawn = list(draw.problems(["arithmetic", "rpn"], 8, [3, 4], "train", 0))
    assert [(p.level, p.family) for p in drawn[:4]] == [
        (3, "arithmetic"),
        (3, "rpn"),
        (4, "arithmetic"),
        (4, "rpn"),
    ]
    for form in draw.FORMS:
        able = [name for name in families.BUILT_IN if form in families.get(name).forms]
        assert [p.family for p in draw.problems([], len(able), [3], "train", 0, form)] == able


@pytest.mark.parametrize("form", ["answer", pytest.param("program", marks=pytest.mark.slow)])
def test_no_problem_comes_twice_and_none_is_in_two_splits_or_levels(form):
    count = 400 if form == "answer" else 100
    seen = {(split, seed): _ids([], count, range(1, 6), split, seed, form) for split in draw.SPLITS for seed in (0, 1)}
    for ids in seen.values():
        assert len(set(ids)) == len(ids)
    parts = [set(seen[split, 0]) | set(seen[split, 1]) for split in draw.SPLITS]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
    assert all(draw.split_of(identity) == split for (split, _), ids in seen.items() for identity in ids)


def test_levels_that_can_draw_the_same_question_divide_it_among_them():
    """Parentheses 4 and 5 have strings of one length: what both draw must belong to one of them."""
    per_level = {level: set(_ids(["parentheses"], 1500, [level], "train", 0)) for level in (2, 3, 4, 5)}
    assert not per_level[2] & per_level[3]
    assert not per_level[4] & per_level[5]
    family = families.get("parentheses")
    drawn = {level: {draw.draw_one(family, level, "answer", Random(n)).id for n in range(4000)} for level in (2, 3)}
    assert drawn[2] & drawn[3], "the two levels no longer overlap: this test, and shared(), have lost their reason"


def test_a_drawn_record_is_read_back_as_it_was_written():
    for form in draw.FORMS:
        drawn = list(draw.problems([], 40, [3, 6], "test", 2, form))
        lines = [jsonl.dump(problem) for problem in drawn]
        again = [jsonl.parse(line, number, Problem) for number, line in enumerate(lines)]
        assert again == drawn and [jsonl.dump(problem) for problem in again] == lines
        place = {"seed": 2, "split": "test", "family": drawn[0].family, "level": 3, "n": 0}
        assert drawn[0].extra["origin"] == {**place, "form": form}


@pytest.mark.slow
def test_a_level_that_is_used_up_says_so_with_its_number():
    drawn = draw.problems(["rpn"], 1000, [1], "test", 0, "program")
    found = []
    with pytest.raises(NothingToDoError) as error:
        found.extend(drawn)
    count = sum(1 for _ in _until_end(draw.stream("rpn", 1, "test", 0, "program")))
    assert f"rpn level 1 has only {count} distinct program problems in split test" == str(error.value)
    assert error.value.exit_code == 5
    assert "--difficulty" in error.value.hint


@pytest.mark.slow
def test_a_level_that_is_used_up_takes_no_other_with_it(tmp_path):
    words = ("rpn", "--form", "program", "--difficulty", "1-2", "--split", "test", "--count", "600", "-o", "some.jsonl")
    done = axiom("problems", "gen", *words, cwd=tmp_path)
    failed(done, 5, "rpn level 1 has only ")
    levels = [row["level"] for row in rows((tmp_path / "some.jsonl").read_bytes())]
    assert levels.count(2) == 300 and 0 < levels.count(1) < 300
    assert f"rpn level 1 has only {levels.count(1)} distinct" in talk(done)[-2]
    assert talk(done)[0].startswith(f"{len(levels)} problems (test")


def _until_end(stream):
    try:
        yield from stream
    except NothingToDoError:
        return


@pytest.mark.parametrize("text", ["0-3", "3-31", "7-3", "x", "", "3-", "-3", "1.5"])
def test_levels_that_are_none(text):
    if text == "3-":
        assert draw.parse_levels(text) == range(3, 4)
        return
    with pytest.raises(UsageError):
        draw.parse_levels(text)


def test_levels_that_are():
    assert list(draw.parse_levels("3-7")) == [3, 4, 5, 6, 7]
    assert list(draw.parse_levels("10")) == [10]


def test_what_cannot_be_asked_for():
    for args in (
        (["rpn"], 1, [3], "dev", 0),
        (["rpn"], 1, [], "train", 0),
        (["rpn"], 1, [11], "train", 0),
        (["rpn", "arithmetic"], 1, [10, 11], "train", 0),
        (["stack_listing"], 1, [31], "train", 0),
        (["rpn"], -1, [3], "train", 0),
        (["rpn"], 1, [3], "train", 0, "essay"),
    ):
        with pytest.raises(UsageError):
            draw.problems(*args)
    assert list(draw.problems(["rpn"], 0, [3], "train", 0)) == []


@pytest.mark.slow
def test_memory_stays_flat_and_speed_is_of_the_right_order():
    out = io.BytesIO()
    lines = map(jsonl.dump, draw.problems(["arithmetic"], 60_000, range(3, 8), "train", 0))
    for line in islice(lines, 1_000):
        out.write(line)
    began = time.process_time()
    for line in islice(lines, 10_000):
        out.write(line)
    assert 10_000 / (time.process_time() - began) > 5_000, "20,000 a second are promised on a quiet machine"
    del out
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in islice(lines, 8_000):
        pass
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 400_000


def test_the_teacher_knows_only_what_came_from_here():
    problem = next(draw.stream("rpn", 3, "train", 0))
    forged = Problem.from_dict({**problem.to_dict(), "prompt": "Evaluate the postfix expression: 1 1 +"})
    bare = Problem.from_dict({key: value for key, value in problem.to_dict().items() if key != "origin"})
    for origin in (7, {"family": "nothing"}, {"family": "rpn", "level": "x"}, {"family": [], "level": 3}):
        odd = Problem.from_dict({**problem.to_dict(), "origin": origin})
        assert teacher.teach(odd) is None
    assert teacher.teach(bare) is None
    assert teacher.teach(forged) is None
    assert list(LEVELS) == list(range(1, 11))


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden(), indent=1) + "\n")
