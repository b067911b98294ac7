"""Runs a machine without a state: what a piece of input does to every state at once is put together from its halves."""

from __future__ import annotations

import re

# For each state: the states after each symbol, and the outputs.
Effect = dict[str, tuple[str, str]]


def _effect(text: str, single: dict[str, Effect]) -> Effect:
    if len(text) == 1:
        return single[text]
    half = len(text) // 2
    first, second = _effect(text[:half], single), _effect(text[half:], single)
    joined = {}
    for state, (states, outputs) in first.items():
        more_states, more_outputs = second[states[-1]]
        joined[state] = (states + more_states, outputs + more_outputs)
    return joined


def answer(prompt: str) -> str:
    """The states or the outputs and the last state."""
    single: dict[str, Effect] = {}
    for state, symbol, following, output in re.findall(r"(\w) (\w) -> (\w) (\w)", prompt):
        single.setdefault(symbol, {})[state] = (following, output)
    start, text = re.search(r"starts in state (\w) and reads (\w+)", prompt).groups()  # type: ignore[union-attr]
    states, outputs = _effect(text, single)[start]
    return " ".join(states if "Write the state after" in prompt else outputs + states[-1])
