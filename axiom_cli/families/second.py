"""Second solvers, for the audit: each reads a prompt as a stranger would and solves it by other means than the family.

They share no code with the families, so that a slip in a statement, an oracle or a reference shows as a disagreement.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from itertools import combinations
from typing import Any

Function = Callable[..., Any]
NOT_UNDERSTOOD = "(not understood)"
_UNREAD = (ArithmeticError, AttributeError, KeyError, IndexError, SyntaxError, TypeError, ValueError)


def answer(family: str, prompt: str) -> str | None:
    """The answer to a prompt in answer form; NOT_UNDERSTOOD if it is not worded as expected; None for a family without
    a second solver."""
    solver = _ANSWERS.get(family)
    try:
        return solver(prompt) if solver else None
    except _UNREAD:
        return NOT_UNDERSTOOD


def function(family: str, prompt: str, entry_point: str) -> Function | None:
    """The function that a prompt in program form asks for; one that returns NOT_UNDERSTOOD if it is not worded as
    expected; None for a family without a second solver."""
    if family == "handwritten":
        return _HANDWRITTEN.get(entry_point)
    maker = _FUNCTIONS.get(family)
    try:
        return maker(prompt) if maker else None
    except _UNREAD:
        return lambda *args: NOT_UNDERSTOOD


def _apply(symbol: str, left: Fraction, right: Fraction) -> Fraction:
    if symbol == "//":
        return Fraction(math.floor(left / right))
    if symbol == "%":
        return left - right * math.floor(left / right)
    return {"+": left + right, "-": left - right, "*": left * right}[symbol]


_SYMBOLS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%"}


def _infix(text: str, values: Mapping[str, int]) -> int:
    def value(node: Any) -> Fraction:
        if isinstance(node, ast.Constant):
            return Fraction(node.value)
        if isinstance(node, ast.Name):
            return Fraction(values[node.id])
        return _apply(_SYMBOLS[type(node.op)], value(node.left), value(node.right))

    return int(value(ast.parse(text, mode="eval").body))


def _postfix(text: str, values: Mapping[str, int]) -> int:
    stack: list[Fraction] = []
    for token in text.split():
        if token in _SYMBOLS.values():
            right, left = stack.pop(), stack.pop()
            stack.append(_apply(token, left, right))
        else:
            stack.append(Fraction(values[token] if token in values else int(token)))
    (result,) = stack
    return int(result)


def _after_colon(prompt: str) -> str:
    return prompt.rpartition(": ")[2]


def _expression_function(prompt: str, evaluate: Callable[[str, Mapping[str, int]], int]) -> Function:
    head, _, rest = prompt.partition("` that returns")
    names = re.findall(r"(\w+): int", head)
    text = re.search(r"`([^`]+)`", rest).group(1)  # type: ignore[union-attr]

    def solve(*args: int) -> int | None:
        try:
            return evaluate(text, dict(zip(names, args, strict=True)))
        except ZeroDivisionError:
            return None

    return solve


def _cancel(text: str) -> str:
    """What is left when adjacent matching brackets have been taken out as often as possible."""
    while (shorter := re.sub(r"\(\)|\[\]|\{\}", "", text)) != text:
        text = shorter
    return text


def _deepest(text: str) -> int:
    heads = [text[:end] for end in range(len(text))]
    return max(sum(head.count(a) - head.count(b) for a, b in ("()", "[]", "{}")) for head in heads)


_CLOSE = str.maketrans("([{", ")]}")


def _brackets_answer(prompt: str) -> str:
    strings = _after_colon(prompt).split()
    if "balanced" in prompt:
        return " ".join("no" if _cancel(text) else "yes" for text in strings)
    if "depth" in prompt:
        return " ".join(str(_deepest(text)) for text in strings)
    return _cancel(strings[0])[::-1].translate(_CLOSE)


def _brackets_function(prompt: str) -> Function:
    prefix = re.search(r"puts `([^`]+)`", prompt).group(1)  # type: ignore[union-attr]
    kinds = re.search(r"The brackets are (.+?);", prompt).group(1)  # type: ignore[union-attr]
    alphabet = set(kinds.replace(" and ", "").replace(" ", ""))

    def solve(text: str) -> Any:
        whole = "".join(char for char in prefix + text if char in alphabet)
        left = _cancel(whole)
        hopeless = any(char in ")]}" for char in left)
        if "returns True if" in prompt:
            return not left
        if "nesting depth" in prompt:
            return -1 if left else _deepest(whole)
        return None if hopeless else left[::-1].translate(_CLOSE)

    return solve


def _merge_sorted(numbers: list[int]) -> list[int]:
    out: list[int] = []
    for number in numbers:
        at = sum(other <= number for other in out)
        out.insert(at, number)
    return out


def _step(words: str, numbers: list[int]) -> list[int]:
    """One list operation, understood from its words."""
    found = re.search(r"\d+", words)
    k = int(found.group()) if found else 0
    if "ascending" in words:
        return _merge_sorted(numbers)
    if "descending" in words:
        return list(reversed(_merge_sorted(numbers)))
    if words.startswith("reverse"):
        return [numbers[-place] for place in range(1, len(numbers) + 1)]
    if "even" in words or "odd" in words:
        return list(filter(lambda number: bool(number & 1) == ("odd" in words), numbers))
    if "above" in words or "greater" in words:
        return list(filter(k.__lt__, numbers))
    if "below" in words or "less than" in words:
        return list(filter(k.__gt__, numbers))
    if words.startswith("add"):
        return list(map(k.__add__, numbers))
    if "drop the first" in words:
        return [number for place, number in enumerate(numbers) if place >= k]
    if "drop the last" in words:
        return [number for place, number in enumerate(numbers) if place < len(numbers) - k]
    return numbers + _found(words, numbers) if words.startswith("append") else numbers


def _found(words: str, numbers: list[int]) -> list[int]:
    if "sum" in words:
        return [int(math.fsum(numbers))]
    ordered = _merge_sorted(numbers)
    return ordered[-1:] if "maximum" in words or "largest" in words else ordered[:1]


def _list_answer(prompt: str) -> str:
    numbers, steps = re.fullmatch(r"Take the list (.+) and do in order: (.+)", prompt).groups()  # type: ignore[union-attr]
    value = [int(number) for number in numbers.split()]
    for words in steps.split("; "):
        value = _step(words, value)
    return " ".join(map(str, value))


def _list_function(prompt: str) -> Function:
    steps = re.search(r"does in order: (.+)\.(?:\n|$)", prompt).group(1)  # type: ignore[union-attr]

    def solve(numbers: list[int]) -> Any:
        for words in steps.split("; "):
            numbers = _step(words, numbers)
        return numbers

    return solve


_ANSWERS: dict[str, Callable[[str], str]] = {
    "arithmetic": lambda prompt: str(_infix(_after_colon(prompt), {})),
    "rpn": lambda prompt: str(_postfix(_after_colon(prompt), {})),
    "parentheses": _brackets_answer,
    "list_ops": _list_answer,
}
_FUNCTIONS: dict[str, Callable[[str], Function]] = {
    "arithmetic": lambda prompt: _expression_function(prompt, _infix),
    "rpn": lambda prompt: _expression_function(prompt, _postfix),
    "parentheses": _brackets_function,
    "list_ops": _list_function,
}


def _two_sum(nums: list[int], target: int) -> list[int]:
    found = [[i, j] for i, j in combinations(range(len(nums)), 2) if nums[i] + nums[j] == target]
    if len(found) > 1:
        raise ValueError("more than one pair")
    return found[0] if found else []


def _fizzbuzz(n: int) -> list[str]:
    words = {0: "FizzBuzz", **dict.fromkeys((3, 6, 9, 12), "Fizz"), **dict.fromkeys((5, 10), "Buzz")}
    return [words.get(i % 15, str(i)) for i in range(1, n + 1)]


def _palindrome(text: str) -> bool:
    kept = re.sub("[^a-z0-9]", "", text.lower())
    return all(kept[i] == kept[-1 - i] for i in range(len(kept) // 2))


def _parts(nums: list[int]) -> list[list[int]]:
    return [nums[i:j] for i, j in combinations(range(len(nums) + 1), 2)]


def _fibonacci(n: int) -> int:
    """Binet's formula is not exact; a sum of binomial coefficients is."""
    return sum(math.comb(n - 1 - k, k) for k in range((n + 1) // 2))


_HANDWRITTEN: dict[str, Function] = {
    "two_sum": _two_sum,
    "fizzbuzz": _fizzbuzz,
    "reverse_string": lambda text: "".join(reversed(text)),
    "is_palindrome": _palindrome,
    "max_subarray": lambda nums: max(map(sum, _parts(nums)), default=0),
    "fibonacci": _fibonacci,
    "binary_search": lambda nums, target: nums.index(target) if target in nums else -1,
    "valid_parentheses": lambda text: not _cancel(text),
    "merge_sorted_arrays": lambda first, second: _merge_sorted(first + second),
    "remove_duplicates": lambda nums: [n for i, n in enumerate(nums) if n not in nums[:i]],
}
