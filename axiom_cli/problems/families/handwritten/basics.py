"""Ten well-known problems."""

from __future__ import annotations

from random import Random
from typing import Any

from axiom_cli.problems.families.handwritten.entry import Handwritten, ascending, numbers


def pairs(nums: list[int], target: int) -> int:
    """How many pairs of places in `nums` hold numbers that add up to `target`."""
    return sum(a + b == target for i, b in enumerate(nums) for a in nums[:i])


def _two_sum(random: Random) -> list[Any]:
    """At most one pair adds up; in one call of six none does."""
    wanted = int(random.random() < 5 / 6)
    while True:
        nums = numbers(random, least=2, most=9)
        a, b = random.sample(range(len(nums)), 2)
        target = nums[a] + nums[b] if wanted else random.randint(-40, 40)
        if pairs(nums, target) == wanted:
            return [nums, target]


def _word(random: Random) -> str:
    return "".join(random.choice("abcXYZ019 ,.-") for _ in range(random.randint(2, 14)))


def _palindrome(random: Random) -> list[str]:
    """A palindrome with another case and signs in between, spoilt in half of the calls."""
    half = [random.choice("abcdef012") for _ in range(random.randint(1, 6))]
    chars = half + half[::-1][random.randint(0, 1) :]
    if random.random() < 0.5:
        chars[random.randrange(len(chars))] = random.choice("xyz9")
    return ["".join(random.choice((c, c.upper())) + random.choice(("", "", " ", ", ", "!")) for c in chars)]


def _search(random: Random) -> list[Any]:
    nums = ascending(random)
    return [nums, random.choice(nums) if random.random() < 0.6 else random.randint(-45, 45)]


def _brackets(random: Random) -> list[str]:
    """A balanced string, one of its brackets replaced in half of the calls."""
    text = ""
    for _ in range(random.randint(1, 6)):
        pair = random.choice(("()", "[]", "{}"))
        text = random.choice((pair[0] + text + pair[1], text + pair, pair + text))
    if random.random() < 0.5:
        at = random.randrange(len(text))
        text = text[:at] + random.choice("()[]{}") + text[at + 1 :]
    return [text]


def _two_sorted(random: Random) -> list[Any]:
    return [sorted(numbers(random, least=0)), sorted(numbers(random, least=0))]


PROBLEMS: dict[str, Handwritten] = {
    "two_sum": Handwritten(
        3,
        "Two sum",
        "returns the list [i, j] with i < j and nums[i] + nums[j] == target. No call has more than one such pair of "
        "places; where there is none, it returns the empty list.",
        _two_sum,
        (
            [[], 0],
            [[5], 10],
            [[3, 3], 6],
            [[0, 4, 3, 0], 0],
            [[-3, 4, 3, 90], 0],
            [[1, 2, 3], 100],
            [[2, 7, 11, 15], 9],
            [[5, 1, 9], 10],
        ),
        ("remember where each number was met", "look whether what is missing to the target was met before"),
    ),
    "fizzbuzz": Handwritten(
        1,
        "FizzBuzz",
        'returns a list of n strings, one for each number from 1 to n: "FizzBuzz" if the number is divisible by 3 and '
        'by 5, else "Fizz" if it is divisible by 3, else "Buzz" if it is divisible by 5, else the number in decimal. '
        "For n below 1 the list is empty.",
        lambda random: [random.randint(2, 30)],
        ([0], [-1], [1], [3], [5], [15], [16], [100]),
        ("for each number add Fizz and Buzz as they apply", "where neither does, write the number"),
    ),
    "reverse_string": Handwritten(
        1,
        "Reverse a string",
        "returns the characters of text in reverse order.",
        lambda random: [_word(random)],
        ([""], ["a"], ["ab"], ["racecar"], [" leading"], ["tab\there\n"], ['it\'s "quoted"']),
        ("a slice with step -1 reverses",),
    ),
    "is_palindrome": Handwritten(
        2,
        "Palindrome",
        "returns True if text reads the same forwards and backwards, else False. Only the letters a-z and A-Z and the "
        "digits 0-9 count, and the case of a letter does not matter; text is ASCII. A text without letters and digits "
        "is a palindrome.",
        _palindrome,
        ([""], [" ,."], ["a"], ["ab"], ["Aa"], ["0P"], ["A man, a plan, a canal: Panama"], ["race a car"], ["1a2"]),
        ("keep letters and digits in lower case", "compare them with their reverse"),
    ),
    "max_subarray": Handwritten(
        4,
        "Maximum subarray",
        "returns the largest sum of a contiguous part of nums that holds at least one number. For an empty list it "
        "returns 0.",
        lambda random: [numbers(random, -9, 9, 2)],
        ([[]], [[5]], [[-5]], [[-3, -1, -2]], [[0, 0]], [[1, 2, 3]], [[4, -1, 2, 1]], [[-2, 1, -3, 4, -1, 2, 1, -5]]),
        ("the best part that ends here is this number, alone or with the best part before", "keep the best of all"),
    ),
    "fibonacci": Handwritten(
        1,
        "Fibonacci numbers",
        "returns the n-th Fibonacci number: the 0th is 0, the 1st is 1, and each one after them is the sum of the two "
        "before. n is from 0 to 70.",
        lambda random: [random.randint(5, 69)],
        ([0], [1], [2], [3], [4], [70]),
        ("begin with 0 and 1", "go on n times: the second, and the sum of both"),
    ),
    "binary_search": Handwritten(
        3,
        "Binary search",
        "returns the place (counted from 0) of target in nums, or -1 if it is not there. nums is in ascending order "
        "and no number occurs twice in it.",
        _search,
        ([[], 1], [[4], 4], [[4], 5], [[4], 3], [[1, 3], 1], [[1, 3], 3], [[1, 3, 5], 4], [[1, 3, 5, 7], 9]),
        ("halve the range that may hold the target until one place is left", "look whether the target is there"),
    ),
    "valid_parentheses": Handwritten(
        3,
        "Valid parentheses",
        "returns True if the brackets in text are balanced, else False: each of ( [ { is closed by its own kind ) ] }, "
        "the last opened first, and none is left over. text holds only these six characters; the empty text is "
        "balanced.",
        _brackets,
        ([""], ["("], [")"], ["()"], ["(]"], ["([)]"], ["{[]}"], ["(("], ["())("], ["()[]{}"]),
        ("keep the closing brackets that are due on a stack", "at the end none may be left"),
    ),
    "merge_sorted_arrays": Handwritten(
        2,
        "Merge sorted arrays",
        "returns one list in ascending order with all numbers of first and of second, as often as they occur in both "
        "together. first and second are in ascending order.",
        _two_sorted,
        (
            [[], []],
            [[1], []],
            [[], [1]],
            [[1, 1], [1]],
            [[1, 2], [3, 4]],
            [[3, 4], [1, 2]],
            [[-5, 0, 5], [-5, 0, 5]],
            [[2], [1, 3]],
        ),
        ("take the smaller of the two first numbers each time", "when one list ends, the rest of the other follows"),
    ),
    "remove_duplicates": Handwritten(
        2,
        "Remove duplicates",
        "returns a list with each number of nums once, in the order in which they first occur.",
        lambda random: [numbers(random, -4, 6, 3, 14)],
        ([[]], [[1]], [[1, 1]], [[2, 1, 2]], [[3, 2, 1]], [[0, 0, 0, 0]], [[1, 2, 3, 1, 2, 3]], [[-1, 1, -1]]),
        ("remember what was met", "keep a number when it is met for the first time"),
    ),
}
