"""`axiom view`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated

import typer

from axiom_cli import installation
from axiom_cli.commands import completion
from axiom_cli.commands.pages import argument, page
from axiom_cli.errors import MissingError, UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)
Name = Annotated[str, argument("[NAME]", "A name under experiments/ [a list of them all].", completion.experiments)]


@app.command(**page("axiom view", "axiom view self_improve_v1"))
def view(name: Name = "") -> None:
    """Look at runs on the terminal: rounds, rates and samples, live while a loop runs.

    Nothing is written, so a running loop is safe. Enter opens a run, a model's samples, or one sample; f, l and s
    filter samples by family, level and status; n and p turn to the next and the previous sample; escape goes back, and
    q leaves.
    """
    import sys

    if find_spec("textual") is None:
        raise MissingError("axiom view needs the extra axiom-rl[view]", installation.extra("view"))
    from axiom_cli.viewer.run_state import read_run, run_names

    if not name and not run_names():
        raise MissingError("there is no experiment under experiments/", "axiom loop --experiment NAME makes one")
    state = read_run(name) if name else None
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("axiom view needs a terminal", "axiom report NAME writes the same rates to a file or a pipe")
    from axiom_cli.viewer.app import Viewer

    Viewer(state).run()
