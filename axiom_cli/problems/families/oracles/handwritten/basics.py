"""The basic problems, solved again by other methods."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import combinations
from typing import Any

from axiom_cli.problems.families.oracles.list_ops import merge_sorted
from axiom_cli.problems.families.oracles.parentheses import cancel


def _two_sum(nums: list[int], target: int) -> list[int]:
    pairs = [[i, j] for i, j in combinations(range(len(nums)), 2) if nums[i] + nums[j] == target]
    if len(pairs) > 1:
        raise ValueError("more than one pair")
    return pairs[0] if pairs else []


def _fizzbuzz(n: int) -> list[str]:
    words = {0: "FizzBuzz", **dict.fromkeys((3, 6, 9, 12), "Fizz"), **dict.fromkeys((5, 10), "Buzz")}
    return [words.get(i % 15, str(i)) for i in range(1, n + 1)]


def _palindrome(text: str) -> bool:
    kept = re.sub("[^a-z0-9]", "", text.lower())
    return all(kept[i] == kept[-1 - i] for i in range(len(kept) // 2))


def _parts(nums: list[int]) -> list[list[int]]:
    return [nums[i:j] for i, j in combinations(range(len(nums) + 1), 2)]


def _fibonacci(n: int) -> int:
    """Binet's formula is not exact; a sum of binomial coefficients is."""
    return sum(math.comb(n - 1 - k, k) for k in range((n + 1) // 2))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "two_sum": _two_sum,
    "fizzbuzz": _fizzbuzz,
    "reverse_string": lambda text: "".join(reversed(text)),
    "is_palindrome": _palindrome,
    "max_subarray": lambda nums: max(map(sum, _parts(nums)), default=0),
    "fibonacci": _fibonacci,
    "binary_search": lambda nums, target: nums.index(target) if target in nums else -1,
    "valid_parentheses": lambda text: not cancel(text),
    "merge_sorted_arrays": lambda first, second: merge_sorted(first + second),
    "remove_duplicates": lambda nums: [n for i, n in enumerate(nums) if n not in nums[:i]],
}
