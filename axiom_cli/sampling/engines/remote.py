"""Any server that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama, SGLang, or a provider.

The model's name is the server's address, then `#` and the name that the server knows: `http://127.0.0.1:8000/v1#qwen`.
Without `#`, the one model that the server lists. Each sample is a request of its own with its own seed, several at a
time, so that a sample does not depend on the batch as far as the server keeps its word about seeds.

How the server is reached, and what is tried again, line.py says; how fast, pace.py. A request that never succeeds
becomes a sample that finished with `error`; a server that answers nothing at all is an error to put right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from itertools import islice
from typing import Any

from axiom_cli.errors import MissingError, UsageError
from axiom_cli.ids import content_id
from axiom_cli.problems import answers
from axiom_cli.records import ModelRef, Problem, Sample
from axiom_cli.sampling.engines import Messages, grouped, sample_seed, sampling_params
from axiom_cli.sampling.engines.line import FIRST_WAIT, OF_THIS_PROMPT, Failed, Line, Refused
from axiom_cli.sampling.engines.pace import Pace
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace

OPTIONAL = ("logprobs", "seed", "top_p")
SAMPLING = {"seed", "top_p"}
NEWER = "max_completion_tokens"
GIVE_UP_AFTER = 8
AHEAD = 16
"""Samples asked for, for each request at a time, before the first of them was handed on: a slow one holds up so few."""
FINISHES = {
    **dict.fromkeys(("stop", "eos", "eos_token", "stop_sequence", "end_turn"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "model_length"), "length"),
}


class RemoteEngine:
    """One model of one server."""

    name = "remote"
    singly = True

    def __init__(
        self,
        model_name: str,
        config: SolveConfig | None = None,
        workspace: Workspace | None = None,
        *,
        delay: float = 0.0,
        retries: int = 5,
        first_wait: float = FIRST_WAIT,
    ) -> None:
        """With a `delay`, one request at a time and so many seconds from one to the next."""
        config = config or SolveConfig()
        address, _, served = model_name.partition("#")
        self._jobs = 1 if delay else config.concurrency
        apart = max(delay, 60 / config.requests_per_minute if config.requests_per_minute else 0.0)
        self._line = Line(address, Pace(self._jobs, apart), config.request_timeout, retries, first_wait)
        self._address = self._line.address
        self._left_out: frozenset[str] = frozenset()
        self._lost, self._spoken = 0, False
        self._turned_down: set[str] = set()
        with ExitStack() as stack:
            stack.callback(self.close)
            self._served = served or self._only_model()
            stack.pop_all()
        name = f"{self._address}#{self._served}"
        self.model = ModelRef(name=name, digest=content_id([self.name, self._address, self._served]))

    def _only_model(self) -> str:
        line = self._line
        try:
            data = line.start(line.patiently(lambda: line.call("GET", "/models"))).result()
            listed = [str(one["id"]) for one in data["data"]]
        except (Failed, Refused, KeyError, TypeError) as error:
            raise MissingError(f"{self._address} lists no models: {error}", "write ADDRESS#MODEL") from None
        if len(listed) != 1:
            shown = ", ".join(listed[:5]) or "none"
            raise UsageError(f"{self._address} has {len(listed)} models", f"write ADDRESS#MODEL with one of: {shown}")
        return listed[0]

    def generate(
        self,
        problems: Sequence[Problem],
        params: SolveConfig,
        samples: int,
        starts: Sequence[int] = (),
        messages: Sequence[Messages | None] = (),
    ) -> Iterator[list[Sample]]:
        """As `Engine.generate`. Raises MissingError where the server or the key is not there, and UsageError where the
        server turns every request down."""
        return grouped(self.arriving(problems, params, samples, starts, messages), len(problems), samples)

    def arriving(
        self,
        problems: Sequence[Problem],
        params: SolveConfig,
        samples: int,
        starts: Sequence[int] = (),
        messages: Sequence[Messages | None] = (),
    ) -> Iterator[tuple[int, Sample]]:
        """As `generate`, each sample as soon as it is there, with its place among all of them."""
        own = messages or [None] * len(problems)
        told = [one or answers.messages(problem) for one, problem in zip(own, problems, strict=True)]
        asked = enumerate(
            self._line.start(self._sample(problem, conversation, params, start + copy))
            for problem, conversation, start in zip(problems, told, starts or [0] * len(problems), strict=True)
            for copy in range(samples)
        )
        waiting: dict[Future[Sample], int] = {}
        started = 0
        try:
            while True:
                room = AHEAD * self._jobs - (started - min(waiting.values(), default=started))
                for place, future in islice(asked, room):
                    waiting[future], started = place, place + 1
                if not waiting:
                    return
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in sorted(done, key=waiting.__getitem__):
                    yield waiting.pop(future), future.result()
        finally:
            for future in waiting:
                future.cancel()

    async def _sample(self, problem: Problem, messages: Messages, params: SolveConfig, index: int) -> Sample:
        body = self._body(messages, params, sample_seed(params.seed, problem, index))
        try:
            read = await self._line.patiently(lambda: self._completion(body))
            self._spoken, self._lost = True, 0
        except (Failed, Refused) as error:
            self._give_up(problem, error)
            read = {"text": "", "finish": "error", "extra": {"error": str(error)}}
        return Sample(
            problem=problem,
            model=self.model,
            engine=self.name,
            params=sampling_params(params),
            index=index,
            attempt=1,
            **read,
        )

    def _give_up(self, problem: Problem, error: Failed | Refused) -> None:
        """Raises what is to be told where the server answers nobody, or turns everybody down."""
        alone = isinstance(error, Refused) and (not error.status or bool(OF_THIS_PROMPT.search(str(error))))
        if alone:
            self._turned_down.add(problem.id)
            hopeless = not self._spoken and len(self._turned_down) >= GIVE_UP_AFTER
        else:
            self._lost += 1
            hopeless = not self._spoken or self._lost >= GIVE_UP_AFTER
        if hopeless and isinstance(error, Refused):
            said = f"{self._address} answered {error.status}: {error}" if error.status else f"{self._address}: {error}"
            if error.status == 403 and not alone:
                raise MissingError(said, "is the key still good for this server and model?") from None
            hint = "a smaller --max-tokens may fit" if alone else "the server does not accept this request"
            raise UsageError(said, hint) from None
        if hopeless:
            raise MissingError(f"{self._address} does not answer: {error}", "is the server running?") from None

    def _body(self, messages: Messages, params: SolveConfig, seed: int) -> dict[str, Any]:
        return {
            "model": self._served,
            "messages": [dict(message) for message in messages],
            "temperature": params.temperature,
            "top_p": params.top_p,
            "max_tokens": params.max_tokens,
            "seed": seed,
            "logprobs": True,
        }

    async def _completion(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """A sample's fields. A setting that the server does not know is left out from then on, and the sample says so
        where it matters to it."""
        sent: dict[str, Any] = {}

        def accepted() -> dict[str, Any]:
            sent.clear()
            sent.update(self._accepted(body))
            return sent

        while True:
            try:
                read = read_completion(await self._line.call("POST", "/chat/completions", accepted))
            except Refused as error:
                if not self._refuses(str(error), sent, error.status):
                    raise
                continue
            gone = sorted(SAMPLING - sent.keys())
            return {**read, "extra": {**read.get("extra", {}), "left_out": gone}} if gone else read

    def _accepted(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body without what this server has refused; newer servers want `max_tokens` under another name."""
        sent = {name: value for name, value in body.items() if name not in self._left_out}
        if "max_tokens" in self._left_out:
            sent[NEWER] = body["max_tokens"]
        return sent

    def _refuses(self, said: str, sent: Mapping[str, Any], status: int) -> bool:
        """Whether the server's complaint names a setting that can be left out; it is, from now on."""
        if status not in (400, 422) or OF_THIS_PROMPT.search(said):
            return False
        found = [name for name in OPTIONAL if name in sent and re.search(rf"\b{name}\b", said)]
        if not found and "max_tokens" in sent and NEWER in said:
            found = ["max_tokens"]
        self._left_out |= set(found[:1])
        return bool(found)

    def close(self) -> None:
        """Ends what is under way, and the connections."""
        self._line.close()


