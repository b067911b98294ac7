"""Solutions of the problems on grids, graphs and stacks: the efficient ones, which are the recorded references and the
oracle of every test.

Each stands alone, since a problem's record holds the source of its one function, and is part of the problem's digest.
"""

# mypy: disable-error-code="var-annotated"
# The source of each function is recorded, so it stays as it is.

from __future__ import annotations


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
