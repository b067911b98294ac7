"""Show: the rows that training would see, token by token, each with its place; nothing is trained."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axiom_cli import models
from axiom_cli.errors import NothingToDoError
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.tokens import longer, tokenizer_of, within_context
from axiom_cli.learning.train import TrainingObserver, select_examples
from axiom_cli.learning.training_example import Screen
from axiom_cli.models import Resolved
from axiom_cli.records import Verdict
from axiom_cli.sampling import prompts
from axiom_cli.settings.configs import TrainConfig
from axiom_cli.workspace.store import Workspace

if TYPE_CHECKING:
    from axiom_cli.learning.training.loss_mask import LabelledRow

MASKED = ("prompt", "padding")
"""Places on which no loss falls."""


@dataclass(frozen=True)
class Preview:
    """The rows to look at, and what was counted over all of them: `tokens` by place, `numbers` of rows and samples.
    `system` says whether a system message reaches the model."""

    rows: list[LabelledRow]
    tokens: dict[str, int]
    numbers: dict[str, int]
    tokenizer: Any
    system: bool

    def lines(self) -> Iterator[str]:
        """A JSON line a row: its problem, its weight, its tokens, each with 1 where the loss falls on it, the same as
        ids, and how many tokens have which place. Padding is counted alone."""
        for labelled in self.rows:
            tokens = [[text, int(place not in MASKED)] for text, place in labelled.tokens(self.tokenizer)]
            label = {} if labelled.row.label is None else {"label": labelled.row.label}
            row = {"problem": labelled.row.problem, **label, "weight": labelled.row.weight, "tokens": tokens}
            shown = {**row, "ids": labelled.ids[: labelled.row.length], "places": labelled.counts()}
            yield json.dumps(shown, ensure_ascii=False)


def show(  # noqa: PLR0913 - as `train`, which it previews
    verdicts: Iterable[Verdict],
    model: str | Resolved,
    config: TrainConfig,
    workspace: Workspace | None = None,
    first: int = 0,
    screen: Screen | None = None,
    observer: TrainingObserver = TrainingObserver(),
) -> Preview:
    """The `first` rows (0: all) that `train` would see. NothingToDoError where there are none; `observer` is
    warned of losses."""
    from axiom_cli.learning.training.loss_mask import label_rows
    from axiom_cli.models.loading import load_config

    base = models.resolve(model, workspace) if isinstance(model, str) else model
    tokenizer, ends = tokenizer_of(base)
    selection = select_examples(verdicts, config, screen, observer)
    config, limit = within_context(config, load_config(base.path))
    encoded = OBJECTIVES[config.objective].encode(selection.examples, tokenizer, ends, config, base.digest)
    for warning in encoded.warnings(config.max_length, limit):
        observer.warn(warning)
    if not encoded.rows:
        raise NothingToDoError(f"every row is longer than {config.max_length} tokens ({limit})", longer(limit))
    rows, tokens = label_rows(encoded.rows, ends, config, Path(base.path), first)
    numbers = {"rows": len(encoded.rows), **encoded.counts()}
    return Preview(rows, tokens, numbers, tokenizer, prompts.sees_system(tokenizer))
