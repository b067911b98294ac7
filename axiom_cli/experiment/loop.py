"""Expert iteration: evaluate, collect, select, mix, train, merge, and again (Anthony et al. 2017; STaR 2203.14465;
ReST-EM 2312.06585).

The workspace remembers every step under what it was made from, so there is no state to keep: to resume a run that was
killed, run it again. It gives the same digests as one that was never interrupted.
"""

from __future__ import annotations

from contextlib import closing

from axiom_cli import models
from axiom_cli.evaluation.experiment_folder import ExperimentFolder
from axiom_cli.experiment import control_arms
from axiom_cli.experiment.control_arms import COLD_ONLY
from axiom_cli.experiment.curriculum import ProblemStream, buckets, check_supply, held_out
from axiom_cli.experiment.round import Arm, LoopObserver, RoundSteps, check
from axiom_cli.experiment.writer import ExperimentWriter
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.problems import families
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.settings import options
from axiom_cli.settings.configs import LoopConfig, SolveConfig
from axiom_cli.workspace.store import Workspace


class Loop:
    """One experiment in one workspace. Raises UsageError for settings that do not go together."""

    def __init__(self, config: LoopConfig, model: str, workspace: Workspace) -> None:
        check(config)
        self.config, self.workspace = config, workspace
        self.base = models.resolve(model, workspace)
        self.families = [families.get(name).name for name in options.names([config.problem_types])]
        self.buckets = buckets(self.families, config)
        self.engine = EngineHandle(self.base, workspace, SolveConfig(engine=config.engine))

    def run(self, observer: LoopObserver = LoopObserver()) -> ExperimentFolder:
        """All rounds of the run and of its controls, then the held-out test. Returns the experiment's folder.

        NothingToDoError where there are too few problems or a round has nothing to train on; GateFailedError where a
        training problem is held out, or a merge fails its certificate.
        """
        config = self.config
        writer = ExperimentWriter(config, self.base, observer.warn)
        with closing(self.engine), writer.locked():
            check_supply(self.buckets, config)
            val, test = (held_out(self.buckets, config, split) for split in ("val", "test"))
            writer.write_held_out(val, test)
            steps = RoundSteps(
                config=config,
                base=self.base,
                workspace=self.workspace,
                engine=self.engine,
                buckets=self.buckets,
                writer=writer,
                observer=observer,
                val=val,
                test=test,
            )
            names = ("", *control_arms.parse(config.control))
            arms = [Arm(name, self.base, ProblemStream(config.seed)) for name in names]
            for arm in arms:
                steps.validate(arm, 0)
                for iteration in range(config.iterations):
                    new: list[TrainingExample] = []
                    if arm.name != COLD_ONLY:
                        verdicts = steps.collect(arm, iteration)
                        new = steps.select_new(arm, verdicts, iteration)
                    mix = steps.mix_replay(arm, new, iteration)
                    adapter = steps.train(arm, mix, iteration)
                    steps.merge(arm, adapter, iteration)
                    steps.validate(arm, iteration + 1)
            for arm in arms:
                steps.final_test(arm)
        return writer.folder
