"""A config's fields as Typer options, so that no option is declared twice.

A command function takes configs as parameters (`config: SolveConfig`); `configured` turns each into one option a field
and hands the function the config in force, whichever source its values came from.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from dataclasses import Field, dataclass, fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints

import typer

from axiom_cli.errors import UsageError
from axiom_cli.settings.configs import option
from axiom_cli.settings.sources import flag, resolve

GLOBAL_OPTIONS = "Global options, before or after the command: --workspace DIR  --quiet  --debug  --version"


@dataclass(frozen=True)
class GlobalConfig:
    """What every command takes."""

    workspace: str = option("", "The workspace [.axiom, found upwards like .git].")
    quiet: bool = option(False, "Only warnings and errors on stderr.")
    debug: bool = option(False, "Show the traceback of every error.")


@dataclass(frozen=True)
class ModelConfig:
    """What every command that needs a model takes."""

    model: str = option(
        "",
        "nano, a hub id, a folder, a .gguf file, a workspace name or an address [nano where there is no accelerator].",
    )


def configured(*many: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Expands the config parameters of a command. The fields named in `many` may be given more than once."""

    def expand(command: Callable[..., None]) -> Callable[..., None]:
        configs, parameters = _split(command, many)

        @wraps(command)
        def run(**values: Any) -> None:
            for name, cls in configs.items():
                flags = {f.name: _joined(values.pop(f.name)) for f in fields(cls)}
                values[name] = resolve(cls, flags).config
            command(**values)

        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return expand


def _split(command: Callable[..., None], many: Collection[str]) -> tuple[dict[str, type], list[inspect.Parameter]]:
    """The config parameters of `command` by name, and the parameters that Typer is to see."""
    hints = get_type_hints(command, include_extras=True)
    configs: dict[str, type] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        annotation = hints[parameter.name]
        if is_dataclass(annotation) and isinstance(annotation, type):
            configs[parameter.name] = annotation
            parameters += _parameters(annotation, many)
        else:
            parameters.append(parameter.replace(annotation=annotation, kind=inspect.Parameter.KEYWORD_ONLY))
    return configs, parameters


def _parameters(cls: type, many: Collection[str]) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(cls)
    for field in fields(cls):
        kind = list[str] if field.name in many else hints[field.name]
        default = typer.Option(
            None, _flag(field), help=_help(field), show_default=False, metavar=_metavar(hints, field)
        )
        yield inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=kind | None,
        )


def _flag(field: Field[Any]) -> str:
    name = flag(field)
    return f"{name}/--no-{name[2:]}" if isinstance(field.default, bool) else name


def _metavar(hints: dict[str, Any], field: Field[Any]) -> str | None:
    return None if hints[field.name] is bool else hints[field.name].__name__.replace("str", "text").upper()


def _help(field: Field[Any]) -> str:
    """The help line, with its bounds, and with the default in brackets unless the line says it or there is none."""
    text, bounds = field.metadata["help"], str(field.metadata["bounds"])
    silent = field.default is None or isinstance(field.default, bool) or field.default == "" or "[" in text
    more = [f"({bounds})"] * bool(bounds) + [f"[{field.default}]"] * (not silent)
    return f"{' '.join([text.removesuffix('.'), *more])}." if more else text


def _joined(value: Any) -> Any:
    return ",".join(value) or None if isinstance(value, list) else value


def names(values: list[str] | None) -> list[str]:
    """Values of an option that may be comma-separated or repeated, in order, without blanks and repetitions."""
    parts = (part.strip() for value in values or [] for part in value.split(","))
    return list(dict.fromkeys(part for part in parts if part))


def named(values: list[str] | None) -> list[str]:
    """`names`, of an argument without which all are meant: blank ones, as an unset variable gives, name nothing and
    raise UsageError."""
    found = names(values)
    if values and not found:
        raise UsageError("a name is blank", "leave it out to have all of them")
    return found
