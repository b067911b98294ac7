"""Round 0: a teacher shows the model how, before it learns from its own attempts.

The traces of some training problems are verified, selected and screened like a round's samples. The model that is
trained on them and merged is model 0, from which every round starts, and its rows are the replay buffer's cold start
from then on. Each step is made once and then read back; where a teacher stopped in the middle, the same command asks
for the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from axiom_cli import models
from axiom_cli.errors import NothingToDoError
from axiom_cli.evaluation.comparison import percent
from axiom_cli.evaluation.experiment_folder import model_ref
from axiom_cli.evaluation.metrics import evaluate, phase_row
from axiom_cli.experiment.observed_rollout import observed_rollout
from axiom_cli.experiment.observer import TRACES, TRAINING, LoopObserver, Phase
from axiom_cli.learning.merge import merge
from axiom_cli.learning.objectives import OBJECTIVES
from axiom_cli.learning.replay import parse_shares
from axiom_cli.learning.tokens import with_token_ids
from axiom_cli.learning.train import MIN_ROWS, TrainingObserver, train_on
from axiom_cli.learning.training_example import TrainingExample
from axiom_cli.models import Resolved
from axiom_cli.problems.decontamination import HeldOutScreen
from axiom_cli.problems.families.teacher import teach
from axiom_cli.records import Metrics, Problem, Verdict
from axiom_cli.sampling import nano_cold_start
from axiom_cli.sampling.coldstart import TraceCounts, coldstart
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.sampling.engines import is_endpoint
from axiom_cli.sampling.engines.scripted import SOLVER
from axiom_cli.sampling.teachers import Forecast, Teacher, is_remote
from axiom_cli.settings.configs import ColdstartConfig, LoopConfig, TrainConfig
from axiom_cli.wording import plural
from axiom_cli.workspace.receipts import Receipt
from axiom_cli.workspace.store import Workspace

VERSION = 1
SFT: Literal["sft"] = "sft"
DECIDES = (
    *("teacher_model", "traces", "think", "teacher_engine", "teacher_temperature", "teacher_max_tokens"),
    "reasoning_effort",
)
"""The settings beside the teacher itself that decide what it writes."""


@dataclass(frozen=True)
class ColdStart:
    """What round 0 came to: model 0, the rows that it learned from, and their measurement, in which `extra` has the
    well-formed share and the pass rate on validation `before` and `after`."""

    model: Resolved
    examples: Sequence[TrainingExample]
    measured: Metrics

    def lines(self) -> Iterator[str]:
        """The rates before and after as a small table."""
        yield f"{'validation':<24}well-formed   pass rate"
        for when in ("before", "after"):
            of = self.measured.extra[when]
            yield f"  {when} the cold start".ljust(24) + f"{percent(of['parsed']):>11}{percent(of['rate']):>12}"


@dataclass(frozen=True)
class ColdStarter:
    """What round 0 is made with. `base` is the model as it came, `val` what it is measured on, `problems` what the
    teacher solves, `screen` what knows the held-out problems."""

    config: LoopConfig
    base: Resolved
    workspace: Workspace
    engine: EngineHandle
    problems: Sequence[Problem]
    val: Sequence[Problem]
    screen: HeldOutScreen
    observer: LoopObserver

    def plan(self) -> Iterator[str]:
        """What round 0 would cost, line by line. Raises what `run` raises before the teacher is asked."""
        teaching = self.config.teaching
        if missing := no_cold_start(self.config, self.base):
            yield missing
        if not self.config.coldstart:
            return
        if few := self._unknown_to_solver():
            yield few
        if not is_remote(teaching):
            return
        if self.workspace.recall(self._recipe()):
            yield "its traces are in the workspace: nothing is asked"
            return
        teacher = Teacher(teaching, self.workspace)
        try:
            yield from teacher.forecast(self.problems).lines()
        finally:
            teacher.close()

    def run(self) -> ColdStart:
        """Round 0. NothingToDoError where the budget does not pay for all traces, or too few of them pass; what
        `check_teacher` and the teacher's engine raise."""
        self._unknown_to_solver()
        verdicts, counts, receipt = self._taught()
        failures, cost = (f"; {text}" if text else "" for text in (counts.failures, counts.cost))
        self.observer.note(f"round 0: {counts.passed:,} of {plural(counts.traces, 'trace')} passed{failures}{cost}")
        training = replace(self.config.train, objective=SFT)
        selection = OBJECTIVES[SFT].select(verdicts, training, self.screen.overlapping)
        self.observer.note(f"round 0: {selection.summary}")
        if len(selection.examples) < MIN_ROWS:
            traces = plural(len(selection.examples), "trace")
            raise NothingToDoError(
                f"round 0: {traces} to train on; fewer than {MIN_ROWS} make a model worse",
                "raise --coldstart, or choose another --teacher",
            )
        model, facts, seconds = self._learned(selection.examples, training, receipt)
        rates = {"before": self._rates(self.base), "after": self._rates(model)}
        measured = phase_row(
            self.config.experiment,
            0,
            "coldstart",
            receipt.seconds + seconds,
            tokens=sum(verdict.sample.tokens for verdict in verdicts),
            n=counts.traces,
            passed=counts.passed,
            extra={"teacher": self.config.teaching.teacher, "traces": counts.summary(), **rates, **facts},
        )
        taught = with_token_ids([example.verdict for example in selection.examples], self.base, self.workspace)
        done = ColdStart(model, [TrainingExample(verdict) for verdict in taught], measured)
        for line in done.lines():
            self.observer.note(line)
        return done

    def _unknown_to_solver(self) -> str:
        """A sentence if the solver, as the teacher, knows only some of the problems. NothingToDoError if it knows none:
        problems of a file are solved by nobody here."""
        if self.config.teaching.teacher != SOLVER:
            return ""
        known = sum(teach(problem) is not None for problem in self.problems)
        total = plural(len(self.problems), "problem")
        if not known:
            raise NothingToDoError(
                f"round 0: the solver knows none of the {total}",
                "it solves what axiom's families draw; for others name a --teacher: gemini, a server's URL, or a model",
            )
        return f"round 0: the solver knows {known:,} of {total}" if known < len(self.problems) else ""

    def _taught(self) -> tuple[list[Verdict], TraceCounts, Receipt]:
        """The verdicts on all traces, passed or not, and how many of each kind there are."""
        teaching = replace(self.config.teaching, include_failed=True)
        counts = TraceCounts(on_forecast=self._tell)
        total = len(self.problems) * (1 if teaching.teacher == SOLVER else teaching.traces)

        def make() -> dict[str, Any]:
            counts.on_trace = lambda verdict: self.observer.sampled(1, verdict.sample.tokens)
            attempts = coldstart(self.problems, teaching, self.config.verify, self.workspace, counts)
            verdicts = [replace(verdict, seconds=0.0) for verdict in attempts]
            if counts.not_asked:
                raise NothingToDoError(
                    f"the budget of {teaching.budget} covers {counts.traces:,} of {plural(total, 'trace')}",
                    "they are kept: the same command with a larger --budget buys the rest",
                )
            return {"verdicts": self.workspace.put_records(verdicts)}

        phase = Phase(TRACES, 0, total)
        self.observer.begin(phase)
        receipt = self.workspace.remember(self._recipe(), make)
        self.observer.end(phase, receipt.seconds)
        verdicts = list(self.workspace.get_records(receipt["verdicts"], Verdict))
        again = TraceCounts()
        for verdict in verdicts:
            again.add(verdict)
        return verdicts, again, receipt

    def _tell(self, forecast: Forecast) -> None:
        for line in forecast.lines():
            self.observer.note(line)

    def _recipe(self) -> dict[str, Any]:
        teaching = self.config.teaching
        settings = asdict(teaching)
        verifying = asdict(self.config.verify)
        judged = ("timeout", "test_timeout", "memory", "allow", "allow_checkers", "checker_timeout")
        return {
            "stage": "coldstart",
            "version": VERSION,
            "config": {**{name: settings[name] for name in DECIDES}, **{name: verifying[name] for name in judged}},
            "inputs": {
                "teacher": _identity(teaching, self.workspace),
                "problems": self.workspace.put_records(self.problems),
            },
        }

    def _learned(
        self, examples: Sequence[TrainingExample], training: TrainConfig, receipt: Receipt
    ) -> tuple[Resolved, dict[str, Any], float]:
        """Model 0, facts about it, and the seconds that it took."""
        observer = TrainingObserver(step=self.observer.trained, warn=self.observer.warn)
        sources, phase = (receipt["verdicts"],), Phase(TRAINING, 0)
        self.observer.begin(phase)
        adapter = train_on(examples, self.base, training, self.workspace, observer=observer, sources=sources)
        self.observer.end(phase, adapter.extra.get("seconds", 0.0))
        merged = merge(adapter, self.config.merge, self.workspace, base=self.base)
        name = model_ref(self.config.experiment, "", 0)
        self.workspace.set_ref(name, merged.digest)
        taught: dict[str, dict[str, int]] = {}
        for problem in (example.verdict.sample.problem for example in examples):
            levels = taught.setdefault(problem.family, {})
            levels[str(problem.level)] = levels.get(str(problem.level), 0) + 1
        facts = {"rows": adapter.rows, "taught": taught, "digest": merged.digest}
        facts["certificate"] = dict(merged.certificate)
        model = Resolved(name, merged.digest, self.workspace.tree_path(merged.digest))
        return model, facts, adapter.extra.get("seconds", 0.0) + merged.extra["seconds"]

    def _rates(self, model: Resolved) -> dict[str, Any]:
        """The greedy rates of a model on the validation problems."""
        sampling = replace(self.config.solve, temperature=0.0, samples=1, strategy="best-of-n", early_stop=False)
        phase = Phase("val", 0, len(self.val))
        self.observer.begin(phase)
        verdicts, receipt = observed_rollout(
            model, self.val, sampling, self.engine, self.workspace, self.config.verify, self.observer
        )
        self.observer.end(phase, receipt.seconds)
        overall = evaluate(verdicts, self.config.experiment)[0]
        return {"n": overall.n, "parsed": overall.extra["parsed"], "rate": overall.rate, "interval": overall.interval}


def no_cold_start(config: LoopConfig, base: Resolved) -> str:
    """A sentence where --replay gives a share to a cold start that the model does not have; else nothing."""
    if config.coldstart or OBJECTIVES[config.train.objective].compares or nano_cold_start.suits(base):
        return ""
    if not parse_shares(config.replay)["cold"]:
        return ""
    return f"{base.name} has no cold start (--coldstart N makes one): new and historical rows take its share"


def _identity(teaching: ColdstartConfig, workspace: Workspace) -> str:
    """What the teacher is known by: its digest if it is a model on this machine, else its name."""
    named = teaching.teacher in (SOLVER, "gemini") or is_endpoint(teaching.teacher)
    if named or teaching.teacher_engine == "scripted":
        return teaching.teacher
    return models.resolve(teaching.teacher, workspace).digest
