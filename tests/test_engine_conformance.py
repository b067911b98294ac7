"""What every engine promises, asked of each: order, indices, ends, seeds, odd prompts, prompts that are too long."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack, closing
from dataclasses import replace
from importlib.util import find_spec
from random import Random

import pytest
from safetensors.torch import load_file, save_file

import tiny
from axiom_cli import models
from axiom_cli.errors import GateFailedError
from axiom_cli.models.loading import load_tokenizer
from axiom_cli.models.nano import WEIGHTS
from axiom_cli.problems.families import draw
from axiom_cli.sampling import engines
from axiom_cli.sampling.engines.protocol import SETTINGS, Engine, Request, requests
from axiom_cli.sampling.sample_cache import CachedEngine, Usage
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace
from cases import slow_but
from chat_server import chat_server, completion
from lora_server import lora_server

CONFIG = SolveConfig(max_tokens=24, temperature=1.0, seed=5)
LONG = replace(CONFIG, max_tokens=200)
GREEDY = replace(CONFIG, temperature=0)
PROBLEMS = list(draw.problems(["arithmetic", "parentheses"], 5, [1], "train", 0))
NAMES = ["tiny", "nano", "scripted", "remote", "server", "vllm"]  # nano by the engine of tiny: its cases are slow
CONTEXT, NANO_CONTEXT = 512, 2048
"""Tokens of the context of the tiny model, and words of the server's; tokens of nano's."""
ODD = [
    "",
    " ",
    "\u4e2d\u6587 \u00e9\u0301 \U0001f600",
    "\u202eright to left\u202c",
    "a\x00b",
    "a\r\nb\tc",
    "<eos><user>",
]


def served(body):
    """A server's answer: words that depend on the seed, the prompt and, above zero, the temperature."""
    prompt = body["messages"][-1]["content"]
    if len(prompt.split()) >= CONTEXT:
        return 400, {"error": {"message": f"the maximum context length is {CONTEXT} tokens"}}
    random = Random(f"{body['seed'] if body['temperature'] else 0}/{prompt}")
    words = [random.choice("abcdefgh") for _ in range(random.randint(1, 2 * body["max_tokens"]))]
    kept = words[: body["max_tokens"]]
    answer = completion(" ".join(kept), "stop" if kept == words else "length")
    return {**answer, "usage": {"completion_tokens": len(kept)}}


@pytest.fixture(scope="module", params=slow_but({*NAMES} - {"nano", "server"}, NAMES))
def engine(request, tmp_path_factory):
    name, kind = request.param, "transformers"
    with ExitStack() as stack:
        if name == "remote":
            kind, model = name, f"{stack.enter_context(chat_server(served)).address}#toy"
        elif name == "scripted":
            kind, model = name, "solver:0.5"
        elif name == "vllm":
            if not find_spec("vllm"):
                pytest.skip("vllm is not installed here")
            kind, model = name, str(tiny.write_model(tmp_path_factory.mktemp("model"), hidden=128))
        else:
            model = name if name == "nano" else str(tiny.write_model(tmp_path_factory.mktemp("model")))
        config = replace(CONFIG, engine=kind, batch_tokens=4096)
        if name == "server":
            config = replace(config, engine=name, server=stack.enter_context(lora_server(model)).address)
        opened = stack.enter_context(closing(engines.open_engine(model, config)))
        opened.is_called = name
        yield opened


def texts(groups):
    return [sample.text for group in groups for sample in group]


def by_chance(engine):
    """Whether temperature and length mean something to it."""
    return engine.name != "scripted"


def apart(engine):
    """Whether its samples are promised not to depend on those beside them, rounding included."""
    return not engine.batch_dependent


@pytest.mark.parametrize("samples", [1, 5])
def test_groups_come_in_order_with_their_indices(engine, samples):
    starts = [3, 0, 7, 0, 1]
    groups = list(engine.generate(list(map(Request, PROBLEMS, starts)), CONFIG, samples))
    assert [[s.problem for s in group] for group in groups] == [[problem] * samples for problem in PROBLEMS]
    assert [[s.index for s in group] for group in groups] == [list(range(s, s + samples)) for s in starts]


def test_the_same_problem_twice_gets_the_same_samples(engine):
    first, second = engine.generate(requests([PROBLEMS[0]] * 2), CONFIG, 3)
    assert texts([first]) == texts([second])


def test_an_end_is_told_as_what_it_was(engine):
    ends = set()
    for sample in (sample for group in engine.generate(requests(PROBLEMS), LONG, 6) for sample in group):
        ends.add(sample.finish)
        assert sample.tokens <= LONG.max_tokens
        if sample.finish == "length" and by_chance(engine):
            assert sample.tokens == LONG.max_tokens
        if sample.token_ids:
            assert len(sample.token_ids) == sample.tokens
            assert not any(word in sample.text for word in ("<eos>", "<|end|>"))
            ending = [i for i, token in enumerate(sample.token_ids) if token in eos_ids(engine)]
            assert ending == ([sample.tokens - 1] if sample.finish == "stop" else [])
    assert ends <= {"stop", "length"} and "stop" in ends


