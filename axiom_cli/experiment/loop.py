"""Expert iteration: evaluate, collect, select, mix, train, merge, and again (Anthony et al. 2017; STaR 2203.14465;
ReST-EM 2312.06585).

The workspace remembers every step under what it was made from, so there is no state to keep: to resume a run that was
killed, run it again. It gives the same digests as one that was never interrupted.
"""

from __future__ import annotations

from contextlib import closing

from axiom_cli import models
from axiom_cli.errors import UsageError
from axiom_cli.evaluation.experiment_folder import ExperimentFolder
from axiom_cli.experiment import control_arms, final_evaluation
from axiom_cli.experiment.control_arms import COLD_ONLY
from axiom_cli.experiment.curriculum import ProblemStream, buckets, check_supply, held_out
from axiom_cli.experiment.round import Arm, LoopObserver, RoundSteps
from axiom_cli.experiment.writer import ExperimentWriter
from axiom_cli.learning import replay
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.problems import families
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.settings import options
from axiom_cli.settings.configs import LoopConfig, SolveConfig
from axiom_cli.workspace import refs
from axiom_cli.workspace.store import Workspace

FAMILIES = "axiom problems list shows the families"
FILES = (".jsonl", ".json", ".gz", ".csv", ".parquet")


class Loop:
    """One experiment in one workspace. Raises UsageError for settings that do not go together."""

    def __init__(self, config: LoopConfig, model: str, workspace: Workspace) -> None:
        check_settings(config)
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
                config, self.base, self.workspace, self.engine, self.buckets, writer, observer, val=val, test=test
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
                final_evaluation.evaluate_arm(steps, arm)
        return writer.folder


def check_settings(config: LoopConfig) -> None:
    """Raises UsageError for settings that do not go together; nothing is made or loaded before."""
    if "@" in config.experiment or not refs.is_name(f"{config.experiment}@0"):
        hint = "use letters, digits, dots, dashes and underscores; the loop adds the @ and the number of a round"
        raise UsageError(f"{config.experiment!r} is not a valid name for a run", hint)
    if config.min_difficulty > config.max_difficulty:
        levels = f"--min-difficulty {config.min_difficulty} is above --max-difficulty {config.max_difficulty}"
        raise UsageError(levels, "set both, from 1 to 10, the lower one first")
    if not (types := options.names([config.problem_types])):
        raise UsageError("--problem-types names no family", FAMILIES)
    for file in types:
        if file.endswith(FILES):
            raise UsageError(f"--problem-types {file}: the loop takes families of problems, not files", FAMILIES)
    shares, arms = replay.parse_shares(config.replay), control_arms.parse(config.control)
    name, objective = config.objective, OBJECTIVES[config.objective]
    if not objective.compares:
        return
    default_replay = "leave out --replay, and --objective chooses it"
    if config.samples < 2:
        raise UsageError(f"--objective {name} compares attempts at a problem: --samples {config.samples}", "choose 8")
    if shares["cold"]:
        fault = f"--objective {name} cannot use --replay {config.replay}: nothing in the cold start failed"
        raise UsageError(fault, default_replay)
    if COLD_ONLY in arms:
        fault = f"--objective {name} cannot use --control {COLD_ONLY}: nothing in the cold start failed"
        raise UsageError(fault, "choose --control shuffled")
    if name == "grpo" and shares["history"]:
        fault = f"--objective grpo cannot use --replay {config.replay}: earlier models wrote the history"
        raise UsageError(fault, default_replay)
    if name == "grpo" and config.start == "base" and config.iterations > 1:
        fault = "--objective grpo learns from samples of the model that it starts from"
        raise UsageError(fault, "choose --start previous")
