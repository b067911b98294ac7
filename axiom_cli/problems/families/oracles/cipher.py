"""Applies ciphers letter by letter, with character codes and explicit grids."""

from __future__ import annotations

import re


def _moved(char: str, by: int) -> str:
    ends, following = ("za", 1) if by > 0 else ("az", -1)
    for _ in range(abs(by)):
        char = ends[1] if char == ends[0] else chr(ord(char) + following)
    return char


def _grid(text: str, width: int) -> str:
    grid: list[list[str]] = []
    for char in text:
        if not grid or len(grid[-1]) == width:
            grid.append([])
        grid[-1].append(char)
    return "".join(row[column] for column in range(width) for row in grid if column < len(row))


def _keyed(text: str, key: str, sign: int) -> str:
    left, out = list(key), ""
    for char in text:
        out += _moved(char, sign * (ord(left[0]) - ord("a")))
        left.append(left.pop(0))
    return out


def _step(words: str, text: str) -> str:
    match = re.search(r"\d+", words)
    number = int(match.group()) if match else 0
    if words.startswith("shift"):
        by = number if words.endswith("forward") else -number
        return "".join(_moved(char, by) for char in text)
    if words.startswith("mirror"):
        return "".join(chr(ord("a") + ord("z") - ord(char)) for char in text)
    if words.startswith("reverse"):
        return "".join(reversed(text))
    if "repeated key" in words:
        key = words.split("repeated key ")[1].split()[0]
        return _keyed(text, key, 1 if words.startswith("add") else -1)
    if "rows of" in words:
        return _grid(text, number)
    if "letters 1, 3" in words:
        return _grid(text, 2)
    letters = list(text)
    for _ in range(number):
        letters.append(letters.pop(0))
    return "".join(letters)


def answer(prompt: str) -> str:
    """The text after all steps."""
    text, steps = re.match(r"Take the text (\w+) and do in order: (.+)\. After z", prompt).groups()  # type: ignore[union-attr]
    for words in steps.split("; "):
        text = _step(words, text)
    return text
