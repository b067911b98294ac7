"""What several processes make together: the first one has the workspace, the others lend a hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from axiom_cli import ranks
from axiom_cli.receipts import Receipt
from axiom_cli.workspace import Recipe, Workspace


def remember(workspace: Workspace, recipe: Recipe, make: Callable[[], Mapping[str, Any]]) -> Receipt:
    """As `workspace.remember`, and every process gets the receipt.

    `make` is called in all of them, or in none where the receipt was there. Only what it returns in the first one
    counts, and only that one may write.
    """
    if ranks.size() == 1:
        return workspace.remember(recipe, make)
    from axiom_cli.training import group

    with group.joined():
        missing = group.told(ranks.is_first() and workspace.recall(recipe) is None)
        if ranks.is_first():
            return group.told(workspace.remember(recipe, make))
        if missing:
            make()
        return group.told(None)  # type: ignore[return-value]
