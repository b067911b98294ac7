"""Understands digit operations from their words, over lists of numbers."""

from __future__ import annotations

import re

from axiom_cli.problems.families.oracles.list_ops import merge_sorted


def _appended(words: str, digits: list[int]) -> list[int]:
    total = sum(digit * digits.count(digit) for digit in range(1, 10))
    if "root" in words:
        return [*digits, 1 + (total - 1) % 9 if total else 0]
    return digits + [int(char) for char in str(total)]


def _moved(words: str, digits: list[int], count: int) -> list[int]:
    for _ in range(count):
        digits = [*digits[1:], digits[0]] if "to the end" in words else [digits[-1], *digits[:-1]]
    return digits


def _step(words: str, digits: list[int]) -> list[int]:
    """One operation, understood from its words."""
    numbers = [int(text) for text in re.findall(r"\d", words)]
    if words == "reverse":
        return [digits[-place] for place in range(1, len(digits) + 1)]
    if words.startswith("sort"):
        return merge_sorted(digits)[:: 1 if "ascending" in words.split() else -1]
    if words.endswith("by 9 - x"):
        return [9 - digit for digit in digits]
    if words.startswith("replace"):
        return [numbers[1] if digit == numbers[0] else digit for digit in digits]
    if words.startswith("remove"):
        return [digit for digit in digits if digit != numbers[0]]
    if words.startswith("move"):
        return _moved(words, digits, numbers[0])
    if words.startswith("swap"):
        return [digits[-1], *digits[1:-1], digits[0]]
    if words.startswith("add"):
        return [(digit + numbers[0]) % 10 for digit in digits]
    if words.startswith("keep of equal"):
        return [digit for place, digit in enumerate(digits) if digit not in digits[:place]]
    if words.startswith("append"):
        return _appended(words, digits)
    raise ValueError(words)


def answer(prompt: str) -> str:
    """The digits after all steps."""
    head, _, steps = prompt.rpartition(": ")
    digits = [int(char) for char in re.findall(r"\d", head)]
    for words in steps.split("; "):
        digits = _step(words, digits)
    return "".join(map(str, digits))
