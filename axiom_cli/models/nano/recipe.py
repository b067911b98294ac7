"""How nano was made: `python -m axiom_cli.models.nano.recipe FOLDER [SHARE]`, about 10 minutes on two cores, resumable.

A SmolLM3 of 0.4 million parameters is trained from random weights on the solver-teacher's solutions alone: short
problems, and the copying of somewhat longer listings. Every other layer sees only what is nearby, and where; the
others see everything, and not where: what such a model does with a line, it does with the sixtieth, too
(docs/decisions/0038).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, PreTrainedTokenizerFast, SmolLM3Config, SmolLM3ForCausalLM

from axiom_cli.learning.training.checkpoint import Checkpoint
from axiom_cli.learning.training.fit import fit
from axiom_cli.learning.training.rows import encode
from axiom_cli.learning.training.run import Progress
from axiom_cli.sampling.nano_cold_start import SEED, samples
from axiom_cli.sampling.token_ids import end_ids
from axiom_cli.settings.configs import TrainConfig

END, USER, ASSISTANT = "<|end|>", "<|user|>", "<|assistant|>"
THINK = ("<think>", "</think>")
PIECES = r"[\n ]?\d|[\n ]?[A-Za-z]+| ?//| ?[^\sA-Za-z\d]|\s"
"""What a token may span at most: one digit, one word, one sign, each with the space in front of it; a digit or a word
also with a line's end, so that a line's label is one token."""
TEMPLATE = (
    "{% for m in messages %}"
    "{% if m['role'] == 'user' %}<|user|>{{ m['content'] }}"
    "{% elif m['role'] == 'assistant' %}<|assistant|>{{ m['content'] }}<|end|>{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
"""System messages are left out: a model of this size is taught one format and needs no instruction."""
WINDOW = 16
LAYERS = ("sliding_attention", "full_attention") * 2
"""The former with rotary positions, the latter with none."""
SHAPE = {
    "hidden_size": 96,
    "intermediate_size": 192,
    "num_hidden_layers": len(LAYERS),
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10_000.0,
    "use_sliding_window": True,
    "sliding_window": WINDOW,
    "layer_types": list(LAYERS),
    "no_rope_layers": [int(kind == "sliding_attention") for kind in LAYERS],  # 1 for those that have it
}
COMMON: dict[str, Any] = {
    "method": "full", "optimizer": "muon", "weight_decay": 0.1, "grad_accum": 1, "lr": 0.015, "batch_size": 24
}  # fmt: skip
SHORT = 2
FIRST = TrainConfig(**COMMON, epochs=0.6, warmup=0.2, seed=1)
"""Short problems first, up to level 2: copying and number facts are learnt soonest there."""
SECOND = TrainConfig(**COMMON, epochs=1.5, warmup=0, seed=2)
"""Then everything, at a rate that falls to nothing."""


def new_tokenizer(corpus: Iterable[str], size: int = 1024) -> PreTrainedTokenizerFast:
    """A byte-level BPE: any text reads back exactly, a digit is one token, frequent words of `corpus` are whole."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=[END, USER, ASSISTANT],
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in THINK])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=END,
        additional_special_tokens=[USER, ASSISTANT],
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=2048,
    )


def new_model(tokenizer: PreTrainedTokenizerFast, shape: Mapping[str, Any], seed: int) -> SmolLM3ForCausalLM:
    """A SmolLM3 of `shape` (fields of SmolLM3Config) with random weights, its vocabulary the tokenizer's."""
    torch.manual_seed(seed)
    end = tokenizer.eos_token_id
    config = SmolLM3Config(
        vocab_size=-(-len(tokenizer) // 16) * 16,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=end,
        **shape,
    )
    model = SmolLM3ForCausalLM(config)
    model.generation_config = GenerationConfig(eos_token_id=end, pad_token_id=end, do_sample=True)
    return model


def make(folder: Path, share: float = 1.0) -> None:
    """Writes the model to `folder`. Killed and run again, it resumes from the last checkpoint in `folder`. Taught a
    `share` of the solutions, it is made in less time, and knows less; its tokenizer is nano's all the same."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = new_tokenizer(text for sample in samples(0.02) for text in (sample.problem.prompt, sample.text))
    model = new_model(tokenizer, SHAPE, SEED)
    ends = end_ids(tokenizer, model.generation_config)
    taught = list(samples(share))
    rows = encode(((sample, 1.0) for sample in taught), tokenizer, ends, 1024).rows
    short = rows[: sum(sample.problem.level <= SHORT for sample in taught)]  # the lower levels come first
    stages = {"first": (short, FIRST), "second": (rows, SECOND)}
    for name, (part, config) in stages.items():
        metrics = fit(model, part, config, partial(_report, name), Checkpoint(folder / f"{name}.pt", 60.0))
        print(name, metrics, file=sys.stderr)
    tokenizer.save_pretrained(folder)
    with TemporaryDirectory(dir=folder) as draft:
        model.save_pretrained(draft)
        for file in sorted(Path(draft).iterdir()):  # the weights come last: where they are, all is
            file.replace(folder / file.name)
    for name in stages:
        (folder / f"{name}.pt").unlink(missing_ok=True)


def _share(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text} is not a number above 0 and up to 1")


def _report(name: str, progress: Progress) -> None:
    if progress.step % 50 == 0:
        where = f"{name} step {progress.step}/{progress.steps}"
        print(f"{where} loss {progress.loss:.4f} {progress.seconds:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m axiom_cli.models.nano.recipe", description=make.__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("share", type=_share, nargs="?", default=1.0)
    options = parser.parse_args()
    make(options.folder, options.share)
