"""What each token of a row is to its training: read off the very batches that the trainer would make.

Where the loss falls is not concluded from a row but taken from `Batch.at_K`, and padding is what a forward pass really
holds, so that what is shown is what is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from axiom_cli.learning.training.batches import Batch, collate, plan
from axiom_cli.learning.training.fit import FEWEST
from axiom_cli.learning.training.rows import Row
from axiom_cli.models import weights as bases
from axiom_cli.models import worker_pool
from axiom_cli.models.micro_batches import PASS_TOKENS, cut, pass_budget
from axiom_cli.settings.configs import TrainConfig

PROMPT, LEARNED, END, PADDING = PLACES = ("prompt", "learned", "end", "padding")


@dataclass(frozen=True)
class Placed:
    """A row as it stands in its first forward pass: `ids` of prompt, completion and padding, and the place of each."""

    row: Row
    ids: list[int]
    places: list[str]

    def counts(self) -> dict[str, int]:
        """Tokens by place."""
        found = Counter(self.places)
        return {place: found[place] for place in PLACES}

    def tokens(self, tokenizer: Any) -> list[tuple[str, str]]:
        """The text of each token without the padding, and its place."""
        real = self.row.length
        return [(tokenizer.decode([i]), place) for i, place in zip(self.ids[:real], self.places[:real], strict=True)]


def placed(
    rows: Sequence[Row], ends: Sequence[int], config: TrainConfig, base: Path, first: int = 0
) -> tuple[list[Placed], dict[str, int]]:
    """The `first` rows (0: all), in order, as the first epoch has them, and the tokens by place of all of them."""
    lengths = [row.length for row in rows]
    hands = _hands(base, config)
    budget = PASS_TOKENS if hands > 1 else pass_budget(bases.device(), config)
    found: dict[int, Placed] = {}
    counts: Counter[str] = Counter()
    for step in plan(lengths, replace(config, epochs=1)) if rows else []:
        for passes in cut(step, lengths, budget, hands):
            for numbers in passes:
                batch = collate([rows[number] for number in numbers])
                for number, ids, places in zip(numbers, *_of(batch, ends, numbers, lengths), strict=True):
                    counts.update(places)
                    if not first or number < first:
                        found[number] = Placed(rows[number], ids, places)
    return [found[number] for number in sorted(found)], {place: counts[place] for place in PLACES}


def _of(
    batch: Batch, ends: Sequence[int], numbers: Sequence[int], lengths: Sequence[int]
) -> tuple[list[list[int]], list[list[str]]]:
    """The ids of each row of a batch and their places. A position is learned if the one before it is in `at_K`."""
    size, width = batch.input_ids_BT.shape
    kinds = torch.full((size * width,), PLACES.index(PROMPT))
    ended = torch.isin(batch.targets_K, torch.tensor(list(ends)))
    kinds[batch.at_K + 1] = torch.where(ended, PLACES.index(END), PLACES.index(LEARNED))
    kinds_BT = kinds.view(size, width)
    for kinds_T, number in zip(kinds_BT, numbers, strict=True):
        kinds_T[lengths[number] :] = PLACES.index(PADDING)
    return batch.input_ids_BT.tolist(), [[PLACES[kind] for kind in kinds_T] for kinds_T in kinds_BT.tolist()]


def _hands(base: Path, config: TrainConfig) -> int:
    """The processes that training would take. Only a model that is small enough for more than one is loaded to ask."""
    files = [base] if base.is_file() else list(base.glob("*.safetensors"))
    if config.quantize != "none" or sum(file.stat().st_size for file in files) > worker_pool.SMALL:
        return 1
    return worker_pool.hands(bases.load_model(base), config.batch_size * config.grad_accum // FEWEST)
