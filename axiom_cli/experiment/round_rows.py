"""What a round trains on: the solutions chosen of its samples, mixed with those of earlier rounds and the cold start's.

`sft` mixes accepted solutions: new ones, those of earlier rounds, and the cold start's. Objectives that compare (dpo,
kto, grpo) mix whole problems, each with all of its attempts that contrast; the cold start, in which nothing fails, has
none. `grpo` weighs each token by the policy that sampled it, which is the model that the round starts from, so it takes
new samples only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from axiom_cli.errors import NothingToDoError
from axiom_cli.evaluation.experiment_folder import FORMAT_ONLY, UNJUDGED
from axiom_cli.experiment import dense_reward, gates
from axiom_cli.experiment.arm import Arm
from axiom_cli.experiment.control_arms import COLD_ONLY, ONE_SHOT
from axiom_cli.experiment.observer import LoopObserver
from axiom_cli.learning import replay
from axiom_cli.learning.objectives import OBJECTIVES, Chosen
from axiom_cli.learning.preference import PreferenceData
from axiom_cli.learning.rejection_sampling import ALL_INFRA, Selection, select_solutions
from axiom_cli.learning.tokens import with_token_ids
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.models import Resolved
from axiom_cli.problems.decontamination import HeldOutScreen
from axiom_cli.records import Verdict
from axiom_cli.sampling import nano_cold_start
from axiom_cli.settings.configs import LoopConfig, TrainConfig
from axiom_cli.verification.verify import verify
from axiom_cli.wording import plural
from axiom_cli.workspace.store import Workspace

COLD_SHARE, CONTROL_SHARE = 0.03, 0.2
"""Shares of the cold start's traces that the replay buffer and the control arm draw from."""


@dataclass
class RoundRows:
    """Chooses and mixes the rows of one experiment's rounds. What the run itself had is kept for its controls."""

    config: LoopConfig
    base: Resolved
    workspace: Workspace
    screen: HeldOutScreen
    observer: LoopObserver
    endless: bool
    """Whether there are families among the sources: they have fresh problems for another run."""
    cold_start: Sequence[TrainingExample] | None = None
    """The rows of round 0; without one, nano has those of its own cold start."""
    _cold_start: dict[float, list[TrainingExample]] = field(default_factory=dict)
    _mixes: dict[int, replay.Mix] = field(default_factory=dict)

    def select(self, arm: Arm, verdicts: Sequence[Verdict], iteration: int) -> list[TrainingExample]:
        """What the round's samples give to train on. NothingToDoError where the run itself gets nothing, and has
        nothing from earlier rounds either."""
        objective = OBJECTIVES[self.config.train.objective]
        selection: Chosen
        if arm.name in UNJUDGED:
            selection = select_solutions(verdicts, self.training(iteration), self.screen.overlapping, weighted=False)
        else:
            dense = iteration < self.config.dense_until
            given = dense_reward.accept_partial(verdicts) if dense else verdicts
            selection = objective.select(given, self.training(iteration), self.screen.overlapping)
            if dense:
                selection.examples = dense_reward.weigh(selection.examples)
                partial = sum(map(dense_reward.is_partial, selection.examples))
                self.observer.note(f"{arm.label(iteration)}: {plural(partial, 'program')} that pass some tests count")
        arm.selection = selection.counts()
        self.observer.note(f"{arm.label(iteration)}: {selection.summary}")
        if not selection.examples:
            fault = f"{arm.label(iteration)}: no new solution among {selection.verdicts:,} samples"
            advice = explain_empty_round(selection, more_solutions(self.config) if self.endless else gates.SHOW)
            if not (arm.is_control or arm.history or replay.parse_shares(self.config.replay)["cold"] == 1):
                raise NothingToDoError(fault, advice)
            self.observer.warn(f"{fault}: {advice}")
        return selection.examples

    def mix(self, arm: Arm, new: Sequence[TrainingExample], iteration: int) -> replay.Mix:
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

    def training(self, iteration: int, repeats: float = 1.0) -> TrainConfig:
        """The settings of a round's training, whose rows are seen `repeats` times as often as they say."""
        config = self.config.train
        return replace(config, seed=config.seed + iteration, epochs=config.epochs * repeats)

    def repeats(self, arm: Arm, mix: replay.Mix, iteration: int) -> float:
        """How many times as often as the run's the rows of a control are seen, where all that it has, of round 0,
        well-formed or from the start model, have fewer loss tokens than the run's."""
        lacking = (arm.name == COLD_ONLY and self.cold_start is not None) or arm.name in (FORMAT_ONLY, ONE_SHOT)
        return max(1.0, self._tokens(arm, iteration) / max(1, sum(mix.tokens.values()))) if lacking else 1.0

    def _tokens(self, arm: Arm, iteration: int) -> int:
        """The loss tokens that the run itself had, in that round or up to it, for what the arm does at once."""
        rounds = range(iteration + 1) if arm.name == ONE_SHOT else (iteration,)
        return sum(sum(self._mixes[number].tokens.values()) for number in rounds)

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
