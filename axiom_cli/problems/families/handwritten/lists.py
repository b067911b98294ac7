"""Classic problems on lists of numbers."""

from __future__ import annotations

from random import Random
from typing import Any

from axiom_cli.problems.families.handwritten.entry import Handwritten, numbers

_INTERVAL = (
    "An interval is a list [start, end] with start <= end and holds all points from start to end, both included: "
    "[1, 2] and [2, 3] are joined into [1, 3], but [1, 2] and [3, 4] stay apart."
)


def _intervals(random: Random) -> list[Any]:
    starts = numbers(random, -15, 15, 2, 7)
    return [[[start, start + random.randint(0, 6)] for start in starts]]


def _apart(random: Random) -> list[Any]:
    """Intervals in ascending order that have no point in common, and one more."""
    intervals = []
    end = -10
    for _ in range(random.randint(1, 6)):
        start = end + random.randint(1, 4)
        end = start + random.randint(0, 4)
        intervals.append([start, end])
    start = random.randint(-12, end + 2)
    return [intervals, [start, start + random.randint(0, 8)]]


def _with_k(random: Random, most: int) -> list[Any]:
    """Numbers and a k from 1 to their count, but not above `most`."""
    nums = numbers(random, -9, 9, 2, 10)
    return [nums, random.randint(1, min(most, len(nums)))]


