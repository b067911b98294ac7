"""The steps of a round, each made once and then read back from the workspace.

`sft` mixes accepted solutions: new ones, those of earlier rounds, and the cold start's. Objectives that compare (dpo,
kto, grpo) mix whole problems, each with all of its attempts that contrast; the cold start, in which nothing fails, has
none. `grpo` weighs each token by the policy that sampled it, which is the model that the round starts from, so it takes
new samples only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from axiom_cli import models
from axiom_cli.errors import NothingToDoError
from axiom_cli.evaluation.changepoint import LEAST_ROUNDS
from axiom_cli.evaluation.comparison import outcomes
from axiom_cli.evaluation.experiment_folder import FORMAT_ONLY, UNJUDGED, arm_name, model_ref
from axiom_cli.evaluation.metrics import evaluate, phase_row, tally
from axiom_cli.experiment import climb, control_arms, dense_reward, gates, wrong_labels
from axiom_cli.experiment.arm import Arm
from axiom_cli.experiment.combinations import stays_adapter
from axiom_cli.experiment.control_arms import COLD_ONLY, ONE_SHOT, SHUFFLED
from axiom_cli.experiment.curriculum import allocate, buckets, pass_rates
from axiom_cli.experiment.observed_rollout import observed_rollout
from axiom_cli.experiment.observer import LoopObserver, Phase
from axiom_cli.experiment.writer import ExperimentWriter
from axiom_cli.importing.splitting import Supply
from axiom_cli.learning import replay
from axiom_cli.learning.merge import merge
from axiom_cli.learning.objectives import OBJECTIVES, Chosen
from axiom_cli.learning.preference import PreferenceData
from axiom_cli.learning.rejection_sampling import ALL_INFRA, Selection, select_solutions
from axiom_cli.learning.tokens import with_token_ids
from axiom_cli.learning.train import MIN_ROWS, TrainingObserver, train_on
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.learning.unmerged import on_top
from axiom_cli.models import Resolved
from axiom_cli.problems.decontamination import HeldOutScreen
from axiom_cli.records import Adapter, Metrics, Problem, Verdict
from axiom_cli.sampling import nano_cold_start
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.sampling.rollout import keep_metrics
from axiom_cli.settings.configs import LoopConfig, SolveConfig, TrainConfig
from axiom_cli.verification.verify import verify
from axiom_cli.wording import plural
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import Workspace

if TYPE_CHECKING:
    from axiom_cli.learning.training.trainer import Trainer

GREEDY = 0.0
COLD_SHARE, CONTROL_SHARE = 0.03, 0.2
"""Shares of the cold start's traces that the replay buffer and the control arm draw from."""


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
    _cold_start: dict[float, list[TrainingExample]] = field(default_factory=dict)
    _mixes: dict[int, replay.Mix] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.screen = HeldOutScreen(self.supply.val, self.supply.test)
        self.rounds = self.rounds or self.config.iterations

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

    def select_new(self, arm: Arm, verdicts: Sequence[Verdict], iteration: int) -> list[TrainingExample]:
        """What the round's samples give to train on. NothingToDoError where the run itself gets nothing, and has
        nothing from earlier rounds either."""
        objective = OBJECTIVES[self.config.train.objective]
        selection: Chosen
        if arm.name in UNJUDGED:
            selection = select_solutions(verdicts, self._training(iteration), self.screen.overlapping, weighted=False)
        else:
            dense = iteration < self.config.dense_until
            given = dense_reward.accept_partial(verdicts) if dense else verdicts
            selection = objective.select(given, self._training(iteration), self.screen.overlapping)
            if dense:
                selection.examples = dense_reward.weigh(selection.examples)
                partial = sum(map(dense_reward.is_partial, selection.examples))
                self.observer.note(f"{arm.label(iteration)}: {plural(partial, 'program')} that pass some tests count")
        arm.selection = selection.counts()
        self.observer.note(f"{arm.label(iteration)}: {selection.summary}")
        if not selection.examples:
            fault = f"{arm.label(iteration)}: no new solution among {selection.verdicts:,} samples"
            advice = explain_empty_round(selection, more_solutions(self.config) if self.supply.endless else gates.SHOW)
            if not (arm.is_control or arm.history or replay.parse_shares(self.config.replay)["cold"] == 1):
                raise NothingToDoError(fault, advice)
            self.observer.warn(f"{fault}: {advice}")
        return selection.examples

    def mix_replay(self, arm: Arm, new: Sequence[TrainingExample], iteration: int) -> replay.Mix:
        """The round's rows; new ones become history for the rounds after it. The controls that have more to choose from
        than the run itself get as many loss tokens as it had in that round."""
        if arm.name == COLD_ONLY:
            shares = {"new": 0.0, "history": 0.0, "cold": 1.0}
            total = self._tokens(arm, iteration)
            return replay.mix_solutions([], [], self._cold_traces(CONTROL_SHARE), shares, iteration, total=total)
        objective = OBJECTIVES[self.config.train.objective]
        assert objective.mix is not None  # LoopConfig offers no objective without one
        cold = [] if objective.compares else self._cold_traces()
        shares = replay.parse_shares(self.config.replay)
        seed = self.config.seed + iteration
        if iteration >= self.config.dense_until:
            arm.history = dense_reward.whole(arm.history)
        if arm.name in UNJUDGED:
            mix = replay.mix_solutions(new, arm.history, cold, shares, seed, total=self._tokens(arm, iteration))
        else:
            mix = objective.mix(new, arm.history, cold, shares, seed)
        if arm.name == ONE_SHOT and sum(mix.tokens.values()) > (most := self._tokens(arm, iteration)):
            mix = replay.mix_solutions(new, (), cold, shares, seed, total=most)
        arm.history = (*arm.history, *new)
        if not arm.is_control:
            self._mixes[iteration] = mix
        return mix

    def train_once(self, arm: Arm) -> None:
        """The samples of all rounds, drawn from the start model, and one training on them, which makes the arm's last
        model: what the rounds add is what the run has above it."""
        rounds = self.rounds
        verdicts = [verdict for iteration in range(rounds) for verdict in self.collect(arm, iteration)]
        new = self.select_new(arm, verdicts, rounds - 1)
        mix = self.mix_replay(arm, new, rounds - 1)
        self.merge(arm, self.train(arm, mix, rounds - 1), mix, rounds - 1)
        self.validate(arm, rounds)

    def _tokens(self, arm: Arm, iteration: int) -> int:
        """The loss tokens that the run itself had, in that round or up to it, for what the arm does at once."""
        rounds = range(iteration + 1) if arm.name == ONE_SHOT else (iteration,)
        return sum(sum(self._mixes[number].tokens.values()) for number in rounds)

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
            self._training(iteration, self._repeats(arm, mix, iteration)),
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

    def _training(self, iteration: int, repeats: float = 1.0) -> TrainConfig:
        config = self.config.train
        return replace(config, seed=config.seed + iteration, epochs=config.epochs * repeats)

    def _repeats(self, arm: Arm, mix: replay.Mix, iteration: int) -> float:
        """How many times as often as the run's the rows of a control are seen, where all that it has, of round 0,
        well-formed or from the start model, have fewer loss tokens than the run's."""
        lacking = (arm.name == COLD_ONLY and self.cold_start is not None) or arm.name in (FORMAT_ONLY, ONE_SHOT)
        return max(1.0, self._tokens(arm, iteration) / max(1, sum(mix.tokens.values()))) if lacking else 1.0

    def _loaded_trainer(self) -> Trainer:
        self.engine.sleep()
        if self._trainer is None:
            from axiom_cli.learning.training.trainer import Trainer

            config = self.config.train
            self._trainer = Trainer(self.base.path, config.quantize, self.base.name, config)
        return self._trainer

    def _cold_traces(self, share: float = COLD_SHARE) -> list[TrainingExample]:
        """Verified traces: those of round 0, or a share of nano's own cold start, over the levels as there. Another
        model without round 0 has none: what nano was taught is not what it was taught."""
        if self.cold_start is not None:
            return list(self.cold_start)
        if not nano_cold_start.suits(self.base):
            return []
        if share not in self._cold_start:
            samples = self.screen.filter_cold_start(nano_cold_start.samples(share))
            verdicts = with_token_ids(verify(samples, self.config.verify), self.base, self.workspace)
            self._cold_start[share] = [TrainingExample(verdict) for verdict in verdicts]
        return self._cold_start[share]


def problems_text(count: int, new: int, seen: int) -> str:
    """`160 problems: 25 % new, 75 % seen in earlier rounds`, of those that come from files."""
    total = new + seen
    of_files = "" if total == count else f", {total:,} of them from files"
    shares = f"{100 * new / total:.0f} % new, {100 * seen / total:.0f} % seen in earlier rounds"
    return f"{count:,} problems{of_files}: {shares}"


def explain_empty_round(selection: Chosen, otherwise: str) -> str:
    """What to do about a round whose samples gave nothing new: `otherwise` if it is nothing but that they are wrong."""
    if selection.verdicts and selection.infra == selection.verdicts:
        return ALL_INFRA
    if isinstance(selection, Selection) and selection.truncated:
        return f"{selection.truncated:,} accepted solutions were cut off: raise --max-tokens"
    if isinstance(selection, PreferenceData) and selection.truncated and not selection.groups:
        return f"{selection.truncated:,} samples were cut off: raise --max-tokens"
    return otherwise


def more_solutions(config: LoopConfig) -> str:
    """How a run gets more of them. It is another run: this one's problems are settled."""
    lower = "lower --min-difficulty, or " if config.min_difficulty > 1 else ""
    return f"{lower}raise --samples or --train-size, with another --experiment"
