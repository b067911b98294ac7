"""How nano was made: `python -m axiom_cli.models.nano.recipe FOLDER`, about 20 minutes on two cores, resumable.

A Llama of 1.0 million parameters is trained from random weights on the solver-teacher's solutions alone, until more
steps on the same ones no longer help. As in what people write, only some are worked out: every other one gives the
answer at once. Which of the two it can rely on, and where, the model does not know; nor has it seen many long problems
(docs/decisions/0004 and 0006).
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axiom_cli.sampling.nano_cold_start import COUNTS, FAMILIES, SEED, samples
from axiom_cli.settings.configs import TrainConfig

if TYPE_CHECKING:
    from axiom_cli.learning.training.run import Progress

SHAPE = {
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
}
COMMON: dict[str, Any] = {"method": "full", "optimizer": "muon", "weight_decay": 0.1, "grad_accum": 1}
FIRST = TrainConfig(**COMMON, lr=0.015, batch_size=32, epochs=1.5, warmup=0.05, seed=1)
"""Short problems first, levels 1 and 2: copying and number facts are learnt soonest there."""
SECOND = TrainConfig(**COMMON, lr=0.012, batch_size=48, epochs=4, warmup=0.02, seed=2)
"""Then everything."""
THIRD = TrainConfig(**COMMON, lr=0.0015, batch_size=64, epochs=1, warmup=0.02, seed=3)
"""Then everything once more, down to about a hundredth of the second stage's peak rate: the weights come to rest."""


def make(folder: Path) -> None:
    """Writes the model to `folder`. Killed and run again, it resumes from the last checkpoint in `folder`."""
    from axiom_cli.learning.training.checkpoint import Checkpoint
    from axiom_cli.learning.training.fit import fit
    from axiom_cli.learning.training.new_model import new_model, new_tokenizer
    from axiom_cli.learning.training.rows import encode
    from axiom_cli.sampling.token_ids import end_ids

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = new_tokenizer(text for sample in samples(0.02) for text in (sample.problem.prompt, sample.text))
    model = new_model(tokenizer, SHAPE, SEED)
    ends = end_ids(tokenizer, model.generation_config)
    rows = encode(((sample, 1.0) for sample in samples()), tokenizer, ends, 1024).rows
    short = rows[: len(FAMILIES) * (COUNTS[1] + COUNTS[2])]
    stages = {"first": (short, FIRST), "second": (rows, SECOND), "third": (rows, THIRD)}
    for name, (part, config) in stages.items():
        metrics = fit(model, part, config, partial(_report, name), Checkpoint(folder / f"{name}.pt", 60.0))
        print(name, metrics, file=sys.stderr)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    for name in stages:
        (folder / f"{name}.pt").unlink(missing_ok=True)


def _report(name: str, progress: Progress) -> None:
    if progress.step % 50 == 0:
        where = f"{name} step {progress.step}/{progress.steps}"
        print(f"{where} loss {progress.loss:.4f} {progress.seconds:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    make(Path(sys.argv[1] if len(sys.argv) > 1 else "nano"))
