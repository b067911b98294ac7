"""Audit: do the families keep their promises? One row for each family and form, measured on fresh draws.

- two independent solvers agree (the second reads nothing but the prompt);
- one prompt, one answer, and it stands whole in the line that a reader takes it from;
- no problem in two levels, two splits, or twice in a stream, nor again but for case and white space;
- hidden tests tell the reference from its mutants; what is shown is not graded;
- no trivial guess pays: the most frequent answer of a level, or words copied from the prompt;
- a level is not so poor in problems that a model could learn them by heart;
- the same place has the same problem, in another process, too.

The order of words counts: 3 + 5 and 5 + 3 are two problems.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from typing import Any

from axiom_cli.audit import guess_rate
from axiom_cli.audit.findings import Row, judged
from axiom_cli.audit.guess_rate import Tasks, Watch, unwatched
from axiom_cli.audit.programs import Mutants, audit_handwritten, check_program
from axiom_cli.audit.reproducibility import fingerprint, in_fresh_process
from axiom_cli.audit.supply import supply
from axiom_cli.errors import NothingToDoError, UsageError
from axiom_cli.problems import answers, decontamination, families
from axiom_cli.problems.families import draw, handwritten, oracles, plug_ins, teacher
from axiom_cli.problems.families.family import Family
from axiom_cli.settings.configs import AuditConfig

PROGRAM_SHARE = 100
SLOW_SHARE = 10
MUTATED = 20
TOLD = 20
SHOWN = 60
"""Characters that are kept of an answer, or of a program's record, to be shown."""
DEFAULT = AuditConfig()


@dataclass(frozen=True)
class Asked:
    """What one audit is asked: how many draws, and whether `count` problems of each level can be had in `splits`."""

    draws: int
    count: int
    splits: tuple[str, ...]
    seed: int = 0
    watch: Watch = unwatched

    def of(self, family: Family, form: str) -> int:
        """The draws of a form: a program is a hundred times the work of an answer."""
        return self.draws if form == "answer" else max(len(family.has), self.draws // PROGRAM_SHARE)


def audit(
    names: Sequence[str] = (),
    draws: int = DEFAULT.draws,
    count: int = DEFAULT.count,
    split: str = DEFAULT.split,
    jobs: int = 1,
    watch: Callable[[str], None] | None = None,
) -> Iterator[dict[str, Any]]:
    """One row a family and form, in their order; all families and the hand-written problems without `names`.

    A row that did not pass has `passed` false and `failures` in words: then the command exits 6. In the program form,
    where a draw is a hundred times the work, `draws` counts for a hundredth; where a family is slow, fewer repeats and
    guesses are looked for. That `count` problems of a level are not to be had in `split` (in any, if it is empty) is no
    failure, but a note. `jobs` families are audited side by side, 0 stands for one a core; of a single one `watch` is
    told how far it is, but for a plug-in. Raises, at the call, MissingError for an unknown family and UsageError for
    a split.
    """
    wanted = list(names) or [*families.working(), handwritten.FAMILY]
    for name in wanted:
        if name != handwritten.FAMILY:
            families.get(name)
    asked = _asked(draws, count, split)
    jobs = min(jobs or os.cpu_count() or 1, len(wanted))
    if jobs == 1:
        watched = replace(asked, watch=watch or unwatched)
        return (row for name in wanted for row in _alone(name, asked, watched))
    return _side_by_side(wanted, asked, jobs)


def audit_family(
    family: Family, draws: int = DEFAULT.draws, count: int = DEFAULT.count, split: str = DEFAULT.split, seed: int = 0
) -> Iterator[dict[str, Any]]:
    """One row a form of this family, which need not be installed: for the tests of plug-ins."""
    asked = _asked(draws, count, split, seed)
    return (_audited(family, form, asked).to_dict() for form in family.forms)


def _asked(draws: int, count: int, split: str, seed: int = 0) -> Asked:
    if split and split not in draw.SPLITS:
        raise UsageError(f"no split called {split!r}", f"there are {', '.join(draw.SPLITS)}")
    return Asked(draws, count, (split,) if split else tuple(draw.SPLITS), seed)


def _rows(name: str, asked: Asked) -> list[dict[str, Any]]:
    if name == handwritten.FAMILY:
        return [audit_handwritten().to_dict()]
    family = families.get(name)
    return [_audited(family, form, asked).to_dict() for form in family.forms]


def _alone(name: str, asked: Asked, watched: Asked) -> Iterator[dict[str, Any]]:
    """The rows of one family: here, and watched, but for a plug-in, whose code may end the process that it runs in."""
    foreign = name in plug_ins.entries() and name not in families.BUILT_IN
    yield from _side_by_side([name], asked, 1) if foreign else _rows(name, watched)


def _side_by_side(names: list[str], asked: Asked, jobs: int) -> Iterator[dict[str, Any]]:
    """The rows in the order of `names`. Whoever stops listening stops the work. Where a family takes its process down,
    those that had no row yet are looked at again, each in a process of its own."""
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("fork"))
    told, again = 0, list[str]()
    try:
        for rows in pool.map(_rows, names, [asked] * len(names)):
            yield from rows
            told += 1
    except BrokenProcessPool:
        again = names[told:] if len(names) > 1 else []
        if not again:
            yield from _lost(names[0])
    except BaseException:
        for process in multiprocessing.active_children():
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    for name in again:
        yield from _side_by_side([name], asked, 1)


