"""The screens of `axiom view`: runs, the rounds of a run, the samples of a model, and one sample. They only read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import DataTable, Footer, ProgressBar, Static

from axiom_cli.errors import AxiomError
from axiom_cli.evaluation.comparison import percent, percent_range, points, points_range, spoken
from axiom_cli.evaluation.experiment_folder import EXPERIMENTS, HELD_OUT
from axiom_cli.records import Metrics
from axiom_cli.terminal.plain_text import plain
from axiom_cli.viewer.run_state import ModelState, RunState, read_run, run_names, version_of
from axiom_cli.viewer.sample_index import STATUSES, Entry, Filter, SampleIndex, following, opened
from axiom_cli.wording import duration

SECONDS_BETWEEN_LOOKS = 1.0
MOST_SHOWN = 1000
"""Samples in the list at once; filters reach the others."""
STYLE = """
Screen { background: $background; }
#title { text-style: bold; padding: 0 1; height: 1; }
.line { padding: 0 1; height: auto; }
ProgressBar { padding: 0 1; height: 1; width: 1fr; }
Bar { width: 1fr; }
DataTable { height: 1fr; }
.heading { text-style: bold; color: $accent; padding: 1 1 0 1; }
.text { padding: 0 1; }
"""


class RunsScreen(Screen[None]):
    """Every run, the one that changed last first."""

    BINDINGS: ClassVar = [Binding("q", "app.quit", "Quit")]

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def compose(self) -> ComposeResult:
        yield Static(plain("axiom view: runs"), id="title")
        yield DataTable(cursor_type="row", zebra_stripes=True)
        yield Footer()

    def on_mount(self) -> None:
        """Fills the table; a run whose files are damaged says so in its row."""
        table = self.query_one(DataTable)
        table.add_columns("run", "rounds", "start", "selected", "")
        for name in run_names(self.root):
            table.add_row(*map(plain, _run_cells(name, self.root)), key=name)
        table.focus()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Opens a run."""
        try:
            state = read_run(str(event.row_key.value), self.root)
        except AxiomError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.app.push_screen(RunScreen(state, self.root))


def _run_cells(name: str, root: Path) -> list[str]:
    try:
        state = read_run(name, root)
    except AxiomError as error:
        return [name, "", "", "", str(error)]
    chosen = next((model for model in state.models if model.number == state.selected), None)
    rates = [percent(of.shown.rate) if of and of.shown else "" for of in (next(iter(state.models), None), chosen)]
    running = f"running: {state.phase}" if state.process else ""
    return [name, f"{_rounds_done(state)}/{state.rounds}", *rates, running]


