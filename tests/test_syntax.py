"""Source is looked at without being run, by several threads at once."""

from __future__ import annotations

import ast
import gc
import threading
import time

import pytest

from axiom_cli import syntax


def test_what_is_no_python_or_too_much_has_no_tree():
    assert syntax.parse("x = 1").body
    for bad in ("x =", "\0", "x" * (syntax.LONGEST + 1), "(" * 10_000 + ")" * 10_000, "-" * 40_000 + "1"):
        assert syntax.parse(bad) is None


@pytest.mark.slow
def test_threads_do_not_confuse_each_other():
    """CPython 3.11 raises SystemError where two trees are built at once: where collecting garbage in the middle of one
    runs Python, and with it another thread."""
    source = "def f(a, b):\n    return [a + b * (c - 1) for c in range(10) if c % 2 == 0 or not (a and b)]\n" * 60
    failures = []

    def work():
        try:
            for _ in range(40):
                assert syntax.parse(source)
        except BaseException as error:
            failures.append(error)

    def pause(phase, info):
        time.sleep(0)

    gc.callbacks.append(pause)
    threads = [threading.Thread(target=work) for _ in range(4)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        gc.callbacks.remove(pause)
    assert failures == []


class Parsing:
    """What a log does that writes the traceback of an error which nobody asked for, once it is garbage."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        ast.parse("f(x)[1:2] + 3")


def test_what_is_garbage_may_parse_while_a_tree_is_built():
    gc.disable()
    try:
        for _ in range(50):
            Parsing()
    finally:
        gc.enable()
    assert syntax.parse("x = [1, 2, (3, 4)]\n" * 400)
