"""What is guessed of a row's next tokens."""

from __future__ import annotations

from axiom_cli import models
from axiom_cli.models.loading import load_tokenizer
from axiom_cli.sampling.engines.drafts import LineDrafts, is_listing
from axiom_cli.sampling.token_ids import line_breaks

PROMPT = "Run:\na P = 8\nb Q + P\nc P - 1\nd next"
TEXT = "<think>\na P = 8 : 8 0\nb Q + P : 8 8\nc P - 1 : 7 8\nd next : 7 8"


def tokens(text: str) -> list[str]:
    return text.replace("\n", " \n").split(" ")


def guessed(prompt: str, text: str, count: int) -> list[list[str]]:
    """The drafts before each token of a text, in which the words stand for tokens."""
    ids = {word: number for number, word in enumerate(dict.fromkeys(tokens(prompt + " " + text)))}
    words = {number: word for word, number in ids.items()}
    breaks = {number for number, word in words.items() if word.startswith("\n")}
    drafts = LineDrafts([ids[word] for word in tokens(prompt)], breaks)
    found = []
    for word in tokens(text):
        found.append([words[number] for number in drafts.draft(count)])
        drafts.add(ids[word])
    return found


def test_a_line_is_like_the_line_before_it_with_what_the_prompt_says() -> None:
    found, text = guessed(PROMPT, TEXT, 4), tokens(TEXT)
    assert found[0] == [] and found[2] == ["P", "=", "8", "\nb"]
    second = text.index("\nb")
    assert found[second + 1] == ["Q", "+", "P", ":"]
    assert found[second + 5] == ["8", "0", "\nc", "P"], "the line before it, then the prompt's next line"
    third = text.index("\nc")
    assert found[third + 5] == ["8", "8", "\nd", "next"]
    assert found[third + 6] == ["8", "\nd", "next"], "not 7: the draft goes on after what was there instead"


def test_a_line_may_be_shorter_or_longer_by_a_token() -> None:
    text = "<think>\na P = 8 : 1 2 3\nb Q + P : 2 3\nc P - 1 : 2 3 9 \nd"
    found, words = guessed(PROMPT, text, 2), tokens(text)
    second, third = words.index("\nb"), words.index("\nc")
    assert found[second + 5] == ["1", "2"] and found[second + 6] == ["3", "\nc"]
    assert found[third + 7] == ["\nd", "next"] and found[third + 8] == ["\nd", "next"]


def test_a_prompt_with_lines_is_worth_drafts() -> None:
    tokenizer = load_tokenizer(models.resolve("nano").path)
    breaks = line_breaks(tokenizer)
    assert all(tokenizer.decode([number]).startswith("\n") for number in breaks)
    assert is_listing(tokenizer("Run:\nba P = 8\nbe Q + P\nbi P - 1")["input_ids"], breaks)
    assert not is_listing(tokenizer("Evaluate: 1 + 2")["input_ids"], breaks)
