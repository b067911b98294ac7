"""JSON as orjson reads and writes it, except for integers beyond 64 bits, which orjson turns into floats or refuses."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any

import orjson

LONG_INTEGER = 19
"""The digits of the shortest integer that orjson reads as a float: -9223372036854775809."""
STRIDE = 3
_SAMPLED_RUN, _LONG_RUN = b"0" * (LONG_INTEGER // STRIDE), b"0" * LONG_INTEGER
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG = re.compile(rb"([0-9]{18})[0-9]+")
_TYPE_NAMES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
}


def loads(data: bytes) -> Any:
    """The value of a JSON text, with integers of any size kept exact. Raises orjson.JSONDecodeError."""
    # A long integer is rare: looking at every third byte rules it out for most texts, at a third of the cost.
    sampled = data[::STRIDE].translate(_DIGITS_TO_ZERO)
    if _SAMPLED_RUN not in sampled or _LONG_RUN not in data.translate(_DIGITS_TO_ZERO):
        return orjson.loads(data)
    orjson.loads(_LONG.sub(rb"\1", data))  # json alone would accept NaN, half a surrogate pair and other encodings
    try:
        return json.loads(data, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise orjson.JSONDecodeError(error.msg, error.doc, error.pos) from None
    except (ValueError, RecursionError) as error:
        raise orjson.JSONDecodeError(str(error), "", 0) from None


def describe_error(error: orjson.JSONDecodeError) -> str:
    """What is wrong with a text of one line, without the line's number."""
    return f"not JSON: {error.msg}, at character {error.pos + 1}"


def type_name(value: Any) -> str:
    """What JSON calls the type of a value that it can hold: `an array`, `null`."""
    return _TYPE_NAMES[type(value)]


def dumps(value: Any, option: int = 0) -> bytes:
    """The JSON text of `value`, as orjson writes it with `option`; integers of any size are written in full."""
    try:
        return orjson.dumps(value, option=option)
    except orjson.JSONEncodeError:
        return orjson.dumps(_with_long_integers(value), option=option)


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0:
        raise ValueError(f"number is infinity: {text:.20}...")
    return number


def _with_long_integers(value: Any) -> Any:
    """`value` with its integers beyond 64 bits replaced by their finished text."""
    if isinstance(value, dict):
        return {key: _with_long_integers(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_long_integers(item) for item in value]
    return orjson.Fragment(str(value)) if type(value) is int and not -(2**63) <= value < 2**64 else value


def text(value: Any) -> str:
    """`value` itself if it is a string, otherwise its JSON text."""
    return value if isinstance(value, str) else dumps(value).decode()


def round_trips(value: Any) -> bool:
    """Whether JSON gives `value` back unchanged: no tuples, sets or NaN in it, and only strings as keys."""
    try:
        return _same(loads(dumps(value)), value)
    except (TypeError, ValueError, RecursionError):
        return False


def _same(back: Any, value: Any) -> bool:
    """Equal, with equal types at every level: True is not 1."""
    if type(back) is not type(value):
        return False
    if isinstance(value, dict):
        return back.keys() == value.keys() and all(_same(back[key], value[key]) for key in value)
    if isinstance(value, list):
        return len(back) == len(value) and all(map(_same, back, value))
    return bool(back == value)


def carries_test(value: Any) -> bool:
    """Whether JSON gives the value of an imported test back, if a tuple may become a list. Integers beyond 64 bits are
    refused."""
    if isinstance(value, (list, tuple)):
        return all(map(carries_test, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and carries_test(item) for key, item in value.items())
    if isinstance(value, float):
        return abs(value) < float("inf")
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return value is None or isinstance(value, str)


def jsonable(value: Any) -> Any:
    """A value of a data set's row as JSON has it: dates and times in ISO 8601, decimals as text, numbers that are not
    finite as null. What JSON cannot hold (images, sounds, bytes) is left out."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items() if not isinstance(item, (bytes, bytearray))}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value if not isinstance(item, (bytes, bytearray))]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, (date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else None
