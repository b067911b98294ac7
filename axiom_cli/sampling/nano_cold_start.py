"""nano's cold start: its problems, and the solver-teacher's traces of them. A loop replays a share of these."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from axiom_cli.models import Resolved, nano
from axiom_cli.problems.families import draw, teacher
from axiom_cli.records import ModelRef, Problem, Sample

LISTINGS = ("register_machine", "robot_walk", "queue_listing", "bracket_listing", "stack_listing")
"""What the default run climbs: taught at levels 1 to 3 alone, so at most 9 lines."""
OTHERS = ("arithmetic", "rpn", "parentheses", "list_ops")
COPYING = "copy_listing"
FAMILIES = (*LISTINGS, *OTHERS)
SEED = 20_000
COUNTS: dict[str, dict[int, int]] = {
    **dict.fromkeys(LISTINGS, {1: 2500, 2: 4000, 3: 5500}),
    "stack_listing": {1: 2500, 2: 5000, 3: 7500},
    COPYING: {1: 3000, 2: 4000, 3: 8000, 4: 13000},
    **dict.fromkeys(OTHERS, {1: 2500, 2: 3500}),
}
"""Solutions of each family at each level. Listings of up to 14 lines are copied, in words of their own: how a label is
found and a line repeated is learnt at any length, and how a longer listing is carried out is not shown."""


def suits(model: Resolved) -> bool:
    """Whether a model was taught these traces: nano, or one that was trained from it, which has nano's tokenizer."""
    own, theirs = (folder / "tokenizer.json" for folder in (nano.WEIGHTS, model.path))
    return theirs.is_file() and theirs.read_bytes() == own.read_bytes()


def problems(share: float = 1.0) -> Iterator[Problem]:
    """The problems of the cold start, or the first `share` of every family and level; the lower levels first."""
    for level in range(1, max(map(max, COUNTS.values())) + 1):
        for family, counts in COUNTS.items():
            if level in counts:
                count = max(1, round(share * counts[level]))
                yield from islice(draw.stream(family, level, "train", SEED, "answer"), count)


@lru_cache(maxsize=2)  # of a run and of its control: several runs in one process draw them once
def samples(share: float = 1.0) -> tuple[Sample, ...]:
    """The teacher's traces, as samples. Their ids are left to the tokenizer."""
    model = ModelRef("solver", "solver")
    taught = ((problem, teacher.teach(problem)) for problem in problems(share))
    return tuple(Sample(problem, model, "solver", {}, 0, 0, text) for problem, text in taught if text is not None)


def held() -> dict[str, dict[int, int]]:
    """How many solutions of each family and level the cold start holds."""
    return {family: dict(counts) for family, counts in COUNTS.items()}
