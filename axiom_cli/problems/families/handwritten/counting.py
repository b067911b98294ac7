"""Classic problems on numbers, and on counting by dynamic programming."""

from __future__ import annotations

from random import Random
from typing import Any

from axiom_cli.problems.families.handwritten.entry import Handwritten, numbers


def _common(random: Random) -> list[int]:
    """Two multiples of one number, one of them sometimes negative."""
    divisor = random.randint(1, 30)
    return [divisor * random.randint(1, 40) * random.choice((1, 1, 1, -1)) for _ in range(2)]


def _maybe_prime(random: Random) -> list[int]:
    """A number without small factors, or the product of two such, so that a glance does not decide."""
    if random.random() < 0.4:
        return [random.choice((7, 11, 13, 17, 19, 23, 29)) * random.choice((7, 11, 31, 37, 41, 53, 61, 97))]
    return [6 * random.randint(1, 1600) + random.choice((-1, 1))]


def _composed(random: Random) -> list[int]:
    """A product of primes up to 10000."""
    n = random.choice((2, 3, 5, 7, 11, 13, 17, 31, 61, 97))
    for _ in range(random.randint(1, 6)):
        factor = random.choice((2, 2, 3, 3, 5, 7, 11, 13, 23, 43))
        n = n * factor if n * factor <= 10_000 else n
    return [n]


def _near_square(random: Random) -> list[int]:
    root = random.randint(2, random.choice((30, 2000, 90_000_000)))
    return [root * root + random.choice((-1, 0, 1, random.randint(0, root)))]


def _coins(random: Random) -> list[Any]:
    """Distinct coins in random order; a 1 among them in a third of the calls."""
    coins = random.sample(range(2, 13), random.randint(1, 4))
    if random.random() < 1 / 3:
        coins[random.randrange(len(coins))] = 1
    return [coins, random.randint(1, 40)]


def _knapsack(random: Random) -> list[Any]:
    weights = numbers(random, 1, 12, 2, 7)
    values = [random.randint(0, 30) for _ in weights]
    return [weights, values, random.randint(1, sum(weights))]


def _two_words(random: Random) -> list[str]:
    letters = random.choice(("ab", "abc", "abcde"))
    return ["".join(random.choice(letters) for _ in range(random.randint(2, 9))) for _ in range(2)]


