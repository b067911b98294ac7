"""Reads brackets by taking out adjacent pairs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any


def cancel(text: str) -> str:
    """What is left when adjacent matching brackets have been taken out as often as possible."""
    while (shorter := re.sub(r"\(\)|\[\]|\{\}", "", text)) != text:
        text = shorter
    return text


def _deepest(text: str) -> int:
    heads = [text[:end] for end in range(len(text))]
    return max(sum(head.count(a) - head.count(b) for a, b in ("()", "[]", "{}")) for head in heads)


_CLOSE = str.maketrans("([{", ")]}")


def answer(prompt: str) -> str:
    """What is asked about the strings."""
    strings = prompt.rpartition(": ")[2].split()
    if "balanced" in prompt:
        return " ".join("no" if cancel(text) else "yes" for text in strings)
    if "depth" in prompt:
        return " ".join(str(_deepest(text)) for text in strings)
    return cancel(strings[0])[::-1].translate(_CLOSE)


def function(prompt: str) -> Callable[..., Any]:
    """What is asked about a prefix and any string."""
    prefix = re.search(r"puts `([^`]+)`", prompt).group(1)  # type: ignore[union-attr]
    kinds = re.search(r"The brackets are (.+?);", prompt).group(1)  # type: ignore[union-attr]
    alphabet = set(kinds.replace(" and ", "").replace(" ", ""))

    def solve(text: str) -> Any:
        whole = "".join(char for char in prefix + text if char in alphabet)
        left = cancel(whole)
        hopeless = any(char in ")]}" for char in left)
        if "returns True if" in prompt:
            return not left
        if "nesting depth" in prompt:
            return -1 if left else _deepest(whole)
        return None if hopeless else left[::-1].translate(_CLOSE)

    return solve
