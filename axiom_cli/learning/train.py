"""Train: verdicts in, an adapter out: a tree in the workspace, whose receipt names rows, base and config."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from axiom_cli import models, process_rank
from axiom_cli.errors import InputError, NothingToDoError
from axiom_cli.files import remove
from axiom_cli.learning import distributed, value_labels
from axiom_cli.learning.adapter_files import adapter_folder
from axiom_cli.learning.objectives import OBJECTIVES, Chosen
from axiom_cli.learning.rejection_sampling import MANY_CUT_OFF, Selection
from axiom_cli.learning.tokens import longer, within_context
from axiom_cli.learning.training_example import Screen, TrainingExample
from axiom_cli.models import Resolved, folder_checks
from axiom_cli.records import Adapter, Verdict
from axiom_cli.settings.configs import VERIFIERS, TrainConfig
from axiom_cli.workspace.receipts import recipe_id
from axiom_cli.workspace.store import STATES, Workspace

if TYPE_CHECKING:
    from axiom_cli.learning.training.fit import OnStep
    from axiom_cli.learning.training.rows import Encoded
    from axiom_cli.learning.training.run import Progress
    from axiom_cli.learning.training.trackers import Log
    from axiom_cli.learning.training.trainer import Trainer

VERSION = 1
OPTIMIZER = "optimizer.pt"
MIN_ROWS = 20
"""Fewer rows make a model worse (9 to 50 rows did)."""
FEW_ROWS = 200
"""Below this a warning is given."""
MAX_LOGPROB_MISMATCH = 0.05
"""Nats a token between the engine's log-probabilities and the model's own beyond which the samples are another's."""


def ignore(*_args: object) -> None:
    """What an observer calls by default."""


@dataclass(frozen=True)
class TrainingObserver:
    """What `train`, and the preview of it, call as they make progress: by default nothing.

    `selected` gets what the verdicts gave to train on, before anything is loaded; `step` gets each optimiser step;
    `warn` gets a sentence about a problem that does not stop the run.
    """

    selected: Callable[[Chosen], None] = ignore
    step: Callable[[Progress], None] = ignore
    warn: Callable[[str], None] = ignore


def train(  # noqa: PLR0913 - what is trained on, how, and who is told
    verdicts: Iterable[Verdict],
    model: str | Resolved,
    config: TrainConfig,
    workspace: Workspace,
    screen: Screen | None = None,
    observer: TrainingObserver = TrainingObserver(),
) -> Adapter:
    """Selects rows among `verdicts` and fits an adapter of `model` on them. The input is read to its end first.

    `screen` knows the samples that the evaluation has seen; the adapter's `extra["selection"]` has every number.
    NothingToDoError for fewer than 20 rows without `config.force`, or where the objective compares and no problem has
    both a passing and a failing attempt; under 200 `observer` is warned. With the objectives `value` and `value-dpo` it
    is a value function, its record's `method` the same word.
    """
    check_settings(config)
    config = distributed.with_launcher_settings(config)
    selection = select_examples(verdicts, config, screen, observer)
    adapter = train_on(selection.examples, model, config, workspace, observer=observer)
    return replace(adapter, extra={**adapter.extra, "selection": selection.counts()})


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


def check_settings(config: TrainConfig) -> None:
    """UsageError or MissingError for what is wrong with `config` itself; nothing heavy is loaded."""
    from axiom_cli.learning.training import requirements

    requirements.check_requirements(config)
    distributed.with_launcher_settings(config)


