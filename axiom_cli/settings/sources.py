"""Where a value comes from: flag > AXIOM_* variable > ./axiom.toml > user config directory > preset > default.

A field of a stage's config is looked for under the stage's own name first (`AXIOM_SOLVE_SAMPLES`, `[solve] samples`),
then under its bare name (`AXIOM_SAMPLES`, a top-level `samples`), which serves every stage that has such a field.
The name that a field had formerly still works. pydantic-settings lives only here, and is loaded only where there is a
variable or a file to read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_type_hints

from axiom_cli.errors import UsageError, did_you_mean
from axiom_cli.settings import configs
from axiom_cli.settings.configs import LOOP_OBJECTIVES, PRESETS, GlobalConfig, LoopConfig, ModelConfig
from axiom_cli.settings.fields import Config, flag

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings


C = TypeVar("C", bound=Config)
PREFIX = "AXIOM_"
OWN_KEY = "AXIOM_API_KEY"
"""The key for a server: a variable alone, and not a setting."""
CONFIGS = [value for value in vars(configs).values() if isinstance(value, type) and issubclass(value, Config)][1:]
STAGES = [cls for cls in CONFIGS if cls not in (GlobalConfig, ModelConfig)]
KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


@dataclass(frozen=True)
class Settings(Generic[C]):
    """A config in force, and for each field the place that its value came from."""

    config: C
    origins: Mapping[str, str]


def section(cls: type[Config]) -> str:
    """The name of a config in variables and tables: `solve` for SolveConfig."""
    return cls.__name__.removesuffix("Config").lower()


def former_names(cls: type[Config]) -> dict[str, str]:
    """The fields that were renamed: the name of each, by the one that it had formerly."""
    return {field.metadata["formerly"]: field.name for field in fields(cls) if field.metadata["formerly"]}


def user_file() -> Path | None:
    """The user's own axiom.toml, which need not exist. None for a user without a home, as of some containers."""
    from platformdirs import user_config_path

    try:
        return user_config_path("axiom") / "axiom.toml"
    except RuntimeError:
        return None


def unreadable() -> list[Path]:
    """Settings files that exist but cannot be read. They are left out, which their owner should know."""
    return [path for path in _places() if _is_readable(path) is None]


def outdated() -> Iterator[str]:
    """A sentence for each variable, and each key of a settings file, that has a new name."""
    files = [(path, _toml(path)) for path in _places() if _is_readable(path)]
    for cls in STAGES:
        own = section(cls)
        for old, new in former_names(cls).items():
            for prefix in (PREFIX, f"{PREFIX}{own.upper()}_"):
                if f"{prefix}{old.upper()}" in os.environ:
                    yield f"{prefix}{old.upper()} is now called {prefix}{new.upper()}"
            for path, data in files:
                table = data.get(own)
                if old in data or (isinstance(table, dict) and old in table):
                    yield f"{path}: {old} is now called {new}"


def unknown_variables() -> Iterator[str]:
    """A sentence for each AXIOM_* variable that sets nothing."""
    named = {name for name in os.environ if name.startswith(PREFIX)}
    if not named:
        return
    known = {OWN_KEY}
    for cls in CONFIGS:
        names = [name.upper() for name in (*(field.name for field in fields(cls)), *former_names(cls))]
        known |= {f"{prefix}{name}" for name in names for prefix in (PREFIX, f"{PREFIX}{section(cls).upper()}_")}
    for name in sorted(named - known):
        hint = did_you_mean(name, sorted(known), "axiom config lists the settings")
        yield f"{name} is not a setting of axiom; {hint}"


def _places() -> list[Path]:
    return [Path("axiom.toml"), *filter(None, [user_file()])]


def _is_readable(path: Path) -> bool | None:
    """Whether the file exists; None if it, or a folder on the way to it, cannot be read."""
    try:
        return path.is_file() and (os.access(path, os.R_OK) or None)
    except PermissionError:
        return None


