"""What the strategies of `axiom solve` cost beside fixed best-of-n, in one run. By hand:

    PYTHONPATH=. python tests/benchmarks/strategies.py [--model nano] [--problems 200] [--samples 8] [--form answer]

All get the same problems: by default those of `axiom loop`, its four families at levels 3 to 7. `to equal` is the share
of best-of-n's tokens after which a strategy has solved as many problems: for one that goes on in rounds counted round
by round, else where all of it did.
The engine is warm; each time is the best of `--rounds`.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from axiom_cli.problems.families import draw
from axiom_cli.records import Problem, Sample
from axiom_cli.sampling.engines.protocol import Engine, EngineInFront
from axiom_cli.sampling.rollout import rollout
from axiom_cli.sampling.sample_cache import Usage
from axiom_cli.sampling.solve import open_engine
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.verification.caching_verifier import CachingVerifier


class Watched(EngineInFront):
    """The engine, with how many tokens it had written and which samples, after each of its calls."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.calls: list[list[Sample]] = []

    def generate(self, *args: object, **more: object) -> Iterator[list[Sample]]:
        """As the engine's, noted down."""
        self.calls.append([])
        for group in self._engine.generate(*args, **more):
            self.calls[-1] += group
            yield group


@dataclass(frozen=True)
class Result:
    """What a strategy came to. `curve` holds tokens and problems solved after each call of the engine."""

    usage: Usage
    seconds: float
    curve: list[tuple[int, int]]


def run(engine: Engine, problems: list[Problem], config: SolveConfig) -> Result:
    """One strategy from the first sample to the last verdict."""
    watched, usage, start = Watched(engine), Usage(), time.perf_counter()
    for _ in rollout(problems, watched, config, VerifyConfig(), None, usage):
        pass
    seconds = time.perf_counter() - start
    return Result(usage, seconds, curve(watched.calls))


def curve(calls: list[list[Sample]]) -> list[tuple[int, int]]:
    """Tokens and problems solved after each call."""
    points, tokens, solved = [], 0, set()
    with CachingVerifier(VerifyConfig()) as verifier:
        for samples in calls:
            tokens += sum(sample.tokens for sample in samples)
            solved |= {verdict.sample.problem.id for verdict in verifier.verify(samples) if verdict.passed}
            points.append((tokens, len(solved)))
    return points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--problems", type=int, default=200)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--families", default="register_machine,robot_walk,queue_listing")
    parser.add_argument("--levels", type=int, nargs=2, default=(3, 7))
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--form", default="answer")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    names, levels = options.families.split(","), list(range(options.levels[0], options.levels[1] + 1))
    problems = list(draw.problems(names, options.problems, levels, "train", options.seed, options.form))
    base = SolveConfig(samples=options.samples, max_tokens=768, temperature=0.8, seed=options.seed)
    ways = {
        "best-of-n": base,
        "best-of-n until solved": replace(base, early_stop=True),
        "adaptive": replace(base, strategy="adaptive"),
        "adaptive, half the budget": replace(base, strategy="adaptive", samples=max(1, options.samples // 2)),
        "adaptive, agreement": replace(base, strategy="adaptive", stop_on="agreement"),
        "vote": replace(base, strategy="vote"),
        "retry": replace(base, strategy="retry", samples=max(1, options.samples // base.max_attempts)),
        "retry until solved": replace(base, strategy="retry", samples=options.samples // 2, early_stop=True),
    }
    engine = open_engine(options.model, base)
    run(engine, problems[:8], base)
    print(f"{'strategy':28}{'solved':>8}{'samples':>9}{'tokens':>9}{'ratio':>7}{'to equal':>10}{'seconds':>9}")
    fixed: Usage | None = None
    for name, config in ways.items():
        results = [run(engine, problems, config) for _ in range(options.rounds)]
        first, seconds = results[0], min(result.seconds for result in results)
        fixed = fixed or first.usage
        equal = next((tokens for tokens, solved in first.curve if solved >= fixed.solved), None)
        reached = f"{equal / fixed.tokens:.2f}" if equal else "never"
        usage = first.usage
        counts = f"{usage.solved:8}{usage.samples:9}{usage.tokens:9}{usage.tokens / fixed.tokens:7.2f}"
        print(f"{name:28}{counts}{reached:>10}{seconds:9.1f}", flush=True)


if __name__ == "__main__":
    main()
