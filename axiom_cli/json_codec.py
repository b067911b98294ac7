"""JSON texts and their values: orjson's, but for integers beyond 64 bits, which it makes floats of or refuses."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any

import orjson

RUN = 19
"""The digits of the least integer that orjson gives back as a float: -9223372036854775809."""
STRIDE = 3
_FEW, _ALL = b"0" * (RUN // STRIDE), b"0" * RUN
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG = re.compile(rb"([0-9]{18})[0-9]+")


NAMES = {dict: "an object", list: "an array", str: "a string", int: "a number", float: "a number", bool: "a boolean"}
NAMES |= {type(None): "null"}


def loads(data: bytes) -> Any:
    """The value of a JSON text; an integer comes back as itself, whatever its size. Raises orjson.JSONDecodeError."""
    if _FEW not in data[::STRIDE].translate(_ZEROS) or _ALL not in data.translate(_ZEROS):
        return orjson.loads(data)  # no RUN digits stand in a row; every third byte tells, mostly
    orjson.loads(_LONG.sub(rb"\1", data))  # json is laxer: NaN, half a surrogate pair, other encodings
    try:
        return json.loads(data, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise orjson.JSONDecodeError(error.msg, error.doc, error.pos) from None
    except (ValueError, RecursionError) as error:
        raise orjson.JSONDecodeError(str(error), "", 0) from None


def fault(error: orjson.JSONDecodeError) -> str:
    """What is wrong with a text of one line, without the number of that line."""
    return f"not JSON: {error.msg}, at character {error.pos + 1}"


def called(value: Any) -> str:
    """What JSON calls a value of its own: `an array`, `null`."""
    return NAMES[type(value)]


def dumps(value: Any, option: int = 0) -> bytes:
    """The JSON text of `value` as orjson writes it under `option`; integers of any size are written out."""
    try:
        return orjson.dumps(value, option=option)
    except orjson.JSONEncodeError:
        return orjson.dumps(_written_out(value), option=option)


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0:
        raise ValueError(f"number is infinity: {text:.20}...")
    return number


def _written_out(value: Any) -> Any:
    """`value` with its integers beyond 64 bits as finished text."""
    if isinstance(value, dict):
        return {key: _written_out(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_written_out(item) for item in value]
    return orjson.Fragment(str(value)) if type(value) is int and not -(2**63) <= value < 2**64 else value


def carries(value: Any) -> bool:
    """Whether JSON gives a value back exactly: it has no tuples, no sets, no NaN, and only keys that are strings."""
    try:
        return _same(loads(dumps(value)), value)
    except (TypeError, ValueError, RecursionError):
        return False


def _same(back: Any, value: Any) -> bool:
    """Equal, and of the same types down to the last part: True is not 1."""
    if type(back) is not type(value):
        return False
    if isinstance(value, dict):
        return back.keys() == value.keys() and all(_same(back[key], value[key]) for key in value)
    if isinstance(value, list):
        return len(back) == len(value) and all(map(_same, back, value))
    return back == value


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
