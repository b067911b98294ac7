"""One verifier for a whole search: the sandbox starts once, and no sample is verified twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from queue import SimpleQueue

from axiom_cli.prefetch import Prefetcher
from axiom_cli.records import Sample, Verdict
from axiom_cli.settings.configs import VerifyConfig

WAITING = 4096


class CachingVerifier:
    """Verifies in a thread of its own, so that a sample is verified while the next one is made. Close it when done."""

    def __init__(self, config: VerifyConfig) -> None:
        self._samples: SimpleQueue[Sample | None] = SimpleQueue()
        self._results = Prefetcher(self._verdicts(config), WAITING)
        self._kept: dict[tuple[str, int], Verdict] = {}
        self._submitted: deque[tuple[Sequence[Sample], list[Verdict | None]]] = deque()
        self._early: deque[Verdict] = deque()
        self._unfinished = 0

    def _verdicts(self, config: VerifyConfig) -> Iterator[Verdict]:
        from axiom_cli.verification.verify import verify  # and the sandbox, which many searches do not need

        yield from verify(iter(self._samples.get, None), config)

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
        while self._unfinished:
            self._receive(next(self._results))
        return [next(self._results) for _ in range(count)]

    def verify_and_keep(self, samples: Iterable[Sample]) -> list[Verdict]:
        """As `verify`; the verdicts are kept until `take` or `discard` names their samples."""
        verdicts = self.verify(samples)
        self._kept |= {_key(verdict.sample): verdict for verdict in verdicts}
        return verdicts

    def submit(self, samples: Sequence[Sample]) -> None:
        """Puts a group of samples in the queue, except those whose verdicts are kept. `finished` gives its verdicts."""
        kept = [self._kept.pop(_key(sample), None) for sample in samples]
        for sample, verdict in zip(samples, kept, strict=True):
            if verdict is None:
                self._samples.put(sample)
                self._unfinished += 1
        self._submitted.append((samples, kept))

    def finished(self, max_unfinished: int = 0) -> Generator[list[Verdict]]:
        """The verdicts of submitted groups, in order, as far as they are there. Waits for more only while more than
        `max_unfinished` submitted samples have no verdict. None is kept any longer."""
        while self._submitted:
            samples, kept = self._submitted[0]
            while len(self._early) < kept.count(None):
                verdict = next(self._results) if self._unfinished > max_unfinished else self._results.take()
                if verdict is None:
                    return
                self._receive(verdict)
            self._submitted.popleft()
            yield [
                replace(verdict or self._early.popleft(), sample=sample)
                for sample, verdict in zip(samples, kept, strict=True)
            ]

    def _receive(self, verdict: Verdict) -> None:
        self._early.append(verdict)
        self._unfinished -= 1

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
