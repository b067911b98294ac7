"""Values that came from an untrusted program, as bytes: read without trusting their shape, compared without running it.

The child writes `marshal` version 2 of exact built-in types. Nearly always the bytes equal those of the expected value,
and nothing is decoded at all. Otherwise the bounded reader decodes them (`inside/reader.py`).
"""

from __future__ import annotations

import marshal
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from axiom_cli.errors import InputError
from axiom_cli.sandbox.inside.reader import Mapping, UnreadableError, decode


def encode(value: Any) -> bytes:
    """The bytes that a child would send for `value`. Raises InputError if it is not made of plain built-in types."""
    try:
        return marshal.dumps(value, 2)
    except ValueError:
        raise InputError(f"a test holds a value that is not plain data: {value!r:.60}") from None


def read(data: bytes) -> Any:
    """The value that a child sent. Raises UnreadableError where it is not made of what JSON has, and tuples."""
    return _with_dicts(decode(data))


def _with_dicts(value: Any) -> Any:
    if isinstance(value, Mapping):
        keys = list(map(decode, value.items))
        if not all(isinstance(key, str) for key in keys):
            raise UnreadableError("a key that is not text")
        return dict(zip(keys, map(_with_dicts, value.items.values()), strict=True))
    return type(value)(map(_with_dicts, value)) if isinstance(value, (list, tuple)) else value


NUMBERS = (bool, int, float)
WITHIN: Final[dict[str, tuple[int, Callable[..., bool]]]] = {
    "float": (1, lambda off, expected, _got, bound: off <= bound * max(1.0, expected)),
    "within": (1, lambda off, _expected, _got, bound: off <= bound),
    "below": (1, lambda off, _expected, _got, bound: off < bound),
    "allclose": (2, lambda off, expected, _got, absolute, relative: off <= absolute + relative * expected),
    "isclose": (2, lambda off, expected, got, relative, absolute: off <= max(relative * max(expected, got), absolute)),
}
"""Bounds on how far a number may be off: how many figures each takes, and whether it holds, given the difference and
the absolute values of both numbers. `allclose` is NumPy's, `isclose` that of the module `math`."""
FLAGS = ("tuple", "tuple_is_list", "bool_is_int", "unordered", "tokens")
CHECKERS = (
    "checkers are tuple, tuple_is_list, bool_is_int, unordered, tokens, in_place, argument:N, float:TOLERANCE, "
    "within:BOUND, below:BOUND, allclose:ABSOLUTE:RELATIVE, isclose:RELATIVE:ABSOLUTE"
)


@dataclass(frozen=True)
class Rule:
    """What counts as equal. Types are strict, save that an int may equal a float; a problem may relax the rest.

    A `bound` never holds between two whole numbers: they are equal or not. With `argument`, what is compared is that
    argument of the call, as the call left it, in place of what is returned. `from_list`, as JSON has no tuples: the
    expected list stands for one.
    """

    from_list: bool = False
    tuple_is_list: bool = False
    bool_is_int: bool = False
    bound: tuple[str, tuple[float, ...]] | None = None
    unordered: bool = False
    tokens: bool = False
    argument: int | None = None
    anything: bool = False


@lru_cache(maxsize=256)
def rule(checker: str | None) -> Rule:
    """The rule that a `checker` names: words of CHECKERS, joined by commas. Raises InputError on any other."""
    options: dict[str, Any] = {}
    for word in filter(None, (part.strip() for part in (checker or "").split(","))):
        name, *figures = word.split(":")
        try:
            option, value = _option(name, figures)
        except ValueError:
            raise InputError(f"unknown checker {word!r}", CHECKERS) from None
        if options.get(option, value) != value:
            raise InputError(f"the checker {checker!r} contradicts itself with {word!r}")
        options[option] = value
    return Rule(**options)


def _option(name: str, figures: list[str]) -> tuple[str, Any]:
    """A word of a checker as a field of the rule, and its value. Raises ValueError."""
    if name in FLAGS and not figures:
        return "from_list" if name == "tuple" else name, True
    if name == "in_place" and not figures:
        return "argument", 0
    if name == "argument" and len(figures) == 1 and figures[0].isdecimal():
        return "argument", int(figures[0])
    if name in WITHIN and len(figures) == WITHIN[name][0]:
        numbers = tuple(map(float, figures))
        if all(0 <= number < math.inf for number in numbers):
            return "bound", (name, numbers)
    raise ValueError


def unreachable(expected: Any, args: Sequence[Any], by: Rule) -> str:
    """Why no call with these arguments could be right under the rule; empty if one could be."""
    if by.from_list and not isinstance(expected, (list, tuple)):
        return f"it expects {expected!r:.40}, not a list that stands for a tuple"
    if by.unordered and by.bound and not _is_matched(expected):
        return f"more than {MOST_UNORDERED} items that are not numbers are not compared in any order within a bound"
    if by.argument is None:
        return ""
    if by.argument >= len(args):
        return f"it has no argument {by.argument} to compare"
    changed = args[by.argument]
    if not any(isinstance(changed, kind) and isinstance(expected, kind) for kind in (list, dict)):
        return f"no call can turn its argument {by.argument}, {changed!r:.40}, into {expected!r:.40}"
    return ""


def equal(expected: Any, expected_bytes: bytes, returned: bytes, by: Rule) -> bool:
    """Whether the returned bytes mean the expected value under the rule."""
    if returned == expected_bytes or by.anything:
        return True
    try:
        value = decode(returned)
    except UnreadableError:
        return False
    if by.tokens and isinstance(expected, str) and isinstance(value, str):
        return _same_lines(expected, value, by) if by.unordered else _same_tokens(expected.split(), value.split(), by)
    if by.unordered and isinstance(expected, (list, tuple)) and isinstance(value, (list, tuple)):
        return _same_sequence_type(expected, value, by) and _same_bag(list(expected), list(value), by)
    return same(expected, value, by)