def train_on(  # noqa: PLR0913 - as `train`, and what a loop holds between rounds
    examples: Sequence[TrainingExample],
    model: str | Resolved,
    config: TrainConfig,
    workspace: Workspace,
    chain: Sequence[Adapter] = (),
    trainer: Callable[[], Trainer] | None = None,
    observer: TrainingObserver = TrainingObserver(),
    sources: Sequence[str] = (),
    optimizer: str | None = None,
) -> Adapter:
    """Fits an adapter of base + `chain` on rows that are already chosen; made once, then remembered.

    `chain` holds the adapters of earlier rounds, oldest first: the new one starts from their sum in float32, and keeps
    their digests in `extra["chain"]`. `trainer` gives a base that is loaded already, and is asked only if needed.
    `sources` are the objects that the rows were chosen from, for those who ask why. `optimizer` is the stored state
    that the optimizer begins with, "" for none: where it is given, the state at the end is stored, and its digest is
    `extra["optimizer"]`. Where several processes call this
    together, the first one writes, and all return the same record.
    """
    _check_enough(len({id(example.verdict) for example in examples}), config, observer.warn)
    base = models.resolve(model, workspace) if isinstance(model, str) else model
    check_base(base, config.objective)
    distributed.tell((examples, base, config, tuple(chain), tuple(sources), optimizer))
    judges = config.objective in VERIFIERS
    if judges and (others := value_labels.other_authors(examples, base)):
        observer.warn(others)
    recipe = _recipe(examples, base, config, workspace, chain, sources, optimizer)
    before = recipe["inputs"]["chain"]
    state = workspace.root / STATES / f"{recipe_id(recipe)}.pt"
    folders = [*base.adapters, *(adapter_folder(adapter, workspace) for adapter in chain)]
    training = _Training(examples, base, config, workspace, folders, state, optimizer, observer)

    receipt = distributed.remember(
        workspace, recipe, lambda: training.run(trainer() if trainer else _trainer(base, config))
    )
    if process_rank.is_first():
        remove(state)
    return Adapter(
        base=base.ref,
        digest=receipt["adapter"],
        method=config.objective if judges else config.method,
        config=config.learning(),
        rows=receipt["rows"],
        metrics=receipt["metrics"],
        path=str(workspace.tree_path(receipt["adapter"])) if process_rank.is_first() else "",
        extra={
            **({"chain": before} if before else {}),
            **({} if optimizer is None else {"optimizer": receipt["optimizer"]}),
            "seconds": receipt.seconds,
        },
    )


def _recipe(  # noqa: PLR0913 - as `train_on`
    examples: Sequence[TrainingExample],
    base: Resolved,
    config: TrainConfig,
    workspace: Workspace,
    chain: Sequence[Adapter],
    sources: Sequence[str],
    optimizer: str | None,
) -> dict[str, Any]:
    """What an adapter is remembered by; the rows are stored."""
    rows = workspace.put_records(example.to_dict() for example in examples) if process_rank.is_first() else ""
    inputs: dict[str, Any] = {"base": base.digest, "rows": rows, "chain": [adapter.digest for adapter in chain]}
    if sources:
        inputs["verdicts"] = list(sources)
    if optimizer:
        inputs["optimizer"] = optimizer
    settings = config.learning() if optimizer is None else {**config.learning(), "keeps": "optimizer"}
    return {"stage": "train", "version": VERSION, "config": settings, "inputs": inputs}


@dataclass(frozen=True)
class _Training:
    """What one training is made of."""

    examples: Sequence[TrainingExample]
    base: Resolved
    config: TrainConfig
    workspace: Workspace
    adapters: Sequence[Path]
    """Where the adapters lie that the new one begins from."""
    state: Path
    """Where an interrupted training's state lies."""
    optimizer: str | None
    """As in `train_on`."""
    observer: TrainingObserver

    def run(self, trainer: Trainer) -> dict[str, Any]:
        """Fits the adapter and stores its tree, and the optimizer's where that is kept. The receipt's facts."""
        from axiom_cli.learning.training.checkpoint import Checkpoint
        from axiom_cli.learning.training.value_function import write_facts

        workspace, first = self.workspace, process_rank.is_first()
        config, encoded = self.config, self._encode(trainer)
        checkpoint = Checkpoint(self.state, config.checkpoint_seconds)
        with TemporaryDirectory(dir=workspace.objects.scratch().parent, ignore_cleanup_errors=True) as scratch:
            folder, kept = Path(scratch) / "adapter", None
            if self.optimizer is not None:
                start = Checkpoint(workspace.tree_path(self.optimizer) / OPTIMIZER) if self.optimizer else None
                kept = start, Checkpoint(Path(scratch) / "optimizer" / OPTIMIZER)
            warn = self.observer.warn if first else ignore
            metrics = trainer.fit(
                encoded.rows, config, folder, self.adapters, self.observer.step, checkpoint, warn, kept
            )
            if config.objective in VERIFIERS and first:
                write_facts(folder, self.base.name, self.base.digest, encoded.rows, config)
            digest = workspace.put_tree(folder) if first else ""
            state_digest = workspace.put_tree(kept[1].path.parent) if kept and first else ""
        mismatch = metrics.get("recorded_gap", 0.0)
        if mismatch > MAX_LOGPROB_MISMATCH:
            self.observer.warn(
                f"another model wrote the samples: log-probabilities differ by {mismatch:.2f} nats a token"
            )
        metrics |= encoded.counts()
        metrics.pop("seconds")
        made = {"adapter": digest, "rows": len(encoded.rows), "metrics": metrics}
        return {**made, "optimizer": state_digest} if kept else made

    def _encode(self, trainer: Trainer) -> Encoded:
        """The examples as tokens, those left out that the model has no room for; the observer is warned of them."""
        fitting, limit = within_context(self.config, trainer.model.config)
        encode = OBJECTIVES[self.config.objective].encode
        encoded = encode(self.examples, trainer.tokenizer, trainer.ends, fitting, self.base.digest)
        for warning in encoded.warnings(fitting.max_length, limit):
            self.observer.warn(warning)
        warn = self.observer.warn if encoded.too_long else ignore
        _check_enough(len(encoded.rows), self.config, warn, limit)
        return encoded


