"""Three registers that hold digits."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any, ClassVar

from axiom_cli.problems.families.family import Exercise
from axiom_cli.problems.families.listing import LineByLine, Listing, lines_of, pick

NAMES = "PQR"
Registers = tuple[int, int, int]


class RegisterMachine(LineByLine):
    """A line sets a register, or adds to it or subtracts from it a number or another register."""

    name: ClassVar[str] = "register_machine"
    about: ClassVar[str] = "what three registers hold after a program that sets them, adds and subtracts"
    forms: ClassVar[tuple[str, ...]] = ("answer", "program")
    asks: ClassVar[str] = "P, Q and R start at 0. Run these lines and write P, Q and R at the end:"
    start: ClassVar[Registers] = (0, 0, 0)

    def line(self, random: Random, state: Registers, left: int) -> str:
        while True:
            place = pick(random, 3)
            chance = random.random()
            if (state[place] == 0 and chance < 0.6) or chance < 0.1:
                line = f"{NAMES[place]} = {pick(random, 9) + 1}"
            else:
                other = NAMES[(place + 1 + pick(random, 2)) % 3] if random.random() < 0.5 else pick(random, 5) + 1
                line = f"{NAMES[place]} {'+-'[pick(random, 2)]} {other}"
            after = self.step(state, line)
            if after != state and min(after) >= 0 and max(after) <= 9:
                return line

    def step(self, state: Registers, line: str) -> Registers:
        name, sign, operand = line.split()
        place = NAMES.index(name)
        number = state[NAMES.index(operand)] if operand in NAMES else int(operand)
        value = {"=": number, "+": state[place] + number, "-": state[place] - number}[sign]
        p, q, r = (value if here == place else old for here, old in enumerate(state))
        return p, q, r

    def show(self, state: Registers) -> str:
        return " ".join(map(str, state))

    def exercise(self, task: Listing, level: int, random: Random) -> Exercise:
        """The registers start at the arguments. No line sets one, since nothing before it would matter: it adds."""
        adding = Listing(task.first, tuple(line.replace("=", "+") for line in task.lines))
        steps = ["{} {}= {}".format(*line.lower().split()) for line in adding.lines]
        signature = "solve(p: int, q: int, r: int) -> list[int]"
        body = "".join(f"    {step}\n" for step in steps)
        return Exercise(
            "solve",
            signature,
            "\n".join(["returns P, Q and R after these lines; they start at p, q and r:", *adding.labelled()]),
            f"def {signature}:\n{body}    return [p, q, r]\n",
            lambda random: [random.randint(-99, 99) for _ in NAMES],
            ([0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]),
            tuple(f"{line}: {step}" for line, step in zip(adding.labelled(), steps, strict=True)),
        )

    def second(self, prompt: str) -> Any:
        """Each register as a sum, unfolded backwards from the last line."""
        lines = lines_of(prompt)

        def registers(*start: int) -> list[int]:
            @cache
            def value(name: str, before: int) -> int:
                for number in range(before - 1, -1, -1):
                    target, sign, operand = lines[number].split()
                    if target == name:
                        other = value(operand, number) if operand in NAMES else int(operand)
                        if sign == "=":
                            return other
                        return value(name, number) + (other if sign == "+" else -other)
                return start[NAMES.index(name)]

            return [value(name, len(lines)) for name in NAMES]

        return registers if "solve(" in prompt else " ".join(map(str, registers(0, 0, 0)))
