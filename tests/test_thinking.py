"""What the transformers engine is told: a budget for thinking, the type of the weights, prompts that are too long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from axiom_cli.errors import UsageError
from axiom_cli.learning.training.rows import encode
from axiom_cli.models import resolve
from axiom_cli.models.loading import load_for_sampling, load_tokenizer, multiplies_bfloat16
from axiom_cli.models.nano import WEIGHTS
from axiom_cli.problems.answers import messages
from axiom_cli.problems.families import draw
from axiom_cli.records import Problem, Sample
from axiom_cli.sampling.engines.protocol import requests
from axiom_cli.sampling.engines.transformers import TransformersEngine
from axiom_cli.sampling.prompts import conversation_ids
from axiom_cli.settings.configs import SolveConfig

GREEDY = SolveConfig(temperature=0.0, max_tokens=120)
BUDGET = 12

TOKENIZER = load_tokenizer(WEIGHTS)


@pytest.fixture(scope="module")
def engine() -> Iterator[TransformersEngine]:
    made = TransformersEngine("nano")
    yield made
    made.close()


@pytest.fixture(scope="module")
def problems() -> list[Problem]:
    return list(draw.problems(["bracket_listing", "stack_listing", "arithmetic"], 24, range(1, 4), "val", 5))


def written(engine: TransformersEngine, problems: list[Problem], config: SolveConfig) -> list[Sample]:
    return [sample for group in engine.generate(requests(problems), config, 1) for sample in group]


def test_thinking_is_closed_after_its_budget_and_short_thoughts_are_left_alone(
    engine: TransformersEngine, problems: list[Problem]
) -> None:
    free = written(engine, problems, GREEDY)
    held = written(engine, problems, replace(GREEDY, max_think_tokens=BUDGET))
    closed = [
        (before, after)
        for before, after in zip(free, held, strict=True)
        if "</think>" not in TOKENIZER.decode(before.token_ids[:BUDGET])
    ]
    assert 0 < len(closed) < len(problems)
    for before, after in zip(free, held, strict=True):
        if (before, after) in closed:
            assert after.token_ids[:BUDGET] == before.token_ids[:BUDGET]
            assert TOKENIZER.decode(after.token_ids[BUDGET:]).startswith("\n</think>\n")
            assert after.params["think_tokens"] == BUDGET
            start, end = after.extra["thought_cut"]
            assert start == BUDGET and TOKENIZER.decode(after.token_ids[start:end]) == "\n</think>\n"
        else:
            assert after.text == before.text and "thought_cut" not in after.extra
        assert len(after.token_ids) <= GREEDY.max_tokens


def test_what_was_closed_for_the_model_is_not_learnt(engine: TransformersEngine, problems: list[Problem]) -> None:
    held = written(engine, problems, replace(GREEDY, max_think_tokens=BUDGET))
    whole = [sample for sample in held if sample.finish == "stop"]
    found = encode([(sample, 1.0) for sample in whole], TOKENIZER, [TOKENIZER.eos_token_id], 4096, engine.model.digest)
    assert any("thought_cut" in sample.extra for sample in whole) and found.prompts_differ == 0
    for sample, row in zip(whole, found.rows, strict=True):
        _, end = sample.extra.get("thought_cut", (0, 0))
        assert row.completion_ids == sample.token_ids[end:]
        assert row.prompt_ids == conversation_ids(TOKENIZER, messages(sample.problem)) + sample.token_ids[:end]
        assert (row.engine_logprob is None) == bool(end)


def test_a_budget_beyond_the_longest_completion_changes_nothing(
    engine: TransformersEngine, problems: list[Problem]
) -> None:
    free = written(engine, problems[:6], GREEDY)
    held = written(engine, problems[:6], replace(GREEDY, max_think_tokens=1000))
    assert [(one.text, one.finish) for one in free] == [(one.text, one.finish) for one in held]


def test_a_prompt_that_fills_the_context_is_an_error_of_its_own(
    engine: TransformersEngine, problems: list[Problem]
) -> None:
    long = replace(problems[0], prompt="1 + " * 3000 + "1")
    first, second, third = written(engine, [problems[0], long, problems[1]], GREEDY)
    assert second.finish == "error" and "no room" in second.extra["error"] and second.tokens == 0
    assert [first.text, third.text] == [one.text for one in written(engine, problems[:2], GREEDY)]


def test_weights_have_the_type_that_was_asked_for() -> None:
    path = resolve("nano").path
    assert load_for_sampling(path)[0].dtype == torch.float32
    assert load_for_sampling(path, "bfloat16")[0].dtype == torch.bfloat16
    with pytest.raises(UsageError, match="float8"):
        load_for_sampling(path, "float8")


def test_bfloat16_files_stay_so_where_the_processor_can(tmp_path) -> None:
    from tiny import write_model

    found = load_for_sampling(write_model(tmp_path / "half", dtype="bfloat16"))[0].dtype
    assert found == (torch.bfloat16 if multiplies_bfloat16() else torch.float32)
