"""What a round of a loop learns from, and what its replay buffer mixes, by objective.

`sft` mixes accepted solutions: new ones, those of earlier rounds, and the cold start's. What compares (dpo, kto, grpo)
mixes whole problems, each with all of its attempts that contrast; the cold start, in which nothing fails, has none.
`grpo` weighs each token by the policy that sampled it, which is the model that the round starts from, so that it takes
new samples alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from axiom_cli.errors import UsageError
from axiom_cli.experiment import control_arms, replay
from axiom_cli.experiment.replay import MORE, Mix
from axiom_cli.learning.preference import UNITS, Contrast, balanced, gather
from axiom_cli.learning.rejection_sampling import Choice, Screen, Selection, select
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import LoopConfig, TrainConfig

SFT = "sft"
ASK = "leave --replay out, and --objective chooses it"


def news(verdicts: Sequence[Verdict], config: TrainConfig, screen: Screen) -> Selection | Contrast:
    """What the round's own samples give, none of them known to `screen`; its choices may be none."""
    if config.objective == SFT:
        return select(verdicts, config, screen)
    return gather(verdicts, config, screen)


def fruitless(found: Selection | Contrast) -> str:
    """What to do about a round of samples that gave nothing new."""
    if found.verdicts and found.infra == found.verdicts:
        return "every verdict is infra, which says nothing of the sample: see the reason in each"
    if found.truncated and (isinstance(found, Selection) or not found.groups):
        what = "accepted solutions" if isinstance(found, Selection) else "samples"
        return f"{found.truncated:,} {what} were cut off: raise --max-tokens"
    return MORE


def shuffled(verdicts: Sequence[Verdict], config: LoopConfig, iteration: int) -> list[Verdict]:
    """The round's verdicts without their signal: dealt out among all samples, or, of what compares, at each problem."""
    return control_arms.shuffle(verdicts, config.seed + iteration, within=config.objective != SFT)


def mixed(
    new: Sequence[Choice],
    history: Sequence[Choice],
    cold: Callable[[], Sequence[Choice]],
    config: LoopConfig,
    iteration: int,
) -> Mix:
    """The round's rows."""
    shares, seed = replay.parse_shares(config.replay), config.seed + iteration
    if config.objective == SFT:
        return replay.mix(new, history, cold(), shares, seed=seed)
    mix = replay.mix_problems(new, history, shares, seed)
    return replace(mix, choices=balanced(mix.choices)) if config.objective == "kto" else mix


def check(config: LoopConfig) -> None:
    """Raises UsageError for an unknown objective, and for settings that mean nothing under it."""
    name = config.objective
    if name == SFT:
        return
    if name == "value":
        hint = "fit one on its verdicts: axiom train experiments/NAME/evaluations/val_0.jsonl --objective value"
        raise UsageError("a loop trains what writes samples, and a value function writes none", hint)
    if name not in UNITS:
        raise UsageError(f"no objective {name!r}", f"there are: {SFT}, {', '.join(UNITS)}")
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
