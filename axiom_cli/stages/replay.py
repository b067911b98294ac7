"""The replay buffer: a round's rows are 50 % new, 40 % historical and 10 % cold start, by loss tokens.

Earlier data is accumulated, not replaced (2404.01413), and the rarest historical problems come first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from axiom_cli.errors import UsageError
from axiom_cli.records import Sample
from axiom_cli.stages.select import Choice, Distinct, Selection, rarest_first

SLICES = ("new", "history", "cold")
WORDS: Mapping[str, str] = {"new": "new", "history": "historical", "cold": "cold start"}
REFILL: Mapping[str, tuple[str, ...]] = {
    "new": ("history", "cold"),
    "history": ("new", "cold"),
    "cold": ("new", "history"),
}
"""Who takes over what a slice cannot fill, in order."""
MORE = "lower --min-difficulty, or raise --samples or --train-size"

Count = Callable[[Sample], int]


@dataclass(frozen=True)
class Mix:
    """A round's rows. `tokens` are loss tokens by slice, `shares` what they came to, `wanted` what was asked for."""

    choices: list[Choice]
    tokens: dict[str, int]
    wanted: dict[str, float]

    @property
    def shares(self) -> dict[str, float]:
        """The realised share of each slice; they add up to 1."""
        total = sum(self.tokens.values())
        return {name: tokens / total if total else 0.0 for name, tokens in self.tokens.items()}

    @property
    def words(self) -> str:
        """What there is and the realised shares: `1,655 rows: 90 % new, 10 % cold start`."""
        parts = [f"{100 * share:.0f} % {WORDS[name]}" for name, share in self.shares.items() if share]
        return f"{len(self.choices):,} row{'s' * (len(self.choices) != 1)}{': ' if parts else ''}{', '.join(parts)}"


def fruitless(selection: Selection) -> str:
    """What to do about a round of samples among which there is no new solution."""
    if selection.verdicts and selection.infra == selection.verdicts:
        return "every verdict is infra, which says nothing of the sample: see the reason in each"
    if selection.truncated:
        return f"{selection.truncated:,} accepted solutions were cut off: raise --max-tokens"
    return MORE


def parse_shares(text: str) -> dict[str, float]:
    """`50/40/10` as shares that add up to 1, by slice. UsageError for anything else."""
    parts = text.split("/")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    if len(numbers) != len(SLICES) or min(numbers) < 0 or not 0 < sum(numbers) < float("inf"):
        raise UsageError(f"--replay {text}: not three shares", "new/history/cold start, such as 50/40/10")
    return {name: number / sum(numbers) for name, number in zip(SLICES, numbers, strict=True)}


def loss_tokens(sample: Sample) -> int:
    """Tokens of a completion; an estimate from its words where neither ids nor a count are known."""
    return len(sample.token_ids) or sample.tokens or len(sample.text.split()) + 1


def mix(
    new: Sequence[Choice],
    history: Sequence[Choice],
    cold: Sequence[Choice],
    shares: Mapping[str, float],
    total: int | None = None,
    limit: int = 4,
    seed: int = 0,
    count: Count = loss_tokens,
) -> Mix:
    """A round's rows of `total` loss tokens; without it as many as use up all new rows (the first slice that has any).

    A solution that is in two slices counts in the first; `limit` distinct ones of a problem over all. Where a slice
    runs short, REFILL says who takes its place, so that round 0 gives the share of the history to new solutions.
    Weights are scaled to a mean of 1 in each slice: they act among its rows, and the shares stay shares of the loss.
    """
    distinct = Distinct(limit)
    slices = {
        name: [choice for choice in rarest_first(given, seed) if distinct.admit(choice.verdict.sample)]
        for name, given in zip(SLICES, (new, history, cold), strict=True)
    }
    available = {name: sum(count(c.verdict.sample) for c in choices) for name, choices in slices.items()}
    budget = allocate(available, shares, natural_total(available, shares) if total is None else total)
    chosen = {name: list(_fill(slices[name], budget[name], count)) for name in SLICES}
    tokens = {name: sum(count(c.verdict.sample) for c in choices) for name, choices in chosen.items()}
    return Mix([choice for choices in chosen.values() for choice in _level(choices, count)], tokens, dict(shares))


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


def _level(choices: Sequence[Choice], count: Count) -> Iterator[Choice]:
    tokens = [count(choice.verdict.sample) for choice in choices]
    mass = sum(n * choice.weight for n, choice in zip(tokens, choices, strict=True))
    for choice in choices:
        yield replace(choice, weight=choice.weight * sum(tokens) / mass) if mass else choice


def _fill(choices: Sequence[Choice], budget: float, count: Count) -> Iterator[Choice]:
    """From the front, until another row would take the slice further from its budget than it is."""
    used = 0
    for choice in choices:
        tokens = count(choice.verdict.sample)
        if used + tokens - budget > budget - used:
            return
        used += tokens
        yield choice
