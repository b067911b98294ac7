"""What a model is trained on: which tokens carry the loss, and how rows are put into steps and passes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import tiny
from axiom_cli.errors import InputError
from axiom_cli.learning.training import batches
from axiom_cli.learning.training.fit import fit
from axiom_cli.learning.training.loss_mask import label_rows
from axiom_cli.learning.training.rows import Row, encode
from axiom_cli.learning.training.scoring import proved_scorer
from axiom_cli.learning.training.trainer import Trainer
from axiom_cli.models import loading, micro_batches
from axiom_cli.problems.answers import messages
from axiom_cli.sampling import prompts
from axiom_cli.sampling.token_ids import end_ids
from axiom_cli.settings.configs import TrainConfig


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    return Trainer(tiny.write_model(tmp_path_factory.mktemp("base")), name="tiny")


# Rows


def test_loss_falls_on_the_completion_and_its_end_alone(trainer: Trainer) -> None:
    """Read off the batch: what is padded, what is learned, what is neither."""
    short, long = tiny.samples(2)
    long = replace(long, text=f"{long.text}00")
    rows = encode([(short, 1.0), (long, 1.0)], trainer.tokenizer, trainer.ends, 512).rows
    (one, two), counts = label_rows(rows, trainer.ends, TrainConfig(batch_size=2, grad_accum=1), trainer.base)
    tokens = one.tokens(trainer.tokenizer)
    text = {place: "".join(text for text, where in tokens if where == place) for place in counts}
    assert text["prompt"] == "<user>Evaluate: 0<assistant>"
    assert text["learned"] == "<think>\n0\n</think>\nAnswer: 0"
    assert text["end"] == "<eos>"
    assert (one.counts()["padding"], two.counts()["padding"]) == (2, 0)
    assert one.ids[one.row.length :] == [0, 0], "as many zeros as a pass really holds"
    assert counts == {place: one.counts()[place] + two.counts()[place] for place in counts}


def test_the_prompt_is_that_of_sampling(trainer: Trainer) -> None:
    problem = tiny.problem(5)
    (row,) = encode([(tiny.sample(problem, "Answer: 1"), 1.0)], trainer.tokenizer, trainer.ends, 99).rows
    assert row.prompt_ids == prompts.conversation_ids(trainer.tokenizer, messages(problem))


def test_a_retry_is_trained_on_the_conversation_it_saw(trainer: Trainer) -> None:
    told = [{"role": "user", "content": "again"}]
    sample = tiny.sample(tiny.problem(5), "Answer: 1", extra={"messages": told})
    (row,) = encode([(sample, 1.0)], trainer.tokenizer, trainer.ends, 99).rows
    assert trainer.tokenizer.decode(row.prompt_ids) == "<user>again<assistant>"


def test_a_template_without_a_system_role_gets_the_instruction_all_the_same() -> None:
    tokenizer = tiny.tiny_tokenizer()
    refuse = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
    tokenizer.chat_template = refuse + tiny.TEMPLATE
    text = prompts.conversation(tokenizer, [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}])
    assert text == "<user>S\n\nU<assistant>"


def test_sampled_ids_are_used_as_they_are(trainer: Trainer) -> None:
    """`An` was sampled in a way that encoding its text would never give."""
    tokenizer = trainer.tokenizer
    unknown = tokenizer.unk_token_id
    ids = [*tokenizer("Answer: ").input_ids, unknown, *trainer.ends]
    sample = tiny.sample(tiny.problem(1), tokenizer.decode(ids[:-1]), token_ids=ids)
    encoded = encode([(sample, 1.0)], tokenizer, trainer.ends, 99)
    assert encoded.rows[0].completion_ids == ids
    assert encoded.encoded_here == 0


def test_ids_of_another_tokenizer_are_not_trained_on_and_counted(trainer: Trainer) -> None:
    sample = tiny.sample(tiny.problem(1), "Answer: 1", token_ids=[5, 6, 7, 1])
    encoded = encode([(sample, 1.0), *[(one, 1.0) for one in tiny.samples(2)]], trainer.tokenizer, trainer.ends, 99)
    assert (encoded.encoded_here, encoded.foreign) == (3, 1), "a text without ids loses nothing"
    assert trainer.tokenizer.decode(encoded.rows[0].completion_ids) == "Answer: 1<eos>"
    (warning,) = encoded.warnings(99)
    assert warning.startswith("1 of 3 rows hold another model's ids")


def test_samples_of_the_very_model_come_from_its_prompt(trainer: Trainer) -> None:
    good = tiny.sample(tiny.problem(1), "Answer: 1", token_ids=trainer.tokenizer("Answer: 1").input_ids)
    digest = good.model.digest
    other = replace(good, extra={prompts.PROMPT_DIGEST: prompts.digest([1, 2])})
    assert encode([(other, 1.0)], trainer.tokenizer, trainer.ends, 99, "another").prompts_differ == 1
    with pytest.raises(InputError, match="different prompt") as caught:
        encode([(other, 1.0)], trainer.tokenizer, trainer.ends, 99, digest)
    assert "sample it anew" in caught.value.hint
    prompt = prompts.conversation_ids(trainer.tokenizer, messages(good.problem))
    fits = replace(good, extra={prompts.PROMPT_DIGEST: prompts.digest(prompt)})
    assert encode([(fits, 1.0)], trainer.tokenizer, trainer.ends, 99, digest).warnings(99) == []


@pytest.mark.parametrize("added", [[], [1000]], ids=["edited", "an id that the tokenizer does not know"])
def test_a_sample_of_the_very_model_that_does_not_read_back_costs_itself(trainer: Trainer, added: list[int]) -> None:
    ids = trainer.tokenizer("Answer: 1").input_ids
    good = tiny.sample(tiny.problem(1), "Answer: 1", token_ids=ids)
    stray = replace(good, text="Answer: 1" if added else "Answer: 2", token_ids=[*ids, *added])
    encoded = encode([(stray, 1.0), (good, 1.0)], trainer.tokenizer, trainer.ends, 99, good.model.digest)
    assert (len(encoded.rows), encoded.numbers, encoded.counts()["unreadable"]) == (1, [1], 1)
    (warning,) = encoded.warnings(99)
    assert warning.startswith("1 samples by the model that is trained are left out")
    assert encode([(stray, 1.0)], trainer.tokenizer, trainer.ends, 99, "another").foreign == 1


def test_a_prompt_without_the_question_is_an_error(trainer: Trainer) -> None:
    sample = tiny.sample(tiny.problem(1), "Answer: 1")
    tokenizer = tiny.tiny_tokenizer()
    tokenizer.chat_template = "{% if messages[-1].role == 'assistant' %}{{ messages[-1].content }}{% endif %}"
    with pytest.raises(InputError, match="does not show the model what the user says"):
        encode([(sample, 1.0)], tokenizer, trainer.ends, 99)


def test_truncated_and_overlong_samples_give_no_row(trainer: Trainer) -> None:
    good, cut, long = tiny.samples(3)
    given = [(good, 1.0), (replace(cut, finish="length"), 1.0), (replace(long, text="Answer: " + "9" * 200), 1.0)]
    encoded = encode(given, trainer.tokenizer, trainer.ends, 100)
    assert (len(encoded.rows), encoded.truncated, encoded.too_long) == (1, 1, 1)


@pytest.mark.parametrize("ids", [[], [1]])
def test_an_all_masked_row_is_an_error(trainer: Trainer, ids: list[int]) -> None:
    with pytest.raises(InputError, match="masked"):
        encode([(tiny.sample(tiny.problem(1), "", token_ids=ids), 1.0)], trainer.tokenizer, trainer.ends, 99)
    with pytest.raises(InputError, match="empty"):
        fit(trainer.model, [Row([1, 2], [], 1.0)], TrainConfig())


def test_a_tokenizer_without_an_end_is_an_error() -> None:
    tokenizer = tiny.tiny_tokenizer()
    tokenizer.eos_token = None
    with pytest.raises(InputError, match="end-of-text"):
        end_ids(tokenizer)


# Batches


def test_every_row_is_in_every_epoch_once() -> None:
    lengths = [10 + (i * 37) % 90 for i in range(101)]
    config = TrainConfig(batch_size=2, grad_accum=4, epochs=2)
    steps = batches.plan_steps(lengths, config)
    half = len(steps) // 2
    for epoch in (steps[:half], steps[half:]):
        assert sorted(row for step in epoch for row in step) == list(range(101))
    assert {len(step) for step in steps} <= {7, 8, 9}
    assert steps == batches.plan_steps(lengths, config) != batches.plan_steps(lengths, replace(config, seed=1))


@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=40),
    budget=st.integers(1, 1000),
    workers=st.integers(1, 5),
)
def test_a_step_is_cut_into_shares_of_passes(lengths: list[int], budget: int, workers: int) -> None:
    """Each row once, no empty share, shares as even as can be, and no pass above the budget that could be smaller."""
    parts = micro_batches.split(range(len(lengths)), lengths, budget, workers)
    assert sorted(row for part in parts for rows in part for row in rows) == list(range(len(lengths)))
    sizes = [sum(map(len, part)) for part in parts]
    assert len(parts) <= workers and min(sizes) >= 1 and max(sizes) - min(sizes) <= 1
    assert all(len(rows) == 1 or batches.padded_tokens([rows], lengths) <= budget for part in parts for rows in part)


def test_rows_of_similar_lengths_share_a_pass() -> None:
    lengths = [10 + (i * 37) % 90 for i in range(640)]
    steps = batches.plan_steps(lengths, TrainConfig(batch_size=8, grad_accum=1, epochs=1))
    batched = [batch for step in steps for batch in micro_batches.split(step, lengths, 4096, 1)]
    padded = sum(batches.padded_tokens(batch, lengths) for batch in batched)
    assert padded < 1.1 * sum(lengths)


def test_how_rows_are_cut_into_passes_does_not_change_the_gradient(trainer: Trainer) -> None:
    data = tiny.rows(trainer, 12)

    def gradient(groups: list[list[Row]]) -> torch.Tensor:
        model = loading.load_model(trainer.base)
        logprobs = proved_scorer(model, data, pytest.fail)[0]
        for group in groups:
            (-logprobs(batches.collate(group)).sum()).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    assert torch.allclose(gradient([data]), gradient([[row] for row in data]), rtol=1e-3, atol=1e-4)


def test_log_probabilities_are_the_models_own(trainer: Trainer) -> None:
    data = tiny.rows(trainer, 3)
    got = proved_scorer(trainer.model, data, pytest.fail)[0](batches.collate(data))
    for row, part in zip(data, got.split([len(r.completion_ids) for r in data]), strict=True):
        ids = torch.tensor([row.prompt_ids + row.completion_ids])
        whole = trainer.model(ids).logits[0].log_softmax(-1)[:-1].gather(1, ids[0, 1:, None])[:, 0]
        assert torch.allclose(part, whole[len(row.prompt_ids) - 1 :], atol=1e-4)


def test_a_model_that_bends_its_logits_is_still_scored_by_its_own_logits() -> None:
    from transformers import GraniteConfig, GraniteForCausalLM

    torch.manual_seed(0)
    model = GraniteForCausalLM(
        GraniteConfig(
            vocab_size=50, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
            logits_scaling=8.0, initializer_range=1.0,
        )
    ).eval()  # fmt: skip
    row = Row([3, 4, 5], [6, 7, 8])
    got = proved_scorer(model, [row], pytest.fail)[0](batches.collate([row]))
    ids = torch.tensor([[3, 4, 5, 6, 7, 8]])
    wanted = model(ids).logits[0].log_softmax(-1)[2:5].gather(1, ids[0, 3:, None])[:, 0]
    assert torch.allclose(got, wanted, atol=1e-4)
