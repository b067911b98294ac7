"""Gates: what a run is held against before it spends hours, and at the start of each round while it does.

A gate warns where time is likely to be wasted, and stops the run (GateFailedError) where nothing can come of it, unless
`--ignore-gates` says otherwise. Each says its reason in numbers, and what to type next. `axiom loop --plan` asks the
same functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import ceil

from axiom_cli.errors import GateFailedError
from axiom_cli.evaluation.frontier import FEWEST
from axiom_cli.evaluation.metrics import tally
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.rejection_sampling import MANY_CUT_OFF
from axiom_cli.records import Problem, Verdict
from axiom_cli.statistics import minimum_detectable_paired

MOST_CUT_OFF = 0.5
"""Share of samples that ran into their length limit, from which on a run stops. It warns from MANY_CUT_OFF on."""
WELL_FORMED, LEAST_WELL_FORMED = 0.8, 0.5
"""Shares of samples from which an answer or a program can be read, below which a run warns and stops."""
ONE_SIDED = 0.9
"""Share of problems without any signal, above which a run stops: every sample fails, or every one passes; where
attempts are compared, both of these together."""
ENOUGH_PROBLEMS = 20
"""With fewer problems, shares say too little to judge a round by."""
CHANGED = 0.25
"""Share of the test problems that a run gains or loses: nano's runs change a fifth to a quarter of them."""
SMALL_GAIN = 0.1
"""A run whose test cannot show this gain is warned of it."""
NEARLY_FULL = 0.8
"""Share of the free memory or disk above which a run warns."""
LOWER = "choose easier levels or families, raise --samples, or start from a stronger model"
SHOW = "raise --samples, start from a stronger --model, or let one teach it first: --coldstart 200 --teacher MODEL"
"""What to do where nothing is solved: of problems that families draw, and of those that are as they are."""
ANYWAY = "--ignore-gates runs anyway"


@dataclass(frozen=True)
class Finding:
    """What a gate has found: the reason in numbers, what to type next, and whether it stops the run."""

    reason: str
    hint: str
    stops: bool


def enforce(findings: Iterable[Finding], warn: Callable[[str], None], *, ignored: bool = False) -> None:
    """Warns of what was found. Raises GateFailedError at the first finding that stops a run, unless gates are
    `ignored`."""
    for finding in findings:
        if finding.stops and not ignored:
            raise GateFailedError(finding.reason, f"{finding.hint}; {ANYWAY}")
        warn(f"{finding.reason}: {finding.hint}")


def check_samples(
    verdicts: Sequence[Verdict], objective: str, iteration: int = 0, *, climbs: bool = False
) -> Iterator[Finding]:
    """What the first samples of a round show: cut off, not well-formed, nothing to learn from. A model that has come to
    solve everything after some rounds does not stop the run before its test, and in a climb harder problems follow."""
    problems = [problem for problem in chain(*tally(verdicts).values()) if problem.judged]
    if len(problems) < ENOUGH_PROBLEMS:
        return
    judged = sum(problem.judged for problem in problems)
    first = f"of the first {judged:,} samples"
    cut_off = sum(problem.truncated for problem in problems) / judged
    if cut_off >= MANY_CUT_OFF:
        reason = f"{cut_off:.0%} {first} ran into their length limit"
        yield Finding(reason, "raise --max-tokens", cut_off >= MOST_CUT_OFF)
    formed = sum(problem.parsed for problem in problems) / judged
    if formed < WELL_FORMED:
        reason = f"an answer can be read from only {formed:.0%} {first}"
        hint = "let a teacher show the format first (--coldstart 200), or choose a model that follows instructions"
        yield Finding(reason, hint, formed < LEAST_WELL_FORMED)
    yield from _signal(
        sum(not problem.passed for problem in problems) / len(problems),
        sum(problem.passed == problem.judged for problem in problems) / len(problems),
        f"of the first {len(problems):,} problems",
        easier=LOWER if any("origin" in verdict.sample.problem.extra for verdict in verdicts) else SHOW,
        compares=OBJECTIVES[objective].compares,
        fresh=iteration == 0,
        climbs=climbs,
    )


