"""Audit: do the families keep their promises? One row for each family and form, measured on fresh draws.

- two independent solvers agree (the second reads nothing but the prompt);
- a prompt has one answer, and it stands whole in the line that a reader takes it from;
- no problem is in two levels, in two splits, or twice in a stream, even with other case and white space;
- hidden tests tell the reference from its mutants, and what is shown is not graded;
- no trivial guess pays: the most frequent answer of a level, or words copied from the prompt;
- no level has so few problems that a model could memorise them;
- the nth problem is the same when it is drawn again, in another process too.

The order of words counts: 3 + 5 and 5 + 3 are two problems.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any

from axiom_cli.audit.findings import AuditRow, conclude
from axiom_cli.audit.guess_rate import as_problem, worst_guess_rate
from axiom_cli.audit.programs import MutationCount, audit_handwritten, check_program
from axiom_cli.audit.reproducibility import fingerprint, in_fresh_process
from axiom_cli.audit.request import PROGRAM_SHARE, AuditRequest, Progress, Tasks
from axiom_cli.audit.supply import supply
from axiom_cli.errors import NothingToDoError
from axiom_cli.problems import answers, decontamination, families
from axiom_cli.problems.families import draw, handwritten, oracles, plug_ins, teacher
from axiom_cli.problems.families.family import Family
from axiom_cli.settings.configs import AuditConfig

SLOW_SHARE = 10
MUTATED = 20
REPORT_EVERY = 20
SHOWN = 60
"""Characters kept of an answer, or of a program's record, to be shown."""
DEFAULT = AuditConfig()


def audit(
    names: Sequence[str] = (), config: AuditConfig = DEFAULT, progress: Progress | None = None
) -> Iterator[dict[str, Any]]:
    """One row a family and form, in order. Without `names`, of all families and the hand-written problems.

    A row that does not pass has `passed` false and `failures` in words. In the program form, where a draw is a hundred
    times the work, a hundredth of `config.draws` are made; of a slow family fewer repeats and guesses are examined. Too
    few problems for `config.count` in `config.split` (in any split, if it is empty) is a note, not a failure.
    `config.jobs` families are audited in parallel, 0 means one a core. `progress` is called if one job audits families
    that are not plug-ins. Raises, at the call, MissingError for an unknown family and UsageError for an unknown split.
    """
    wanted = list(names) or [*families.working(), handwritten.FAMILY]
    for name in wanted:
        if name != handwritten.FAMILY:
            families.get(name)
    request = _request(config.draws, config.count, config.split)
    jobs = min(config.jobs or os.cpu_count() or 1, len(wanted))
    if jobs > 1:
        return _in_processes(wanted, request, jobs)
    watched = replace(request, progress=progress) if progress else request

    def rows(name: str) -> Iterable[dict[str, Any]]:
        plug_in = name in plug_ins.entries() and name not in families.BUILT_IN
        # The code of a plug-in may end the process that it runs in.
        return _in_processes([name], request, 1) if plug_in else _rows(name, watched)

    return (row for name in wanted for row in rows(name))


def audit_family(
    family: Family, draws: int = DEFAULT.draws, count: int = DEFAULT.count, split: str = DEFAULT.split, seed: int = 0
) -> Iterator[dict[str, Any]]:
    """One row a form of this family, which need not be installed: for the tests of plug-ins."""
    request = _request(draws, count, split, seed)
    return (_audit_form(family, form, request).to_dict() for form in family.forms)


def _request(draws: int, count: int, split: str, seed: int = 0) -> AuditRequest:
    return AuditRequest(draws, count, (split,) if split else tuple(draw.SPLITS), seed)


def _rows(name: str, request: AuditRequest) -> list[dict[str, Any]]:
    if name == handwritten.FAMILY:
        return [audit_handwritten().to_dict()]
    family = families.get(name)
    return [_audit_form(family, form, request).to_dict() for form in family.forms]


def _in_processes(names: list[str], request: AuditRequest, jobs: int) -> Iterator[dict[str, Any]]:
    """The rows in the order of `names`. Closing the iterator stops the work. Where a family ends its process, those
    without rows so far are audited again, each in a process of its own."""
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("fork"))
    finished, again = 0, list[str]()
    try:
        for rows in pool.map(_rows, names, [request] * len(names)):
            yield from rows
            finished += 1
    except BrokenProcessPool:
        again = names[finished:] if len(names) > 1 else []
        if not again:
            for form in families.get(names[0]).forms:
                row = AuditRow(names[0], form)
                row.failures.append("it ended the process that it ran in")
                yield conclude(row).to_dict()
    except BaseException:
        for process in multiprocessing.active_children():
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    for name in again:
        yield from _in_processes([name], request, 1)


def _audit_form(family: Family, form: str, request: AuditRequest) -> AuditRow:
    row = AuditRow(family.name, form)

    def progress(text: str) -> None:
        request.progress(f"{family.name} ({form}): {text}")

    try:
        checked = family if family.name in families.BUILT_IN else plug_ins.checked(family)
        _measure(row, checked, replace(request, progress=progress))
        _check_reproducible(row, family)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a family's own code may raise anything: a finding
        row.failures.append(f"after {row.draws:,} draws: {plug_ins.describe_error(error)}")
    return conclude(row)


