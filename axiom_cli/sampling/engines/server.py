"""A running vLLM server that is handed adapters: it samples, and training happens here.

    VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 vllm serve BASE --enable-lora --max-lora-rank 64

The model is on this machine, too: a base, or a base with one adapter on top. The server has the base, and is told by
`POST /v1/load_lora_adapter` where the adapter's files are, which it must see under the same path. Prompts go in as
token ids, rendered as for training, and sampled ids come back (`/v1/completions` with `return_token_ids`): nothing is
tokenised twice. What the server computes is checked: the base is the one here, and an adapter changes it.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch

from axiom_cli import models
from axiom_cli.errors import InputError, MissingError, UsageError
from axiom_cli.models import Resolved
from axiom_cli.models.loading import load_for_sampling, load_generation_config, load_tokenizer
from axiom_cli.problems.answers import messages as own_messages
from axiom_cli.records import Sample
from axiom_cli.sampling import prompts
from axiom_cli.sampling.engines.chat_errors import RefusedError, TransientError, quote
from axiom_cli.sampling.engines.chat_events import ChatEvents
from axiom_cli.sampling.engines.protocol import Engine, ProbedEngine, Request, sample_seed
from axiom_cli.sampling.engines.remote import RemoteEngine
from axiom_cli.sampling.token_ids import end_ids
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.objects import bare
from axiom_cli.workspace.store import Workspace

PROBE = "The quick brown fox: 1 2 3 4 5 6 7 8 9"
MAX_GAP = 0.25
"""Nats a token between the server's log-probabilities and those of the base here, beyond which it is another model.
Rounding to 16 bits changes them by hundredths."""
START = "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 vllm serve BASE --enable-lora --max-lora-rank RANK"
LOADED = re.compile("already been loaded")
TOO_HIGH = re.compile(r"LoRA rank (\d+) is greater than max_lora_rank")
NOT_SEEN = re.compile("No adapter found|No such file")


class ServerEngine(ProbedEngine, RemoteEngine):
    """One model here, sampled by the server at `config.server`. `load_weights` hands over another adapter of the same
    base, and takes the one before away."""

    name = "server"

    def __init__(self, model_name: str, config: SolveConfig | None = None, workspace: Workspace | None = None) -> None:
        config = config or SolveConfig()
        if not config.server:
            hint = "--server http://HOST:PORT/v1; the server must have the base of this model"
            raise UsageError("the server engine needs the address of a server", hint)
        super().__init__(config.server, config, workspace)
        self._base_name, self._handed = self._served, ""
        try:
            self._load(models.resolve(model_name, workspace))
        except BaseException:
            self.close()
            raise

    def _load(self, model: Resolved) -> None:
        """MissingError where the server does not take adapters, or not this one; UsageError for a model that is not its
        base with one adapter."""
        base = model.base or model
        if len(model.adapters) > 1:
            raise UsageError(
                f"{model.name} has {len(model.adapters)} adapters, and a server takes one at a time",
                "choose --start base, or another --engine",
            )
        if not hasattr(self, "_base"):
            self._check_base(base)
        elif base.digest != self._base.digest:
            raise UsageError(
                f"{self._address} samples from {self._base.name} and its adapters, and {model.name} is neither",
                "--unmerged keeps what a round trains an adapter",
            )
        handed = f"axiom-{bare(model.digest)[:16]}" if model.adapter else ""
        if model.adapter:
            self._command("load", {"lora_name": handed, "lora_path": str(model.adapter.resolve())})
        if self._handed not in ("", handed):
            self._command("unload", {"lora_name": self._handed})
        self._served, self._handed = handed or self._base_name, handed
        self.model, self._resolved = model.ref, model
        self._probe_logprobs = self._probe()

    def _check_base(self, base: Resolved) -> None:
        """InputError where the server has other weights than `base`."""
        self._base, self._tokenizer = base, load_tokenizer(base.path)
        self._ends = list(end_ids(self._tokenizer, load_generation_config(base.path)))
        self._ids: list[int] = self._tokenizer(PROBE, add_special_tokens=False)["input_ids"]
        theirs, ours = self._probe(), self._own_probe(base)
        gap = sum(abs(a - b) for a, b in zip(theirs, ours, strict=True)) / len(ours)
        if not gap <= MAX_GAP:
            raise InputError(
                f"{self._address}#{self._base_name} is not {base.name}: their log-probabilities of a text differ by "
                f"{gap:.2f} nats a token",
                "start the server with the weights that are trained here",
            )

    @torch.inference_mode()
    def _own_probe(self, base: Resolved) -> tuple[float, ...]:
        model, _ = load_for_sampling(base)
        ids = torch.tensor([self._ids], device=model.device)
        scores = model(input_ids=ids).logits[0, :-1].float().log_softmax(-1)
        logprobs = tuple(scores.gather(-1, ids[0, 1:, None]).squeeze(-1).tolist())
        del model
        gc.collect()
        return logprobs

    def _probe(self) -> tuple[float, ...]:
        """The server's log-probability of each token of a fixed text."""
        body = {"model": self._served, "prompt": self._ids, "max_tokens": 1, "temperature": 0.0, "prompt_logprobs": 0}
        data = self._ask("/completions", body)
        try:
            scores = data["choices"][0]["prompt_logprobs"]
            pairs = zip(self._ids[1:], scores[1:], strict=True)
            return tuple(float(by_token[str(token)]["logprob"]) for token, by_token in pairs)
        except (KeyError, TypeError, ValueError, IndexError):
            raise self._not_vllm("log-probabilities of a prompt") from None

    def _not_vllm(self, what: str) -> MissingError:
        return MissingError(f"{self._address} does not give {what}", "the server must be vLLM 0.11 or newer: " + START)

    def _command(self, verb: str, body: Mapping[str, Any]) -> None:
        """Has the server load or unload an adapter. What is loaded already, or gone, is as it should be."""
        client = self._client
        try:
            client.submit(client.request("POST", f"/{verb}_lora_adapter", lambda: body, as_text=True)).result()
        except (MissingError, RefusedError, TransientError) as error:
            said = str(error)
            if verb == "unload" or LOADED.search(said):
                return
            hint = "start it so: " + START
            if rank := TOO_HIGH.search(said):
                hint = f"start it with --max-lora-rank {rank[1]}, or choose a smaller --lora-r"
            elif NOT_SEEN.search(said):
                hint = "the server must see this machine's files under the same path"
            raise MissingError(f"{self._address} does not take an adapter: {said}", hint) from None

    def _ask(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that the server answers to one request, for what is not a sample."""
        client = self._client
        try:
            return client.submit(client.with_retries(lambda: client.request("POST", path, lambda: body))).result()
        except (TransientError, RefusedError) as error:
            raise MissingError(f"{self._address}: {error}", "is it a vLLM server? " + START) from None

    def _body(self, request: Request, params: SolveConfig, index: int) -> dict[str, Any]:
        messages = request.messages or own_messages(request.problem)
        return {
            "model": self._served,
            "prompt": prompts.conversation_ids(self._tokenizer, messages),
            "temperature": params.temperature,
            "top_p": params.top_p,
            "max_tokens": params.max_tokens,
            "seed": sample_seed(params.seed, request.problem, index),
            "stop_token_ids": self._ends,
            "logprobs": 0,
            "return_token_ids": True,
            "skip_special_tokens": False,
        }

    def stream_text(self, request: Request, params: SolveConfig, on_text: Callable[[str], None]) -> Sample:
        """As `Engine.stream_text`: all at once."""
        return Engine.stream_text(self, request, params, on_text)

    async def _completion(self, body: Mapping[str, Any], events: ChatEvents | None) -> dict[str, Any]:  # noqa: ARG002 - no chat
        """A sample's fields, of what vLLM answers to a prompt of token ids."""
        data = await self._client.request("POST", "/completions", lambda: body)
        try:
            choice = data["choices"][0]
            ids, finish = choice.get("token_ids"), choice["finish_reason"]
            scores = (choice.get("logprobs") or {}).get("token_logprobs") or []
            logprob = sum(map(float, scores)) if len(scores) == len(ids or ()) else None
        except (KeyError, TypeError, ValueError, IndexError):
            raise TransientError(f"not a completion: {quote(data)}", 200) from None
        if not isinstance(ids, list):
            raise self._not_vllm("the ids of the tokens that it samples")
        if finish not in ("stop", "length"):
            return {"text": "", "finish": "error", "extra": {"error": f"finished with {quote(finish)!r}"}}
        said = ids[:-1] if finish == "stop" and ids and ids[-1] in self._ends else ids
        return {
            "text": self._tokenizer.decode(said, skip_special_tokens=False),
            "token_ids": ids,
            "finish": finish,
            "tokens": len(ids),
            "logprob": None if logprob is None else round(logprob, 4),
            "extra": {prompts.PROMPT_DIGEST: prompts.digest(body["prompt"])},
        }

    def close(self) -> None:
        """Takes the adapter away from the server, and closes the connections."""
        if getattr(self, "_handed", ""):
            handed, self._handed = self._handed, ""
            self._command("unload", {"lora_name": handed})
        super().close()
