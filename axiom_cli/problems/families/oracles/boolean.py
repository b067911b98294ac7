"""Reads formulas by replacing the innermost parentheses with their value, until none are left."""

from __future__ import annotations

import re

_TRUE = {
    "and": {"11"},
    "or": {"01", "10", "11"},
    "xor": {"01", "10"},
    "implies": {"00", "01", "11"},
}


def _value(match: re.Match[str]) -> str:
    words = match.group(1).split()
    if len(words) == 2:
        return {"0": "1", "1": "0"}[words[1]]
    return str(int(words[0] + words[2] in _TRUE[words[1]]))


def answer(prompt: str) -> str:
    """The value of each formula."""
    let = re.findall(r"\b([a-z]) (true|false)", prompt.partition(". ")[0])
    given = {name: str(int(truth == "true")) for name, truth in let}
    values = []
    for formula in prompt.rpartition(": ")[2].split("; "):
        text = re.sub(r"\b[a-z]\b", lambda match: given[match.group()], formula)
        text = f"({text})" if " " in text else text
        while "(" in text:
            text = re.sub(r"\(([^()]+)\)", _value, text)
        values.append({"0": "false", "1": "true"}[text])
    return " ".join(values)
