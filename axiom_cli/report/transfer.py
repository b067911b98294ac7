"""The matrix of a transfer run as a table."""

from __future__ import annotations

from collections.abc import Sequence

from axiom_cli.evaluation.comparison import points, points_range
from axiom_cli.evaluation.transfer import Cell
from axiom_cli.report.formats import Table

LEGEND = (
    "A row is trained on one family alone, a column is tested on one: the change of the pass rate in points, with its "
    "95 % interval, paired by problem. * marks p < 0.05 after Holm's correction over all cells, [ ] the family itself."
)


def transfer_table(cells: Sequence[Cell]) -> Table:
    """A row for each family that was trained on, a column for each that was tested."""
    families = list(dict.fromkeys(cell.trained for cell in cells))
    rows = [
        [trained, *(_shown(cell) for cell in cells if cell.trained == trained)] for trained in families
    ]  # cells come in the order of the families
    return Table("transfer, in points", ("trained on", *families), rows, keys=1)


def _shown(cell: Cell) -> str:
    found = cell.comparison
    text = f"{points(found.difference)} ({points_range(found.interval)}){'*' * (cell.verdict != 'inconclusive')}"
    return f"[{text}]" if cell.trained == cell.family else text
