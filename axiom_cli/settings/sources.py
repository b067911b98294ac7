"""Where a value comes from: flag > AXIOM_* variable > ./axiom.toml > user config directory > preset > default.

A field of a stage's config is looked for under the stage's own name first (`AXIOM_SOLVE_SAMPLES`, `[solve] samples`),
then under its bare name (`AXIOM_SAMPLES`, a top-level `samples`), which serves every stage that has such a field. In
the loop it is looked for under `loop` before the stage's own name. The name that a field had formerly still works.
pydantic-settings lives only here, and is loaded only where there is a variable or a file to read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_type_hints

from axiom_cli.errors import UsageError, did_you_mean
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.settings.fields import Config, Part, flag, spelled
from axiom_cli.settings.files import SettingsFile, preset_file, settings_files
from axiom_cli.settings.model_kinds import LOOP_OBJECTIVES, NANO, PRETRAINED, kind_by_name
from axiom_cli.settings.names import CONFIGS, STAGES, TABLES, former_names, option_names, part_names, section

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings


C = TypeVar("C", bound=Config)
PREFIX = "AXIOM_"
OWN_KEY = "AXIOM_API_KEY"
"""The key for a server: a variable alone, and not a setting."""
KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


@dataclass(frozen=True)
class Settings(Generic[C]):
    """A config in force, and for each option the place that its value came from; an option of a stage that the config
    holds is `stage.option` there."""

    config: C
    origins: Mapping[str, str]


def outdated() -> Iterator[str]:
    """A sentence for each variable, and each key of a settings file, that has a new name."""
    files = settings_files()
    for cls in STAGES:
        own = section(cls)
        for old, new in former_names(cls).items():
            for prefix in (PREFIX, f"{PREFIX}{own.upper()}_"):
                if f"{prefix}{old.upper()}" in os.environ:
                    yield f"{prefix}{old.upper()} is now called {prefix}{new.upper()}"
            for file in files:
                table = file.data.get(own)
                if old in file.data or (isinstance(table, dict) and old in table):
                    yield f"{file.label}: {old} is now called {new}"


def unknown_variables() -> Iterator[str]:
    """A sentence for each AXIOM_* variable that sets nothing."""
    named = {name for name in os.environ if name.startswith(PREFIX)}
    if not named:
        return
    known = {OWN_KEY}
    for cls in CONFIGS:
        names = [name.upper() for name in option_names(cls)]
        known |= {f"{prefix}{name}" for name in names for prefix in (PREFIX, f"{PREFIX}{section(cls).upper()}_")}
    for name in sorted(named - known):
        hint = did_you_mean(name, sorted(known), "axiom config lists the settings")
        yield f"{name} is not a setting of axiom; {hint}"


def resolve(cls: type[C], flags: Mapping[str, Any], kind_of: Callable[[str], str] = kind_by_name) -> Settings[C]:
    """The config made of `flags` (those that are not None) and of every weaker source. A loop's preset, and what its
    objective needs, follow the kind of its model, which `kind_of` knows by the model's name.

    Raises UsageError naming a bad value: one of another type, outside its bounds, or not among its choices.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    files = settings_files()
    settings = _settled(cls, given, files)
    if not isinstance(settings.config, LoopConfig):
        return settings
    preset = preset_file(settings.config.preset or kind_of(settings.config.model.model))
    preferred = _settled(LoopConfig, given, [*files, preset])
    objective, layers = preferred.config.train.objective, [*files, preset]
    suited = LOOP_OBJECTIVES[kind_of(preferred.config.model.model)].get(objective, {})
    chosen_by_preset = preferred.origins["train.objective"] == preset.label
    layers.insert(
        len(files) + chosen_by_preset, SettingsFile(f"objective {objective}", {"loop": suited}, is_preset=True)
    )
    levels = preferred.config
    if preferred.origins["climb_from"] == preset.label and levels.climb_from > levels.max_difficulty:
        given["climb_from"] = 0  # the preset's climb needs levels that this run leaves out
    return _settled(cls, given, layers)


