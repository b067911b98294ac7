"""Expert iteration: evaluate, collect, train, merge, repeat (Anthony et al. 2017; STaR 2203.14465; ReST-EM 2312.06585).

Every step is remembered by the workspace under what it was made from, so there is no state to keep: a run that was
killed is gone on with by running it again, and gives the same digests as one that never was.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from axiom_cli import models
from axiom_cli.errors import NothingToDoError
from axiom_cli.evaluation.metrics import best_iteration, evaluate, phase_row
from axiom_cli.experiment import control_arms, round, writer
from axiom_cli.experiment.check_loop import check
from axiom_cli.experiment.control_arms import COLD_ONLY, SHUFFLED
from axiom_cli.experiment.curriculum import Fountain, allocate, cells, check_supply, pass_rates
from axiom_cli.learning import replay
from axiom_cli.learning.merge import merge
from axiom_cli.learning.train import FEWEST, train_on, with_token_ids
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.models import Resolved
from axiom_cli.models.nano import recipe
from axiom_cli.problems import families
from axiom_cli.problems.decontamination import HeldOutScreen
from axiom_cli.records import Adapter, Metrics, Problem, Verdict
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.sampling.rollout import keep_metrics, remember_rollout
from axiom_cli.settings.configs import LoopConfig, MergeConfig, SolveConfig, TrainConfig, VerifyConfig
from axiom_cli.settings.options import names
from axiom_cli.verification.verify import verify
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import Workspace

GREEDY, SAMPLED = 0.0, 0.7
SAMPLES_AT_TEST = 4
SMALL = 1 << 26
"""Bytes of a start model that may be copied into the workspace."""
COLD_SHARE, CONTROL_SHARE = 0.03, 0.2
"""Shares of the cold start's traces that the replay buffer and the control arm draw from."""


class Watch:
    """Told what goes on. This one looks away; commands show it."""

    def phase(self, label: str, done: int, total: int) -> None:
        """`done` of `total` problems, or training steps, of what `label` says."""

    def evaluated(self, rows: Sequence[Metrics]) -> None:
        """One model's metrics on one split, the overall row first."""

    def note(self, text: str) -> None:
        """A sentence about what was done."""

    def warn(self, text: str) -> None:
        """A sentence about what somebody should know although the work goes on."""


@dataclass
class Arm:
    """The run itself (no name), or one of its controls: where it stands after so many rounds."""

    name: str
    model: Resolved
    fountain: Fountain
    chain: tuple[Adapter, ...] = ()
    history: tuple[TrainingExample, ...] = ()
    sources: tuple[str, ...] = ()
    rates: dict[tuple[str, int], float] | None = None
    selection: dict[str, Any] | None = None


