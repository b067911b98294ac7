"""The table that every list of `axiom view` is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.binding import Binding
from textual.widgets import DataTable

from axiom_cli.terminal.plain_text import plain


class Rows(DataTable[Any]):
    """Rows to choose from; the line at the bottom says that Enter opens one."""

    BINDINGS: ClassVar = [Binding("enter", "select_cursor", "Open")]

    def __init__(self) -> None:
        super().__init__(cursor_type="row", zebra_stripes=True)

    def fill(self, rows: Mapping[str, Sequence[str]]) -> None:
        """Shows these cells by key, as plain text. The cursor stays on the row that it is on, or else where it is."""
        keys, place = [key.value or "" for key in self.rows], self.cursor_row
        stays = keys[place] if place < len(keys) else ""
        self.clear()
        for key, cells in rows.items():
            self.add_row(*map(plain, cells), key=key)
        self.move_cursor(row=[*rows].index(stays) if stays in rows else place)
