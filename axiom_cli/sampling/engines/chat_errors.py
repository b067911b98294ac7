"""Why a request to a server has failed: what can be raised for it, and what the server says, in words of its own.

The shapes are those that OpenAI, Azure, OpenRouter, Gemini, Mistral, Groq, vLLM, llama.cpp, Ollama and the gateways in
front of them send.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

TOO_MANY = {429, 498, 503, 529}
"""Statuses of a server that has had too much. 498 is Groq's, 529 Anthropic's."""
TRANSIENT = {408, 409, 425} | TOO_MANY
PERMANENT = {501, 505}
"""Statuses from 500 on that do not change."""
LONGEST_QUOTE = 300
"""Characters of a server's words in a message."""
LONGEST_PAGE = 8192
OF_THIS_PROMPT = re.compile(
    r"context.{0,9}(length|size|window)|maximum context|too (long|large)|exceed|content.{0,20}(filter|polic|manage)"
    r"|moderat|flagged",
    re.I,
)
"""What a server says of this prompt alone: it is too long, or against a content policy."""
FILTERED = re.compile(r"content.{0,20}(filter|polic|manage)|moderat|flagged|prompt was blocked", re.I)
"""What a server says of a prompt that its content policy does not let through."""
OF_THE_KEY = re.compile(r"api.?key.{0,3}(not valid|invalid|expired)|API_KEY_(INVALID|EXPIRED)", re.I)
"""What Gemini says of a wrong key, with status 400."""
OF_THE_ACCOUNT = re.compile(
    r"insufficient.(user.)?(quota|balance|credit|fund)|exceeded_current_quota|billing_(hard|not)|payment_required"
    r"|requires more credits|credit balance is too low|out of credits|used all available credits",
    re.I,
)
"""What a server says when nothing but money helps. Not `exceeded your current quota` by itself: Gemini says that of a
limit per minute, too."""
OF_TODAY = re.compile(r'"quotaId": ?"\w*PerDay')
NO_SYSTEM_ROLE = re.compile(
    r"(system|developer).{0,3} (role|message|prompt|instruction)s?\b.{0,30}\b(not|isn't|unsupported|disabled)\b"
    r"|not (support|allow|accept)\w* .{0,20}\bsystem\b|(unknown|unexpected|invalid|unsupported) role.{0,4}\bsystem\b"
    r"|roles must alternate|only user\b.{0,40}\broles",
    re.I,
)
"""What chat templates and models without a system role say: Gemma's, Mistral's, o1's, Google's."""
OF_THE_TEMPLATE = re.compile(r"jinja|raise_exception|chat template", re.I)
NAMED = [
    (re.compile(names), status)
    for names, status in (
        ("not_?found", 404),
        ("api_key|authenticat|unauthorized", 401),
        ("rate_?limit|too_?many|resource_?exhausted", 429),
        ("overload|unavailable|capacity", 503),
        ("server_?error|api_error|internal|upstream|timeout|network", 500),
        ("invalid|bad_?request|unsupported|content_?filter|context_length", 400),
    )
]
"""The status that an error's code or type stands for, where the answer's own does not say it."""
MESSAGES = ("message", "detail", "msg", "error", "errors", "error_message", "error_description", "title")


class TransientError(Exception):
    """A request that failed this time. `status` is the server's, 0 without an answer; `pause` is what the server asks
    for, in seconds; `lasting` says that it is hardly going to change where the server has never answered yet."""

    def __init__(self, reason: str, status: int = 0, pause: float | None = None, *, lasting: bool = False) -> None:
        super().__init__(f"answered {status}: {reason}" if status else reason)
        self.status, self.pause, self.lasting = status, pause, lasting

    @property
    def busy(self) -> bool:
        """Whether the server has had too much."""
        return self.status in TOO_MANY


class EmptyAnswerError(TransientError):
    """A completion without choices: as a rule, a filter took them all."""


class RefusedError(Exception):
    """A request that would fail again, though others may succeed. `status` is the server's, or 0 if we gave up on the
    answer."""

    def __init__(self, reason: str, status: int = 0) -> None:
        super().__init__(reason)
        self.status = status


