"""What a server is paid for: tokens, their price, and a budget that no request may overrun.

A request starts only if the budget covers the longest answer that it may get; what it did not need is given back at its
end. Requests get their turn in order, so that which ones a budget covers does not depend on how fast they are answered.
An answer that was cut off on its way counts for nothing, because no server says what it charges for one.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from axiom_cli.errors import UsageError
from axiom_cli.records import Sample

NO_BUDGET = "none"
AMOUNT = re.compile(
    r"(?P<before>\$)?(?P<number>\d[\d,_]*(?:\.\d+)?|\.\d+)(?P<unit>[kM]?)(?P<after>\$| ?usd| tokens)?", re.I
)
UNITS = {"": 1, "k": 1_000, "m": 1_000_000}
BUDGET_HINT = "write tokens (200000, 200k, 2M) or dollars ('$5' in quotes, or 5usd)"
PER_MESSAGE = 8
"""Tokens that a chat template adds to a message, at a guess."""
BYTES_PER_TOKEN = 4
"""Of English prose, roughly. No tokenizer of bytes makes more than one token of each."""
USAGE = "usage"
"""The key in a sample's `extra` for the tokens that the server charged for it: `prompt` and `completion`."""
NOT_ASKED = "not_asked"
"""The key in a sample's `extra` that says that it was not asked for, because the budget was spent."""
SPENT = "not asked for: the budget is spent"


@dataclass(frozen=True)
class Tokens:
    """What one request, or many, cost: tokens of prompts and of completions, unseen reasoning included."""

    prompt: int = 0
    completion: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(self.prompt + other.prompt, self.completion + other.completion)

    @property
    def total(self) -> int:
        """Both together."""
        return self.prompt + self.completion


@dataclass(frozen=True)
class Price:
    """Dollars per million tokens; `source` says where they come from if not from the user."""

    prompt: float
    completion: float
    source: str = ""

    def dollars(self, tokens: Tokens) -> float:
        """What so many tokens cost."""
        return (tokens.prompt * self.prompt + tokens.completion * self.completion) / 1_000_000


@dataclass(frozen=True)
class Budget:
    """Most to spend: tokens, or dollars if there is a `price`."""

    amount: float
    price: Price | None = None

    def cost(self, tokens: Tokens) -> float:
        """What so many tokens cost, in the budget's unit."""
        return self.price.dollars(tokens) if self.price else tokens.total

    def say(self, amount: float | None = None) -> str:
        """An amount, or the whole budget, in words."""
        amount = self.amount if amount is None else amount
        return dollars(amount) if self.price else f"{amount:,.0f} tokens"


def dollars(amount: float) -> str:
    """`$3.50`, or `$0.0207` for less than ten cents."""
    return f"${amount:,.4f}" if 0 < amount < 0.1 else f"${amount:,.2f}"


def parse_budget(text: str, price: Price | None) -> Budget | None:
    """The budget that `text` names. UsageError if it names none, or dollars without a price."""
    if text == NO_BUDGET:
        return None
    match = AMOUNT.fullmatch(text.strip())
    if match is None:
        why = " (a shell replaces $5 by nothing, unless it is in quotes)" if not text.strip() else ""
        raise UsageError(f"--budget {text!r} is not a budget{why}", BUDGET_HINT)
    amount = float(re.sub("[,_]", "", match["number"])) * UNITS[match["unit"].lower()]
    if not (match["before"] or (match["after"] or "").strip().lower() in ("$", "usd")):
        return Budget(amount)
    if price is None:
        raise UsageError(
            f"--budget {text}: what this teacher costs is not known",
            "give its --price-in and --price-out, in dollars per million tokens, or a budget in tokens",
        )
    return Budget(amount, price)


def most_tokens(messages: Sequence[Mapping[str, str]], max_tokens: int) -> Tokens:
    """More than a request can cost: a token for every byte of its messages, and the longest completion."""
    return Tokens(sum(len(m["content"].encode("utf-8", "replace")) + 2 * PER_MESSAGE for m in messages), max_tokens)


def estimated_prompt(messages: Sequence[Mapping[str, str]]) -> int:
    """How many tokens the messages are, estimated from their length."""
    return sum(len(m["content"].encode("utf-8", "replace")) // BYTES_PER_TOKEN + PER_MESSAGE for m in messages)


def charged(usage: Any) -> dict[str, int] | None:
    """What a server's `usage` says that it charges, as a sample keeps it; None if it does not say. Gemini counts what
    it thinks in `total_tokens` alone."""
    if not isinstance(usage, dict):
        return None
    prompt, completion, total = (
        count if isinstance(count := usage.get(f"{name}_tokens"), int) and 0 <= count < 2**31 else 0
        for name in ("prompt", "completion", "total")
    )
    if not prompt or not (completion or total):
        return None
    return {"prompt": prompt, "completion": max(completion, total - prompt)}


def tokens_of(sample: Sample, messages: Sequence[Mapping[str, str]]) -> Tokens:
    """What a sample cost, as its server said, else as its length suggests."""
    usage = sample.extra.get(USAGE)
    if isinstance(usage, dict):
        return Tokens(int(usage.get("prompt", 0)), int(usage.get("completion", 0)))
    if sample.finish == "error":
        return Tokens()
    return Tokens(estimated_prompt(messages), sample.tokens or len(sample.text.encode()) // BYTES_PER_TOKEN + 1)


class Spending:
    """A budget and what has been spent of it, for the requests of one event loop."""

    def __init__(self, budget: Budget, spent: float = 0.0) -> None:
        self.budget, self.spent = budget, spent
        self._reserved, self._exhausted = 0.0, False
        self._turn, self._settled = asyncio.Lock(), asyncio.Event()

    def covers(self, most: Tokens) -> bool:
        """Whether the budget covers one more request that costs at most so many tokens."""
        return self.spent + self._reserved + self.budget.cost(most) <= self.budget.amount

    async def reserve(self, most: Tokens) -> bool:
        """Waits for a turn, and sets aside the most that a request can cost. False once the budget does not cover one:
        then no later request gets anything either."""
        async with self._turn:
            while not self._exhausted and not self.covers(most):
                if not self._reserved:
                    self._exhausted = True
                    break
                self._settled.clear()
                await self._settled.wait()
            if self._exhausted:
                return False
            self._reserved += self.budget.cost(most)
            return True

    def settle(self, most: Tokens, used: Tokens) -> None:
        """Ends a reservation: the request has cost `used`."""
        self._reserved = max(0.0, self._reserved - self.budget.cost(most))
        self._reserved = 0.0 if self._reserved < 1e-9 else self._reserved
        self.spent += self.budget.cost(used)
        self._settled.set()
