"""The scored samples of a stream of verdicts: each is checked, and counted once even where files overlap."""

from __future__ import annotations

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


class Occurrence(NamedTuple):
    """What a row says of its sample, the text by its hash."""

    row: int
    text: int
    verdict: bool
    value: float


@dataclass
class ScoredSamples:
    """What was read from the verdicts: the held-out samples by problem, who scored and who wrote them (by digest), and
    how many could not be judged, were fitted on, or are repeated."""

    groups: dict[str, list[Scored]] = field(default_factory=dict)
    value_functions: dict[str, ModelRef] = field(default_factory=dict)
    models: dict[str, ModelRef] = field(default_factory=dict)
    infra: int = 0
    seen: int = 0
    repeated: int = 0


def read_scored(verdicts: Iterable[Verdict]) -> ScoredSamples:
    """Reads the verdicts once, those of a problem side by side; holds a few numbers a sample.

    InputError naming the row where a sample has no value from 0 to 1, is the only one returned of several, or
    contradicts an earlier row.
    """
    scored = ScoredSamples()
    with CachingVerifier(VerifyConfig()) as verifier:
        for problem, group in groupby(_unique(verdicts, scored), key=lambda verdict: verdict.sample.problem.id):
            held = list(group)
            samples = [verdict.sample for verdict in held]
            passes = public_passes(samples, verifier)
            scored.groups.setdefault(problem, []).extend(
                Scored(float(verdict.sample.extra["value"]), verdict.passed, ballot, passed)
                for verdict, ballot, passed in zip(held, ballots(samples, verifier), passes, strict=True)
            )
    return scored


def _unique(verdicts: Iterable[Verdict], scored: ScoredSamples) -> Iterator[Verdict]:
    """The judged and held-out ones, each sample once; the others are counted in `scored`."""
    first_rows: dict[tuple[Any, ...], Occurrence] = {}
    for row, verdict in enumerate(verdicts, 1):
        if verdict.status == "infra":
            scored.infra += 1
            continue
        sample, value = verdict.sample, _value(verdict.sample, row)
        scorer = ModelRef.from_dict(sample.extra["value_by"])
        scored.value_functions[scorer.digest], scored.models[sample.model.digest] = scorer, sample.model
        identity = (
            *(scorer.digest, sample.model.digest, sample.problem.id),
            *(content_id(sample.params, 16), sample.index, sample.attempt),
        )
        occurrence = Occurrence(row, hash(sample.text), verdict.passed, value)
        first = first_rows.setdefault(identity, occurrence)
        if first is not occurrence:
            _refuse_contradiction(first, occurrence, sample)
            scored.repeated += 1
        elif sample.extra.get("value_seen"):
            scored.seen += 1
        else:
            yield verdict


def _value(sample: Sample, row: int) -> float:
    """P(correct) of a sample. InputError where it has none, or stands for others that were left out."""
    value, where = sample.extra.get("value"), f"row {row}: a sample of problem {sample.problem.id}"
    if value is None or not isinstance(sample.extra.get("value_by"), dict):
        raise InputError(f"{where} has no value", HINT)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
        raise InputError(f"{where} has the value {value!r:.40}, which is not a probability from 0 to 1", HINT)
    for count, strategy in CHOSEN.items():
        if count in sample.extra:
            raise InputError(
                f"{where} was chosen from {sample.extra[count]} that are not in the input",
                f"leave out --strategy {strategy}: every sample is needed",
            )
    return float(value)


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
