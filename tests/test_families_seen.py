"""The set of what was drawn: exact in memory and in its file, and no larger in memory for what is in the file."""

from __future__ import annotations

import os
import tracemalloc
from contextlib import suppress
from random import Random

import pytest

from axiom_cli.problems.families import draw
from axiom_cli.problems.families.number_set import NumberSet

FEW = 2_000  # slots in memory, so that a small test fills several files


@pytest.mark.parametrize("most", [FEW, 1_000_000])
def test_it_is_a_set(most):
    random, seen, truth = Random(1), NumberSet(most), set()
    known = [random.getrandbits(64) | 1 for _ in range(4_000)]
    for _ in range(30_000):
        number = random.choice(known) if random.random() < 0.3 else random.getrandbits(64) | 1
        assert seen.add(number) == (number not in truth)
        truth.add(number)
    assert seen.count == len(truth) > 20_000


def test_the_highest_numbers_of_all_find_a_place_in_the_file():
    seen = NumberSet(FEW)
    for number in range(1, 3_000):
        assert seen.add(number << 52)
    highest = range(2**64 - 200, 2**64)
    assert all(seen.add(number) for number in highest)
    assert not any(seen.add(number) for number in highest)
    assert seen.add(17) and not seen.add(17)


@pytest.mark.slow
def test_in_memory_it_takes_16_bytes_a_number_at_most():
    count = 60_000
    after, peak = _taken(NumberSet(), count)
    assert after < 16.1 * count
    assert peak < 28 * count


@pytest.mark.slow
def test_what_lies_in_the_file_takes_no_memory():
    seen = NumberSet(FEW)
    _taken(seen, 10_000)
    after, peak = _taken(seen, 60_000)
    assert after < 2_000
    assert peak < 400_000, "the moment in which the file grows"
    assert seen.count == 70_000


def _taken(seen: NumberSet, count: int) -> tuple[int, int]:
    """What memory grew by while `count` numbers were put in, and by how much it was more in between."""
    random = Random(seen.count)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(count):
        seen.add(random.getrandbits(64) | 1)
    after, peak = (number - before for number in tracemalloc.get_traced_memory())
    tracemalloc.stop()
    return after, peak


@pytest.mark.slow
def test_its_file_goes_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = len(os.listdir("/dev/fd"))
    seen = NumberSet(FEW)
    for number in range(1, 5_000):
        seen.add(number << 50)
    assert len(os.listdir("/dev/fd")) == before + 1
    assert not list(tmp_path.iterdir())
    del seen
    assert len(os.listdir("/dev/fd")) == before


@pytest.mark.slow
def test_problems_are_the_same_when_what_was_drawn_lies_in_the_file(monkeypatch):
    """Of several families and levels, whose draws one set remembers; a scarce one is drawn to its end."""
    asked = (["rpn", "arithmetic", "list_ops"], 3_000, [1, 2], "test", 0)
    wanted = _drawn(*asked), _drawn(["parentheses"], 400, [1], "test", 0, "program")
    assert len({problem.id for problem in wanted[0]}) == len(wanted[0]) < 3_000 and len(wanted[1]) < 100
    monkeypatch.setattr(draw, "NumberSet", lambda: NumberSet(1))
    assert (_drawn(*asked), _drawn(["parentheses"], 400, [1], "test", 0, "program")) == wanted


def _drawn(*asked):
    found = []
    with suppress(draw.NothingToDoError):
        found.extend(draw.problems(*asked))
    return found
