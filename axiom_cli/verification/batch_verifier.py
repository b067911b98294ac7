"""One verifier for a whole search: the sandbox starts once, and no sample is verified twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from queue import SimpleQueue

from axiom_cli.records import Sample, Verdict
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.prefetch import Ahead
from axiom_cli.verification.verify import verify

WAITING = 4096


class Bench:
    """Verifies in a thread of its own, so that a sample is judged while the next one is awaited. Close it when done."""

    def __init__(self, config: VerifyConfig) -> None:
        self._samples: SimpleQueue[Sample | None] = SimpleQueue()
        self._verdicts = Ahead(verify(iter(self._samples.get, None), config), WAITING)
        self._given: dict[tuple[str, int], Verdict] = {}

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check(self, samples: Iterable[Sample]) -> list[Verdict]:
        """A verdict a sample, in order. Raises what `verify` raises."""
        count = 0
        for sample in samples:
            self._samples.put(sample)
            count += 1
        return [next(self._verdicts) for _ in range(count)]

    def judge(self, samples: Iterable[Sample]) -> list[Verdict]:
        """As `check`; the verdicts are kept until `verdicts` or `forget` names their samples."""
        found = self.check(samples)
        self._given |= {_key(verdict.sample): verdict for verdict in found}
        return found

    def verdicts(self, samples: Sequence[Sample]) -> list[Verdict]:
        """The verdicts of samples that were judged, and new ones of those that were not. They are forgotten here."""
        known = [self._given.pop(_key(sample), None) for sample in samples]
        new = iter(self.check(sample for sample, one in zip(samples, known, strict=True) if one is None))
        pairs = zip(samples, known, strict=True)
        return [replace(next(new) if one is None else one, sample=sample) for sample, one in pairs]

    def forget(self, samples: Sequence[Sample]) -> bool:
        """Lets go of their verdicts, and says whether any of those that are kept is a pass."""
        kept = [self._given.pop(_key(sample), None) for sample in samples]
        return any(verdict is not None and verdict.passed for verdict in kept)

    def close(self) -> None:
        """Ends the sandbox and the threads."""
        self._samples.put(None)
        self._verdicts.close()


def _key(sample: Sample) -> tuple[str, int]:
    return sample.problem.id, sample.index
