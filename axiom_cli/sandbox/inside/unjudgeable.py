"""What tests that are code may do so that nobody can say whether the program is right."""

from __future__ import annotations

from typing import ClassVar


class BeyondError(BaseException):
    """What the tests do cannot be judged. A BaseException, so that tests seldom catch it; `reasons` remember it where
    they do."""

    reasons: ClassVar[list[str]] = []

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reasons.append(reason)
