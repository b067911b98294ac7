"""The model card: what a merged model was made from, how it was trained, and how well the merge holds. It says nothing
that another run would say differently: no dates, no folders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from axiom_cli import models
from axiom_cli.models import Resolved
from axiom_cli.models.nano import WEIGHTS
from axiom_cli.problems import families
from axiom_cli.records import Adapter
from axiom_cli.sampling import nano_cold_start
from axiom_cli.wording import as_markdown

MEANINGS: Mapping[str, str] = {
    "dtype": "type of the changed weights",
    "moved": "share of the changed weights that differ from the base's",
    "cosine": "applied against intended change of the weights",
    "relative_error": "of the applied change",
    "max_logit_difference": "to base + adapter in float32, on a fixed prompt",
    "greedy_agreement": "share of its positions with the same most likely token",
    "effect_error": "distance of the logits, where the adapter's effect on them is 1",
}
CARD = """\
---
library_name: transformers
pipeline_tag: text-generation
tags: [axiom]
---

# {base}, trained on its own verified solutions

What training changed, one adapter or several or all weights, added to the base in float32 and rounded once, by
`axiom merge`.

{tables}
## Use

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("FOLDER", dtype="auto")
tokenizer = AutoTokenizer.from_pretrained("FOLDER")
```

`axiom solve --model FOLDER` reads the folder as well, and vLLM does if it knows the architecture.
"""
TAUGHT_TITLE = "What nano was taught"
TAUGHT = f"""
It was trained from random weights on solutions that a program wrote, and on nothing else. Those of
{nano_cold_start.COPYING} copy a listing, the others solve their problem.
"""
METRICS = ("loss_first", "loss_last", "loss_tokens", "steps", "parameters")


def facts(adapter: Adapter, origin: Resolved) -> dict[str, Any]:
    """What the card says of the making of a model from `origin`. It goes into the recipe: another card is another
    model."""
    base = adapter.base.name
    return {
        "base": PurePath(base).name if PurePath(base).is_absolute() else base,
        "method": adapter.method,
        "rows": adapter.rows,
        "settings": dict(adapter.config),
        "metrics": {name: adapter.metrics[name] for name in METRICS if name in adapter.metrics},
        **({"ancestor": models.NANO} if comes_from_nano(origin) and not is_nano(origin.digest) else {}),
    }


def text(card: Mapping[str, Any], inputs: Mapping[str, Any], certificate: Mapping[str, Any]) -> str:
    """The README.md of a merged folder. `card` are its `facts`, `inputs` the digests of base, chain and adapter."""
    settings, adapters = card["settings"], [*inputs["chain"], inputs["adapter"]]
    lineage = [(f"adapter {number}", digest) for number, digest in enumerate(adapters, 1)]
    data = [("rows", card["rows"]), ("method", card["method"]), ("objective", settings.get("objective", "sft"))]
    proof = [(name, certificate[name], meaning) for name, meaning in MEANINGS.items() if name in certificate]
    tables = (
        _table("Lineage", ("from", "sha256"), [(f"base {card['base']}", inputs["base"]), *lineage]),
        _table("Training of the last adapter", ("what", "value"), [*data, *sorted(card["metrics"].items())]),
        _table("Its settings", ("setting", "value"), sorted(settings.items())),
        _table("Certificate", ("figure", "value", "meaning"), proof),
    )
    sections = [taught()] if card.get("ancestor") == models.NANO or is_nano(inputs["base"]) else []
    return CARD.format(base=as_markdown(card["base"]), tables="\n".join([*tables, *sections]))


def is_nano(digest: str) -> bool:
    """Whether that is the digest of the model in the package."""
    return digest == models.resolve(models.NANO).digest


def comes_from_nano(model: Resolved) -> bool:
    """Whether a model is nano, or was trained from it in any number of runs: then its card has `taught`."""
    card = model.path / "README.md"
    return model.path == WEIGHTS or (card.is_file() and f"## {TAUGHT_TITLE}\n" in card.read_text("utf-8", "replace"))


def taught() -> str:
    """The section on what nano was taught."""
    rows = [
        (family, f"1-{max(counts)}", families.get(family).size_of(max(counts)), sum(counts.values()))
        for family, counts in nano_cold_start.held().items()
    ]
    return _table(TAUGHT_TITLE, ("family", "levels", "longest", "solutions"), rows) + TAUGHT


def _table(title: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [f"## {title}", "", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for row in rows:
        cells = [f"{value:.6g}" if isinstance(value, float) else str(value) for value in row]
        lines.append("| " + " | ".join(map(as_markdown, cells)) + " |")
    return "\n".join(lines) + "\n"