class Loop:
    """One experiment in one workspace: holds the engine and the trainer between rounds."""

    def __init__(self, config: LoopConfig, model: str, workspace: Workspace, watch: Watch | None = None) -> None:
        check(config)
        self.config, self.workspace, self.watch = config, workspace, watch or Watch()
        self.base = models.resolve(model, workspace)
        self.families = [families.get(name).name for name in names([config.problem_types])]
        self.cells = cells(self.families, config)
        self.engine = EngineHandle(self.base, workspace, SolveConfig(engine=config.engine))
        self.folder = writer.Folder(config, self.base, lambda text: self.watch.warn(text))
        self._trainer: Any = None
        self._cold: dict[float, list[TrainingExample]] = {}
        self._mixed: dict[int, replay.Mix] = {}

    def run(self) -> writer.Folder:
        """All rounds of the run and of its controls, then the held-out test. Returns the experiment's folder."""
        with ExitStack() as closing:
            closing.callback(self.engine.close)
            closing.enter_context(self.folder.locked())
            arms = [
                Arm(name, self.base, Fountain(self.config.seed))
                for name in ("", *control_arms.parse(self.config.control))
            ]
            check_supply(self.cells, self.config)
            self.val, self.test = self.folder.held_out(self.cells)
            self.screen = HeldOutScreen(self.val, self.test)
            for arm in arms:
                self._validate(arm, 0)
                for iteration in range(self.config.iterations):
                    self._round(arm, iteration)
            for arm in arms:
                self._examine(arm)
        return self.folder

    def _round(self, arm: Arm, iteration: int) -> None:
        """Collect, train, merge, validate: model `iteration` of the arm becomes model `iteration + 1`."""
        new = self._news(arm, iteration) if arm.name != COLD_ONLY else []
        mixed = self._mix(arm, new, iteration)
        adapter = self._train(arm, mixed, iteration)
        merged = merge(adapter, MergeConfig(), self.workspace, base=self.base)
        name = self._ref(arm.name, iteration + 1)
        self.workspace.set_ref(name, merged.digest)
        arm.model = Resolved(name, merged.digest, self.workspace.tree_path(merged.digest))
        arm.chain = (*arm.chain, adapter) if self.config.start == "previous" else ()
        arm.history = (*arm.history, *new)
        facts = {"digest": merged.digest, "certificate": dict(merged.certificate)}
        self.folder.add(
            [phase_row(self.folder.name(arm.name), iteration, "merge", merged.extra["seconds"], extra=facts)]
        )
        self._validate(arm, iteration + 1)

    def _news(self, arm: Arm, iteration: int) -> list[TrainingExample]:
        """The round's new solutions. NothingToDoError where the run itself has none, and no earlier one either."""
        selection = round.news(self._collect(arm, iteration), self._training(iteration), self.screen.overlapping)
        arm.selection = selection.counts()
        self.watch.note(f"round {iteration + 1}{_of(arm)}: {selection.words}")
        if not selection.examples:
            told = f"round {iteration + 1}{_of(arm)}: no new solution among {selection.verdicts:,} samples"
            if not (arm.name or arm.history or replay.parse_shares(self.config.replay)["cold"] == 1):
                raise NothingToDoError(told, round.fruitless(selection))
            self.watch.warn(f"{told}: {round.fruitless(selection)}")
        return selection.examples

    def _collect(self, arm: Arm, iteration: int) -> list[Verdict]:
        rates = arm.rates if self.config.curriculum and arm.rates else {}
        problems = arm.fountain.draw(allocate(self.cells, rates, self.config.train_size), self.watch.warn)
        shared = {"held_out_ngram_rate": self.screen.check_training(problems)}
        config = SolveConfig(
            samples=self.config.samples,
            temperature=self.config.temperature,
            max_tokens=self.config.max_tokens,
            seed=self.config.seed + iteration,
        )
        verdicts, made = self._attempt(arm.model, problems, config, f"round {iteration + 1}: collect{_of(arm)}")
        arm.sources = (*arm.sources, made["verdicts"])
        if arm.name == SHUFFLED:
            verdicts = round.shuffled(verdicts, self.config, iteration)
        if not arm.name:
            self.folder.collected(iteration, problems, verdicts)
        passed = sum(v.passed for v in verdicts)
        tokens = sum(v.sample.tokens for v in verdicts)
        name = self.folder.name(arm.name)
        row = phase_row(name, iteration, "collect", made.seconds, tokens, len(verdicts), passed, shared)
        self.folder.add([row])
        return verdicts

    def _mix(self, arm: Arm, new: Sequence[TrainingExample], iteration: int) -> replay.Mix:
        """The round's rows. The cold-only control gets as many loss tokens as the run itself had in that round."""
        if arm.name == COLD_ONLY:
            tokens = sum(self._mixed[iteration].tokens.values())
            cold, shares = self._cold_start(CONTROL_SHARE), {"new": 0, "history": 0, "cold": 1}
            return replay.mix_solutions([], [], cold, shares, iteration, total=tokens)
        mixed = round.mixed(new, arm.history, self._cold_start, self.config, iteration)
        if not arm.name:
            self._mixed[iteration] = mixed
        return mixed

    def _train(self, arm: Arm, mixed: replay.Mix, iteration: int) -> Adapter:
        label = f"round {iteration + 1}: train{_of(arm)}"
        told = f"round {iteration + 1}{_of(arm)}: {mixed.words}"
        if len(mixed.examples) < FEWEST:
            raise NothingToDoError(f"{told}; fewer than {FEWEST} make a model worse", replay.MORE)
        self.watch.note(told)
        config = self._training(iteration)
        adapter = train_on(
            mixed.examples,
            self.base,
            config,
            self.workspace,
            arm.chain,
            self._loaded_trainer,
            lambda step: self.watch.phase(label, step.step, step.steps),
            self.watch.warn,
            arm.sources if arm.name != COLD_ONLY else (),
        )
        facts = {"replay": mixed.shares, "digest": adapter.digest, "selection": arm.selection}
        seconds, tokens = adapter.extra.get("seconds", 0.0), adapter.metrics.get("loss_tokens", 0)
        name = self.folder.name(arm.name)
        self.folder.add([phase_row(name, iteration, "train", seconds, tokens, adapter.rows, extra=facts)])
        return adapter

    def _training(self, iteration: int) -> TrainConfig:
        config = self.config
        return TrainConfig(
            objective=config.objective,
            lora_r=config.lora_r,
            lora_alpha=config.lora_alpha,
            epochs=config.epochs,
            batch_size=config.batch_size,
            grad_accum=1,
            lr=config.lr,
            seed=config.seed + iteration,
        )

    def _validate(self, arm: Arm, iteration: int) -> None:
        rows = self._evaluate(arm.name, arm.model, self.val, "val", iteration, [(GREEDY, 1)])
        arm.rates = pass_rates(rows)

    def _examine(self, arm: Arm) -> None:
        """The held-out test of every model of an arm, greedy; the first and the selected one with samples too. A model
        of an earlier run of more rounds may be the selected one, if it is still there."""
        there, made = self.workspace.refs(), range(self.config.iterations + 1)
        rows = [r for r in self.folder.rows if r.iteration in made or self._ref(arm.name, r.iteration) in there]
        best = best_iteration(rows, self.folder.name(arm.name)) or 0
        if not arm.name:
            self._name_best(best)
        for iteration in sorted({*made, best}):
            plan = [(GREEDY, 1)]
            if iteration in (0, best):
                plan.append((SAMPLED, SAMPLES_AT_TEST))
            self._evaluate(arm.name, self._model(arm.name, iteration), self.test, "test", iteration, plan)

    def _name_best(self, best: int) -> None:
        """`run@best` leads to the selected model. The start model gets a name only if it lies in the workspace, or is
        small enough to be put there."""
        digest = self._model("", best).digest
        if best == 0 and not self.workspace.has(digest):
            if not self.base.path.is_dir() or sum(f.stat().st_size for f in self.base.path.iterdir()) > SMALL:
                return
            digest = self.workspace.put_tree(self.base.path)
        self.workspace.set_ref(self._ref("", "best"), digest)

    def _model(self, arm: str, iteration: int) -> Resolved:
        return models.resolve(self._ref(arm, iteration), self.workspace) if iteration else self.base

    def _ref(self, arm: str, iteration: int | str) -> str:
        """The name in the workspace of an arm's model: `run@3`, `run-shuffled@3`, `run@best`."""
        return f"{self.folder.name(arm).replace('+', '-')}@{iteration}"

    def _evaluate(
        self,
        arm: str,
        model: Resolved,
        problems: list[Problem],
        split: str,
        iteration: int,
        plan: list[tuple[float, int]],
    ) -> list[Metrics]:
        verdicts: list[Verdict] = []
        attempts: list[Receipt] = []
        for temperature, samples in plan:
            config = SolveConfig(
                samples=samples, temperature=temperature, max_tokens=self.config.max_tokens, seed=self.config.seed
            )
            label = f"{split} of model {iteration}{f' ({arm})' if arm else ''}"
            more, made = self._attempt(model, problems, config, label)
            verdicts += more
            attempts.append(made)
        seconds = sum(made.seconds for made in attempts)
        rows = evaluate(
            verdicts, self.folder.name(arm), iteration, split, seconds, {"model": model.name, "digest": model.digest}
        )
        keep_metrics(rows, attempts, self.workspace)
        self.folder.evaluated(split, iteration, arm, verdicts)
        self.folder.add(rows)
        self.watch.evaluated(rows)
        return rows

    def _attempt(
        self, model: Resolved, problems: list[Problem], config: SolveConfig, label: str
    ) -> tuple[list[Verdict], Receipt]:
        def on_problem(done: int) -> None:
            self.watch.phase(label, done, len(problems))

        return remember_rollout(model, problems, config, self.engine, self.workspace, on_problem)

    def _loaded_trainer(self) -> Any:
        self.engine.sleep()
        if self._trainer is None:
            from axiom_cli.learning.training.trainer import Trainer

            self._trainer = Trainer(self.base.path, name=self.base.name)
        return self._trainer

    def _cold_start(self, share: float = COLD_SHARE) -> list[TrainingExample]:
        """Verified traces of the teacher, over the levels as in the embedded model's own cold start."""
        if share not in self._cold:
            samples = self.screen.filter_cold_start(recipe.samples(share))
            verdicts = with_token_ids(verify(samples, VerifyConfig()), self.base, self.workspace)
            self._cold[share] = [TrainingExample(verdict) for verdict in verdicts]
        return self._cold[share]


def _of(arm: Arm) -> str:
    return f" ({arm.name})" if arm.name else ""
