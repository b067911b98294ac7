"""The scripted engine, counting what it is asked to write."""

from __future__ import annotations

import json
from pathlib import Path

from axiom_cli.records import Sample
from axiom_cli.sampling.engines.scripted import ScriptedEngine


class Counting(ScriptedEngine):
    """`written` samples so far."""

    written = 0

    def _sample(self, *args) -> Sample:
        self.written += 1
        return super()._sample(*args)


def script(folder: Path, texts: dict[str, list[str]]) -> Counting:
    """An engine that plays these texts."""
    path = folder / "script.json"
    path.write_text(json.dumps(texts))
    return Counting(str(path))
