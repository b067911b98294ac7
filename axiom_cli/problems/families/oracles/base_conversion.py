"""Reads numerals with Python's own `int`, and writes them from the highest power down."""

from __future__ import annotations

import re

_DIGITS = "0123456789abcdef"


def _numeral(value: int, base: int) -> str:
    power = 1
    while power * base <= value:
        power *= base
    text = ""
    while power:
        digit = sum(value >= times * power for times in range(1, base))
        text += _DIGITS[digit]
        value -= digit * power
        power //= base
    return text


def answer(prompt: str) -> str:
    """The number, or the sum of the numbers, in the requested base."""
    numbers = re.findall(r"([0-9a-f]+) (?:from|in) base (\d+)", prompt)
    value = sum(int(text, int(base)) for text, base in numbers)
    (base,) = re.findall(r"(?:to|sum in) base (\d+)", prompt)
    return _numeral(value, int(base))
