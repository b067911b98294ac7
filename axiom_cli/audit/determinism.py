"""Do accepted programs give the same verdict again? Each is run twice more, with other hash seeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from axiom_cli.records import Verdict
from axiom_cli.sandbox import Sandbox
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.verify import attempt, open_sandbox

SEEDS = (1, 2)
BATCH = 256
SHOWN = 20


@dataclass
class Again:
    """What came of running accepted programs again: `disagreed` of `programs` did not pass under another hash seed;
    `undecided` ones could not be run."""

    programs: int = 0
    disagreed: int = 0
    undecided: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary."""
        return {"hash_seeds": list(SEEDS), **vars(self)}


def again(verdicts: Iterable[Verdict], config: VerifyConfig, found: Again) -> Iterator[Verdict]:
    """The verdicts as they come, while those of accepted programs are tried again, some hundreds at a time; what comes
    of it goes into `found`."""
    with ExitStack() as stack:
        boxes: list[Sandbox] = []
        batch: list[Verdict] = []
        for verdict in verdicts:
            yield verdict
            if verdict.passed and verdict.sample.problem.program:
                batch.append(verdict)
            if len(batch) >= BATCH:
                _run(batch, config, found, boxes, stack)
                batch = []
        _run(batch, config, found, boxes, stack)


def _run(batch: list[Verdict], config: VerifyConfig, found: Again, boxes: list[Sandbox], stack: ExitStack) -> None:
    if batch and not boxes:
        boxes += [stack.enter_context(open_sandbox(config, seed)) for seed in SEEDS]
    bad: dict[int, dict[str, Any]] = {}
    unsure: set[int] = set()
    for seed, box in zip(SEEDS, boxes, strict=False):
        items = ((n, attempt(one.sample), one.sample.problem.program) for n, one in enumerate(batch))
        for number, outcome in box.check_many(items):
            if outcome.status == "fail":
                sample = batch[number].sample
                about = {"problem": sample.problem.id, "index": sample.index, "hash_seed": seed}
                bad.setdefault(number, {**about, "reason": outcome.reason})
            elif outcome.status == "infra":
                unsure.add(number)
    found.programs += len(batch)
    found.disagreed += len(bad)
    found.undecided += len(unsure - bad.keys())
    found.examples += list(bad.values())[: SHOWN - len(found.examples)]
