"""Select: which verdicts become training examples for the objective that is trained, with every number reported."""

from __future__ import annotations

from collections.abc import Iterable

from axiom_cli.learning.objectives import OBJECTIVES, Chosen
from axiom_cli.learning.observer import TrainingObserver
from axiom_cli.learning.rejection_sampling import MANY_CUT_OFF, Selection
from axiom_cli.learning.training_example import Screen
from axiom_cli.records import Verdict
from axiom_cli.settings.configs import TrainConfig


def select_examples(
    verdicts: Iterable[Verdict],
    config: TrainConfig,
    screen: Screen | None = None,
    observer: TrainingObserver = TrainingObserver(),
) -> Chosen:
    """The examples that `config.objective` learns from, without the samples that `screen` knows; `observer` gets
    them first. NothingToDoError, with the reason, where there are none."""
    selection = OBJECTIVES[config.objective].select(verdicts, config, screen)
    observer.selected(selection)
    if isinstance(selection, Selection) and selection.cut_off_rate >= MANY_CUT_OFF:
        share = f"{selection.cut_off_rate:.0%}"
        observer.warn(f"{share} of the samples ran into their length limit: raise --max-tokens of axiom solve")
    selection.check_trainable()
    return selection
