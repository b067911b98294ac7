"""What a field of a config is: a default with its help, its bounds and its choices, checked when a config is made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import Field, dataclass, field, fields
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from axiom_cli.errors import CHOICES, UsageError, did_you_mean

INFINITY = float("inf")
BEYOND = 2**63
NO_ADVICE: Mapping[str, str] = MappingProxyType({})
NOTHING_REFUSED: Mapping[str, Mapping[str, str]] = MappingProxyType({})


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
    alias: str = "",
    advice: Mapping[str, str] = NO_ADVICE,
    hidden: Collection[str] = (),
) -> Any:
    """A field with its default and the line that `--help` prints; the other arguments are the module's metadata."""
    metadata = {"help": text, "bounds": Bounds(least, most, above), "topic": topic, "hidden": hidden}
    return field(default=default, metadata={**metadata, "formerly": formerly, "alias": alias, "advice": advice})


def stage(
    config: type[Config],
    *,
    without: Collection[str] = (),
    refused: Mapping[str, Mapping[str, str]] = NOTHING_REFUSED,
) -> Any:
    """A field that holds a stage's config. The stage's options are the holder's too, except those of `without`;
    `refused` has the values that make no sense there, by option, each with its advice."""
    options = tuple(field for field in fields(config) if field.name not in without)
    return field(default=config(), metadata={"part": Part(config, options, refused)})


@dataclass(frozen=True)
class Part:
    """Options of a config that stand together: its own ones, or those of a stage's config that it holds."""

    cls: type[Config]
    options: tuple[Field[Any], ...]
    refused: Mapping[str, Mapping[str, str]]

    def choices(self, name: str) -> tuple[str, ...]:
        """The values that the option `name` may have; empty where it is open."""
        return tuple(value for value in self.cls.CHOICES.get(name, ()) if value not in self.refused.get(name, ()))

    def shown_choices(self, name: str) -> list[str]:
        """The choices that are worth showing."""
        hidden = self._metadata(name)["hidden"]
        return [value for value in self.choices(name) if value and value not in hidden]

    def check(self, name: str, value: Any, said: str = "") -> None:
        """Raises UsageError where the option `name` cannot be `value`, as was `said` somewhere."""
        metadata = self._metadata(name)
        bounds, said = metadata["bounds"], said or f"{spelled(name)} = {value!r}"
        if isinstance(value, int | float) and not isinstance(value, bool) and not bounds.hold(value):
            raise UsageError(f"{said} is out of bounds", f"{flag(name)} is {bounds.whole()}")
        allowed = self.choices(name)
        if allowed and value not in allowed:
            shown, advice = self.shown_choices(name), {**metadata["advice"], **self.refused.get(name, {})}
            hint = advice.get(value) or did_you_mean(str(value), shown, CHOICES)
            raise UsageError(f"{said} is not one of {', '.join(shown)}", hint)

    def _metadata(self, name: str) -> Mapping[str, Any]:
        return next(option.metadata for option in self.options if option.name == name)


@dataclass(frozen=True)
class Config:
    """What every config is: its values are checked when it is made. Raises UsageError for a bad one."""

    CHOICES: ClassVar[Mapping[str, tuple[str, ...]]]
    """The values of each closed choice, by the name of its field."""

    def __init_subclass__(cls) -> None:
        hints = get_type_hints(cls)
        cls.CHOICES = {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}

    def __post_init__(self) -> None:
        for place, part in self.parts().items():
            held = getattr(self, place) if place else self
            for option in part.options:
                part.check(option.name, getattr(held, option.name))

    @classmethod
    @cache
    def parts(cls) -> Mapping[str, Part]:
        """The config's own options under "", and those of each stage that it holds, by the name of the field."""
        own = tuple(field for field in fields(cls) if "part" not in field.metadata)
        return {"": Part(cls, own, NOTHING_REFUSED)} | {
            f.name: f.metadata["part"] for f in fields(cls) if "part" in f.metadata
        }


def spelled(name: str) -> str:
    """The field `name` as users write it: a word of Python's own, such as `as`, has an underscore behind it."""
    return name.rstrip("_")


def flag(name: str) -> str:
    """The flag of the field `name`."""
    return "--" + spelled(name).replace("_", "-")
