"""Audit: do the families keep their promises? One row for each family and form, measured on fresh draws.

- two independent solvers agree (the second reads nothing but the prompt);
- one prompt, one answer, and it stands whole in the line that a reader takes it from;
- no problem in two levels, two splits, or twice in a stream;
- hidden tests tell the reference from its mutants; what is shown is not graded;
- no trivial guess pays: the most frequent answer, or a word copied from the prompt.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Any

from axiom_cli import answers, families
from axiom_cli.errors import NothingToDo
from axiom_cli.families import draw, handwritten, programs, second, teacher
from axiom_cli.families.family import LEVELS, Exercise, Family
from axiom_cli.records import Program
from axiom_cli.stages import mutants

PROGRAM_SHARE = 100
LEAST_TESTS = 15
LEAST_SCORE = 0.9
MOST_GUESSED = 0.25
MUTATED = 20
CALLS = 150
GUESSED = 200


@dataclass
class Row:
    """What was found of one family in one form. `problems` says in words what is wrong; empty if nothing is."""

    family: str
    form: str
    draws: int = 0
    distinct: int = 0
    disagreements: int = 0
    ambiguous: int = 0
    several: int = 0
    collisions: int = 0
    leaks: int = 0
    guessable: float | None = None
    mutation_score: float | None = None
    failures: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary, `passed` included; what was not measured is left out."""
        found = {name: value for name, value in vars(self).items() if value is not None}
        return {"kind": "audit", **found, "passed": not self.failures}


def audit(
    names: Sequence[str] = (), draws: int = 10_000, split: str = "test", seed: int = 0
) -> Iterator[dict[str, Any]]:
    """One row a family and form, as soon as it is known; all families and the hand-written problems without `names`.

    A row that did not pass has `passed` false and `failures` in words: then the command exits 6. In the program form,
    where a draw is a hundred times the work, `draws` counts for a hundredth. `split` is the one whose problems are
    looked for among those of the other splits. Raises MissingError for an unknown family.
    """
    wanted = list(names) or [*families.names(), handwritten.FAMILY]
    found = [None if name == handwritten.FAMILY else families.get(name) for name in wanted]
    for family in found:
        if family is None:
            yield _audit_handwritten().to_dict()
        else:
            yield from audit_family(family, draws, split, seed)


