"""Programs over a string, composed of parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.composed import Written, levels_of_half
from axiom_cli.problems.families.family import Exercise

COMMON = "abcdeiostuxyz"
LETTERS = "abcdefghiklmnoprstuv"
KINDS = {
    "lower-case vowel (a, e, i, o, u)": "char in 'aeiou'",
    "lower-case consonant (y included)": "char.islower() and char not in 'aeiou'",
    "digit": "char.isdigit()",
    "upper-case letter": "char.isupper()",
    "character other than a letter": "not char.isalpha()",
}
CAESAR = """shifted = ""
for char in s:
    if "a" <= char <= "z":
        char = chr((ord(char) - ord("a") + {k}) % 26 + ord("a"))
    shifted += char
s = shifted"""


@dataclass(frozen=True)
class Part:
    """One step on s: how it is worded, and its lines of Python.

    `{k}` is a number of the given range, `{characters}` so many characters in words, `{a}` and `{b}` two different
    letters, `{kind}` and `{test}` a kind of character.
    """

    wording: str
    code: str
    k: tuple[int, int] = (1, 1)


PARTS: tuple[Part, ...] = (
    Part("remove every {kind}", 's = "".join(char for char in s if not ({test}))'),
    Part("write every {kind} {k} times in a row", 's = "".join(char * {k} if {test} else char for char in s)', (2, 3)),
    Part(
        "put the character {a} in front of every {kind}", 's = "".join("{a}" + char if {test} else char for char in s)'
    ),
    Part("replace every {a} by {b}", 's = s.replace("{a}", "{b}")'),
    Part("remove every {a} and every {b}", 's = s.replace("{a}", "").replace("{b}", "")'),
    Part("put the character {a} behind every {b}", 's = s.replace("{b}", "{b}{a}")'),
    Part("exchange {a} and {b} everywhere", 's = s.translate(str.maketrans("{a}{b}", "{b}{a}"))'),
    Part("make every lower-case letter upper-case and every upper-case letter lower-case", "s = s.swapcase()"),
    Part("reverse the string", "s = s[::-1]"),
    Part("put the words into reverse order", 's = " ".join(s.split()[::-1])'),
    Part("reverse every word, the words staying in order", 's = " ".join(word[::-1] for word in s.split())'),
    Part(
        "keep only the words of at least {k} characters",
        's = " ".join(word for word in s.split() if len(word) >= {k})',
        (2, 4),
    ),
    Part(
        "move the first {characters} of every word to its end (words of at most {characters} stay as they are)",
        's = " ".join(word[{k}:] + word[:{k}] for word in s.split())',
        (1, 2),
    ),
    Part(
        "cut the string into groups of {k} from the left (the last may be shorter), keep the first character of each",
        "s = s[::{k}]",
        (2, 3),
    ),
    Part("drop the first {characters} (all where there are fewer)", "s = s[{k}:]", (1, 3)),
    Part("drop the last {characters} (all where there are fewer)", "s = s[:-{k}]", (1, 3)),
    Part(
        "move the first {characters} to the end (a string of at most {characters} stays as it is)",
        "s = s[{k}:] + s[:{k}]",
        (1, 4),
    ),
    Part(
        "replace every run of equal characters by the character followed by the length of the run",
        's = "".join(char + str(len(list(run))) for char, run in groupby(s))',
    ),
    Part(
        "shorten every run of more than {k} equal characters to {k} of them",
        's = "".join(char * min({k}, len(list(run))) for char, run in groupby(s))',
        (1, 2),
    ),
    Part(
        "remove every character that occurs earlier in the string, so that each one is kept the first time only",
        's = "".join(dict.fromkeys(s))',
    ),
    Part("append the number of times that {a} occurs", 's += str(s.count("{a}"))'),
    Part("append the number of words", "s += str(len(s.split()))"),
    Part("shift every lower-case letter {k} places forward in the alphabet, a coming after z", CAESAR, (1, 12)),
    Part(
        "if the string has more than {k} characters, reverse it, otherwise append {a}",
        'if len(s) > {k}:\n    s = s[::-1]\nelse:\n    s += "{a}"',
        (4, 12),
    ),
    Part(
        "if the string begins with a letter from a to {a}, append the whole string to itself, otherwise append {b}",
        'if s and "a" <= s[0] <= "{a}":\n    s += s\nelse:\n    s += "{b}"',
    ),
)
SPACES = " (words are what stands between white space, and are joined by single spaces)"


@dataclass(frozen=True)
class Step:
    """A part with its parameters, formatted, and the letters among these."""

    index: int
    wording: str
    code: str
    letters: str


def _step(random: Random) -> Step:
    index = random.randrange(len(PARTS))
    part = PARTS[index]
    a, b = random.sample(LETTERS, 2)
    kind = random.choice(list(KINDS))
    k = random.randint(*part.k)
    values = {"k": k, "characters": f"{k} character{'s' * (k > 1)}", "a": a, "b": b, "kind": kind, "test": KINDS[kind]}
    letters = "".join([letter for name, letter in (("a", a), ("b", b)) if f"{{{name}}}" in part.wording])
    return Step(index, part.wording.format(**values), part.code.format(**values), letters)


class StringPrograms(Written):
    """Filters, replaces, reverses, counts and shifts the characters and words of a string."""

    name: ClassVar[str] = "string_programs"
    about: ClassVar[str] = "write a function of a string: filter, replace, reverse words, runs, slices, shifts"
    levels: ClassVar[str] = "level n: 1 + n // 2 steps"

    def draw(self, random: Random, level: int) -> tuple[Step, ...]:
        steps: list[Step] = []
        while len(steps) < 1 + level // 2:
            step = _step(random)
            if all(step.index != before.index for before in steps):
                steps.append(step)
        return tuple(steps)

    def statement(self, task: tuple[Step, ...]) -> str:
        words = "; ".join(step.wording for step in task)
        return f"{words}; return the string{SPACES if 'word' in words else ''}"

    def trace(self, task: tuple[Step, ...]) -> list[str]:
        return [step.wording for step in task]

    def shared(self, task: tuple[Step, ...], level: int, form: str) -> Sequence[int]:
        """Only the number of steps depends on the level."""
        return levels_of_half(level)

    def exercise(self, task: tuple[Step, ...], level: int, random: Random) -> Exercise:
        signature = "solve(s: str) -> str"
        code = "\n".join(step.code for step in task)
        body = "".join(f"    {line}\n" for line in code.split("\n"))
        letters = "".join([step.letters for step in task])
        imports = "from itertools import groupby\n\n\n" if "groupby" in code else ""
        return Exercise(
            "solve",
            signature,
            f"takes a string s of ASCII characters and does in order: {self.statement(task)}.",
            f"{imports}def {signature}:\n{body}    return s\n",
            lambda random: [_text(random, COMMON + 2 * letters)],
            tuple([text] for text in dict.fromkeys((*EDGES, *_around(letters)))),
            (*self.trace(task), "return the string"),
        )


def _word(random: Random, alphabet: str) -> str:
    letters = [random.choice(alphabet) * random.choice((1, 1, 1, 2, 3)) for _ in range(random.randint(1, 4))]
    word = "".join(letters)
    return random.choice((word, word, word.capitalize(), word + str(random.randint(0, 99)), word.upper(), word + "!"))


def _text(random: Random, alphabet: str) -> str:
    """Up to five words of repeating letters, some with capitals, digits or an exclamation mark."""
    return " ".join([_word(random, alphabet) for _ in range(random.randint(1, 5))])


def _around(letters: str) -> list[str]:
    """Texts in which each of the letters stands alone, first, last, twice in a row and next to the others."""
    return [letters + " x " + letters[::-1], *[f"{letter} {letter}{letter}3 e{letter}" for letter in letters[:4]]]


EDGES = (
    "",
    "a",
    "E",
    "aab bba  cab",
    "zzz Ab1 yYe tot",
    " so, 100 dots Dee ",
    "abcdeost abc",
    "xyz{z`aA@Z[",
    "ooooo 7777 ss",
)
