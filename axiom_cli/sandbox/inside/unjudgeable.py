"""What tests that are code may do so that nobody can say whether the program is right."""

from __future__ import annotations

from typing import ClassVar

BEYOND = "its test code does what cannot be judged"
# `f(x) == sorted(x)` holds for a program that empties x and returns it.
AMBIGUOUS = "it looks at an argument that the program has changed, and at what that call returned"


class BeyondError(BaseException):
    """What the tests do cannot be judged. A BaseException, so that tests seldom catch it; `reasons` remember it where
    they do."""

    reasons: ClassVar[list[str]] = []

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reasons.append(reason)
