"""Whether a long run grokked: a jump of what is held out, long after what is trained on was solved.

A search for the best place to split fifty noisy rates always finds some jump, so the rule is fixed before the first
round (config.json holds it), and its p-value compares the jump with those found in the same curve without its order:
blocks of it, put together at random (circular block bootstrap, Politis and Romano 1992; blocks keep what neighbouring
rounds have in common). A curve that rises step by step has a best place to split, too. So the jump must also be sudden.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from axiom_cli.evaluation.metrics import ALL, temperature
from axiom_cli.records import Metrics

LEAST_ROUNDS = 30
DRAWS, SEED, BLOCK = 999, 0, 5
EDGE = 5
"""Models on either side of a changepoint, at least."""
ALPHA, LEAST_JUMP, LEAST_LEAD = 0.01, 0.2, 5
SOLVED, FINAL = 0.9, 5
"""Training is solved from the first round that reaches SOLVED of the mean rate of the FINAL last ones."""
SUDDEN, WINDOW = 0.5, 3
"""The share of the jump that lies between the WINDOW models before it and those after it."""
RULE = (
    f"with {LEAST_ROUNDS} rounds or more: the changepoint of the held-out curve (greedy validation rate by model) is "
    f"the split of the largest |jump| * sqrt(k (n - k) / n), with at least {EDGE} models on either side; p by {DRAWS} "
    f"draws of a circular block bootstrap (blocks of {BLOCK}, seed {SEED}); grokking is announced only if p < {ALPHA}, "
    f"the rate jumps by {LEAST_JUMP} or more, the training rate had passed {SOLVED} of its final value (mean of the "
    f"last {FINAL} rounds) at least {LEAST_LEAD} rounds before, more than {EDGE} models lie on either side, and the "
    f"jump is sudden: {SUDDEN} of it or more lies between the {WINDOW} models before and the {WINDOW} after it"
)
"""What config.json says of it before the first round."""


@dataclass(frozen=True)
class Grokking:
    """The test of a run. `place` is the first model after the held-out changepoint and `jump` the change of the mean
    rate there; `lag` is how many rounds it lies after the changepoint of the training curve, and `lead` after the round
    from which training was solved. `sudden` is the share of the jump between the models next to it."""

    rounds: int
    place: int
    jump: float
    p: float
    lag: int
    lead: int
    sudden: float

    @property
    def announced(self) -> bool:
        """Whether the rule says grokking."""
        return (
            self.p < ALPHA
            and self.jump >= LEAST_JUMP
            and self.lead >= LEAST_LEAD
            and self.sudden >= SUDDEN
            and EDGE < self.place < self.rounds + 1 - EDGE
        )

    def sentence(self) -> str:
        """The result in words."""
        where = f"the largest step of the validation rate is {100 * self.jump:+.1f} points at model {self.place}"
        facts = f"{where} (p = {self.p:.3f}, {self.lead} rounds after training was solved)"
        return f"grokking: {facts}" if self.announced else f"no grokking by the rule in config.json: {facts}"

    def to_dict(self) -> dict[str, Any]:
        """For a record."""
        return {**asdict(self), "announced": self.announced}


def split(curve: Sequence[float]) -> tuple[int, float]:
    """The place of the best split of a curve (the first value after it), and the jump of the mean there. ValueError for
    a curve that is too short to have one."""
    import numpy

    values_N = numpy.asarray(curve, float)
    if len(values_N) < 2 * EDGE:
        raise ValueError(f"{len(values_N)} values have no changepoint with {EDGE} on either side")
    place = int(_statistics(values_N[None])[0].argmax()) + EDGE
    return place, float(values_N[place:].mean() - values_N[:place].mean())


def p_value(curve: Sequence[float]) -> float:
    """How often blocks of the curve, put together at random, have a split as good as its own."""
    import numpy

    values_N = numpy.asarray(curve, float)
    random, n = numpy.random.default_rng(SEED), len(values_N)
    starts_RB = random.integers(0, n, (DRAWS, -(-n // BLOCK)))
    places_RN = (starts_RB[:, :, None] + numpy.arange(BLOCK)).reshape(DRAWS, -1)[:, :n] % n
    drawn_R = _statistics(values_N[places_RN]).max(axis=1)
    own = _statistics(values_N[None]).max()
    return float((1 + (drawn_R >= own - 1e-12).sum()) / (DRAWS + 1))


def _statistics(values_RN: Any) -> Any:
    """|jump| * sqrt(k (n - k) / n) of each row at each place k from EDGE on."""
    import numpy

    n = values_RN.shape[1]
    k = numpy.arange(EDGE, n - EDGE + 1)
    before_RK = values_RN.cumsum(axis=1)[:, k - 1]
    after_RK = values_RN.sum(axis=1, keepdims=True) - before_RK
    return abs(after_RK / (n - k) - before_RK / k) * numpy.sqrt(k * (n - k) / n)


def grokking(training: Sequence[float], held_out: Sequence[float]) -> Grokking | None:
    """The test on the training rates of the rounds and the held-out rates of the models 0, 1, ..., one more than there
    are rounds. None for fewer than LEAST_ROUNDS rounds."""
    rounds = len(training)
    if rounds < LEAST_ROUNDS or len(held_out) != rounds + 1:
        return None
    place, jump = split(held_out)
    solved = SOLVED * sum(training[-FINAL:]) / FINAL
    since = next(number for number, rate in enumerate(training) if rate >= solved)
    near = sum(held_out[place : place + WINDOW]) / WINDOW - sum(held_out[place - WINDOW : place]) / WINDOW
    return Grokking(
        rounds=rounds,
        place=place,
        jump=round(jump, 6),
        p=p_value(held_out),
        lag=place - split(training)[0],
        lead=place - since,
        sudden=round(near / jump, 6) if jump else 0.0,
    )


def of_rows(rows: Iterable[Metrics], experiment: str) -> Grokking | None:
    """The test on the records of a run: the share of samples that passed in each round, drawn by the model before it,
    and the greedy validation rates, which every round has; of a long run only some models are tested."""
    training: dict[int, float] = {}
    held_out: dict[int, float] = {}
    for row in rows:
        if row.experiment != experiment or (row.family, row.level) != (ALL, 0):
            continue
        if row.extra.get("phase") == "collect":
            training[row.iteration] = row.rate
        elif row.split == "val" and row.extra.get("phase") == "evaluate" and not temperature(row):
            held_out[row.iteration] = row.rate
    rounds = len(training)
    if sorted(training) != [*range(rounds)] or sorted(held_out) != [*range(rounds + 1)]:
        return None
    in_order: Mapping[str, list[float]] = {
        "training": [training[number] for number in range(rounds)],
        "held_out": [held_out[number] for number in range(rounds + 1)],
    }
    return grokking(**in_order)
