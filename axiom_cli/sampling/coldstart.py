"""Cold start: a teacher's solutions, verified like any other sample. Problems in, verdicts out.

Teachers: `solver` (embedded, offline: whoever makes a problem can solve it), `gemini`, or the address of any server
that speaks OpenAI's chat completions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing

from axiom_cli.errors import MissingError, UsageError
from axiom_cli.problems.families.teacher import teach
from axiom_cli.records import Problem, Sample, Verdict
from axiom_cli.sampling.engines import Engine, is_endpoint
from axiom_cli.sampling.engines.line import api_key
from axiom_cli.sampling.engines.remote import RemoteEngine
from axiom_cli.sampling.engines.scripted import SOLVER, ScriptedEngine
from axiom_cli.sampling.solve import solve
from axiom_cli.settings.configs import ColdstartConfig, SolveConfig, VerifyConfig
from axiom_cli.verification.verify import verify
from axiom_cli.workspace.store import Workspace

GEMINI_HOST = "generativelanguage.googleapis.com"
GEMINI = f"https://{GEMINI_HOST}/v1beta/openai"
GEMINI_MODEL = "gemini-2.5-flash"
LONGEST = 8192
"""Tokens that a teacher may write; those that reason before they answer need many."""


def coldstart(
    problems: Iterable[Problem],
    config: ColdstartConfig,
    verifying: VerifyConfig | None = None,
    workspace: Workspace | None = None,
) -> Iterator[Verdict]:
    """The verdicts of the teacher's accepted solutions, or of all of them with `include_failed`, in order.

    A remote teacher's samples are remembered in the workspace: they may have cost money. Raises UsageError and
    MissingError at the call, before any problem is read.
    """
    if config.traces < 1 or config.delay < 0:
        raise UsageError(f"{config.traces} traces, a delay of {config.delay}", "at least 1 trace, a delay of 0 or more")
    return _verdicts(problems, open_teacher(config), config, verifying or VerifyConfig(), workspace)


def _verdicts(
    problems: Iterable[Problem],
    teacher: Engine,
    config: ColdstartConfig,
    verifying: VerifyConfig,
    workspace: Workspace | None,
) -> Iterator[Verdict]:
    with closing(teacher):
        for verdict in verify(traces(problems, teacher, config, workspace), verifying):
            if verdict.passed or config.include_failed:
                yield verdict


def traces(
    problems: Iterable[Problem], teacher: Engine, config: ColdstartConfig, workspace: Workspace | None = None
) -> Iterator[Sample]:
    """The teacher's samples, not verified yet. The solver writes one a problem, since it has only one."""
    if teacher.name == ScriptedEngine.name:
        return solve(problems, teacher, SolveConfig(samples=1, temperature=0, max_tokens=LONGEST))
    return solve(problems, teacher, SolveConfig(samples=config.traces, max_tokens=LONGEST), workspace)


def open_teacher(config: ColdstartConfig) -> Engine:
    """The engine behind a teacher's name. Raises UsageError for an unknown one, MissingError without its key."""
    if config.teacher == SOLVER:
        return ScriptedEngine(SOLVER, write=teach)
    if config.teacher == "gemini":
        if not api_key(GEMINI_HOST):
            hint = "set GEMINI_API_KEY or GOOGLE_API_KEY, or choose --teacher solver, which needs no network"
            raise MissingError("no key for the teacher gemini", hint)
        return RemoteEngine(f"{GEMINI}#{config.teacher_model or GEMINI_MODEL}", delay=config.delay)
    if is_endpoint(config.teacher):
        address, _, served = config.teacher.partition("#")
        served = config.teacher_model or served
        return RemoteEngine(f"{address}#{served}" if served else address, delay=config.delay)
    raise UsageError(f"no teacher called {config.teacher!r}", "there are solver, gemini, and a server's address")
