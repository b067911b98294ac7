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
from axiom_cli.sandbox.inside import crossing, messages, plain, served
from axiom_cli.sandbox.inside.channel import Channel
from axiom_cli.sandbox.inside.reader import UnreadableError
from axiom_cli.sandbox.inside.reply_reader import ReplyReader
from axiom_cli.sandbox.judge import judge

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
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


@pytest.mark.slow
@given(values)
@settings(max_examples=150, deadline=None)
def test_what_a_program_returns_is_what_its_tests_get(value):
    program, judge = served.Served(), Channel(0)
    there = judge.unpack(ReplyReader(marshal.dumps(program.pack(value), 2)).whole())
    back = program.unpack(marshal.loads(marshal.dumps(Channel(0).pack(there), 2)))
    assert typed(there) == typed(value) == typed(plain.reduced(value, refuse)) == typed(back)


@pytest.mark.slow
@given(st.binary(max_size=200) | cut)
@settings(max_examples=400, deadline=None)
def test_no_bytes_break_the_tests_reader(data):
    with contextlib.suppress(ValueError, TypeError, LookupError, ArithmeticError):
        Channel(0).unpack(ReplyReader(data).whole())


def test_objects_are_numbers_on_the_way_and_no_number_is_trusted():
    program, judge, other = served.Served(), Channel(0), object()
    there = judge.unpack(ReplyReader(marshal.dumps(program.pack((1, (other, other))), 2)).whole())
    assert there[1][0] is there[1][1] and there[1][0] is not other
    assert program.unpack(marshal.loads(marshal.dumps(judge.pack(there), 2))) == (1, (other, other))
    for number in (-1, 10**30, "0"):
        with pytest.raises((ValueError, LookupError, TypeError)):
            judge.unpack((..., "object", number, "", None))
    for unhashable in (b"{[\0\0\0\0N0", b"<\x01\0\0\0[\0\0\0\0"):
        with pytest.raises(UnreadableError):
            ReplyReader(unhashable).whole()


def test_a_container_that_comes_back_is_the_one_that_went_and_both_copies_hold_the_same():
    program, judge = served.Served(), Channel(0)

    def cross(one, other, value):
        message = marshal.loads(marshal.dumps((one.pack(value), *one.changes()), 2))
        got = other.unpack(message[0])
        other.learn(*message[1:])
        return got

    mine = [3, [1], {"a": {2}}]
    theirs = cross(judge, program, mine)
    assert theirs == mine and cross(program, judge, (theirs, theirs[1])) == (mine, mine[1])
    assert cross(program, judge, theirs[1]) is mine[1]
    theirs[1].append(theirs[2])
    theirs[2]["a"].add(5)
    del theirs[0]
    cross(program, judge, None)
    assert mine == [[1, {"a": {2, 5}}], {"a": {2, 5}}] and mine[0][1] is mine[1]
    mine[1].clear()
    mine.append(crossing.deque([1], maxlen=1))
    cross(judge, program, None)
    assert theirs == [[1, {}], {}, crossing.deque([1])] and theirs[2].maxlen == 1
    del theirs, mine
    cross(program, judge, None)
    assert cross(program, judge, None) is None and not program.shared and not judge.shared


def test_colliding_keys_are_refused_at_once():
    prime = 2**61 - 1
    for evil in ({n * prime: 0 for n in range(1, 3000)}, {n * prime for n in range(1, 3000)}):
        began = time.monotonic()
        with pytest.raises(UnreadableError, match="collide"):
            ReplyReader(marshal.dumps(evil, 2)).whole()
        assert time.monotonic() - began < 2


@given(st.text() | st.text(alphabet="f(x)=: \n1,[]asertdcheckanidlmbpow.\"'", max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_is_tests_or_a_named_error(text):
    with contextlib.suppress(InputError):
        assert code_suite.prepare(Program("f", "f", test_code=text or " ", reference=text)).source


REPORT = messages.Report(1, 0, 0, 0.1, 0.1, messages.EXITED)
STARTED, END = (messages.HEADER.pack(kind, 0) for kind in (messages.STARTED, messages.END))
FAILED = messages.HEADER.pack(messages.FAILED, 2) + b"no"
NO_PASS = {
    "nothing": b"",
    "no end": STARTED,
    "no start": END,
    "twice": STARTED + END + END,
    "the other way round": END + STARTED,
    "more bytes": STARTED + END + b"x",
    "a failure before": STARTED + FAILED + END,
    "a failure after": STARTED + END + FAILED,
    "a failure instead": STARTED + FAILED,
    "a long end": STARTED + messages.HEADER.pack(messages.END, 1) + b"x",
    "a value": messages.HEADER.pack(messages.VALUE, 1) + b"T" + END,
}


@pytest.mark.parametrize("frames", NO_PASS.values(), ids=NO_PASS)
def test_only_one_run_of_frames_is_a_pass(frames):
    suite = code_suite.prepare(Program("f", "f", test_code="assert f()"))
    assert judge(suite, STARTED + END, REPORT, (1, 0, 1), flooded=False).status == "pass"
    assert judge(suite, frames, REPORT, (1, 0, 1), flooded=False).status != "pass"
    for report in (
        REPORT._replace(status=256),
        REPORT._replace(status=9),
        REPORT._replace(program=9),
        *(REPORT._replace(cause=cause) for cause in range(1, 5)),
    ):
        assert judge(suite, STARTED + END, report, (1, 0, 1), flooded=False).status != "pass"
    assert judge(suite, STARTED + END, REPORT, (1, 0, 1), flooded=True).status == "fail"
