"""Numbers in sentences."""

from __future__ import annotations


def plural(number: int, noun: str) -> str:
    """`1 problem`, `2,000 problems`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
