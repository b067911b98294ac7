"""Solutions of the basic problems: the efficient ones, which are the recorded references and the oracle of every test.

Each stands alone, since a problem's record holds the source of its one function, and is part of the problem's digest.
"""

# mypy: disable-error-code="var-annotated"
# The source of each function is recorded, so it stays as it is.

from __future__ import annotations


def two_sum(nums: list[int], target: int) -> list[int]:
    first_at = {}
    for j, number in enumerate(nums):
        if target - number in first_at:
            return [first_at[target - number], j]
        first_at[number] = j
    return []


def fizzbuzz(n: int) -> list[str]:
    lines = []
    for i in range(1, n + 1):
        line = ""
        if i % 3 == 0:
            line += "Fizz"
        if i % 5 == 0:
            line += "Buzz"
        lines.append(line or str(i))
    return lines


def reverse_string(text: str) -> str:
    return text[::-1]


def is_palindrome(text: str) -> bool:
    kept = [char for char in text.lower() if char.isalnum()]
    return kept == kept[::-1]


def max_subarray(nums: list[int]) -> int:
    if not nums:
        return 0
    best = ending_here = nums[0]
    for number in nums[1:]:
        ending_here = max(number, ending_here + number)
        best = max(best, ending_here)
    return best


def fibonacci(n: int) -> int:
    current, following = 0, 1
    for _ in range(n):
        current, following = following, current + following
    return current


def binary_search(nums: list[int], target: int) -> int:
    low, high = 0, len(nums)
    while low < high:
        middle = (low + high) // 2
        if nums[middle] < target:
            low = middle + 1
        else:
            high = middle
    return low if low < len(nums) and nums[low] == target else -1


def valid_parentheses(text: str) -> bool:
    closing = {"(": ")", "[": "]", "{": "}"}
    stack = []
    for char in text:
        if char in closing:
            stack.append(closing[char])
        elif not stack or stack.pop() != char:
            return False
    return not stack


def merge_sorted_arrays(first: list[int], second: list[int]) -> list[int]:
    merged = []
    i = j = 0
    while i < len(first) and j < len(second):
        if first[i] <= second[j]:
            merged.append(first[i])
            i += 1
        else:
            merged.append(second[j])
            j += 1
    return merged + first[i:] + second[j:]


def remove_duplicates(nums: list[int]) -> list[int]:
    seen = set()
    kept = []
    for number in nums:
        if number not in seen:
            seen.add(number)
            kept.append(number)
    return kept