def audit_family(
    family: Family, draws: int = 10_000, split: str = "test", seed: int = 0
) -> Iterator[dict[str, Any]]:
    """One row a form of this family, which need not be installed: for the tests of plug-ins."""
    for form in family.forms:
        count = draws if form == "answer" else max(len(LEVELS), draws // PROGRAM_SHARE)
        yield _audit_form(family, form, count, split, seed).to_dict()


def _audit_form(family: Family, form: str, count: int, split: str, seed: int) -> Row:
    row = Row(family.name, form)
    met: dict[str, tuple[str, int]] = {}
    guesses: Counter[str] = Counter()
    killed = different = 0
    for n in range(count):
        level = LEVELS[n % len(LEVELS)]
        drawn = draw.draw_one(family, level, form, Random(f"{seed}/audit/{family.name}/{level}/{n}"))
        row.draws += 1
        _look_for_ambiguity(row, family, drawn, level, met)
        if drawn.program and drawn.exercise:
            _check_program(row, drawn.prompt, drawn.program, family.name)
            if n < MUTATED:
                scores = _mutation(drawn.exercise, drawn.program)
                killed, different = killed + scores[0], different + scores[1]
        else:
            _check_answer(row, family, drawn, guesses)
    row.distinct = len(met)
    row.collisions += _collisions(family, form, split, seed, count // len(LEVELS))
    row.mutation_score = round(killed / different, 4) if different else None
    row.guessable = round(max(guesses.values()) / row.draws, 4) if guesses else None
    if family.open_ended:
        row.guessable = max(_accepted_guesses(family, level, seed) for level in LEVELS)
    return _judged(row)


def _look_for_ambiguity(
    row: Row, family: Family, drawn: draw.Drawn, level: int, met: dict[str, tuple[str, int]]
) -> None:
    """One prompt has one answer, and is owned by one level."""
    truth = family.answer(drawn.task) if drawn.program is None else json.dumps(drawn.program.to_dict())
    form = "answer" if drawn.program is None else "program"
    owner = draw.owner(drawn.id, family.shared(drawn.task, level, form))
    known = met.setdefault(" ".join(drawn.prompt.split()), (truth, owner))
    row.ambiguous += known[0] != truth
    row.collisions += known[1] != owner


def _check_answer(row: Row, family: Family, drawn: draw.Drawn, guesses: Counter[str]) -> None:
    answer = family.answer(drawn.task)
    other = second.answer(family.name, drawn.prompt)
    if family.open_ended:
        row.several += other not in (None, answer)
        row.disagreements += not all(family.accepts(drawn.prompt, one) for one in (other, answer) if one is not None)
    else:
        row.disagreements += other is not None and other != answer
    row.ambiguous += answers.read_answer(teacher.solution(family, drawn.task)) != answer
    row.leaks += answers.MARK in drawn.prompt
    words = drawn.prompt.split()
    guesses.update({f"always {answer}"} | ({"the last word"} if words[-1] == answer else set()))


def _accepted_guesses(family: Family, level: int, seed: int) -> float:
    """The share of prompts of a level for which the answer to one of a few others is right, too."""
    tasks = [family.draw(Random(f"{seed}/guess/{family.name}/{level}/{n}"), level) for n in range(GUESSED)]
    prompts, found = [family.statement(task) for task in tasks], Counter(map(family.answer, tasks))
    guesses = [answer for answer, _times in found.most_common(len(LEVELS))]
    return max(sum(family.accepts(prompt, guess) for prompt in prompts) for guess in guesses) / GUESSED


def _check_program(row: Row, prompt: str, program: Program, family: str) -> None:
    tests = program.tests or []
    other = second.function(family, prompt, program.entry_point)
    reference = programs.compiled(program.reference or "", program.entry_point)
    for test in [*tests, *program.examples]:
        results = [mutants.outcome(function, test["args"]) for function in (other, reference) if function]
        row.disagreements += any(repr(result) != repr(("value", test["expected"])) for result in results)
    shown = [case["args"] for case in program.examples]
    row.leaks += any(test["args"] in shown for test in tests) or (program.reference or "-") in prompt
    if len({json.dumps(test["args"]) for test in tests}) < LEAST_TESTS:
        row.failures.append(f"fewer than {LEAST_TESTS} distinct tests: {prompt:.80}")


def _mutation(exercise: Exercise, program: Program) -> tuple[int, int]:
    random = Random("mutation calls")
    calls = [exercise.arguments(random) for _ in range(CALLS)]
    return mutants.score(
        exercise.reference, lambda source: programs.compiled(source, exercise.entry_point), program.tests or [], calls
    )


def _collisions(family: Family, form: str, split: str, seed: int, count: int) -> int:
    """Problems of `split` that are met again: in their own stream, at another level, or in another split."""
    own: Counter[str] = Counter()
    for level in LEVELS:
        own.update(_ids(family, level, split, seed, form, count))
    others = {
        identity
        for other in draw.SPLITS
        if other != split
        for level in LEVELS
        for identity in _ids(family, level, other, seed, form, count)
    }
    return sum(times - 1 for times in own.values()) + len(own.keys() & others)


def _ids(family: Family, level: int, split: str, seed: int, form: str, count: int) -> Iterator[str]:
    try:
        for drawn in islice(draw.draws(family, level, split, seed, form), count):
            yield drawn.id
    except NothingToDo:
        return


def _audit_handwritten() -> Row:
    row = Row(handwritten.FAMILY, "program")
    killed = different = 0
    for problem in handwritten.problems():
        exercise, program = handwritten.exercise(problem.id), problem.program
        if program is None:
            continue
        row.draws += 1
        _check_program(row, problem.prompt, program, handwritten.FAMILY)
        scores = _mutation(exercise, program)
        killed, different = killed + scores[0], different + scores[1]
    row.distinct = len({problem.prompt for problem in handwritten.problems()})
    row.mutation_score = round(killed / different, 4)
    return _judged(row)


def _judged(row: Row) -> Row:
    """The row with what is wrong put into words."""
    counted = {
        "second solver disagrees": row.disagreements,
        "prompts with more than one answer": row.ambiguous,
        "problems met in two places": row.collisions,
        "prompts that give the answer away": row.leaks,
    }
    row.failures += [f"{what}: {times}" for what, times in counted.items() if times]
    if row.mutation_score is not None and row.mutation_score < LEAST_SCORE:
        row.failures.append(f"mutation score {row.mutation_score:.2f}, at least {LEAST_SCORE} is wanted")
    if row.guessable is not None and row.guessable > MOST_GUESSED:
        row.failures.append(f"one guess is right {row.guessable:.0%} of the time")
    return row
