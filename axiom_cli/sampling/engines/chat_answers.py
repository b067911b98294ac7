"""What a server's answer says: a chat completion, whole or in the events of a stream.

Nothing here talks to a server. Whatever the bytes are, they cost one request.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from axiom_cli.problems.reasoning import CLOSE, OPEN
from axiom_cli.sampling.engines.chat_errors import EmptyAnswerError, RefusedError, TransientError, find_error, quote
from axiom_cli.sampling.engines.spending import USAGE, charged

MOST_TOKENS = 2**31 - 1
DECLINED = "declined"
"""The key in a sample's `extra` where the server has answered for good, but with no solution: a refusal, what a filter
left, or a call of a tool. It was bought, so it is kept like others."""
FINISHES = {
    **dict.fromkeys(("stop", "eos", "eos_token", "stop_sequence", "end_turn", "complete", "completed"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "model_length", "max_output_tokens"), "length"),
}
BROKEN_OFF = {"error", "abort", "network_error"}
"""How a completion ends whose server or provider failed on the way."""
REASONING = ("reasoning_content", "reasoning", "thinking")
TEXTS = ("content", "refusal", *REASONING)
MALFORMED = (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError)


def parse(body: bytes) -> Any:
    """The JSON of an answer. Events of a stream, which some servers send unasked, add up to the completion whose parts
    they are. Raises ValueError, or RecursionError where it is nested too deeply."""
    try:
        return json.loads(body)
    except ValueError:
        text = body.decode(errors="replace").replace("\r\n", "\n").strip()
    text = text.removesuffix("[DONE]").rstrip().removesuffix("data:").strip()
    if not text.startswith(("data:", "event:", "id:", ":")):
        return json.loads(text)
    events = (
        "\n".join(line.removeprefix("data:").strip() for line in event.split("\n") if line.startswith("data:"))
        for event in text.split("\n\n")
    )
    try:
        return _joined(json.loads(event) for event in events if event)
    except MALFORMED:
        raise ValueError("events that are not parts of a completion") from None


def _joined(chunks: Iterable[Any]) -> Any:
    message: dict[str, str] = defaultdict(str)
    choice: dict[str, Any] = {"message": message, "finish_reason": None}
    scores: list[Any] = []
    whole: dict[str, Any] = {"choices": []}
    for chunk in chunks:
        if find_error(chunk):
            return chunk
        whole["usage"] = chunk.get("usage") or whole.get("usage")
        for part in chunk.get("choices") or []:
            if part.get("index") or 0:
                continue
            whole["choices"] = [choice]
            delta = part.get("delta") or part.get("message") or {}
            for name in TEXTS:
                message[name] += _text(delta.get(name))
            choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
            scores += (part.get("logprobs") or {}).get("content") or []
    choice["logprobs"] = {"content": scores}
    return whole


def delta(chunk: Any) -> tuple[str, str]:
    """What one event of a stream adds to the first choice: to its reasoning, and to its content."""
    with suppress(*MALFORMED):
        part = chunk["choices"][0]
        said = {} if part.get("index") else part.get("delta") or {}
        return next((text for name in REASONING if (text := _text(said.get(name)))), ""), _text(said.get("content"))
    return "", ""


def read_completion(data: Any) -> dict[str, Any]:
    """A sample's fields from a chat completion. Reasoning that the server returns separately goes back into `<think>`,
    which stays open if it was cut off. Raises TransientError if the answer is incomplete."""
    try:
        if data["choices"] == [] and (blocked := _blocked(data)):
            raise RefusedError(f"the prompt was blocked: {blocked}")
        if data["choices"] == []:
            raise EmptyAnswerError(f"a completion without choices: {quote(json.dumps(data))}", 200)
        choice = data["choices"][0]
        message, usage = choice["message"], data.get("usage")
        content, finish_reason = message.get("content"), choice.get("finish_reason")
        scores = [float(token["logprob"]) for token in (choice.get("logprobs") or {}).get("content") or []]
        reasoning = _reasoning(message)
        refusal = _text(message.get("refusal")) or _text(content, "refusal")
    except MALFORMED:
        raise TransientError(f"not a chat completion: {quote(json.dumps(data))}", 200, lasting=True) from None
    text = _text(content)
    if content and not text and not reasoning and not refusal:
        raise TransientError(f"a completion whose content is not text: {quote(json.dumps(content))}", 200)
    if isinstance(finish_reason, str) and finish_reason in BROKEN_OFF:
        raise TransientError(f"a completion that finished with {finish_reason!r}", 200)
    finish = FINISHES.get(str(finish_reason).lower()) if isinstance(finish_reason, str) else None
    if reasoning and finish == "length" and not text.strip():
        text = f"{OPEN}\n{reasoning}"
    elif reasoning:
        text = f"{OPEN}\n{reasoning}\n{CLOSE}\n{text.lstrip()}"
    # JSON lets halves of characters through: they become U+FFFD.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    cost = charged(usage)
    extra: dict[str, Any] = {USAGE: cost} if cost else {}
    fields = {"text": text, "tokens": _count(usage, len(scores)), "extra": extra}
    if refusal:
        return {**fields, "finish": "error", "extra": {"error": f"refused: {quote(refusal)}", DECLINED: True, **extra}}
    if finish is None:
        final = {DECLINED: True} if isinstance(finish_reason, str) else {}
        return {**fields, "finish": "error", "extra": {"error": _finished(choice, message), **final, **extra}}
    logprob = sum(scores)
    return {**fields, "finish": finish, "logprob": logprob if scores and math.isfinite(logprob) else None}


def _blocked(data: Mapping[str, Any]) -> str:
    """Why Gemini's filter took a prompt; empty if it does not say so."""
    feedback = data.get("promptFeedback") or data.get("prompt_feedback")
    return quote(feedback.get("blockReason") or "") if isinstance(feedback, dict) else ""


