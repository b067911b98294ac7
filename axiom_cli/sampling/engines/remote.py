"""Any server that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama, SGLang, or a provider.

The model's name is the server's address, then `#` and the name that the server knows: `http://127.0.0.1:8000/v1#qwen`.
Without `#`, the only model that the server lists. Each sample is a request with its own seed, several at a time, so
that samples do not depend on each other if the server honours seeds.

chat_client.py reaches the server and retries, rate_limiter.py decides how fast, chat_answers.py and chat_errors.py read
what came. A request that never succeeds becomes a sample with finish `error`; a server that answers no request at all
is an error for the user to correct, told in the server's words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from itertools import islice
from typing import Any

from axiom_cli.errors import MissingError, UsageError
from axiom_cli.ids import content_id
from axiom_cli.problems import answers
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.sampling.engines.chat_answers import DECLINED, read_completion
from axiom_cli.sampling.engines.chat_client import FIRST_PAUSE, RESUMES, ChatClient
from axiom_cli.sampling.engines.chat_errors import (
    FILTERED,
    NO_SYSTEM_ROLE,
    OF_THIS_PROMPT,
    EmptyAnswerError,
    RefusedError,
    TransientError,
    quote,
)
from axiom_cli.sampling.engines.chat_events import ChatEvents
from axiom_cli.sampling.engines.protocol import Request, UnorderedEngine, sample_seed
from axiom_cli.sampling.engines.rate_limiter import RateLimiter
from axiom_cli.sampling.engines.spending import NOT_ASKED, SPENT, Spending, Tokens, most_tokens, tokens_of
from axiom_cli.sampling.prompts import SYSTEM_FOLDED, folded
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.terminal import console
from axiom_cli.workspace.store import Workspace

DROPPABLE = ("logprobs", "seed", "top_p")
"""Settings that are left out for servers that do not know them."""
RECORDED = {"seed", "top_p"}
"""Of these, the ones that a sample says were left out."""
MAX_TOKENS_TODAY = "max_completion_tokens"
HINTS = {0: "is the server running?", 200: "is this the address of a chat completions API? It often ends in /v1"}
"""What may help where no request succeeds, by the status of the answer; 0 stands for none."""
THIS_PROMPT_HINT = "a smaller --max-tokens may fit, or another model accept such prompts"
GIVE_UP_AFTER = 8
AHEAD = 16
"""Samples per concurrent request that are in flight or waiting behind a slow one."""


class RemoteEngine(UnorderedEngine):
    """One model of one server. With `spending`, no sample is asked for that its budget does not cover: such a sample
    has finish `error` and the key `not_asked` in `extra`."""

    name = "remote"
    streams = True

    def __init__(  # noqa: PLR0913 - three that every engine takes, three for tests and teachers
        self,
        model_name: str,
        config: SolveConfig | None = None,
        workspace: Workspace | None = None,  # noqa: ARG002 - every engine is opened with it
        *,
        delay: float = 0.0,
        retries: int = 5,
        first_pause: float = FIRST_PAUSE,
        reasoning_effort: str = "",
    ) -> None:
        """With a `delay`, one request at a time and at least that many seconds between two starts. `reasoning_effort`
        is sent along with each if it is not empty."""
        config = config or SolveConfig()
        address, _, served = model_name.partition("#")
        self._jobs = 1 if delay else config.concurrency
        interval = max(delay, 60 / config.requests_per_minute if config.requests_per_minute else 0.0)
        limiter = RateLimiter(self._jobs, interval)
        self._client = ChatClient(address, limiter, config.request_timeout, retries, first_pause)
        self._address = self._client.address
        self._dropped: frozenset[str] = frozenset()
        self._folds_system = False
        self._failures_in_a_row, self._has_answered = 0, False
        self._refused_problems: set[str] = set()
        with ExitStack() as stack:
            stack.callback(self.close)
            self._served = served or self._only_model()
            stack.pop_all()
        name, identity = f"{self._address}#{self._served}", [self.name, self._address, self._served]
        self._extra_fields = {"reasoning_effort": reasoning_effort} if reasoning_effort else {}
        self.model = ModelRef(name=name, digest=content_id([*identity, *self._extra_fields.values()]))
        self.spending: Spending | None = None

    def _only_model(self) -> str:
        client = self._client
        try:
            data = client.submit(client.with_retries(lambda: client.request("GET", "/models"))).result()
            # vLLM lists adapters, too, each with its base as its parent.
            bases = [model for model in data["data"] if not model.get("parent")]
            listed = [name for model in bases if (name := str(model["id"])).isprintable()]
        except (TransientError, RefusedError) as error:
            hint = "is the server running? If it lists no models, write ADDRESS#MODEL"
            raise MissingError(f"{self._address} does not list its models: {error}", hint) from None
        except (KeyError, TypeError, AttributeError):
            said = f"{self._address} does not list its models: not a list of models: {quote(json.dumps(data))}"
            raise MissingError(said, "write ADDRESS#MODEL") from None
        if len(listed) != 1:
            shown = ", ".join(listed[:5]) or "none"
            raise UsageError(f"{self._address} has {len(listed)} models", f"write ADDRESS#MODEL with one of: {shown}")
        return listed[0]

    def stream(self, requests: Sequence[Request], params: SolveConfig, samples: int) -> Generator[tuple[int, Sample]]:
        """As `Engine.stream`. Raises MissingError if the server or the key is missing, and UsageError if the server
        refuses every request."""
        submitted = enumerate(
            self._client.submit(self._sample(request, params, request.start + copy))
            for request in requests
            for copy in range(samples)
        )
        waiting: dict[Future[Sample], int] = {}
        started = 0
        try:
            while True:
                room = AHEAD * self._jobs - (started - min(waiting.values(), default=started))
                for place, future in islice(submitted, room):
                    waiting[future], started = place, place + 1
                if not waiting:
                    return
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                # What has been paid for is kept: the samples that are there come before an error that ends the run.
                for future in sorted(done, key=lambda each: (each.exception() is not None, waiting[each])):
                    yield waiting.pop(future), future.result()
        finally:
            for future in waiting:
                future.cancel()

    def stream_text(self, request: Request, params: SolveConfig, on_text: Callable[[str], None]) -> Sample:
        """As `Engine.stream_text`. An answer that breaks off is not asked for again once a part of it was passed on."""
        events = ChatEvents(lambda text: on_text(self._client.redact(text)))
        sample = self._client.submit(self._sample(request, params, request.start, events)).result()
        on_text(events.rest(sample.text))
        return sample

    async def _sample(
        self, request: Request, params: SolveConfig, index: int, events: ChatEvents | None = None
    ) -> Sample:
        problem = request.problem
        messages = [dict(message) for message in request.messages or answers.messages(problem)]
        body = {**self._body(request, params, index), "stream": events is not None}
        most = most_tokens(messages, params.max_tokens)
        if self.spending and not await self.spending.reserve(most):
            return self.sample(problem, params, index, text="", finish="error", extra={"error": SPENT, NOT_ASKED: True})
        used = Tokens()
        try:
            fields = await self._client.with_retries(lambda: self._completion(body, events))
            self._has_answered, self._failures_in_a_row = True, 0
            sample = self.sample(problem, params, index, **fields)
            used = tokens_of(sample, messages)
        except (TransientError, RefusedError) as error:
            self._raise_if_hopeless(problem, error)
            declined = {DECLINED: True} if isinstance(error, RefusedError) and FILTERED.search(str(error)) else {}
            extra = {"error": str(error), **declined}
            sample = self.sample(problem, params, index, text="", finish="error", extra=extra)
        finally:
            if self.spending:
                self.spending.settle(most, used)
        return sample

    def _body(self, request: Request, params: SolveConfig, index: int) -> dict[str, Any]:
        """What is sent for one sample."""
        messages = request.messages or answers.messages(request.problem)
        return {
            "model": self._served,
            "messages": [dict(message) for message in messages],
            "temperature": params.temperature,
            "top_p": params.top_p,
            "max_tokens": params.max_tokens,
            "seed": sample_seed(params.seed, request.problem, index),
            "logprobs": True,
            **self._extra_fields,
        }

    def _raise_if_hopeless(self, problem: Problem, error: TransientError | RefusedError) -> None:
        """Raises an error for the user if the server answers or accepts no request at all."""
        refused = isinstance(error, RefusedError) and (not error.status or bool(OF_THIS_PROMPT.search(str(error))))
        this_prompt = refused or isinstance(error, EmptyAnswerError)
        if this_prompt:
            self._refused_problems.add(problem.id)
            hopeless = not self._has_answered and len(self._refused_problems) >= GIVE_UP_AFTER
        else:
            self._failures_in_a_row += 1
            hopeless = not self._has_answered or self._failures_in_a_row >= GIVE_UP_AFTER
        if not hopeless:
            return
        if isinstance(error, TransientError):
            said = f"{self._address} {error}" if error.status else f"{self._address} does not answer: {error}"
            later = "try again later" if error.busy else "the server's log may say more"
            hint = HINTS.get(error.status, f"{later}; {RESUMES}")
            raise MissingError(said, THIS_PROMPT_HINT if this_prompt else hint) from None
        answered = f" answered {error.status}" if error.status else ""
        message = f"{self._address}{answered}: {error}"
        if error.status == 403 and not this_prompt:
            raise MissingError(message, "is the key still valid for this server and model?") from None
        hint = THIS_PROMPT_HINT if this_prompt else HINTS.get(error.status, "the server does not accept this request")
        raise UsageError(message, hint) from None

    async def _completion(self, body: Mapping[str, Any], events: ChatEvents | None) -> dict[str, Any]:
        """A sample's fields. A setting that the server does not know is left out from then on, and a system role that
        it refuses is folded into the user's turn. The sample says so if it matters."""
        sent: dict[str, Any] = {}

        def accepted() -> dict[str, Any]:
            sent.clear()
            sent.update({name: value for name, value in body.items() if name not in self._dropped})
            if self._folds_system:
                sent["messages"] = folded(body["messages"])
            if "max_tokens" in self._dropped:
                sent[MAX_TOKENS_TODAY] = body["max_tokens"]
            return sent

        while True:
            try:
                hear = events.add if events else None
                fields = read_completion(await self._client.request("POST", "/chat/completions", accepted, hear))
            except TransientError as error:
                if events and events.shown:
                    raise RefusedError(f"the answer broke off: {error}") from None
                raise
            except RefusedError as error:
                if not (self._fold_system(error, sent) or self._drop_setting(error, sent)):
                    raise
                continue
            missing = sorted(RECORDED - sent.keys())
            changes: dict[str, Any] = {"left_out": missing} if missing else {}
            if sent["messages"] != body["messages"]:
                changes[SYSTEM_FOLDED] = True
            return {**fields, "extra": {**fields.get("extra", {}), **changes}} if changes else fields

    def _fold_system(self, error: RefusedError, sent: Mapping[str, Any]) -> bool:
        """Whether the server's error is about a system role that can be folded into the user's turn. It is folded from
        now on."""
        if not NO_SYSTEM_ROLE.search(str(error)) or folded(sent["messages"]) == sent["messages"]:
            return False
        if not self._folds_system:
            console.warn(f"{self._served} takes no system role: what it says stands in the user's turn ({error})")
        self._folds_system = True
        return True

    def _drop_setting(self, error: RefusedError, sent: Mapping[str, Any]) -> bool:
        """Whether the server's error names a setting that can be left out. It is left out from now on."""
        reason = str(error)
        if error.status not in (400, 422) or OF_THIS_PROMPT.search(reason):
            return False
        named = [name for name in DROPPABLE if name in sent and re.search(rf"\b{name}\b", reason)]
        if not named and "max_tokens" in sent and MAX_TOKENS_TODAY in reason:
            named = ["max_tokens"]
        self._dropped |= set(named[:1])
        return bool(named)

    def close(self) -> None:
        """Ends running requests and closes the connections."""
        self._client.close()
