"""The loss mask: what each token of a row is to its training, read off the very batches that the trainer would make.

Where the loss falls is not inferred from a row but taken from `Batch.positions_K`, and padding is what a forward pass
really holds, so that what is shown is what is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from axiom_cli.learning.training.batches import Batch, collate, plan_steps
from axiom_cli.learning.training.rows import Row
from axiom_cli.learning.training.run import plan_workers
from axiom_cli.models import micro_batches, worker_pool
from axiom_cli.models.loading import device, load_model
from axiom_cli.settings.configs import TrainConfig

PROMPT, LEARNED, END, PADDING = PLACES = ("prompt", "learned", "end", "padding")


@dataclass(frozen=True)
class LabelledRow:
    """A row as it stands in its first forward pass: `ids` of prompt, completion and padding, and the place of each."""

    row: Row
    ids: list[int]
    places: list[str]

    def counts(self) -> dict[str, int]:
        """Tokens by place."""
        counts = Counter(self.places)
        return {place: counts[place] for place in PLACES}

    def tokens(self, tokenizer: Any) -> list[tuple[str, str]]:
        """The text of each token without the padding, and its place."""
        pairs = zip(self.ids[: self.row.length], self.places[: self.row.length], strict=True)
        return [(tokenizer.decode([token]), place) for token, place in pairs]


def label_rows(
    rows: Sequence[Row], ends: Sequence[int], config: TrainConfig, base: Path, first: int = 0
) -> tuple[list[LabelledRow], dict[str, int]]:
    """The `first` rows (0: all), in order, as the first epoch has them, and the tokens by place of all of them."""
    lengths = [row.length for row in rows]
    files = [base] if base.is_file() else list(base.glob("*.safetensors"))
    small = sum(file.stat().st_size for file in files) <= worker_pool.SMALL_MODEL_BYTES
    # Only a model that is small enough to be trained by several processes is loaded to find out by how many.
    workers = plan_workers(load_model(base), config) if small and config.quantize == "none" else 1
    budget = micro_batches.token_budget(device(), config, workers)
    labelled: dict[int, LabelledRow] = {}
    counts: Counter[str] = Counter()
    for step in plan_steps(lengths, replace(config, epochs=1)) if rows else []:
        for batches in micro_batches.split(step, lengths, budget, workers):
            for numbers in batches:
                batch = collate([rows[number] for number in numbers])
                places_BT = _places(batch, ends, [lengths[number] for number in numbers])
                for number, ids, places in zip(numbers, batch.input_ids_BT.tolist(), places_BT, strict=True):
                    counts.update(places)
                    if not first or number < first:
                        labelled[number] = LabelledRow(rows[number], ids, places)
    return [labelled[number] for number in sorted(labelled)], {place: counts[place] for place in PLACES}


def _places(batch: Batch, ends: Sequence[int], lengths: Sequence[int]) -> list[list[str]]:
    """The place of each token of a batch. A token is learned if the one before it is in `positions_K`."""
    kinds = torch.full((batch.input_ids_BT.numel(),), PLACES.index(PROMPT))
    is_end_K = torch.isin(batch.targets_K, torch.tensor(list(ends)))
    kinds[batch.positions_K + 1] = torch.where(is_end_K, PLACES.index(END), PLACES.index(LEARNED))
    kinds_BT = kinds.view(batch.input_ids_BT.shape)
    for kinds_T, length in zip(kinds_BT, lengths, strict=True):
        kinds_T[length:] = PLACES.index(PADDING)
    return [[PLACES[kind] for kind in kinds_T] for kinds_T in kinds_BT.tolist()]
