"""Factors the numbers, and takes the least or the greatest exponent of every prime."""

from __future__ import annotations

import math
import re
from collections import Counter


def _factors(number: int) -> Counter[int]:
    powers: Counter[int] = Counter()
    prime = 2
    while number > 1:
        while number % prime == 0:
            powers[prime] += 1
            number //= prime
        prime = prime + 1 if prime * prime <= number else max(number, 2)
    return powers


def answer(prompt: str) -> str:
    """The greatest common divisor, the least common multiple, or both."""
    first, *others = [_factors(int(text)) for text in re.findall(r"\d+", prompt)]
    common, all_together = first, first
    for factors in others:
        common, all_together = common & factors, all_together | factors
    operations = [("greatest common divisor", common), ("least common multiple", all_together)]
    return " ".join(str(math.prod(factors.elements())) for words, factors in operations if words in prompt)
