"""Which samples become rows: every number adds up, and is stored with what was trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import tiny
from axiom_cli.errors import NothingToDoError
from axiom_cli.learning.rejection_sampling import select_solutions
from axiom_cli.learning.train import TrainingObserver, train
from axiom_cli.problems.decontamination import HeldOutScreen, overlapping_samples
from axiom_cli.records import Problem, Sample, Verdict
from axiom_cli.settings.configs import TrainConfig
from axiom_cli.workspace.store import Workspace

CONFIG = TrainConfig(max_per_problem=2, epochs=1, lora_r=4)
STORY = "A baker has seven trays of twelve rolls and sells all but nine of them before noon. How many are sold?"


def attempts(number: int, texts: list[str], failed: int = 0, **more) -> list[Verdict]:
    of = tiny.problem(number)
    good = [tiny.verdict(tiny.sample(of, text, i, token_ids=[1], **more)) for i, text in enumerate(texts)]
    return good + [tiny.verdict(tiny.sample(of, f"x{i}", 50 + i, token_ids=[1]), "fail") for i in range(failed)]


def told(prompt: str, number: int) -> Problem:
    return replace(tiny.problem(number), prompt=prompt)


def samples(*problems: Problem, text: str = "Answer: 1"):
    return [tiny.sample(problem, text) for problem in problems]


def test_every_sample_is_accounted_for() -> None:
    given = attempts(1, ["a", "a ", "b", "c", "d"], 3) + attempts(2, ["a", "b"], 2, finish="length")
    given += [replace(verdict, status="infra") for verdict in attempts(3, ["a", "b", "c"])]
    given += attempts(4, ["a"], 1)
    last = tiny.problem(4)

    def screen(samples: Sequence[Sample]) -> set[int]:
        return {place for place, sample in enumerate(samples) if sample.problem == last}

    numbers = select_solutions(given, CONFIG, screen).counts()
    expected = {
        "verdicts": 17, "failed": 6, "infra": 3, "truncated": 2, "screened": 1, "repeated": 1, "capped": 2,
        "dropped": 0, "kept": 2, "cut_off": 2, "problems": 1, "truncation_rate": 0.1176,
    }  # fmt: skip
    assert {name: numbers[name] for name in expected} == expected
    gone = ("failed", "infra", "truncated", "screened", "repeated", "capped", "dropped", "kept")
    assert sum(numbers[name] for name in gone) == numbers["verdicts"]


def test_weights_are_told_by_their_range() -> None:
    numbers = select_solutions(attempts(1, ["a"], 3) + attempts(2, ["a"], 1), CONFIG).counts()
    assert numbers["weights"] == {"min": 0.5, "mean": 0.625, "max": 0.75}
    assert select_solutions([], CONFIG).counts()["weights"] == {"min": 0.0, "mean": 0.0, "max": 0.0}


def test_uninformative_rows_beyond_their_share_are_counted() -> None:
    given = [verdict for number in range(300) for verdict in attempts(number, ["a", "b"])]
    chosen = select_solutions(given, CONFIG)
    assert (chosen.always_solved, chosen.dropped, len(chosen.examples)) == (600, 400, 200)
    assert "400 uninformative, 200 kept" in chosen.summary


# The screen


def test_a_run_of_eight_words_of_the_evaluation_is_one_too_many() -> None:
    held = [told(STORY, 1)]
    near = told("Seven trays of twelve rolls and sells all, said the baker.", 2)
    apart = told("Seven trays of twelve rolls and, said the baker, sells all.", 3)
    again = told(STORY.upper(), 4)
    assert overlapping_samples(samples(near, apart, again), held) == {0, 2}
    assert overlapping_samples(samples(apart, text=f"I remember this: {STORY}"), held) == {0}, (
        "the completion is trained on, too"
    )


def test_a_short_statement_can_only_be_equal() -> None:
    held = [told("Evaluate: 1 + 2", 1)]
    assert overlapping_samples(samples(told("evaluate:  1 + 2", 2), told("Evaluate: 1 + 2 + 3", 3)), held) == {0}


def test_what_all_statements_of_a_family_say_is_no_overlap() -> None:
    frame = "Read the numbers below from left to right and add them all up, one after the other:"
    for count in (2, 8):
        held = [told(f"{frame} {i} {i + 1}", i) for i in range(count)]
        assert (
            overlapping_samples(samples(*(told(f"{frame} {i} {i + 3}", 20 + i) for i in range(count))), held) == set()
        )


def test_a_cold_start_gives_no_row_that_the_evaluation_has_seen() -> None:
    screen = HeldOutScreen([told(STORY, 1)], [])
    seen, fresh = samples(told(f"{STORY} And how many are left?", 2), tiny.problem(3))
    assert screen.filter_cold_start([seen, fresh]) == [fresh]


# What is stored


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.write_model(tmp_path_factory.mktemp("base")))


def test_the_adapter_s_record_has_every_number(base: str, tmp_path: Path) -> None:
    given = [tiny.verdict(sample) for sample in tiny.samples(30)]
    held = [replace(tiny.problem(99), prompt=f" EVALUATE: {i}") for i in range(5)]
    workspace = Workspace.create(tmp_path / ".axiom")
    adapter = train(given, base, CONFIG, workspace, screen=lambda found: overlapping_samples(found, held))
    assert (adapter.rows, adapter.extra["selection"]["screened"]) == (25, 5)
    assert adapter.extra["selection"]["weights"] == {"min": 1.0, "mean": 1.0, "max": 1.0}
    with pytest.raises(NothingToDoError) as caught:
        train(given, base, CONFIG, workspace, screen=lambda found: set(range(len(found))))
    assert "--decontaminate" in caught.value.hint


def test_many_samples_that_were_cut_off_are_told_of(base: str, tmp_path: Path) -> None:
    given = [tiny.verdict(sample) for sample in tiny.samples(30)]
    cut = [tiny.verdict(tiny.sample(tiny.problem(60 + i), "Ans", finish="length"), "fail") for i in range(10)]
    notes: list[str] = []
    train(
        [*given, *cut],
        base,
        CONFIG,
        Workspace.create(tmp_path / ".axiom"),
        observer=TrainingObserver(warn=notes.append),
    )
    assert "25% of the samples ran into their length limit: raise --max-tokens of axiom solve" in notes


def test_what_passed_after_feedback_answers_the_problem_alone_and_is_marked() -> None:
    of = tiny.problem(9)
    talk = [
        {"role": "user", "content": of.prompt},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "no"},
    ]
    failed = tiny.verdict(tiny.sample(of, "Answer: 2", token_ids=[1]), "fail")
    extra = {"messages": talk, "prompt_digest": "of the conversation", "votes": 1}
    again = Sample(of, failed.sample.model, "scripted", {}, 1, 2, "Answer: 1", token_ids=[1], logprob=-3.0, extra=extra)
    selection = select_solutions([failed, tiny.verdict(again)], CONFIG)
    (example,) = selection.examples
    sample = example.verdict.sample
    assert (sample.attempt, sample.logprob, sample.token_ids) == (2, None, [1])
    assert sample.extra == {"votes": 1}
    assert selection.counts()["retried"] == 1 and "1 kept (1 after feedback)" in selection.summary
    assert "retried" not in select_solutions(attempts(1, ["a"], 1), CONFIG).counts()