def eos_ids(engine):
    tokenizer = load_tokenizer(WEIGHTS) if engine.is_called == "nano" else tiny.tiny_tokenizer()
    return {tokenizer.eos_token_id}


def test_what_is_cut_off_is_the_beginning_of_the_whole(engine):
    if not apart(engine) or engine.name == "remote":
        pytest.skip("not promised")
    configs = (replace(CONFIG, max_tokens=3), LONG)
    short, long = (next(engine.generate(requests(PROBLEMS[:1]), config, 4)) for config in configs)
    for cut, whole in zip(short, long, strict=True):
        assert whole.text.startswith(cut.text) and cut.token_ids == whole.token_ids[: len(cut.token_ids)]
        assert cut.tokens == min(3, whole.tokens)


@pytest.mark.parametrize("prompt", ODD)
def test_odd_prompts_are_prompts(engine, prompt):
    odd = replace(PROBLEMS[0], id="odd", prompt=prompt)
    [first, [sample, again], last] = engine.generate(requests([PROBLEMS[0], odd, PROBLEMS[1]]), CONFIG, 2)
    assert sample.finish in ("stop", "length") and sample.problem == odd and sample.index + 1 == again.index
    assert sample.text.encode()
    if apart(engine):
        assert texts([first, last]) == texts(engine.generate(requests(PROBLEMS[:2]), CONFIG, 2))


def test_a_prompt_beyond_the_context_is_an_error_of_its_own(engine):
    if not by_chance(engine):
        pytest.skip("it has no context")
    long = replace(PROBLEMS[0], id="long", prompt="1 + " * (NANO_CONTEXT if engine.is_called == "nano" else CONTEXT))
    [before, lost, after] = engine.generate(requests([PROBLEMS[0], long, PROBLEMS[1]]), CONFIG, 2)
    for sample in lost:
        assert (sample.finish, sample.text, sample.token_ids, sample.tokens) == ("error", "", [], 0)
        assert sample.extra["error"] and sample.logprob is None
    assert {sample.finish for sample in (*before, *after)} <= {"stop", "length"}
    if apart(engine):
        assert texts([before, after]) == texts(engine.generate(requests(PROBLEMS[:2]), CONFIG, 2))


def test_a_seed_is_all_there_is_to_chance(engine):
    first = texts(engine.generate(requests(PROBLEMS), CONFIG, 4))
    assert texts(engine.generate(requests(PROBLEMS), CONFIG, 4)) == first
    assert texts(engine.generate(requests(PROBLEMS), replace(CONFIG, seed=6), 4)) != first


def test_an_index_is_the_same_sample_alone_and_among_others(engine):
    among = list(engine.generate(requests(PROBLEMS), CONFIG, 5))
    for place, problem in enumerate(PROBLEMS[:3]):
        for index in (0, 2, 4):
            [[alone]] = engine.generate([Request(problem, index)], CONFIG, 1)
            assert alone.index == index
            if apart(engine):
                assert alone.text == among[place][index].text
                assert alone.logprob == among[place][index].logprob


@pytest.mark.parametrize("batch_tokens", [1, 300, 100_000])
def test_how_much_goes_together_changes_nothing(engine, batch_tokens):
    if not apart(engine):
        pytest.skip("not promised: its samples are computed together")
    expected = texts(engine.generate(requests(PROBLEMS), CONFIG, 3))
    other = replace(CONFIG, batch_tokens=batch_tokens, concurrency=1 + batch_tokens % 7)
    assert texts(engine.generate(requests(PROBLEMS), other, 3)) == expected


def test_greedy_is_greedy(engine):
    groups = list(engine.generate(requests(PROBLEMS), GREEDY, 3))
    if by_chance(engine):
        assert all(len({sample.text for sample in group}) == 1 for group in groups)
        assert texts(engine.generate(requests(PROBLEMS), replace(GREEDY, seed=9), 3)) == texts(groups)
    assert groups[0][0].params["temperature"] == 0


def test_no_problems_no_samples(engine):
    assert list(engine.generate(requests([]), CONFIG, 4)) == []


def test_no_samples_of_a_problem_are_an_empty_list(engine):
    assert list(engine.generate(requests(PROBLEMS[:2]), CONFIG, 0)) == [[], []]


def test_what_is_given_up_half_way_leaves_the_engine_as_it_was(engine):
    expected = texts(engine.generate(requests(PROBLEMS), CONFIG, 2))
    for taken in (0, 1, 3):
        groups = engine.generate(requests(PROBLEMS), CONFIG, 2)
        got = [next(groups) for _ in range(taken)]
        groups.close()
        assert texts(got) == expected[: 2 * taken]
    assert texts(engine.generate(requests(PROBLEMS), CONFIG, 2)) == expected


