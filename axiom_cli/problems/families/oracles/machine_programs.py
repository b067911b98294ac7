"""Understands a machine's commands from their words; its state is a dict that each command changes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

State = dict[str, Any]


def _output(state: State, name: str, number: int) -> None:
    state["out"] = [*state["out"], state[name]]
    if name == "y":
        state["y"] = number


def _unstack(state: State) -> None:
    *state["stack"], state["y"] = state["stack"] or [state["y"]]


def _halve(state: State, number: int) -> None:
    state["y"] = state["y"] + number if state["y"] & 1 else state["y"] >> 1


def _numbers(words: str, state: State, number: int) -> None:
    """The commands that change a register by a number, or by the other register."""
    if words.startswith("adds y"):
        state["x"] = sum([state["x"], state["y"]])
    elif words.startswith("adds all"):
        state.update(x=sum(state["stack"], state["x"]), stack=[])
    elif words.startswith("adds"):
        state["x"] += number
    elif words.startswith("subtracts x"):
        state["y"] = -(state["x"] - state["y"])
    elif words.startswith("subtracts"):
        state["y"] += -number
    elif words.startswith("sets x to the remainder"):
        state["x"] -= state["x"] // number * number
    else:
        state["x"] = number if number > state["x"] else state["x"]


def _act(words: str, state: State) -> None:
    number = int((re.findall(r"-?\d+", words) or [0])[-1])
    if words.startswith("swaps"):
        state.update(x=state["y"], y=state["x"])
    elif words.startswith("puts"):
        state["stack"] = [*state["stack"], state["x"]]
    elif words.startswith("moves"):
        _unstack(state)
    elif words.startswith("appends"):
        _output(state, words.split()[1], number)
    elif words.startswith("halves"):
        _halve(state, number)
    elif words.startswith("skips the next character"):
        state["skip"] = 1 if not state["x"] <= number else 0
    elif words.startswith("skips"):
        state["skip"] = 2 if not state["y"] >= number else 0
    elif words.startswith("stops"):
        state["on"] = state["x"] < number
    else:
        _numbers(words, state, number)


def function(prompt: str) -> Callable[..., Any]:
    """The machine as a function of its commands."""
    result, x, y, rules = re.search(  # type: ignore[union-attr]
        r"returns the list \[(.+?)\]\. At first x is (\d+), y is (\d+),.+From left to right, (.+); every other", prompt
    ).groups()
    commands = {rule[0]: rule[2:] for rule in rules.split("; ")}
    names = {"x": "x", "y": "y", "the output": "out", "the stack from the bottom to the top": "stack"}

    def solve(text: str) -> list[Any]:
        state: State = {"x": int(x), "y": int(y), "stack": [], "out": [], "skip": 0, "on": True}
        for letter in text:
            if state["skip"]:
                state["skip"] -= 1
            elif state["on"] and letter in commands:
                _act(commands[letter], state)
        return [state[names[part]] for part in result.split(", ")]

    return solve
