"""Which receipts made what: read from the receipts, or, where there are many, found through an index of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from axiom_cli.workspace import receipts
from axiom_cli.workspace.objects import Objects, is_digest
from axiom_cli.workspace.receipts import Receipt

if TYPE_CHECKING:
    from axiom_cli.workspace.index import Index


class Makers:
    """Which receipts made what, as it was at one moment. Once a receipt is read that is damaged, that is a
    WorkspaceDamagedError."""

    def __init__(self, folder: Path, place: Path, objects: Objects) -> None:
        """By the receipts in `folder`, which made some of the `objects`. `place` is where an index of them is kept."""
        self._folder, self._place, self._objects = folder, place, objects
        self._index = self._find()

    def _find(self, *, examined: bool = False) -> Index | None:
        with suppress(ImportError):  # of a Python that was built without SQLite
            from axiom_cli.workspace import index

            return index.find(self._folder, self._place, self._objects, examined=examined)
        return None

    @cached_property
    def _receipts(self) -> list[Receipt]:
        return sorted(receipts.load_all(self._folder), key=lambda receipt: (receipt.made, receipt.id))

    @cached_property
    def _made(self) -> dict[str, list[Receipt]]:
        made: dict[str, list[Receipt]] = defaultdict(list)
        for receipt in sorted(self._receipts, key=lambda receipt: receipt.id):
            for output in dict.fromkeys(receipt.outputs.values()):
                made[output].append(receipt)
        return made

    @cached_property
    def _used(self) -> list[str]:
        """Every object that a receipt made or used, sorted."""
        used = {digest for receipt in self._receipts for _, digest in receipt.inputs if is_digest(digest)}
        return sorted(used | self._made.keys())

    def get(self, digest: str) -> list[Receipt]:
        """The receipts that made an object, sorted by id; none for what came from elsewhere."""
        if self._index:
            try:
                return self._index.get(digest)
            except LookupError:
                self._index = None
        return self._made.get(digest, [])

    def oldest_first(self) -> Iterator[Receipt]:
        """Every receipt, in the order of time, then of ids; read as they are wanted."""
        try:
            names = self._index.oldest_first() if self._index else []
        except LookupError:
            self._index = None
        if not self._index:
            yield from self._receipts
            return
        for name in names:
            with suppress(LookupError):  # set aside meanwhile
                yield self._index.receipt(name)

    def count(self) -> int:
        """The number of objects that a receipt made."""
        return self._index.count() if self._index else len(self._made)

    def about(self, problem: str) -> list[str]:
        """Every object that a receipt made or used and that may hold records of a problem, sorted."""
        try:
            if index := self._examined():
                return index.about(problem)
        except LookupError:
            self._index = None
        return self._used

    def possible_trees(self) -> list[str]:
        """Every tree that a receipt made or used, sorted, and perhaps other objects."""
        try:
            if index := self._examined():
                return index.possible_trees()
        except LookupError:
            self._index = None
        return self._used

    def _examined(self) -> Index | None:
        """The index, once the objects have been looked into that it leads to."""
        if self._index and not self._index.is_examined():
            self._index = self._find(examined=True)
        return self._index
