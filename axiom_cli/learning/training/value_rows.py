"""What a value function is fitted on, and what its folder says of that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from axiom_cli.learning.training import rows
from axiom_cli.learning.training.rows import Encoded, Row
from axiom_cli.models import VALUE_FACTS
from axiom_cli.records import Sample
from axiom_cli.sampling import prompts
from axiom_cli.sampling.token_ids import scored_ids


def encode(
    judged: Iterable[tuple[Sample, float, float | None]], tokenizer: Any, ends: Sequence[int], max_length: int = 1 << 60
) -> Encoded:
    """Rows of at most `max_length` tokens from (sample, weight, share of passes), in order, each as it was sampled:
    without an end where it was cut off."""
    out, opening = Encoded(), prompts.opening(tokenizer)
    known: dict[str, list[int]] = {}
    for number, (sample, weight, label) in enumerate(judged):
        prompt, kept, here = scored_ids(tokenizer, sample, ends, opening, known)
        row = Row(prompt, kept, weight, sample.problem.id, label=label)
        if row.length > max_length:
            out.too_long += 1
            continue
        out.add(number, row)
        rows.count(out, sample, prompt, "", encoded_here=here)
    return out


def write_facts(folder: Path, name: str, digest: str, fitted: Iterable[Row]) -> None:
    """Says in `folder` which model's samples are judged, and which problems the function was fitted on."""
    problems = sorted({row.problem for row in fitted})
    facts = {"kind": "value", "base": {"name": name, "digest": digest}, "problems": problems}
    (folder / VALUE_FACTS).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
