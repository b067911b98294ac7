"""What a loop's settings must agree on before anything is made."""

from __future__ import annotations

from pathlib import Path

from axiom_cli.errors import UsageError
from axiom_cli.experiment import control_arms, round
from axiom_cli.learning import replay
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.settings.options import names
from axiom_cli.workspace import refs


def check(config: LoopConfig) -> None:
    """Raises UsageError for values that do not go together."""
    refs.path(Path(), f"{config.experiment}@0")
    if config.min_difficulty > config.max_difficulty:
        levels = f"--min-difficulty {config.min_difficulty} is above --max-difficulty {config.max_difficulty}"
        raise UsageError(levels, "swap them")
    if not names([config.problem_types]):
        raise UsageError("no problem types", "axiom problems list shows the families")
    replay.parse_shares(config.replay)
    control_arms.parse(config.control)
    round.check(config)
