"""What all strategies share: the shape of a strategy, and the samples of a batch as they come in, round after round."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence

from axiom_cli.records import Problem, Sample, Verdict
from axiom_cli.sampling.engines.protocol import Engine, Request
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.verification.caching_verifier import CachingVerifier

Strategy = Callable[[Sequence[Problem], Engine, SolveConfig, CachingVerifier], Generator[list[Sample]]]


class ProblemBatch:
    """The samples of a batch of problems so far, `groups`, and how many of each have passed and failed; `infra` is
    neither. Places are places in `problems`; the samples of a problem are asked for in the order of their indices."""

    def __init__(
        self, problems: Sequence[Problem], engine: Engine, config: SolveConfig, verifier: CachingVerifier
    ) -> None:
        self.problems, self.engine, self.config, self.verifier = problems, engine, config, verifier
        self.groups: list[list[Sample]] = [[] for _ in problems]
        self.passes = [0] * len(problems)
        self.fails = [0] * len(problems)
        self.verdicts: list[list[Verdict]] = [[] for _ in problems]

    def ask(self, places: Sequence[int], samples: int = 1) -> Generator[Sample]:
        """`samples` more of the problem at each place, all in one request. A place may be repeated, side by side."""
        requests: list[Request] = []
        for at, place in enumerate(places):
            repeated = at > 0 and places[at - 1] == place
            start = requests[-1].start + samples if repeated else len(self.groups[place])
            requests.append(Request(self.problems[place], start))
        for place, group in zip(places, self.engine.generate(requests, self.config, samples), strict=True):
            self.groups[place] += group
            yield from group

    def verify(self, places: Sequence[int], samples: int = 1) -> None:
        """Asks for `samples` more of the problem at each place, and counts their verdicts."""
        self.count([place for place in places for _ in range(samples)], self.ask(places, samples))

    def count(self, places: Sequence[int], samples: Iterable[Sample]) -> None:
        """Verifies samples, each of the problem at its place, and counts the verdicts."""
        for place, verdict in zip(places, self.verifier.verify_and_keep(samples), strict=True):
            self.verdicts[place].append(verdict)
            self.passes[place] += verdict.passed
            self.fails[place] += verdict.status == "fail"

    def unsolved(self) -> list[int]:
        """The places of problems with fewer than `target_passes` passing samples."""
        return [place for place, passes in enumerate(self.passes) if passes < self.config.target_passes]

    def until_solved(self) -> None:
        """Up to `config.samples` of each problem, in growing rounds over all that are not solved: 1, 1, 2, 4, ..."""
        have, step = 0, min(self.config.target_passes, self.config.samples)
        while step and (places := self.unsolved()):
            self.verify(places, step)
            have += step
            step = min(have, self.config.samples - have)
