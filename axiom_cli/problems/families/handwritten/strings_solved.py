"""Solutions of the problems on strings: the efficient ones, which are the recorded references and the oracle of every
test.

Each stands alone, since a problem's record holds the source of its one function, and is part of the problem's digest.
"""

# mypy: disable-error-code="var-annotated"
# The source of each function is recorded, so it stays as it is.

from __future__ import annotations


def longest_common_prefix(words: list[str]) -> str:
    prefix = words[0] if words else ""
    for word in words:
        while not word.startswith(prefix):
            prefix = prefix[:-1]
    return prefix


def longest_unique_substring(text: str) -> int:
    last_at = {}
    start = longest = 0
    for i, char in enumerate(text):
        start = max(start, last_at.get(char, -1) + 1)
        last_at[char] = i
        longest = max(longest, i - start + 1)
    return longest


def group_anagrams(words: list[str]) -> list[list[str]]:
    groups = {}
    for word in words:
        groups.setdefault("".join(sorted(word)), []).append(word)
    return list(groups.values())


def minimum_window_length(text: str, wanted: str) -> int:
    from collections import Counter

    if not wanted:
        return 0
    due = Counter(wanted)
    missing = len(wanted)
    shortest = start = 0
    for i, char in enumerate(text):
        missing -= due[char] > 0
        due[char] -= 1
        while missing == 0:
            length = i - start + 1
            shortest = min(shortest or length, length)
            due[text[start]] += 1
            missing += due[text[start]] > 0
            start += 1
    return shortest


def roman_to_integer(text: str) -> int:
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
    total = largest = 0
    for letter in reversed(text):
        value = values[letter]
        if value < largest:
            total -= value
        else:
            total += value
            largest = value
    return total


def integer_to_roman(n: int) -> str:
    values = {"M": 1000, "CM": 900, "D": 500, "CD": 400, "C": 100, "XC": 90, "L": 50, "XL": 40}
    values |= {"X": 10, "IX": 9, "V": 5, "IV": 4, "I": 1}
    text = ""
    for numeral, value in values.items():
        count, n = divmod(n, value)
        text += numeral * count
    return text


def run_length_encode(text: str) -> str:
    encoded = ""
    start = 0
    for i in range(1, len(text) + 1):
        if i == len(text) or text[i] != text[start]:
            encoded += text[start] + str(i - start)
            start = i
    return encoded


def edit_distance(first: str, second: str) -> int:
    row = list(range(len(second) + 1))
    for i, char in enumerate(first, 1):
        above, row = row, [i]
        for j, other in enumerate(second, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (char != other)))
    return row[-1]


def word_break(text: str, words: list[str]) -> bool:
    can_end = [True]
    for end in range(1, len(text) + 1):
        last_words = [word for word in words if text[:end].endswith(word)]
        can_end.append(any(can_end[end - len(word)] for word in last_words))
    return can_end[-1]
