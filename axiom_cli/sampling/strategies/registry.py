"""How the samples of a problem are spent. Each strategy turns a batch of problems into one list of samples per problem.

best-of-n   all samples at once, all kept: the verifier chooses
retry       where no sample solves a problem, each gets feedback and is tried again, up to `max_attempts` times
vote        all samples at once; the one that most others agree with is kept
value       all samples at once; the one that a value function rates the likeliest to be right is kept
adaptive    samples that settled problems do not need go to the others

With `early_stop`, best-of-n and retry ask for samples in growing rounds, and stop at a problem once it is solved.
To add one: a file in this folder and a line below.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from axiom_cli.errors import UsageError
from axiom_cli.sampling.strategies.adaptive import FIRST, SPREAD, adaptive
from axiom_cli.sampling.strategies.best_of_n import best_of_n
from axiom_cli.sampling.strategies.problem_batch import Strategy
from axiom_cli.sampling.strategies.retry import retry
from axiom_cli.sampling.strategies.value import value
from axiom_cli.sampling.strategies.vote import vote
from axiom_cli.settings.configs import SolveConfig

STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {"best-of-n": best_of_n, "retry": retry, "vote": vote, "value": value, "adaptive": adaptive}
)
WITHOUT_VERIFIER = "it does not use the verifier"


def check_strategy(config: SolveConfig) -> None:
    """Raises UsageError for settings that the strategy cannot follow."""
    if config.early_stop and config.strategy in ("vote", "value"):
        raise UsageError(f"--early-stop and --strategy {config.strategy} do not go together", WITHOUT_VERIFIER)
    if config.strategy == "value" and not config.value_function:
        raise UsageError("--strategy value needs --value-function NAME", "axiom train --objective value makes one")
    if config.early_stop and config.strategy == "adaptive" and config.stop_on == "agreement":
        raise UsageError("--early-stop and --stop-on agreement do not go together", WITHOUT_VERIFIER)
    most = config.samples * {"retry": config.max_attempts, "adaptive": SPREAD}.get(config.strategy, 1)
    if verifies(config) and config.target_passes > most:
        raise UsageError(
            f"no problem can have {config.target_passes:,} passing samples (--target-passes): it gets {most:,} at most",
            "raise --samples, or lower --target-passes",
        )


def verifies(config: SolveConfig) -> bool:
    """Whether the strategy verifies every sample that it keeps."""
    by_verdict = config.strategy == "adaptive" and config.stop_on == "verifier"
    return config.early_stop or config.strategy == "retry" or by_verdict


def first_round(config: SolveConfig) -> int:
    """How many samples of each problem the strategy asks for first."""
    if config.strategy == "adaptive":
        return min(config.samples, FIRST) if config.stop_on == "agreement" else 1
    return min(config.samples, config.target_passes) if config.early_stop else config.samples
