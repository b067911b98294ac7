"""Programs of a small stack machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

LARGEST = 99
DEEPEST = 5
MEANINGS = {
    "PUSH": "PUSH n: -> n",
    "ADD": "ADD: a b -> a+b",
    "SUB": "SUB: a b -> a-b",
    "MUL": "MUL: a b -> a*b",
    "DUP": "DUP: a -> a a",
    "SWAP": "SWAP: a b -> b a",
    "OVER": "OVER: a b -> a b a",
    "DROP": "DROP: a ->",
    "JPOS": "JPOS k: a ->, and if a > 0 go on at line k",
}
GROWING = ("PUSH", "PUSH", "DUP", "OVER")
OTHERS = ("ADD", "SUB", "MUL", "SWAP", "SWAP", "DROP", "ADD", "SUB")

# An instruction: its name, and its number or None.
Instruction = tuple[str, "int | None"]


@dataclass(frozen=True)
class Code:
    """A program, with lines numbered from 1. It never takes more from the stack than is there."""

    lines: tuple[Instruction, ...]


def words(instruction: Instruction) -> str:
    """The instruction as it is written."""
    name, number = instruction
    return name if number is None else f"{name} {number}"


def apply(instruction: Instruction, stack: list[int]) -> None:
    """Applies the instruction to the stack. A jump only removes the top."""
    name, number = instruction
    if name == "PUSH":
        stack.append(number or 0)
    elif name == "DUP":
        stack.append(stack[-1])
    elif name == "OVER":
        stack.append(stack[-2])
    elif name == "SWAP":
        stack[-2:] = stack[-1], stack[-2]
    elif name in ("DROP", "JPOS"):
        stack.pop()
    else:
        b, a = stack.pop(), stack.pop()
        stack.append(a + b if name == "ADD" else a - b if name == "SUB" else a * b)


def run(task: Code) -> Iterator[tuple[int, list[int]]]:
    """The executed lines in order, each with the stack after it (always the same list, which changes)."""
    stack: list[int] = []
    line = 1
    while line <= len(task.lines):
        name, number = task.lines[line - 1]
        jumps = name == "JPOS" and stack[-1] > 0
        apply((name, number), stack)
        yield line, stack
        line = number if jumps and number else line + 1


def _push(random: Random) -> Instruction:
    number = 1 + int(random.random() * 9)
    return "PUSH", number if random.random() < 0.7 else -number


def _instruction(random: Random, stack: list[int]) -> Instruction:
    """An instruction that the stack allows and that leaves at least one number, none of them large."""
    if len(stack) < 2:
        return _push(random)
    grows = len(stack) < DEEPEST and random.random() < 0.45
    names = GROWING if grows else OTHERS
    name = names[int(random.random() * len(names))]
    if name == "PUSH" or (name == "MUL" and abs(stack[-1] * stack[-2]) > LARGEST):
        return _push(random) if len(stack) < DEEPEST else ("DROP", None)
    return name, None


class StackMachine(Family):
    """PUSH, arithmetic, stack shuffling and conditional jumps."""

    name: ClassVar[str] = "stack_machine"
    about: ClassVar[str] = "what a program of PUSH, ADD, SUB, MUL, DUP, SWAP, OVER, DROP and JPOS leaves on the stack"
    levels: ClassVar[str] = "level n: n + 4 lines; from level 3 on with jumps forward"

    def draw(self, random: Random, level: int) -> Code:
        count = level + 4
        lines: list[Instruction] = []
        stack: list[int] = []
        while len(lines) < count:
            jumps = level > 2 and 2 < len(lines) + 1 < count - 1 and len(stack) > 1 and random.random() < 0.2
            if not jumps:
                lines.append(_instruction(random, stack))
                apply(lines[-1], stack)
                continue
            target = min(count, len(lines) + 3 + int(random.random() * 2))
            lines.append(("JPOS", target))
            # The lines jumped over never run, so that they need not suit the stack.
            if stack.pop() > 0:
                while len(lines) < target - 1:
                    lines.append(_instruction(random, [*stack, 1, 1][-3:]))
        return Code(tuple(lines))

    def statement(self, task: Code) -> str:
        program = "; ".join([f"{line} {words(command)}" for line, command in enumerate(task.lines, 1)])
        used = {name for name, _ in task.lines}
        meanings = "; ".join([meaning for name, meaning in MEANINGS.items() if name in used])
        return (
            f"These lines are run in order on an empty stack: {program}. What they do to its end (the top is last): "
            f"{meanings}. Write the final stack from bottom to top, separated by spaces."
        )

    def answer(self, task: Code) -> str:
        stack: list[int] = []
        for _, left in run(task):
            stack = left
        return " ".join(map(str, stack))

    def trace(self, task: Code) -> list[str]:
        return [f"{line} {words(task.lines[line - 1])}: {' '.join(map(str, stack))}" for line, stack in run(task)]
