"""Guesses of a row's next tokens, from what it has written itself: the model then reads several tokens in one step.

A draft token is kept if it is the token that the row's own random number chooses there, and everything after the first
that is not is thrown away (prompt lookup, a case of speculative decoding, 2211.17192). So drafts change how many steps
a text takes, and not the text. A row's drafts depend on its own tokens alone, as everything else that it computes.

What is guessed are traces of listings, which small models write when they reason line by line. For other prompts there
are no drafts: too few would be right to pay for reading them. (A listing's text takes two steps for five tokens.)

    prompt: "za P = 8", "ze Q + P"      text: "za P = 8: 8 0", "ze Q + P: 8 8"

A line of the text is taken to be like the line before it: what was copied from the prompt there comes from the prompt's
next line, and all else is repeated.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence

DRAFT = 2
"""Tokens that are guessed per step."""
LINES = 3
"""A prompt with at least as many line breaks is a listing, and worth drafts."""


def is_listing(prompt: Sequence[int], breaks: Collection[int]) -> bool:
    """Whether drafts are made for what follows `prompt`. `breaks` are the ids of tokens that begin a line."""
    return sum(token in breaks for token in prompt) >= LINES


class LineDrafts:
    """The drafts of one row. `add` tells it each token that was sampled."""

    def __init__(self, prompt: Sequence[int], breaks: Collection[int]) -> None:
        self.prompt, self.breaks = prompt, breaks
        self.lines = [place for place, token in enumerate(prompt) if token in breaks]
        self.line_with = {prompt[place]: place for place in reversed(self.lines)}
        self.source = len(prompt)  # the place in the prompt that the next copy comes from
        self.text: list[int] = []
        self.copied: list[bool] = []  # whether what stands here in a line comes from the prompt, token by token
        self.begin = -1  # the place in the text of the line that is being written; -1 before the first
        self.like = -1  # the place in the line before it that the next token is taken to be like; -1 in the first

    def add(self, token: int) -> None:
        """The next token of the text."""
        copied = False
        if token in self.breaks:
            place = self._next_line(self.source)
            if place < 0 or self.prompt[place] != token:
                place = self.line_with.get(token, -1)
            copied = place >= 0
            if copied:
                self.source = place + 1
            self.like, self.begin = self.begin + 1 if self.begin >= 0 else -1, len(self.text)
        elif self.like < 0:
            copied = self.source < len(self.prompt) and self.prompt[self.source] == token
            self.source += copied
        elif self.like < self.begin:  # else the line is longer than the one before it
            copied = self.copied[self.like]
            self.source += copied
            if not copied and self._is_skipped(token):
                self.like += 1
            self.like += 1
        self.text.append(token)
        self.copied.append(copied)

    def _next_line(self, source: int) -> int:
        """The place of the first line of the prompt that begins there or later; -1 if there is none."""
        number = bisect_left(self.lines, source)
        return self.lines[number] if number < len(self.lines) else -1

    def _is_skipped(self, token: int) -> bool:
        """Whether `token` stands for the next token of the line before, so that this line is shorter by one."""
        like = self.like
        return token != self.text[like] and like + 1 < self.begin and self.text[like + 1] == token

    def draft(self, count: int) -> list[int]:
        """The next tokens as they are guessed, `count` at most."""
        like, source, tokens = self.like, self.source, list[int]()
        if like < 0:
            return list(self.prompt[source : source + count])
        while len(tokens) < count and like < len(self.text):
            if like == self.begin:
                source = self._next_line(source)
            if not self.copied[like]:
                tokens.append(self.text[like])
            elif 0 <= source < len(self.prompt):
                tokens.append(self.prompt[source])
                source += 1
            else:
                break
            like += 1
        return tokens
