"""How fast a server is asked: so many at a time, so far apart, and slower, all together, when it asks for that."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime, formatdate

import pytest

from axiom_cli.errors import MissingError
from axiom_cli.sampling.engines.chat_client import LONGEST_RETRY_AFTER
from axiom_cli.sampling.engines.protocol import requests, sample_seed
from axiom_cli.sampling.engines.rate_limiter import retry_after
from chat_server import chat_server, seeded
from command_line import axiom, failed
from test_remote import CONFIG, PROBLEMS, engine_for, no_keys, written  # noqa: F401

BUSY = {"error": {"message": "too many"}}


class Crowd:
    """Answers, and remembers the most requests that it saw side by side. Each is held until there are `wanted` of them,
    five seconds at most, and then for `seconds`."""

    def __init__(self, seconds: float = 0.1, wanted: int = 0) -> None:
        self.seconds, self.wanted = seconds, wanted
        self.now, self.most, self.guard = 0, 0, threading.Lock()

    def __call__(self, body):
        with self.guard:
            self.now += 1
            self.most = max(self.most, self.now)
        ends = time.monotonic() + 5
        while self.most < self.wanted and time.monotonic() < ends:
            time.sleep(0.01)
        time.sleep(self.seconds)
        with self.guard:
            self.now -= 1
        return seeded(body)


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", [1, 3, pytest.param(16, marks=pytest.mark.slow)])
def test_so_many_requests_are_under_way_and_no_more(concurrency):
    crowd = Crowd(0.2, wanted=concurrency)
    with chat_server(crowd) as server:
        samples = written(server, 2 * concurrency, concurrency=concurrency)
    assert [sample.index for sample in samples] == list(range(2 * concurrency))
    assert crowd.most == concurrency


@pytest.mark.slow
def test_requests_a_minute_are_evenly_spaced_over_all_of_them():
    with chat_server(Crowd(0.3)) as server:
        written(server, 6, concurrency=4, requests_per_minute=240)
    gaps = [b - a for a, b in zip(server.times, server.times[1:], strict=False)]
    assert server.times[-1] - server.times[0] >= 1.0 and min(gaps) > 0.05


@pytest.mark.slow
def test_one_refusal_with_retry_after_stops_all():
    with chat_server() as server:
        server.faults = [(429, BUSY, {"retry-after": "0.8"})]
        samples = written(server, 20, concurrency=4)
    assert [sample.finish for sample in samples] == ["stop"] * 20 and len(server.requests) == 21
    at_first = [when for when in server.times if when - server.times[0] < 0.75]
    assert len(at_first) <= 4 + 3  # each of the three others may be answered, and ask again, before the refusal is read


@pytest.mark.slow
def test_retry_after_may_be_a_date():
    with chat_server() as server:
        until = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=2), usegmt=True)
        server.faults = [(503, BUSY, {"retry-after": until})]
        written(server)
    assert server.times[1] - server.times[0] >= 0.9


def test_a_date_is_read_by_the_clock_of_the_server():
    told = {"retry-after": formatdate(1_000_030, usegmt=True), "date": formatdate(1_000_000, usegmt=True)}
    assert retry_after(told) == 30
    assert retry_after({"retry-after": formatdate(0, usegmt=True)}) == 0
    for none in ("", "soon", "Thu, 99 Foo", "nan seconds"):
        assert retry_after({"retry-after": none}) is None
    assert (retry_after({"retry-after": "7"}), retry_after({"retry-after": "-1"})) == (7, 0)


def test_a_wait_that_is_too_long_ends_the_run():
    with chat_server() as server:
        server.faults = [(429, BUSY, {"retry-after": str(LONGEST_RETRY_AFTER + 3000)})] * 9
        with pytest.raises(MissingError, match="come back in 3,600 seconds") as caught:
            written(server)
    assert "resumes" in caught.value.hint


class Limited:
    """A server that takes so many requests side by side, and turns down the others."""

    def __init__(self, most: int, seconds: float) -> None:
        self.most, self.seconds = most, seconds
        self.now, self.turned_down, self.guard = 0, 0, threading.Lock()

    def __call__(self, body):
        with self.guard:
            if self.now >= self.most:
                self.turned_down += 1
                return 429, BUSY
            self.now += 1
        time.sleep(self.seconds)
        with self.guard:
            self.now -= 1
        return seeded(body)


@pytest.mark.slow
def test_the_number_side_by_side_follows_what_the_server_takes():
    limited = Limited(2, 0.15)
    with chat_server(limited) as server:
        samples = written(server, 40, concurrency=32, retries=5)
    assert [sample.finish for sample in samples] == ["stop"] * 40
    assert limited.turned_down < 110


@pytest.mark.slow
def test_patience_with_a_busy_server_does_not_run_out_while_it_answers_others():
    def rare(body):
        rare.count += 1
        return seeded(body) if rare.count % 4 == 0 else (429, BUSY)

    rare.count = 0
    with chat_server(rare) as server:
        samples = written(server, 32, concurrency=8, retries=3)
    assert [sample.finish for sample in samples] == ["stop"] * 32


@pytest.mark.slow
def test_a_slow_request_holds_up_only_so_many():
    problems = [replace(PROBLEMS[0], id=str(number)) for number in range(200)]

    def first_one_slow(body):
        if body["seed"] == sample_seed(CONFIG.seed, problems[0], 0):
            time.sleep(4)
        return seeded(body)

    with chat_server(first_one_slow) as server:
        engine = engine_for(server, concurrency=2)
        groups = engine.generate(requests(problems), CONFIG, 1)
        next(groups)
        assert 20 < len(server.requests) < 60
        groups.close()
        engine.close()


@pytest.mark.parametrize("words", [["--concurrency", "0"], ["--requests-per-minute", "-1"], ["--request-timeout", "0"]])
def test_the_options_have_bounds(words, tmp_path):
    failed(axiom("solve", "--model", "http://127.0.0.1:9/v1#m", *words, cwd=tmp_path), 2, words[0], "out of bounds")