def follow(workspace: Workspace) -> None:
    """Trains whatever the first process trains, within its `distributed.leading`, until it is done."""
    held: dict[tuple[str, str], Trainer] = {}

    def train_too(task: Any) -> None:
        examples, base, config, chain, sources, optimizer = task
        kind = (base.digest, config.quantize)
        if kind not in held:
            held.clear()

        def trainer() -> Trainer:
            held[kind] = held.get(kind) or _trainer(base, config)
            return held[kind]

        train_on(examples, base, config, workspace, chain, trainer, sources=sources, optimizer=optimizer)

    distributed.follow(train_too)


@contextmanager
def watched(config: TrainConfig, name: str) -> Iterator[OnStep]:
    """Within it, what is given tells the trackers that `config` names of each step, as the run `name` (or of now). Of
    several processes the first one tells."""
    run = name or datetime.now().strftime("train-%Y%m%d-%H%M%S")
    with tracked(config.tracker, run, config.learning()) as log:
        yield lambda step: log({f"train/{name}": value for name, value in step.figures().items()}, step.step)


def tracked(names: str, run: str, settings: Mapping[str, Any]) -> AbstractContextManager[Log]:
    """Within it, what is given tells the trackers in `names` of figures and their step, as the run `run`. Of several
    processes the first one tells."""
    if names == "none" or not process_rank.is_first():
        return nullcontext(ignore)
    from axiom_cli.learning.training import trackers

    return trackers.tracked(names, run, settings)


def _trainer(base: Resolved, config: TrainConfig) -> Trainer:
    from axiom_cli.learning.training.trainer import Trainer

    if not Path(base.path).exists():
        raise InputError(
            f"{base.name} cannot be trained: its weights are not on this machine", "choose a folder or a hub model"
        )
    trainer = Trainer(base.path, config.quantize, base.name, config)
    if not models.is_still(base):
        raise InputError(f"{base.name} changed on disk while it was read", "run it again once it is complete")
    return trainer


def check_base(base: Resolved, objective: str) -> None:
    """InputError for a base that an adapter could be trained of, but not merged with."""
    if base.path.is_dir() and objective not in VERIFIERS:
        folder_checks.check_mergeable(base.path)


def _check_enough(rows: int, config: TrainConfig, warn: Callable[[str], None], limit: str = "--max-length") -> None:
    if not rows or (rows < MIN_ROWS and not config.force):
        hint = "sample more problems; --force trains anyway" if rows else longer(limit)
        few = f"only {rows} rows to train on: fewer than {MIN_ROWS} make a model worse"
        raise NothingToDoError(few if rows else "there are no rows to train on", hint)
    if rows < FEW_ROWS:
        warn(f"only {rows} rows to train on: below {FEW_ROWS} a model often gets worse")
