"""A Llama of random weights that llama.cpp can run, with a byte-level BPE that cuts text its own way: at every sign."""

from __future__ import annotations

from pathlib import Path

from axiom_cli.models.nano.recipe import ASSISTANT, END, TEMPLATE, USER

PIECES = r" ?\d| ?[A-Za-z]+| ?//| ?[^\sA-Za-z\d]|\s"
CORPUS = (
    "Evaluate: 9 * (3 - 1)",
    "Evaluate the postfix expression: 9 4 * 5 +",
    "Take the list 12 7 18 4 20 and do in order: drop the last 1; append the maximum",
)


def tokenizer():
    """Words of the corpus are whole, digits and signs single."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    cuts = pre_tokenizers.Split(Regex(PIECES), "isolated")
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [cuts, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    raw.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=480, initial_alphabet=alphabet, special_tokens=[END, USER, ASSISTANT], show_progress=False
    )
    raw.train_from_iterator(CORPUS * 2, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token=END, pad_token=END, additional_special_tokens=[USER, ASSISTANT],
        chat_template=TEMPLATE, clean_up_tokenization_spaces=False,
    )  # fmt: skip


def write_model(folder: Path, seed: int = 0) -> Path:
    """A model folder as transformers writes it."""
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    spoken = tokenizer()
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=480, hidden_size=64, intermediate_size=192, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=2048, tie_word_embeddings=True, initializer_range=0.2,
        bos_token_id=None, eos_token_id=spoken.eos_token_id, pad_token_id=spoken.eos_token_id,
    )  # fmt: skip
    model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(eos_token_id=spoken.eos_token_id, pad_token_id=spoken.eos_token_id)
    model.save_pretrained(folder)
    spoken.save_pretrained(folder)
    return folder
