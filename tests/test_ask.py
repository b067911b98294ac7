"""`axiom ask`: one answer, piece by piece, the one that `axiom solve` would have written."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from axiom_cli.models.nano import WEIGHTS
from axiom_cli.sampling.ask import ask
from axiom_cli.sampling.engines.chat_answers import parse, read_completion
from axiom_cli.sampling.engines.chat_events import ChatEvents
from axiom_cli.sampling.engines.text_stream import TextStream
from axiom_cli.settings.configs import AskConfig
from chat_server import ChatServer, Handler, chat_server, completion
from command_line import AXIOM, axiom, environment, failed, rows, talk

QUESTION = "Evaluate: 3 + 4 * (9 - 7)"
GREEDY = ("--samples", "1", "--temperature", "0")


def problem(prompt: str = QUESTION) -> bytes:
    fields = {"id": "p", "family": "f", "title": "t", "level": 1, "split": "test", "answer": "11"}
    return json.dumps({"kind": "problem", "prompt": prompt, **fields}).encode() + b"\n"


def events(*deltas: dict, finish: str = "stop") -> list[bytes]:
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    return [*(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks), b"data: [DONE]\n\n"]


def test_the_answer_is_what_solve_writes_and_comes_in_pieces(tmp_path: Path) -> None:
    done = axiom("ask", "nano", QUESTION, cwd=tmp_path)
    solved = axiom("solve", *GREEDY, cwd=tmp_path, stdin=problem())
    (sample,) = rows(solved.stdout)
    assert done.stdout.decode() == sample["text"] + "\n"
    assert (done.returncode, talk(done)) == (0, [])
    pieces: list[str] = []
    answer = ask("nano", QUESTION, AskConfig(), None, pieces.append)
    assert "".join(pieces) == answer.text == sample["text"]
    assert answer.token_ids == sample["token_ids"]
    assert len([piece for piece in pieces if piece]) > 5


def test_a_problem_that_is_piped_in_is_asked_by_its_prompt(tmp_path: Path) -> None:
    of_a_problem = axiom("ask", "nano", "--max-tokens", "20", cwd=tmp_path, stdin=problem())
    of_its_text = axiom("ask", "nano", QUESTION, "--max-tokens", "20", cwd=tmp_path)
    assert of_a_problem.stdout == of_its_text.stdout != b""
    broken = problem().replace(b'"prompt"', b'"promt"')
    failed(axiom("ask", "nano", cwd=tmp_path, stdin=broken), 3, "line 1")


@pytest.mark.parametrize("text", ["déjà vu 🙂 — 数学\n", "🙂🙂", "a 👩‍👩‍👧 b"])
def test_a_character_of_several_tokens_is_shown_whole(text: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(WEIGHTS)
    stream = TextStream(tokenizer.decode, [0])
    ids = tokenizer(text)["input_ids"]
    pieces = [stream.add(token) for token in [*ids, 0]]
    assert "".join(pieces) + stream.rest(text) == text
    assert all("\N{REPLACEMENT CHARACTER}" not in piece for piece in pieces)
    assert len(pieces) > len([piece for piece in pieces if piece])
    assert TextStream(tokenizer.decode).rest(text) == text


@pytest.mark.parametrize(
    "deltas",
    [
        [{"role": "assistant", "content": ""}, {"content": "It is "}, {"content": "four ünd 🙂\n"}],
        [{"reasoning_content": " 2 + 2 "}, {"reasoning_content": "is 4\n"}, {"content": "\n\n4"}, {"content": "\n"}],
        [{"reasoning": "so"}],
        [{"content": "\ud83d"}, {"content": "\ude42!"}],
        [{"content": "late"}, {"reasoning": "thought"}],
    ],
    ids=["content", "reasoning first", "reasoning alone", "half a character", "reasoning last"],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_the_pieces_of_a_stream_are_its_completion(deltas: list[dict], size: int) -> None:
    body = b"".join(events(*deltas)).replace(b"\n\n", b"\r\n\r\n")
    body = body.replace(b"\\u00fc", "ü".encode())
    text, pieces = read_completion(parse(body))["text"], []
    stream = ChatEvents(pieces.append)
    for place in range(0, len(body), size):
        stream.add(body[place : place + size])
    shown = "".join(pieces) + stream.rest(text)
    assert shown == text if deltas[0] != {"content": "late"} else shown.endswith(f"\n{text}")
    assert all("\N{REPLACEMENT CHARACTER}" not in piece for piece in pieces)


class Streaming(Handler):
    """Sends the events of `server.reply`, and waits for `server.go` after the first."""

    def _answer(self, body: dict) -> None:
        first, *others = self.server.reply(body)
        self._head(200, None)
        self.wfile.write(first)
        assert self.server.go.wait(30)
        for event in others:
            self.wfile.write(event)
        self.close_connection = True


def streaming(server: ChatServer) -> str:
    server.RequestHandlerClass, server.go = Streaming, threading.Event()
    return f"{server.address}#toy"


def started(*words: str, cwd: Path) -> subprocess.Popen[bytes]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([*AXIOM, "ask", *words], cwd=cwd, env=environment(), **pipes)


def test_a_servers_answer_is_shown_while_it_comes(tmp_path: Path) -> None:
    with chat_server(lambda body: events({"content": "It is"}, {"content": " four"})) as server:
        process = started(streaming(server), "What is 2 + 2?", cwd=tmp_path)
        assert process.stdout.read(5) == b"It is"
        server.go.set()
        assert process.communicate(timeout=60) == (b" four\n", b"")
    assert process.returncode == 0
    assert server.requests[0]["stream"] is True
    assert [message["role"] for message in server.requests[0]["messages"]] == ["system", "user"]


@pytest.mark.slow
def test_ctrl_c_ends_an_answer_with_code_130(tmp_path: Path) -> None:
    with chat_server(lambda body: events({"content": "It is"}, {"content": " four"})) as server:
        process = started(streaming(server), "What is 2 + 2?", cwd=tmp_path)
        assert process.stdout.read(5) == b"It is"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        server.go.set()
    assert (process.returncode, out) == (130, b"\n")
    assert err.startswith(b"error: interrupted") and b"Traceback" not in err


@pytest.mark.slow
def test_a_closed_pipe_ends_an_answer_quietly(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{' '.join(AXIOM)} ask nano '{QUESTION}' | true; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", cwd=tmp_path, env=environment(), capture_output=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.slow
def test_an_answer_that_breaks_off_is_told_and_not_asked_for_twice(tmp_path: Path) -> None:
    with chat_server(lambda body: [events({"content": "It"})[0], b'data: {"choices": [{"in']) as server:
        name = streaming(server)
        server.go.set()
        done = axiom("ask", name, "What?", cwd=tmp_path)
    failed(done, 3, "gave no answer", "broke off")
    assert len(server.requests) == 1
    assert done.stdout == b"It\n"


@pytest.mark.slow
def test_a_server_that_does_not_stream_is_shown_whole(tmp_path: Path) -> None:
    with chat_server(lambda body: completion("Four.")) as server:
        assert axiom("ask", f"{server.address}#toy", "What?", cwd=tmp_path).stdout == b"Four.\n"
        piped = axiom("ask", server.address, cwd=tmp_path, stdin="Was? ü\n".encode())
        assert piped.stdout == b"Four.\n"
    assert server.requests[1]["messages"][1]["content"] == "Was? ü"


@pytest.mark.slow
def test_options_reach_the_model(tmp_path: Path) -> None:
    with chat_server(lambda body: completion("Four.")) as server:
        words = ("--system", "Be brief.", "--temperature", "0.5", "--max-tokens", "9")
        axiom("ask", server.address, "What?", *words, cwd=tmp_path)
        axiom("ask", server.address, "What?", "--form", "program", cwd=tmp_path)
    first, second = server.requests
    assert (first["temperature"], first["max_tokens"]) == (0.5, 9)
    assert first["messages"][0]["content"] == "Be brief."
    assert "```python" in second["messages"][0]["content"]
    done = axiom("ask", "nano", QUESTION, "--max-tokens", "5", cwd=tmp_path)
    assert done.returncode == 0 and "cut off after 5 tokens" in done.stderr.decode()


@pytest.mark.slow
def test_wrong_uses(tmp_path: Path) -> None:
    failed(axiom("ask", "nano", cwd=tmp_path, stdin=b""), 2, "nothing is asked")
    failed(axiom("ask", "nano", "  ", cwd=tmp_path), 2, "nothing is asked")
    failed(axiom("ask", "nano", cwd=tmp_path, stdin=b"\xff\xfe"), 3, "UTF-8")
    failed(axiom("ask", "nanoo", "x", cwd=tmp_path), 4, "nano?")
    too_long = axiom("ask", "nano", "word " * 5000, cwd=tmp_path)
    failed(too_long, 3, "no room", "hint: ask something shorter")
    assert len(talk(too_long)) == 2, talk(too_long)
    assert list(tmp_path.iterdir()) == []
