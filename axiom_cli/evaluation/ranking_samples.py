"""The scored samples of a stream of verdicts: each checked, and counted once though files of verdicts overlap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple

from axiom_cli.errors import InputError
from axiom_cli.evaluation.ranking_metrics import Scored
from axiom_cli.ids import content_id
from axiom_cli.records import ModelRef, Sample, Verdict
from axiom_cli.sampling.strategies.public_tests import on_examples
from axiom_cli.sampling.strategies.self_consistency import ballots
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.caching_verifier import CachingVerifier

SCORE = "axiom solve --value NAME | axiom verify writes such verdicts"
ROUNDING = 0.05
"""How far the value of a sample may move when it is scored beside others: bfloat16 has three digits."""
CHOSEN = {"candidates": "value", "voters": "vote"}
"""What a strategy that hands on one sample a problem says of how many there were, and its name."""


class Said(NamedTuple):
    """What a row says of its sample, the text by its hash."""

    row: int
    text: int
    verdict: bool
    value: float


@dataclass
class Read:
    """What was read off the verdicts: the held-out samples by problem, who scored them and whose they are; how many
    could not be judged, were fitted on, or came again."""

    groups: dict[str, list[Scored]] = field(default_factory=dict)
    by: dict[str, ModelRef] = field(default_factory=dict)
    models: dict[str, ModelRef] = field(default_factory=dict)
    infra: int = 0
    seen: int = 0
    repeated: int = 0


def held_out(verdicts: Iterable[Verdict]) -> Read:
    """Reads the verdicts once, those of a problem side by side; holds a few numbers a sample.

    InputError naming the row where a sample has no value from 0 to 1, is the only one handed on of several, or
    contradicts itself.
    """
    read = Read()
    with CachingVerifier(VerifyConfig()) as verifier:
        for problem, group in groupby(_once(verdicts, read), key=lambda verdict: verdict.sample.problem.id):
            read.groups.setdefault(problem, []).extend(_scored(list(group), verifier))
    return read


def _once(verdicts: Iterable[Verdict], read: Read) -> Iterator[Verdict]:
    """The judged and held-out ones, each sample once."""
    met: dict[tuple[Any, ...], Said] = {}
    for row, verdict in enumerate(verdicts, 1):
        if verdict.status == "infra":
            read.infra += 1
            continue
        sample, value = verdict.sample, _value(verdict.sample, row)
        by = ModelRef.from_dict(sample.extra["value_by"])
        read.by[by.digest], read.models[sample.model.digest] = by, sample.model
        said = Said(row, hash(sample.text), verdict.passed, value)
        before = met.setdefault((by.digest, *_identity(sample)), said)
        if before is not said:
            _agree(before, said, sample)
            read.repeated += 1
        elif sample.extra.get("value_seen"):
            read.seen += 1
        else:
            yield verdict


def _value(sample: Sample, row: int) -> float:
    """P(correct) of a sample. InputError where it has none, or stands for others that were left out."""
    value, where = sample.extra.get("value"), f"row {row}: a sample of problem {sample.problem.id}"
    if value is None or not isinstance(sample.extra.get("value_by"), dict):
        raise InputError(f"{where} has no value", SCORE)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= 1:
        raise InputError(f"{where} has the value {value!r:.40}, which is no probability from 0 to 1", SCORE)
    for count, strategy in CHOSEN.items():
        if count in sample.extra:
            raise InputError(
                f"{where} was chosen from {sample.extra[count]} that are not here",
                f"leave out --strategy {strategy}: every sample is needed",
            )
    return float(value)


def _identity(sample: Sample) -> tuple[Any, ...]:
    """What two records of one sample have in common."""
    return sample.model.digest, sample.problem.id, content_id(sample.params, 16), sample.index, sample.attempt


def _agree(before: Said, after: Said, sample: Sample) -> None:
    """Raises InputError where two rows say different things of `sample`."""
    differs = [name for name in ("text", "verdict") if getattr(before, name) != getattr(after, name)]
    differs += ["value"] * (abs(before.value - after.value) > ROUNDING)
    if differs:
        raise InputError(
            f"row {after.row}: sample {sample.index} of problem {sample.problem.id} has another {differs[0]} than in "
            f"row {before.row}",
            "report verdicts of one run, or of runs with different seeds",
        )


def _scored(held: Sequence[Verdict], verifier: CachingVerifier) -> list[Scored]:
    samples = [verdict.sample for verdict in held]
    shown = [verdict.passed_tests if verdict else 0 for verdict in on_examples(samples, verifier)]
    return [
        Scored(float(verdict.sample.extra["value"]), verdict.passed, ballot, passed)
        for verdict, ballot, passed in zip(held, ballots(samples, verifier), shown, strict=True)
    ]
