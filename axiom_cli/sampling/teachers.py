"""Who writes the traces of a cold start, and what that costs.

`solver` is built in and offline: a family that makes problems can solve them. `gemini` is Google's, at its address for
OpenAI's chat completions; any other server that speaks them is named by its address, and a model on this machine, or in
the workspace, by its name.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from axiom_cli import models
from axiom_cli.errors import MissingError, NothingToDoError, UsageError, did_you_mean
from axiom_cli.problems import answers, reasoning
from axiom_cli.problems.families.teacher import teach
from axiom_cli.records import Problem, Sample
from axiom_cli.sampling import solve
from axiom_cli.sampling.engines import is_endpoint
from axiom_cli.sampling.engines.chat_answers import DECLINED
from axiom_cli.sampling.engines.chat_client import api_key, host_of, key_names
from axiom_cli.sampling.engines.protocol import Engine, EngineInFront, Request, requests
from axiom_cli.sampling.engines.remote import RemoteEngine
from axiom_cli.sampling.engines.scripted import SOLVER, ScriptedEngine
from axiom_cli.sampling.engines.spending import (
    NOT_ASKED,
    USAGE,
    Budget,
    Price,
    Spending,
    Tokens,
    dollars,
    estimated_prompt,
    most_tokens,
    parse_budget,
    tokens_of,
)
from axiom_cli.sampling.sample_cache import CachedEngine, Usage
from axiom_cli.settings.configs import ColdstartConfig, SolveConfig
from axiom_cli.settings.fields import flag
from axiom_cli.wording import plural
from axiom_cli.workspace.store import Workspace

GEMINI_ROOT = "https://generativelanguage.googleapis.com"
GEMINI_BASE = "GOOGLE_GEMINI_BASE_URL"
"""The variable with which Google's own libraries are sent to another address."""
GEMINI_MODEL = "gemini-2.5-flash"
LIST_PRICES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"gemini-2.5-pro": (1.25, 10.0), "gemini-2.5-flash": (0.30, 2.50), "gemini-2.5-flash-lite": (0.10, 0.40)}
)
"""Dollars per million tokens of prompts (below 200,000) and of completions, thoughts included: the paid tier of
https://ai.google.dev/gemini-api/docs/pricing in October 2026."""
SOURCE = "list price of October 2026"
SERVER_TOKENS, LOCAL_TOKENS = 8192, 1024
"""The longest trace. A server's models may reason unseen before they answer, which counts."""
ASSUMED = {True: 1000, False: 250}
"""Tokens that a completion is assumed to take, with reasoning and without, until enough of them have been measured."""
ENOUGH = 8
"""Traces in the workspace from which on their mean replaces the assumption."""
KEPT = ("error", DECLINED, NOT_ASKED, USAGE)
"""What a trace keeps of the `extra` of its sample. The rest is about the teacher's own prompt and tokens."""


def sampling(config: ColdstartConfig) -> SolveConfig:
    """How a teacher is sampled. The solver has one solution of each problem."""
    if config.teacher == SOLVER:
        return SolveConfig(samples=1, temperature=0, max_tokens=SERVER_TOKENS)
    longest = config.teacher_max_tokens or (SERVER_TOKENS if is_remote(config) else LOCAL_TOKENS)
    return SolveConfig(
        samples=config.traces,
        temperature=config.teacher_temperature,
        max_tokens=longest,
        engine="auto" if is_remote(config) else config.teacher_engine,
    )


def is_remote(config: ColdstartConfig) -> bool:
    """Whether the teacher is a server."""
    return config.teacher == "gemini" or is_endpoint(config.teacher)


