"""A Llama of some 30,000 random weights with a character tokenizer: real enough to train, small enough for tests."""

from __future__ import annotations

import string
from pathlib import Path

from axiom_cli.records import ModelRef, Problem, Sample, Verdict

TEMPLATE = "{% for m in messages %}{% if m.role == 'user' %}<user>{{ m.content }}{% endif %}{% endfor %}<assistant>"


def write_model(
    folder: Path, hidden: int = 32, layers: int = 2, seed: int = 0, dtype: str = "float32", context: int = 512
) -> Path:
    """A model folder as transformers writes it."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = tiny_tokenizer()
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=hidden, intermediate_size=hidden * 3, num_hidden_layers=layers,
        num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=context, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    LlamaForCausalLM(config).to(getattr(torch, dtype)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_tokenizer():
    """One token a character (anything beyond ASCII is unknown), special tokens for the chat."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    names = ["<pad>", "<eos>", "<unk>", "<user>", "<assistant>"]
    vocabulary = {token: i for i, token in enumerate([*names, *string.printable])}
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    raw.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<eos>", pad_token="<pad>", unk_token="<unk>",
        additional_special_tokens=["<user>", "<assistant>"], clean_up_tokenization_spaces=False,
    )  # fmt: skip
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def problem(number: int, answer: str = "1", family: str = "arithmetic", **more) -> Problem:
    return Problem(f"{number:016x}", family, f"p{number}", f"Evaluate: {number}", 3, "train", answer, **more)


def sample(of: Problem, text: str, index: int = 0, **more) -> Sample:
    return Sample(of, ModelRef("tiny", "0" * 64), "scripted", {}, index, 1, text, **more)


def verdict(of: Sample, status: str = "pass") -> Verdict:
    return Verdict(of, status, int(status == "pass"), 1, "", "exact")


def samples(count: int = 40) -> list[Sample]:
    """Worked solutions of as many problems."""
    return [sample(problem(i), f"<think>\n{i}\n</think>\nAnswer: {i % 7}") for i in range(count)]


def rows(trainer, count: int = 40) -> list:
    """The training rows of `samples`."""
    from axiom_cli.learning.training.rows import encode

    return encode([(one, 1.0) for one in samples(count)], trainer.tokenizer, trainer.ends, 512).rows


def deltas(folder: Path, model) -> dict:
    """Parameter name -> what a LoRA adapter of `model` adds to it, in float32."""
    from axiom_cli.models.adapters import Chain

    return {name: change.delta() for name, (change,) in sorted(Chain([folder], model).changes.items())}
