"""What a server answers, in any shape, is read or costs one request."""

from __future__ import annotations

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axiom_cli import jsonl
from axiom_cli.errors import AxiomError, MissingError, UsageError
from axiom_cli.records import Sample
from axiom_cli.sampling.engines.protocol import requests
from chat_server import chat_server, completion
from test_remote import CONFIG, PROBLEMS, engine_for, no_keys, written  # noqa: F401
from test_remote_words import error

PARTS = [{"type": "text", "text": "Answer: "}, {"type": "text", "text": "5"}]
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "2 + 3"}]}


def chunk(finish=None, **delta):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + json.dumps({"object": "chat.completion.chunk", "choices": [choice]}).encode() + b"\n\n"


CHUNKS = (
    b": PROCESSING\n\n" + chunk(role="assistant", content="", reasoning="2 +") + chunk(reasoning=" 3")
    + chunk(content="Answer:") + chunk(content=" 5") + chunk("stop")
    + b'data: {"choices": [], "usage": {"completion_tokens": 9}}\n\ndata: [DONE]\n\n'
)  # fmt: skip
WHOLE = json.dumps(completion("Answer: 5")).encode()
READ = {
    "parts": (completion(PARTS), "Answer: 5"),
    "words": (completion(["Answer: ", "5"]), "Answer: 5"),
    "thinking part": (completion([THOUGHT, *PARTS]), "<think>\n2 + 3\n</think>\nAnswer: 5"),
    "details": (
        completion("Answer: 5", reasoning_details=[{"type": "reasoning.text", "text": "2 + 3"}]),
        "<think>\n2 + 3\n</think>\nAnswer: 5",
    ),
    "settings of reasoning": (completion("Answer: 5", reasoning={"effort": "low"}), "Answer: 5"),
    "no usage": ({"choices": completion("Answer: 5")["choices"]}, "Answer: 5"),
    "odd usage": (completion("Answer: 5") | {"usage": [7]}, "Answer: 5"),
    "no such count": (WHOLE.replace(b'"completion_tokens": 7', b'"completion_tokens": 1e999'), "Answer: 5"),
    "an error that is none": (completion("Answer: 5") | {"error": None}, "Answer: 5"),
    "events": (CHUNKS, "<think>\n2 + 3\n</think>\nAnswer: 5"),
    "one event": (b"event: message\r\ndata: " + WHOLE + b"\r\n\r\n", "Answer: 5"),
    "JSON and an end": (WHOLE + b"\n\ndata: [DONE]\n\n", "Answer: 5"),
    "padding": (b"\n \n" + WHOLE, "Answer: 5"),
    "byte order mark": (b"\xef\xbb\xbf" + WHOLE, "Answer: 5"),
}


@pytest.mark.parametrize("name", READ)
def test_an_answer_of_any_shape_is_read(name):
    body, text = READ[name]
    with chat_server(lambda _: body) as server:
        [sample] = written(server, retries=0)
    assert (sample.text, sample.finish) == (text, "stop") and sample.tokens in (0, 7, 9)
    assert server.requests[0]["stream"] is False


def test_answers_and_errors_may_be_compressed():
    packed = {"content-encoding": "gzip"}
    with chat_server() as server:
        server.faults = [(200, gzip.compress(WHOLE), packed)]
        assert written(server, retries=0)[0].text == "Answer: 5"
        server.faults = [(400, gzip.compress(json.dumps(error("not this")).encode()), packed)]
        with pytest.raises(UsageError, match="answered 400: not this"):
            written(server)


def test_an_error_in_the_middle_of_events_is_an_error():
    died = b'data: {"error": {"code": 502, "message": "died"}, "choices": [{"delta": {"content": ""}}]}\n\n'
    with chat_server(lambda _: chunk(content="Ans") + died) as server, pytest.raises(MissingError, match="502: died"):
        written(server, retries=0)


TOOL = {"function": {"name": "python", "arguments": "{}"}}
FILTERED = {"hate": {"filtered": False}, "violence": {"filtered": True, "severity": "medium"}}


@pytest.mark.parametrize(
    ("finish", "message", "said"),
    [
        ("content_filter", {}, "finished with 'content_filter': violence"),
        ("content_filter: PROHIBITED_CONTENT", {}, "finished with 'content_filter: PROHIBITED_CONTENT': violence"),
        ("tool_calls", {"tool_calls": [TOOL]}, "finished with 'tool_calls': it calls the tool python"),
        ("function_call", {"function_call": TOOL["function"]}, "with 'function_call': it calls the tool python"),
        ("stop", {"refusal": "I cannot\nhelp with that"}, "refused: I cannot help with that"),
        ("length", {"content": [{"type": "refusal", "refusal": "I cannot"}]}, "refused: I cannot"),
        (None, {}, "finished with null"),
        ("a word of its own\x1b", {}, "finished with 'a word of its own'"),
        (["stop"], {}, 'finished with ["stop"]'),
        (7, {}, "finished with 7"),
    ],
)
def test_what_is_not_an_answer_says_why_and_costs_itself_alone(finish, message, said):
    data = completion("", finish, **message)
    data["choices"][0]["content_filter_results"] = FILTERED
    with chat_server() as server:
        server.faults = [(200, data)]
        lost, kept = written(server, 2, concurrency=1, retries=0)
    assert lost.finish == "error" and said in lost.extra["error"] and kept.finish == "stop"


NAMES = (
    *("choices", "message", "content", "error", "code", "finish_reason", "usage", "text", "type", "delta", "metadata"),
    *("raw", "reasoning", "refusal", "logprobs", "logprob", "index", "status", "detail", "loc", "completion_tokens"),
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(
    SCALARS | st.sampled_from(["stop", "402", "insufficient_quota", "[1", "system role not supported"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
COMPLETIONS = st.fixed_dictionaries({"choices": st.lists(st.fixed_dictionaries({"message": JSON, "logprobs": JSON}))})
BODIES = (
    st.binary(max_size=40)
    | (JSON | COMPLETIONS).map(lambda data: json.dumps(data).encode())
    | st.lists(JSON, max_size=3).map(lambda rows: b"".join(b"data: %s\n\n" % json.dumps(row).encode() for row in rows))
)


@pytest.mark.slow
def test_whatever_bytes_a_server_sends_are_a_sample_or_one_line():
    with chat_server() as server:
        engine = engine_for(server, concurrency=1, retries=0)

        @settings(max_examples=25, deadline=None, database=None)
        @given(st.sampled_from([200, 200, 200, 400, 429, 500]), BODIES)
        def ask(status, body):
            server.faults = [(status, body)]
            try:
                [[sample]] = engine.generate(requests(PROBLEMS[:1]), CONFIG, 1)
            except AxiomError as caught:
                assert str(caught).isprintable() and len(str(caught)) < 500
            else:
                assert Sample.from_dict(json.loads(jsonl.dump(sample))) == sample

        ask()
        engine.close()
