"""What settings are called: the table of each config, and the names of its options, former ones too."""

from __future__ import annotations

from collections.abc import Mapping

from axiom_cli.settings import configs
from axiom_cli.settings.configs import GlobalConfig, ModelConfig
from axiom_cli.settings.fields import Config, Part, spelled

CONFIGS = [value for value in vars(configs).values() if isinstance(value, type) and issubclass(value, Config)][1:]
STAGES = [cls for cls in CONFIGS if cls not in (GlobalConfig, ModelConfig)]


def section(cls: type[Config]) -> str:
    """The name of a config in variables and tables: `solve` for SolveConfig."""
    return cls.__name__.removesuffix("Config").lower()


def former_names(cls: type[Config], kind: str = "formerly") -> dict[str, str]:
    """The options that were renamed: the name of each, by the one that it had formerly. With the kind `alias`, those
    that have two names."""
    return _other_names(cls.parts()[""], kind)


def option_names(cls: type[Config]) -> Mapping[str, str]:
    """The option behind each name that a variable or a file may call it by, those of held stages included."""
    names: dict[str, str] = {}
    for part in reversed(list(cls.parts().values())):  # its own last: they win
        names |= part_names(part)
    return names


def part_names(part: Part) -> dict[str, str]:
    """The option of the part behind each name that it may be called by."""
    return (
        _other_names(part, "formerly")
        | _other_names(part, "alias")
        | {spelled(option.name): option.name for option in part.options}
    )


def _other_names(part: Part, kind: str) -> dict[str, str]:
    return {option.metadata[kind]: option.name for option in part.options if option.metadata[kind]}


TABLES = {section(cls): cls for cls in CONFIGS}
"""Every config by the name of its table."""
