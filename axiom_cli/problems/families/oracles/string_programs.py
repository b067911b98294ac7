"""Understands steps on strings from their words, character by character."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_VOWELS = "aeiou"


def _is(char: str, kind: str) -> bool:
    """Whether a character is of the kind named."""
    if "vowel" in kind:
        return char in list(_VOWELS)
    if "consonant" in kind:
        return char in list(_LOWER) and char not in list(_VOWELS)
    if "digit" in kind:
        return char in list("0123456789")
    if "upper-case" in kind:
        return char in list(_LOWER.upper())
    return char.lower() not in list(_LOWER)


def _runs(text: str) -> list[str]:
    return [pieces.group() for pieces in re.finditer(r"(.)\1*", text, re.DOTALL)]


def _rotated(text: str, by: int) -> str:
    if len(text) <= by:
        return text
    letters = list(text)
    for _ in range(by):
        letters.append(letters.pop(0))
    return "".join(letters)


def _words(words: str, text: str, k: int) -> str:
    """A step on words."""
    pieces = re.findall(r"\S+", text)
    if words.startswith("append"):
        return f"{text}{len(pieces)}"
    if words.startswith("put the words"):
        pieces.reverse()
    elif words.startswith("reverse every"):
        pieces = ["".join(reversed(word)) for word in pieces]
    elif words.startswith("keep only"):
        pieces = [word for word in pieces if len(word) > k - 1]
    else:
        pieces = [_rotated(word, k) for word in pieces]
    return " ".join(pieces)


def _characters(words: str, text: str, k: int) -> str:
    """A step on each character by its kind."""
    out = ""
    for char in text:
        if not _is(char, words.split(" every ", 1)[1]):
            out += char
        elif words.startswith("write"):
            out += "".join(char for _ in range(k))
        elif words.startswith("put"):
            out += words.split()[3] + char
    return out


def _letters(words: str, text: str, k: int) -> str:
    """A step that treats characters by what they are."""
    if words.startswith("replace every"):
        old, new = words.split()[2], words.split()[4]
        return "".join(new if char == old else char for char in text)
    if words.startswith("exchange"):
        one, other = words.split()[1], words.split()[3]
        return "".join(other if char == one else one if char == other else char for char in text)
    if words.startswith("remove every"):
        return "".join(char for char in text if char not in words.split()[2::3])
    if words.startswith("put the character"):
        added, char = words.split()[3], words.split()[-1]
        return f"{char}{added}".join(text.split(char))
    if words.startswith("make every"):
        return "".join(char.lower() if char.isupper() else char.upper() for char in text)
    ring = _LOWER + _LOWER
    return "".join(ring[ring.index(char) + k] if char in _LOWER else char for char in text)


def _whole(words: str, text: str, k: int) -> str:
    """A step that cuts or turns the string."""
    if words.startswith("cut the string"):
        return "".join(char for place, char in enumerate(text) if place % k == 0)
    if words.startswith("drop the first"):
        return "".join(char for place, char in enumerate(text) if place >= k)
    if words.startswith("drop the last"):
        return "".join(char for place, char in enumerate(text) if place < len(text) - k)
    if words.startswith("move"):
        return _rotated(text, k)
    if words.startswith("remove every character that"):
        return "".join(char for place, char in enumerate(text) if text.find(char) == place)
    return "".join(reversed(text))


def _conditional(words: str, text: str, k: int) -> str:
    *_, last = words.split()
    if "more than" in words:
        return "".join(reversed(text)) if len(text) >= k + 1 else text + last
    letter = re.search(r"from a to (\w)", words).group(1)  # type: ignore[union-attr]
    fits = text[:1] in list(_LOWER[: _LOWER.index(letter) + 1])
    return f"{text}{text if fits else last}"


def _step(words: str, text: str) -> str:
    number = re.search(r"\d+", words)
    k = int(number.group()) if number else 0
    if words.startswith("if "):
        return _conditional(words, text, k)
    if " word" in words:
        return _words(words, text, k)
    if " run " in words:
        shorten = words.startswith("shorten")
        return "".join(run[:k] if shorten else f"{run[0]}{len(run)}" for run in _runs(text))
    if words.startswith("append"):
        return f"{text}{sum(char == words.split()[6] for char in text)}"
    if re.match("remove every (?!character that|. and)|write every|put the character . in front", words):
        return _characters(words, text, k)
    if re.match("remove every . and|put the character|replace every|exchange|make every|shift", words):
        return _letters(words, text, k)
    return _whole(words, text, k)


def function(prompt: str) -> Callable[..., Any]:
    """The steps as a function of any string."""
    *steps, _ = re.search(r"does in order: (.+)\.(?:\n|$)", prompt).group(1).split("; ")  # type: ignore[union-attr]

    def solve(text: str) -> str:
        for words in steps:
            text = _step(words, text)
        return text

    return solve
