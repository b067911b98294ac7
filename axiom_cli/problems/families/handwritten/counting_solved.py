"""Solutions of the problems on numbers and counting: the efficient ones, which are the recorded references and the
oracle of every test.

Each stands alone, since a problem's record holds the source of its one function, and is part of the problem's digest.
"""

# mypy: disable-error-code="var-annotated"
# The source of each function is recorded, so it stays as it is.

from __future__ import annotations


def greatest_common_divisor(a: int, b: int) -> int:
    while b:
        a, b = b, a % b
    return abs(a)


def is_prime(n: int) -> bool:
    if n < 2:
        return False
    divisor = 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 1
    return True


def prime_factors(n: int) -> list[int]:
    factors = []
    divisor = 2
    while divisor * divisor <= n:
        while n % divisor == 0:
            factors.append(divisor)
            n //= divisor
        divisor += 1
    if n > 1:
        factors.append(n)
    return factors


def count_primes_below(n: int) -> int:
    struck_out = [False] * n
    count = 0
    for number in range(2, n):
        if not struck_out[number]:
            count += 1
            for multiple in range(number * number, n, number):
                struck_out[multiple] = True
    return count


def power_mod(base: int, exponent: int, modulus: int) -> int:
    result = 1 % modulus
    base %= modulus
    while exponent > 0:
        if exponent % 2 == 1:
            result = result * base % modulus
        base = base * base % modulus
        exponent //= 2
    return result


def integer_square_root(n: int) -> int:
    low, high = 0, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        if middle * middle <= n:
            low = middle
        else:
            high = middle
    return low


def base_digits(n: int, base: int) -> list[int]:
    if n == 0:
        return [0]
    digits = []
    while n > 0:
        digits.append(n % base)
        n //= base
    return digits[::-1]


def climbing_stairs(n: int) -> int:
    ways, ways_next = 1, 1
    for _ in range(n):
        ways, ways_next = ways_next, ways + ways_next
    return ways


def pascal_row(n: int) -> list[int]:
    row = [1]
    for _ in range(n):
        row = [1] + [row[i] + row[i + 1] for i in range(len(row) - 1)] + [1]
    return row


def coin_change(coins: list[int], amount: int) -> int:
    out_of_reach = amount + 1
    fewest = [0] + [out_of_reach] * amount
    for total in range(1, amount + 1):
        for coin in coins:
            if coin <= total:
                fewest[total] = min(fewest[total], fewest[total - coin] + 1)
    return fewest[amount] if fewest[amount] < out_of_reach else -1


def knapsack_value(weights: list[int], values: list[int], capacity: int) -> int:
    best = [0] * (capacity + 1)
    for i, weight in enumerate(weights):
        for room in range(capacity, weight - 1, -1):
            best[room] = max(best[room], best[room - weight] + values[i])
    return best[capacity]


def longest_common_subsequence(first: str, second: str) -> int:
    lengths = [0] * (len(second) + 1)
    for char in first:
        above = lengths
        lengths = [0]
        for j, other in enumerate(second):
            lengths.append(above[j] + 1 if char == other else max(above[j + 1], lengths[j]))
    return lengths[-1]
