"""The remote engine against a real server: what passes is tried again, what does not is said plainly."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from axiom_cli.errors import AxiomError, MissingError, UsageError
from axiom_cli.problems.answers import messages
from axiom_cli.problems.families import draw
from axiom_cli.sampling.engines.protocol import requests
from axiom_cli.sampling.engines.remote import RemoteEngine
from axiom_cli.settings.configs import SolveConfig
from chat_server import chat_server, completion, seeded

CONFIG = SolveConfig(max_tokens=64, seed=3)
PROBLEMS = list(draw.problems(["arithmetic"], 3, [3], "train", 0))


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("AXIOM_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def engine_for(server, concurrency=2, request_timeout=60.0, requests_per_minute=0, **more):
    config = SolveConfig(
        concurrency=concurrency, request_timeout=request_timeout, requests_per_minute=requests_per_minute
    )
    return RemoteEngine(f"{server.address}#toy", config, **{"first_pause": 0.01, "retries": 3, **more})


def written(server, count=1, **more):
    engine = engine_for(server, **more)
    try:
        return [sample for group in engine.generate(requests(PROBLEMS[:1]), CONFIG, count) for sample in group]
    finally:
        engine.close()


def test_a_request_says_what_the_sample_records():
    with chat_server() as server:
        [sample] = written(server)
    [body] = server.requests
    assert body["model"] == "toy" and body["messages"] == messages(PROBLEMS[0])
    assert (body["temperature"], body["top_p"], body["max_tokens"]) == (0.7, 1.0, 64)
    assert sample.params == {"temperature": 0.7, "top_p": 1.0, "max_tokens": 64, "seed": 3}
    assert sample.text == seeded(body)["choices"][0]["message"]["content"]
    assert (sample.engine, sample.finish, sample.tokens, sample.token_ids) == ("remote", "stop", 7, [])
    assert sample.model.name == f"{server.address}#toy"
    assert "authorization" not in server.headers[0]


@pytest.mark.parametrize("fault", [429, 500, 503, 408, "malformed", "half", "drop"])
def test_what_passes_is_tried_again(fault):
    with chat_server() as server:
        server.faults = [fault, fault]
        [sample] = written(server)
    assert sample.finish == "stop" and sample.text.startswith("Answer: ")
    assert len(server.requests) == 3 and server.requests[0] == server.requests[2]


@pytest.mark.slow
def test_a_slow_answer_is_given_up_and_asked_for_again():
    with chat_server() as server:
        server.faults = ["slow"]
        [sample] = written(server, request_timeout=1.0)
        assert sample.finish == "stop" and len(server.requests) >= 2


@pytest.mark.slow
def test_retry_after_is_honoured():
    with chat_server() as server:
        server.faults = [(429, {}, {"retry-after": "0.4"})]
        written(server)
    assert server.times[1] - server.times[0] >= 0.4


@pytest.mark.slow
def test_waits_grow():
    with chat_server() as server:
        server.faults = [500] * 3
        written(server, first_pause=0.05)
    first, second, third = (b - a for a, b in zip(server.times, server.times[1:], strict=False))
    assert first >= 0.05 and second >= 0.1 and third >= 0.2


def test_one_lost_sample_is_a_record_and_not_the_end():
    with chat_server() as server:
        engine = engine_for(server, retries=0, concurrency=1)
        list(engine.generate(requests(PROBLEMS[:1]), CONFIG, 1))
        server.faults = [500]
        lost, kept = next(engine.generate(requests(PROBLEMS[1:2]), CONFIG, 2))
        engine.close()
    assert (lost.finish, lost.text, lost.extra["error"]) == ("error", "", "answered 500: planted 500")
    assert kept.finish == "stop"


@pytest.mark.slow
def test_a_server_that_goes_away_for_good_ends_the_run():
    with chat_server() as server:
        engine = engine_for(server, retries=0, concurrency=1)
        list(engine.generate(requests(PROBLEMS[:1]), CONFIG, 1))
        server.faults = [500] * 50
        with pytest.raises(MissingError, match="answered 500: planted 500"):
            list(engine.generate(requests(PROBLEMS[:1]), CONFIG, 50))
        engine.close()


def test_no_server_at_all_is_missing():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    engine = RemoteEngine(f"{address}#toy", first_pause=0.01, retries=1)
    with pytest.raises(MissingError, match="does not answer") as caught:
        list(engine.generate(requests(PROBLEMS), CONFIG, 2))
    assert caught.value.exit_code == 4 and "running" in caught.value.hint
    engine.close()
    with pytest.raises(MissingError, match="does not list its models") as caught:
        RemoteEngine(address, first_pause=0.01, retries=1)
    assert caught.value.hint == "is the server running? If it lists no models, write ADDRESS#MODEL"


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["malformed", "other_shape"])
def test_a_server_that_never_answers_with_a_completion_is_told_at_once_and_soon_given_up(fault, capsys):
    with chat_server() as server:
        server.faults = [fault] * 20
        with pytest.raises(MissingError, match="answered 200"):
            written(server, concurrency=1, retries=9)
        assert len(server.requests) == 3
        assert f"{server.address}: answered 200" in capsys.readouterr().err
        server.faults = []
        engine = engine_for(server, concurrency=1, retries=9)
        list(engine.generate(requests(PROBLEMS[:1]), CONFIG, 1))
        server.faults = [fault] * 5  # it has answered before: this passes
        [[sample]] = engine.generate(requests(PROBLEMS[1:2]), CONFIG, 1)
        engine.close()
    assert sample.finish == "stop"


@pytest.mark.parametrize(("status", "kind", "hint"), [(401, MissingError, "AXIOM_API_KEY"), (404, MissingError, "/v1")])
def test_what_does_not_pass_is_not_tried_again(status, kind, hint):
    with chat_server() as server:
        server.faults = [status] * 9
        with pytest.raises(kind, match=f"planted {status}") as caught:
            written(server)
    assert hint in caught.value.hint and len(server.requests) == 1


def test_a_refused_request_is_told_in_the_server_s_words():
    with chat_server() as server:
        server.faults = [400]
        with pytest.raises(UsageError, match="planted 400"):
            written(server)


@pytest.mark.parametrize("name", ["seed", "logprobs"])
def test_a_setting_that_the_server_does_not_know_is_left_out_from_then_on(name):
    with chat_server() as server:
        server.faults = [(400, {"error": {"message": f"Unrecognized request argument: {name}"}})]
        samples = written(server, 3, concurrency=1)
    assert [sample.finish for sample in samples] == ["stop"] * 3
    assert [name in body for body in server.requests] == [True, False, False, False]


def test_servers_that_want_max_completion_tokens_get_them():
    with chat_server() as server:
        server.faults = [(400, {"error": {"message": "max_tokens is gone, use max_completion_tokens"}})]
        written(server)
    assert "max_tokens" not in server.requests[1] and server.requests[1]["max_completion_tokens"] == 64


def test_keys_go_to_the_host_that_they_are_for(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "not for you")
    monkeypatch.setenv("GEMINI_API_KEY", "nor this")
    with chat_server() as server:
        written(server)
        monkeypatch.setenv("AXIOM_API_KEY", "yours")
        written(server)
    assert [headers.get("authorization") for headers in server.headers] == [None, "Bearer yours"]


def test_reasoning_kept_apart_comes_back_into_think():
    for field in ("reasoning_content", "reasoning"):
        with chat_server(lambda body, field=field: completion("\nAnswer: 5", **{field: "2 + 3\n"})) as server:
            [sample] = written(server)
        assert sample.text == "<think>\n2 + 3\n</think>\nAnswer: 5"


def test_a_thought_that_the_server_cut_is_left_open():
    with chat_server(lambda body: completion("", "length", reasoning="2 + 3 is")) as server:
        [sample] = written(server)
    assert (sample.text, sample.finish) == ("<think>\n2 + 3 is", "length")


def test_logprobs_are_summed_and_length_is_length():
    data = completion("Answer: 1 2", "length")
    data["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": -0.25}]}
    with chat_server(lambda body: data) as server:
        [sample] = written(server)
    assert (sample.logprob, sample.finish) == (-0.75, "length")


def test_filtered_answers_are_errors():
    with chat_server(lambda body: completion("", "content_filter")) as server:
        [sample] = written(server)
    assert sample.finish == "error" and "content_filter" in sample.extra["error"]


def test_the_only_model_need_not_be_named():
    with chat_server() as server:
        engine = RemoteEngine(server.address)
        assert engine.model.name == f"{server.address}#toy"
        assert engine.model == engine_for(server).model
    with chat_server(models=("a", "b")) as server, pytest.raises(UsageError, match="2 models") as caught:
        RemoteEngine(server.address)
    assert "a, b" in caught.value.hint


def test_requests_go_side_by_side():
    all_there = threading.Barrier(4)

    def together(body):
        all_there.wait(timeout=60)
        return seeded(body)

    with chat_server(together) as server:
        assert len(written(server, 8, concurrency=4)) == 8


@pytest.mark.slow
def test_a_delay_lies_between_requests():
    with chat_server() as server:
        started = time.monotonic()
        written(server, 3, delay=0.2)
    assert time.monotonic() - started >= 0.4


@pytest.mark.parametrize("address", ["http://", "http://#model", "http://[::1#m", "http://127.0.0.1:99999/v1#m"])
def test_addresses_that_are_none(address):
    with pytest.raises(AxiomError):
        engine = RemoteEngine(address, retries=0)
        list(engine.generate(requests(PROBLEMS[:1]), CONFIG, 1))
