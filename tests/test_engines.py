"""One conformance suite for every engine in the registry, and the scripted engine's own promises."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing
from dataclasses import replace
from importlib.util import find_spec

import pytest

import tiny
from axiom_cli import jsonl
from axiom_cli.errors import AxiomError, InputError, MissingError, UsageError
from axiom_cli.problems.families import draw
from axiom_cli.problems.families.teacher import teach
from axiom_cli.records import Sample
from axiom_cli.sampling import engines
from axiom_cli.sampling.engines.protocol import Request, requests
from axiom_cli.sampling.engines.scripted import ScriptedEngine
from axiom_cli.settings.configs import SolveConfig
from cases import slow_but
from chat_server import chat_server
from lora_server import lora_server

CONFIG = SolveConfig(max_tokens=12, temperature=1.0, seed=5, batch_tokens=4096)
PROBLEMS = list(draw.problems(["arithmetic", "parentheses"], 4, [3], "train", 0))


@pytest.fixture(scope="module", params=slow_but({*engines.names()} - {"server"}, engines.names()))
def engine(request, tmp_path_factory):
    name = request.param
    with ExitStack() as stack:
        if name == "remote":
            model = f"{stack.enter_context(chat_server()).address}#toy"
        elif name == "scripted":
            model = "solver:0.5"
        else:
            if name == "vllm" and not find_spec("vllm"):
                pytest.skip("vllm is not installed here")
            model = str(tiny.write_model(tmp_path_factory.mktemp("model"), hidden=128))
        config = replace(CONFIG, engine=name)
        if name == "server":
            config = replace(config, server=stack.enter_context(lora_server(model)).address)
        yield stack.enter_context(closing(engines.open_engine(model, config)))


def test_it_is_an_engine(engine):
    assert isinstance(engine, engines.Engine)
    assert engine.name in engines.names() and engine.model.name and len(engine.model.digest) == 64


def test_samples_are_grouped_in_order_and_whole(engine):
    groups = list(engine.generate(requests(PROBLEMS), CONFIG, 3))
    assert [[s.problem for s in group] for group in groups] == [[p] * 3 for p in PROBLEMS]
    for sample in (s for group in groups for s in group):
        assert (sample.engine, sample.model, sample.attempt) == (engine.name, engine.model, 1)
        assert sample.params == {"temperature": 1.0, "top_p": 1.0, "max_tokens": 12, "seed": 5}
        assert sample.finish in ("stop", "length") and isinstance(sample.text, str)
        assert not sample.token_ids or len(sample.token_ids) == sample.tokens <= 12
        assert sample.logprob is None or sample.logprob <= 0
        assert Sample.from_dict(json.loads(jsonl.dump(sample))) == sample
    assert [[s.index for s in group] for group in groups] == [[0, 1, 2]] * 4


def _texts(groups):
    return [sample.text for group in groups for sample in group]


def test_a_sample_depends_on_seed_problem_and_index_alone(engine):
    together = list(engine.generate(requests(PROBLEMS), CONFIG, 4))
    alone = [next(engine.generate(requests([problem]), CONFIG, 4)) for problem in reversed(PROBLEMS)][::-1]
    later = list(engine.generate([Request(problem, 2) for problem in PROBLEMS], CONFIG, 2))
    assert len(set(_texts(together))) > len(PROBLEMS)
    assert _texts(alone) == _texts(together)
    assert _texts(later) == _texts(group[2:] for group in together)
    assert [s.index for s in later[0]] == [2, 3]
    assert _texts(engine.generate(requests(PROBLEMS), replace(CONFIG, seed=6), 4)) != _texts(together)


def test_a_conversation_can_be_gone_on_from(engine):
    told = [{"role": "user", "content": "Evaluate: 1 + 1"}, {"role": "assistant", "content": "3"},
            {"role": "user", "content": "No, again, please."}]  # fmt: skip
    groups = list(engine.generate([Request(PROBLEMS[0], 0, told), Request(PROBLEMS[1])], CONFIG, 2))
    assert [len(group) for group in groups] == [2, 2]
    if engine.name != "scripted":
        plain = list(engine.generate(requests(PROBLEMS[:2]), CONFIG, 2))
        assert _texts(groups[:1]) != _texts(plain[:1]) and _texts(groups[1:]) == _texts(plain[1:])


def test_nothing_asked_nothing_given(engine):
    assert list(engine.generate(requests([]), CONFIG, 3)) == []


def test_closing_twice_is_no_error():
    for model, name in (("solver", "scripted"), ("http://127.0.0.1:9/v1#m", "remote")):
        opened = engines.open_engine(model, replace(CONFIG, engine=name))
        opened.close()
        opened.close()


def test_unknown_engines_are_missing_with_a_hint():
    with pytest.raises(MissingError) as caught:
        engines.open_engine("nano", replace(CONFIG, engine="transformer"))
    assert caught.value.hint == "did you mean transformers?"


def test_an_absent_library_names_the_extra():
    if find_spec("vllm"):
        pytest.skip("vllm is installed here")
    with pytest.raises(MissingError) as caught:
        engines.open_engine("nano", replace(CONFIG, engine="vllm"))
    assert "[vllm]" in caught.value.hint


def test_auto_takes_remote_for_an_address_and_transformers_for_the_embedded_model():
    assert engines.choose("https://example.org/v1#m") == "remote"
    assert engines.choose("nano") == engines.choose("some.gguf") == "transformers"


def test_the_scripted_solver_is_right_but_for_its_planted_errors():
    def wrong(rate):
        engine = ScriptedEngine(f"solver:{rate}")
        samples = [s for group in engine.generate(requests(PROBLEMS), CONFIG, 200) for s in group]
        return sum(s.text != f"Answer: {s.problem.answer}" for s in samples) / len(samples)

    assert (wrong(0), wrong(1)) == (0, 1) and abs(wrong(0.3) - 0.3) < 0.06


def test_the_scripted_solver_writes_what_it_is_handed():
    engine = ScriptedEngine("solver", write=teach)
    [[sample]] = engine.generate(requests(PROBLEMS[:1]), replace(CONFIG, max_tokens=500), 1)
    assert sample.text == teach(PROBLEMS[0]) and sample.finish == "stop"
    [[sample]] = engine.generate(requests(PROBLEMS[:1]), replace(CONFIG, max_tokens=2), 1)
    assert sample.finish == "length" and sample.tokens == 2


def test_scripts_are_played_round_and_round(tmp_path):
    script = tmp_path / "answers.json"
    script.write_text(json.dumps({PROBLEMS[0].id: ["one", "two"], "*": ["any"]}))
    engine = ScriptedEngine(str(script))
    assert _texts(engine.generate(requests(PROBLEMS[:2]), CONFIG, 3)) == ["one", "two", "one", "any", "any", "any"]


def test_recorded_samples_are_a_script(tmp_path):
    first = [s for group in ScriptedEngine("solver:0.5").generate(requests(PROBLEMS), CONFIG, 4) for s in group]
    jsonl.save(tmp_path / "samples.jsonl", first)
    engine = ScriptedEngine(str(tmp_path / "samples.jsonl"))
    assert _texts(engine.generate(requests(PROBLEMS), CONFIG, 4)) == [sample.text for sample in first]


def test_a_problem_that_the_script_does_not_know_is_an_error_sample(tmp_path):
    script = tmp_path / "answers.json"
    script.write_text(json.dumps({PROBLEMS[0].id: ["one"]}))
    [[sample]] = ScriptedEngine(str(script)).generate(requests(PROBLEMS[1:2]), CONFIG, 1)
    assert sample.finish == "error" and "nothing for this problem" in sample.extra["error"]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("solver:2", None, UsageError),
        ("solver:x", None, UsageError),
        ("solver:nan", None, UsageError),
        ("absent.json", None, MissingError),
        ("broken.json", "{", InputError),
        ("list.json", "[1]", InputError),
        ("empty.json", '{"*": []}', InputError),
        ("bad.jsonl", '{"kind": "problem"}\n', InputError),
    ],
)
def test_bad_scripts_say_so(tmp_path, name, text, kind):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(kind) as caught:
        ScriptedEngine(name if name.startswith("solver") else str(tmp_path / name))
    assert isinstance(caught.value, AxiomError) and caught.value.hint


@pytest.mark.parametrize(
    ("name", "settings"),
    [("remote", {"max_think_tokens": 8}), ("remote", {"dtype": "float32"}), ("vllm", {"max_think_tokens": 8}),
     ("scripted", {"dtype": "bfloat16"})],
)  # fmt: skip
def test_what_an_engine_cannot_do_is_refused_and_not_recorded_as_done(name, settings):
    config = SolveConfig(engine=name, **settings)
    with pytest.raises(
        UsageError, match=f"the {name} engine does not support --{next(iter(settings)).replace('_', '-')}"
    ):
        engines.open_engine("http://127.0.0.1:9/v1#toy" if name == "remote" else "solver", config)
