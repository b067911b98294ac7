"""OpenAI's own client against the servers of chat_server.py: they speak the protocol that our engine is tested with."""

from __future__ import annotations

import json

import pytest

from chat_server import GEMINI_KEY, chat_server, completion, gemini_completion, gemini_quota, gemini_server, seeded

openai = pytest.importorskip("openai")
pytestmark = pytest.mark.slow
ASKED = {"model": "toy", "messages": [{"role": "user", "content": "2 + 3"}], "seed": 4, "max_tokens": 8}


def client(address, key="none", retries=2):
    return openai.OpenAI(base_url=address, api_key=key, max_retries=retries, timeout=30)


def test_a_completion_is_read():
    with chat_server() as server:
        answer = client(server.address).chat.completions.create(**ASKED)
        assert [model.id for model in client(server.address).models.list()] == ["toy"]
    assert answer.choices[0].message.content == seeded(ASKED)["choices"][0]["message"]["content"]
    assert (answer.choices[0].finish_reason, answer.object) == ("stop", "chat.completion")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (5, 7, 12)


def test_reasoning_and_refusals_are_where_the_client_looks():
    with chat_server(lambda _: completion("5", reasoning_content="2 + 3 is 5", refusal="no")) as server:
        message = client(server.address).chat.completions.create(**ASKED).choices[0].message
    assert (message.reasoning_content, message.refusal) == ("2 + 3 is 5", "no")


@pytest.mark.parametrize("fault", [500, 503, 429, "cut", "drop", (429, {}, {"retry-after": "0.1"})])
def test_what_passes_is_asked_again(fault):
    with chat_server() as server:
        server.faults = [fault]
        assert client(server.address).chat.completions.create(**ASKED).choices[0].message.content.startswith("Answer")
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(400, "BadRequestError"), (401, "AuthenticationError"), (404, "NotFoundError"), (429, "RateLimitError"),
     (500, "InternalServerError"), ("drop", "APIConnectionError"), ("malformed", "Exception")],
)  # fmt: skip
def test_what_does_not_is_the_error_that_the_client_names_for_it(fault, kind):
    with chat_server() as server:
        server.faults = [fault]
        with pytest.raises(getattr(openai, kind, Exception)) as caught:
            answer = client(server.address, retries=0).chat.completions.create(**ASKED)
            raise TypeError(answer.choices[0])
    assert not isinstance(fault, int) or f"planted {fault}" in str(caught.value)


def test_gemini_s_flavour_is_read_too():
    with gemini_server(lambda _: gemini_completion("5")) as server:
        address = f"{server.root}/v1beta/openai/"
        answer = client(address, GEMINI_KEY).chat.completions.create(**ASKED, reasoning_effort="low")
        assert answer.usage.total_tokens > answer.usage.prompt_tokens + answer.usage.completion_tokens
        for key, more, said in (("wrong", {}, "API key not valid"), (GEMINI_KEY, {"logprobs": True}, '"logprobs"')):
            with pytest.raises(openai.BadRequestError) as caught:
                client(address, key).chat.completions.create(**ASKED, **more)
            assert json.dumps(said)[1:-1] in caught.value.response.text
        server.faults = [gemini_quota("PerDay", 30)]
        with pytest.raises(openai.RateLimitError) as caught:
            client(address, GEMINI_KEY, retries=0).chat.completions.create(**ASKED)
        assert "PerDay" in caught.value.response.text
