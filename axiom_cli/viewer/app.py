"""`axiom view` as a program: its style, and the screen that it opens with."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import App
from textual.binding import Binding

from axiom_cli.evaluation.experiment_folder import EXPERIMENTS
from axiom_cli.viewer.run_screens import RunScreen, RunsScreen
from axiom_cli.viewer.run_state import RunState

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