def resolve(cls: type[C], flags: Mapping[str, Any]) -> Settings[C]:
    """The config made of `flags` (those that are not None) and of every weaker source.

    Raises UsageError naming a bad value: one of another type, outside its bounds, or not among its choices.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    files = [path for path in _places() if _is_readable(path)]
    if files or any(name.startswith(PREFIX) for name in os.environ):
        values, origins = _layered(cls, given, files)
    else:
        values, origins = given, dict.fromkeys(given, "flag")
    for name, value in values.items():
        said = f"{flag(name)} {value}" if origins[name] == "flag" else f"{origins[name]}: {name} = {value!r}"
        cls.check_field(name, value, said)
    settings = Settings(cls(**values), {field.name: origins.get(field.name, "default") for field in fields(cls)})
    return _with_preset(settings)


def _with_preset(settings: Settings[C]) -> Settings[C]:
    """The config with the values of its preset, if it has one, and of its objective, where nothing else was set."""
    config = settings.config
    if not isinstance(config, LoopConfig):
        return settings
    layers = {
        f"preset {config.preset}": PRESETS[config.preset],
        f"objective {config.objective}": LOOP_OBJECTIVES.get(config.objective, {}),
    }
    values, origins = {}, dict(settings.origins)
    for origin, layer in layers.items():
        for name, value in layer.items():
            if settings.origins[name] == "default":
                values[name], origins[name] = value, origin
    return Settings(replace(settings.config, **values), origins)


def _layered(cls: type[C], given: dict[str, Any], files: list[Path]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that some source sets, and the origin of each."""
    from pydantic import ValidationError
    from pydantic_settings import EnvSettingsSource

    model, renamed = _model(cls), former_names(cls)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    layers = [("flag", given)]
    for prefix in (f"{PREFIX}{section(cls).upper()}_", PREFIX):
        source = EnvSettingsSource(model, env_prefix=prefix, case_sensitive=False)
        layers.append((f"variable {prefix}{{}}", source()))
    for path in files:
        layers += _tables(cls, path)
    for origin, layer in layers:
        for key in sorted(layer, key=renamed.__contains__):  # in one table the new name wins, wherever it stands
            name, value = renamed.get(key, key), layer[key]
            if name not in values:
                values[name], origins[name] = value, origin.format(key.upper())
    try:
        return model(**values).model_dump(include=set(values)), origins
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        default = getattr(cls, name)
        message = f"{origins.get(name, name)}: {name} = {values.get(name)!r} is not {KINDS[type(default)]}"
        hint = f"the default of {flag(name)} is {default}" if default != "" else f"{flag(name)} takes text"
        raise UsageError(message, hint) from None


def _model(cls: type[Config]) -> type[BaseSettings]:
    """A pydantic-settings model with the fields of `cls`, under their former names too. It reads nothing by itself, and
    leaves the choices to `Config.check_field`, so that every source gets the same message."""
    from pydantic import create_model
    from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

    class Base(BaseSettings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
            init_settings: PydanticBaseSettingsSource,
            *_args: PydanticBaseSettingsSource,
            **_sources: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (init_settings,)

    hints = get_type_hints(cls)
    definitions: dict[str, Any] = {
        field.name: (str if field.name in cls.CHOICES else hints[field.name], field.default) for field in fields(cls)
    }
    definitions |= {old: definitions[new] for old, new in former_names(cls).items()}
    return create_model(cls.__name__, __base__=Base, **definitions)


def _tables(cls: type[Config], path: Path) -> list[tuple[str, dict[str, Any]]]:
    name, known, data = section(cls), {field.name for field in fields(cls)}, _toml(path)
    accepted = known | former_names(cls).keys()
    tables = list(map(section, CONFIGS))
    for key, value in data.items():
        if isinstance(value, dict) and key not in tables:
            hint = did_you_mean(key, tables, f"there are {', '.join(sorted(tables))}")
            raise UsageError(f"{path}: there is no table [{key}]", hint)
    table = data.get(name, {})
    if name in known and not isinstance(table, dict):  # `model = "nano"`: a field with its section's name
        table = {}
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {name} is a table, not a value", f"write [{name}] and the values below it")
    for key in table:
        if key not in accepted:
            hint = did_you_mean(key, known, f"it has {', '.join(sorted(known))}")
            raise UsageError(f"{path}: [{name}] has no setting {key!r}", hint)
    bare = {key: value for key, value in data.items() if key in accepted and not isinstance(value, dict)}
    return [(f"{path} [{name}]", table), (str(path), bare)]


def _toml(path: Path) -> dict[str, Any]:
    """The file's contents, with `-` in a key read as `_`."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is not TOML: {error}", "a setting is a line such as: samples = 8") from None
    tables = {key: _underscored(value) if isinstance(value, dict) else value for key, value in data.items()}
    return _underscored(tables)


def _underscored(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key.replace("-", "_"): value for key, value in table.items()}
