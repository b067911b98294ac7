"""The remote engine against a real server of real weights.

AXIOM_TEST_ENDPOINT is the address of one that runs (ADDRESS#MODEL; it should speak of too long a prompt as vLLM does),
or AXIOM_TEST_VLLM_PYTHON the interpreter of an environment that has vLLM, which then serves AXIOM_TEST_MODEL, the
folder of a pretrained model.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from dataclasses import replace

import httpx
import pytest

from axiom_cli.errors import MissingError
from axiom_cli.problems.families import draw
from axiom_cli.sampling.coldstart import TraceCounts, coldstart
from axiom_cli.sampling.engines.protocol import Request, requests
from axiom_cli.sampling.engines.remote import RemoteEngine
from axiom_cli.sampling.solve import solve
from axiom_cli.settings.configs import ColdstartConfig, SolveConfig
from axiom_cli.workspace.store import Workspace

ENDPOINT, PYTHON, MODEL = (os.environ.get(f"AXIOM_TEST_{name}", "") for name in ("ENDPOINT", "VLLM_PYTHON", "MODEL"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not ENDPOINT and not (PYTHON and MODEL),
        reason="set AXIOM_TEST_ENDPOINT, or AXIOM_TEST_VLLM_PYTHON and AXIOM_TEST_MODEL",
    ),
]
CONFIG = SolveConfig(max_tokens=16, temperature=0.8, seed=3, request_timeout=300.0)
PROBLEMS = list(draw.problems(["arithmetic"], 3, [3], "train", 0))
START_UP = 300


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    if ENDPOINT:
        yield ENDPOINT
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--model", MODEL, "--dtype", "bfloat16"]
    with open(tmp_path_factory.mktemp("server") / "log", "w+b") as log:
        server = subprocess.Popen(
            [*command, "--enforce-eager", "--host", "127.0.0.1", "--port", str(port), "--max-model-len", "2048"],
            env={**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1"}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield ready(f"http://127.0.0.1:{port}/v1", server)
        finally:
            server.terminate()
            server.wait(60)


def ready(address, server):
    ends = time.monotonic() + START_UP
    while server.poll() is None and time.monotonic() < ends:
        try:
            httpx.get(f"{address}/models", timeout=5)
        except httpx.HTTPError:
            time.sleep(1)
        else:
            return address
    pytest.fail("the server does not start")


@pytest.fixture(scope="module")
def engine(address):
    opened = RemoteEngine(address, CONFIG)
    yield opened
    opened.close()


def texts(groups):
    return [sample.text for group in groups for sample in group]


def test_a_seed_gives_the_same_again_alone_and_among_others(engine):
    first = list(engine.generate(requests(PROBLEMS), CONFIG, 3))
    assert texts(engine.generate(requests(PROBLEMS), CONFIG, 3)) == texts(first) and len(set(texts(first))) == 9
    assert texts(engine.generate([Request(PROBLEMS[1], 2)], CONFIG, 1)) == [first[1][2].text]
    assert not set(texts(engine.generate(requests(PROBLEMS), replace(CONFIG, seed=4), 3))) & set(texts(first))


def test_samples_say_how_they_ended_and_how_likely_they_were(engine):
    for sample in (sample for group in engine.generate(requests(PROBLEMS), CONFIG, 2) for sample in group):
        assert sample.finish in ("stop", "length") and 0 < sample.tokens <= 16 and sample.logprob < 0
        assert sample.finish == "stop" or sample.tokens == 16
        assert {*sample.extra} == {"usage"} and sample.extra["usage"]["completion"] == sample.tokens


def test_greedy_samples_are_equal(engine):
    [group] = engine.generate(requests(PROBLEMS[:1]), replace(CONFIG, temperature=0), 3)
    assert len({sample.text for sample in group}) == 1


@pytest.mark.parametrize("prompt", ["", "\u4e2d\U0001f600\x00\u202e"])
def test_any_prompt_is_answered(engine, prompt):
    [[sample]] = engine.generate(requests([replace(PROBLEMS[0], prompt=prompt)]), CONFIG, 1)
    assert sample.finish in ("stop", "length")


def test_half_a_character_is_an_error_of_its_own(engine):
    list(engine.generate(requests(PROBLEMS[:1]), CONFIG, 1))
    [lost, kept] = texts(engine.generate(requests([replace(PROBLEMS[0], prompt="\ud800"), PROBLEMS[1]]), CONFIG, 1))
    assert not lost and kept


def test_a_prompt_that_is_too_long_is_an_error_of_its_own(engine):
    long = replace(PROBLEMS[0], prompt="word " * 20_000)
    [lost, lost_too], [kept, kept_too] = engine.generate(requests([long, PROBLEMS[1]]), CONFIG, 2)
    assert lost.finish == lost_too.finish == "error" and "context" in lost.extra["error"]
    assert "error" not in (kept.finish, kept_too.finish)


def test_a_model_that_is_not_served_is_missing(address):
    opened = RemoteEngine(f"{address.partition('#')[0]}#no-such-model", CONFIG)
    with pytest.raises(MissingError, match="404"):
        list(opened.generate(requests(PROBLEMS[:1]), CONFIG, 1))
    opened.close()


def test_what_was_written_is_remembered(engine, tmp_path):
    workspace = Workspace.create(tmp_path / ".axiom")
    config = replace(CONFIG, samples=2)
    first = list(solve(PROBLEMS, engine, config, workspace))
    began = time.monotonic()
    assert list(solve(PROBLEMS, engine, config, workspace)) == first and time.monotonic() - began < 2


def test_a_real_teacher_is_counted_and_charged_and_asked_once(address, tmp_path):
    workspace = Workspace.create(tmp_path / ".axiom")
    config = ColdstartConfig(teacher=address, traces=2, teacher_max_tokens=48, include_failed=True)
    first, again = TraceCounts(), TraceCounts()
    verdicts = list(coldstart(PROBLEMS, config, workspace=workspace, counts=first))
    assert len(verdicts) == first.traces == 6 == first.passed + first.wrong + first.ill_formed + first.cut_off
    assert first.charged.prompt > 6 * 20 and 6 < first.charged.completion <= 6 * 48
    assert list(coldstart(PROBLEMS, config, workspace=workspace, counts=again)) == verdicts and again == first
