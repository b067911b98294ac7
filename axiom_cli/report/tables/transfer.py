"""A transfer run by its name, in every format."""

from __future__ import annotations

from pathlib import Path

from axiom_cli.evaluation.experiment_folder import EXPERIMENTS
from axiom_cli.evaluation.transfer import FILE
from axiom_cli.files import is_regular
from axiom_cli.report.formats import Findings, Table
from axiom_cli.report.sections.transfer import LEGEND, read_cells, transfer_table


def transfer_file(name: str, root: Path = EXPERIMENTS) -> Path | None:
    """The cells of the transfer run called `name`; None where there is no such run."""
    path = root / name / FILE
    return path if is_regular(path) else None


def transfer_findings(name: str, path: Path) -> Findings:
    """A transfer run in every format."""
    cells = read_cells(path)
    table = transfer_table(cells)
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
