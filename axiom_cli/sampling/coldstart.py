"""Cold start: a teacher's solutions, verified like any other sample. Problems in, verdicts out.

Teachers: `solver` (built in, offline: a family that makes problems can solve them), `gemini`, or the address of any
server with OpenAI's chat completions API.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import replace

from axiom_cli.errors import MissingError, UsageError, did_you_mean
from axiom_cli.problems.families.teacher import teach
from axiom_cli.records import Problem, Verdict
from axiom_cli.sampling.engines import is_endpoint
from axiom_cli.sampling.engines.chat_client import api_key
from axiom_cli.sampling.engines.protocol import Engine
from axiom_cli.sampling.engines.remote import RemoteEngine
from axiom_cli.sampling.engines.scripted import SOLVER, ScriptedEngine
from axiom_cli.sampling.solve import solve
from axiom_cli.settings.configs import ColdstartConfig, SolveConfig, VerifyConfig
from axiom_cli.verification.verify import verify
from axiom_cli.workspace.store import Workspace

GEMINI_HOST = "generativelanguage.googleapis.com"
GEMINI = f"https://{GEMINI_HOST}/v1beta/openai"
GEMINI_MODEL = "gemini-2.5-flash"
MAX_TOKENS = 8192
"""For a teacher; those that reason before they answer need many."""


def coldstart(
    problems: Iterable[Problem],
    config: ColdstartConfig,
    verifying: VerifyConfig | None = None,
    workspace: Workspace | None = None,
) -> Iterator[Verdict]:
    """The verdicts on the teacher's accepted solutions, or on all of them with `include_failed`, in order.

    A remote teacher's samples are cached in the workspace: they may have cost money. Raises UsageError and MissingError
    at the call, before any problem is read.
    """
    if config.traces < 1 or config.delay < 0:
        raise UsageError(
            f"--traces is {config.traces} and --delay {config.delay}",
            "--traces must be at least 1, --delay at least 0",
        )
    teacher = open_teacher(config)
    sampling, cache = SolveConfig(samples=config.traces, max_tokens=MAX_TOKENS), workspace
    if config.teacher == SOLVER:  # it has one solution of each problem
        sampling, cache = replace(sampling, samples=1, temperature=0), None

    def verdicts() -> Iterator[Verdict]:
        with closing(teacher):
            for verdict in verify(solve(problems, teacher, sampling, cache), verifying or VerifyConfig()):
                if verdict.passed or config.include_failed:
                    yield verdict

    return verdicts()


def open_teacher(config: ColdstartConfig) -> Engine:
    """The engine behind a teacher's name. Raises UsageError for an unknown name, MissingError without a key."""
    if config.teacher == SOLVER:
        return ScriptedEngine(SOLVER, write=teach)
    if config.teacher == "gemini":
        if not api_key(GEMINI_HOST):
            hint = "set GEMINI_API_KEY or GOOGLE_API_KEY, or use --teacher solver, which needs no network"
            raise MissingError("there is no key for the teacher gemini", hint)
        return RemoteEngine(f"{GEMINI}#{config.teacher_model or GEMINI_MODEL}", delay=config.delay)
    if is_endpoint(config.teacher):
        address, _, served = config.teacher.partition("#")
        served = config.teacher_model or served
        return RemoteEngine(f"{address}#{served}" if served else address, delay=config.delay)
    hint = did_you_mean(config.teacher, (SOLVER, "gemini"), "--teacher takes solver, gemini or the URL of a server")
    raise UsageError(f"there is no teacher called {config.teacher!r}", hint)
