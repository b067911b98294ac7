"""Solutions of the problems on sequences, the fast way: the reference on record, and the oracle of every test.

Each stands alone: a problem's record holds the text of its one function.
"""

from __future__ import annotations


def product_except_self(nums: list[int]) -> list[int]:
    products = []
    before = 1
    for number in nums:
        products.append(before)
        before *= number
    after = 1
    for i in reversed(range(len(nums))):
        products[i] *= after
        after *= nums[i]
    return products


def rotate_list(nums: list[int], k: int) -> list[int]:
    if not nums:
        return []
    cut = -k % len(nums)
    return nums[cut:] + nums[:cut]


def trapping_rain_water(heights: list[int]) -> int:
    left, right = 0, len(heights) - 1
    highest_left = highest_right = water = 0
    while left < right:
        if heights[left] < heights[right]:
            highest_left = max(highest_left, heights[left])
            water += highest_left - heights[left]
            left += 1
        else:
            highest_right = max(highest_right, heights[right])
            water += highest_right - heights[right]
            right -= 1
    return water


def container_with_most_water(heights: list[int]) -> int:
    left, right = 0, len(heights) - 1
    largest = 0
    while left < right:
        largest = max(largest, (right - left) * min(heights[left], heights[right]))
        if heights[left] < heights[right]:
            left += 1
        else:
            right -= 1
    return largest


def merge_intervals(intervals: list[list[int]]) -> list[list[int]]:
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged


def insert_interval(intervals: list[list[int]], interval: list[int]) -> list[list[int]]:
    start, end = interval
    before = [other for other in intervals if other[1] < start]
    after = [other for other in intervals if other[0] > end]
    joined = intervals[len(before) : len(intervals) - len(after)]
    if joined:
        start = min(start, joined[0][0])
        end = max(end, joined[-1][1])
    return [*before, [start, end], *after]


def three_sum(nums: list[int]) -> list[list[int]]:
    nums = sorted(nums)
    triplets = []
    for i, first in enumerate(nums):
        if i > 0 and first == nums[i - 1]:
            continue
        low, high = i + 1, len(nums) - 1
        while low < high:
            total = first + nums[low] + nums[high]
            if total > 0:
                high -= 1
                continue
            if total == 0 and triplets[-1:] != [[first, nums[low], nums[high]]]:
                triplets.append([first, nums[low], nums[high]])
            low += 1
    return triplets


def next_permutation(nums: list[int]) -> list[int]:
    i = len(nums) - 2
    while i >= 0 and nums[i] >= nums[i + 1]:
        i -= 1
    if i < 0:
        return nums[::-1]
    j = len(nums) - 1
    while nums[j] <= nums[i]:
        j -= 1
    swapped = list(nums)
    swapped[i], swapped[j] = nums[j], nums[i]
    return swapped[: i + 1] + swapped[:i:-1]


def kth_largest(nums: list[int], k: int) -> int:
    from heapq import heappop, heappush

    largest = []
    for number in nums:
        heappush(largest, number)
        if len(largest) > k:
            heappop(largest)
    return largest[0]


def sliding_window_maximum(nums: list[int], k: int) -> list[int]:
    from collections import deque

    places = deque()
    largest = []
    for i, number in enumerate(nums):
        while places and nums[places[-1]] <= number:
            places.pop()
        places.append(i)
        if places[0] == i - k:
            places.popleft()
        if i >= k - 1:
            largest.append(nums[places[0]])
    return largest


def longest_increasing_subsequence(nums: list[int]) -> int:
    from bisect import bisect_left

    ends = []
    for number in nums:
        place = bisect_left(ends, number)
        ends[place : place + 1] = [number]
    return len(ends)


def longest_common_prefix(words: list[str]) -> str:
    prefix = words[0] if words else ""
    for word in words:
        while not word.startswith(prefix):
            prefix = prefix[:-1]
    return prefix


def longest_unique_substring(text: str) -> int:
    last_at = {}
    start = longest = 0
    for i, char in enumerate(text):
        start = max(start, last_at.get(char, -1) + 1)
        last_at[char] = i
        longest = max(longest, i - start + 1)
    return longest


def group_anagrams(words: list[str]) -> list[list[str]]:
    groups = {}
    for word in words:
        groups.setdefault("".join(sorted(word)), []).append(word)
    return list(groups.values())


def minimum_window_length(text: str, wanted: str) -> int:
    from collections import Counter

    if not wanted:
        return 0
    due = Counter(wanted)
    missing = len(wanted)
    shortest = start = 0
    for i, char in enumerate(text):
        missing -= due[char] > 0
        due[char] -= 1
        while missing == 0:
            length = i - start + 1
            shortest = min(shortest or length, length)
            due[text[start]] += 1
            missing += due[text[start]] > 0
            start += 1
    return shortest


def roman_to_integer(text: str) -> int:
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
    total = largest = 0
    for letter in reversed(text):
        value = values[letter]
        if value < largest:
            total -= value
        else:
            total += value
            largest = value
    return total


def integer_to_roman(n: int) -> str:
    values = {"M": 1000, "CM": 900, "D": 500, "CD": 400, "C": 100, "XC": 90, "L": 50, "XL": 40}
    values |= {"X": 10, "IX": 9, "V": 5, "IV": 4, "I": 1}
    text = ""
    for numeral, value in values.items():
        count, n = divmod(n, value)
        text += numeral * count
    return text


def run_length_encode(text: str) -> str:
    encoded = ""
    start = 0
    for i in range(1, len(text) + 1):
        if i == len(text) or text[i] != text[start]:
            encoded += text[start] + str(i - start)
            start = i
    return encoded


def edit_distance(first: str, second: str) -> int:
    row = list(range(len(second) + 1))
    for i, char in enumerate(first, 1):
        above, row = row, [i]
        for j, other in enumerate(second, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (char != other)))
    return row[-1]


def word_break(text: str, words: list[str]) -> bool:
    can_end = [True]
    for end in range(1, len(text) + 1):
        last_words = [word for word in words if text[:end].endswith(word)]
        can_end.append(any(can_end[end - len(word)] for word in last_words))
    return can_end[-1]
