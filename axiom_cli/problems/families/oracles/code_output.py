"""Runs the program that the prompt shows, with a handful of built-in functions."""

from __future__ import annotations

from typing import Any


def answer(prompt: str) -> str:
    """What the program prints."""
    printed: list[str] = []

    def show(*values: Any) -> None:
        printed.append(" ".join(map(str, values)))

    allowed = {"print": show, "len": len, "sum": sum, "range": range, "str": str}
    code = prompt.partition("\n")[2]
    exec(compile(code, "<prompt>", "exec"), {"__builtins__": allowed})
    return "\n".join(printed)
