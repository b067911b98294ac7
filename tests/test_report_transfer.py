"""A transfer run in reports: its matrix by its name, and on the page of each of its runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.errors import InputError
from axiom_cli.evaluation.experiment_folder import read_experiment
from axiom_cli.evaluation.transfer import FILE, matrix
from axiom_cli.report.outcome.summary import summarize
from axiom_cli.report.pages.experiment import page
from axiom_cli.report.sections.transfer import read_cells
from command_line import axiom
from made_experiment import make


def transferred(root: Path) -> Path:
    """A transfer run over two families, each with its run beside it."""
    runs = {family: read_experiment(str(make(root / f"both-{family}", 2, 1, 2))) for family in ("rpn", "arithmetic")}
    path = root / "both" / FILE
    jsonl.save(path, [cell.to_record("both") for cell in matrix(runs)])
    return path


def test_the_matrix_is_reported_by_name_and_on_the_page_of_each_run(tmp_path: Path):
    root = tmp_path / "experiments"
    cells = read_cells(transferred(root))
    found = axiom("report", "both", "--format", "json", cwd=tmp_path)
    assert [(row["trained"], row["family"]) for row in json.loads(found.stdout)] == [
        (a, b) for a in ("rpn", "arithmetic") for b in ("rpn", "arithmetic")
    ]
    markdown = axiom("report", "both", "--format", "md", cwd=tmp_path).stdout.decode()
    assert "| trained on | rpn | arithmetic |" in markdown and "both-rpn, both-arithmetic" in markdown
    text = page(summarize(read_experiment("both-rpn", root)))
    assert "<h2>Transfer</h2>" in text and f"{100 * cells[0].extra['difference']:+.1f}" in text
    assert "<h2>Transfer</h2>" not in page(summarize(read_experiment(str(make(root / "alone", 1, 1, 2)))))


@pytest.mark.slow
def test_a_file_of_something_else_is_named(tmp_path: Path):
    path = transferred(tmp_path)
    path.write_text('{"kind":"metrics"}\n')
    with pytest.raises(InputError, match="transfer.jsonl"):
        read_cells(path)
