"""Overlap of two files: equals and shared runs of words are seen however many copies there are; boilerplate is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

import tiny
from axiom_cli.errors import GateFailedError
from axiom_cli.ids import content_id
from axiom_cli.importing.importer import import_problems
from axiom_cli.problems.decontamination import HeldOutScreen, overlap, overlapping_samples
from axiom_cli.problems.families import draw, handwritten
from axiom_cli.records import Problem

STORY = "A baker has seven trays of twelve rolls and sells all but nine of them before noon. How many are sold?"


def test_overlap_counts_equals_and_shared_runs_but_no_boilerplate():
    names = ["arithmetic", "rpn", "parentheses", "list_ops", "modular", "matrix", "calendar", "shortest_path"]
    left = list(draw.problems(names, 400, range(5, 8), "test", 0))
    right = list(draw.problems(names, 400, range(5, 8), "train", 0))
    assert overlap(left, right).exact == 0
    assert overlap(left, right).ngram < 40, "the words of the statements are no overlap"
    assert overlap(left, left).exact == 400
    assert overlap(left, [*right, *left[:10]]).exact == 10
    ten = handwritten.problems()
    assert overlap(ten, ten[:3]).ngram == 3
    assert overlap([], []).to_dict()["exact_rate"] == 0


def imported(*prompts: str) -> list[Problem]:
    return [Problem(f"i{n}", "imported", "", prompt, 5, "train", "1") for n, prompt in enumerate(prompts)]


@pytest.mark.parametrize("copies", [1, 4, 100])
@pytest.mark.parametrize("held", [1, 30])
def test_copies_of_a_leaked_text_do_not_make_it_boilerplate(copies: int, held: int) -> None:
    others = [f"Here stands question {n} about {' '.join(f'word{n}x{i}' for i in range(20))}" for n in range(300)]
    ours = imported(STORY, *others[1:held])
    theirs = imported(*others[100:], *(f"Number {n}, please read on: {STORY}" for n in range(copies)))
    assert (overlap(ours, theirs).exact, overlap(ours, theirs).ngram) == (0, 1)
    leaked = {200 + n for n in range(copies)}
    assert overlapping_samples([tiny.sample(problem, "Answer: 1") for problem in theirs], ours) == leaked


def test_copies_that_were_edited_are_not_taken_for_what_a_family_drew() -> None:
    held = list(draw.problems(["routing"], 5, [7], "test", 0))
    copies = [replace(held[0], prompt=f"Number {n}, please read on: {held[0].prompt}") for n in range(50)]
    assert overlap(held[:1], copies).ngram == 1


def test_listings_share_words_by_chance_and_only_an_edited_copy_is_left_out() -> None:
    """A queue's few kinds of line repeat from listing to listing, whatever the lines around them."""
    held = list(draw.problems(["queue_listing"], 100, [9], "test", 0))
    drawn = list(draw.problems(["queue_listing"], 50, [9], "train", 0))
    edited = [replace(held[0], prompt=f"Please read on. {held[0].prompt}")]
    assert overlap(drawn, held).ngram == 0 and overlap(edited, held).ngram == 1
    assert overlap([replace(problem, extra={}) for problem in drawn], held).ngram > 3, "nobody knows who made these"
    unknown = [replace(p, family="gone", id=content_id(["gone", p.form, p.prompt], 16)) for p in drawn]
    assert overlap(unknown, held).ngram > 3, "a family that is not installed promises nothing"
    samples = [tiny.sample(problem, problem.prompt) for problem in (*drawn, *edited, held[1])]
    assert overlapping_samples(samples, held) == {50, 51}


@pytest.mark.parametrize("each", [1, 2, 10])
def test_few_held_out_problems_know_their_boilerplate_by_the_many_others(each: int) -> None:
    names = ["arithmetic", "rpn", "parentheses", "matrix", "calendar", "shortest_path"]
    held = list(draw.problems(names, each * len(names), [5], "test", 0))
    others = list(draw.problems(names, 600, [5], "train", 0))
    assert overlap(held, others).ngram <= 0.1 * len(held)


LETTERS = Problem("h", "imported", "", "Count a in aAb + a", 5, "test", "2")


@pytest.mark.parametrize(
    ("prompt", "answer", "equal"),
    [
        (LETTERS.prompt, "2", True),
        (LETTERS.prompt, "another", True),
        (" Count\na in  aAb + a ", "another", True),
        ("count A in\taab + A", "2", True),
        ("Count A in aAb + a", "1", False),
        ("Count a in aAb+a", "2", False),
        ("Count b in aAb + a", "2", False),
    ],
)
def test_what_is_equal_is_equal_everywhere(prompt: str, answer: str, equal: bool) -> None:
    other = Problem("t", "another", "title", prompt, 1, "train", answer)
    assert overlap([LETTERS], [other]).exact == overlap([other], [LETTERS]).exact == equal
    assert overlapping_samples([tiny.sample(other, "Answer: 1")], [LETTERS]) == ({0} if equal else set())
    for screen, others in ((HeldOutScreen([], [LETTERS]), [other]), (HeldOutScreen([LETTERS], []), [other])):
        if not equal:
            screen.check_training(others)
            continue
        with pytest.raises(GateFailedError, match="1 of 1 training problems are also held out"):
            screen.check_training(others)


def test_an_import_takes_what_differs_in_white_space_for_the_same() -> None:
    asked = [LETTERS.prompt, "Count\na in  aAb + a", "Count a in aAb+a"]
    found = list(import_problems([{"prompt": prompt, "answer": "2"} for prompt in asked], "jsonl"))
    assert [one.reason for one in found] == ["", "the same problem as row 1", ""]


@pytest.mark.parametrize("unseen", ["\u200b", "\u2060", "\ufeff", "\u00ad"])
def test_characters_that_nobody_sees_hide_no_leak(unseen: str) -> None:
    hidden = imported(STORY.replace("a", f"a{unseen}").replace(" ", f" {unseen}"))
    found = overlap(imported(STORY), hidden)
    assert (found.exact, found.ngram) == (1, 1)