PROBLEMS: dict[str, Handwritten] = {
    "greatest_common_divisor": Handwritten(
        2,
        "Greatest common divisor",
        "returns the greatest integer that divides both a and b without a remainder. a and b are from -2000 to 2000; "
        "the result is never negative. If one of them is 0, it is the absolute value of the other; if both are 0, it "
        "is 0.",
        _common,
        ([0, 0], [0, 5], [5, 0], [0, -7], [-7, 0], [-12, 18], [12, -18], [-4, -6], [7, 13], [17, 17], [100, 10]),
        ("replace the pair by the second and the remainder of the first by it, until the second is 0",),
    ),
    "is_prime": Handwritten(
        2,
        "Prime number",
        "returns True if n is a prime number, else False. A prime number is an integer greater than 1 that no positive "
        "integers but 1 and itself divide; so 1, 0 and negative numbers are not prime. n is at most 10000.",
        _maybe_prime,
        ([-7], [-1], [0], [1], [2], [3], [4], [5], [9], [15], [25], [49], [91], [121], [9409], [9973], [10000]),
        ("nothing below 2 is prime", "look for a divisor whose square is at most n"),
    ),
    "prime_factors": Handwritten(
        3,
        "Prime factors",
        "returns the prime numbers whose product is n, in ascending order, each as often as it divides n. n is from 1 "
        "to 10000; for 1 the list is empty.",
        _composed,
        ([1], [2], [3], [4], [6], [8], [12], [49], [97], [98], [1024], [5005], [9409], [9973], [9991]),
        ("divide by the smallest divisor as long as it goes", "what is left above 1 is the last prime"),
    ),
    "count_primes_below": Handwritten(
        3,
        "Count primes",
        "returns how many prime numbers are less than n (n itself is not counted). n is at most 1000 and may be "
        "negative.",
        lambda random: [random.randint(13, 1000)],
        ([-5], [0], [1], [2], [3], [4], [5], [6], [9], [10], [11], [12], [25], [26], [49], [50], [997], [998], [1000]),
        ("go through the numbers and strike out the multiples of each prime", "count those never struck out"),
    ),
    "power_mod": Handwritten(
        3,
        "Modular power",
        "returns the remainder of base to the power of exponent when divided by modulus: the one number from 0 to "
        "modulus - 1 that differs from the power by a multiple of modulus, also where base is negative. base is from "
        "-1000 to 1000, exponent from 0 to 1000, and modulus from 1 to 1000. Any base to the power of 0 is 1, also 0.",
        lambda random: [random.randint(-30, 99), random.randint(2, 300), random.randint(2, 1000)],
        (
            [0, 0, 5],
            [0, 0, 1],
            [5, 0, 1],
            [2, 0, 3],
            [0, 5, 3],
            [7, 1, 7],
            [9, 1, 4],
            [-3, 3, 7],
            [-2, 4, 5],
            [-1, 999, 1000],
            [2, 10, 1000],
            [3, 1000, 997],
        ),
        ("square the base for each binary digit of the exponent", "multiply the result by it where the digit is 1"),
    ),
    "integer_square_root": Handwritten(
        3,
        "Integer square root",
        "returns the largest integer whose square is at most n, exactly. n is from 0 to 9000000000000000 (9 * 10**15).",
        _near_square,
        ([0], [1], [2], [3], [4], [8], [9], [15], [99], [100], [94868329**2 - 1], [94868329**2], [9 * 10**15]),
        ("halve a range whose lower end has a square of at most n, and whose upper end has not", "integers only"),
    ),
    "base_digits": Handwritten(
        2,
        "Digits in a base",
        "returns the digits of n written in the given base, as a list of integers from 0 to base - 1, the most "
        "significant digit first and without leading zeros. n is at least 0 and base from 2 to 100; for n = 0 the list "
        "is [0].",
        lambda random: [random.randint(2, random.choice((50, 5000))), random.choice((2, 2, 3, 5, 7, 8, 10, 16, 60))],
        (
            [0, 2],
            [0, 10],
            [1, 2],
            [2, 2],
            [8, 2],
            [7, 8],
            [10, 10],
            [1005, 10],
            [255, 16],
            [256, 16],
            [99, 100],
            [10203, 100],
        ),
        ("the remainder by the base is the last digit, the quotient holds the others", "turn them round at the end"),
    ),
    "climbing_stairs": Handwritten(
        2,
        "Climbing stairs",
        "returns in how many ways a stair of n steps can be climbed if each move takes 1 step or 2 steps. The order of "
        "the moves counts: 1 then 2 and 2 then 1 are two ways. n is from 0 to 70; for n = 0 there is 1 way, which is "
        "to make no move.",
        lambda random: [random.randint(6, 69)],
        ([0], [1], [2], [3], [4], [5], [10], [45], [70]),
        ("the last move comes from one step below or from two", "add the ways to get to both"),
    ),
    "pascal_row": Handwritten(
        2,
        "Row of Pascal's triangle",
        "returns row n of Pascal's triangle, counted from 0. Row 0 is [1]; each row after it begins and ends with 1, "
        "and each number between them is the sum of the two neighbouring numbers above it, so that row 2 is [1, 2, 1]. "
        "n is from 0 to 50.",
        lambda random: [random.randint(4, 21)],
        ([0], [1], [2], [3], [5], [10], [25], [50]),
        ("begin with row 0", "make each row of a 1, the sums of neighbours, and a 1"),
    ),
    "coin_change": Handwritten(
        5,
        "Coin change",
        "returns the least number of coins that add up to exactly amount, or -1 if no coins do. coins holds the values "
        "of the coins: distinct positive integers in any order, and it may be empty. Each value may be used any number "
        "of times. amount is from 0 to 100; for amount 0 the result is 0, whatever the coins.",
        _coins,
        (
            [[], 0],
            [[], 3],
            [[5], 0],
            [[2], 3],
            [[7], 7],
            [[2], 4],
            [[5, 10], 3],
            [[1, 3, 4], 6],
            [[9, 6, 1], 12],
            [[4, 3], 6],
            [[5, 1], 4],
            [[10, 3], 14],
            [[1, 2, 5], 11],
            [[6, 10, 15], 29],
            [[1, 7, 10], 100],
        ),
        (
            "find the least number for each sum from 0 to amount",
            "the last coin is one of them: 1 more than what the rest takes",
        ),
    ),
    "knapsack_value": Handwritten(
        6,
        "0/1 knapsack",
        "returns the largest total value of items whose weights add up to at most capacity. Item i has the weight "
        "weights[i], an integer of at least 1, and the value values[i], an integer of at least 0; both lists have the "
        "same length. Each item is taken whole, once or not at all. capacity is at least 0. Where nothing is taken, as "
        "with no items or where none fits, the total is 0.",
        _knapsack,
        (
            [[], [], 10],
            [[1], [5], 0],
            [[5], [10], 4],
            [[5], [10], 5],
            [[2], [3], 10],
            [[1], [0], 3],
            [[3, 3, 3], [4, 4, 4], 6],
            [[4, 5, 1], [1, 2, 3], 4],
            [[6, 5, 5], [10, 7, 7], 10],
            [[1, 10], [3, 20], 10],
            [[10, 20, 30], [60, 100, 120], 50],
            [[2, 3, 4], [3, 4, 5], 9],
        ),
        (
            "keep the best value for each capacity, with the items so far",
            "go down from the full capacity, so that no item is taken twice",
        ),
    ),
    "longest_common_subsequence": Handwritten(
        6,
        "Longest common subsequence",
        "returns the length of the longest common subsequence of first and second: the greatest length of a string "
        "that can be made from first, and from second too, by striking out any number of characters (maybe none) and "
        "keeping the others in their order. Those kept need not stand side by side. Upper and lower case are different "
        "characters. If first and second have no character in common, or one is empty, it is 0.",
        _two_words,
        (
            ["", ""],
            ["abc", ""],
            ["", "abc"],
            ["abc", "abc"],
            ["abc", "xyz"],
            ["abc", "cba"],
            ["abcde", "ace"],
            ["axbycz", "abc"],
            ["aaaa", "aa"],
            ["abab", "baba"],
            ["AbC", "abc"],
            ["bcab", "abcb"],
            ["AGGTAB", "GXTXAYB"],
            ["abcdefgh", "abcdefgh"],
            ["abcdefg", "bacdfeg"],
            ["aabbaabb", "abababab"],
        ),
        (
            "for the beginnings of both, keep the length row by row",
            "equal characters add 1 to both without them; else take the better of leaving one out",
        ),
    ),
}
