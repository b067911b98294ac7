"""How a problem's samples are spent. Each strategy turns a batch of problems into one list of samples a problem.

best-of-n   all samples at once, all handed on: the verifier chooses
retry       where no sample solves a problem, each is told why it failed and tried again, up to `max_attempts` times
vote        all samples at once; one that most others agree with is handed on
value       all samples at once; the one that a value function takes for the likeliest to be right is handed on
adaptive    the samples that settled problems do not need go to the others

With `until_solved`, best-of-n and retry ask for their samples in growing rounds, and stop at a problem that is solved.
To add one: a file in search/ and a line below.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from axiom_cli.errors import UsageError
from axiom_cli.sampling.strategies.adaptive import FIRST, SPREAD, adaptive
from axiom_cli.sampling.strategies.best_of_n import best_of_n
from axiom_cli.sampling.strategies.retry import retry
from axiom_cli.sampling.strategies.rounds import Strategy
from axiom_cli.sampling.strategies.value import value
from axiom_cli.sampling.strategies.vote import vote
from axiom_cli.settings.configs import SolveConfig

STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {"best-of-n": best_of_n, "retry": retry, "vote": vote, "value": value, "adaptive": adaptive}
)
SETTLE = ("verifier", "agreement")
BLIND = "the verifier has no part in it"


def check(config: SolveConfig) -> None:
    """Raises UsageError where there is no such strategy, or it cannot do what is asked of it."""
    if config.strategy not in STRATEGIES:
        raise UsageError(f"no strategy called {config.strategy!r}", f"there are {', '.join(STRATEGIES)}")
    if config.settle not in SETTLE:
        raise UsageError(f"nothing is settled by {config.settle!r}", f"--settle is {' or '.join(SETTLE)}")
    if config.until_solved and config.strategy in ("vote", "value"):
        raise UsageError(f"--until-solved and --strategy {config.strategy} do not go together", BLIND)
    if config.strategy == "value" and not config.value:
        raise UsageError("--strategy value needs --value NAME", "axiom train --objective value makes a value function")
    if config.until_solved and config.strategy == "adaptive" and config.settle == "agreement":
        raise UsageError("--until-solved and --settle agreement do not go together", BLIND)
    if verifies(config) and config.enough > (most := _most(config)):
        said = f"no problem can have --enough {config.enough:,} passing samples: it gets {most:,} at most"
        raise UsageError(said, "raise --samples, or lower --enough")


def _most(config: SolveConfig) -> int:
    """Samples that one problem may get."""
    return config.samples * {"retry": config.max_attempts, "adaptive": SPREAD}.get(config.strategy, 1)


def verifies(config: SolveConfig) -> bool:
    """Whether every sample that the strategy hands on was verified on the way."""
    by_verdict = config.strategy == "adaptive" and config.settle == "verifier"
    return config.until_solved or config.strategy == "retry" or by_verdict


def first_round(config: SolveConfig) -> int:
    """How many samples of each problem the strategy asks for at first."""
    if config.strategy == "adaptive":
        return min(config.samples, FIRST) if config.settle == "agreement" else 1
    return min(config.samples, config.enough) if config.until_solved else config.samples
