"""How a byte-level BPE tokenizer cuts text before it merges, by the name that llama.cpp has for it.

A tokenizer of a kind that llama.cpp knows has its name. Another one may have that of a kind which cuts less: where no
merge crosses the places that it does not cut, the tokens are the same. That is tried on many texts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from tokenizers import Regex, Tokenizer
from tokenizers.pre_tokenizers import ByteLevel, PreTokenizer, Sequence, Split

_LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPLITS: Mapping[str, str] = {_LLAMA3: "llama-bpe", _LLAMA3.replace("{1,3}", ""): "qwen2"}
COARSE: Mapping[str, str] = {"bloom": r" ?[^(\s|.,!?…。，、।۔،)]+"}
"""Kinds that cut little: the pattern of each as llama.cpp has it (llama-vocab.cpp)."""
TRIED, WORDS = 2000, 20
"""Texts that are tried, and the tokens that each is made of."""
ODD = (" /// ////  //\n\n\n", "it's o'Neill's 'so'", "déjà vu… 数学，。 🙂🙂 \t x", "a.b,c!d?e(f)g|h", "x   y\r\n  z ")


def name_of(data: Mapping[str, Any]) -> str | None:
    """llama.cpp's name for the way in which the tokenizer in the JSON `data` cuts text, if it has one."""
    return _known(data) or next((name for name, pattern in COARSE.items() if _same(data, pattern)), None)


def _known(data: Mapping[str, Any]) -> str | None:
    before = data.get("pre_tokenizer") or {}
    steps = before.get("pretokenizers", [before])
    *first, last = steps
    if last.get("type") != "ByteLevel" or last.get("add_prefix_space"):
        return None
    if not first:
        return "gpt-2" if last.get("use_regex", True) else None
    (step,) = first if len(first) == 1 else ({},)
    if step.get("type") == "Digits" and step.get("individual_digits") and last.get("use_regex", True):
        return "smollm"
    pattern = (step.get("pattern") or {}).get("Regex")
    isolated = step.get("behavior") == "Isolated" and not step.get("invert") and not last.get("use_regex", True)
    return SPLITS.get(str(pattern)) if step.get("type") == "Split" and isolated else None


def _same(data: Mapping[str, Any], pattern: str) -> bool:
    """Whether the tokenizer makes the same tokens of every text that is tried if it cuts by `pattern` alone."""
    ours, theirs = (Tokenizer.from_str(json.dumps(data)) for _ in range(2))
    if not _is_byte_level(ours.pre_tokenizer):
        return False
    cut: Any = [Split(Regex(pattern), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)]
    theirs.pre_tokenizer = Sequence(cut)
    return all(
        ours.encode(text, add_special_tokens=False).ids == theirs.encode(text, add_special_tokens=False).ids
        for text in _texts(ours)
    )


def _is_byte_level(cutting: PreTokenizer | None) -> bool:
    """Whether all bytes become the characters that byte-level tokenizers have for them, and nothing is lost."""
    text, bytes_alone = "".join(ODD), ByteLevel(add_prefix_space=False, use_regex=False)
    ours, wanted = (
        "".join(piece for piece, _ in step.pre_tokenize_str(text)) if step else "" for step in (cutting, bytes_alone)
    )
    return ours == wanted


def _texts(tokenizer: Tokenizer) -> Iterator[str]:
    yield from ODD
    random, size = Random(0), tokenizer.get_vocab_size()
    words = [tokenizer.decode([number], skip_special_tokens=False) for number in range(size)]
    for _ in range(TRIED):
        yield "".join(random.choices(words, k=WORDS))
