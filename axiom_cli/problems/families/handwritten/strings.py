"""Classic problems on strings."""

from __future__ import annotations

from random import Random
from typing import Any

from axiom_cli.problems.families.handwritten.entry import Handwritten

_NUMERALS = ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix")
_ROMAN = (
    "The letters I, V, X, L, C, D, M stand for 1, 5, 10, 50, 100, 500, 1000 and are added up, the largest first; 4, 9, "
    "40, 90, 400, 900 are written IV, IX, XL, XC, CD, CM. V, L and D stand at most once, and no letter stands four "
    "times in a row."
)


def _text(random: Random, letters: str, least: int, most: int) -> str:
    return "".join(random.choice(letters) for _ in range(random.randint(least, most)))


def _prefixed(random: Random) -> list[Any]:
    stem = _text(random, "abc", 0, 5)
    return [[stem + _text(random, "abx", 0, 3) for _ in range(random.randint(2, 4))]]


def _anagrams(random: Random) -> list[Any]:
    """Words with few letters, so that some are rearrangements of each other."""
    stems = [_text(random, "abcd", 1, 4) for _ in range(random.randint(2, 4))]
    words = [random.choice(stems) for _ in range(random.randint(3, 8))]
    return [["".join(random.sample(word, len(word))) for word in words]]


def _window(random: Random) -> list[Any]:
    text = _text(random, "ABCD", 4, 14)
    return [text, _text(random, random.choice((text, text, "ABCDE")), 1, 4)]


def numeral(n: int) -> str:
    """The Roman numeral of a number from 1 to 3999."""
    places = zip(("M", "CDM", "XLC", "IVX"), f"{n:04}", strict=True)
    return "".join("".join(letters["ivx".index(sign)] for sign in _NUMERALS[int(digit)]) for letters, digit in places)


def _runs(random: Random) -> list[Any]:
    return ["".join(random.choice("aab1 B") * random.choice((1, 1, 2, 3, 12)) for _ in range(random.randint(2, 6)))]


def _two_words(random: Random) -> list[Any]:
    """A word, and a second one made from it by up to five changes, or an unrelated one."""
    first = _text(random, "abcd", 3, 6)
    if random.random() < 0.3:
        return [first, _text(random, "abcd", 0, 6)]
    second = first
    for _ in range(random.randint(2, 5)):
        at = random.randint(0, len(second))
        second = second[:at] + _text(random, "abcd", 0, 1) + second[at + random.randint(0, 1) :]
    return [first, second[:7]]


def _cut(random: Random) -> list[Any]:
    """A text made of some of the words, with one letter replaced in most calls."""
    words = [_text(random, "abc", 1, 3) for _ in range(random.randint(2, 4))]
    text = "".join(random.choice(words) for _ in range(random.randint(2, 5)))
    if random.random() < 0.8:
        at = random.randrange(len(text))
        text = text[:at] + random.choice("abcd") + text[at + 1 :]
    return [text, words]