class Answer(NamedTuple):
    """A complete HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.body.decode(errors="replace")

    @property
    def is_page(self) -> bool:
        """Whether a web page came instead of data."""
        start = self.body.lstrip()[:15].lower()
        return "text/html" in self.headers.get("content-type", "").lower() or start.startswith((b"<!doctype", b"<html"))


class ServerError(NamedTuple):
    """An error that a server reports. `status` is the error's own if the answer's does not tell; `details` is all of
    it."""

    status: int
    reason: str
    kind: str
    details: str

    @property
    def is_of_the_account(self) -> bool:
        """Whether it takes money, or a higher limit, to go on."""
        # The message of a 400 may quote the prompt.
        said = f"{self.kind} {self.reason}" if self.status in (200, 403, 429) else self.kind
        return self.status == 402 or self.status < 500 and bool(OF_THE_ACCOUNT.search(said))

    @property
    def is_of_the_key(self) -> bool:
        """Whether the key is wrong."""
        return self.status in (401, 403) or (self.status == 400 and bool(OF_THE_KEY.search(self.details)))

    @property
    def is_of_today(self) -> bool:
        """Whether the quota of a day is used up."""
        return bool(OF_TODAY.search(self.details))

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later."""
        if self.status == 429 and "request too large" in self.reason.lower():
            return False
        if self.status >= 500:
            return self.status not in PERMANENT and not OF_THE_TEMPLATE.search(self.reason)
        return self.status in TRANSIENT


def quote(text: object, most: int = LONGEST_QUOTE) -> str:
    """A server's words on one line: no control characters, and not more than `most` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)[: 32 * most]).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def page_words(page: str) -> str:
    """What a web page says: its title, or its text if it has none."""
    page = re.sub(r"<!--.*?-->|<(script|style)\b.*?</\1>", " ", page[:LONGEST_PAGE], flags=re.I | re.S)
    title = re.search(r"<title[^>]*>(.*?)</title", page, re.I | re.S)
    texts = (html.unescape(re.sub(r"<[^<>]*>", " ", part)).strip() for part in ((title[1],) if title else ()) + (page,))
    return next(filter(None, texts), "")


def find_error(data: Any) -> Any:
    """The error in an answer's JSON, which its status need not tell of; None without one."""
    data = data[0] if isinstance(data, list) and data else data  # Gemini's stands in a list
    if not isinstance(data, dict):
        return None
    if data.get("error"):
        return data if data["error"] is True else data["error"]
    if data.get("object") == "error":  # vLLM's of old, and Mistral's
        return data
    choices = data.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first.get("error") or None if isinstance(first, dict) else None


def read_error(answer: Answer, data: Any) -> ServerError:
    """The error in an answer, whose JSON is `data`: None if it is not JSON."""
    error = find_error(data) or data
    kind, code = "", 0
    if isinstance(error, dict):
        names = [error[name] for name in ("code", "type", "status") if isinstance(error.get(name), str | int)]
        kind = " ".join(map(str, names))
        code = next((int(name) for name in map(str, names) if re.fullmatch("[45][0-9][0-9]", name)), 0)
    status = answer.status
    named = next((status for names, status in NAMED if names.search(kind.lower())), 0)
    if status == 200:
        status = code or named or status
    elif status >= 500 and named in (400, 401, 404):
        status = named
    text = page_words(answer.text) if answer.is_page else answer.text
    reason = _said(error) or (text if answer.status != 200 else json.dumps(error))
    return ServerError(status, reason, kind, json.dumps(error))


def _said(error: Any, depth: int = 5) -> str:
    """The message in an error of any shape. OpenRouter has the provider's own words in `metadata`, as text or JSON."""
    if isinstance(error, str):
        inner = None
        if depth and error.lstrip().startswith(("{", "[")):
            with suppress(ValueError, RecursionError):
                inner = json.loads(error)
        return _said(inner, depth - 1) or error
    if isinstance(error, list) and depth:
        return "; ".join(filter(None, (_said(item, depth - 1) for item in error[:5])))
    if not isinstance(error, dict) or not depth:
        return ""
    message = next((text for name in MESSAGES if (text := _said(error.get(name), depth - 1))), "")
    if isinstance(place := error.get("loc"), list):
        message = f"{'.'.join(map(str, place[:5]))}: {message}"
    metadata = error.get("metadata")
    raw = _said(metadata.get("raw"), depth - 1) if isinstance(metadata, dict) else ""
    return f"{message}: {raw}" if raw else message
