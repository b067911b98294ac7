"""Wrong verdicts, planted on purpose: how much of a run's gain comes from the verdicts being right (2502.01612).

Only what a round learns from is changed, and only at the families and levels of which the start model solves at most
60 %: where most samples are right, unfiltered ones teach nearly as well as filtered ones. The model is judged as ever,
solutions/ holds what really passed, and a planted verdict says what it was: `planted` has the true status.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from difflib import SequenceMatcher
from random import Random

from axiom_cli.errors import UsageError
from axiom_cli.evaluation.metrics import ALL, HARD, temperature
from axiom_cli.learning.rejection_sampling import solution_key
from axiom_cli.problems import answer_types
from axiom_cli.problems.answers import read_answer
from axiom_cli.records import Metrics, Sample, Verdict
from axiom_cli.settings.configs import LoopConfig

Cell = tuple[str, int]
"""A family at one level."""


def check_wrong_labels(config: LoopConfig) -> None:
    """UsageError for settings with which planted verdicts say nothing."""
    if not config.wrong_labels:
        return
    if config.control:
        fault = "--wrong-labels and --control do not go together"
        raise UsageError(
            fault, "the same run without --wrong-labels is what it is compared with; controls belong to it"
        )
    if config.wrong_labels_kind == "own" and config.solve.samples < 2:
        fault = f"--wrong-labels-kind own needs several samples of each problem: --samples {config.solve.samples}"
        raise UsageError(fault, "choose --samples 4, or --wrong-labels-kind random or near")


def hard_cells(rows: Iterable[Metrics]) -> set[Cell]:
    """The families and levels of which a model solves at most HARD of the problems, greedily."""
    return {
        (row.family, row.level)
        for row in rows
        if row.level and row.family != ALL and not temperature(row) and row.n and row.rate <= HARD
    }


def plant(verdicts: Sequence[Verdict], share: float, kind: str, cells: Collection[Cell], seed: int) -> list[Verdict]:
    """The verdicts with this share of those in `cells` turned round. Infra verdicts, and those on samples that were cut
    off, from which nothing is learnt, stay as they are.

    Which passes become failures is chance. As many failures become passes as chance would choose: with `random` the
    chosen ones, with `near` those whose answers come closest to the right one, with `own` those whose wrong answer the
    model gives most often to the problem.
    """
    random = Random(f"{seed}/wrong labels")
    places = [
        place
        for place, verdict in enumerate(verdicts)
        if (verdict.sample.problem.family, verdict.sample.problem.level) in cells
        and verdict.status != "infra"
        and verdict.sample.finish == "stop"
    ]
    chosen = random.sample(places, round(share * len(places)))
    accepted = [place for place in chosen if not verdicts[place].passed]
    if kind != "random":
        failed = [place for place in places if not verdicts[place].passed]
        random.shuffle(failed)
        accepted = sorted(failed, key=_order(verdicts, failed, kind))[: len(accepted)]
    out = list(verdicts)
    for place in (*accepted, *(place for place in chosen if verdicts[place].passed)):
        out[place] = _turned(verdicts[place], kind)
    return out


def planted(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """How many verdicts were planted, by what they say now."""
    counts = Counter(verdict.status for verdict in verdicts if "planted" in verdict.extra)
    return {"pass": counts["pass"], "fail": counts["fail"]}


def counts_text(verdicts: Sequence[Verdict]) -> str:
    """What was planted, in a sentence."""
    counts = planted(verdicts)
    turned = f"{counts['pass']:,} failures count as passes, {counts['fail']:,} passes as failures"
    return f"{sum(counts.values()):,} of {len(verdicts):,} verdicts are turned round: {turned}"


def _turned(verdict: Verdict, kind: str) -> Verdict:
    status, passed = ("fail", 0) if verdict.passed else ("pass", verdict.total_tests)
    extra = {**verdict.extra, "planted": {"status": verdict.status, "kind": kind}}
    return replace(verdict, status=status, passed_tests=passed, reason=f"planted wrong verdict ({kind})", extra=extra)


def _order(verdicts: Sequence[Verdict], failed: Sequence[int], kind: str) -> Callable[[int], float]:
    """Which of the failed ones come first: the smallest number."""
    if kind == "near":
        return {place: distance(verdicts[place]) for place in failed}.__getitem__
    answers = {place: _answer(verdicts[place].sample) for place in failed}
    times = Counter((verdicts[place].sample.problem.id, answers[place]) for place in failed)
    return {place: -times[verdicts[place].sample.problem.id, answers[place]] for place in failed}.__getitem__


def distance(verdict: Verdict) -> float:
    """How far a wrong sample is from a right one: the share of a program's tests that it fails; of numbers the relative
    error; of other answers the share of characters that differ. Infinite where no answer can be read."""
    problem = verdict.sample.problem
    if problem.answer is None:
        return 1 - verdict.passed_tests / max(1, verdict.total_tests)
    answer = read_answer(verdict.sample.text)
    if answer is None:
        return math.inf
    with suppress(ValueError):
        given, right = float(answer), float(problem.answer)
        if math.isfinite(given):
            return abs(given - right) / (1 + abs(right))
    return 1 - SequenceMatcher(None, answer, problem.answer, autojunk=False).ratio()


def _answer(sample: Sample) -> str:
    """What a sample answers, however it is written; of a program, what it does."""
    answer = read_answer(sample.text) if sample.problem.answer is not None else None
    return answer_types.ballot(sample.problem, answer) if answer else solution_key(sample)