def same(expected: Any, value: Any, by: Rule) -> bool:
    """Equality of a trusted value and a decoded one. `True` is not `1`, `"a"` is not `b"a"`, `[1]` is not `(1,)`."""
    if isinstance(expected, dict):
        if not isinstance(value, Mapping):
            return False
        by_key = {encode(key): item for key, item in expected.items()}
        return by_key.keys() == value.items.keys() and all(
            same(item, value.items[key], by) for key, item in by_key.items()
        )
    if isinstance(expected, (list, tuple)):
        return (
            isinstance(value, (list, tuple))
            and _same_sequence_type(expected, value, by)
            and len(expected) == len(value)
            and all(same(wanted, got, by) for wanted, got in zip(expected, value, strict=True))
        )
    if type(expected) in NUMBERS and type(value) in NUMBERS:
        return _same_number(expected, value, by)
    return type(expected) is type(value) and expected == value


def _same_sequence_type(expected: Any, value: Any, by: Rule) -> bool:
    return by.tuple_is_list or type(expected) is type(value)


def _same_number(expected: float, value: float, by: Rule) -> bool:
    if isinstance(expected, bool) or isinstance(value, bool):
        return expected == value and (by.bool_is_int or type(expected) is type(value))
    if expected == value:
        return True
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(value, float) and math.isnan(value)
    if by.bound is None or (isinstance(expected, int) and isinstance(value, int)):
        return False
    name, figures = by.bound
    try:
        return WITHIN[name][1](abs(value - expected), abs(expected), abs(value), *figures) and math.isfinite(value)
    except OverflowError:
        return False


NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
WHOLE = re.compile(r"([-+]?)0*([0-9]+)")


def _same_tokens(expected: list[str], value: list[str], by: Rule) -> bool:
    """Words are equal as text, or as numbers if there is a bound on how far these may be off."""
    if not by.bound or len(expected) != len(value):
        return expected == value
    return all(wanted == got or _same_figures(wanted, got, by) for wanted, got in zip(expected, value, strict=True))


def _same_figures(expected: str, value: str, by: Rule) -> bool:
    """Whether two words are numbers, and near enough. Whole ones may have more digits than Python turns into an int."""
    whole = [WHOLE.fullmatch(word) for word in (expected, value)]
    if whole[0] and whole[1]:
        (sign, digits), (other, others) = whole[0].groups(), whole[1].groups()
        return digits == others and (digits == "0" or (sign == "-") == (other == "-"))
    if not NUMBER.fullmatch(expected) or not NUMBER.fullmatch(value):
        return False
    numbers = float(expected), float(value)
    return math.isfinite(sum(map(abs, numbers))) and _same_number(*numbers, by)


def _same_lines(expected: str, value: str, by: Rule) -> bool:
    """Texts of the same lines, in any order, words compared as tokens. Blank lines do not count."""
    lines, others = ([words for line in text.splitlines() if (words := line.split())] for text in (expected, value))
    if not by.bound:
        return Counter(map(tuple, lines)) == Counter(map(tuple, others))
    return _each_has_partner(lines, others, lambda line, other: _same_tokens(line, other, by))


MOST_UNORDERED = 2000  # where each item has to be compared with many


def _same_bag(expected: list[Any], value: list[Any], by: Rule) -> bool:
    """Each expected item has a partner of its own. With a tolerance, numbers are matched in their order and other items
    greedily, so that the tolerance should be smaller than the distances between them."""
    if len(expected) != len(value):
        return False
    if not by.bound:
        return Counter(_canonical(item, by) for item in expected) == Counter(_canonical(item, by) for item in value)
    if all(type(item) in (int, float) and item == item for item in (*expected, *value)):
        return all(_same_number(*pair, by) for pair in zip(sorted(expected), sorted(value), strict=True))
    return _each_has_partner(expected, value, lambda wanted, got: same(wanted, got, by))


def _is_matched(expected: Any) -> bool:
    """Whether the items of a sequence, or the lines of a text, can be matched with others one by one."""
    items = expected.splitlines() if isinstance(expected, str) else expected
    many = isinstance(items, (list, tuple)) and len(items) > MOST_UNORDERED
    return not many or all(type(item) in (int, float) for item in items)


def _each_has_partner(expected: list[Any], value: list[Any], match: Callable[[Any, Any], bool]) -> bool:
    if not len(value) == len(expected) <= MOST_UNORDERED:
        return False
    unmatched = [*value]
    for wanted in expected:
        partner = next((place for place, got in enumerate(unmatched) if match(wanted, got)), None)
        if partner is None:
            return False
        del unmatched[partner]
    return True


def _canonical(value: Any, by: Rule) -> bytes:
    """Bytes that are equal for values that are the same under a rule without tolerance. Bytes are hashed with a secret
    of this process, so that a program cannot make them collide."""
    return encode(_plain(value, by))


def _plain(value: Any, by: Rule) -> Any:
    if isinstance(value, dict):
        return {"": sorted((encode(key), _plain(item, by)) for key, item in value.items())}
    if isinstance(value, Mapping):
        return {"": sorted((key, _plain(item, by)) for key, item in value.items.items())}
    if isinstance(value, (list, tuple)):
        items = [_plain(item, by) for item in value]
        return items if by.tuple_is_list or isinstance(value, list) else tuple(items)
    if isinstance(value, bool):
        return int(value) if by.bool_is_int else value
    if isinstance(value, float):
        return int(value) if value.is_integer() else math.nan if math.isnan(value) else value
    return value
