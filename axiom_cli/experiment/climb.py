"""A climb: the levels that a round draws its problems from grow as they are solved (docs/decisions/0039).

A family's top is the highest level that it trains on. What is validated of a model decides whether the top rises, so
what grew follows from the metrics, and a run that is resumed climbs as it did before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from axiom_cli.evaluation.frontier import SOLVED
from axiom_cli.evaluation.metrics import temperature
from axiom_cli.experiment.curriculum import buckets
from axiom_cli.importing.splitting import Supply
from axiom_cli.records import Metrics

RULE = (
    f"a family trains on levels up to climb_from, and on one more after each validation in which a model solves "
    f"{SOLVED:g} of the problems of its highest one; no level is given up"
)
"""What config.json says of a climb before its first round."""


def first_tops(supply: Supply, start: int) -> dict[str, int]:
    """The top of each family before the first evaluation: its highest level up to `start`, or else its lowest one. None
    has a top where `start` is 0: then there is no climb."""
    tops: dict[str, int] = {}
    for bucket in buckets(supply) if start else ():  # the lower levels first
        if bucket.level <= start or bucket.family not in tops:
            tops[bucket.family] = bucket.level
    return tops


def raised(tops: Mapping[str, int], rows: Iterable[Metrics]) -> dict[str, int]:
    """The tops after the evaluation of these rows: the family's next level where the top is solved, else the same."""
    rates: dict[str, dict[int, float]] = {family: {} for family in tops}
    for row in rows:
        if row.level and row.family in rates and not temperature(row):
            rates[row.family][row.level] = row.rate
    return {
        family: min((level for level in rates[family] if level > top), default=top)
        if rates[family].get(top, 0.0) >= SOLVED
        else top
        for family, top in tops.items()
    }


def told(tops: Mapping[str, int]) -> str:
    """`levels up to 5`, or where families differ, `levels up to 5 (rpn), 4 (modular)`."""
    levels = set(tops.values())
    named = ", ".join(f"{top} ({family})" for family, top in tops.items())
    return f"levels up to {levels.pop() if len(levels) == 1 else named}"
