"""Solutions of the problems on lists: the efficient ones, which are the recorded references and the oracle of every
test.

Each stands alone, since a problem's record holds the source of its one function, and is part of the problem's digest.
"""

# mypy: disable-error-code="var-annotated"
# The source of each function is recorded, so it stays as it is.

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
