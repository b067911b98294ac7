"""The hand-written problems, solved again in the obvious way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from axiom_cli.problems.families.oracles.handwritten import basics, sequences, structures

FUNCTIONS: dict[str, Callable[..., Any]] = {**basics.FUNCTIONS, **sequences.FUNCTIONS, **structures.FUNCTIONS}
