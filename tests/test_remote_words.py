"""Servers in their own words: what they say in an error stands in ours, and what cannot change is not asked for
again."""

from __future__ import annotations

import json
import time

import pytest

from axiom_cli.errors import MissingError, UsageError
from axiom_cli.problems.answers import messages
from axiom_cli.sampling import coldstart
from axiom_cli.sampling.engines.protocol import requests
from axiom_cli.sampling.engines.rate_limiter import retry_after
from axiom_cli.settings.configs import ColdstartConfig
from chat_server import CHARGED, chat_server, completion, seeded
from test_remote import CONFIG, PROBLEMS, engine_for, no_keys, written  # noqa: F401

PORTAL = b"<!DOCTYPE html><html><script>var x = 'no'</script><body>Log in to\nthis network</body></html>"
QUOTA = "You exceeded your current quota, please check your plan and billing details."


def error(message, **more):
    return {"error": {"message": message, **more}}


def provider_error(code, raw):
    """As OpenRouter hands on what its provider said."""
    return error("Provider returned error", code=code, metadata={"raw": raw, "provider_name": "BaseTen"})


def per_day(message):
    """Gemini's: in a list, and with a delay that does not help."""
    quota = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
    return [error(message, code=429, status="RESOURCE_EXHAUSTED", details=[{"violations": [quota]}])]


FINAL = {
    "credits": (200, error("Insufficient credits: add more", code=402), MissingError, "402: Insufficient credits"),
    "402": (402, error("Insufficient Balance", code="invalid_request_error"), MissingError, "402: Insufficient Bal"),
    "quota": (429, error(QUOTA, code="insufficient_quota"), MissingError, "429: You exceeded your current quota"),
    "moonshot": (429, error("no money", type="exceeded_current_quota_error"), MissingError, "429: no money"),
    "per day": (429, per_day(f"{QUOTA} Please retry in 9s."), MissingError, "429: You exceeded your current quota"),
    "portal": (200, PORTAL, MissingError, "a web page instead of JSON: Log in to this network"),
    "ollama": (404, error('model "m" not found, try pulling it first'), MissingError, "404: model .m. not found, try"),
    "channel": (503, error("no channel for m", code="model_not_found"), MissingError, "404: no channel for m"),
    "mistral 401": (401, {"detail": "Unauthorized"}, MissingError, "401: Unauthorized"),
    "key in a 200": (200, error("who are you?", type="authentication_error"), MissingError, "401: who are you"),
    "validation": (422, {"detail": [{"loc": ["body", "n"], "msg": "not so"}]}, UsageError, "422: body.n: not so"),
    "quoting": (400, error("not read: 'they have insufficient funds'"), UsageError, "400: not read: 'they have insuff"),
    "vllm of old": (400, {"object": "error", "message": "no such thing"}, UsageError, "400: no such thing"),
    "litellm": (200, error("wrong", code="400"), UsageError, "400: wrong"),
    "lm studio": (200, {"error": "Unexpected endpoint or method."}, UsageError, "200: Unexpected endpoint or method"),
    "flag": (200, {"error": True, "message": "it will not"}, UsageError, "200: it will not"),
    "wordless": (200, {"error": {"reason": 7}}, UsageError, 'answered 200: {"reason": 7}'),
    "template": (500, error("Jinja Exception: no such filter", code=500), UsageError, "500: Jinja Exception: no such"),
    "not built": (501, error("not in this build"), UsageError, "501: not in this build"),
    "nested": (400, provider_error(400, json.dumps(error("too hot"))), UsageError, "returned error: too hot"),
    "forbidden page": (403, b"<html><title>Just a moment...</title>x</html>", MissingError, "403: Just a moment"),
}


@pytest.mark.parametrize("name", FINAL)
def test_what_no_waiting_changes_is_asked_once_and_told_in_the_server_s_words(name):
    status, body, kind, said = FINAL[name]
    with chat_server(lambda _: (status, body)) as server, pytest.raises(kind, match=said) as caught:
        written(server)
    assert len(server.requests) == 1 and caught.value.hint


