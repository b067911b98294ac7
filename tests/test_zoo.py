"""Tiny models of many architectures do what docs/models.md says; nothing differs from the library without a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

import zoo

PAGE = (Path(__file__).parents[1] / "docs" / "models.md").read_text(encoding="utf-8")
ROWS = {row.split(" | ")[0].removeprefix("| "): row for row in PAGE.splitlines() if row.startswith("| ")}


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(zoo.ARCHITECTURES))
def test_an_architecture_is_used_as_its_library_would_or_refused(kind: str) -> None:
    if kind not in CONFIG_MAPPING:
        pytest.skip("not known to the installed transformers")
    line = zoo.line(kind)
    assert {line.solve, line.merge} <= {"yes", "slower", "refused"} and line.train.startswith("yes"), line
    assert ROWS[kind] == line.row(kind)


def test_the_page_is_the_one_that_is_printed() -> None:
    before, _, _ = zoo.PAGE.partition("{rows}")
    version = PAGE.partition("with transformers ")[2].partition(":")[0]
    assert PAGE.startswith(before.format(version=version))
    assert sorted(ROWS.keys() - {"model_type", "---"}) == sorted(zoo.ARCHITECTURES)
