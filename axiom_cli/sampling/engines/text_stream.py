"""The text of a sample while it is sampled: only whole characters, though a token may hold a part of one."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

UNFINISHED = "\N{REPLACEMENT CHARACTER}"


class TextStream:
    """What token ids say, piece by piece. All pieces together are what `decode` makes of all ids but the `ends`.

    A few ids are decoded at a time: those that the last piece was read from, and those after them. So the cost of a
    piece does not grow with the text, and a space that a tokenizer drops at the start of a text is dropped only there.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], ends: Container[int] = ()) -> None:
        self._decode, self._ends = decode, ends
        self._known: list[int] = []
        self._new: list[int] = []
        self.shown = ""

    def add(self, token: int) -> str:
        """What can be said once this token is there; nothing while a character is not whole."""
        if token in self._ends:
            return ""
        self._new.append(token)
        before, now = self._decode(self._known), self._decode([*self._known, *self._new])
        if now.endswith(UNFINISHED):
            return ""
        self._known, self._new = self._new, []
        piece = now[len(before) :]
        self.shown += piece
        return piece

    def rest(self, text: str) -> str:
        """What `text`, the whole of it, has beyond the pieces so far."""
        return beyond(self.shown, text)


def beyond(shown: str, text: str) -> str:
    """What is still to be shown of `text`; all of it, on a new line, if it does not begin with what was `shown`."""
    return text[len(shown) :] if text.startswith(shown) else f"\n{text}"
