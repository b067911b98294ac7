"""What a field of a config is: a default with its help, its bounds and its choices, checked when a config is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from axiom_cli.errors import UsageError, did_you_mean

INFINITY = float("inf")
BEYOND = 2**63
NO_ADVICE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Bounds:
    """The numbers that a field takes: always finite, with an absolute value below 2**63."""

    least: float = -INFINITY
    most: float = INFINITY
    above: float = -INFINITY

    def hold(self, number: float) -> bool:
        """Whether `number`, which may be NaN, is within the bounds."""
        return abs(number) < BEYOND and self.least <= number <= self.most and number > self.above

    def __str__(self) -> str:
        if INFINITY not in (-self.least, self.most):
            return f"{self.least:,} to {self.most:,}"
        parts = (("at least", self.least), ("above", self.above), ("at most", self.most))
        return " and ".join(f"{word} {number:,}" for word, number in parts if abs(number) != INFINITY)

    def whole(self) -> str:
        """Everything that is required of a number, to tell whoever gave another one."""
        return str(self) if self.most != INFINITY else f"{self} and below 2**63"


def option(  # noqa: PLR0913 - each argument is a fact about the option, given by name
    default: Any,
    text: str,
    *,
    least: float = -INFINITY,
    most: float = INFINITY,
    above: float = -INFINITY,
    topic: str = "",
    formerly: str = "",
    advice: Mapping[str, str] = NO_ADVICE,
) -> Any:
    """A field with its default and the line that `--help` prints; the other arguments are the module's metadata."""
    metadata = {"help": text, "bounds": Bounds(least, most, above), "topic": topic}
    return field(default=default, metadata={**metadata, "formerly": formerly, "advice": advice})


@dataclass(frozen=True)
class Config:
    """What every config is: its values are checked when it is made. Raises UsageError for a bad one."""

    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]]
    """The values of each closed choice, by the name of its field."""

    def __init_subclass__(cls) -> None:
        hints = get_type_hints(cls)
        cls.CHOICES = {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            self.check_field(name, value)

    @classmethod
    def check_field(cls, name: str, value: Any, said: str = "") -> None:
        """Raises UsageError where the field `name` cannot be `value`, as was `said` somewhere."""
        metadata = next(field.metadata for field in fields(cls) if field.name == name)
        bounds, said = metadata["bounds"], said or f"{name} = {value!r}"
        if isinstance(value, int | float) and not isinstance(value, bool) and not bounds.hold(value):
            raise UsageError(f"{said} is out of bounds", f"{flag(name)} is {bounds.whole()}")
        allowed = cls.CHOICES.get(name)
        if allowed and value not in allowed:
            listed = ", ".join(filter(None, allowed))
            hint = metadata["advice"].get(value) or did_you_mean(str(value), allowed, "choose one of them")
            raise UsageError(f"{said} is not one of {listed}", hint)


def flag(name: str) -> str:
    """The flag of the field `name`."""
    return "--" + name.replace("_", "-")