class RunScreen(Screen[None]):
    """One run: how far it is, how good, and a row for each model. It follows a run that is going on."""

    BINDINGS: ClassVar = [Binding("escape", "back", "Back"), Binding("q", "app.quit", "Quit")]

    def __init__(self, state: RunState, root: Path) -> None:
        super().__init__()
        self.state, self.root = state, root
        self.version = version_of(state.folder)

    def compose(self) -> ComposeResult:
        yield Static(id="title")
        yield ProgressBar(show_eta=False)
        yield Static(id="rate", classes="line")
        yield Static(id="signals", classes="line")
        yield DataTable(cursor_type="row", zebra_stripes=True)
        yield Footer()

    def on_mount(self) -> None:
        """Shows the state, and looks for a newer one from time to time."""
        table = self.query_one(DataTable)
        table.add_columns("model", "validation", "95 %", "test", "accepted", "cut off", "rows", "seconds")
        self.show(self.state)
        table.move_cursor(row=len(self.state.models) - 1)
        table.focus()
        self.set_interval(SECONDS_BETWEEN_LOOKS, self.look)

    def look(self) -> None:
        """Reads the files again if they have changed; while a run is being written anew, the last state stays."""
        version = version_of(self.state.folder)
        if version == self.version and not self.state.process:
            return
        self.version = version
        try:
            self.state = read_run(str(self.state.folder.path), self.root)
        except AxiomError:
            return
        self.show(self.state)

    def show(self, state: RunState) -> None:
        """Puts the state on the screen; the cursor stays where it is."""
        self.query_one("#title", Static).update(plain(_title(state)))
        self.query_one(ProgressBar).update(total=max(1, state.rounds), progress=_rounds_done(state))
        self.query_one("#rate", Static).update(plain(_rate_line(state)))
        self.query_one("#signals", Static).update(plain(_signals_line(state)))
        table = self.query_one(DataTable)
        row = table.cursor_row
        table.clear()
        for model in state.models:
            table.add_row(*map(plain, _model_cells(model, state)), key=str(model.number))
        table.move_cursor(row=row)

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Opens the samples of a model: those on test if there are any, else those on validation."""
        iteration = int(str(event.row_key.value))
        splits = [s for s in HELD_OUT if self.state.folder.verdicts(s, iteration).is_file()]
        if not splits:
            self.notify(f"the verdicts of model {iteration} were not kept", severity="warning")
            return
        self.app.push_screen(SamplesScreen(self.state, iteration, splits))

    def action_back(self) -> None:
        """To the list of runs."""
        if len(self.app.screen_stack) > 2:
            self.app.pop_screen()
        else:
            self.app.switch_screen(RunsScreen(self.root))


def _rounds_done(state: RunState) -> int:
    return max([0, *(model.number for model in state.models)])


def _title(state: RunState) -> str:
    where = f"round {_rounds_done(state)} of {state.rounds}"
    if not state.process:
        return f"{state.name}: {where}"
    left = "" if state.seconds_left is None else f", {duration(state.seconds_left)} left"
    return f"{state.name}: {where}, running{f' ({state.phase})' * bool(state.phase)}{left}"


def _rate_line(state: RunState) -> str:
    newest = state.newest
    row = newest.shown if newest else None
    if row is None or newest is None:
        return "no model has been evaluated yet"
    change = ""
    if state.change:
        change = f", {points(state.change.difference)} ({points_range(state.change.interval)}) since the start"
    return f"model {newest.number}: {percent(row.rate)} ({percent_range(row.interval)}) on {spoken(row.split)}{change}"


def _signals_line(state: RunState) -> str:
    row = state.newest.shown if state.newest else None
    parts = [] if row is None or not _cut_off(row) else [f"cut off {_cut_off(row)}"]
    if state.zero_signal is not None:
        parts.append(f"no signal from {percent(state.zero_signal)} of the last round's problems")
    if state.selected is not None:
        parts.append(f"selected: model {state.selected}")
    return "; ".join(parts)


def _cut_off(row: Metrics) -> str:
    truncated = row.extra.get("truncated")
    return percent(truncated / row.n) if isinstance(truncated, int) and row.n else ""


def _model_cells(model: ModelState, state: RunState) -> list[str]:
    row, made = model.shown, model.made
    mark = " *" if model.number == state.selected else ""
    acceptance = made.acceptance if made else None
    return [
        f"{model.number}{mark}",
        percent(model.val.rate) if model.val else "",
        percent_range(model.val.interval) if model.val else "",
        percent(model.test.rate) if model.test else "",
        "" if acceptance is None else percent(acceptance),
        _cut_off(row) if row else "",
        f"{made.rows:,}" if made and made.rows is not None else "",
        f"{sum(made.seconds.values()):,.0f}" if made else "",
    ]


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
        yield DataTable(cursor_type="row", zebra_stripes=True)
        yield Footer()

    def on_mount(self) -> None:
        """Reads the verdicts aside, so that the keys answer meanwhile."""
        self.query_one(DataTable).add_columns("status", "family", "level", "T", "cut off", "right answer")
        self.query_one(DataTable).focus()
        self.read()

    @work(thread=True, exclusive=True)
    def read(self) -> None:
        """Reads the verdicts of the split."""
        try:
            index = SampleIndex(self.state.folder.verdicts(self.split, self.iteration))
        except (AxiomError, OSError) as error:
            self.app.call_from_thread(self.notify, str(error), severity="error", markup=False)
            return
        self.app.call_from_thread(self.use, index)

    def use(self, index: SampleIndex) -> None:
        """Shows what was read."""
        self.index = index
        self.show()

    def show(self) -> None:
        """Puts the samples that the filter keeps on the screen."""
        if self.index is None:
            return
        matching = self.index.matching(self.filter)
        self.shown = matching[:MOST_SHOWN]
        title = f"{self.state.name}, model {self.iteration}, {spoken(self.split)}"
        self.query_one("#title", Static).update(plain(title))
        self.query_one("#filter", Static).update(plain(self._told(len(matching))))
        table = self.query_one(DataTable)
        table.clear()
        for number, entry in enumerate(self.shown):
            table.add_row(*map(plain, _entry_cells(entry)), key=str(number))

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
        self.read()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Opens a sample."""
        assert self.index
        try:
            verdict = self.index.read(self.shown[int(str(event.row_key.value))])
        except (AxiomError, OSError):
            self.notify("the file has changed; it is read again", severity="warning")
            self.read()
            return
        self.app.push_screen(SampleScreen(opened(verdict)))


def _entry_cells(entry: Entry) -> list[str]:
    cut_off = "yes" if entry.truncated else ""
    return [entry.status, entry.family, str(entry.level), f"{entry.temperature:g}", cut_off, entry.answer[:40]]


class SampleScreen(Screen[None]):
    """One sample, to be read."""

    BINDINGS: ClassVar = [Binding("escape", "app.pop_screen", "Back"), Binding("q", "app.quit", "Quit")]

    def __init__(self, parts: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.parts = parts

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            for heading, text in self.parts:
                yield Static(plain(heading), classes="heading")
                yield Static(plain(text), classes="text")
        yield Footer()


class Viewer(App[None]):
    """`axiom view`: opens the run `state`, or the list of runs."""

    CSS = STYLE
    TITLE = "axiom view"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = [Binding("q", "quit", "Quit")]

    def __init__(self, state: RunState | None, root: Path = EXPERIMENTS) -> None:
        super().__init__()
        self.state, self.root = state, root

    def on_mount(self) -> None:
        """Opens the first screen."""
        self.push_screen(RunScreen(self.state, self.root) if self.state else RunsScreen(self.root))
