"""Values from untrusted programs: types are strict, relaxations are declared, and no bytes can hurt the reader."""

from __future__ import annotations

import contextlib
import marshal
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axiom_cli.errors import InputError
from axiom_cli.sandbox.values import Mapping, UnreadableError, decode, encode, equal, rule

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


def same(expected, value, checker=None):
    return equal(expected, encode(expected), marshal.dumps(value, 2), rule(checker))


def plainly(value):
    """A decoded value as the plain one it stands for."""
    if isinstance(value, Mapping):
        return {marshal.loads(key): plainly(item) for key, item in value.items.items()}
    return type(value)(map(plainly, value)) if isinstance(value, (list, tuple)) else value


@given(plain)
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read(value):
    assert plainly(decode(encode(value))) == value
    assert same(value, value)


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_no_bytes_break_the_reader(data):
    with contextlib.suppress(UnreadableError):
        decode(data)
    assert not equal(object, b"\0never", data, rule(None))


@given(plain, st.data())
@settings(max_examples=150, deadline=None)
def test_no_damaged_value_breaks_the_reader(value, data):
    good = bytearray(encode(value))
    at = data.draw(st.integers(0, len(good) - 1))
    good[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UnreadableError):
        decode(bytes(good))


DIFFERENT = [
    (True, 1), (1, True), (False, 0), (0, False), (None, False), ("1", 1), (1, "1"), ("a", b"a"), ([1], (1,)),
    ((1,), [1]), ([True], [1]), ({"a": 1}, {"a": True}), ({"1": 1}, {1: 1}), ([], None), ([], {}), ("", None),
    ([1, 2], [2, 1]), ([1], [1, 1]), (1, 1.0000001), ({"a": 1}, {"a": 1, "b": 2}), (0.1 + 0.2, 0.3),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "value"), DIFFERENT, ids=repr)
def test_types_are_strict(expected, value):
    assert not same(expected, value)


def test_numbers_are_equal_by_value_and_dicts_in_any_order():
    assert same(2, 2.0) and same(2.0, 2) and same([0.0], [-0.0])
    assert same({"a": 1, "b": [2]}, {"b": [2.0], "a": 1})
    assert same(float("inf"), float("inf")) and not same(10**400, float("inf"))


def test_relaxations_are_declared():
    assert same([1, [2]], (1, (2,)), "tuple_is_list")
    assert same(1.0, 1.0000001, "float:1e-6") and not same(1.0, 1.1, "float:1e-6")
    assert same([1e9], [1e9 + 1], "float:1e-6") and not same(True, 1.0, "float:1e-6")
    assert not same(1.0, float("nan"), "float:1e-6")
    assert same([[1, 2], [3]], [[3], [1, 2]], "unordered") and not same([[1, 2]], [[2, 1]], "unordered")
    assert not same([1, 1, 2], [1, 2, 2], "unordered") and not same([1], (1,), "unordered")
    assert same([1.0, 2.0], (2.0, 1.0 + 1e-9), "unordered, tuple_is_list, float:1e-6")
    assert same("1 2\n", " 1  2", "tokens") and not same("12", "1 2", "tokens")
    for wrong in ("sorted", "float", "float:x", "float:-1", "float:inf", "unordered:2"):
        with pytest.raises(InputError):
            rule(wrong)


BOMBS = {
    "long list": b"[\xff\xff\xff\x7f",
    "negative length": b"[\xff\xff\xff\xff",
    "long text": b"u\xff\xff\xff\x7f",
    "deep": b"[\x01\0\0\0" * 100_000 + b"N",
    "deep dicts": b"{N" * 100_000,
    "huge integer": b"l" + (300_000).to_bytes(4, "little") + b"\x01\0" * 300_000,
    "open dict": b"{" + b"i\0\0\0\0N" * 100_000,
    "code": marshal.dumps(compile("1", "", "eval"), 2),
    "reference": b"r\0\0\0\0",
    "flagged": marshal.dumps([1, 1], 4),
    "bad text": b"u\x01\0\0\0\xff",
    "trailing": b"NN",
    "empty": b"",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_at_once(name):
    began = time.monotonic()
    with pytest.raises(UnreadableError):
        decode(BOMBS[name])
    assert time.monotonic() - began < 1
    assert not equal([1], encode([1]), BOMBS[name], rule(None))


def test_colliding_keys_cost_nothing():
    evil = marshal.dumps({n * (2**61 - 1): 0 for n in range(1, 3000)}, 2)
    began = time.monotonic()
    decode(evil)
    assert time.monotonic() - began < 1


def test_long_lists_in_any_order_and_numbers_that_are_close():
    unordered, close = rule("unordered"), rule("unordered,float:0.05")
    many = list(range(20_000))
    assert equal(many, encode(many), encode(many[::-1]), unordered)
    assert not equal(many, encode(many), encode([*many[:-1], 7]), unordered)
    mixed = [1, 2.0, True, "1", None, float("nan"), -0.0, [1, 2], {"a": [1]}, 10**4400]
    again = [10**4400, {"a": [1.0]}, [1.0, 2], 0, float("nan"), None, "1", True, 2, 1.0]
    assert equal(mixed, encode(mixed), encode(again), unordered)
    for at in range(len(mixed)):
        other = [*again[:at], "another", *again[at + 1 :]]
        assert not equal(mixed, encode(mixed), encode(other), unordered)
    assert not equal([1, 1, 2], encode([1, 1, 2]), encode([1, 2, 2]), unordered)
    assert not equal([(1, 2)], encode([(1, 2)]), encode([[1, 2]]), unordered)
    assert equal([1.05, 1.1], encode([1.05, 1.1]), encode([1.09, 1.0]), close)
    assert not equal([1.05, 1.1], encode([1.05, 1.1]), encode([1.0, 1.2]), close)


def test_printed_numbers_are_close_or_not():
    close = rule("tokens,float:1e-3")
    text = "x 1.0 2\n"
    for printed in ("x 1.0005 2.001", "x 1e0 +2", "x\n1. 2"):
        assert equal(text, encode(text), encode(printed), close), printed
        assert not equal(text, encode(text), encode(printed), rule("tokens"))
    for printed in ("x 1.1 2", "y 1 2", "x 1 2 3", "x 1_0 2", "x nan 2", "x \u0661 2", "x 1", ""):
        assert not equal(text, encode(text), encode(printed), close), printed