def test_two_generators_may_be_read_in_turn(engine):
    forwards, backwards = requests(PROBLEMS), requests(PROBLEMS[::-1])
    one, other = (list(engine.generate(asked, CONFIG, 2)) for asked in (forwards, backwards))
    turns = zip(engine.generate(forwards, CONFIG, 2), engine.generate(backwards, CONFIG, 2), strict=True)
    for place, (mine, yours) in enumerate(turns):
        assert texts([mine]) == texts([one[place]]) and texts([yours]) == texts([other[place]])


@pytest.mark.parametrize("name", ["tiny", "scripted", "remote"])
def test_closing_twice_is_no_error(name, tmp_path):
    with chat_server(served) as server:
        model = {"scripted": "solver", "remote": f"{server.address}#toy"}.get(name)
        kind = name if model else "transformers"
        opened = engines.open_engine(model or str(tiny.write_model(tmp_path)), replace(CONFIG, engine=kind))
        assert len(list(opened.generate(requests(PROBLEMS[:1]), CONFIG, 1))) == 1
        opened.close()
        opened.close()


def test_it_declares_its_capabilities(engine):
    assert isinstance(engine, Engine) and {type(engine.batch_dependent), type(engine.streams)} == {bool}
    assert type(engine.reloads) is bool and set(engine.supports) <= set(SETTINGS)
    assert engine.batch_size_hint(CONFIG) >= 1


def test_stream_gives_what_generate_gives_each_place_once(engine):
    later = [Request(problem, 2) for problem in PROBLEMS]
    placed = list(engine.stream(later, CONFIG, 3))
    assert sorted(place for place, _ in placed) == list(range(15))
    for place, sample in placed:
        assert (sample.problem, sample.index) == (PROBLEMS[place // 3], 2 + place % 3)
    if apart(engine):
        streamed = [sample.text for _, sample in sorted(placed, key=lambda pair: pair[0])]
        assert streamed == texts(engine.generate(later, CONFIG, 3))


def test_a_stream_that_is_given_up_leaves_the_engine_as_it_was(engine):
    stream = engine.stream(requests(PROBLEMS), CONFIG, 2)
    next(stream)
    stream.close()
    first, second = (texts(engine.generate(requests(PROBLEMS), CONFIG, 2)) for _ in range(2))
    assert first == second


def test_what_is_cached_as_one_follows_from_its_capabilities(engine, tmp_path):
    workspace = Workspace.create(tmp_path / "ws")
    first = list(CachedEngine(engine, workspace).generate(requests(PROBLEMS), CONFIG, 2))
    cached = len(list((tmp_path / "ws" / "receipts").rglob("*.json")))
    assert cached == (10 if engine.streams else 1 if engine.batch_dependent else 5)
    usage = Usage(on_samples=lambda samples: pytest.fail("sampled again"))
    assert list(CachedEngine(engine, workspace, usage).generate(requests(PROBLEMS), CONFIG, 2)) == first
    assert usage.samples == 10


def test_after_sleep_it_samples_as_before(engine):
    expected = texts(engine.generate(requests(PROBLEMS), CONFIG, 2))
    engine.sleep()
    engine.sleep()
    assert texts(engine.generate(requests(PROBLEMS), CONFIG, 2)) == expected


def test_other_weights_are_loaded_if_it_says_so(engine, tmp_path):
    other = models.resolve(str(tiny.write_model(tmp_path, hidden=128, seed=1)))
    if not engine.reloads:
        with pytest.raises(NotImplementedError):
            engine.load_weights(other)
        return
    if engine.name == "server":
        pytest.skip("it takes adapters of its base: tests/test_lora_server.py")
    with closing(type(engine)(engine.model.name, replace(CONFIG, batch_tokens=4096))) as opened:
        before, digest = texts(opened.generate(requests(PROBLEMS), CONFIG, 2)), opened.model.digest
        opened.load_weights(other)
        assert opened.model == other.ref and opened.model.digest != digest
        assert texts(opened.generate(requests(PROBLEMS), CONFIG, 2)) != before


def test_other_weights_that_change_nothing_are_refused_and_equal_ones_are_not(engine, tmp_path):
    """Two control arms may come to the same weights, beside facts that differ."""
    if not engine.reloads or engine.name == "server":
        pytest.skip("it does not load other whole weights")
    first = tiny.write_model(tmp_path / "first", hidden=128, seed=1)
    card, file = (shutil.copytree(first, tmp_path / name) for name in ("card", "file"))
    config = card / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "epochs": 2.01}))
    path = file / "model.safetensors"
    save_file(load_file(path), path, metadata={"format": "pt", "trained": "for nothing"})
    with closing(type(engine)(str(first), replace(CONFIG, batch_tokens=4096))) as opened:
        same, other = models.resolve(str(card)), models.resolve(str(file))
        assert len({same.digest, other.digest, opened.model.digest}) == 3
        opened.load_weights(same)
        assert opened.model == same.ref
        with pytest.raises(GateFailedError, match="gives the same logits as the previous model"):
            opened.load_weights(other)