def _lost(name: str) -> Iterator[dict[str, Any]]:
    """The rows of a family whose process ended."""
    for form in families.get(name).forms:
        row = Row(name, form)
        row.failures.append("it ended the process that it ran in")
        yield judged(row).to_dict()


def _audited(family: Family, form: str, asked: Asked) -> Row:
    row = Row(family.name, form)
    try:
        _examine(row, family if family.name in families.BUILT_IN else plug_ins.checked(family), asked)
        _look_for_chance(row, family)
    except (Exception, SystemExit) as error:  # a family's own code may raise anything, and that is a finding
        row.failures.append(f"after {row.draws:,} draws: {plug_ins.described(error)}")
    return judged(row)


def _examine(row: Row, family: Family, asked: Asked) -> None:
    form, count = row.form, asked.of(family, row.form)

    def watch(text: str) -> None:
        asked.watch(f"{family.name} ({form}): {text}")

    tasks = _examine_draws(row, family, count, asked.seed, watch)
    each = count // len(family.has)
    row.collisions += _collisions(family, form, asked.seed, each // SLOW_SHARE if family.slow else each, watch)
    if form == "answer":
        row.guess = guess_rate.worst_guess_rate(family, asked.seed, each, tasks, watch)
    row.supply = supply(family, form, asked.count, asked.splits, asked.seed, tasks, watch)


def _examine_draws(row: Row, family: Family, count: int, seed: int, watch: Watch) -> Tasks:
    """Puts each draw to the test. What was drawn of a slow family, by level: nobody has to draw it again."""
    met, mutated = Met(), Mutants()
    kept: dict[int, list[Any]] = {level: [] for level in family.has}
    for n in range(count):
        level = family.has[n % len(family.has)]
        if n % TOLD == 0:
            watch(f"{n:,} of {count:,} draws")
        drawn = draw.draw_one(family, level, row.form, Random(f"{seed}/audit/{family.name}/{level}/{n}"))
        row.draws += 1
        truth = json.dumps(drawn.program.to_dict()) if drawn.program else family.answer(drawn.task)
        met.look(row, drawn, truth, level, draw.owner(drawn.id, family.shared(drawn.task, level, row.form)))
        if drawn.program and drawn.exercise:
            check_program(row, drawn.prompt, drawn.program, level, family)
            if n < MUTATED:
                mutated.add(drawn.exercise, drawn.program)
        else:
            _check_answer(row, family, drawn, level)
            if family.slow:
                kept[level].append(drawn.task)
    row.mutation_score, row.distinct = mutated.score(), len(met)
    return kept


class Met:
    """What was asked so far, by digests: each has one answer and one level, and no twin."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[bytes, int, str]] = {}
        self._bare: dict[bytes, str] = {}

    def __len__(self) -> int:
        return len(self._known)

    def look(self, row: Row, drawn: draw.Drawn, truth: str, level: int, owner: int) -> None:
        """Counts what is wrong in `row`. A twin has the same answer, and differs in white space or case alone."""
        right, words = _digest(truth), decontamination.normalize(drawn.asked)
        known = self._known.setdefault(_digest(words), (right, owner, truth[:SHOWN]))
        row.count("ambiguous", known[0] != right, level, drawn.prompt, known[2], truth[:SHOWN])
        twin = (
            self._bare.setdefault(_digest("\n".join(decontamination.normalize_case(words, truth))), drawn.id)
            != drawn.id
        )
        row.count("collisions", known[1] != owner or twin, level, drawn.prompt, truth[:SHOWN])


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _check_answer(row: Row, family: Family, drawn: draw.Drawn, level: int) -> None:
    answer, other = family.answer(drawn.task), oracles.answer(family.name, drawn.prompt)
    other = family.second(drawn.prompt) if other is None else other
    row.compared += other is not None
    if family.open_ended:
        problem = guess_rate.as_problem(family, drawn.task, level)
        row.several += other not in (None, answer)
        wrong = any(family.judge(problem, one) is False for one in {other or answer, answer})
    else:
        wrong = other not in (None, answer)
    row.count("disagreements", wrong, level, drawn.prompt, answer, other)
    read = answers.read_answer(teacher.solution(family, drawn.task))
    row.count("ambiguous", read != answer, level, drawn.prompt, answer, read)
    row.count("leaks", answers.MARK in drawn.prompt, level, drawn.prompt, answer)


def _collisions(family: Family, form: str, seed: int, count: int, watch: Watch) -> int:
    """Problems met again in their own stream, at another level, or in another split, among `count` a level of train
    and a tenth of that of each other split, as they are drawn."""
    met: Counter[str] = Counter()
    for split, buckets in draw.SPLITS.items():
        size = max(1, count if split == "train" else count * len(buckets) // 10)
        for level in family.has:
            watch(f"repeats at level {level} of {split}")
            met.update(_asked_of(family, level, split, seed, form, size))
    return met.total() - len(met)


def _asked_of(family: Family, level: int, split: str, seed: int, form: str, count: int) -> Iterator[str]:
    try:
        for drawn in islice(draw.draws(family, level, split, seed, form), count):
            yield drawn.asked
    except NothingToDoError:
        return


def _look_for_chance(row: Row, family: Family) -> None:
    """The same place has the same problem: drawn again, and drawn by a process in which strings have other hashes."""
    first = fingerprint(family, row.form)
    if fingerprint(family, row.form) != first:
        row.failures.append("drawn again, the first problems are others")
        return
    other = in_fresh_process(family, row.form)
    if other not in (None, first):
        told = "the first problems are others" if len(other) == len(first) else other
        row.failures.append(f"in another process: {told}")
