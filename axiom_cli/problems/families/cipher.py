"""Classic ciphers on short texts of lower-case letters, one or several in sequence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

LETTERS = "abcdefghijklmnopqrstuvwxyz"
CONSONANTS, VOWELS = "bcdfghjklmnprstvwz", "aeiou"
ATBASH = str.maketrans(LETTERS, LETTERS[::-1])
SHIFTS = [str.maketrans(LETTERS, LETTERS[k:] + LETTERS[:k]) for k in range(26)]
FEW_LETTERS = LETTERS[:6]


@dataclass(frozen=True)
class Layer:
    """One cipher with its key: what it does to a text, and its opposite, as a step of the statement words it."""

    kind: str
    key: int | str = 0

    def words(self) -> str:
        """The step, in full."""
        return WORDS[self.kind].format(key=self.key)

    def apply(self, text: str) -> str:
        """The text after the step."""
        return APPLY[self.kind](text, self.key)


@dataclass(frozen=True)
class Message:
    """A text and the layers to apply to it."""

    text: str
    layers: tuple[Layer, ...]


def shifted(text: str, keys: str, sign: int) -> str:
    """Each letter moved along by the place of its key letter (a = 0), the key repeated."""
    ring = len(keys)
    places = [LETTERS.index(char) + sign * LETTERS.index(keys[at % ring]) for at, char in enumerate(text)]
    return "".join([LETTERS[place % 26] for place in places])


def columns(text: str, width: int) -> str:
    """The columns of the text written in rows, the left one first."""
    return "".join([text[column::width] for column in range(width)])


def odd_even(text: str) -> str:
    """The letters at odd positions, then those at even positions, counted from 1."""
    return text[::2] + text[1::2]


def rotated(text: str, key: int) -> str:
    """The first `key` letters put at the end."""
    return text[key:] + text[:key]


APPLY: dict[str, Callable[[str, int | str], str]] = {
    "forward": lambda text, key: text.translate(SHIFTS[int(key)]),
    "back": lambda text, key: text.translate(SHIFTS[26 - int(key)]),
    "mirror": lambda text, key: text.translate(ATBASH),
    "reverse": lambda text, key: text[::-1],
    "key forward": lambda text, key: shifted(text, str(key), 1),
    "key back": lambda text, key: shifted(text, str(key), -1),
    "columns": lambda text, key: columns(text, int(key)),
    "rotate": lambda text, key: rotated(text, int(key)),
    "odd even": lambda text, key: odd_even(text),
}
WORDS = {
    "forward": "shift each letter {key} forward",
    "back": "shift each letter {key} back",
    "mirror": "mirror the alphabet (a<->z, b<->y, ...)",
    "reverse": "reverse the text",
    "key forward": "add the repeated key {key} (a=0, b=1, ...)",
    "key back": "subtract the repeated key {key} (a=0, b=1, ...)",
    "columns": "write it in rows of {key}, read it by columns",
    "rotate": "move the first {key} letters to the end",
    "odd even": "take letters 1, 3, 5, ..., then 2, 4, ...",
}
EASY = ("forward", "back", "reverse", "rotate")
ALL = tuple(WORDS)


def substitution_line(before: str, after: str) -> str:
    """Each letter with what it becomes."""
    return " ".join([f"{a}>{b}" for a, b in zip(before, after, strict=True)])


class Cipher(Family):
    """Applies ciphers to a text: shifts, keys, mirrors and transpositions."""

    name: ClassVar[str] = "cipher"
    about: ClassVar[str] = "Caesar, Vigenere, Atbash, reversal, columns and rotation on short texts, several in a row"
    levels: ClassVar[str] = "level n: n + 3 letters, 1 + n // 2 layers; keys and transpositions from level 3"

    def draw(self, random: Random, level: int) -> Message:
        text = "".join([random.choice(VOWELS if at % 2 else CONSONANTS) for at in range(level + 3)])
        layers: list[Layer] = []
        for _ in range(1 + level // 2):
            kind = random.choice(EASY if level < 3 else ALL)
            while layers and WORDS[kind][:5] == WORDS[layers[-1].kind][:5]:
                kind = random.choice(EASY if level < 3 else ALL)
            layers.append(Layer(kind, self._key(random, kind, level)))
        return Message(text, tuple(layers))

    @staticmethod
    def _key(random: Random, kind: str, level: int) -> int | str:
        if kind in ("forward", "back"):
            return 1 + int(random.random() * min(3 + 2 * level, 24))
        if kind in ("key forward", "key back"):
            length = 2 + (level > 6)
            return random.choice(LETTERS[1:6]) + "".join([random.choice(FEW_LETTERS) for _ in range(length - 1)])
        if kind == "columns":
            return 2 + int(random.random() * (2 + (level > 6)))
        return 2 + int(random.random() * min(level + 1, 5)) if kind == "rotate" else 0

    def statement(self, task: Message) -> str:
        steps = "; ".join([layer.words() for layer in task.layers])
        return f"Take the text {task.text} and do in order: {steps}. After z comes a. What is the text?"

    def answer(self, task: Message) -> str:
        text = task.text
        for layer in task.layers:
            text = layer.apply(text)
        return text

    def trace(self, task: Message) -> list[str]:
        lines, text = [], task.text
        for layer in task.layers:
            after = layer.apply(text)
            lines += self._worked(layer, text, after)
            lines.append(f"{layer.words().partition(' (')[0]}: {after}")
            text = after
        return lines

    @staticmethod
    def _worked(layer: Layer, text: str, after: str) -> list[str]:
        """How a layer's result comes about: letters paired, or the rows and columns written out."""
        if layer.kind in ("forward", "back", "mirror"):
            return [substitution_line(text, after)]
        if layer.kind in ("key forward", "key back"):
            key = str(layer.key)
            repeated = (key * len(text))[: len(text)]
            sign = "+" if layer.kind == "key forward" else "-"
            sums = [f"{a}{sign}{LETTERS.index(k)}={b}" for a, k, b in zip(text, repeated, after, strict=True)]
            return [f"key {' '.join(repeated)}", " ".join(sums)]
        if layer.kind == "columns":
            width = int(layer.key)
            rows = [text[at : at + width] for at in range(0, len(text), width)]
            return [f"rows {' '.join(rows)}", f"columns {' '.join(text[at::width] for at in range(width))}"]
        return [" ".join(text)]
