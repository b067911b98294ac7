"""A base model held in memory, to be trained again and again: the rounds of a loop load it once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from axiom_cli import process_rank
from axiom_cli.errors import UsageError
from axiom_cli.files import explained_write_errors
from axiom_cli.learning.training import lora, requirements, value_function
from axiom_cli.learning.training.checkpoint import Checkpoint
from axiom_cli.learning.training.fit import OnStep, fit
from axiom_cli.learning.training.fsdp import fsdp_sharded
from axiom_cli.learning.training.merge import whole_folder
from axiom_cli.learning.training.precision import frozen_dtype
from axiom_cli.learning.training.rows import Row
from axiom_cli.learning.value_labels import OBJECTIVE as VALUE
from axiom_cli.models import value_head
from axiom_cli.models.adapters import compose
from axiom_cli.models.loading import Quantization, device, load_model, load_tokenizer
from axiom_cli.sampling import prompts
from axiom_cli.sampling.token_ids import end_ids
from axiom_cli.settings.configs import TrainConfig


class Trainer:
    """Holds the base in float32 (or quantised). Each `fit` starts from base + `chain`, whatever was trained before.

    `config`, of the first fit, allows frozen weights in bfloat16 where nothing is lost by it. If it shards the model,
    that waits in main memory to be divided.
    """

    def __init__(
        self, base: Path | str, quantize: Quantization = "none", name: str = "", config: TrainConfig | None = None
    ) -> None:
        requirements.check_requirements(TrainConfig(quantize=quantize))
        self.base, self.quantize = base, quantize
        self.name = name or str(base)
        self.tokenizer = load_tokenizer(base)
        self.dtype = frozen_dtype(base, config) if config else torch.float32
        self.device = torch.device("cpu") if config and config.fsdp else device()
        self.model = load_model(base, quantize, self.dtype, self.device)
        self.ends = end_ids(self.tokenizer, self.model.generation_config)
        prompts.warn_of_template(self.tokenizer, self.ends)
        self._chain: list[Path] | None = []

    def fit(  # noqa: PLR0913 - what is trained on, how, where to, and who watches
        self,
        rows: Sequence[Row],
        config: TrainConfig,
        out: Path,
        chain: Sequence[Path] = (),
        on_step: OnStep | None = None,
        checkpoint: Checkpoint | None = None,
        warn: Callable[[str], None] = lambda _text: None,
        optimizer: tuple[Checkpoint | None, Checkpoint] | None = None,
    ) -> dict[str, Any]:
        """Trains on `rows` and writes the adapter (whole weights with `method` full) to the folder `out`, which appears
        whole or, if interrupted, not at all. Of several processes the first one writes it. `warn` gets a sentence about
        what an adapter leaves out of the model, and as in `fit`; `optimizer` is fit's. Returns fit's metrics."""
        requirements.check_requirements(replace(config, quantize=self.quantize))
        self._start_from(list(chain), torch.float32 if chain else frozen_dtype(self.base, config))
        self._chain, start = None, self._chain  # whatever fails from here on: the base is loaded anew
        full = config.method == "full"
        with nullcontext(self.model) if full else lora.attached(self.model, config) as trained:
            if isinstance(trained, PeftModel) and (omitted := lora.omitted(trained)):
                warn(omitted)
            facts = value_function.attach(trained, rows) if config.objective == VALUE else {}
            with fsdp_sharded(trained, wanted=config.fsdp):
                metrics = fit(trained, rows, config, on_step, checkpoint, warn, optimizer) | facts
            if process_rank.is_first():
                with explained_write_errors(out), whole_folder(out) as draft:
                    if isinstance(trained, PeftModel):
                        lora.save(trained, draft, self.name)
                        value_head.save(trained, draft)
                    else:
                        trained.save_pretrained(draft, save_original_format=False)
                        self.tokenizer.save_pretrained(draft)
        self._chain = None if full or config.fsdp else start
        return metrics

    def _start_from(self, chain: list[Path], dtype: torch.dtype) -> None:
        """Puts the weights at base + chain, in `dtype` or a wider one: adds what is new to it, or else begins again
        from the base."""
        if chain and self.quantize != "none":
            raise UsageError("a chain of adapters needs the unquantised base", "use --start base, or --quantize none")
        too_narrow = dtype is torch.float32 and self.dtype is not dtype
        if too_narrow or self._chain is None or chain[: len(self._chain)] != self._chain:
            self.dtype = dtype
            self.model = load_model(self.base, self.quantize, dtype, self.device)
            self._chain = []
        added, self._chain = chain[len(self._chain) :], None
        compose(self.model, added)
        self._chain = chain
