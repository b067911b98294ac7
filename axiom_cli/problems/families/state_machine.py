"""Finite machines that write a symbol for each one they read (Mealy machines)."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

STATES = "ABCDE"
SYMBOLS = "01"
OUTPUTS = "xyz"


@dataclass(frozen=True)
class Machine:
    """For each state and symbol the next state and the output; the input; and whether the states are asked for."""

    rules: tuple[tuple[str, str, str, str], ...]
    text: str
    states: bool


def run(task: Machine) -> list[tuple[str, str, str, str]]:
    """The rule applied at each symbol, from state A on."""
    table = {rule[:2]: rule for rule in task.rules}
    out, state = [], STATES[0]
    for symbol in task.text:
        rule = table[state, symbol]
        out.append(rule)
        state = rule[2]
    return out


class StateMachine(Family):
    """A transition table and an input to run it on."""

    name: ClassVar[str] = "state_machine"
    about: ClassVar[str] = "the states that a finite machine visits, or what it writes, on an input of 0s and 1s"
    levels: ClassVar[str] = "level n: an input of n + 4 symbols, 3 + n // 4 states"

    def draw(self, random: Random, level: int) -> Machine:
        states = 3 + level // 4
        rules = []
        for state in STATES[:states]:
            # The two symbols lead to different states, so that the input always matters.
            zero = int(random.random() * states)
            one = (zero + 1 + int(random.random() * (states - 1))) % states
            for symbol, following in zip(SYMBOLS, (zero, one), strict=True):
                output = OUTPUTS[int(random.random() * len(OUTPUTS))]
                rules.append((state, symbol, STATES[following], output))
        text = "".join([SYMBOLS[random.random() < 0.5] for _ in range(level + 4)])
        return Machine(tuple(rules), text, random.random() < 0.5)

    def statement(self, task: Machine) -> str:
        rules = ", ".join([f"{a} {symbol} -> {b} {output}" for a, symbol, b, output in task.rules])
        wanted = "the state after each symbol" if task.states else "the output of each symbol, then the last state"
        return (
            f"A machine has rules of the form: state, symbol read -> next state, output. {rules}. It starts in state A "
            f"and reads {task.text} from left to right. Write {wanted}, separated by spaces."
        )

    def answer(self, task: Machine) -> str:
        rules = run(task)
        if task.states:
            return " ".join([rule[2] for rule in rules])
        return " ".join([rule[3] for rule in rules] + [rules[-1][2]])

    def trace(self, task: Machine) -> list[str]:
        return [" ".join([a, symbol, "->", b, output]) for a, symbol, b, output in run(task)]