PROBLEMS: dict[str, Handwritten] = {
    "product_except_self": Handwritten(
        3,
        "Product except self",
        "returns a list as long as nums with, at each place, the product of the numbers at all other places of nums. "
        "The product of no numbers is 1. For an empty list it returns the empty list.",
        lambda random: [numbers(random, -5, 5, 2, 7)],
        ([[]], [[5]], [[0]], [[2, 3]], [[0, 0]], [[4, 0, 2]], [[0, 3, 0]], [[-1, -1, -1]], [[1, 2, 3, 4]]),
        ("go from the left and keep the product of what came before", "go from the right and multiply in what follows"),
    ),
    "rotate_list": Handwritten(
        2,
        "Rotate a list",
        "returns a list with the numbers of nums rotated by k places to the right: in one rotation by one place the "
        "last number moves to the front and all others move one place to the right. A negative k rotates to the left "
        "by -k places, and k may be larger than the list is long. For an empty list it returns the empty list.",
        lambda random: [numbers(random, least=2), random.randint(-15, 25)],
        (
            [[], 3],
            [[1], 1],
            [[1, 2, 3], 0],
            [[1, 2, 3], 1],
            [[1, 2, 3], 3],
            [[1, 2, 3], 5],
            [[1, 2, 3], -1],
            [[1, 2, 3], -4],
            [[1, 2, 3, 4], -4],
            [[7, 7, 8], 1],
            [[1, 2, 3], 1000000],
        ),
        ("take k modulo the length", "cut the list there and put the second part first"),
    ),
    "trapping_rain_water": Handwritten(
        6,
        "Trapping rain water",
        "returns how many units of water stay between bars after rain. heights holds the heights of bars of width 1 "
        "that stand side by side, none below 0. Above a bar stand as many units as its own height is below the lower "
        "of two heights: that of the highest bar among it and all to its left, and that of the highest bar among it "
        "and all to its right. For an empty list it returns 0.",
        lambda random: [numbers(random, 0, 9, 3)],
        (
            [[]],
            [[3]],
            [[2, 0]],
            [[2, 0, 2]],
            [[0, 3, 0]],
            [[3, 2, 1]],
            [[1, 2, 3]],
            [[5, 2, 1, 2, 1, 5]],
            [[4, 2, 0, 3, 2, 5]],
            [[5, 0, 3, 0, 4, 0, 1]],
            [[0, 1, 0, 2, 1, 0, 1, 3, 2, 1, 2, 1]],
        ),
        ("walk inwards from both ends, from the lower side", "water stands up to the highest bar met on that side"),
    ),
    "container_with_most_water": Handwritten(
        5,
        "Container with most water",
        "returns the largest value of (j - i) * min(heights[i], heights[j]) over all places i < j of heights. No "
        "height is below 0. With fewer than two heights it returns 0.",
        lambda random: [numbers(random, 0, 15, 2)],
        (
            [[]],
            [[7]],
            [[1, 1]],
            [[0, 5]],
            [[5, 5, 5]],
            [[1, 2, 1]],
            [[1, 2, 4, 3]],
            [[4, 3, 2, 1, 4]],
            [[1, 100, 100, 1]],
            [[2, 3, 4, 5, 18, 17, 6]],
            [[1, 8, 6, 2, 5, 4, 8, 3, 7]],
        ),
        ("begin with both ends and keep the largest area", "move the end with the lower height inwards"),
    ),
    "merge_intervals": Handwritten(
        4,
        "Merge intervals",
        "returns the list of intervals that is left when those with a point in common are joined into one until no two "
        f"have any, in ascending order. {_INTERVAL} intervals is in any order and may be empty; then the result is the "
        "empty list.",
        _intervals,
        (
            [[]],
            [[[1, 3]]],
            [[[1, 4], [4, 5]]],
            [[[1, 2], [3, 4]]],
            [[[3, 4], [1, 2]]],
            [[[1, 10], [2, 3], [4, 5]]],
            [[[2, 3], [4, 5], [6, 7], [1, 9]]],
            [[[5, 5], [5, 5], [0, 0]]],
            [[[4, 6], [-3, -1], [5, 9]]],
            [[[1, 4], [0, 1]]],
        ),
        ("sort the intervals", "lengthen the last one where the next begins within it, else begin a new one"),
    ),
    "insert_interval": Handwritten(
        5,
        "Insert an interval",
        "returns the list of intervals that is left when interval is added to intervals and then those with a point in "
        f"common are joined into one until no two have any, in ascending order. {_INTERVAL} intervals is in ascending "
        "order, no two of its intervals have a point in common, and it may be empty.",
        _apart,
        (
            [[], [5, 7]],
            [[[1, 5]], [2, 3]],
            [[[1, 5]], [6, 8]],
            [[[1, 5]], [5, 8]],
            [[[3, 5]], [1, 2]],
            [[[3, 5]], [1, 3]],
            [[[1, 2], [5, 6]], [3, 4]],
            [[[1, 2], [5, 6]], [0, 9]],
            [[[1, 2], [5, 6]], [2, 5]],
            [[[1, 2], [3, 5], [6, 7], [8, 10], [12, 16]], [4, 8]],
        ),
        ("keep the intervals that end before it or begin after it", "widen it by all others"),
    ),
    "three_sum": Handwritten(
        6,
        "Three sum",
        "returns the list of all triplets [a, b, c] with a <= b <= c and a + b + c == 0 whose numbers stand at three "
        "different places of nums. Each triplet is in it once, even if its numbers can be taken from several places; "
        "the triplets are in ascending order by their first number, then by their second.",
        lambda random: [numbers(random, -5, 5, 6, 11)],
        (
            [[]],
            [[-1, 1]],
            [[0, 0]],
            [[0, 0, 0]],
            [[0, 0, 0, 0]],
            [[1, 2, 3]],
            [[-4, 2, 2]],
            [[-4, 2, 9]],
            [[-2, 1, 1, 1, 1]],
            [[-2, 0, 0, 2, 2]],
            [[-4, -4, 0, 4, 1, 3]],
            [[-1, 0, 1, 2, -1, -4]],
            [[3, -3, 2, -2, 1, -1]],
        ),
        ("sort, and take each number once as the first", "find the other two by moving inwards from both ends"),
    ),
    "next_permutation": Handwritten(
        5,
        "Next permutation",
        "returns the next arrangement of nums: of all lists with the same numbers, each as often as in nums, the "
        "smallest one that is larger than nums. Lists are compared as Python compares them, by the first place where "
        "they differ. If none is larger, it returns the numbers in ascending order.",
        lambda random: [numbers(random, 0, 4, 2, 6)],
        (
            [[]],
            [[1]],
            [[1, 2]],
            [[2, 2]],
            [[1, 3, 2]],
            [[3, 2, 1]],
            [[1, 1, 5]],
            [[1, 5, 1]],
            [[5, 1, 1]],
            [[-1, -2, 0]],
            [[2, 3, 1, 3, 3]],
            [[1, 5, 4, 7, 6, 5, 3]],
        ),
        (
            "from the right, find the first number that is smaller than the one after it",
            "swap it with the last number that is larger, and reverse what follows its place",
        ),
    ),
    "kth_largest": Handwritten(
        3,
        "K-th largest number",
        "returns the k-th largest number of nums: the number at the k-th place, counted from 1, when nums is sorted in "
        "descending order. Equal numbers count as often as they occur. nums is not empty, and k is from 1 to the "
        "length of nums.",
        lambda random: _with_k(random, 10),
        (
            [[5], 1],
            [[2, 1], 1],
            [[2, 1], 2],
            [[4, 4], 2],
            [[5, 5, 4], 2],
            [[7, 7, 7, 3], 4],
            [[-1, -2, -3], 1],
            [[3, 2, 1, 5, 6, 4], 2],
            [[3, 2, 3, 1, 2, 4, 5, 5, 6], 4],
        ),
        ("keep the k largest numbers met so far in a heap", "the smallest of them is the k-th largest"),
    ),
    "sliding_window_maximum": Handwritten(
        6,
        "Sliding window maximum",
        "returns the list of the largest numbers of all contiguous parts of nums with exactly k numbers, the part "
        "furthest to the left first. k is at least 1; if it is larger than the length of nums, the list is empty.",
        lambda random: _with_k(random, 5),
        (
            [[], 1],
            [[1], 1],
            [[1], 2],
            [[1, -1], 1],
            [[1, 2, 3], 2],
            [[9, 8, 7, 6], 2],
            [[4, 4, 4], 2],
            [[2, 1, 3], 3],
            [[-5, -7, -6], 2],
            [[5, 1, 1, 1, 2], 3],
            [[1, 3, -1, -3, 5, 3, 6, 7], 3],
        ),
        ("keep the places that can still be the largest, their numbers descending", "the first of them is the largest"),
    ),
    "longest_increasing_subsequence": Handwritten(
        6,
        "Longest increasing subsequence",
        "returns the length of the longest strictly increasing list that is left when any numbers of nums, or none, "
        "are removed and the others keep their order. For an empty list it returns 0.",
        lambda random: [numbers(random, -9, 12, 4, 10)],
        (
            [[]],
            [[5]],
            [[7, 7, 7]],
            [[1, 2, 3]],
            [[3, 2, 1]],
            [[-2, -1, -2, 0]],
            [[0, 1, 0, 3, 2, 3]],
            [[1, 9, 10, 2, 3, 4]],
            [[10, 9, 2, 5, 3, 7, 101, 18]],
            [[1, 3, 6, 7, 9, 4, 10, 5, 6]],
        ),
        ("for each length keep the smallest last number of such a list", "find its place by bisection"),
    ),
}
