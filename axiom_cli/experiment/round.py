"""The steps of a round, each made once and then read back from the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from axiom_cli import models
from axiom_cli.errors import NothingToDoError
from axiom_cli.evaluation.changepoint import LEAST_ROUNDS
from axiom_cli.evaluation.comparison import outcomes
from axiom_cli.evaluation.experiment_folder import UNJUDGED, arm_name, model_ref
from axiom_cli.evaluation.metrics import evaluate, phase_row, tally
from axiom_cli.experiment import climb, control_arms, gates, wrong_labels
from axiom_cli.experiment.arm import Arm
from axiom_cli.experiment.combinations import stays_adapter
from axiom_cli.experiment.control_arms import COLD_ONLY, SHUFFLED
from axiom_cli.experiment.curriculum import allocate, buckets, pass_rates
from axiom_cli.experiment.observed_rollout import observed_rollout
from axiom_cli.experiment.observer import LoopObserver, Phase
from axiom_cli.experiment.round_rows import RoundRows, more_solutions
from axiom_cli.experiment.writer import ExperimentWriter
from axiom_cli.importing.splitting import Supply
from axiom_cli.learning import replay
from axiom_cli.learning.merge import merge
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.train import MIN_ROWS, TrainingObserver, train_on
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.learning.unmerged import on_top
from axiom_cli.models import Resolved
from axiom_cli.problems.decontamination import HeldOutScreen
from axiom_cli.records import Adapter, Metrics, Problem, Verdict
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.sampling.rollout import keep_metrics
from axiom_cli.settings.configs import LoopConfig, SolveConfig
from axiom_cli.wording import plural
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import Workspace

if TYPE_CHECKING:
    from axiom_cli.learning.training.trainer import Trainer

GREEDY = 0.0


@dataclass
class RoundSteps:
    """The steps of one experiment. Between rounds it holds the engine and the trainer; the caller closes the engine."""

    config: LoopConfig
    base: Resolved
    workspace: Workspace
    engine: EngineHandle
    supply: Supply
    writer: ExperimentWriter
    observer: LoopObserver
    cold_start: Sequence[TrainingExample] | None = None
    """The rows of round 0; without one, nano has those of its own cold start."""
    rounds: int = 0
    """Rounds that the run makes: those asked for, unless it stops before."""
    _trainer: Trainer | None = None
    rows: RoundRows = field(init=False)

    def __post_init__(self) -> None:
        self.screen = HeldOutScreen(self.supply.val, self.supply.test)
        self.rounds = self.rounds or self.config.iterations
        self.rows = RoundRows(
            self.config,
            self.base,
            self.workspace,
            self.screen,
            self.observer,
            bool(self.supply.endless),
            self.cold_start,
        )

    def validate(self, arm: Arm, iteration: int) -> None:
        """Evaluates the arm's model on the validation problems."""
        rows, verdicts = self.evaluate_model(arm, arm.model, "val", iteration, [(GREEDY, 1)])
        arm.outcomes = outcomes(tally(verdicts)[GREEDY])
        arm.rates = pass_rates(rows)
        if iteration == 0:
            arm.hard = wrong_labels.hard_cells(rows)
        arm.tops = (climb.moved if self.config.curriculum == "bands" else climb.raised)(arm.tops, rows)
        if (lost := climb.out_of_reach(rows)) and lost != arm.out_of_reach:
            self.observer.note(f"out of reach: {', '.join(lost)} (no validation problem is solved)")
        arm.out_of_reach = lost
        if self.supply.test and iteration == 0 and not arm.is_control:
            gates.enforce(gates.check_headroom(rows[0].rate, len(self.supply.test)), self.observer.warn)

    def collect(self, arm: Arm, iteration: int) -> list[Verdict]:
        """Samples and verifies training problems: fresh ones, and those of files, which may come again."""
        config = self.config
        rates = {} if config.curriculum == "fixed" else arm.rates
        if config.curriculum == "bands":
            rates = climb.banded(arm.tops, arm.rates)
        weights = buckets(self.supply, arm.tops)
        counts = allocate([*weights], rates, config.train_size, weights, arm.stream.most)
        if arm.tops:
            self.observer.note(f"{arm.label(iteration)}: {climb.levels_text(arm.tops)}")
        problems, new, seen = arm.stream.draw(counts, self.observer.warn)
        if seen:
            self.observer.note(f"{arm.label(iteration)}: {problems_text(len(problems), new, seen)}")
        if arm.stream.left_out:
            left_out = plural(arm.stream.left_out, "fresh problem")
            self.observer.note(f"{arm.label(iteration)}: {left_out} left out so far: a file holds them out")
        shared = self.screen.check_training(problems)
        sampling = replace(config.solve, seed=config.solve.seed + iteration)
        phase = Phase("collect", iteration + 1, len(problems) * sampling.samples, arm.name)
        self.observer.begin(phase)
        verdicts, receipt = self._rollout(arm.model, problems, sampling)
        self.observer.end(replace(phase, amount=len(verdicts)), receipt.seconds)
        arm.sources = (*arm.sources, receipt["verdicts"])
        passed = sum(verdict.passed for verdict in verdicts)
        if arm.name in UNJUDGED:
            verdicts = control_arms.accept(verdicts, arm.name)
        if arm.name == SHUFFLED:
            compares = OBJECTIVES[config.train.objective].compares
            verdicts = control_arms.shuffle(verdicts, config.seed + iteration, within=compares)
        if not arm.is_control:
            self.writer.write_round(iteration, problems, verdicts)
            climbs = bool(climb.climbing(self.supply, arm.tops))
            failures = gates.check_samples(verdicts, config.train.objective, iteration, climbs=climbs)
            gates.enforce(failures, self.observer.warn, ignored=config.ignore_gates)
        if config.wrong_labels:
            how = config.wrong_labels, config.wrong_labels_kind
            verdicts = wrong_labels.plant(verdicts, *how, arm.hard, config.seed + iteration)
            self.observer.note(f"{arm.label(iteration)}: {wrong_labels.counts_text(verdicts)}")
        self._record(
            arm,
            iteration,
            "collect",
            receipt.seconds,
            tokens=sum(verdict.sample.tokens for verdict in verdicts),
            n=len(verdicts),
            passed=passed,
            extra={
                "held_out_ngram_rate": shared,
                **({"new": new, "seen": seen} if self.supply.pools else {}),
                **({"tops": arm.tops} if arm.tops else {}),
                **({"out_of_reach": arm.out_of_reach} if arm.out_of_reach else {}),
                **({"planted": wrong_labels.planted(verdicts)} if config.wrong_labels else {}),
            },
        )
        return verdicts

    def train_once(self, arm: Arm) -> None:
        """The samples of all rounds, drawn from the start model, and one training on them, which makes the arm's last
        model: what the rounds add is what the run has above it."""
        rounds = self.rounds
        verdicts = [verdict for iteration in range(rounds) for verdict in self.collect(arm, iteration)]
        new = self.rows.select(arm, verdicts, rounds - 1)
        mix = self.rows.mix(arm, new, rounds - 1)
        self.merge(arm, self.train(arm, mix, rounds - 1), mix, rounds - 1)
        self.validate(arm, rounds)

    def train(self, arm: Arm, mix: replay.Mix, iteration: int) -> Adapter:
        """Fits an adapter on the round's rows. NothingToDoError where they are too few."""
        summary = f"{arm.label(iteration)}: {mix.summary}"
        if len(mix.examples) < MIN_ROWS:
            raise NothingToDoError(f"{summary}; fewer than {MIN_ROWS} make a model worse", more_solutions(self.config))
        self.observer.note(summary)
        phase = Phase("train", iteration + 1, len(mix.examples), arm.name)
        self.observer.begin(phase)
        adapter = train_on(
            mix.examples,
            self.base,
            self.rows.training(iteration, self.rows.repeats(arm, mix, iteration)),
            self.workspace,
            arm.chain,
            self._loaded_trainer,
            TrainingObserver(step=self.observer.trained, warn=self.observer.warn),
            sources=arm.sources if arm.name != COLD_ONLY else (),
            optimizer=arm.optimizer if self.config.start == "continue" else None,
        )
        seconds = adapter.extra.get("seconds", 0.0)
        self.observer.end(phase, seconds)
        self.observer.learnt(adapter.metrics["steps"])
        self._record(
            arm,
            iteration,
            "train",
            seconds,
            tokens=adapter.metrics.get("loss_tokens", 0),
            n=adapter.rows,
            extra={
                "replay": mix.shares,
                "loss": adapter.metrics.get("loss_last"),
                "digest": adapter.digest,
                "selection": arm.selection,
            },
        )
        return adapter

    def merge(self, arm: Arm, adapter: Adapter, mix: replay.Mix, iteration: int) -> None:
        """Merges the adapter, or lays it on the base: model `iteration` of the arm becomes model `iteration + 1`. `mix`
        is what it learnt."""
        phase = Phase("merge", iteration + 1, arm=arm.name)
        self.observer.begin(phase)
        if stays_adapter(self.config):
            merged = on_top(adapter, self.base, self.workspace)
        else:
            merged = merge(adapter, self.config.merge, self.workspace, base=self.base)
        name = model_ref(self.config.experiment, arm.name, iteration + 1)
        self.workspace.set_ref(name, merged.digest)
        whole = Resolved(name, merged.digest, self.workspace.tree_path(merged.digest))
        arm.model = models.resolve(name, self.workspace) if stays_adapter(self.config) else whole
        arm.chain = () if self.config.start == "base" else (*arm.chain, adapter)
        facts: dict[str, Any] = {"digest": merged.digest, "certificate": dict(merged.certificate)}
        if self.config.iterations >= LEAST_ROUNDS and not stays_adapter(self.config):
            from axiom_cli.learning.training.margin import mean_margin
            from axiom_cli.models.weight_norm import weight_norm

            facts["weight_norm"] = round(weight_norm(whole.path), 6)
            if (margin := mean_margin(whole.path, mix.examples, self.config.train.max_length)) is not None:
                facts["margin"] = round(margin, 6)
        self.observer.end(phase, merged.extra["seconds"])
        self._record(arm, iteration, "merge", merged.extra["seconds"], extra=facts)

    def _record(self, arm: Arm, iteration: int, phase: str, seconds: float, **fields: Any) -> None:
        experiment = arm_name(self.config.experiment, arm.name)
        self.writer.write_metrics([phase_row(experiment, iteration, phase, seconds, **fields)])

    def evaluate_model(
        self, arm: Arm, model: Resolved, split: str, iteration: int, plan: Sequence[tuple[float, int]]
    ) -> tuple[list[Metrics], list[Verdict]]:
        """The metrics of a model on `val` or `test`, and the verdicts behind them; `plan` has a temperature and a
        number of samples a problem."""
        config, problems = self.config, self.supply.val if split == "val" else self.supply.test
        verdicts: list[Verdict] = []
        receipts: list[Receipt] = []
        phase = Phase(split, iteration, len(problems) * sum(samples for _, samples in plan), arm.name)
        self.observer.begin(phase)
        for temperature, samples in plan:
            sampling = replace(
                config.solve, temperature=temperature, samples=samples, strategy="best-of-n", early_stop=False
            )
            more, receipt = self._rollout(model, problems, sampling)
            verdicts += more
            receipts.append(receipt)
        seconds = sum(receipt.seconds for receipt in receipts)
        self.observer.end(phase, seconds)
        facts = {"model": model.name, "digest": model.digest}
        rows = evaluate(verdicts, arm_name(config.experiment, arm.name), iteration, split, seconds, facts)
        keep_metrics(rows, receipts, self.workspace)
        self.writer.write_evaluation(split, iteration, arm.name, verdicts)
        self.writer.write_metrics(rows)
        self.observer.evaluated(rows)
        return rows, verdicts

    def stop(self, iteration: int, reason: str) -> None:
        """The run has made its last round, for a `reason`: recorded and told. Its controls make no more either."""
        self.rounds = iteration + 1
        self.writer.write_metrics([phase_row(self.config.experiment, iteration, "stop", 0.0, extra={"reason": reason})])
        self.observer.note(f"the run stops after {plural(self.rounds, 'round')} of {self.config.iterations}: {reason}")

    def _rollout(
        self, model: Resolved, problems: Sequence[Problem], sampling: SolveConfig
    ) -> tuple[list[Verdict], Receipt]:
        own = self.engine, self.workspace, self.config.verify, self.observer
        return observed_rollout(model, problems, sampling, *own)

    def _loaded_trainer(self) -> Trainer:
        self.engine.sleep()
        if self._trainer is None:
            from axiom_cli.learning.training.trainer import Trainer

            config = self.config.train
            self._trainer = Trainer(self.base.path, config.quantize, self.base.name, config)
        return self._trainer


def problems_text(count: int, new: int, seen: int) -> str:
    """`160 problems: 25 % new, 75 % seen in earlier rounds`, of those that come from files."""
    total = new + seen
    of_files = "" if total == count else f", {total:,} of them from files"
    shares = f"{100 * new / total:.0f} % new, {100 * seen / total:.0f} % seen in earlier rounds"
    return f"{count:,} problems{of_files}: {shares}"
