"""One verifier for a whole search: the sandbox starts once, and no sample is verified twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from queue import SimpleQueue

from axiom_cli.prefetch import Prefetcher
from axiom_cli.records import Sample, Verdict
from axiom_cli.settings.configs import VerifyConfig
from axiom_cli.verification.verify import verify

WAITING = 4096


class CachingVerifier:
    """Verifies in a thread of its own, so that a sample is verified while the next one is made. Close it when done."""

    def __init__(self, config: VerifyConfig) -> None:
        self._samples: SimpleQueue[Sample | None] = SimpleQueue()
        self._results = Prefetcher(verify(iter(self._samples.get, None), config), WAITING)
        self._kept: dict[tuple[str, int], Verdict] = {}

    def __enter__(self) -> CachingVerifier:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def verify(self, samples: Iterable[Sample]) -> list[Verdict]:
        """A verdict a sample, in order; none is kept. Raises what the stage `verify` raises."""
        count = 0
        for sample in samples:
            self._samples.put(sample)
            count += 1
        return [next(self._results) for _ in range(count)]

    def verify_and_keep(self, samples: Iterable[Sample]) -> list[Verdict]:
        """As `verify`; the verdicts are kept until `take` or `discard` names their samples."""
        verdicts = self.verify(samples)
        self._kept |= {_key(verdict.sample): verdict for verdict in verdicts}
        return verdicts

    def take(self, samples: Sequence[Sample]) -> list[Verdict]:
        """The verdicts that are kept of these samples, and new ones of the others. None of them is kept any longer."""
        kept = [self._kept.pop(_key(sample), None) for sample in samples]
        missing = (sample for sample, verdict in zip(samples, kept, strict=True) if verdict is None)
        new = iter(self.verify(missing))
        return [replace(verdict or next(new), sample=sample) for sample, verdict in zip(samples, kept, strict=True)]

    def discard(self, samples: Sequence[Sample]) -> bool:
        """Drops the verdicts that are kept of these samples. Returns whether one of them is a pass."""
        kept = [self._kept.pop(_key(sample), None) for sample in samples]
        return any(verdict is not None and verdict.passed for verdict in kept)

    def close(self) -> None:
        """Ends the sandbox and the threads."""
        self._samples.put(None)
        self._results.close()


def _key(sample: Sample) -> tuple[str, int]:
    return sample.problem.id, sample.index