def test_a_teacher_without_credit_ends_a_cold_start():
    with chat_server(lambda _: (429, error(QUOTA, code="insufficient_quota"))) as server:
        config = ColdstartConfig(teacher=f"{server.address}#toy", delay=2)
        with pytest.raises(MissingError, match="exceeded your current quota") as caught:
            list(coldstart.coldstart(PROBLEMS, config))
    assert "credit" in caught.value.hint and len(server.requests) == 1


def test_what_was_paid_for_is_kept_although_the_credit_ran_out():
    paid, no_credit = (200, completion("Answer: 5")), (402, error("no credit"))
    with chat_server() as server:
        server.faults = [paid, no_credit, paid, paid]
        engine = engine_for(server, concurrency=1)
        samples = engine.stream(requests(PROBLEMS[:1]), CONFIG, 4)
        places = [next(samples)[0]]
        while len(server.requests) < 4:
            time.sleep(0.01)
        with pytest.raises(MissingError, match="402: no credit"):
            places.extend(place for place, _ in samples)
        engine.close()
    assert places[:2] == [0, 2]


PASSING = {
    "loading": (503, error("Loading model weights, 40 % done"), "answered 503: Loading model weights, 40 % done"),
    "rate": (429, error("Rate limit reached", code="rate_limit_exceeded"), "answered 429: Rate limit reached"),
    "mistral": (429, {"object": "error", "message": "slow down", "code": "1300"}, "answered 429: slow down"),
    "per minute": (429, [error(f"{QUOTA} Please retry in 0.01s.", code=429)], "429: You exceeded your current"),
    "upstream": (200, provider_error(429, "m is rate-limited upstream"), "429: Provider .* m is rate-limited upstream"),
    "gateway": (502, b"<html><head><title>502 Bad Gateway</title></head>nginx</html>", "answered 502: 502 Bad Gateway"),
    "busy": (200, error("no capacity", type="overloaded_error"), "answered 503: no capacity"),
    "in a choice": (200, {"choices": [{"error": {"code": 502, "message": "died"}}]}, "answered 502: died"),
    "broken off": (200, completion("Answer: 5", "error"), "a completion that finished with 'error'"),
    "text": (200, b"upstream connect error", "answered 200: not JSON: upstream connect error"),
    "another shape": (200, {"code": 1113, "msg": "arrears"}, "answered 200: not a chat completion: .*arrears"),
    "nothing": (200, b"", "answered 200: an empty body"),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_may_pass_is_asked_again_and_told_in_the_server_s_words_if_it_does_not(name):
    status, body, said = PASSING[name]
    with chat_server(lambda _: (status, body)) as server:
        engine = engine_for(server, concurrency=1, retries=1)
        with pytest.raises(MissingError, match=said) as caught:
            list(engine.generate(requests(PROBLEMS[:1]), CONFIG, 1))
        assert len(server.requests) == 2 and "does not answer" not in str(caught.value)
        server.faults, server.reply = [(status, body)], seeded
        [[sample]] = engine.generate(requests(PROBLEMS[:1]), CONFIG, 1)
        engine.close()
    assert sample.finish == "stop" and len(server.requests) == 4


def test_a_portal_on_the_way_costs_nothing():
    with chat_server() as server:
        engine = engine_for(server, concurrency=1)
        list(engine.generate(requests(PROBLEMS[:1]), CONFIG, 1))
        server.faults = [(200, PORTAL)]
        [[sample]] = engine.generate(requests(PROBLEMS[1:2]), CONFIG, 1)
        engine.close()
    assert sample.finish == "stop"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("Please try again in 9m38.016s. Upgrade", 578.016),
        ("Please try again in 250ms.", 0.25),
        ("retry in 1h2m3s", 3723),
        ("Please retry after 6 seconds.", 6),
        ('{"@type": "RetryInfo", "retryDelay": "34s"}', 34),
        ("try again in a while, or in 5 minutes", None),
    ],
)
def test_a_wait_may_be_asked_for_in_words(said, seconds):
    assert retry_after({}, said) == (seconds and pytest.approx(seconds))
    assert retry_after({"retry-after-ms": "1500", "retry-after": "2"}, said) == 1.5


