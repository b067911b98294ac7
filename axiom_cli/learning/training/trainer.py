"""A base model held in memory, to be trained again and again: the rounds of a loop load it once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from axiom_cli.errors import UsageError
from axiom_cli.learning.training import group, lora, requirements, value_objective
from axiom_cli.learning.training.checkpoint import Checkpoint
from axiom_cli.learning.training.fit import OnStep, fit
from axiom_cli.learning.training.merge import compose, whole_folder
from axiom_cli.learning.training.rows import Row
from axiom_cli.learning.training.sharded import parted
from axiom_cli.models import value_head
from axiom_cli.models import weights as bases
from axiom_cli.sampling.token_ids import end_ids
from axiom_cli.settings.configs import TrainConfig


class Trainer:
    """Holds the base in float32 (or quantised). Each `fit` starts from base + `chain`, whatever was trained before.

    `config`, of the first fit, allows frozen weights in bfloat16 where nothing is lost by it. If it shards the model,
    that waits in main memory to be divided.
    """

    def __init__(
        self, base: Path | str, quantize: str = "none", name: str = "", config: TrainConfig | None = None
    ) -> None:
        requirements.check(TrainConfig(quantize=quantize))
        self.base, self.quantize = base, quantize
        self.name = name or str(base)
        self.tokenizer = bases.load_tokenizer(base)
        self.dtype = bases.frozen_dtype(base, config) if config else torch.float32
        self.at = torch.device("cpu") if config and config.fsdp else bases.device()
        self.model = bases.load_model(base, quantize, self.dtype, self.at)
        self.ends = end_ids(self.tokenizer, self.model)
        self._chain: list[Path] | None = []

    def fit(
        self,
        rows: Sequence[Row],
        config: TrainConfig,
        out: Path,
        chain: Sequence[Path] = (),
        on_step: OnStep | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> dict[str, Any]:
        """Trains on `rows` and writes the adapter (whole weights with `method` full) to the folder `out`, which appears
        whole or, if interrupted, not at all. Of several processes the first one writes it. Returns fit's metrics."""
        requirements.check(replace(config, quantize=self.quantize))
        self._start_from(list(chain), torch.float32 if chain else bases.frozen_dtype(self.base, config))
        if config.method == "full":
            return self._fit_full(rows, config, out, on_step, checkpoint)
        self._chain, at = None, self._chain  # whatever fails from here on: the base is loaded anew
        with lora.attached(self.model, config) as wrapped:
            facts = value_objective.attach(wrapped, rows) if config.objective == value_head.OBJECTIVE else {}
            with parted(wrapped, config.fsdp):
                metrics = fit(wrapped, rows, config, on_step, checkpoint) | facts
            if group.is_first():
                with whole_folder(out) as draft:
                    lora.save(wrapped, draft, self.name)
                    value_head.save(wrapped, draft)
        self._chain = None if config.fsdp else at
        return metrics

    def _fit_full(
        self, rows: Sequence[Row], config: TrainConfig, out: Path, on_step: OnStep | None, checkpoint: Checkpoint | None
    ) -> dict[str, Any]:
        self._chain = None
        with parted(self.model, config.fsdp):
            metrics = fit(self.model, rows, config, on_step, checkpoint)
        if group.is_first():
            with whole_folder(out) as draft:
                self.model.save_pretrained(draft)
                self.tokenizer.save_pretrained(draft)
        return metrics

    def _start_from(self, chain: list[Path], dtype: torch.dtype) -> None:
        """Puts the weights at base + chain, in `dtype` or a wider one; adds what is new to it, else begins again from
        the base."""
        if chain and self.quantize != "none":
            raise UsageError("a chain of adapters needs the unquantised base", "use --start base, or --quantize none")
        too_narrow = dtype is torch.float32 and self.dtype is not dtype
        if too_narrow or self._chain is None or chain[: len(self._chain)] != self._chain:
            self.dtype = dtype
            self.model = bases.load_model(self.base, self.quantize, dtype, self.at)
            self._chain = []
        added, self._chain = chain[len(self._chain) :], None
        compose(self.model, added)
        self._chain = chain
