"""The command that repeats a run, from the settings in its config.json."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from axiom_cli.evaluation.experiment_folder import Experiment
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.settings.fields import flag, spelled
from axiom_cli.settings.files import preset_file
from axiom_cli.settings.model_kinds import LOOP_OBJECTIVES, NANO, PRETRAINED

SAID_FIRST = ("experiment", "preset", "model", "plan")


def command_line(experiment: Experiment, /, **changes: Any) -> str:
    """`axiom loop` with the options in which the run differs from its preset, and with these `changes` among the
    experiment's own settings. It is the same wherever it is asked for: settings files play no part. Empty where the
    settings were not kept, or kept by an earlier version in another form."""
    config = {**experiment.config, **changes}
    if not isinstance(config.get("solve"), Mapping) or not isinstance(config.get("train"), Mapping):
        return ""
    model = config["model"].get("name", NANO) if isinstance(config.get("model"), Mapping) else NANO
    kind = NANO if model == NANO else PRETRAINED
    preset = config.get("preset")
    preset = preset if preset in LoopConfig.parts()[""].choices("preset") else ""
    words = {"--experiment": str(config.get("experiment", experiment.name))}
    words |= {"--model": str(model)} if model != NANO else {}
    words |= {"--preset": str(preset)} if preset not in ("", kind) else {}
    words |= _options(config, _preset(str(preset or kind)), kind)
    return shlex.join(["axiom", "loop", *(word for pair in words.items() for word in pair if word)])


def _preset(name: str) -> dict[str, Any]:
    data = preset_file(name).data
    tables = [value for value in data.values() if isinstance(value, dict)]
    flat = {key: value for key, value in data.items() if not isinstance(value, dict)}
    return flat | {key: value for table in tables for key, value in table.items()}


def _options(config: Mapping[str, Any], preset: Mapping[str, Any], kind: str) -> dict[str, str]:
    """The flags of the settings that are neither the preset's nor what the objective brings along."""
    words: dict[str, str] = {}
    suited = LOOP_OBJECTIVES[kind].get(str(config["train"].get("objective")), {})
    for place, part in LoopConfig.parts().items():
        values: Any = config.get(place, {}) if place else config
        usual: dict[str, Any] = {option.name: option.default for option in part.options}
        usual |= {**preset, **suited}
        for option in part.options if place not in SAID_FIRST else ():
            name = spelled(option.name)
            if name in values and name not in SAID_FIRST and values[name] != usual[option.name]:
                words |= _flag(option.name, values[name])
    return words


def _flag(name: str, value: Any) -> dict[str, str]:
    if isinstance(value, bool):
        return {flag(name if value else f"no_{name}"): ""}
    return {flag(name): str(value)}