def check_teacher(config: ColdstartConfig, workspace: Workspace | None = None) -> None:
    """Raises what is wrong with a teacher before anything is read or loaded: UsageError for a name that is nearly one,
    for settings that no teacher of this kind has and for a bad budget; MissingError without a key, or a model."""
    budget_of(config)
    if not is_remote(config):
        for option in ("teacher_model", "reasoning_effort"):
            if getattr(config, option):
                raise UsageError(
                    f"{flag(option)} is for a teacher behind an address; {config.teacher} is not",
                    "leave it out, or use --teacher gemini or --teacher ADDRESS",
                )
    if config.teacher == "gemini":
        host = host_of(_gemini_address())
        if not api_key(host):
            hint = f"set {' or '.join(key_names(host))}, or use --teacher solver, which needs no network"
            raise MissingError("there is no key for the teacher gemini", hint)
    elif is_endpoint(config.teacher):
        host_of(config.teacher.partition("#")[0])
    elif config.teacher != SOLVER and config.teacher_engine != "scripted":
        try:
            models.resolve(config.teacher, workspace)
        except MissingError:
            if close := did_you_mean(config.teacher, (SOLVER, "gemini")):
                raise UsageError(f"there is no teacher called {config.teacher!r}", close) from None
            raise


def open_teacher(config: ColdstartConfig, workspace: Workspace | None = None) -> Engine:
    """The engine behind a teacher's name. Raises what `check_teacher` raises."""
    check_teacher(config, workspace)
    if config.teacher == SOLVER:
        return ScriptedEngine(SOLVER, write=teach)
    if not is_remote(config):
        return solve.open_engine(config.teacher, sampling(config), workspace)
    address, _, served = config.teacher.partition("#")
    if config.teacher == "gemini":
        address, served = _gemini_address(), GEMINI_MODEL
    served = config.teacher_model or served
    name = f"{address}#{served}" if served else address
    return RemoteEngine(name, delay=config.delay, reasoning_effort=config.reasoning_effort)


def _gemini_address() -> str:
    root = os.environ.get(GEMINI_BASE, "").strip().rstrip("/") or GEMINI_ROOT
    return f"{root}/v1beta/openai"


def price_of(config: ColdstartConfig) -> Price | None:
    """What the teacher costs: as the user says, else the list price of a Gemini model; None if neither is known."""
    if config.price_in or config.price_out:
        return Price(config.price_in, config.price_out)
    served = config.teacher_model or config.teacher.partition("#")[2]
    if config.teacher == "gemini":
        served = config.teacher_model or GEMINI_MODEL
    elif not config.teacher.startswith(GEMINI_ROOT):
        return None
    listed = LIST_PRICES.get(served.removeprefix("models/"))
    return Price(*listed, SOURCE) if listed else None


def budget_of(config: ColdstartConfig) -> Budget | None:
    """The most to spend. Only a server is paid for."""
    budget = parse_budget(config.budget, price_of(config) if is_remote(config) else Price(0, 0))
    return budget if is_remote(config) else None


@dataclass(frozen=True)
class Forecast:
    """What a remote teacher is going to be asked for, and about what that costs. `bought` traces are in the workspace
    already, and have cost `spent`; `expected` is for the rest, with completions of `each` tokens."""

    teacher: str
    problems: int
    traces: int
    bought: int
    spent: Tokens
    expected: Tokens
    each: int
    measured: bool
    longest: int
    price: Price | None
    budget: Budget | None

    def lines(self) -> Iterator[str]:
        """The forecast in a few sentences."""
        what = f"{self.teacher}: {plural(self.traces, 'trace')} of {plural(self.problems, 'problem')}"
        left = self.traces - self.bought
        if self.bought:
            what += f", {self.bought:,} of them bought before ({self._cost(self.spent)})"
        if not left:
            yield f"{what}: nothing is asked"
            return
        basis = "the mean so far" if self.measured else "assumed"
        yield (
            f"{what}. To ask for: {left:,}, about {self.expected.prompt:,} tokens in (estimated from the prompts' "
            f"length) and {self.expected.completion:,} out ({basis}: {self.each:,} a trace; at most {self.longest:,})"
        )
        if self.price:
            rates = f"{dollars(self.price.prompt)} in and {dollars(self.price.completion)} out per million tokens"
            source = f", {self.price.source}" if self.price.source else ""
            yield f"about {dollars(self.price.dollars(self.expected))} ({rates}{source})"
        if self.budget:
            spent = f", {self.budget.say(self.budget.cost(self.spent))} of it spent" if self.bought else ""
            yield f"budget {self.budget.say()}{spent}: no request starts that could exceed it"

    def _cost(self, tokens: Tokens) -> str:
        priced = f", {dollars(self.price.dollars(tokens))}" if self.price else ""
        return f"{tokens.prompt:,} tokens in, {tokens.completion:,} out{priced}"


