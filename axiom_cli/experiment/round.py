"""What a round of a loop learns from, and what its replay buffer mixes, by objective.

`sft` mixes accepted solutions: new ones, those of earlier rounds, and the cold start's. What compares (dpo, kto, grpo)
mixes whole problems, each with all of its attempts that contrast; the cold start, in which nothing fails, has none.
`grpo` weighs each token by the policy that sampled it, which is the model that the round starts from, so that it takes
new samples alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from axiom_cli.errors import UsageError
from axiom_cli.experiment import control_arms
from axiom_cli.learning import replay
from axiom_cli.learning.objectives import OBJECTIVES, Chosen
from axiom_cli.learning.preference import PreferenceData
from axiom_cli.learning.rejection_sampling import Selection
from axiom_cli.learning.replay import MORE, Mix
from axiom_cli.learning.training_example import Screen, TrainingExample
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import LoopConfig, TrainConfig

ASK = "leave --replay out, and --objective chooses it"


def news(verdicts: Sequence[Verdict], config: TrainConfig, screen: Screen) -> Chosen:
    """What the round's own samples give, none of them known to `screen`; its examples may be none."""
    return OBJECTIVES[config.objective].select(verdicts, config, screen)


def fruitless(found: Chosen) -> str:
    """What to do about a round of samples that gave nothing new."""
    if found.verdicts and found.infra == found.verdicts:
        return "every verdict is infra, which says nothing of the sample: see the reason in each"
    if isinstance(found, Selection) and found.truncated:
        return f"{found.truncated:,} accepted solutions were cut off: raise --max-tokens"
    if isinstance(found, PreferenceData) and found.truncated and not found.groups:
        return f"{found.truncated:,} samples were cut off: raise --max-tokens"
    return MORE


def shuffled(verdicts: Sequence[Verdict], config: LoopConfig, iteration: int) -> list[Verdict]:
    """The round's verdicts without their signal: dealt out among all samples, or, of what compares, at each problem."""
    return control_arms.shuffle(verdicts, config.seed + iteration, within=OBJECTIVES[config.objective].compares)


def mixed(
    new: Sequence[TrainingExample],
    history: Sequence[TrainingExample],
    cold: Callable[[], Sequence[TrainingExample]],
    config: LoopConfig,
    iteration: int,
) -> Mix:
    """The round's rows."""
    objective = OBJECTIVES[config.objective]
    if objective.mix is None:
        raise ValueError(f"a loop does not train {config.objective}")
    traces = [] if objective.compares else cold()
    return objective.mix(new, history, traces, replay.parse_shares(config.replay), config.seed + iteration)


def check(config: LoopConfig) -> None:
    """Raises UsageError for settings that have no effect under the objective."""
    name = config.objective
    if not OBJECTIVES[name].compares:
        return
    shares = replay.parse_shares(config.replay)
    if config.samples < 2:
        raise UsageError(f"--objective {name} compares attempts at a problem: --samples {config.samples}", "ask for 8")
    if shares["cold"]:
        raise UsageError(f"--objective {name} and --replay {config.replay}: nothing in the cold start failed", ASK)
    if control_arms.COLD_ONLY in control_arms.parse(config.control):
        raise UsageError(f"--objective {name}: nothing in the cold start failed, to compare with", "--control shuffled")
    if name == "grpo" and shares["history"]:
        raise UsageError(f"--objective grpo and --replay {config.replay}: earlier models wrote the history", ASK)
    if name == "grpo" and config.start == "base" and config.iterations > 1:
        raise UsageError("--objective grpo learns from samples of the model that it starts from", "--start previous")
