"""A climb: the levels that a round draws its problems from follow what is solved (docs/decisions/0039).

A family's top is the highest level that it trains on. What is validated of a model decides whether the top moves, so
what it is follows from the metrics, and a run that is resumed climbs as it did before. With `--climb-from` a top rises
where most of it is solved, and never falls. With `--curriculum bands` it may fall again; between the two rates it
stays, so that noise does not move it to and fro.

A level has few validation problems, the same ones after each round. Should they be harder than their level is, a model
that solves the levels above would wait below this one for good. So rates are fitted in such a way that no level is
easier than the one below it (docs/decisions/0050).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from axiom_cli.evaluation.metrics import ALL, temperature
from axiom_cli.experiment.curriculum import Bucket, buckets
from axiom_cli.importing.splitting import Supply
from axiom_cli.records import Metrics
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.statistics import falling_fit

RAISE, LOWER = 0.7, 0.3
"""Rates of the top from which on it rises, and below which it falls; the latter with `--curriculum bands` alone."""
BAND = 0.2, 0.8
"""Rates of the levels below the top that a band trains on beside it."""
FITTED = "rates that rise from one level to a higher one are replaced by their mean (isotonic regression)"
ENOUGH = 10
"""A family is out of reach if a model solves none of this many of its validation problems."""
CLIMB_RULE = (
    f"a family trains on levels up to climb_from; after each validation, on levels up to the lowest whose rate is "
    f"under {RAISE:g}; no level is given up; {FITTED}"
)
BANDS_RULE = (
    f"a family trains at its top level, and at those below it of which the model solves {BAND[0]:g} to {BAND[1]:g} of "
    f"the validation problems; the top is climb_from (or min_difficulty) at first, rises by a level after each "
    f"validation in which a model solves {RAISE:g} of it or more, and falls by one where it solves less than "
    f"{LOWER:g}; {FITTED}"
)


def start_level(config: LoopConfig) -> int:
    """The level at which the families' tops begin; 0 where a run trains at all levels."""
    return config.climb_from or (config.min_difficulty if config.curriculum == "bands" else 0)


def rule(config: LoopConfig) -> str:
    """What config.json says of a climb before its first round; empty where there is none."""
    if config.curriculum == "bands":
        return BANDS_RULE
    return CLIMB_RULE if config.climb_from else ""


def first_tops(supply: Supply, start: int) -> dict[str, int]:
    """The top of each family before the first evaluation: its highest level up to `start`, or else its lowest one. None
    has a top where `start` is 0: then there is no climb."""
    tops: dict[str, int] = {}
    for bucket in buckets(supply) if start else ():  # the lower levels first
        if bucket.level <= start or bucket.family not in tops:
            tops[bucket.family] = bucket.level
    return tops


def climbing(supply: Supply, tops: Mapping[str, int]) -> dict[Bucket, float]:
    """Where the problems of the families come from that have a level above their top, each with its share of a run's
    problems that are drawn evenly; empty where none can climb."""
    every = buckets(supply)
    total = sum(every.values())
    rising = {bucket.family for bucket in every if bucket.level > tops.get(bucket.family, bucket.level)}
    return {bucket: weight / total for bucket, weight in every.items() if bucket.family in rising}


def raised(tops: Mapping[str, int], rows: Iterable[Metrics]) -> dict[str, int]:
    """The tops after the evaluation of these rows: each rises to the lowest validated level whose rate is under RAISE,
    or to the last one."""
    rates = _rates(tops, rows)
    return {family: _first_unsolved(rates[family], top) for family, top in tops.items()}


def moved(tops: Mapping[str, int], rows: Iterable[Metrics]) -> dict[str, int]:
    """The tops of bands after the evaluation of these rows: one level up from RAISE on, one down below LOWER."""
    rates = _rates(tops, rows)
    return {family: _moved(rates[family], top) for family, top in tops.items()}


def banded(tops: Mapping[str, int], rates: Mapping[tuple[str, int], float]) -> dict[tuple[str, int], float]:
    """Rates by family and level that make a band practise its levels alike, and the others next to never."""
    low, high = BAND
    return {
        (family, level): 0.5 if level == tops.get(family) or low <= rate <= high else 0.0
        for (family, level), rate in rates.items()
    }


def out_of_reach(rows: Iterable[Metrics]) -> list[str]:
    """The families where at least ENOUGH validation problems were tried, and none was solved."""
    overall = (row for row in rows if row.family != ALL and not row.level and not temperature(row))
    return [row.family for row in overall if row.n >= ENOUGH and not row.passed]


def levels_text(tops: Mapping[str, int]) -> str:
    """`levels up to 5`, or where families differ, `levels up to 5 (rpn), 4 (modular)`."""
    levels = set(tops.values())
    named = ", ".join(f"{top} ({family})" for family, top in tops.items())
    return f"levels up to {levels.pop() if len(levels) == 1 else named}"


def _rates(tops: Mapping[str, int], rows: Iterable[Metrics]) -> dict[str, dict[int, float]]:
    """The greedy rates of the families that have a top, by level, fitted to fall from level to level."""
    validated: dict[str, dict[int, Metrics]] = {family: {} for family in tops}
    for row in rows:
        if row.level and row.n and row.family in validated and not temperature(row):
            validated[row.family][row.level] = row
    fitted = {}
    for family, by_level in validated.items():
        levels = sorted(by_level)
        rates = falling_fit([by_level[level].passed for level in levels], [by_level[level].n for level in levels])
        fitted[family] = dict(zip(levels, rates, strict=True))
    return fitted


def _first_unsolved(rates: Mapping[int, float], top: int) -> int:
    """The lowest validated level, `top` or above, whose rate is under RAISE, or else the last one; `top` itself where
    it is not validated."""
    validated = sorted(level for level in rates if level >= top)
    if top not in validated:
        return top
    return next((level for level in validated if rates[level] < RAISE), validated[-1])


def _moved(rates: Mapping[int, float], top: int) -> int:
    """The validated level after `top` from RAISE on, the one before it below LOWER, else `top`."""
    if top not in rates or LOWER <= rates[top] < RAISE:
        return top
    levels = sorted(rates)
    place = levels.index(top) + (1 if rates[top] >= RAISE else -1)
    return levels[min(max(place, 0), len(levels) - 1)]
