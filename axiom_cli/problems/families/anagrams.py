"""Words with the same letters: which are anagrams, and of which."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

KINDS = ("of the first", "classes", "sorted")
LETTERS = "abcdeghiklmnoprstu"
# Of the words asked about a first one, from LEAST to MOST are its anagrams.
LEAST, MOST = 2, 7


@dataclass(frozen=True)
class Words:
    """A question of one of KINDS about words, all different."""

    kind: str
    words: tuple[str, ...]


def letters(word: str) -> str:
    """The letters in alphabetical order: equal for anagrams."""
    return "".join(sorted(word))


def _word(random: Random, length: int) -> str:
    return "".join([LETTERS[int(random.random() * len(LETTERS))] for _ in range(length)])


def _unlike(random: Random, length: int) -> str:
    """A word of different letters that has enough anagrams."""
    return "".join(random.sample(LETTERS, length))


def _mixed(random: Random, word: str) -> str:
    """The letters in another order, though not in any order with equal chance."""
    a, b = int(random.random() * len(word)), int(random.random() * len(word))
    word = word[a:] + word[:a]
    return word[:b] + word[b:][::-1]


def _missed(random: Random, word: str) -> str:
    """The word with one letter replaced by another."""
    at, letter = int(random.random() * len(word)), LETTERS[int(random.random() * len(LETTERS))]
    if letter == word[at]:
        letter = "z"
    return word[:at] + letter + word[at + 1 :]


def _candidates(random: Random, first: str, count: int) -> tuple[str, ...]:
    """Different words, slightly less than half of them anagrams of the first, the others with one wrong letter."""
    while True:
        known: dict[str, bool] = {first: True}
        word = first
        while len(known) <= count:
            word = _mixed(random, word)
            is_one = random.random() < 0.45
            known.setdefault(word if is_one else _mixed(random, _missed(random, word)), is_one)
        if LEAST <= sum(known.values()) - 1 <= min(MOST, count - 1):
            return tuple(known)


def _mingled(random: Random, length: int, classes: int, count: int) -> tuple[str, ...]:
    """Different words, each an anagram of one of a few that differ in one letter from the first of them."""
    bases = [_unlike(random, length)]
    while len(bases) < classes:
        bases.append(_missed(random, bases[0]))
    known: dict[str, None] = {}
    while len(known) < count:
        at = int(random.random() * classes)
        bases[at] = _mixed(random, bases[at])
        known[bases[at]] = None
    return tuple(known)


def classes_of(words: tuple[str, ...]) -> list[int]:
    """The number of each word's class, in the order in which the classes first appear."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(letters(word), len(numbers) + 1) for word in words]


class Anagrams(Family):
    """Which words are anagrams of one, which of each other, and what their sorted letters are."""

    name: ClassVar[str] = "anagrams"
    about: ClassVar[str] = "which words are anagrams of one, the classes of anagrams, sorted letters"
    levels: ClassVar[str] = "level n: n + 3 or n + 4 words of 4 + n // 3 letters, or 2 words of n + 3 letters"

    def draw(self, random: Random, level: int) -> Words:
        kind, length = KINDS[int(random.random() * len(KINDS))], 4 + level // 3
        if kind == "of the first":
            return Words(kind, _candidates(random, _missed(random, _unlike(random, length)), level + 3))
        if kind == "classes":
            return Words(kind, _mingled(random, length, 3 + level // 5, level + 4))
        return Words(kind, (_word(random, level + 3), _word(random, level + 3)))

    def statement(self, task: Words) -> str:
        if task.kind == "sorted":
            return (
                f"Write each of the words {' and '.join(task.words)} with its letters in alphabetical order (repeated "
                "letters as often as they occur), separated by a space."
            )
        if task.kind == "classes":
            return (
                "Two words are in the same class if they are anagrams: the same letters, each as often. Classes are "
                f"numbered 1, 2, ... in the order of their first words. Words: {' '.join(task.words)}. Write the class "
                "number of each word, in order, separated by spaces."
            )
        first, *others = task.words
        return (
            f"Words: {' '.join(others)}. Write those that are anagrams of {first} (the same letters, each as often), "
            "in the order given, separated by spaces."
        )

    def answer(self, task: Words) -> str:
        if task.kind == "sorted":
            return " ".join([letters(word) for word in task.words])
        if task.kind == "classes":
            return " ".join([str(number) for number in classes_of(task.words)])
        first = letters(task.words[0])
        return " ".join([word for word in task.words[1:] if letters(word) == first])

    def trace(self, task: Words) -> list[str]:
        if task.kind == "sorted":
            return [line for word in task.words for line in self._sorting(word)]
        if task.kind == "classes":
            numbers = classes_of(task.words)
            return [f"{word}: {letters(word)} {number}" for word, number in zip(task.words, numbers, strict=True)]
        first, *others = task.words
        wanted = letters(first)
        tests = [f"{word}: {letters(word)} {'yes' if letters(word) == wanted else 'no'}" for word in others]
        return [f"{first}: {wanted}", *tests]

    @staticmethod
    def _sorting(word: str) -> list[str]:
        """The letters taken out so far in alphabetical order, then what is left of the word."""
        lines, done, rest = [word], "", word
        for letter in sorted(dict.fromkeys(word)):
            done += letter * rest.count(letter)
            rest = rest.replace(letter, "")
            lines.append(f"{done} {rest}".rstrip())
        return lines
