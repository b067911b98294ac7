"""Topological orders of small graphs."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Tasks:
    """Names, and pairs of which the first must come before the second. The pairs form no cycle."""

    names: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]


def steps(task: Tasks) -> list[list[str]]:
    """The free names before each step, the one taken first: always the earliest in the alphabet (Kahn 1962)."""
    waiting = dict.fromkeys(task.names, 0)
    after: dict[str, list[str]] = {name: [] for name in task.names}
    for first, second in task.pairs:
        waiting[second] += 1
        after[first].append(second)
    free = [name for name in task.names if not waiting[name]]
    heapify(free)
    out = []
    while free:
        out.append(sorted(free))
        for name in after[heappop(free)]:
            waiting[name] -= 1
            if not waiting[name]:
                heappush(free, name)
    return out


class Topological(Family):
    """The alphabetically first order that keeps every constraint."""

    name: ClassVar[str] = "topological"
    about: ClassVar[str] = "the alphabetically first order of tasks that keeps constraints of the kind `A before B`"
    levels: ClassVar[str] = "level n: n + 3 tasks and n + 2 + n // 2 constraints"

    def draw(self, random: Random, level: int) -> Tasks:
        count = level + 3
        order = random.sample(LETTERS, count)
        pairs: list[tuple[str, str]] = []
        while len(pairs) < count - 1 + level // 2:
            first = int(random.random() * (count - 1))
            second = first + 1 + int(random.random() * min(4, count - 1 - first))
            pair = (order[first], order[second])
            if pair not in pairs:
                pairs.append(pair)
        random.shuffle(order)
        return Tasks(tuple(order), tuple(pairs))

    def statement(self, task: Tasks) -> str:
        pairs = ", ".join([f"{first} before {second}" for first, second in task.pairs])
        return (
            f"Put the tasks {' '.join(task.names)} in order so that: {pairs}. Whenever several tasks could come next, "
            "take the one that is earliest in the alphabet. Write the letters separated by spaces."
        )

    def answer(self, task: Tasks) -> str:
        return " ".join([free[0] for free in steps(task)])

    def trace(self, task: Tasks) -> list[str]:
        """What each task waits for, then the free tasks at each step and what the one taken sets free."""
        needs = {name: sorted(first for first, second in task.pairs if second == name) for name in task.names}
        lines = [f"{name} needs {' '.join(needed) or 'nothing'}" for name, needed in needs.items()]
        done = steps(task)
        for free, then in zip(done, [*done[1:], []], strict=True):
            new = [name for name in then if name not in free]
            lines.append(f"free {' '.join(free)}: take {free[0]}" + (f", frees {' '.join(new)}" if new else ""))
        return lines
