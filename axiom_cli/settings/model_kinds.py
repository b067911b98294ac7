"""The kinds of models that settings tell apart, and what a loop's objective sets for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NANO, PRETRAINED = "nano", "pretrained"
"""Kinds of models, and the presets that suit them."""
LOOP_OBJECTIVES: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    NANO: {
        "dpo": {"samples": 8, "method": "lora", "optimizer": "adamw", "lr": 1e-4, "replay": "60/40/0"},
        "kto": {"samples": 8, "method": "lora", "optimizer": "adamw", "lr": 5e-5, "replay": "60/40/0"},
        "grpo": {
            "samples": 8,
            "method": "lora",
            "optimizer": "adamw",
            "lr": 2e-4,
            "replay": "100/0/0",
            "start": "previous",
        },
    },
    PRETRAINED: {
        "dpo": {"samples": 8, "lr": 1e-5, "replay": "60/40/0"},
        "kto": {"samples": 8, "lr": 2e-5, "replay": "60/40/0"},
        "grpo": {"samples": 8, "lr": 1e-5, "replay": "100/0/0", "start": "previous"},
    },
}
"""What `axiom loop --objective NAME` sets for a kind of model, where the user sets nothing else. The rates for nano are
measured with LoRA and AdamW (docs/decisions/0011); those for pretrained models are customary ones, a twentieth to a
tenth of sft's."""


def kind_by_name(model: str) -> str:
    """The kind of model that a name alone stands for."""
    return NANO if model in ("", NANO) else PRETRAINED
