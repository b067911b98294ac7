"""Programs that simulate a small machine with two registers, a stack and an output, whose commands vary."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.composed import Written
from axiom_cli.problems.families.family import Exercise

LETTERS = "ABCDEFGHJKLMNP"


@dataclass(frozen=True)
class Command:
    """What a letter does, in words and in code. `{0}` is drawn from `numbers`."""

    words: str
    code: str
    numbers: range = range(1)


COMMANDS = (
    Command("adds {0} to x", "x += {0}", range(1, 6)),
    Command("subtracts {0} from y", "y -= {0}", range(1, 6)),
    Command("adds y to x", "x += y"),
    Command("subtracts x from y", "y -= x"),
    Command("swaps x and y", "x, y = y, x"),
    Command("puts x on the stack", "stack.append(x)"),
    Command("moves the top of the stack to y (does nothing if it is empty)", "if stack:\n    y = stack.pop()"),
    Command("adds all numbers of the stack to x and empties it", "x += sum(stack)\nstack = []"),
    Command("appends x to the output", "out.append(x)"),
    Command("appends y to the output and sets y to {0}", "out.append(y)\ny = {0}", range(0, 7)),
    Command("sets x to the remainder of x divided by {0}, which is never negative", "x %= {0}", range(3, 10)),
    Command("halves y if it is even, otherwise adds {0} to it", "y = y // 2 if y % 2 == 0 else y + {0}", range(1, 5)),
    Command("skips the next character if x is greater than {0}", "if x > {0}:\n    i += 1", range(0, 9)),
    Command("skips the next two characters if y is less than {0}", "if y < {0}:\n    i += 2", range(-2, 7)),
    Command("stops the machine if x is at least {0}", "if x >= {0}:\n    break", range(9, 18)),
    Command("sets x to the larger of x and {0}", "x = max(x, {0})", range(1, 8)),
)
RESULTS = ("[x, y]", "[y, x, the output]", "[x, the stack from the bottom to the top]", "[y, the stack from the bottom "
           "to the top, the output]")  # fmt: skip

Machine = tuple[int, int, str, tuple[tuple[str, Command, int], ...]]


class MachinePrograms(Written):
    """A machine that reads commands from a string; which commands it has, and what they do, varies."""

    name: ClassVar[str] = "machine_programs"
    about: ClassVar[str] = "simulate a machine with two registers, a stack and an output by its stated commands"
    levels: ClassVar[str] = "level n: n + 1 commands"

    def draw(self, random: Random, level: int) -> Machine:
        commands = random.sample(COMMANDS, level + 1)
        letters = random.sample(LETTERS, level + 1)
        rules = tuple(
            (letter, command, random.choice(command.numbers)) for letter, command in zip(letters, commands, strict=True)
        )
        return random.randint(0, 6), random.randint(0, 6), random.choice(RESULTS), rules

    def statement(self, task: Machine) -> str:
        x, y, result, _ = task
        return (
            f"runs a machine on a string of commands and returns the list {result}. At first x is {x}, y is {y}, "
            "the stack and the output (both lists) are empty. From left to right, "
            f"{'; '.join(self.trace(task))}; every other character does nothing (but counts as a character)."
        )

    def trace(self, task: Machine) -> list[str]:
        return [f"{letter} {command.words.format(number)}" for letter, command, number in task[3]]

    def exercise(self, task: Machine, level: int, random: Random) -> Exercise:
        letters = [letter for letter, _, _ in task[3]]
        signature = "solve(text: str) -> list"
        return Exercise(
            "solve",
            signature,
            self.statement(task),
            f"def {signature}:\n{_body(task)}",
            lambda random: [_text(random, letters, random.randint(6, 24))],
            tuple([text] for text in _edges(letters)),
            ("go through the string by index", *self.trace(task), f"return {task[2]}"),
        )


def _body(task: Machine) -> str:
    x, y, result, rules = task
    lines = [f"x, y, stack, out, i = {x}, {y}, [], [], 0", "while i < len(text):", "    c = text[i]"]
    for place, (letter, command, number) in enumerate(rules):
        lines.append(f"    {'elif' if place else 'if'} c == '{letter}':")
        lines += ["        " + line for line in command.code.format(number).split("\n")]
    named = result.replace("the stack from the bottom to the top", "stack").replace("the output", "out")
    lines += ["    i += 1", f"return {named}"]
    return "".join(f"    {line}\n" for line in lines)


def _text(random: Random, letters: list[str], length: int) -> str:
    return "".join(random.choice(letters) if random.random() < 0.95 else "z" for _ in range(length))


def _edges(letters: list[str]) -> list[str]:
    """No command, each once and often, all in both orders, and long mixtures."""
    random, row = Random("edges"), "".join(letters)
    pairs = "".join(letter + other for letter in letters for other in letters)[:40]
    texts = ["", letters[0], row, row[::-1], "z" + row * 3, row[::-1] * 3, pairs, "".join(c * 4 for c in letters)]
    texts += [_text(random, letters, 20 + 3 * len(letters)) for _ in range(4)]
    return list(dict.fromkeys(texts))
