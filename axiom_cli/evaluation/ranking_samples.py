"""The scored samples of a stream of verdicts: each is checked, and counted once even where files overlap. Several value
functions may have scored them, in one pass (`values`) or one after the other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

from axiom_cli.errors import InputError
from axiom_cli.evaluation.ranking_metrics import Scored
from axiom_cli.ids import content_id
from axiom_cli.records import ModelRef, Sample, Verdict
from axiom_cli.sampling.strategies.public_tests import public_passes
from axiom_cli.sampling.strategies.self_consistency import ballots
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.caching_verifier import CachingVerifier

HINT = "axiom solve --value-function NAME | axiom verify writes such verdicts"
ROUNDING = 0.05
"""How far the value of a sample may move when it is scored beside others: bfloat16 has three digits."""
CHOSEN = {"candidates": "value", "voters": "vote"}
"""Field in which a strategy that returns one sample a problem says how many there were -> name of the strategy."""


class Score(NamedTuple):
    """What a value function says of a sample."""

    value: float
    by: ModelRef
    seen: bool


class Occurrence(NamedTuple):
    """What a row says of its sample, the text by its hash."""

    row: int
    text: int
    verdict: bool
    value: float


@dataclass
class ScoredSamples:
    """What was read from the verdicts: who scored and who wrote the samples (by digest), of each value function the
    held-out samples by problem, and how many it was fitted on or were repeated; and how many could not be judged."""

    value_functions: dict[str, ModelRef] = field(default_factory=dict)
    models: dict[str, ModelRef] = field(default_factory=dict)
    groups: dict[str, dict[str, list[Scored]]] = field(default_factory=lambda: defaultdict(dict))
    seen: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    infra: int = 0


def read_scored(verdicts: Iterable[Verdict]) -> ScoredSamples:
    """Reads the verdicts once, those of a problem side by side; holds a few numbers a sample.

    InputError naming the row where a sample has no value from 0 to 1, is the only one returned of several, or
    contradicts an earlier row.
    """
    scored = ScoredSamples()
    with CachingVerifier(VerifyConfig()) as verifier:
        for problem, group in groupby(_unique(verdicts, scored), key=lambda one: one[0].sample.problem.id):
            held = list(group)
            samples = [verdict.sample for verdict, _ in held]
            passes = public_passes(samples, verifier)
            for (verdict, scores), ballot, passed in zip(held, ballots(samples, verifier), passes, strict=True):
                for score in scores:
                    by_problem = scored.groups[score.by.digest].setdefault(problem, [])
                    by_problem.append(Scored(score.value, verdict.passed, ballot, passed))
    return scored


def _unique(verdicts: Iterable[Verdict], scored: ScoredSamples) -> Iterator[tuple[Verdict, list[Score]]]:
    """The judged ones with the scores by functions that hold them out, each score once; the others are counted in
    `scored`."""
    first_rows: dict[tuple[Any, ...], Occurrence] = {}
    for row, verdict in enumerate(verdicts, 1):
        if verdict.status == "infra":
            scored.infra += 1
            continue
        sample, fresh = verdict.sample, []
        for score in _scores(sample, row):
            digest = score.by.digest
            scored.value_functions[digest], scored.models[sample.model.digest] = score.by, sample.model
            identity = (
                *(digest, sample.model.digest, sample.problem.id),
                *(content_id(sample.params, 16), sample.index, sample.attempt),
            )
            occurrence = Occurrence(row, hash(sample.text), verdict.passed, score.value)
            first = first_rows.setdefault(identity, occurrence)
            if first is not occurrence:
                _refuse_contradiction(first, occurrence, sample)
                scored.repeated[digest] += 1
            elif score.seen:
                scored.seen[digest] += 1
            else:
                fresh.append(score)
        if fresh:
            yield verdict, fresh


def _scores(sample: Sample, row: int) -> list[Score]:
    """What each value function says of a sample, the one that chooses first. InputError where none does, or the sample
    stands for others that were left out."""
    where = f"row {row}: a sample of problem {sample.problem.id}"
    more = sample.extra.get("values", [])
    scores = [_score(fields, where) for fields in (sample.extra, *(more if isinstance(more, list) else ["damaged"]))]
    for count, strategy in CHOSEN.items():
        if count in sample.extra:
            raise InputError(
                f"{where} was chosen from {sample.extra[count]} that are not in the input",
                f"leave out --strategy {strategy}: every sample is needed",
            )
    return scores


def _score(fields: Any, where: str) -> Score:
    value, by = (fields.get("value"), fields.get("value_by")) if isinstance(fields, dict) else (None, None)
    if value is None or not isinstance(by, dict):
        raise InputError(f"{where} has no value", HINT)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
        raise InputError(f"{where} has the value {value!r:.40}, which is not a probability from 0 to 1", HINT)
    return Score(float(value), ModelRef.from_dict(by), bool(fields.get("value_seen")))


def _refuse_contradiction(first: Occurrence, later: Occurrence, sample: Sample) -> None:
    """Raises InputError where two rows say different things of `sample`."""
    differs = [name for name in ("text", "verdict") if getattr(first, name) != getattr(later, name)]
    differs += ["value"] * (abs(first.value - later.value) > ROUNDING)
    if differs:
        raise InputError(
            f"row {later.row}: sample {sample.index} of problem {sample.problem.id} has another {differs[0]} than in "
            f"row {first.row}",
            "report verdicts of one run, or of runs with different seeds",
        )
