"""Files of settings: the project's and the user's axiom.toml, and the presets, which lie in the package."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from axiom_cli.errors import UsageError, did_you_mean
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.settings.fields import spelled
from axiom_cli.settings.model_kinds import NANO
from axiom_cli.settings.names import TABLES, option_names

PRESETS = Path(__file__).parent / "presets"
FORMER_PRESETS = {"quick": NANO}


@dataclass(frozen=True)
class SettingsFile:
    """A file of settings as it was read: tables of stages, and values for all of them. A `label` says where a value
    came from; a preset's stands for all of its tables."""

    label: str
    data: Mapping[str, Any]
    is_preset: bool = False

    def layers(self, sections: Sequence[str], accepted: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Where the file sets some of the options `accepted`, the strongest place first, each with its label. Raises
        UsageError for a table or a key that does not exist."""
        for key, value in self.data.items():
            if isinstance(value, dict) and key not in TABLES:
                hint = did_you_mean(key, TABLES, f"there are {', '.join(sorted(TABLES))}")
                raise UsageError(f"{self.label}: there is no table [{key}]", hint)
        for section in sections:
            table, known = self.data.get(section, {}), option_names(TABLES[section])
            if not isinstance(table, dict):
                if section in option_names(LoopConfig):  # `model = "nano"`: a bare option
                    continue
                raise UsageError(
                    f"{self.label}: {section} is a table, not a value", f"write [{section}] and the values below it"
                )
            for key in table:
                if key not in known:
                    names = sorted({spelled(name) for name in known.values()})
                    hint = did_you_mean(key, names, f"it has {', '.join(names)}")
                    raise UsageError(f"{self.label}: [{section}] has no setting {key!r}", hint)
            label = self.label if self.is_preset else f"{self.label} [{section}]"
            yield label, {key: value for key, value in table.items() if key in accepted}
        yield self.label, {k: v for k, v in self.data.items() if k in accepted and not isinstance(v, dict)}


def settings_files() -> list[SettingsFile]:
    """The files that are there to read, the project's first. UsageError for one that is not TOML."""
    return [SettingsFile(str(path), _toml(path)) for path in _places() if _is_readable(path)]


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


def preset_file(name: str) -> SettingsFile:
    """The settings of a preset, its own name among them."""
    name = FORMER_PRESETS.get(name, name)
    return SettingsFile(f"preset {name}", _toml(PRESETS / f"{name}.toml"), is_preset=True)


def preset_text(name: str) -> str:
    """The file of a preset, comments included."""
    return (PRESETS / f"{FORMER_PRESETS.get(name, name)}.toml").read_text("utf-8")


def _places() -> list[Path]:
    return [Path("axiom.toml"), *filter(None, [user_file()])]


def _is_readable(path: Path) -> bool | None:
    """Whether the file exists; None if it, or a folder on the way to it, cannot be read."""
    try:
        return path.is_file() and (os.access(path, os.R_OK) or None)
    except PermissionError:
        return None


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
