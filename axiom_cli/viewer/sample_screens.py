"""Two screens of `axiom view`: the samples of a model, and one sample. They only read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static

from axiom_cli.errors import AxiomError
from axiom_cli.evaluation.comparison import spoken
from axiom_cli.terminal.plain_text import plain
from axiom_cli.viewer.rows import Rows
from axiom_cli.viewer.run_state import RunState
from axiom_cli.viewer.sample_index import STATUSES, Entry, Filter, SampleIndex, following, opened

MOST_SHOWN = 1000
"""Samples in the list at once; filters reach the others."""


class SamplesScreen(Screen[None]):
    """The samples of one model on one split, to be filtered and opened."""

    BINDINGS: ClassVar = [
        Binding("f", "family", "Family"),
        Binding("l", "level", "Level"),
        Binding("s", "status", "Status"),
        Binding("t", "split", "Test/validation"),
        Binding("escape", "app.pop_screen", "Back"),
        Binding("q", "app.quit", "Quit"),
    ]

    def __init__(self, state: RunState, iteration: int, splits: Sequence[str]) -> None:
        super().__init__()
        self.state, self.iteration, self.splits = state, iteration, splits
        self.split = splits[0]
        self.filter = Filter()
        self.index: SampleIndex | None = None
        self.shown: list[Entry] = []

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        yield Static(id="filter", classes="line")
        yield Rows()
        yield Footer()

    def on_mount(self) -> None:
        """Reads the verdicts aside, so that the keys answer meanwhile."""
        self.query_one(Rows).add_columns("status", "family", "level", "T", "cut off", "right answer")
        self.query_one(Rows).focus()
        self.say("reading the verdicts ...")
        self.read()

    @work(thread=True, exclusive=True)
    def read(self) -> None:
        """Reads the verdicts of the split."""
        try:
            index = SampleIndex(self.state.folder.verdicts(self.split, self.iteration))
        except (AxiomError, OSError) as error:
            self.app.call_from_thread(self.use, None, str(error))
            return
        self.app.call_from_thread(self.use, index)

    def say(self, text: str) -> None:
        """What the list shows, and in the line below, which filter chose it or why it is empty."""
        title = f"{self.state.name}, model {self.iteration}, {spoken(self.split)}"
        self.query_one("#title", Static).update(plain(title))
        self.query_one("#filter", Static).update(plain(text))

    def use(self, index: SampleIndex | None, failure: str = "") -> None:
        """Shows what was read, or why it could not be."""
        if not self.is_attached:  # closed while it was being read
            return
        self.index = index
        self.query_one(Rows).clear()
        if index is None:
            self.say(failure)
        self.show()

    def show(self) -> None:
        """Puts the samples that the filter keeps on the screen."""
        if self.index is None:
            return
        matching = self.index.matching(self.filter)
        self.shown = matching[:MOST_SHOWN]
        self.say(self._told(len(matching)))
        cells = {str(number): _entry_cells(entry) for number, entry in enumerate(self.shown)}
        self.query_one(Rows).clear()
        self.query_one(Rows).fill(cells)

    def _told(self, matching: int) -> str:
        chosen = self.filter
        parts = [chosen.family or "every family", f"level {chosen.level}" if chosen.level else "every level"]
        parts.append(chosen.status or "every status")
        first = f", the first {MOST_SHOWN:,} shown" if matching > MOST_SHOWN else ""
        return f"{', '.join(parts)}: {matching:,} samples{first}"

    def _turn(self, name: str, values: Sequence[Any], nothing: Any) -> None:
        now = getattr(self.filter, name)
        fields = {field: getattr(self.filter, field) for field in ("family", "level", "status")}
        self.filter = Filter(**{**fields, name: following(values, now, nothing)})
        self.show()

    def action_family(self) -> None:
        """The next family."""
        self._turn("family", self.index.families if self.index else (), "")

    def action_level(self) -> None:
        """The next level."""
        self._turn("level", self.index.levels if self.index else (), 0)

    def action_status(self) -> None:
        """The next status."""
        self._turn("status", STATUSES, "")

    def action_split(self) -> None:
        """The other split, if the model was evaluated on both."""
        self.split = self.splits[(self.splits.index(self.split) + 1) % len(self.splits)]
        self.say("reading the verdicts ...")
        self.read()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Opens a sample."""
        assert self.index
        try:
            screen = SampleScreen(self.index, self.shown, int(str(event.row_key.value)))
        except (AxiomError, OSError):
            self.notify("the file has changed; it is read again", severity="warning")
            self.read()
            return
        self.app.push_screen(screen, self.came_back)

    def came_back(self, place: int | None) -> None:
        """Puts the cursor on the sample that was read last."""
        if place is not None:
            self.query_one(Rows).move_cursor(row=place)


def _entry_cells(entry: Entry) -> list[str]:
    cut_off = "yes" if entry.truncated else ""
    return [entry.status, entry.family, str(entry.level), f"{entry.temperature:g}", cut_off, entry.answer[:40]]


class SampleScreen(Screen[int]):
    """One sample, to be read, and the ones beside it. It ends with the place in the list that it came to."""

    BINDINGS: ClassVar = [
        Binding("n", "step(1)", "Next"),
        Binding("p", "step(-1)", "Previous"),
        Binding("escape", "back", "Back"),
        Binding("q", "app.quit", "Quit"),
    ]

    def __init__(self, index: SampleIndex, entries: Sequence[Entry], place: int) -> None:
        """InputError or OSError where the file has changed."""
        super().__init__()
        self.index, self.entries, self.place = index, entries, place
        self.parts = opened(index.read(entries[place]))

    def compose(self) -> ComposeResult:
        yield Static(plain(f"sample {self.place + 1:,} of {len(self.entries):,}"), id="title")
        with VerticalScroll():
            for heading, text in self.parts:
                yield Static(plain(heading), classes="heading")
                yield Static(plain(text), classes="text")
        yield Footer()

    def on_mount(self) -> None:
        """Lets the arrow keys scroll."""
        self.query_one(VerticalScroll).focus()

    async def action_step(self, by: int) -> None:
        """The sample after this one, or before it, as the filter has them."""
        place = self.place + by
        if not 0 <= place < len(self.entries):
            return
        try:
            self.parts = opened(self.index.read(self.entries[place]))
        except (AxiomError, OSError) as error:
            self.notify(str(error), severity="warning", markup=False)
            return
        self.place = place
        await self.recompose()
        self.query_one(VerticalScroll).focus()

    def action_back(self) -> None:
        """To the list."""
        self.dismiss(self.place)
