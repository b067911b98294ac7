"""The problems on lists and strings, solved again by other methods, mostly by exhaustive search."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import combinations, groupby, permutations, product, takewhile
from math import prod
from operator import ne
from typing import Any

_JOINED = {"IIIII": "V", "VV": "X", "XXXXX": "L", "LL": "C", "CCCCC": "D", "DD": "M"}
_SHORT = {"DCCCC": "CM", "CCCC": "CD", "LXXXX": "XC", "XXXX": "XL", "VIIII": "IX", "IIII": "IV"}


def _rotated(nums: list[int], k: int) -> list[int]:
    return [nums[(i - k) % len(nums)] for i in range(len(nums))]


def _water(heights: list[int]) -> int:
    """Layer by layer: what is empty between the first and the last bar that reach it."""
    layers = ["".join(" #"[height >= y] for height in heights) for y in range(1, max(heights, default=0) + 1)]
    return sum(layer.strip().count(" ") for layer in layers)


def _container(heights: list[int]) -> int:
    return max(((j - i) * min(a, b) for (i, a), (j, b) in combinations(enumerate(heights), 2)), default=0)


def _union(intervals: list[list[int]]) -> list[list[int]]:
    """All halves are points, so that [1, 2] and [3, 4] have a gap between them."""
    points = {point for start, end in intervals for point in range(2 * start, 2 * end + 1)}
    starts = sorted(point // 2 for point in points if point - 1 not in points)
    ends = sorted(point // 2 for point in points if point + 1 not in points)
    return [list(pair) for pair in zip(starts, ends, strict=True)]


def _three_sum(nums: list[int]) -> list[list[int]]:
    return [list(triplet) for triplet in sorted(set(combinations(sorted(nums), 3))) if sum(triplet) == 0]


def _next_permutation(nums: list[int]) -> list[int]:
    """The list after `nums` among all arrangements; the first one comes after the last."""
    arrangements = sorted(set(permutations(nums)))
    return list(arrangements[(arrangements.index(tuple(nums)) + 1) % len(arrangements)])


def _increasing(nums: list[int]) -> int:
    lists = (kept for count in range(len(nums) + 1) for kept in combinations(nums, count))
    return max(len(kept) for kept in lists if list(kept) == sorted(set(kept)))


def _prefix(words: list[str]) -> str:
    places = takewhile(lambda letters: len(set(letters)) == 1, zip(*words, strict=False))
    return "".join(letters[0] for letters in places)


def _parts(text: str) -> Iterator[str]:
    """All contiguous parts, the empty one among them."""
    yield ""
    yield from (text[i:j] for i, j in combinations(range(len(text) + 1), 2))


def _unique(text: str) -> int:
    return max(len(part) for part in _parts(text) if len(part) == len(set(part)))


def _groups(words: list[str]) -> list[list[str]]:
    groups: list[list[str]] = []
    for word in words:
        group = next((group for group in groups if _alike(group[0], word)), None)
        if group is None:
            groups.append([word])
        else:
            group.append(word)
    return groups


def _alike(first: str, second: str) -> bool:
    return all(first.count(char) == second.count(char) for char in first + second)


def _window(text: str, wanted: str) -> int:
    counts = {char: wanted.count(char) for char in wanted}
    parts = (part for part in _parts(text) if all(part.count(char) >= counts[char] for char in counts))
    return min(map(len, parts), default=0)


def _to_roman(n: int) -> str:
    text = "I" * n
    for long, short in (_JOINED | _SHORT).items():
        text = text.replace(long, short)
    return text


def _from_roman(text: str) -> int:
    for long, short in _SHORT.items():
        text = text.replace(short, long)
    for long, short in reversed(_JOINED.items()):
        text = text.replace(short, long)
    return len(text)


def _distance(first: str, second: str) -> int:
    """Some characters are kept or replaced, in order; all others are removed or inserted."""
    distances = []
    for count in range(min(len(first), len(second)) + 1):
        pairs = product(combinations(first, count), combinations(second, count))
        distances.append(min(sum(map(ne, *pair)) for pair in pairs) + len(first) + len(second) - 2 * count)
    return min(distances)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "product_except_self": lambda nums: [prod(nums[:i] + nums[i + 1 :]) for i in range(len(nums))],
    "rotate_list": _rotated,
    "trapping_rain_water": _water,
    "container_with_most_water": _container,
    "merge_intervals": _union,
    "insert_interval": lambda intervals, interval: _union([*intervals, interval]),
    "three_sum": _three_sum,
    "next_permutation": _next_permutation,
    "kth_largest": lambda nums, k: sorted(nums, reverse=True)[k - 1],
    "sliding_window_maximum": lambda nums, k: [max(nums[i : i + k]) for i in range(len(nums) - k + 1)],
    "longest_increasing_subsequence": _increasing,
    "longest_common_prefix": _prefix,
    "longest_unique_substring": _unique,
    "group_anagrams": _groups,
    "minimum_window_length": _window,
    "roman_to_integer": _from_roman,
    "integer_to_roman": _to_roman,
    "run_length_encode": lambda text: "".join(char + str(len(list(run))) for char, run in groupby(text)),
    "edit_distance": _distance,
    "word_break": lambda text, words: bool(re.fullmatch(f"(?:{'|'.join(map(re.escape, words))})*", text)),
}
