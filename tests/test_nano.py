"""The embedded model: what ships, what its tokenizer promises, and how it starts."""

from __future__ import annotations

from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from axiom_cli import models
from axiom_cli.models.loading import load_tokenizer
from axiom_cli.models.nano import WEIGHTS
from axiom_cli.problems.answers import messages, read_answer
from axiom_cli.problems.families import draw
from axiom_cli.problems.reasoning import has_reasoning
from axiom_cli.records import ModelRef
from axiom_cli.sampling import nano_cold_start, prompts
from axiom_cli.sampling.engines.protocol import requests
from axiom_cli.sampling.engines.transformers import TransformersEngine
from axiom_cli.settings.configs import SolveConfig, VerifyConfig
from axiom_cli.verification.verify import verify


@cache
def engine() -> TransformersEngine:
    return TransformersEngine("nano")


@cache
def tokenizer_of_nano():
    return load_tokenizer(WEIGHTS)


def test_its_weights_are_small_and_of_a_stock_architecture() -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) <= 4_000_000
    assert AutoConfig.from_pretrained(WEIGHTS).architectures == ["SmolLM3ForCausalLM"]
    assert 0.3e6 < AutoModelForCausalLM.from_pretrained(WEIGHTS).num_parameters() < 1e6


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_reads_back(text: str) -> None:
    tokenizer = tokenizer_of_nano()
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids, skip_special_tokens=False) == text


def test_digits_are_single_tokens_and_frequent_words_whole() -> None:
    tokenizer = tokenizer_of_nano()
    assert [tokenizer.decode([i]) for i in tokenizer("12 305")["input_ids"]] == ["1", "2", " 3", "0", "5"]
    for word in ("Evaluate", " postfix", " ascending", " balanced", "<think>", "</think>", "\nAnswer"):
        assert len(tokenizer(word)["input_ids"]) == 1


def test_the_prompt_is_the_users_words_between_two_marks() -> None:
    problem = next(draw.problems(["rpn"], 1, [2], "train", 0))
    tokenizer = tokenizer_of_nano()
    ids = prompts.conversation_ids(tokenizer, messages(problem))
    assert tokenizer.decode(ids) == f"<|user|>{problem.prompt}<|assistant|>"


def test_it_starts_well_formed_and_mediocre() -> None:
    problems = list(draw.problems(nano_cold_start.LISTINGS, 100, range(1, 8), "val", 4))
    config = SolveConfig(samples=1, temperature=0.0, max_tokens=320)
    samples = [one for group in engine().generate(requests(problems), config, 1) for one in group]
    assert sum(read_answer(sample.text) is not None for sample in samples) >= 0.98 * len(samples)
    passed = sum(verdict.passed for verdict in verify(samples, VerifyConfig()))
    assert 0.2 * len(samples) < passed < 0.8 * len(samples)


def test_it_was_taught_short_problems_alone_each_worked_out() -> None:
    few = list(nano_cold_start.samples(0.002))
    counts = {family: {} for family in nano_cold_start.COUNTS}
    for sample in few:
        levels = counts[sample.problem.family]
        levels[sample.problem.level] = levels.get(sample.problem.level, 0) + 1
    assert counts == {
        family: {level: round(count * 0.002) for level, count in levels.items()}
        for family, levels in nano_cold_start.held().items()
    }
    assert all(max(counts[family]) == 3 for family in nano_cold_start.LISTINGS)
    assert all(sample.problem.split == "train" and has_reasoning(sample.text) for sample in few)
    assert all(verdict.passed for verdict in verify(few, VerifyConfig()))


def test_its_name_leads_to_its_folder_by_content() -> None:
    found = models.resolve("nano")
    assert found.path == WEIGHTS
    assert found.digest == models.folder_digest(WEIGHTS)
    assert found.ref == ModelRef("nano", found.digest)
