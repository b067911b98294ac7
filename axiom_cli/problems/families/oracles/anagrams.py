"""Compares words by crossing out one's letters in the other."""

from __future__ import annotations

import re


def _anagrams(a: str, b: str) -> bool:
    for char in a:
        if char not in b:
            return False
        b = b.replace(char, "", 1)
    return not b


def _sorted(word: str) -> str:
    return "".join(char * word.count(char) for char in "abcdefghijklmnopqrstuvwxyz")


def answer(prompt: str) -> str:
    """The anagrams of a word, the classes, or the words with sorted letters."""
    if "alphabetical" in prompt:
        return " ".join(map(_sorted, re.search(r"words (\w+) and (\w+)", prompt).groups()))  # type: ignore[union-attr]
    words = re.search(r"Words: ([a-z ]+)\.", prompt).group(1).split()  # type: ignore[union-attr]
    target = re.search(r"anagrams of (\w+)", prompt)
    if target:
        return " ".join(word for word in words if _anagrams(target.group(1), word))
    firsts: list[str] = []
    numbers = []
    for word in words:
        known = [number for number, first in enumerate(firsts, 1) if _anagrams(first, word)]
        if not known:
            firsts.append(word)
        numbers.append(str(known[0] if known else len(firsts)))
    return " ".join(numbers)
