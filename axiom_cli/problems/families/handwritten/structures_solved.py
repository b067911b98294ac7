"""Solutions of the problems on structures: the reference on record, and the oracle of every test.

Each stands alone: a problem's record holds the text of its one function.
"""

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


def rotate_grid(grid: list[list[int]]) -> list[list[int]]:
    if not grid:
        return []
    upwards = range(len(grid) - 1, -1, -1)
    return [[grid[row][column] for row in upwards] for column in range(len(grid[0]))]


def set_zero_rows_columns(grid: list[list[int]]) -> list[list[int]]:
    rows, columns = set(), set()
    for i, row in enumerate(grid):
        for j, number in enumerate(row):
            if number == 0:
                rows.add(i)
                columns.add(j)
    return [[0 if i in rows or j in columns else number for j, number in enumerate(row)] for i, row in enumerate(grid)]


def spiral_order(grid: list[list[int]]) -> list[int]:
    if not grid:
        return []
    order = []
    top, bottom, left, right = 0, len(grid) - 1, 0, len(grid[0]) - 1
    while top <= bottom and left <= right:
        order += [grid[top][column] for column in range(left, right + 1)]
        order += [grid[row][right] for row in range(top + 1, bottom + 1)]
        if top < bottom and left < right:
            order += [grid[bottom][column] for column in range(right - 1, left - 1, -1)]
            order += [grid[row][left] for row in range(bottom - 1, top, -1)]
        top, bottom, left, right = top + 1, bottom - 1, left + 1, right - 1
    return order


def count_islands(grid: list[list[int]]) -> int:
    land = {(i, j) for i, row in enumerate(grid) for j, cell in enumerate(row) if cell == 1}
    islands = 0
    while land:
        islands += 1
        stack = [land.pop()]
        while stack:
            i, j = stack.pop()
            for neighbour in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
                if neighbour in land:
                    land.remove(neighbour)
                    stack.append(neighbour)
    return islands


def evaluate_postfix(tokens: list[str]) -> int:
    stack = []
    for token in tokens:
        if token not in ("+", "-", "*", "/"):
            stack.append(int(token))
            continue
        right = stack.pop()
        left = stack.pop()
        if token == "+":
            stack.append(left + right)
        elif token == "-":
            stack.append(left - right)
        elif token == "*":
            stack.append(left * right)
        else:
            quotient = abs(left) // abs(right)
            stack.append(quotient if (left < 0) == (right < 0) else -quotient)
    return stack[0]


def shortest_grid_path(grid: list[list[int]]) -> int:
    end = (len(grid) - 1, len(grid[0]) - 1)
    free = {(i, j) for i, row in enumerate(grid) for j, cell in enumerate(row) if cell == 0}
    reached = {(0, 0)} & free
    free -= reached
    steps = 0
    while reached:
        if end in reached:
            return steps
        neighbours = {cell for i, j in reached for cell in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1))}
        reached = neighbours & free
        free -= reached
        steps += 1
    return -1


def topological_order(n: int, edges: list[list[int]]) -> list[int]:
    import heapq

    followers = [[] for _ in range(n)]
    waits_for = [0] * n
    for before, after in edges:
        followers[before].append(after)
        waits_for[after] += 1
    ready = [node for node in range(n) if waits_for[node] == 0]
    order = []
    while ready:
        node = heapq.heappop(ready)
        order.append(node)
        for follower in followers[node]:
            waits_for[follower] -= 1
            if waits_for[follower] == 0:
                heapq.heappush(ready, follower)
    return order if len(order) == n else []


def n_queens_count(n: int, blocked: list[list[int]]) -> int:
    def ways(row: int, columns: set[int], falling: set[int], rising: set[int]) -> int:
        if row == n:
            return 1
        total = 0
        for column in range(n):
            attacked = column in columns or row - column in falling or row + column in rising
            if not attacked and [row, column] not in blocked:
                total += ways(row + 1, columns | {column}, falling | {row - column}, rising | {row + column})
        return total

    return ways(0, set(), set(), set())
