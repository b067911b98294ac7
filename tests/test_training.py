"""The trainer's promises: what the loss falls on, that equal runs are equal bytes, that peft reads what it wrote."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

import tiny
from axiom_cli import prompts
from axiom_cli.configs import TrainConfig
from axiom_cli.errors import AxiomError, InputError, MissingError, NothingToDo, UsageError
from axiom_cli.training import base as bases
from axiom_cli.training import batches, crew, lora
from axiom_cli.training.fit import Checkpoint, fit, learning_rate, scorer
from axiom_cli.training.rows import Row, encode, end_ids, show_rows
from axiom_cli.training.trainer import Trainer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_model(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def trainer(folder: Path) -> Trainer:
    return Trainer(folder, name="tiny")


def samples(count: int = 40) -> list:
    return [tiny.sample(tiny.problem(i), f"<think>\n{i}\n</think>\nAnswer: {i % 7}") for i in range(count)]


def rows(trainer: Trainer, count: int = 40) -> list[Row]:
    return encode([(s, 1.0) for s in samples(count)], trainer.tokenizer, trainer.ends, 512).rows


CONFIG = TrainConfig(lora_r=4, lora_alpha=8, epochs=2, lr=1e-2)


# Rows


def test_loss_falls_on_the_completion_and_its_end_alone(trainer: Trainer) -> None:
    (tokens,) = show_rows(rows(trainer, 1), trainer.tokenizer)
    assert "".join(text for text, loss in tokens if not loss) == "<user>Evaluate: 0<assistant>"
    assert "".join(text for text, loss in tokens if loss) == "<think>\n0\n</think>\nAnswer: 0<eos>"


def test_the_prompt_is_that_of_sampling(trainer: Trainer) -> None:
    problem = tiny.problem(5)
    (row,) = encode([(tiny.sample(problem, "Answer: 1"), 1.0)], trainer.tokenizer, trainer.ends, 99).rows
    assert row.prompt_ids == prompts.prompt_ids(trainer.tokenizer, problem)


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


def test_ids_of_another_tokenizer_are_not_trained_on(trainer: Trainer) -> None:
    sample = tiny.sample(tiny.problem(1), "Answer: 1", token_ids=[5, 6, 7, 1])
    encoded = encode([(sample, 1.0)], trainer.tokenizer, trainer.ends, 99)
    assert encoded.encoded_here == 1
    assert trainer.tokenizer.decode(encoded.rows[0].completion_ids) == "Answer: 1<eos>"


def test_truncated_and_overlong_samples_give_no_row(trainer: Trainer) -> None:
    good, cut, long = samples(3)
    given = [(good, 1.0), (replace(cut, finish="length"), 1.0), (replace(long, text="Answer: " + "9" * 200), 1.0)]
    encoded = encode(given, trainer.tokenizer, trainer.ends, 100)
    assert (len(encoded.rows), encoded.truncated, encoded.too_long) == (1, 1, 1)


@pytest.mark.parametrize("ids", [[], [1]])
def test_an_all_masked_row_is_an_error(trainer: Trainer, ids: list[int]) -> None:
    with pytest.raises(InputError, match="masked"):
        encode([(tiny.sample(tiny.problem(1), "", token_ids=ids), 1.0)], trainer.tokenizer, trainer.ends, 99)
    with pytest.raises(InputError, match="masked"):
        fit(trainer.model, [Row([1, 2], [], 1.0)], CONFIG)


def test_a_tokenizer_without_an_end_is_an_error() -> None:
    tokenizer = tiny.tiny_tokenizer()
    tokenizer.eos_token = None
    with pytest.raises(InputError, match="end-of-text"):
        end_ids(tokenizer)


# Batches


def test_every_row_is_in_every_epoch_once() -> None:
    lengths = [10 + (i * 37) % 90 for i in range(101)]
    config = TrainConfig(batch_size=2, grad_accum=4, epochs=2)
    steps = batches.plan(lengths, config)
    half = len(steps) // 2
    for epoch in (steps[:half], steps[half:]):
        assert sorted(row for step in epoch for row in step) == list(range(101))
    assert {len(step) for step in steps} <= {7, 8, 9}
    assert steps == batches.plan(lengths, config) != batches.plan(lengths, replace(config, seed=1))


@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=40),
    budget=st.integers(1, 1000),
    hands=st.integers(1, 5),
)
def test_a_step_is_cut_into_shares_of_passes(lengths: list[int], budget: int, hands: int) -> None:
    """Each row once, no empty share, shares as even as can be, and no pass above the budget that could be smaller."""
    shares = batches.cut(range(len(lengths)), lengths, budget, hands)
    assert sorted(row for passes in shares for rows in passes for row in rows) == list(range(len(lengths)))
    sizes = [sum(map(len, passes)) for passes in shares]
    assert len(shares) <= hands and min(sizes) >= 1 and max(sizes) - min(sizes) <= 1
    assert all(len(rows) == 1 or batches.padded([rows], lengths) <= budget for passes in shares for rows in passes)


def test_rows_of_similar_lengths_share_a_pass() -> None:
    lengths = [10 + (i * 37) % 90 for i in range(640)]
    steps = batches.plan(lengths, TrainConfig(batch_size=8, grad_accum=1, epochs=1))
    padded = sum(batches.padded(passes, lengths) for step in steps for passes in batches.cut(step, lengths, 4096, 1))
    assert padded < 1.1 * sum(lengths)


def test_how_rows_are_cut_into_passes_does_not_change_the_gradient(trainer: Trainer) -> None:
    data = rows(trainer, 12)

    def gradient(groups: list[list[Row]]) -> torch.Tensor:
        model = bases.load_model(trainer.base)
        logprobs = scorer(model, data[0])
        for group in groups:
            (-logprobs(batches.collate(group)).sum()).backward()
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    assert torch.allclose(gradient([data]), gradient([[row] for row in data]), rtol=1e-3, atol=1e-4)


def test_log_probabilities_are_the_models_own(trainer: Trainer) -> None:
    data = rows(trainer, 3)
    got = scorer(trainer.model, data[0])(batches.collate(data))
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
    got = scorer(model, row)(batches.collate([row]))
    ids = torch.tensor([[3, 4, 5, 6, 7, 8]])
    wanted = model(ids).logits[0].log_softmax(-1)[2:5].gather(1, ids[0, 3:, None])[:, 0]
    assert torch.allclose(got, wanted, atol=1e-4)


# Fit


def test_training_lowers_the_loss_and_equal_runs_are_equal_bytes(trainer: Trainer, tmp_path: Path) -> None:
    data = rows(trainer)
    seen = []
    metrics = trainer.fit(data, replace(CONFIG, epochs=12), tmp_path / "a", on_step=seen.append)
    trainer.fit(data, replace(CONFIG, epochs=12), tmp_path / "b")
    trainer.fit(data, replace(CONFIG, epochs=12, seed=1), tmp_path / "c")
    assert metrics["loss_last"] < 0.9 * metrics["loss_first"]
    assert len(seen) == metrics["steps"] == seen[-1].steps == seen[-1].step
    a, b, c = ({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()} for name in "abc")
    assert a == b != c


@pytest.mark.skipif(sys.platform != "linux", reason="work is spread on Linux only")
@pytest.mark.parametrize("method", ["lora", "full"])
def test_several_processes_come_to_the_weights_of_one(
    folder: Path, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, method=method, lr=1e-3)
    met = {}
    for hands in (1, 3):
        monkeypatch.setattr(crew, "hands", lambda model, parts, hands=hands: hands)
        trainer = Trainer(folder)
        met[hands] = trainer.fit(rows(trainer, 41), config, tmp_path / str(hands))
    one, three = (load_file(next((tmp_path / str(hands)).glob("*.safetensors"))) for hands in (1, 3))
    assert all(torch.allclose(one[name], three[name], atol=1e-5) for name in one)
    assert met[1]["loss_last"] == pytest.approx(met[3]["loss_last"], rel=1e-5)
    assert met[1]["loss_tokens"] == met[3]["loss_tokens"]


def test_what_dropout_leaves_out_is_the_same_each_time(trainer: Trainer, tmp_path: Path) -> None:
    config = replace(CONFIG, lora_dropout=0.5)
    for name in "ab":
        trainer.fit(rows(trainer), config, tmp_path / name)
    trainer.fit(rows(trainer), CONFIG, tmp_path / "c")
    a, b, c = ((tmp_path / name / lora.WEIGHTS).read_bytes() for name in "abc")
    assert a == b != c


def test_the_base_is_as_it_was_after_a_fit(trainer: Trainer, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    trainer.fit(rows(trainer), CONFIG, tmp_path / "a")
    after = trainer.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_peft_reads_the_adapter(trainer: Trainer, tmp_path: Path) -> None:
    from peft import PeftModel

    trainer.fit(rows(trainer), CONFIG, tmp_path / "a")
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    ids = torch.tensor([[7, 8, 9, 10]])
    adapted = PeftModel.from_pretrained(bases.load_model(trainer.base), tmp_path / "a").eval()
    plain = bases.load_model(trainer.base)
    before = plain(ids).logits
    lora.add(tmp_path / "a", dict(plain.named_parameters()))
    assert torch.allclose(adapted(ids).logits, plain(ids).logits, atol=1e-4)
    assert not torch.allclose(before, plain(ids).logits, atol=1e-3)


@pytest.mark.parametrize("rank", [1, 16])
def test_training_sees_the_function_that_peft_sees(trainer: Trainer, rank: int) -> None:
    """Whether W + BA is one product (rank 16 on these small matrices) or two more (rank 1)."""
    ids = torch.tensor([[7, 8, 9, 10]])

    def met(dropout: float) -> tuple[torch.Tensor, ...]:
        with lora.attached(trainer.model, replace(CONFIG, lora_r=rank, lora_dropout=dropout)) as wrapped:
            wrapped.eval()  # without any effect of dropout, which keeps peft's own forward
            learnt = {name: p for name, p in wrapped.named_parameters() if p.requires_grad}
            for number, p in enumerate(learnt.values()):
                torch.nn.init.normal_(p, std=0.1, generator=torch.Generator().manual_seed(number))
            folded = sum("forward" in vars(module) for module in wrapped.modules())
            assert bool(folded) == (rank == 16 and not dropout)
            logits = wrapped(ids).logits
            logits.square().sum().backward()
            return logits.detach(), *(p.grad for p in learnt.values())

    for ours, theirs in zip(met(0.0), met(0.5), strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_a_row_of_weight_zero_teaches_nothing(trainer: Trainer, tmp_path: Path) -> None:
    wanted, other = rows(trainer, 2)
    config = replace(CONFIG, epochs=30, grad_accum=2)
    trainer.fit([wanted, replace(other, weight=0.0)], config, tmp_path / "a")
    trainer.fit([wanted, replace(other, completion_ids=other.completion_ids[::-1], weight=0.0)], config, tmp_path / "b")
    a, b = (dict(lora.deltas(tmp_path / name)) for name in "ab")
    assert all(torch.allclose(a[name], b[name], atol=1e-6) for name in a)
    with pytest.raises(NothingToDo):
        trainer.fit([replace(wanted, weight=0.0)], config, tmp_path / "c")


def test_full_training_changes_all_weights_and_the_next_fit_starts_from_the_base(folder: Path, tmp_path: Path) -> None:
    trainer = Trainer(folder)
    config = replace(CONFIG, method="full", lr=3e-3)
    first = trainer.fit(rows(trainer), config, tmp_path / "a")
    again = trainer.fit(rows(trainer), config, tmp_path / "b")
    assert first["loss_first"] == again["loss_first"] > again["loss_last"]
    assert (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()
    base, after = (dict(bases.load_model(path).named_parameters()) for path in (folder, tmp_path / "a"))
    assert all(not torch.equal(base[name], after[name]) for name in base)


def test_interrupted_nothing_is_written_and_a_checkpoint_goes_on_to_the_same_weights(
    trainer: Trainer, tmp_path: Path
) -> None:
    data, keep = rows(trainer), Checkpoint(tmp_path / "state.pt", every_seconds=0)
    trainer.fit(data, CONFIG, tmp_path / "whole")

    def interrupt(progress) -> None:
        if progress.step == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer.fit(data, CONFIG, tmp_path / "resumed", on_step=interrupt, checkpoint=keep)
    assert [p.name for p in tmp_path.iterdir() if p.is_dir()] == ["whole"]
    steps = []
    trainer.fit(data, CONFIG, tmp_path / "resumed", on_step=lambda p: steps.append(p.step), checkpoint=keep)
    assert steps[0] == 6
    whole, resumed = ((tmp_path / name / lora.WEIGHTS).read_bytes() for name in ("whole", "resumed"))
    assert whole == resumed


def test_a_checkpoint_of_other_rows_is_not_used(trainer: Trainer, tmp_path: Path) -> None:
    keep = Checkpoint(tmp_path / "state.pt", every_seconds=0)
    trainer.fit(rows(trainer), CONFIG, tmp_path / "a", checkpoint=keep)
    steps = []
    trainer.fit(rows(trainer)[::-1], CONFIG, tmp_path / "b", on_step=lambda p: steps.append(p.step), checkpoint=keep)
    assert steps[0] == 1


def test_divergence_is_said_and_nothing_is_written(trainer: Trainer, tmp_path: Path) -> None:
    with pytest.raises(AxiomError, match="diverged") as caught:
        trainer.fit(rows(trainer), replace(CONFIG, lr=math.inf), tmp_path / "a")
    assert "--lr" in caught.value.hint
    assert not (tmp_path / "a").exists()


def test_the_learning_rate_rises_and_falls() -> None:
    config = TrainConfig(lr=1.0, warmup=0.1)
    rates = [learning_rate(step, 100, config) for step in range(100)]
    assert rates[0] == 0.1
    assert max(rates) == rates[9] == 1.0
    assert rates[-1] == pytest.approx(0.1)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_unknown_names_are_said(trainer: Trainer, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="objective"):
        trainer.fit(rows(trainer), replace(CONFIG, objective="ppo"), tmp_path / "a")
    with pytest.raises(UsageError, match="method"):
        trainer.fit(rows(trainer), replace(CONFIG, method="magic"), tmp_path / "a")
    with pytest.raises(UsageError, match="quantize"):
        Trainer(folder, quantize="2bit")


def test_qlora_names_its_extra_where_it_is_missing(folder: Path) -> None:
    try:
        import bitsandbytes  # noqa: F401
    except ModuleNotFoundError:
        with pytest.raises(MissingError) as caught:
            Trainer(folder, quantize="4bit")
        assert "axiom-rl[qlora]" in caught.value.hint
