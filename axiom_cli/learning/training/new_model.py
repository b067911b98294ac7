"""A new model and a new tokenizer, before any training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

END, USER, ASSISTANT = "<|end|>", "<|user|>", "<|assistant|>"
THINK = ("<think>", "</think>")
PIECES = r" ?\d| ?[A-Za-z]+| ?//| ?[^\sA-Za-z\d]|\s"
"""What a token may span at most: one digit, one word, one sign, each with the space in front of it."""
TEMPLATE = (
    "{% for m in messages %}"
    "{% if m['role'] == 'user' %}<|user|>{{ m['content'] }}"
    "{% elif m['role'] == 'assistant' %}<|assistant|>{{ m['content'] }}<|end|>{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
"""System messages are left out: a model of this size is taught one format and needs no instruction."""


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


def new_model(tokenizer: PreTrainedTokenizerFast, shape: Mapping[str, Any], seed: int) -> LlamaForCausalLM:
    """A Llama of `shape` (fields of LlamaConfig) with random weights, its vocabulary the tokenizer's."""
    torch.manual_seed(seed)
    end = tokenizer.eos_token_id
    config = LlamaConfig(
        vocab_size=-(-len(tokenizer) // 16) * 16,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=end,
        **shape,
    )
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(eos_token_id=end, pad_token_id=end, do_sample=True)
    return model
