"""The command that a report gives to repeat a run makes the same settings again."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from axiom_cli.evaluation.experiment_folder import Experiment, ExperimentFolder
from axiom_cli.experiment.writer import kept_settings
from axiom_cli.report.outcome.command_line import command_line
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.settings.sources import resolve


def run(**flags: object) -> Experiment:
    """A run of `axiom loop` with these flags, by its settings alone."""
    config = resolve(LoopConfig, flags).config
    settings = kept_settings(config)
    settings["model"] = {"name": config.model.model or "nano", "digest": "d" * 64}
    return Experiment(config.experiment, ExperimentFolder(Path("nowhere")), settings, [])


@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"experiment": "other", "iterations": 3, "temperature": 0.8, "unmerged": True},
        {"preset": "climb", "seed": 4, "gradient_checkpointing": True},
        {"objective": "grpo", "control": "shuffled"},
        {"preset": "classic", "model": "Qwen/Qwen2.5-Coder-1.5B-Instruct", "lr": 1e-5},
    ],
)
def test_it_makes_the_same_settings(flags: dict[str, object]):
    words = shlex.split(command_line(run(**flags)))[2:]
    again, names = {}, {"--experiment", "--model", "--preset"}
    while words:
        word = words.pop(0)
        name = word.removeprefix("--").replace("-", "_")
        again[name] = words.pop(0) if words and not words[0].startswith("--") else not name.startswith("no_")
        names.add(word)
    typed = {name: _typed(name, value, flags) for name, value in again.items()}
    assert run(**typed).config == run(**flags).config
    assert len(names) <= 5 + len(flags), "it names no default"


def _typed(name: str, value: object, flags: dict[str, object]) -> object:
    return type(flags[name])(value) if name in flags and not isinstance(flags[name], bool) else value


def test_a_run_whose_settings_were_not_kept_has_none():
    assert command_line(Experiment("run", ExperimentFolder(Path("nowhere")), {"lr": 0.1}, [])) == ""
