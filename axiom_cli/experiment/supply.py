"""A run's problems, opened by its settings: what `--problems`, `--val` and `--test` name, split and screened."""

from __future__ import annotations

from axiom_cli.experiment.curriculum import check_fresh, check_rows
from axiom_cli.importing.source_rows import Say
from axiom_cli.importing.sources import Problems, Reading, open_sources
from axiom_cli.importing.splitting import HELD_OUT, Supply, make_supply, parse_shares
from axiom_cli.settings.configs import LoopConfig
from axiom_cli.settings.options import names
from axiom_cli.workspace.store import Workspace


def open_supply(config: LoopConfig, workspace: Workspace, note: Say, warn: Say) -> Supply:
    """The problems of a run. `note` and `warn` get sentences about how files were read and what was left out.

    Raises UsageError, MissingError, InputError (as `open_sources`) and NothingToDoError where there are too few.
    """
    shares = parse_shares(config.split)
    reading = Reading(
        config.form,
        range(config.min_difficulty, config.max_difficulty + 1),
        config.seed,
        config.as_,
        tuple(names([config.column])),
    )

    def opened(option: str) -> Problems:
        return open_sources(getattr(config, option), reading, workspace, note=note, warn=warn, option=f"--{option}")

    problems = opened("problems")
    given = {option: opened(option) for option in HELD_OUT if getattr(config, option)}
    check_fresh(problems, config)
    supply = make_supply(problems, shares, {"val": config.val_size, "test": config.test_size}, given)
    for sentence in supply.sentences():
        warn(sentence)
    if supply.pools:
        held_out = f"{len(supply.val):,} validate, {len(supply.test):,} test"
        note(f"training on {supply.describe()}; {held_out}")
    check_rows(supply, config)
    return supply
