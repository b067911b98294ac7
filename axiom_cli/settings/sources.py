"""Where a value comes from: flag > AXIOM_* variable > ./axiom.toml > user config directory > preset > default.

A field of a stage's config is looked for under the stage's own name first (`AXIOM_SOLVE_SAMPLES`, `[solve] samples`),
then under its bare name (`AXIOM_SAMPLES`, a top-level `samples`), which serves every stage that has such a field.
pydantic-settings lives only here, and is loaded only where there is a variable or a file to read.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar, get_type_hints

from axiom_cli.errors import UsageError
from axiom_cli.settings import configs
from axiom_cli.settings.configs import LOOP_OBJECTIVES, PRESETS

C = TypeVar("C")
PREFIX = "AXIOM_"


@dataclass(frozen=True)
class Resolved(Generic[C]):
    """A config in force, and for each field the place that its value came from."""

    config: C
    origins: Mapping[str, str]


# The tables of GlobalConfig and ModelConfig, which stand above this module.
SHARED_TABLES = {"global", "model"}


def section(cls: type) -> str:
    """The name of a config in variables and tables: `solve` for SolveConfig."""
    return cls.__name__.removesuffix("Config").lower()


def user_file() -> Path:
    """The user's own axiom.toml, which need not exist."""
    from platformdirs import user_config_path

    return user_config_path("axiom") / "axiom.toml"


def unreadable() -> list[Path]:
    """Files of settings that may be there but may not be read. They are left out, which their owner should know."""
    return [path for path in _places() if _is_open(path) is None]


def _places() -> tuple[Path, Path]:
    return Path("axiom.toml"), user_file()


def _is_open(path: Path) -> bool | None:
    """Whether the file is there; None where it, or a folder on the way to it, may not be read."""
    try:
        return path.is_file() and (os.access(path, os.R_OK) or None)
    except PermissionError:
        return None


def resolve(cls: type[C], flags: Mapping[str, Any]) -> Resolved[C]:
    """The config made of `flags` (those given) and of every weaker source. Raises UsageError naming a bad value: one of
    another type, or a number out of its bounds."""
    found = _preset(_found(cls, flags))
    _check_bounds(found)
    return found


def _found(cls: type[C], flags: Mapping[str, Any]) -> Resolved[C]:
    given = {name: value for name, value in flags.items() if value is not None}
    files = [path for path in _places() if _is_open(path)]
    if not files and not any(name.startswith(PREFIX) for name in os.environ):
        origins = {f.name: "flag" if f.name in given else "default" for f in fields(cls)}  # type: ignore[arg-type]
        return Resolved(cls(**given), origins)
    return _layered(cls, given, files)


def _check_bounds(found: Resolved[Any]) -> None:
    for one in fields(found.config):
        value, bounds = getattr(found.config, one.name), one.metadata["bounds"]
        if isinstance(value, int | float) and not isinstance(value, bool) and not bounds.hold(value):
            origin = found.origins[one.name]
            place = f"flag {flag(one)}" if origin == "flag" else origin
            raise UsageError(f"{place}: {one.name} = {value} is out of bounds", f"{flag(one)} is {bounds.whole()}")


def flag(field: Field[Any]) -> str:
    """The flag of a field of a config."""
    return field.metadata["flag"] or "--" + field.name.replace("_", "-")


def _preset(found: Resolved[C]) -> Resolved[C]:
    """The config with the values of its preset, if it has one, and of its objective, where nothing else was set."""
    name = getattr(found.config, "preset", None)
    if name is None:
        return found
    if name not in PRESETS:
        raise UsageError(f"no preset called {name!r}", f"there are {', '.join(PRESETS)}")
    objective = vars(found.config)["objective"]  # a loop's: nothing else has presets
    told = {f"preset {name}": PRESETS[name], f"objective {objective}": LOOP_OBJECTIVES.get(objective, {})}
    origins = {key: origin for origin, some in told.items() for key in some if found.origins[key] == "default"}
    values = {key: told[origin][key] for key, origin in origins.items()}
    return Resolved(replace(found.config, **values), {**found.origins, **origins})  # type: ignore[type-var]


def _layered(cls: type[C], given: dict[str, Any], files: list[Path]) -> Resolved[C]:
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    layers = [("flag", given), *_variables(cls)]
    for path in files:
        layers += _tables(cls, path)
    for origin, layer in layers:
        for name, value in layer.items():
            if name not in values:
                values[name], origins[name] = value, origin.format(name.upper())
    valid = _validate(cls, values, origins)
    return Resolved(cls(**valid), {f.name: origins.get(f.name, "default") for f in fields(cls)})  # type: ignore[arg-type]


@cache
def _model(cls: type) -> Any:
    """A pydantic-settings model with the fields of `cls`, that reads nothing by itself."""
    from pydantic import create_model
    from pydantic_settings import BaseSettings

    class Base(BaseSettings):
        @classmethod
        def settings_customise_sources(cls, settings_cls: Any, init_settings: Any, **_: Any) -> tuple[Any, ...]:
            return (init_settings,)

    hints = get_type_hints(cls)
    return create_model(cls.__name__, __base__=Base, **{f.name: (hints[f.name], f.default) for f in fields(cls)})


def _variables(cls: type) -> list[tuple[str, dict[str, Any]]]:
    from pydantic_settings import EnvSettingsSource

    own = f"{PREFIX}{section(cls).upper()}_"
    return [
        (f"variable {prefix}{{}}", EnvSettingsSource(_model(cls), env_prefix=prefix, case_sensitive=False)())
        for prefix in (own, PREFIX)
    ]


def _tables(cls: type, path: Path) -> list[tuple[str, dict[str, Any]]]:
    name, known = section(cls), {f.name for f in fields(cls)}
    data = {key.replace("-", "_"): value for key, value in _toml(path).items()}
    _check_tables(path, data)
    table = data.get(name, {})
    if name in known and not isinstance(table, dict):  # `model = "nano"`: a field with its section's name
        table = {}
    if not isinstance(table, dict):
        raise UsageError(f"{path}: {name} is a table, not a value", f"write [{name}] and the values below it")
    table = {key.replace("-", "_"): value for key, value in table.items()}
    for key in table:
        if key not in known:
            raise UsageError(f"{path}: [{name}] has no setting {key!r}", _close(key, known))
    bare = {key: value for key, value in data.items() if key in known and not isinstance(value, dict)}
    return [(f"{path} [{name}]", table), (str(path), bare)]


def _check_tables(path: Path, data: Mapping[str, Any]) -> None:
    stages = [value for name, value in vars(configs).items() if name.endswith("Config")]
    known = {*SHARED_TABLES, *map(section, stages)}
    for key, value in data.items():
        if isinstance(value, dict) and key not in known:
            raise UsageError(f"{path}: there is no table [{key}]", _close(key, known, "there are"))


def _toml(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is not TOML: {error}") from None


def _validate(cls: type, values: dict[str, Any], origins: Mapping[str, str]) -> dict[str, Any]:
    from pydantic import ValidationError

    try:
        return _model(cls)(**values).model_dump()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        raise UsageError(f"{origins.get(name, name)}: {name} = {values.get(name)!r}: {first['msg']}") from None


def _close(word: str, known: set[str], otherwise: str = "it has") -> str:
    matches = difflib.get_close_matches(word, known, 2)
    return f"did you mean {' or '.join(matches)}?" if matches else f"{otherwise} {', '.join(sorted(known))}"