def test_a_wait_in_words_is_kept():
    with chat_server() as server:
        server.faults = [(429, error("Rate limit reached. Please try again in 200ms."))]
        written(server)
    assert server.times[1] - server.times[0] >= 0.2


def test_words_are_short_and_hold_no_control_characters():
    words = "\x1b[31mred\r\n\u202eline\x00\ud800 " + "long " * 100_000
    with chat_server(lambda _: (400, error(words))) as server, pytest.raises(UsageError) as caught:
        written(server)
    said = str(caught.value)
    assert "answered 400: [31mred line long long" in said and said.isprintable() and len(said) < 400


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, {"choices": [], "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, "PROHIBITED_CONTENT"),
        (400, error("The response was filtered: content management policy"), "content management policy"),
        (413, error("Request too large for model m (TPM)", code="rate_limit_exceeded"), "Request too large"),
        (429, error("Request too large for m (TPM): Limit 30000", type="tokens"), "Request too large"),
    ],
)
def test_a_prompt_that_is_refused_costs_itself_even_if_it_is_the_first(status, body, said):
    def refuse(asked):
        return (status, body) if asked["messages"] == messages(PROBLEMS[0]) else seeded(asked)

    with chat_server(refuse) as server:
        engine = engine_for(server, concurrency=1, retries=0)
        [[lost], [kept]] = engine.generate(requests(PROBLEMS[:2]), CONFIG, 1)
        engine.close()
    assert (lost.finish, kept.finish) == ("error", "stop") and said in lost.extra["error"]
    assert len(server.requests) == 2


ROLES = {
    "vllm, gemma": (400, "System role not supported"),
    "vllm, mistral": (400, "Conversation roles must alternate user/assistant/user/assistant/..."),
    "vllm, mistral of old": (400, "Only user and assistant roles are supported!"),
    "llama.cpp": (500, "Jinja Exception: Only user, assistant and tool roles are supported, got system."),
    "o1": (400, "Unsupported value: 'messages[0].role' does not support 'system' with this model."),
    "google": (400, "Developer instruction is not enabled for models/gemma-3-27b-it"),
    "a gateway": (422, "Unknown role: system"),
}


@pytest.mark.parametrize("name", ROLES)
def test_a_system_role_that_a_server_refuses_is_folded_into_the_user_s_turn(name, capsys):
    status, said = ROLES[name]

    def without_the_role(body):
        return (status, error(said)) if body["messages"][0]["role"] == "system" else seeded(body)

    with chat_server(without_the_role) as server:
        samples = written(server, 3, concurrency=1, retries=0)
    system, user = messages(PROBLEMS[0])
    assert [sample.finish for sample in samples] == ["stop"] * 3
    assert [sample.extra for sample in samples] == [{"usage": CHARGED, "system_folded": True}] * 3
    assert [len(body["messages"]) for body in server.requests] == [2, 1, 1, 1]
    assert server.requests[1]["messages"] == [{"role": "user", "content": f"{system['content']}\n\n{user['content']}"}]
    told = capsys.readouterr().err
    assert told.count("warning: ") == 1 and "system role" in told and said in told


@pytest.mark.parametrize(
    ("said", "times"),
    [("System role not supported", 2), ("The system is not able to do this; unknown role of the user", 1)],
)
def test_a_refusal_stands_that_folding_does_not_help_or_that_is_about_another_system(said, times):
    with chat_server(lambda _: (400, error(said))) as server, pytest.raises(UsageError, match=said):
        written(server)
    assert len(server.requests) == times
