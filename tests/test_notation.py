"""JSON in and out keeps every integer, and is orjson's in all else."""

from __future__ import annotations

import json
import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from axiom_cli import json_codec, jsonl
from axiom_cli.ids import canonical, content_id
from axiom_cli.records import Problem, Program
from axiom_cli.workspace.receipts import Receipt, decode, encode

HUGE = math.factorial(25)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(codec="utf-8")) | st.text('0123456789\\"', max_size=60)
VALUES = st.recursive(
    PLAIN | TEXT | st.integers(-(2**70), 2**70), lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner)
)


def same(a, b):
    """Equal, types and all."""
    return repr(a) == repr(b)


@pytest.mark.slow
@given(VALUES)
def test_every_value_comes_back(value):
    assert same(json_codec.loads(json_codec.dumps(value)), value)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("size", [2**63 - 1, 2**63, 2**63 + 1, 2**64 - 1, 2**64, HUGE, 10**18, 10**19, 10**400])
def test_integers_of_any_size(sign, size):
    for gap in range(6):
        value = {" " * gap: [sign * size, {"a": sign * size}]}
        assert same(json_codec.loads(json.dumps(value).encode()), value)
        assert json_codec.dumps(value) == json.dumps(value, separators=(",", ":")).encode()
    assert json_codec.dumps({"b": (sign * size,), "a": 1.5}, orjson.OPT_SORT_KEYS).startswith(b'{"a":1.5,"b":[')


@pytest.mark.parametrize(
    "text",
    ["0.1234567890123456789", "-12345678901234567890.5", "1e19", "1234567890123456789e3", '"12345678901234567890123"',
     '"\\u12345678901234567890123"', "123456789012345678", "12345678901234567890e-19", '{"99999999999999999999": 1}'],
)  # fmt: skip
def test_floats_and_strings_with_many_digits(text):
    for around in ("{}", "[{}, 99999999999999999999]"):
        line = around.format(text).encode()
        assert same(json_codec.loads(line), json.loads(line))


@pytest.mark.parametrize(
    "text",
    ["[NaN, {}]", "[Infinity, {}]", '["\\ud800", {}]', "[01, {}]", "[0{}]", "[{}", "[{}] 1", "[1e999, {}]",
     "{}" * 1000 + ".5", "{}" * 1000, "[" * 100_000 + "{}", '["\t", {}]'],
)  # fmt: skip
def test_what_is_no_json_is_refused_beside_long_integers_too(text):
    with pytest.raises(orjson.JSONDecodeError):
        json_codec.loads(text.replace("{}", str(HUGE)).encode())
    with pytest.raises(orjson.JSONDecodeError):
        json_codec.loads(f'["é", {HUGE}]'.encode("latin-1"))


def test_a_problem_whose_expected_value_is_huge_survives_the_pipe_and_has_its_own_id():
    tests = [{"args": [25], "expected": HUGE}, {"args": [-HUGE], "expected": 0.1234567890123456789}]
    problem = Problem("p", "f", "t", "?", 1, "train", program=Program("f", "def f(n)", tests=tests))
    read = jsonl.parse(jsonl.dump(problem), 1, Problem)
    assert same(read.program.tests, tests)
    assert content_id([HUGE]) != content_id([HUGE + 1]) != content_id([float(HUGE)])
    assert canonical({"b": HUGE, "a": 1}) == b'{"a":1,"b":%d}' % HUGE


def test_receipts_keep_them():
    recipe = {"stage": "solve", "version": 1, "config": {"seed": HUGE}, "inputs": {}}
    receipt = Receipt(recipe, {}, {"fact": [HUGE]})
    assert same(decode(encode(receipt), receipt.id).facts, {"fact": [HUGE]})


def test_what_cannot_be_written_is_refused_as_before():
    with pytest.raises(TypeError):
        json_codec.dumps([object(), HUGE])
