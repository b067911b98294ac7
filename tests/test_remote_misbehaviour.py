"""Whatever a server does: a request ends in time, what is broken is a record or an error, and no key is ever said."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import time
import traceback
from dataclasses import replace

import pytest

from axiom_cli import jsonl
from axiom_cli.errors import AxiomError, MissingError, UsageError
from axiom_cli.sampling.engines.chat_client import REDACTED
from axiom_cli.sampling.engines.protocol import Request, requests
from chat_server import CHARGED, DAWDLE, Misbehaviour, chat_server, completion, seeded
from command_line import AXIOM, environment, rows
from test_remote import CONFIG, PROBLEMS, engine_for, written

KEY = "sk-a-secret-0123456789abcdef"
SOLVE = [*AXIOM, "solve", "--samples", "2", "--max-tokens", "16", "--request-timeout", "1", "--concurrency", "1"]
FAULTS = sorted(name for name in vars(Misbehaviour) if not name.startswith("_"))
LINES = b"".join(jsonl.dump(problem) for problem in PROBLEMS[:2])
REDIRECT = (302, {}, {"location": "http://127.0.0.1:9/v1/chat/completions"})
FINAL = {"huge", "endless", "echo_answer", "echo_escaped", "echo_finish"}
"""Faults that are no use trying again, or are answers."""


@pytest.fixture(autouse=True)
def key(monkeypatch):
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AXIOM_API_KEY", KEY)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        # Two of the three that take a second, which is the limit of time.
        pytest.param(name, marks=pytest.mark.slow if name in {"drip_head", "slow"} else [])
        for name in FAULTS
        if name not in FINAL | {"echo_refusal"}
    ],
)
def test_what_is_not_a_whole_answer_in_time_is_asked_for_again(fault):
    with chat_server() as server:
        server.faults = [fault]
        [sample] = written(server, request_timeout=1.0)
    assert sample.finish == "stop" and len(server.requests) == 2
    assert server.times[1] - server.times[0] < DAWDLE - 0.5


@pytest.mark.parametrize("fault", ["huge", "endless"])
def test_an_answer_that_is_too_large_is_not_asked_for_again(fault):
    with chat_server() as server:
        engine = engine_for(server, concurrency=1)
        list(engine.generate(requests(PROBLEMS[:1]), CONFIG, 1))
        server.faults = [fault]
        [lost, kept] = next(engine.generate(requests(PROBLEMS[1:2]), CONFIG, 2))
        engine.close()
    assert (lost.finish, lost.extra) == ("error", {"error": "an answer of more than 32 MiB"})
    assert kept.finish == "stop" and len(server.requests) == 3


def test_a_redirect_is_not_followed_and_takes_no_key_along():
    with chat_server() as other, chat_server() as server:
        server.faults = [(307, {}, {"location": f"{other.address}/chat/completions?key={KEY}"})]
        with pytest.raises(UsageError, match="answered 307") as caught:
            written(server)
    assert other.requests == [] and other.address in str(caught.value) and KEY not in str(caught.value)


@pytest.mark.slow
def test_what_is_refused_after_it_was_given_up_is_not_told_besides(caplog):
    async def refused():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:  # as wait_for has it, where the answer is there in that very moment
            raise UsageError("too late") from None

    with chat_server() as server:
        engine = engine_for(server)
        late = engine._client.submit(refused())
        time.sleep(0.1)
        assert late.cancel()
        engine.close()
    del late
    gc.collect()
    assert caplog.records == []


def test_an_unsaid_finish_is_an_error():
    with chat_server(lambda body: completion("Answer: 5", None)) as server:
        [sample] = written(server)
    assert (sample.finish, sample.text) == ("error", "Answer: 5")
    assert sample.extra == {"error": "finished with null", "usage": CHARGED}


@pytest.mark.parametrize(
    ("said", "finish"), [("STOP", "stop"), ("end_turn", "stop"), ("eos", "stop"), ("MAX_TOKENS", "length")]
)
def test_servers_have_other_words_for_how_it_ended(said, finish):
    with chat_server(lambda body: completion("Answer: 5", said)) as server:
        [sample] = written(server)
    assert sample.finish == finish


def test_a_server_that_closes_its_connections_is_none_the_worse():
    with chat_server() as server:
        server.hangs_up = True
        samples = written(server, 12, concurrency=3, retries=0)
    assert [sample.finish for sample in samples] == ["stop"] * 12


def test_halves_of_characters_and_numbers_that_are_none_do_no_harm():
    data = completion("Answer: \ud83d\ude00 \ud83d \u00e9\u4e2d")
    data["choices"][0]["logprobs"] = {"content": [{"logprob": -0.5}, {"logprob": float("-inf")}]}
    with chat_server(lambda body: data) as server:
        [sample] = written(server)
    assert sample.text == "Answer: \U0001f600 \ufffd \u00e9\u4e2d" and sample.logprob is None


@pytest.mark.parametrize("prompt", ["", "\ud800", "\u4e2d\U0001f600\x00\u202e", "x" * 200_000])
def test_any_prompt_is_asked(prompt):
    with chat_server() as server:
        engine = engine_for(server)
        problem = replace(PROBLEMS[0], prompt=prompt)
        [[sample]] = engine.generate(requests([problem]), CONFIG, 1)
        engine.close()
    assert sample.finish == "stop" and server.requests[0]["messages"][-1]["content"] == prompt


TOO_LONG = "This model's maximum context length is 512 tokens. However, you requested 9000 tokens"


def too_long(body):
    if len(body["messages"][-1]["content"]) > 1000:
        return 400, {"error": {"message": TOO_LONG}}
    return completion("Answer: 5")


@pytest.mark.slow
def test_a_prompt_that_is_too_long_is_an_error_of_its_own():
    long = replace(PROBLEMS[0], prompt="x" * 2000)
    with chat_server(too_long) as server:
        engine = engine_for(server)
        groups = list(engine.generate(requests([long, PROBLEMS[1], long, PROBLEMS[2]]), CONFIG, 12))
        assert len(server.requests) == 48
        engine.close()
    assert [{sample.finish for sample in group} for group in groups] == [{"error"}, {"stop"}, {"error"}, {"stop"}]
    assert groups[0][0].extra["error"] == TOO_LONG


def test_where_every_prompt_is_too_long_it_is_said():
    problems = [replace(PROBLEMS[0], id=str(number), prompt="x" * 2000) for number in range(20)]
    with chat_server(too_long) as server:
        engine = engine_for(server)
        with pytest.raises(UsageError, match="maximum context length") as caught:
            list(engine.generate(requests(problems), CONFIG, 1))
        engine.close()
    assert "--max-tokens" in caught.value.hint


def test_a_setting_that_had_to_be_left_out_is_on_the_record():
    with chat_server() as server:
        server.faults = [(400, {"error": {"message": "Unrecognized request argument: seed"}})]
        [sample] = written(server)
    assert sample.extra == {"usage": CHARGED, "left_out": ["seed"]}


@pytest.mark.slow
def test_what_is_given_up_is_asked_no_further():
    with chat_server(lambda body: (time.sleep(0.1), seeded(body))[1]) as server:
        engine = engine_for(server)
        groups = engine.generate(requests(PROBLEMS[:1] * 30), CONFIG, 1)
        next(groups)
        groups.close()
        asked = len(server.requests)
        time.sleep(0.6)
        assert len(server.requests) <= asked + 2
        engine.close()


def test_no_task_outlives_the_engine():
    with chat_server() as server:
        engine = engine_for(server, concurrency=4)
        server.faults = ["slow"] * 4
        groups = engine.generate(requests(PROBLEMS[:1]), CONFIG, 4)
        began = time.monotonic()
        engine._client.submit(engine._sample(Request(PROBLEMS[0]), CONFIG, 0))
        groups.close()
        engine.close()
        assert time.monotonic() - began < 2 and not engine._client._thread.is_alive()


@pytest.mark.parametrize("address", [f"http://user:{KEY}@127.0.0.1:9/v1#m", f"http://127.0.0.1:9/v1?key={KEY}#m"])
def test_an_address_that_holds_a_key_is_turned_down_without_repeating_it(address, tmp_path):
    said = spoken(address, tmp_path)
    assert b"the address of 127.0.0.1 contains" in said and b"AXIOM_API_KEY" in said and KEY.encode() not in said


@pytest.mark.slow
def test_a_key_that_no_header_takes_is_turned_down_without_repeating_it(tmp_path):
    for end in ("\n2nd-line", "\u20ac"):
        said = spoken("http://127.0.0.1:9/v1#m", tmp_path, AXIOM_API_KEY=KEY + end)
        assert b"set AXIOM_API_KEY again" in said and KEY.encode() not in said


def test_a_short_key_is_no_secret_and_its_word_stays(monkeypatch):
    monkeypatch.setenv("AXIOM_API_KEY", "ollama")
    with chat_server(lambda body: completion("Answer: ollama")) as server:
        assert written(server)[0].text == "Answer: ollama"


@pytest.mark.parametrize("fault", [*FAULTS, 400, 401, 403, 404, 422, 429, 500, REDIRECT])
def test_no_traceback_and_no_record_names_the_key_where_nothing_goes_right(fault, capfd):
    with chat_server() as server:
        server.faults = [fault] * 99
        try:
            said = repr([sample.to_dict() for sample in written(server, 2, request_timeout=0.5, retries=0)])
        except AxiomError as error:
            said = "".join(traceback.format_exception(error)) + error.hint
    out = capfd.readouterr()
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert KEY not in said + out.out + out.err and said


def spoken(address: str, folder, *more: str, **env: str) -> bytes:
    """All that a run says and keeps, with tracebacks asked for."""
    done = subprocess.run(
        [*SOLVE, "--model", address, "--engine", "remote", *more], cwd=folder, input=LINES, capture_output=True,
        env=environment(**{"AXIOM_DEBUG": "1", "AXIOM_API_KEY": KEY, **env}), timeout=200,
    )  # fmt: skip
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    names = [os.fsencode(path) for path in folder.rglob("*")]
    for row in rows(done.stdout):
        assert row["kind"] == "sample"
    return b"\n".join([done.stdout, done.stderr, *files, *names])


@pytest.mark.slow
@pytest.mark.parametrize("fault", [*FAULTS, 401, 403, 404, 422, 429, 500, "redirect"])
def test_no_key_is_said_or_kept_whatever_the_server_does(fault, tmp_path):
    planted = REDIRECT if fault == "redirect" else fault
    with chat_server() as server:
        server.faults = [planted]
        said = spoken(f"{server.address}#toy", tmp_path)
    assert all(headers["authorization"] == f"Bearer {KEY}" for headers in server.headers) and server.headers
    assert KEY.encode() not in said and KEY[3:].encode() not in said
    if str(fault).startswith("echo_") and fault != "echo_refusal":
        assert REDACTED.encode() in said


def test_a_prompt_that_a_provider_will_not_have_is_an_error_of_its_own():
    """Some say so by 403, before or after they have let others in."""
    moderated = (403, {"error": {"message": "blocked by content filter"}}, {})
    for said in (moderated, (403, {"error": {"message": "not this one"}}, {})):
        with chat_server() as server:
            engine = engine_for(server, concurrency=1)
            first = [] if said is moderated else list(engine.generate(requests(PROBLEMS[:1]), CONFIG, 1))
            server.faults = [said]
            [lost, kept] = next(engine.generate(requests(PROBLEMS[1:2]), CONFIG, 2))
            engine.close()
        assert (lost.finish, kept.finish) == ("error", "stop") and len(first) == (said is not moderated)
        assert lost.extra["error"] == said[1]["error"]["message"]


def test_a_key_that_is_withdrawn_on_the_way_is_said():
    with chat_server() as server:
        engine = engine_for(server, concurrency=1)
        list(engine.generate(requests(PROBLEMS[:1]), CONFIG, 1))
        server.faults = [(403, {"error": {"message": "no credit left"}}, {})] * 40
        with pytest.raises(MissingError, match="answered 403: no credit left") as caught:
            list(engine.generate(requests(PROBLEMS[1:2]), CONFIG, 20))
        engine.close()
    assert "key" in caught.value.hint
