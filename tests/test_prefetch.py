"""Reading ahead in a thread: order, bound, errors in their turn, and an end that reaches both sides."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterator

import pytest

from axiom_cli.prefetch import Prefetcher


def test_items_come_in_order_and_an_error_in_its_turn() -> None:
    def source() -> Iterator[int]:
        yield from range(100)
        raise ValueError("after the last")

    items = Prefetcher(source(), 7)
    assert [next(items) for _ in range(100)] == list(range(100))
    with pytest.raises(ValueError, match="after the last"):
        next(items)
    assert list(items) == [] and items.ended


def test_no_more_is_read_than_may_wait() -> None:
    read = []

    def source() -> Iterator[int]:
        for n in range(100):
            read.append(n)
            yield n

    items = Prefetcher(source(), 5)
    for n in items:
        assert len(read) <= n + 1 + 5 + 1, "those taken, those that wait, and one in the hand"
    assert len(read) == 100


def test_take_does_not_wait_and_a_poll_is_woken() -> None:
    go_on = threading.Event()

    def source() -> Iterator[str]:
        go_on.wait()
        yield "item"

    items = Prefetcher(source(), 1)
    assert items.take() is None and not items.ended
    poller = select.poll()
    poller.register(items, select.POLLIN)
    assert poller.poll(0) == []
    go_on.set()
    assert poller.poll(10_000)
    assert items.take() == "item"
    while not items.ended:
        time.sleep(0.001)
    assert items.take() is None
    items.close()


def test_what_came_before_the_poll_wakes_it() -> None:
    items = Prefetcher(iter([1]), 1)
    items.take()
    time.sleep(0.05)
    poller = select.poll()
    poller.register(items, select.POLLIN)
    assert poller.poll(10_000)
    items.close()


def test_close_ends_both_sides_and_closes_the_source() -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            while True:
                yield 0
        finally:
            closed.set()

    items = Prefetcher(source(), 3)
    next(items)
    items.close()
    assert closed.is_set()
    assert list(items) == []


def test_close_wakes_whoever_waits_for_a_source_that_blocks() -> None:
    never = threading.Event()
    items: Prefetcher[int] = Prefetcher(iter(never.wait, True), 1)
    waiting = threading.Thread(target=lambda: list(items))
    waiting.start()
    items.close(patience=0)
    waiting.join(10)
    assert not waiting.is_alive()
    never.set()
