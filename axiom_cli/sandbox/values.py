"""Values that came from an untrusted program, as bytes: read without trusting their shape, compared without running it.

The child writes `marshal` version 2 of exact built-in types. Nearly always the bytes equal those of the expected value,
and nothing is decoded at all. Otherwise the bounded reader decodes them (`inside/reader.py`).
"""

from __future__ import annotations

import marshal
import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

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


@dataclass(frozen=True)
class Rule:
    """What counts as equal. Types are strict, save that an int may equal a float; a problem may relax the rest."""

    tuple_is_list: bool = False
    tolerance: float = 0.0
    unordered: bool = False
    tokens: bool = False
    anything: bool = False


@lru_cache(maxsize=256)
def rule(checker: str | None) -> Rule:
    """The rule that a problem's `checker` names: `tuple_is_list`, `float:1e-6`, `unordered` or `tokens`, joined by
    commas. Raises InputError on any other word."""
    options: dict[str, Any] = {}
    for word in filter(None, (part.strip() for part in (checker or "").split(","))):
        name, _, number = word.partition(":")
        try:
            if name == "float":
                options["tolerance"] = float(number)
            elif name in ("tuple_is_list", "unordered", "tokens") and not number:
                options[name] = True
            else:
                raise ValueError
        except ValueError:
            raise InputError(
                f"unknown checker {word!r}", "checkers are tuple_is_list, float:TOLERANCE, unordered, tokens"
            ) from None
    if not 0 <= options.get("tolerance", 0.0) < math.inf:
        raise InputError(f"checker {checker!r} needs a tolerance of at least 0")
    return Rule(**options)


def equal(expected: Any, expected_bytes: bytes, returned: bytes, by: Rule) -> bool:
    """Whether the returned bytes mean the expected value under the rule."""
    if returned == expected_bytes or by.anything:
        return True
    try:
        value = decode(returned)
    except UnreadableError:
        return False
    if by.tokens and isinstance(expected, str) and isinstance(value, str):
        return _same_tokens(expected.split(), value.split(), by)
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
    if type(expected) in (int, float):
        return type(value) in (int, float) and _same_number(expected, value, by.tolerance)
    return type(expected) is type(value) and expected == value


def _same_sequence_type(expected: Any, value: Any, by: Rule) -> bool:
    return by.tuple_is_list or type(expected) is type(value)


def _same_number(expected: float, value: float, tolerance: float) -> bool:
    if expected == value:
        return True
    if isinstance(expected, float) and math.isnan(expected):
        return isinstance(value, float) and math.isnan(value)
    if not tolerance:
        return False
    try:
        return abs(expected - value) <= tolerance * max(1.0, abs(expected))
    except OverflowError:
        return False


NUMBER = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


def _same_tokens(expected: list[str], value: list[str], by: Rule) -> bool:
    """Words are equal as text, or as numbers within the tolerance if there is one."""
    if not by.tolerance or len(expected) != len(value):
        return expected == value

    def same_word(wanted: str, got: str) -> bool:
        both_numbers = NUMBER.fullmatch(wanted) and NUMBER.fullmatch(got)
        return wanted == got or both_numbers is not None and _same_number(float(wanted), float(got), by.tolerance)

    return all(same_word(wanted, got) for wanted, got in zip(expected, value, strict=True))


MOST_UNORDERED = 2000  # where each item has to be compared with many


def _same_bag(expected: list[Any], value: list[Any], by: Rule) -> bool:
    """Each expected item has a partner of its own. With a tolerance, numbers are matched in their order and other items
    greedily, so that the tolerance should be smaller than the distances between them."""
    if len(expected) != len(value):
        return False
    if not by.tolerance:
        return Counter(_canonical(one, by) for one in expected) == Counter(_canonical(one, by) for one in value)
    if all(type(one) in (int, float) and one == one for one in (*expected, *value)):
        return all(_same_number(*pair, by.tolerance) for pair in zip(sorted(expected), sorted(value), strict=True))
    if len(expected) > MOST_UNORDERED:
        return False
    unmatched = value
    for wanted in expected:
        partner = next((place for place, got in enumerate(unmatched) if same(wanted, got, by)), None)
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
    if isinstance(value, float):
        return int(value) if value.is_integer() else math.nan if math.isnan(value) else value
    return value
