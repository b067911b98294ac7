"""A running server that is handed adapters: what it samples is what the base with the adapter says here."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

import tiny
from axiom_cli import models
from axiom_cli.errors import AxiomError, GateFailedError, InputError, MissingError, UsageError
from axiom_cli.learning.training.lora import write_trial
from axiom_cli.models import Resolved
from axiom_cli.models.loading import load_model, load_tokenizer
from axiom_cli.sampling.engines import choose
from axiom_cli.sampling.engines.protocol import requests
from axiom_cli.sampling.engines.server import ServerEngine
from axiom_cli.sampling.engines.transformers import TransformersEngine
from axiom_cli.settings.configs import SolveConfig, TrainConfig
from command_line import axiom, failed, rows
from lora_server import BASE, LoraServer, lora_server

PROBLEMS = [tiny.problem(number) for number in range(3)]
GREEDY = SolveConfig(temperature=0.0, max_tokens=12, samples=1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_model(tmp_path_factory.mktemp("served") / "base")


@pytest.fixture(scope="module")
def adapted(base: Path) -> Resolved:
    """The base with an adapter of rank 8."""
    write_trial(base, TrainConfig(lora_r=8, lora_alpha=64), base.parent / "adapter", str(base))
    return models.resolve(f"{base}+{base.parent / 'adapter'}")


def _engine(server: LoraServer, model: str) -> ServerEngine:
    return ServerEngine(model, SolveConfig(server=server.address))


def _words(engine, config: SolveConfig = GREEDY, samples: int = 1) -> list[tuple[list[int], str, str]]:
    return [(s.token_ids, s.text, s.finish) for g in engine.generate(requests(PROBLEMS), config, samples) for s in g]


@pytest.mark.slow
def test_the_adapter_that_was_handed_over_answers(base: Path, adapted: Resolved) -> None:
    with closing(TransformersEngine(str(base))) as local:
        plain = _words(local)
        local.load_weights(adapted)
        changed = _words(local)
    assert plain != changed
    with lora_server(str(base)) as server, closing(_engine(server, str(base))) as engine:
        assert _words(engine) == plain and set(server.asked) == {BASE}
        engine.load_weights(adapted)
        del server.asked[:]
        assert _words(engine) == changed and set(server.asked) == set(server.adapters) == set(server.loads)
        assert engine.model.digest == adapted.digest
        engine.load_weights(models.resolve(str(base)))
        assert _words(engine) == plain and not server.adapters, "taken away"


@pytest.mark.slow
def test_samples_depend_on_seed_problem_and_index(base: Path) -> None:
    drawn = SolveConfig(temperature=1.0, max_tokens=12, seed=3)
    with lora_server(str(base)) as server, closing(_engine(server, str(base))) as engine:
        many = _words(engine, drawn, samples=3)
        assert len({tuple(ids) for ids, *_ in many}) == 9
        assert many == _words(engine, drawn, samples=3)
        sample = next(engine.generate(requests(PROBLEMS[:1]), drawn, 1))[0]
        assert sample.engine == "server" and sample.logprob < 0 and sample.tokens == len(sample.token_ids)


def _loaded(server: LoraServer, base: Path, adapted: Resolved) -> AxiomError:
    with closing(_engine(server, str(base))) as engine, pytest.raises(AxiomError) as caught:
        engine.load_weights(adapted)
    return caught.value


@pytest.mark.slow
def test_a_server_that_does_not_take_it_is_told_with_the_line_to_type(base: Path, adapted: Resolved) -> None:
    with lora_server(str(base), updates=False) as server:
        error = _loaded(server, base, adapted)
        assert isinstance(error, MissingError) and "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1" in error.hint
    with lora_server(str(base), max_rank=4) as server:
        error = _loaded(server, base, adapted)
        assert "LoRA rank 8 is greater" in str(error) and "--max-lora-rank 8" in error.hint
    with lora_server(str(base)) as server:
        elsewhere = Resolved(adapted.name, "1" * 64, adapted.path, base.parent / "nowhere", adapted.base)
        assert "must see this machine's files" in _loaded(server, base, elsewhere).hint


@pytest.mark.slow
def test_a_server_that_goes_on_with_other_weights_is_noticed(base: Path, adapted: Resolved, tmp_path: Path) -> None:
    with lora_server(str(base)) as server:
        server.ignores_adapters = True
        assert isinstance(_loaded(server, base, adapted), GateFailedError)
    other = load_model(models.resolve("nano"))
    other.model.embed_tokens.weight.data *= 2
    other.save_pretrained(tmp_path / "other")
    load_tokenizer(models.resolve("nano").path).save_pretrained(tmp_path / "other")
    with lora_server(str(tmp_path / "other")) as server, pytest.raises(InputError, match="is not nano: .*nats a token"):
        _engine(server, "nano")


@pytest.mark.slow
def test_what_is_no_base_of_it_is_refused(base: Path, adapted: Resolved, tmp_path: Path) -> None:
    other = models.resolve(str(tiny.write_model(tmp_path / "other", seed=1)))
    twice = Resolved("twice", "2" * 64, adapted.path, adapted.adapter, adapted)
    with lora_server(str(base)) as server, closing(_engine(server, str(base))) as engine:
        with pytest.raises(UsageError, match="is neither") as caught:
            engine.load_weights(other)
        assert "--unmerged" in caught.value.hint
        with pytest.raises(UsageError, match="2 adapters"):
            engine.load_weights(twice)


@pytest.mark.slow
def test_a_server_that_is_no_vllm_says_so(base: Path) -> None:
    from chat_server import chat_server, completion

    with chat_server(lambda _body: completion("Answer: 1")) as server, pytest.raises(MissingError) as caught:
        ServerEngine(str(base), SolveConfig(server=server.address))
    assert "vllm serve" in caught.value.hint


def test_the_option_chooses_the_engine() -> None:
    served = SolveConfig(server="http://127.0.0.1:1/v1")
    assert choose("nano", served) == "server" and choose("nano") == "transformers"
    with pytest.raises(UsageError, match="two servers"):
        choose("http://127.0.0.1:2/v1#m", served)
    with pytest.raises(UsageError, match="does not use a server"):
        choose("nano", SolveConfig(server="http://127.0.0.1:1/v1", engine="vllm"))


@pytest.mark.slow
def test_axiom_solve_samples_from_a_server(tmp_path: Path) -> None:
    axiom("problems", "gen", "arithmetic", "--count", "6", "-o", "problems.jsonl", cwd=tmp_path)
    with lora_server("nano") as server:
        words = ("solve", "problems.jsonl", "--server", server.address, "--samples", "1", "--temperature", "0")
        done = axiom(*words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr.decode()
        own = axiom("solve", "problems.jsonl", "--samples", "1", "--temperature", "0", cwd=tmp_path)
    served, here = ([row["text"] for row in rows(d.stdout)] for d in (done, own))
    assert served == here and {row["engine"] for row in rows(done.stdout)} == {"server"}
    failed(axiom("solve", "problems.jsonl", "--engine", "server", cwd=tmp_path), 2, "needs the address of a server")
