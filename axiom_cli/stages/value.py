"""Train a value function: verdicts in, an `adapter` record with method `value` out, made once and then remembered.

Passing and failing samples train, cut-off ones too, since they are among those that it will rank; `infra` is no label.
Equal samples of a problem are one row that counts as often as they came, so that the values keep the true frequencies.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axiom_cli import models, ranks
from axiom_cli.configs import TrainConfig
from axiom_cli.errors import NothingToDo, UsageError
from axiom_cli.records import Adapter, ModelRef, Sample, Verdict
from axiom_cli.workspace import Workspace

if TYPE_CHECKING:
    from axiom_cli.stages.train import Base
    from axiom_cli.training.fit import OnStep
    from axiom_cli.training.value import Judged

OBJECTIVE = "value"
VERSION = 1
FEWEST = 20
"""Fewer rows teach no ranking."""
Note = Callable[[str], None]


@dataclass
class Labelled:
    """A sample as it was judged: how often it came, and how often it passed."""

    sample: Sample
    times: int = 0
    passed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """For the workspace: equal rows are equal bytes."""
        return {**self.sample.to_dict(), "times": self.times, "passed": self.passed}


def labelled(verdicts: Iterable[Verdict]) -> list[Labelled]:
    """The distinct samples that were judged, in the order in which they first came."""
    found: dict[tuple[str, str, str], Labelled] = {}
    for verdict in verdicts:
        sample = verdict.sample
        if verdict.status == "infra" or sample.finish == "error":
            continue
        told = str(sample.extra.get("messages", ""))
        row = found.setdefault((sample.problem.id, sample.text + sample.finish, told), Labelled(sample))
        row.times += 1
        row.passed += verdict.passed
    return list(found.values())


def fit(
    verdicts: Iterable[Verdict],
    model: str | Base,
    config: TrainConfig,
    workspace: Workspace,
    on_step: OnStep | None = None,
    note: Note | None = None,
) -> Adapter:
    """Fits a value function of `model`'s samples. The input is read to its end first.

    NothingToDo where all pass or all fail, or for fewer than 20 rows without `config.force`; UsageError for settings
    that mean nothing here.
    """
    _check(config)
    rows = labelled(verdicts)
    _both(rows)
    _enough(len(rows), config)
    base = models.resolve(model, workspace) if isinstance(model, str) else model
    _told(rows, base, note)
    settings = config.learning()
    inputs = {"base": base.digest, "rows": workspace.put_records(row.to_dict() for row in rows)}
    recipe = {"stage": "train", "version": VERSION, "config": settings, "inputs": inputs}
    receipt = workspace.remember(recipe, lambda: _make(rows, base, config, workspace, on_step, note))
    return Adapter(
        base=ModelRef(base.name, base.digest),
        digest=receipt["adapter"],
        method=OBJECTIVE,
        config=settings,
        rows=receipt["rows"],
        metrics=receipt["metrics"],
        path=str(workspace.tree_path(receipt["adapter"])),
        extra={"seconds": receipt.seconds},
    )


def _check(config: TrainConfig) -> None:
    if ranks.size() > 1:
        raise UsageError("--objective value is fitted by one process", "start it without torchrun or accelerate launch")
    if config.method != "lora":
        raise UsageError(f"--objective value and --method {config.method} do not go together", "it is fitted by lora")
    if config.optimizer != "adamw":
        raise UsageError(f"--objective value and --optimizer {config.optimizer} do not go together", "adamw fits it")
    if config.precision == "bfloat16" or config.gradient_checkpointing:
        said = "--precision bfloat16" if config.precision == "bfloat16" else "--gradient-checkpointing"
        raise UsageError(f"--objective value and {said} do not go together", "it is fitted in float32, whole")


def _both(rows: Sequence[Labelled]) -> None:
    if not rows:
        raise NothingToDo("no judged sample to fit a value function on", "axiom verify writes verdict records")
    passed, times = sum(row.passed for row in rows), sum(row.times for row in rows)
    if passed in (0, times):
        every = "passed" if passed else "failed"
        raise NothingToDo(
            f"all {times} samples {every}: a value function learns from both kinds",
            "verdicts of axiom solve --samples 16 hold both, at levels where the model is sometimes right",
        )


def _enough(rows: int, config: TrainConfig) -> None:
    if not rows or (rows < FEWEST and not config.force):
        hint = "sample more problems; --force trains anyway" if rows else "raise --max-length"
        raise NothingToDo(f"only {rows} distinct samples to fit a value function on, fewer than {FEWEST}", hint)


def _told(rows: Sequence[Labelled], base: Base, note: Note | None) -> None:
    """Says so where the samples are another model's: allowed, since their texts can be judged, but seldom meant."""
    others = sorted({row.sample.model.name for row in rows if row.sample.model.digest != base.digest})
    if others and note:
        note(f"samples by {', '.join(others[:3])} train a value function for {base.name}: it will judge {base.name}'s")


def _make(
    rows: Sequence[Labelled],
    base: Base,
    config: TrainConfig,
    workspace: Workspace,
    on_step: OnStep | None,
    note: Note | None,
) -> dict[str, Any]:
    from axiom_cli.stages.train import _trainer
    from axiom_cli.training.value_fit import fit_value

    trainer = _trainer(base, config)
    encoded = encode(rows, trainer.tokenizer, trainer.ends)
    fitting = [row for row in encoded if row.length <= config.max_length]
    too_long = len(encoded) - len(fitting)
    if too_long and note:
        note(f"{too_long} rows longer than {config.max_length} tokens are left out (--max-length)")
    _enough(len(fitting), config)
    with tempfile.TemporaryDirectory() as folder:
        metrics = fit_value(trainer, fitting, base.digest, config, Path(folder) / "value", on_step)
        digest = workspace.put_tree(Path(folder) / "value")
    metrics |= {"samples": sum(row.times for row in rows), "too_long": too_long}
    metrics.pop("seconds")
    return {"adapter": digest, "rows": len(fitting), "metrics": metrics}


def encode(rows: Iterable[Labelled], tokenizer: Any, ends: Sequence[int]) -> list[Judged]:
    """The rows as token ids, each with the share of its verdicts that are passes."""
    from axiom_cli.training.value import Encoder

    encoder = Encoder(tokenizer, ends)
    return [encoder.row(row.sample, row.passed / row.times, float(row.times)) for row in rows]
