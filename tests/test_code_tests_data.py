"""The data between a program and tests that are code: it arrives as it was, and no bytes can hurt its reader."""

from __future__ import annotations

import contextlib
import marshal
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axiom_cli.errors import InputError
from axiom_cli.records import Program
from axiom_cli.sandbox import code_suite
from axiom_cli.sandbox.inside import plain
from axiom_cli.sandbox.inside.reader import Unreadable
from axiom_cli.sandbox.inside.tests import Channel, Data, Remote

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()


def test_a_program_killed_from_outside_is_tried_again():
    with Sandbox(Limits(timeout=5.0), jobs=1) as box:
        zygote = box._workers[0]._process.pid
        wrapper = descendants(zygote)

        def kill():
            until = time.monotonic() + 60
            while len(pair := descendants(zygote)[-2:]) < 2 or set(pair) & set(wrapper):
                assert time.monotonic() < until
            os.kill(min(pair), signal.SIGKILL)

        threading.Thread(target=kill).start()
        outcome = box.check("import time\ndef f(x):\n    time.sleep(0.5)\n    return 2 * x", program(PLAIN))
        assert outcome.status == "pass", outcome


values = st.recursive(
    scalars | st.complex_numbers(allow_nan=False),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner)
    | st.sets(st.integers() | st.text()) | st.frozensets(st.binary()),
    max_leaves=20,
)  # fmt: skip
cut = st.builds(lambda value, at, end: marshal.dumps(value, 2)[:at] + end, values, st.integers(0, 50), st.binary())


def refuse(value):
    raise ValueError(value)


def typed(value):
    """A value that is equal only where the types are, too."""
    if isinstance(value, dict):
        return dict, [(typed(key), typed(item)) for key, item in value.items()]
    if isinstance(value, (set, frozenset)):
        return type(value), frozenset(map(typed, value))
    return type(value), list(map(typed, value)) if isinstance(value, (list, tuple)) else value


@given(values)
@settings(max_examples=150, deadline=None)
def test_what_a_program_returns_is_what_its_tests_get(value):
    got = Data(plain.dumps(value, refuse), Channel(0)).whole()
    assert typed(got) == typed(value) == typed(plain.reduced(value, refuse)) == typed(plain.restored(value, refuse))


@given(st.binary(max_size=200) | cut)
@settings(max_examples=400, deadline=None)
def test_no_bytes_break_the_tests_reader(data):
    with contextlib.suppress(Unreadable):
        Data(data, Channel(0)).whole()


def test_objects_are_numbers_on_the_way_and_no_number_is_trusted():
    channel = Channel(0)
    other = object()
    held = {0: other}
    got = Data(plain.dumps([1, {"a": other}], lambda value: (..., 0)), channel).whole()
    assert type(got[1]["a"]) is Remote
    assert plain.restored(marshal.loads(plain.dumps(got, channel.lend)), held.__getitem__) == [1, {"a": other}]
    for unhashable in (b"{(\x02\0\0\0.i\0\0\0\0N0", b"<\x01\0\0\0[\0\0\0\0"):
        with pytest.raises(Unreadable):
            Data(unhashable, channel).whole()


def test_colliding_keys_are_refused_at_once():
    prime = 2**61 - 1
    for evil in ({n * prime: 0 for n in range(1, 3000)}, {n * prime for n in range(1, 3000)}):
        began = time.monotonic()
        with pytest.raises(Unreadable, match="collide"):
            Data(marshal.dumps(evil, 2), Channel(0)).whole()
        assert time.monotonic() - began < 2


@given(st.text() | st.text(alphabet="f(x)=: \n1,[]asertdcheckanidlmbpow.\"'", max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_is_tests_or_a_named_error(text):
    with contextlib.suppress(InputError):
        assert code_suite.prepare(Program("f", "f", test_code=text or " ", reference=text)).source