def _measure(row: AuditRow, family: Family, request: AuditRequest) -> None:
    # A program is a hundred times the work of an answer.
    draws = request.draws if row.form == "answer" else max(len(family.has), request.draws // PROGRAM_SHARE)
    draws_a_level = draws // len(family.has)
    tasks = _check_draws(row, family, draws, request)
    row.collisions += _repeats(family, row.form, draws_a_level // SLOW_SHARE if family.slow else draws_a_level, request)
    if row.form == "answer":
        row.guess = worst_guess_rate(family, request.seed, draws_a_level, tasks, request.progress)
    row.supply = supply(family, row.form, request, tasks)


def _check_draws(row: AuditRow, family: Family, draws: int, request: AuditRequest) -> Tasks:
    """Checks each draw. Returns the tasks of a slow family by level, so that they need not be drawn again."""
    prompts, mutation = SeenPrompts(), MutationCount()
    tasks: dict[int, list[Any]] = {level: [] for level in family.has}
    for n in range(draws):
        level = family.has[n % len(family.has)]
        if n % REPORT_EVERY == 0:
            request.progress(f"{n:,} of {draws:,} draws")
        drawn = draw.draw_one(family, level, row.form, Random(f"{request.seed}/audit/{family.name}/{level}/{n}"))
        row.draws += 1
        truth = json.dumps(drawn.program.to_dict()) if drawn.program else family.answer(drawn.task)
        prompts.check_prompt(row, drawn, truth, level, draw.owner(drawn.id, family.shared(drawn.task, level, row.form)))
        if drawn.program and drawn.exercise:
            check_program(row, drawn.prompt, drawn.program, level, family)
            if n < MUTATED:
                mutation.add(drawn.exercise, drawn.program)
        else:
            _check_answer(row, family, drawn, level)
            if family.slow:
                tasks[level].append(drawn.task)
    row.mutation_score, row.distinct = mutation.score(), len(prompts)
    return tasks


class SeenPrompts:
    """The prompts so far, as digests. Each must have one answer and one level, and no twin."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[bytes, int, str]] = {}
        self._without_case: dict[bytes, str] = {}

    def __len__(self) -> int:
        return len(self._known)

    def check_prompt(self, row: AuditRow, drawn: draw.Drawn, truth: str, level: int, owner: int) -> None:
        """Adds to `row` what is wrong. A twin has the same answer and differs in white space or case alone."""
        words = decontamination.normalize(drawn.asked)
        answer, known_owner, shown = self._known.setdefault(_digest(words), (_digest(truth), owner, truth[:SHOWN]))
        if answer != _digest(truth):
            row.add("ambiguous", level, drawn.prompt, shown, truth[:SHOWN])
        without_case = _digest("\n".join(decontamination.normalize_case(words, truth)))
        has_twin = self._without_case.setdefault(without_case, drawn.id) != drawn.id
        if known_owner != owner or has_twin:
            row.add("collisions", level, drawn.prompt, truth[:SHOWN])


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _check_answer(row: AuditRow, family: Family, drawn: draw.Drawn, level: int) -> None:
    answer, other = family.answer(drawn.task), oracles.answer(family.name, drawn.prompt)
    other = family.second(drawn.prompt) if other is None else other
    row.compared += other is not None
    if family.open_ended:
        problem = as_problem(family, drawn.task, level)
        row.several += other not in (None, answer)
        wrong = any(family.judge(problem, candidate) is False for candidate in {other or answer, answer})
    else:
        wrong = other not in (None, answer)
    if wrong:
        row.add("disagreements", level, drawn.prompt, answer, other)
    read = answers.read_answer(teacher.solution(family, drawn.task))
    if read != answer:
        row.add("ambiguous", level, drawn.prompt, answer, read)
    if answers.MARK in drawn.prompt:
        row.add("leaks", level, drawn.prompt, answer)


def _repeats(family: Family, form: str, count: int, request: AuditRequest) -> int:
    """Problems that come again in their own stream, at another level, or in another split, among `count` a level of
    train and a tenth of that for each tenth of the problems that another split has."""
    times: Counter[str] = Counter()
    for split, buckets in draw.SPLITS.items():
        size = max(1, count if split == "train" else count * len(buckets) // 10)
        for level in family.has:
            request.progress(f"repeats at level {level} of {split}")
            try:
                for drawn in islice(draw.draws(family, level, split, request.seed, form), size):
                    times[drawn.asked] += 1
            except NothingToDoError:  # the level has no more
                continue
    return times.total() - len(times)


def _check_reproducible(row: AuditRow, family: Family) -> None:
    """The first problems must be the same when drawn again, and in a process in which strings have other hashes."""
    first = fingerprint(family, row.form)
    if fingerprint(family, row.form) != first:
        row.failures.append("drawn again, the first problems differ")
        return
    other = in_fresh_process(family, row.form)
    if other not in (None, first):
        reason = "the first problems differ" if len(other) == len(first) else other
        row.failures.append(f"in another process: {reason}")
