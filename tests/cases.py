"""Parametrised cases of which the default run takes a few."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

import pytest


def slow_but(kept: Container[str], cases: Mapping[str, Any] | Iterable[str]) -> list[Any]:
    """The cases as parameters that are named; those whose name is not in `kept` are slow."""
    named = cases if isinstance(cases, Mapping) else {name: name for name in cases}
    return [
        pytest.param(value, id=name, marks=[] if name in kept else pytest.mark.slow) for name, value in named.items()
    ]
