"""The embedded model: a language model of 0.40 million parameters that ships in the package."""

from __future__ import annotations

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
"""A plain folder as transformers reads it."""