def _signal(  # noqa: PLR0913 - shares, and what they are said of
    unsolved: float, solved: float, first: str, *, easier: str, compares: bool, fresh: bool, climbs: bool
) -> Iterator[Finding]:
    """The finding where more than ONE_SIDED of the problems are of one kind."""
    harder = "raise --min-difficulty and --max-difficulty, or choose other problems"
    if unsolved > ONE_SIDED:
        yield Finding(f"{unsolved:.0%} {first} are solved by no sample", easier, stops=True)
    elif solved > ONE_SIDED and not climbs:
        yield Finding(f"{solved:.0%} {first} are solved by every sample: little is left to learn", harder, stops=fresh)
    elif compares and unsolved + solved > ONE_SIDED:
        reason = f"the samples of {unsolved + solved:.0%} {first} all pass or all fail: there is nothing to compare"
        yield Finding(reason, "raise --samples or --temperature, or choose --objective sft", stops=True)


def check_test_size(problems: int, *, endless: bool = True) -> Iterator[Finding]:
    """Whether this number of test problems can show the gain to be hoped for. A file cannot give more (`endless`)."""
    detectable = detectable_gain(problems)
    if detectable <= SMALL_GAIN:
        return
    enough = next(hundreds for hundreds in range(100, 10_000, 100) if detectable_gain(hundreds) <= SMALL_GAIN)
    if detectable >= 1:
        reason = f"{problems:,} test problems cannot show any gain, however large"
    else:
        reason = f"{problems:,} test problems can only show gains above {100 * detectable:.0f} points"
    more = f"--test-size {enough}" if endless else f"--test with a file of {enough} problems"
    yield Finding(reason, f"{more} shows {100 * SMALL_GAIN:.0f} points", detectable >= 1)


def check_climb(
    shares: Mapping[tuple[str, int], float], val: Sequence[Problem], *, endless: bool = True
) -> Iterator[Finding]:
    """Whether each family's level in `shares` has enough validation problems to tell whether the model may climb beyond
    it. They are dealt out by these shares; a file cannot give more (`endless`)."""
    judges = Counter((problem.family, problem.level) for problem in val)
    fewest = min((judges[cell] for cell in shares), default=FEWEST)
    if fewest < FEWEST:
        few = f"one level has {fewest}" if fewest else "some levels have none"
        reason = f"a climb needs {FEWEST} validation problems at each level, and {few}"
        enough = ceil(FEWEST / min(shares.values()) - 1e-9)
        more = f"--val-size {enough} gives {FEWEST} to each" if endless else "--curriculum fixed has no climb"
        yield Finding(reason, more, stops=False)


def check_headroom(rate: float, problems: int) -> Iterator[Finding]:
    """Whether this number of test problems can show what a start model with this pass rate has left to gain."""
    if (detectable := detectable_gain(problems)) > 1 - rate:
        reason = (
            f"the start model solves {rate:.0%} of the validation problems, so {100 * (1 - rate):.0f} points are left"
        )
        shown = f"{problems:,} test problems can only show gains above {min(100, 100 * detectable):.0f} points"
        yield Finding(f"{reason}, and {shown}", "choose harder problems, or a larger test", stops=False)


def detectable_gain(problems: int) -> float:
    """The smallest gain that this number of paired problems shows with 80 % power, if a share CHANGED changes."""
    changed = round(CHANGED * problems)
    return minimum_detectable_paired([1.0] * changed + [0.0] * (problems - changed))


def check_room(needed: float, free: float, what: str, hint: str) -> Iterator[Finding]:
    """Whether `needed` bytes of `what` (memory, disk) are free."""
    if needed > NEARLY_FULL * free:
        reason = f"the run needs about {size(needed)} of {what}, and {size(free)} are free"
        yield Finding(reason, hint, needed > free)


def size(count: float) -> str:
    """Bytes as people say them: `310 MiB`, `1.2 GiB`."""
    mebibytes = count / 2**20
    return f"{mebibytes:,.0f} MiB" if mebibytes < 1000 else f"{mebibytes / 1024:,.1f} GiB"
