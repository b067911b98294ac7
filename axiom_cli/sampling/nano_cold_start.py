"""nano's cold start: its problems, and the solver-teacher's traces of them. A loop replays a share of these."""

from __future__ import annotations

from collections.abc import Iterator

from axiom_cli.models import Resolved, nano
from axiom_cli.problems.families import draw, teacher
from axiom_cli.records import ModelRef, Problem, Sample

FAMILIES = ("arithmetic", "rpn", "parentheses", "list_ops")
SEED = 20_000
COUNTS = {1: 1600, 2: 3000, 3: 3000, 4: 2000, 5: 1200, 6: 600, 7: 300, 8: 100, 9: 50, 10: 50}
"""Solutions a family at each level. Every other one is worked out, the rest give the answer at once."""


def suits(model: Resolved) -> bool:
    """Whether a model was taught these traces: nano, or one that was trained from it, which has nano's tokenizer."""
    own, theirs = (folder / "tokenizer.json" for folder in (nano.WEIGHTS, model.path))
    return theirs.is_file() and theirs.read_bytes() == own.read_bytes()


def problems(share: float = 1.0) -> Iterator[Problem]:
    """The problems of the cold start, or the first `share` of every family and level."""
    for level, count in COUNTS.items():
        streams = [draw.stream(family, level, "train", SEED, "answer") for family in FAMILIES]
        for _ in range(max(1, round(share * count))):
            yield from map(next, streams)


def samples(share: float = 1.0) -> Iterator[Sample]:
    """The teacher's traces, as samples. Their ids are left to the tokenizer."""
    model = ModelRef("solver", "solver")
    for number, problem in enumerate(problems(share)):
        text = teacher.teach(problem, worked=number // len(FAMILIES) % 2 == 0)
        if text is not None:
            yield Sample(problem, model, "solver", {}, 0, 0, text)


def held() -> dict[str, dict[int, int]]:
    """How many solutions of each family and level the cold start holds."""
    return {family: dict(COUNTS) for family in FAMILIES}