class Teacher(EngineInFront):
    """A teacher that may have been opened already, behind the cache of samples. Its traces are texts alone: their ids
    and log-probabilities are those of another model than the one that learns from them."""

    def __init__(self, config: ColdstartConfig, workspace: Workspace | None = None) -> None:
        """Raises what `open_teacher` raises."""
        self.config, self.params = config, sampling(config)
        self._opened = open_teacher(config, workspace)
        kept_in = None if config.teacher == SOLVER else workspace
        save_every = 0.0 if is_remote(config) else None  # what was paid for is not lost to a kill
        self._kept = CachedEngine(self._opened, kept_in, Usage(), save_every=save_every)
        super().__init__(self._kept)

    def generate(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> Generator[list[Sample]]:
        """As `Engine.generate`. Without `think`, reasoning is neither asked for nor kept."""
        for group in self._kept.generate([self._asked(request) for request in requests], params, samples):
            yield [self._trace(sample) for sample in group]

    def _asked(self, request: Request) -> Request:
        if self.config.think:
            return request
        return replace(request, messages=answers.messages(request.problem, think=False))

    def _trace(self, sample: Sample) -> Sample:
        text = reasoning.with_think_tags(sample.text)
        if not self.config.think:
            text = reasoning.without_reasoning(sample.text).strip()
        extra = {name: sample.extra[name] for name in KEPT if name in sample.extra}
        if self.config.teacher == SOLVER and sample.finish == "error":
            extra = {"error": "the solver does not know this problem"}
        return replace(sample, text=text, token_ids=[], logprob=None, extra=extra)

    def forecast(self, problems: Sequence[Problem]) -> Forecast:
        """What asking for the traces of `problems` will cost. A budget counts from what was spent on them before.

        Raises NothingToDoError where the budget does not pay for one trace.
        """
        trace_requests = [self._asked(request) for request in requests(problems)]
        conversations = [request.messages or answers.messages(request.problem) for request in trace_requests]
        prompts = {
            request.problem.id: messages for request, messages in zip(trace_requests, conversations, strict=True)
        }
        known = self._kept.cached(trace_requests, self.params, self.params.samples)
        costs = [tokens_of(sample, prompts[sample.problem.id]) for sample in known]
        spent, measured = sum(costs, Tokens()), len(costs) >= ENOUGH
        each = round(spent.completion / len(costs)) if measured else ASSUMED[self.config.think]
        each = min(each, self.params.max_tokens)
        traces = len(problems) * self.params.samples
        left = traces - len(known)
        mean_prompt = sum(map(estimated_prompt, conversations)) / max(1, len(problems))
        budget = budget_of(self.config)
        if budget and left and not known:
            _check_budget(budget, min((most_tokens(m, self.params.max_tokens) for m in conversations), key=budget.cost))
        if budget and isinstance(self._opened, RemoteEngine):
            self._opened.spending = Spending(budget, budget.cost(spent))
        return Forecast(
            teacher=self.model.name,
            problems=len(problems),
            traces=traces,
            bought=len(known),
            spent=spent,
            expected=Tokens(round(left * mean_prompt), left * each),
            each=each,
            measured=measured,
            longest=self.params.max_tokens,
            price=price_of(self.config),
            budget=budget,
        )

    def close(self) -> None:
        """Closes the teacher itself."""
        self._opened.close()


def _check_budget(budget: Budget, most: Tokens) -> None:
    """Raises NothingToDoError where the budget does not pay for a trace that costs `most` at most."""
    if budget.cost(most) > budget.amount:
        raise NothingToDoError(
            f"a budget of {budget.say()} does not pay for one trace, which may cost {budget.say(budget.cost(most))}",
            f"raise --budget, or lower --teacher-max-tokens (now {most.completion:,})",
        )