def read_completion(data: Any) -> dict[str, Any]:
    """A sample's fields out of a chat completion. Reasoning that the server keeps apart goes back into `<think>`,
    which is left open where it was cut off.

    Raises Failed where the answer is not whole.
    """
    try:
        choice = data["choices"][0]
        message, usage = choice["message"], data.get("usage") or {}
        text, finish = message.get("content") or "", choice.get("finish_reason")
        thought = message.get("reasoning_content") or message.get("reasoning") or ""
        scores = [float(token["logprob"]) for token in (choice.get("logprobs") or {}).get("content") or []]
        tokens = max(0, int(usage.get("completion_tokens") or len(scores)))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError):
        raise Failed("an answer that is no chat completion") from None
    if not isinstance(text, str) or not isinstance(thought, str):
        raise Failed("an answer whose content is no text")
    ended = FINISHES.get(str(finish).lower())
    if thought and ended == "length" and not text.strip():
        text = f"{answers.OPEN}\n{thought.strip()}"
    elif thought:
        text = f"{answers.OPEN}\n{thought.strip()}\n{answers.CLOSE}\n{text.lstrip()}"
    read = {"text": _whole(text), "tokens": tokens}
    if ended is None:
        return {**read, "finish": "error", "extra": {"error": f"finished with {finish!r}"}}
    logprob = sum(scores)
    return {**read, "finish": ended, "logprob": logprob if scores and math.isfinite(logprob) else None}


def _whole(text: str) -> str:
    """The text with halves of characters, which JSON lets through, as U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
