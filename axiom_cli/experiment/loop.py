"""Expert iteration: evaluate, collect, select, mix, train, merge, and again (Anthony et al. 2017; STaR 2203.14465;
ReST-EM 2312.06585).

The workspace remembers every step under what it was made from, so there is no state to keep: to resume a run that was
killed, run it again. It gives the same digests as one that was never interrupted.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from itertools import chain

from axiom_cli import models
from axiom_cli.errors import UsageError
from axiom_cli.evaluation import changepoint
from axiom_cli.evaluation.experiment_folder import ExperimentFolder, arm_name, model_ref
from axiom_cli.evaluation.metrics import best_iteration, phase_row
from axiom_cli.experiment import (
    climb,
    combinations,
    control_arms,
    forecast,
    gates,
    memory_forecast,
)
from axiom_cli.experiment.arm import Arm
from axiom_cli.experiment.cold_start import ColdStart, ColdStarter, no_cold_start
from axiom_cli.experiment.control_arms import COLD_ONLY, ONE_SHOT
from axiom_cli.experiment.curriculum import Bucket, ProblemStream, allocate, buckets
from axiom_cli.experiment.evidence import EvidenceGathering, check_evidence
from axiom_cli.experiment.observed_rollout import observed_rollout
from axiom_cli.experiment.observer import PILOT, LoopObserver, Phase
from axiom_cli.experiment.patience import Patience
from axiom_cli.experiment.round import GREEDY, RoundSteps
from axiom_cli.experiment.supply import open_supply
from axiom_cli.experiment.writer import ExperimentWriter
from axiom_cli.importing.sources import sample
from axiom_cli.learning.train import check_base, ignore
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.learning.unmerged import try_adapter
from axiom_cli.models import Resolved
from axiom_cli.problems.decontamination import HeldOutScreen
from axiom_cli.records import Problem, Verdict
from axiom_cli.sampling import engines, nano_cold_start
from axiom_cli.sampling.engine_handle import EngineHandle, Opener
from axiom_cli.sampling.engines.scripted import SOLVER
from axiom_cli.sampling.teachers import check_teacher
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.workspace.objects import nearest_existing
from axiom_cli.workspace.store import Workspace

SAMPLED = 0.7
SAMPLES_AT_TEST = 4
PILOT_PROBLEMS = 64
"""Problems that the gates look at before a run."""
LARGEST_COPY = 1 << 26
"""Bytes of a start model that may be copied into the workspace."""


class Loop:
    """One experiment in one workspace. `observer` hears how the files of its problems were read.

    Raises UsageError for settings that do not go together, what the sources of problems raise, and NothingToDoError
    where there are too few problems. `opener` opens the engine that samples, here or on a cluster.
    """

    def __init__(
        self,
        config: LoopConfig,
        model: str,
        workspace: Workspace,
        observer: LoopObserver = LoopObserver(),
        opener: Opener = engines.open_engine,
    ) -> None:
        memory_forecast.check_accelerator(config)
        combinations.check_settings(config)
        combinations.check_combinations(config, model)
        if not config.ignore_gates:
            memory_forecast.check_published(config, model)
        self.config, self.workspace = config, workspace
        self.base = models.resolve(model, workspace)
        check_base(self.base, config.train.objective)
        if config.coldstart:
            check_teacher(config.teaching, workspace)
        elif COLD_ONLY in control_arms.parse(config.control) and not nano_cold_start.suits(self.base):
            raise UsageError(
                f"--control {COLD_ONLY}: {self.base.name} has no cold start",
                "give it one: --coldstart 300; only nano comes with its own",
            )
        self.supply = open_supply(config, workspace, observer.note, observer.warn)
        check_evidence(config.evidence_size, self.supply)
        self.engine = EngineHandle(self.base, workspace, config.solve, opener)

    def run(self, observer: LoopObserver = LoopObserver()) -> ExperimentFolder:
        """All rounds of the run and of its controls, then the held-out test. Returns the experiment's folder.

        NothingToDoError where there are too few problems or a round has nothing to train on; GateFailedError where a
        gate says so (gates.py), a training problem is held out, or a merge fails its certificate. What fails before the
        first round leaves no folder, so that the next try may have other settings.
        """
        config = self.config
        writer = ExperimentWriter(config, self.base, observer.warn, files=self.supply.digests)
        with closing(self.engine):
            self.check(observer.warn)
            started = self.cold_starter(observer).run() if config.coldstart else None
            self.pilot(self.workspace, observer, started)
            if missing := no_cold_start(config, self.base):
                observer.note(missing)
            return self._run(writer, observer, started)

    def _run(self, writer: ExperimentWriter, observer: LoopObserver, started: ColdStart | None) -> ExperimentFolder:
        config, base = self.config, started.model if started else self.base
        with writer.locked():
            writer.write_held_out(self.supply.val, self.supply.test)
            if started:
                writer.write_metrics([started.measured])
            cold_start = started.examples if started else None
            steps = RoundSteps(
                config, base, self.workspace, self.engine, self.supply, writer, observer, cold_start=cold_start
            )
            patience = Patience(config.patience)
            gathering = EvidenceGathering(steps) if config.evidence_size else None
            taught = self.cold_problems()
            tops = climb.first_tops(self.supply, climb.start_level(config))
            arms = [Arm(name, base, ProblemStream(self.supply, config.seed, taught), tops=tops) for name in self.arms]
            for arm in arms:
                make_models(steps, arm, patience, gathering)
            for arm in arms:
                evaluate_arm(steps, arm)
            if writer.registers_grokking and (test := changepoint.of_rows(writer.rows, config.experiment)):
                last = phase_row(config.experiment, test.rounds - 1, "grokking", 0.0, extra=test.to_dict())
                writer.write_metrics([last])
                observer.note(test.sentence())
        return writer.folder

    def check(self, warn: Callable[[str], None]) -> None:
        """What can be known before anything is loaded or made. Raises what `run` would raise of it."""
        config = self.config
        ExperimentWriter(config, self.base, warn, files=self.supply.digests).check()
        if not config.ignore_gates:
            memory_forecast.check_memory(config, self.base, self.engine.config.engine)
        merged = 0 if combinations.stays_adapter(config) else config.iterations * len(self.arms)
        models_made = merged + bool(config.coldstart)
        findings = chain(
            gates.check_test_size(len(self.supply.test), endless=len(self.supply.test) >= config.test_size),
            gates.check_climb(
                {bucket[:2]: share for bucket, share in self.climbing().items()},
                self.supply.val,
                endless=len(self.supply.val) >= config.val_size,
            ),
            gates.check_room(
                forecast.least_disk(self.base, self.phases(), models_made),
                shutil.disk_usage(nearest_existing(self.workspace.root)).free,
                "disk",
                "make room, or name another disk with --workspace",
            ),
        )
        gates.enforce(findings, warn, ignored=config.ignore_gates)
        if config.solve.server:
            try_adapter(self.engine, self.base, config.train, self.workspace)

    def pilot(self, workspace: Workspace, observer: LoopObserver, started: ColdStart | None = None) -> list[Verdict]:
        """The first samples of the run, at problems of every kind, held against the gates. Round 1 reads most of them
        back from the cache."""
        config = self.config
        stream = ProblemStream(self.supply, config.seed, self.cold_problems())
        weights = buckets(self.supply, climb.first_tops(self.supply, climb.start_level(config)))
        counts = allocate([*weights], {}, min(PILOT_PROBLEMS, config.train_size), weights, stream.most)
        problems = stream.draw(counts, warn=ignore).problems
        phase = Phase(PILOT, 0, len(problems) * config.solve.samples)
        observer.begin(phase)
        verdicts, receipt = observed_rollout(
            started.model if started else self.base,
            problems,
            config.solve,
            self.engine,
            workspace,
            config.verify,
            observer,
        )
        observer.end(phase, receipt.seconds)
        if started or not config.coldstart:  # what a cold start is to mend is no fault before it
            findings = gates.check_samples(verdicts, config.train.objective, climbs=bool(self.climbing()))
            gates.enforce(findings, observer.warn, ignored=config.ignore_gates)
        return verdicts

    def cold_problems(self) -> list[Problem]:
        """What the teacher solves in round 0: of families, what `axiom problems gen --count N` writes for the same
        settings. Beside families, the solver leaves files and the hand-written problems alone: it knows nothing of the
        ones, and its solutions of the others are their references, after which a round has nothing to find."""
        families_alone = self.config.teaching.teacher == SOLVER and self.supply.endless
        pools = [] if families_alone else [pool.problems for pool in self.supply.pools]
        return sample(self.supply.endless, pools, self.config.coldstart, "train", self.config.seed)

    def cold_starter(self, observer: LoopObserver = LoopObserver()) -> ColdStarter:
        """What makes round 0."""
        val, problems = self.supply.val, self.cold_problems()
        screen = HeldOutScreen(val, self.supply.test)
        return ColdStarter(self.config, self.base, self.workspace, self.engine, problems, val, screen, observer)

    @property
    def arms(self) -> tuple[str, ...]:
        """The run itself (an empty name) and its controls."""
        return "", *control_arms.parse(self.config.control)

    @property
    def round_size(self) -> int:
        """Training problems of a round."""
        return min(self.config.train_size, self.supply.most)

    def climbing(self) -> dict[Bucket, float]:
        """Where the problems of the families come from that have levels above those that the run begins at."""
        start = climb.start_level(self.config)
        return climb.climbing(self.supply, climb.first_tops(self.supply, start))

    def phases(self) -> list[Phase]:
        """The parts of the run, in order."""
        config = self.config
        sizes = self.round_size * config.solve.samples, len(self.supply.val), len(self.supply.test)
        return forecast.schedule(self.arms, config.iterations, *sizes, SAMPLES_AT_TEST, 2 * config.evidence_size)


def make_models(steps: RoundSteps, arm: Arm, patience: Patience, gathering: EvidenceGathering | None) -> None:
    """The rounds of an arm. Those of the run itself add to its evidence, and end where its patience does."""
    steps.validate(arm, 0)
    if arm.name == ONE_SHOT:
        steps.train_once(arm)
        return
    if not arm.is_control:
        patience.reason_to_stop(0, arm.outcomes)
    for iteration in range(steps.rounds):
        new: list[TrainingExample] = []
        if arm.name != COLD_ONLY:
            verdicts = steps.collect(arm, iteration)
            new = steps.rows.select(arm, verdicts, iteration)
        mix = steps.rows.mix(arm, new, iteration)
        adapter = steps.train(arm, mix, iteration)
        steps.merge(arm, adapter, mix, iteration)
        steps.validate(arm, iteration + 1)
        if arm.is_control:
            continue
        if gathering:
            gathering.add(arm, iteration)
        if why := patience.reason_to_stop(iteration + 1, arm.outcomes):
            steps.stop(iteration, why)
            return


def evaluate_arm(steps: RoundSteps, arm: Arm) -> None:
    """The held-out test of an arm's models (of a long run's, some: `forecast.tested`), greedy; of the first and the
    selected one with samples too. A model from an earlier run of more rounds may be the selected one, if it still
    exists."""
    experiment, known = steps.config.experiment, steps.workspace.refs()
    last = steps.rounds
    made = (0, last) if arm.name == ONE_SHOT else range(last + 1)
    rows = [
        row
        for row in steps.writer.rows
        if row.iteration in made or model_ref(experiment, arm.name, row.iteration) in known
    ]
    best = best_iteration(rows, arm_name(experiment, arm.name)) or 0
    if not arm.is_control:
        _name_best(steps, arm, best)
    for iteration in sorted({*(made if arm.name == ONE_SHOT else forecast.tested(last)), best}):
        plan = [(GREEDY, 1)]
        if iteration in (0, best):
            plan.append((SAMPLED, SAMPLES_AT_TEST))
        steps.evaluate_model(arm, _model(steps, arm, iteration), "test", iteration, plan)


def _name_best(steps: RoundSteps, run: Arm, best: int) -> None:
    """Points `run@best` at the selected model. The start model gets that name only if it is in the workspace, or small
    enough to be copied there."""
    digest = _model(steps, run, best).digest
    if best == 0 and not steps.workspace.has(digest):
        folder = steps.base.path
        if steps.base.adapters or not folder.is_dir():
            return
        if sum(file.stat().st_size for file in folder.iterdir()) > LARGEST_COPY:
            return
        digest = steps.workspace.put_tree(folder)
    steps.workspace.set_ref(model_ref(steps.config.experiment, run.name, "best"), digest)


def _model(steps: RoundSteps, arm: Arm, iteration: int) -> Resolved:
    if not iteration:
        return steps.base
    return models.resolve(model_ref(steps.config.experiment, arm.name, iteration), steps.workspace)
