"""The replay buffer: a round's rows are 50 % new, 40 % historical and 10 % cold start, by loss tokens.

Earlier data is accumulated, not replaced (2404.01413), and the rarest historical problems come first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, groupby
from typing import TypeVar

from axiom_cli.ids import content_id
from axiom_cli.learning.preference import balanced
from axiom_cli.learning.rejection_sampling import Deduplicator
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.percentages import parse_percentages
from axiom_cli.records import Sample

SLICES = ("new", "history", "cold")
WORDS: Mapping[str, str] = {"new": "new", "history": "historical", "cold": "cold start"}
REFILL: Mapping[str, tuple[str, ...]] = {
    "new": ("history", "cold"),
    "history": ("new", "cold"),
    "cold": ("new", "history"),
}
"""Who takes over what a slice cannot fill, in order."""
MAX_PER_PROBLEM = 4
"""Distinct solutions of a problem in a round."""

Examples = Sequence[TrainingExample]
Unit = TypeVar("Unit")


@dataclass(frozen=True)
class Mix:
    """A round's rows. `tokens` are loss tokens by slice, `shares` what they came to."""

    examples: list[TrainingExample]
    tokens: dict[str, int]

    @property
    def shares(self) -> dict[str, float]:
        """The realised share of each slice; they add up to 1."""
        total = sum(self.tokens.values())
        return {name: tokens / total if total else 0.0 for name, tokens in self.tokens.items()}

    @property
    def summary(self) -> str:
        """What there is and the realised shares: `1,655 rows: 90 % new, 10 % cold start`."""
        parts = [f"{100 * share:.0f} % {WORDS[name]}" for name, share in self.shares.items() if share]
        return f"{len(self.examples):,} row{'s' * (len(self.examples) != 1)}{': ' if parts else ''}{', '.join(parts)}"


def parse_shares(text: str) -> dict[str, float]:
    """`50/40/10` as shares that add up to 1, by slice. UsageError for anything else."""
    meaning = "the percentages of new, historical and cold-start rows, none of them below 0"
    return dict(zip(SLICES, parse_percentages("--replay", text, "50/40/10", meaning), strict=True))


def loss_tokens(sample: Sample) -> int:
    """Tokens of a completion; an estimate from its words where neither ids nor a count are known."""
    return len(sample.token_ids) or sample.tokens or len(sample.text.split()) + 1


def mix_solutions(  # noqa: PLR0913 - three slices, their shares, and the size of the whole
    new: Examples,
    history: Examples,
    cold: Examples,
    shares: Mapping[str, float],
    seed: int = 0,
    *,
    total: int | None = None,
) -> Mix:
    """A round's rows of `total` loss tokens; without it as many as use up all new rows (the first slice that has any).

    A solution that is in two slices counts in the first; at most MAX_PER_PROBLEM distinct ones of a problem count.
    Where a slice runs short, REFILL says who takes its place, so that round 0 gives the share of the history to new
    solutions. Weights are scaled to a mean of 1 in each slice: they act among its rows, and the shares stay shares of
    the loss. Where new rows have the whole share, they stay as they were selected: that is what `axiom train` learns of
    the same verdicts.
    """

    if new and shares["new"] == 1 and total is None:
        used = sum(loss_tokens(example.verdict.sample) for example in new)
        return Mix(list(new), {**dict.fromkeys(SLICES, 0), "new": used})

    def place(example: TrainingExample) -> tuple[float, str]:
        """The rarest first; equals in an order that the seed says."""
        sample = example.verdict.sample
        return -example.weight, content_id([seed, sample.problem.id, sample.text], 16)

    deduplicator = Deduplicator(MAX_PER_PROBLEM)
    slices = {
        name: [example for example in sorted(given, key=place) if deduplicator.admit(example.verdict.sample)]
        for name, given in zip(SLICES, (new, history, cold), strict=True)
    }
    chosen, tokens = _fill_slices(slices, shares, total, lambda example: loss_tokens(example.verdict.sample))
    mixed: list[TrainingExample] = []
    for name, examples in chosen.items():
        mass = sum(loss_tokens(example.verdict.sample) * example.weight for example in examples)
        scaled = (replace(example, weight=example.weight * tokens[name] / mass) for example in examples)
        mixed += scaled if mass else examples
    return Mix(mixed, tokens)


def mix_problems(new: Examples, history: Examples, _cold: Examples, shares: Mapping[str, float], seed: int = 0) -> Mix:
    """A round's rows for an objective that compares, with as many loss tokens as use up all that is new: whole
    problems, each with all of its examples, in an order that the seed says, their weights as they are. The cold start,
    in which nothing fails, has nothing to compare."""

    def place(problem: list[TrainingExample]) -> str:
        return content_id([seed, problem[0].verdict.sample.problem.id], 16)

    def size(problem: list[TrainingExample]) -> int:
        return sum(loss_tokens(example.verdict.sample) for example in problem)

    slices = {
        name: sorted((list(group) for _, group in groupby(given, lambda e: e.verdict.sample.problem.id)), key=place)
        for name, given in zip(SLICES, (new, history, ()), strict=True)
    }
    chosen, tokens = _fill_slices(slices, shares, None, size)
    examples = [example for problems in chosen.values() for problem in problems for example in problem]
    return Mix(examples, tokens)


def mix_labels(new: Examples, history: Examples, cold: Examples, shares: Mapping[str, float], seed: int = 0) -> Mix:
    """As `mix_problems`, balanced over the whole round."""
    mix = mix_problems(new, history, cold, shares, seed)
    return replace(mix, examples=balanced(mix.examples))


def _fill_slices(
    slices: Mapping[str, Sequence[Unit]], shares: Mapping[str, float], total: float | None, size: Callable[[Unit], int]
) -> tuple[dict[str, list[Unit]], dict[str, int]]:
    """What is taken of each slice, and its loss tokens: from the front, until another unit would take the slice further
    from its budget than it is."""
    available = {name: sum(map(size, units)) for name, units in slices.items()}
    budget = allocate(available, shares, natural_total(available, shares) if total is None else total)
    chosen: dict[str, list[Unit]] = {name: [] for name in SLICES}
    used = dict.fromkeys(SLICES, 0)
    for name in SLICES:
        for unit in slices[name]:
            after = used[name] + size(unit)
            if after - budget[name] > budget[name] - used[name]:
                break
            chosen[name].append(unit)
            used[name] = after
    return chosen, used


def allocate(available: Mapping[str, int], shares: Mapping[str, float], total: float) -> dict[str, float]:
    """Tokens for each slice: its share of `total`, what it lacks going to others by REFILL."""
    budget = {name: min(available[name], shares[name] * total) for name in SLICES}
    for name in SLICES:
        lacking = shares[name] * total - budget[name] if available[name] < shares[name] * total else 0.0
        for other in REFILL[name]:
            room = max(0.0, available[other] - max(budget[other], shares[other] * total))
            taken = min(room, lacking)
            budget[other] += taken
            lacking -= taken
    return budget


def natural_total(available: Mapping[str, int], shares: Mapping[str, float]) -> float:
    """The total at which the first slice that has rows is used up, no more and no less."""
    lead = next((name for name in SLICES if available[name] and shares[name]), None)
    if lead is None:
        return 0.0
    others = [name for name in SLICES if name != lead]
    share = shares[lead] + sum(shares[name] for name in others if not available[name])
    others = [name for name in others if available[name]]
    return min(
        (available[lead] + sum(available[name] for name in short)) / (share + sum(shares[name] for name in short))
        for size in range(len(others) + 1)
        for short in combinations(others, size)
    )