PROBLEMS: dict[str, Handwritten] = {
    "longest_common_prefix": Handwritten(
        2,
        "Longest common prefix",
        "returns the longest string with which every string in words begins. Upper and lower case are different. It "
        "is the empty string if they have no beginning in common, or if words is empty.",
        _prefixed,
        (
            [[]],
            [[""]],
            [["alone"]],
            [["ab", "ab"]],
            [["ab", "a"]],
            [["a", "ab"]],
            [["abc", ""]],
            [["ab", "Ab"]],
            [["xbc", "ybc"]],
            [["abxd", "abyd", "abxd"]],
            [["flower", "flow", "flight"]],
        ),
        ("begin with the first word", "drop letters from its end until each word begins with it"),
    ),
    "longest_unique_substring": Handwritten(
        4,
        "Longest substring without repetition",
        "returns the length of the longest contiguous part of text in which no character occurs twice. Upper and lower "
        "case are different, and a space is a character as any other. For the empty text it returns 0.",
        lambda random: [_text(random, random.choice(("abc", "abcdef", "abcdefgh ")), 3, 16)],
        (
            [""],
            ["a"],
            [" "],
            ["aa"],
            ["aA a"],
            ["abba"],
            ["dvdf"],
            ["pwwkew"],
            ["abcdef"],
            ["tmmzuxt"],
            ["abcabcbb"],
        ),
        ("remember where each character was met last", "the part begins after the last place of a repeated character"),
    ),
    "group_anagrams": Handwritten(
        4,
        "Group anagrams",
        "returns a list of groups, each a list of strings: two strings in words are in the same group exactly if they "
        "hold the same characters, each equally often. Upper and lower case are different. Within a group the strings "
        "are in the order of words, each as often as it is in words, and the groups are in the order in which their "
        "first strings are in words. For an empty list it returns the empty list.",
        _anagrams,
        (
            [[]],
            [[""]],
            [["", "a", ""]],
            [["b", "a"]],
            [["ab", "ba", "ab"]],
            [["aab", "abb", "ab"]],
            [["ad", "bc", "da"]],
            [["Ab", "ba", "bA"]],
            [["bb", "ac", "B", "b"]],
            [["c", "ba", "ab", "c"]],
            [["eat", "tea", "tan", "ate", "nat", "bat"]],
        ),
        ("anagrams are equal once their letters are sorted", "collect the words by their sorted letters"),
    ),
    "minimum_window_length": Handwritten(
        7,
        "Minimum window",
        "returns the length of the shortest contiguous part of text that holds each character of wanted at least as "
        "often as wanted does, in any order. Upper and lower case are different. It returns 0 if there is no such "
        "part, and also if wanted is empty.",
        _window,
        (
            ["", ""],
            ["", "a"],
            ["a", ""],
            ["a", "a"],
            ["a", "aa"],
            ["ab", "A"],
            ["bba", "ab"],
            ["abc", "cba"],
            ["aaabbc", "abc"],
            ["acbbaca", "aba"],
            ["ADOBECODEBANC", "ABC"],
            ["cabwefgewcwaefgcf", "cae"],
        ),
        ("move the end on until nothing is missing", "then move the start on as long as nothing is missing"),
    ),
    "roman_to_integer": Handwritten(
        2,
        "Roman numeral to integer",
        "returns the number from 1 to 3999 that the Roman numeral text stands for. text is in capital letters and "
        f"written the usual way. {_ROMAN}",
        lambda random: [numeral(random.randint(1, 3999))],
        tuple([numeral(n)] for n in (1, 3, 4, 6, 9, 14, 40, 58, 90, 400, 444, 900, 1000, 1994, 3888, 3999)),
        ("a letter before a larger one is subtracted", "all others are added"),
    ),
    "integer_to_roman": Handwritten(
        3,
        "Integer to Roman numeral",
        f"returns n as a Roman numeral in capital letters, written the usual way; n is from 1 to 3999. {_ROMAN}",
        lambda random: [random.randint(1, 3999)],
        tuple(
            [n] for n in (1, 3, 4, 5, 8, 9, 39, 40, 49, 50, 89, 90, 99, 100, 399, 444, 499, 500, 899, 900, 999, 3999)
        ),
        (
            "go through the values from 1000 down to 1, also 900, 400, 90, 40, 9, 4",
            "take each while it fits",
        ),
    ),
    "run_length_encode": Handwritten(
        2,
        "Run-length encoding",
        "returns text with each longest run of equal neighbouring characters replaced by the character and then the "
        'length of the run in decimal, also where it is 1: "aaab" becomes "a3b1". Upper and lower case are different, '
        "and digits and spaces are characters as any others. For the empty text it returns the empty string.",
        _runs,
        ([""], ["a"], ["aa"], ["ab"], ["aba"], ["aabbb"], ["aA"], ["11"], ["112"], ["   "], ["b" * 12], ["abbbbc"]),
        ("count the equal characters in a row", "write the character and the count when it changes, and at the end"),
    ),
    "edit_distance": Handwritten(
        7,
        "Edit distance",
        "returns the smallest number of steps that turn first into second, where a step inserts one character at any "
        "place, removes one character, or replaces one character by another. Upper and lower case are different. It "
        "is 0 for equal strings.",
        _two_words,
        (
            ["", ""],
            ["", "abc"],
            ["abc", ""],
            ["a", "A"],
            ["ab", "ba"],
            ["abc", "abc"],
            ["abc", "bcd"],
            ["abcd", "ad"],
            ["horse", "ros"],
            ["kitten", "sitting"],
            ["sunday", "saturday"],
            ["abc", "vwxyz"],
            ["abcabc", "bcd"],
        ),
        ("row by row, find the distances of all beginnings", "each is one step from the three next to it, or none"),
    ),
    "word_break": Handwritten(
        6,
        "Word break",
        "returns True if text can be cut into contiguous parts that are all in words, else False. A word may be used "
        "any number of times, also not at all, and the parts must make up the whole text. words holds no empty string "
        "and may be an empty list. For the empty text it returns True.",
        _cut,
        (
            ["", []],
            ["", ["a"]],
            ["a", []],
            ["a", ["a", "b"]],
            ["ab", ["a"]],
            ["ab", ["b"]],
            ["aaaa", ["aa"]],
            ["aaaaa", ["aa"]],
            ["aaaaaaa", ["aaa", "aaaa"]],
            ["abcd", ["ab", "abc", "cd"]],
            ["catsandog", ["cats", "dog", "sand", "and", "cat"]],
            ["applepenapple", ["apple", "pen"]],
            ["aab", ["A", "ab"]],
            ["aab", ["a", "aa", "ab"]],
        ),
        ("mark each place up to which the text can be cut", "a word that ends there must begin at a marked place"),
    ),
}
