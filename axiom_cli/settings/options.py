"""A config's fields as Typer options, so that no option is declared twice.

A command function takes configs as parameters (`config: SolveConfig`); `configured` turns each into one option a field
and hands the function the config in force, whichever source its values came from. An option that several configs have
is one option: it is described as in the first of them, and goes to each.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import Field
from functools import wraps
from typing import Any, get_type_hints

import typer

from axiom_cli.errors import CHOICES, UsageError, did_you_mean
from axiom_cli.settings.fields import Config, flag
from axiom_cli.settings.sources import defaults, resolve

Completer = Callable[[str], Iterable[str]]
"""The words that a shell may put in place of an unfinished one."""
METAVARS = {bool: None, str: "TEXT", int: "INT", float: "FLOAT"}


def configured(
    *many: str,
    complete: Mapping[str, Completer] | None = None,
    lines: Mapping[str, str] | None = None,
    kind_of: Callable[[str, str], str] | None = None,
) -> Callable[..., Callable[..., None]]:
    """Expands the config parameters of a command.

    The fields named in `many` may be given more than once; `complete` has shell completion for fields by name, and
    `lines` the help of those that mean more to this command. `kind_of` knows the kind of a loop's model by its name and
    the workspace.
    """

    def expand(command: Callable[..., None]) -> Callable[..., None]:
        configs: dict[str, type[Config]] = {}
        options: set[str] = set()
        parameters: dict[str, inspect.Parameter] = {}
        hints = get_type_hints(command, include_extras=True)
        for parameter in inspect.signature(command).parameters.values():
            annotation = hints[parameter.name]
            if isinstance(annotation, type) and issubclass(annotation, Config):
                configs[parameter.name] = annotation
                for option in _parameters(annotation, many, complete or {}, lines or {}):
                    parameters.setdefault(option.name, option)
                    options.add(option.name)
            else:
                parameters[parameter.name] = parameter.replace(
                    annotation=annotation, kind=inspect.Parameter.KEYWORD_ONLY
                )

        @wraps(command)
        def run(**values: Any) -> None:
            given = {name: values.pop(name) for name in options}
            flags = {n: (",".join(v) if v else None) if isinstance(v, list) else v for n, v in given.items()}
            how = {"kind_of": lambda model: kind_of(model, values["ctx"].obj.config.workspace)} if kind_of else {}
            command(**values, **{name: resolve(cls, flags, **how).config for name, cls in configs.items()})

        run.__signature__ = inspect.Signature(list(parameters.values()))  # type: ignore[attr-defined]  # Typer reads it
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters.values()}
        return run

    return expand


def _parameters(
    cls: type[Config], many: Collection[str], complete: Mapping[str, Completer], lines: Mapping[str, str]
) -> Iterator[inspect.Parameter]:
    known = defaults(cls)
    for part in cls.parts().values():
        hints = get_type_hints(part.cls)
        for field in sorted(part.options, key=lambda field: bool(field.metadata["topic"])):  # its own topic first
            hint, name, choices = hints[field.name], flag(field.name), part.shown_choices(field.name)
            kind = str if choices else hint
            default = typer.Option(
                None,
                f"{name}/--no-{name[2:]}" if hint is bool else name,
                help=lines.get(field.name) or _help(field, known[field.name]),
                show_default=False,
                metavar="|".join(choices) or METAVARS[hint],
                autocompletion=_offering(choices) if choices else complete.get(field.name),
                rich_help_panel=field.metadata["topic"] or getattr(part.cls, "TOPIC", None),
            )
            annotation = (list[str] if field.name in many else kind) | None
            yield inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def choice(name: str, values: Collection[str], text: str, metavar: str = "") -> Any:
    """An option of one command alone that takes one of `values`: printed (or `metavar` in their place), checked and
    completed as a config's is."""

    def check_choice(value: str) -> str:
        if value not in values:
            hint = did_you_mean(value, values, CHOICES)
            raise UsageError(f"{name} {value} is not one of {', '.join(filter(None, values))}", hint)
        return value

    return typer.Option(
        name,
        metavar=metavar or "|".join(filter(None, values)),
        help=text,
        callback=check_choice,
        autocompletion=_offering(values),
        show_default=True,
    )


def _offering(values: Collection[str]) -> Completer:
    def offer(incomplete: str) -> list[str]:
        return [value for value in values if value and value.startswith(incomplete)]

    return offer


def _help(field: Field[Any], default: str) -> str:
    """The help line, with its bounds, and with the default in brackets unless the line says it or there is none."""
    text, bounds = field.metadata["help"], str(field.metadata["bounds"])
    silent = not default or " [" in text
    more = [f"({bounds})"] * bool(bounds) + [f"[{default}]"] * (not silent)
    return f"{' '.join([text.removesuffix('.'), *more])}." if more else text


def names(values: list[str] | None) -> list[str]:
    """Values of an option that may be comma-separated or repeated, in order, without blanks and repetitions."""
    parts = (part.strip() for value in values or [] for part in value.split(","))
    return list(dict.fromkeys(part for part in parts if part))


def named(values: list[str] | None, hint: str = "leave it out to have all of them") -> list[str]:
    """`names`, of an argument that means everything when it is left out, or else what the `hint` says.

    Raises UsageError for blank values, as an unset shell variable gives: they name nothing.
    """
    parts = names(values)
    if values and not parts:
        raise UsageError("a name is blank", hint)
    return parts
