"""Cold start: a teacher's solutions, verified like any other sample. Problems in, verdicts out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from axiom_cli.errors import UsageError
from axiom_cli.problems.written_programs import parses
from axiom_cli.records import Problem, Verdict
from axiom_cli.sampling.engines.chat_answers import DECLINED
from axiom_cli.sampling.engines.scripted import SOLVER
from axiom_cli.sampling.engines.spending import NOT_ASKED, USAGE, Price, Tokens, dollars
from axiom_cli.sampling.solve import solve
from axiom_cli.sampling.teachers import Forecast, Teacher, check_teacher, is_remote, price_of
from axiom_cli.settings.configs import ColdstartConfig, VerifyConfig
from axiom_cli.verification.verify import verify
from axiom_cli.workspace.store import Workspace


@dataclass
class TraceCounts:
    """What became of a teacher's traces. `traces` counts those that were written or declined; `wrong`, `ill_formed` and
    `cut_off` failed, `declined` were refused or filtered, `lost` could not be had or judged this time, `not_asked` are
    those that the budget did not cover.

    `on_forecast` is called before a remote teacher is asked, `on_trace` with each verdict.
    """

    traces: int = 0
    passed: int = 0
    wrong: int = 0
    ill_formed: int = 0
    cut_off: int = 0
    declined: int = 0
    lost: int = 0
    not_asked: int = 0
    first_error: str = ""
    charged: Tokens = Tokens()
    price: Price | None = None
    on_forecast: Callable[[Forecast], None] | None = field(default=None, compare=False, repr=False)
    on_trace: Callable[[Verdict], None] | None = field(default=None, compare=False, repr=False)

    def add(self, verdict: Verdict) -> bool:
        """Counts a verdict. False if it is on a trace that was not asked for."""
        sample, usage = verdict.sample, verdict.sample.extra.get(USAGE, {})
        if NOT_ASKED in sample.extra:
            self.not_asked += 1
            return False
        self.traces += 1
        self.charged += Tokens(usage.get("prompt", 0), usage.get("completion", 0))
        if DECLINED in sample.extra:
            self.declined += 1
        elif verdict.status == "infra":
            self.lost += 1
            self.first_error = self.first_error or str(sample.extra.get("error") or verdict.reason)
        elif verdict.passed:
            self.passed += 1
        elif sample.finish == "length":
            self.cut_off += 1
        elif not parses(sample):
            self.ill_formed += 1
        else:
            self.wrong += 1
        if self.on_trace:
            self.on_trace(verdict)
        return True

    def summary(self) -> dict[str, int]:
        """Every count by its name, and the tokens that a server charged."""
        names = ("traces", "passed", "wrong", "ill_formed", "cut_off", "declined", "lost")
        counts = {name: getattr(self, name) for name in names}
        return {**counts, "tokens_in": self.charged.prompt, "tokens_out": self.charged.completion}

    @property
    def failures(self) -> str:
        """What did not pass, and why; empty if everything did."""
        counts = {
            "wrong": self.wrong,
            "not well-formed": self.ill_formed,
            "cut off": self.cut_off,
            "refused or filtered": self.declined,
            f"lost ({self.first_error})": self.lost,
        }
        return ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)

    @property
    def cost(self) -> str:
        """What the teacher's server says that these traces cost, earlier runs included; empty if it does not say."""
        if not self.charged.total:
            return ""
        priced = f", {dollars(self.price.dollars(self.charged))}" if self.price else ""
        return f"{self.charged.prompt:,} tokens in, {self.charged.completion:,} out{priced}"


def coldstart(
    problems: Iterable[Problem],
    config: ColdstartConfig,
    verifying: VerifyConfig | None = None,
    workspace: Workspace | None = None,
    counts: TraceCounts | None = None,
) -> Iterator[Verdict]:
    """The verdicts on the teacher's accepted solutions, or on all of them with `include_failed`, in order.

    Samples of any teacher but the solver are cached in the workspace: they may have cost money. A remote teacher is
    asked once all problems are read, and never for more than its budget covers. Raises at the call, before any problem
    is read, what `check_teacher` raises; later NothingToDoError where the budget does not pay for one trace.
    """
    if config.traces < 1 or config.delay < 0:
        raise UsageError(
            f"--traces is {config.traces} and --delay {config.delay}",
            "--traces must be at least 1, --delay at least 0",
        )
    counts = counts or TraceCounts()
    counts.price = price_of(config)
    check_teacher(config, workspace)
    opened = Teacher(config, workspace) if config.teacher == SOLVER or is_remote(config) else None

    def verdicts() -> Iterator[Verdict]:
        todo = problems if config.teacher == SOLVER else list(problems)  # a model is loaded when its input is complete
        with closing(opened or Teacher(config, workspace)) as teacher:
            if is_remote(config) and isinstance(todo, list):
                forecast = teacher.forecast(todo)
                if counts.on_forecast:
                    counts.on_forecast(forecast)
            for verdict in verify(solve(todo, teacher, teacher.params), verifying or VerifyConfig()):
                if counts.add(verdict) and (verdict.passed or config.include_failed):
                    yield verdict

    return verdicts()
