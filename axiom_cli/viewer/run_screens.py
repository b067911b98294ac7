"""Two screens of `axiom view`: every run, and one run with a row for each of its models. They only read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import Screen
from textual.widgets import DataTable, Footer, ProgressBar, Static

from axiom_cli.errors import AxiomError
from axiom_cli.evaluation.comparison import percent, percent_range, points, points_range, spoken
from axiom_cli.evaluation.experiment_folder import HELD_OUT, ExperimentFolder
from axiom_cli.records import Metrics
from axiom_cli.terminal.plain_text import plain
from axiom_cli.viewer.rows import Rows
from axiom_cli.viewer.run_state import ModelState, RunState, read_run, run_names, version_of
from axiom_cli.viewer.sample_screens import SamplesScreen
from axiom_cli.wording import duration

SECONDS_BETWEEN_LOOKS = 1.0


class RunsScreen(Screen[None]):
    """Every run, the one that changed last first."""

    BINDINGS: ClassVar = [Binding("q", "app.quit", "Quit")]

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.seen: dict[str, tuple[Any, list[str]]] = {}

    def compose(self) -> ComposeResult:
        yield Static(plain("axiom view: runs"), id="title")
        yield Rows()
        yield Footer()

    def on_mount(self) -> None:
        """Fills the table, and looks for what changed from time to time."""
        self.query_one(Rows).add_columns("run", "rounds", "start", "selected", "")
        self.query_one(Rows).focus()
        self.look()
        self.set_interval(SECONDS_BETWEEN_LOOKS, self.look)

    def look(self) -> None:
        """Reads the runs that are new or have changed; one whose files are damaged says so in its row."""
        if not self.is_current:
            return
        runs: dict[str, tuple[Any, list[str]]] = {}
        for name in run_names(self.root):
            version = version_of(ExperimentFolder(self.root / name))
            before, cells = self.seen.get(name, (None, []))
            runs[name] = version, cells if before == version else _run_cells(name, self.root)
        if runs != self.seen:
            self.seen = runs
            self.query_one(Rows).fill({name: cells for name, (_, cells) in runs.items()})

    def on_screen_resume(self) -> None:
        """Shows at once what changed meanwhile."""
        if self.seen:
            self.look()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Opens a run."""
        try:
            state = read_run(str(event.row_key.value), self.root)
        except (AxiomError, OSError) as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self.app.push_screen(RunScreen(state, self.root))


def _run_cells(name: str, root: Path) -> list[str]:
    try:
        state = read_run(name, root)
    except (AxiomError, OSError) as error:
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
        yield Rows()
        yield Footer()

    def on_mount(self) -> None:
        """Shows the state, and looks for a newer one from time to time."""
        table = self.query_one(Rows)
        table.add_columns("model", "validation", "95 %", "test", "accepted", "cut off", "rows", "seconds")
        self.show(self.state)
        table.move_cursor(row=len(self.state.models) - 1)
        table.focus()
        self.set_interval(SECONDS_BETWEEN_LOOKS, self.look)

    def look(self) -> None:
        """Reads the files again if they have changed; while they cannot be read, the last state stays, and why."""
        version = version_of(self.state.folder)
        if version == self.version and not self.state.process:
            return
        try:
            self.state = read_run(str(self.state.folder.path), self.root)
        except (AxiomError, OSError) as error:
            self.query_one("#signals", Static).update(plain(f"cannot be read now: {error}"))
            return
        self.version = version
        self.show(self.state)

    def show(self, state: RunState) -> None:
        """Puts the state on the screen; the cursor stays where it is."""
        self.query_one("#title", Static).update(plain(_title(state)))
        self.query_one(ProgressBar).update(total=max(1, state.rounds), progress=_rounds_done(state))
        self.query_one("#rate", Static).update(plain(_rate_line(state)))
        self.query_one("#signals", Static).update(plain(_signals_line(state)))
        rows = {str(model.number): _model_cells(model, state) for model in state.models}
        self.query_one(Rows).fill(rows)

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
        change = f", {points(state.change.difference)} points ({points_range(state.change.interval)}) since the start"
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