def _text(value: Any, kind: str = "text", depth: int = 4) -> str:
    """The text of a message's content: text itself, or the parts of that kind in a list."""
    if isinstance(value, str):
        return value if kind == "text" else ""
    if isinstance(value, dict):
        part = value.get(kind)
        return _text(part, depth=depth - 1) if depth and isinstance(part, str | list) else ""
    return "".join(_text(part, kind, depth - 1) for part in value) if depth and isinstance(value, list) else ""


def _reasoning(message: Mapping[str, Any]) -> str:
    """The reasoning that a message keeps apart from its content: in a field, or in parts of a list."""
    details = message.get("reasoning_details")
    fields = (_text(message.get(name)) for name in REASONING)
    parts = (_text(message.get("content"), "thinking"), _text(details), _text(details, "summary"))
    return next((text.strip() for text in (*fields, *parts) if text.strip()), "")


def _count(usage: Any, otherwise: int) -> int:
    count = usage.get("completion_tokens") if isinstance(usage, dict) else None
    return count if isinstance(count, int) and 0 < count <= MOST_TOKENS else otherwise


def _finished(choice: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    """Why a completion is not an answer: how it finished, the tool that it calls, what a filter found in it."""
    reason = choice.get("finish_reason")
    said = f"finished with {quote(reason)!r}" if isinstance(reason, str) else f"finished with {json.dumps(reason)}"
    calls = message.get("tool_calls")
    call = calls[0] if isinstance(calls, list) and calls else {"function": message.get("function_call")}
    called = call.get("function") if isinstance(call, dict) else None
    if isinstance(called, dict):
        return quote(f"{said}: it calls the tool {called.get('name')}")
    results = choice.get("content_filter_results")  # Azure's
    results = results.items() if isinstance(results, dict) else ()
    filters = [name for name, result in results if isinstance(result, dict) and result.get("filtered")]
    return quote(f"{said}: {', '.join(filters)}" if filters else said)
