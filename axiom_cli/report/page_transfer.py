"""The matrix of a transfer run, by its name in every format, and on the page of each run that is a row of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from axiom_cli import jsonl
from axiom_cli.errors import InputError
from axiom_cli.evaluation.comparison import points, points_range
from axiom_cli.evaluation.experiment_folder import EXPERIMENTS, Experiment
from axiom_cli.evaluation.transfer import FILE
from axiom_cli.files import is_regular, open_regular
from axiom_cli.records import Metrics
from axiom_cli.report.formats import Findings, Table
from axiom_cli.report.html import Section, table_card
from axiom_cli.report.transfer import LEGEND

RERUN = "axiom loop --transfer with the same settings writes it anew"


def transfer_file(name: str, root: Path = EXPERIMENTS) -> Path | None:
    """The cells of the transfer run called `name`; None where there is no such run."""
    path = root / name / FILE
    return path if is_regular(path) else None


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


def cells_table(cells: Sequence[Metrics]) -> Table:
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


def transfer_findings(name: str, path: Path) -> Findings:
    """A transfer run in every format."""
    cells = read_cells(path)
    table = cells_table(cells)
    rows = [
        {
            "experiment": cell.experiment,
            "tested": cell.family,
            **{key: value for key, value in cell.extra.items() if key not in ("phase", "difference_interval")},
            "low": cell.extra["difference_interval"][0],
            "high": cell.extra["difference_interval"][1],
        }
        for cell in cells
    ]
    each = ", ".join(f"{name}-{trained}" for trained in dict.fromkeys(str(cell.extra["trained"]) for cell in cells))
    parts: list[Table | str] = [table, LEGEND, f"Each row is a run with a report of its own: {each}."]
    return Findings([cell.to_dict() for cell in cells], rows, parts, parts, cells)


def transfer_section(experiment: Experiment) -> Section | None:
    """The matrix of the transfer run that the experiment is a row of; None where it is not."""
    cells = cells_beside(experiment)
    return Section("Transfer", LEGEND, table_card(cells_table(cells))) if cells else None


def cells_beside(experiment: Experiment) -> list[Metrics]:
    """The cells of the transfer run that the experiment is a row of; empty where it is not."""
    path = experiment.folder.path
    for other in sorted(path.parent.glob(f"*/{FILE}")):
        if path.name.startswith(f"{other.parent.name}-") and is_regular(other):
            cells = read_cells(other)
            if any(path.name == f"{other.parent.name}-{cell.extra['trained']}" for cell in cells):
                return cells
    return []
