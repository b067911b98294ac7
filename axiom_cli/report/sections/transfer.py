"""The matrix of a transfer run, by its name in every format, and on the page of each run that is a row of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from axiom_cli import jsonl
from axiom_cli.errors import InputError
from axiom_cli.evaluation.comparison import points, points_range
from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.evaluation.transfer import FILE
from axiom_cli.files import is_regular, open_regular
from axiom_cli.records import Metrics
from axiom_cli.report.drawing.html import Section, table_card
from axiom_cli.report.formats import Table

LEGEND = (
    "A row is trained on one family alone, a column is tested on one: the change of the pass rate in points, with its "
    "95 % interval, paired by problem. * marks p < 0.05 after Holm's correction over all cells, [ ] the family itself."
)
RERUN = "axiom loop --transfer with the same settings writes it anew"


def read_cells(path: Path) -> list[Metrics]:
    """The cells in a transfer.jsonl. InputError names a damaged file."""
    try:
        with os.fdopen(open_regular(path), "rb") as stream:
            cells = list(jsonl.read(stream, Metrics))
    except InputError as error:
        raise InputError(f"{path}: {error}", RERUN) from None
    if any(not {"trained", "difference", "difference_interval", "verdict"} <= cell.extra.keys() for cell in cells):
        raise InputError(f"{path} holds other records than cells of a transfer run", RERUN)
    return cells


def transfer_table(cells: Sequence[Metrics]) -> Table:
    """A row for each family that was trained on, a column for each that was tested."""
    families = list(dict.fromkeys(str(cell.extra["trained"]) for cell in cells))
    by_families = {(cell.extra["trained"], cell.family): cell for cell in cells}
    rows = [
        [
            trained,
            *(_shown(by_families[trained, family]) if (trained, family) in by_families else "" for family in families),
        ]
        for trained in families
    ]
    return Table("transfer, in points", ("trained on", *families), rows, keys=1)


def _shown(cell: Metrics) -> str:
    mark = "*" * (cell.extra["verdict"] != "inconclusive")
    text = f"{points(cell.extra['difference'])} ({points_range(cell.extra['difference_interval'])}){mark}"
    return f"[{text}]" if cell.extra["trained"] == cell.family else text


def transfer_section(experiment: Experiment) -> Section | None:
    """The matrix of the transfer run that the experiment is a row of; None where it is not."""
    cells = cells_beside(experiment)
    return Section("Transfer", LEGEND, table_card(transfer_table(cells))) if cells else None


def cells_beside(experiment: Experiment) -> list[Metrics]:
    """The cells of the transfer run that the experiment is a row of; empty where it is not."""
    path = experiment.folder.path
    for other in sorted(path.parent.glob(f"*/{FILE}")):
        if path.name.startswith(f"{other.parent.name}-") and is_regular(other):
            cells = read_cells(other)
            if any(path.name == f"{other.parent.name}-{cell.extra['trained']}" for cell in cells):
                return cells
    return []
