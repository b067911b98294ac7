"""A chat completion while it arrives: the events of a stream (`data: {...}`), and the text that they add up to."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from contextlib import suppress

from axiom_cli.problems.reasoning import CLOSE, OPEN
from axiom_cli.sampling.engines.chat_answers import delta
from axiom_cli.sampling.engines.text_stream import UNFINISHED, beyond


class ChatEvents:
    """Passes the text on to `on_text` piece by piece, as `chat_answers.read_completion` will read the whole of it:
    reasoning between its tags, and in whole characters. What is not an event of a stream is passed over."""

    def __init__(self, on_text: Callable[[str], None]) -> None:
        self._on_text = on_text
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line, self._reasoning, self._content = "", "", ""
        self.shown = ""

    def add(self, part: bytes) -> None:
        """Takes the next bytes of the answer."""
        *lines, self._line = (self._line + self._decoder.decode(part)).split("\n")
        for line in lines:
            if line.startswith("data:"):
                with suppress(ValueError, RecursionError):
                    self._read(*delta(json.loads(line.removeprefix("data:"))))

    def rest(self, text: str) -> str:
        """What `text`, the whole of it, has beyond the pieces so far."""
        return beyond(self.shown, text)

    def _read(self, reasoning: str, content: str) -> None:
        self._reasoning += reasoning
        self._content += content
        text = self._content
        if reasoning := self._reasoning.strip():
            closed = f"\n{CLOSE}\n{text.lstrip()}" if text.strip() else ""
            text = f"{OPEN}\n{reasoning}{closed}"
        # JSON may have the two halves of a character in two events.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").rstrip(UNFINISHED)
        if len(text) > len(self.shown) and text.startswith(self.shown):
            piece, self.shown = text[len(self.shown) :], text
            self._on_text(piece)
