"""Small tokenizers with chat templates of the structure that known models have: their special tokens, their roles, and
what each does that is out of the ordinary. The texts are written for these tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CORPUS = (
    "solve the problem reason step by between and then give one line that starts with answer holds alone write program "
    "whole function in block ends evaluate what is two plus times minus a an of to it four you are assistant helpful "
    "user model system today date cutting knowledge december july not right try again from beginning thinking so first"
)

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
DEFAULT_SYSTEM = (
    "{% if messages[0].role != 'system' %}<|im_start|>system\nYou are a helpful assistant<|im_end|>\n{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% if strftime_now is defined %}{% set day = strftime_now('%d %b %Y') %}"
    "{% else %}{% set day = '26 Jul 2024' %}{% endif %}"
    "{% if messages[0].role == 'system' %}{% set said = messages[0].content | trim %}{% set rest = messages[1:] %}"
    "{% else %}{% set said = '' %}{% set rest = messages %}{% endif %}"
    "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: {{ day }}\n\n"
    "{{ said }}<|eot_id|>"
    "{% for m in rest %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n{{ m.content | trim }}<|eot_id|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    "{% for m in messages %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
    "<start_of_turn>{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}"
    "{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %} {{ m.content }}{{ eos_token }}{% endif %}"
    "{% endfor %}"
)
STRIPPING = (
    "{% for m in messages %}{% set said = m.content %}"
    "{% if m.role == 'assistant' and '</think>' in said %}"
    "{% set said = said.split('</think>')[-1].lstrip('\n') %}{% endif %}"
    "<|im_start|>{{ m.role }}\n{{ said }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
MARKED = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}{{ '\n' }}"
    "{% else %}{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def opening(tag: str) -> str:
    """A template that begins the model's thinking for it."""
    return STRIPPING.replace("assistant\n{% endif %}", f"assistant\n{tag}\n{{% endif %}}")


@dataclass(frozen=True)
class Kind:
    """A template, the special tokens, and `shown`: what it makes of a system message S and a user's U. `ends` are the
    tokens of the generation config, the first of them the tokenizer's own; `turn` ends an assistant's turn."""

    template: str
    shown: str
    ends: tuple[str, ...]
    turn: str
    more: tuple[str, ...] = ()
    bos: str | None = None


IM = ("<|im_start|>",)
TWO_TURNS = "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\n"
KINDS = {
    "qwen2.5": Kind(DEFAULT_SYSTEM + CHATML, TWO_TURNS, ("<|im_end|>", "<|endoftext|>"), "<|im_end|>", IM),
    "smollm2": Kind(DEFAULT_SYSTEM + CHATML, TWO_TURNS, ("<|im_end|>",), "<|im_end|>", IM),
    "llama-3": Kind(
        LLAMA3,
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
        "Today Date: 26 Jul 2024\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nU<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        ("<|end_of_text|>", "<|eot_id|>"),
        "<|eot_id|>",
        ("<|start_header_id|>", "<|end_header_id|>"),
        "<|begin_of_text|>",
    ),
    "gemma": Kind(
        GEMMA,
        "<bos><start_of_turn>user\nS\n\nU<end_of_turn>\n<start_of_turn>model\n",
        ("<eos>", "<end_of_turn>"),
        "<end_of_turn>",
        ("<start_of_turn>",),
        "<bos>",
    ),
    "mistral": Kind(MISTRAL, "<s>[INST] S\n\nU [/INST]", ("</s>",), "</s>", ("[INST]", "[/INST]"), "<s>"),
    "qwen3": Kind(STRIPPING, TWO_TURNS, ("<|im_end|>", "<|endoftext|>"), "<|im_end|>", IM),
    "r1": Kind(opening("<think>"), TWO_TURNS + "<think>\n", ("<|im_end|>",), "<|im_end|>", IM),
    "marked": Kind(MARKED, TWO_TURNS, ("<|im_end|>",), "<|im_end|>", IM),
}


def tokenizer_of(kind: Kind):
    """A byte-level BPE of a few hundred words with the kind's special tokens and template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    names = [*kind.ends, *kind.more, *([kind.bos] if kind.bos else [])]
    trainer = trainers.BpeTrainer(
        vocab_size=600, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), special_tokens=names,
        show_progress=False,
    )  # fmt: skip
    raw.train_from_iterator([CORPUS, CORPUS.title(), *CORPUS.split()], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token=kind.ends[0], pad_token=kind.ends[0], bos_token=kind.bos,
        additional_special_tokens=list(kind.more), clean_up_tokenization_spaces=False,
    )  # fmt: skip
    tokenizer.chat_template = kind.template
    return tokenizer


def write_model(folder: Path, kind: Kind, seed: int = 0) -> Path:
    """A folder with a tiny Llama of random weights that speaks through the kind's template."""
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    tokenizer = tokenizer_of(kind)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=1024, tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    ends = tokenizer.convert_tokens_to_ids(list(kind.ends))
    model.generation_config = GenerationConfig(eos_token_id=ends)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