def defaults(cls: type[Config]) -> dict[str, str]:
    """The default of each option, as text; a loop's are those of its presets."""
    own = {option.name: option.default for part in cls.parts().values() for option in part.options}
    if not issubclass(cls, LoopConfig):
        return {name: _shown(value) for name, value in own.items()}
    nano, other = (own | _flat(preset_file(name).data) for name in (NANO, PRETRAINED))
    return {
        name: _shown(nano[name])
        if nano[name] == other[name]
        else f"{_shown(nano[name])} for nano, {_shown(other[name])} for others"
        for name in own
    }


def _shown(value: Any) -> str:
    return "" if isinstance(value, bool) else str(value)


def _flat(data: Mapping[str, Any]) -> dict[str, Any]:
    tables = [value for value in data.values() if isinstance(value, dict)]
    flat = {key: value for key, value in data.items() if not isinstance(value, dict)}
    return flat | {key: value for table in tables for key, value in table.items()}


def _settled(cls: type[C], given: Mapping[str, Any], files: Sequence[SettingsFile]) -> Settings[C]:
    """The config with each option from the strongest source that sets it."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for place, part in cls.parts().items():
        sections = list(dict.fromkeys([section(cls), section(part.cls)]))
        flags = {option.name: given[option.name] for option in part.options if option.name in given}
        if files or any(name.startswith(PREFIX) for name in os.environ):
            part_values, labels = _layered(part, sections, flags, files)
        else:
            part_values, labels = flags, dict.fromkeys(flags, "flag")
        for name, value in part_values.items():
            if labels[name] == "flag" and value == "" != getattr(part.cls, name):
                raise UsageError(
                    f"{flag(name)} is empty",
                    "leave it out for its default, or say what it is to be: in quotes if it has a $",
                )
            said = f"{flag(name)} {value}" if labels[name] == "flag" else f"{labels[name]}: {spelled(name)} = {value!r}"
            part.check(name, value, said)
        values |= {place: part.cls(**part_values)} if place else part_values
        prefix = f"{place}." if place else ""
        origins |= {f"{prefix}{option.name}": labels.get(option.name, "default") for option in part.options}
    return Settings(cls(**values), origins)


def _layered(
    part: Part, sections: Sequence[str], given: dict[str, Any], files: Sequence[SettingsFile]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that some source sets, and the origin of each."""
    from pydantic import ValidationError
    from pydantic_settings import EnvSettingsSource

    model, accepted = _model(section(part.cls)), part_names(part)
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    layers: list[tuple[str, Mapping[str, Any]]] = [("flag", given)]
    for prefix in (*(f"{PREFIX}{name.upper()}_" for name in sections), PREFIX):
        source = EnvSettingsSource(model, env_prefix=prefix, case_sensitive=False)
        layers.append((f"variable {prefix}{{}}", {k: v for k, v in source().items() if k in accepted}))
    for file in files:
        layers += file.layers(sections, accepted)
    for origin, layer in layers:
        # In one table the new name wins, wherever it stands.
        for key in sorted(layer, key=lambda key: key in accepted and spelled(accepted[key]) != key):
            name = accepted.get(key, key)
            if name not in values:
                values[name], origins[name] = layer[key], origin.format(key.upper())
    try:
        checked = model(**{spelled(name): value for name, value in values.items()})
        return {name: getattr(checked, spelled(name)) for name in values}, origins
    except ValidationError as error:
        name = accepted[str(error.errors()[0]["loc"][0])]
        default = getattr(part.cls, name)
        message = f"{origins.get(name, name)}: {spelled(name)} = {values.get(name)!r} is not {KINDS[type(default)]}"
        hint = f"the default of {flag(name)} is {default}" if default != "" else f"{flag(name)} takes text"
        raise UsageError(message, hint) from None


@cache
def _model(table: str) -> type[BaseSettings]:
    """A pydantic-settings model with the options of a config, under their former names too. It reads nothing by itself,
    and leaves the choices to `Part.check`, so that every source gets the same message."""
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

    cls = TABLES[table]
    hints, part = get_type_hints(cls), cls.parts()[""]
    types = {o.name: (str if o.name in cls.CHOICES else hints[o.name], o.default) for o in part.options}
    definitions: dict[str, Any] = {key: types[name] for key, name in part_names(part).items()}
    return create_model(cls.__name__, __base__=Base, **definitions)
